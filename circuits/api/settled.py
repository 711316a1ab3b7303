"""Where a circuit came to rest in a circuit simulator, beside what `crossbar` says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class CircuitStates:
    """States of a circuit at rest, by name, from two independent sides.

    Attributes
    ----------
    states : mapping of str to ndarray (size,)
        By block, as the circuit simulator found them; a state of 1 is 1 V. Clamped blocks are as they were held.
    simulated : mapping of str to ndarray (size,)
        The same by `crossbar`'s own solver.
    neurons : mapping of str to float
        The circuit simulator's states by the neurons' names in the netlist.
    engine : str
        Name and version.
    analysis : str
        "tran": the circuit settled by itself from its initial state; "op": it rests at this operating point.
    tolerance : float
        Difference that is allowed, V.
    seconds : float
        Wall time of the simulation.

    Examples
    --------
    What `circuits.Circuit.settle` returns:

    >>> import numpy as np
    >>> from circuits import CircuitStates
    >>> one = {"output": np.array([0.25])}
    >>> found = CircuitStates(states=one, simulated=one, neurons={"output_0": 0.25}, engine="ngspice 39",
    ...                       analysis="tran", tolerance=1e-6, seconds=0.1)
    >>> found.max_abs_error, found.agrees
    (0.0, True)
    """

    states: Mapping[str, np.ndarray]
    simulated: Mapping[str, np.ndarray]
    neurons: Mapping[str, float]
    engine: str
    analysis: str
    tolerance: float
    seconds: float

    @property
    def max_abs_error(self) -> float:
        """Largest difference of a state between both sides, V."""
        return max(float(np.abs(self.states[name] - self.simulated[name]).max()) for name in self.states)

    @property
    def agrees(self) -> bool:
        """Whether no state differs by more than the tolerance."""
        return self.max_abs_error <= self.tolerance

    def __repr__(self) -> str:
        blocks = ", ".join(f"{name} {values.shape}" for name, values in self.states.items())
        verdict = "agrees with" if self.agrees else "DIFFERS from"
        return (
            f"CircuitStates({blocks}; {self.engine} ({self.analysis}, {self.seconds:.2g} s) {verdict} crossbar: "
            f"largest difference {self.max_abs_error:.1e} V, {self.tolerance:.0e} V allowed)"
        )
