"""The exported circuit beside the simulator: one settled role, neuron by neuron."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from circuits import reference
from circuits.engines.engine import Engine
from circuits.engines.process import Limits
from circuits.netlist import Circuit
from circuits.waveforms import Waveforms
from crossbar.errors import EngineError

DEPTH = math.log(1e9)  # a transient ends when the slowest mode has decayed by this factor
SHORTEST, LONGEST = 60.0, 5000.0  # time constants of a transient
COARSE = 1 / 3  # of that length: a way to the operating point need only end in Newton's reach


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """States of one circuit by an engine and by the simulator.

    Attributes
    ----------
    circuit : Circuit
    ours, theirs : ndarray (N,)
        The simulator's states and the engine's; clamped neurons hold the same in both.
    waveforms : Waveforms
    softest : float
        Smallest eigenvalue of the Hessian: the stiffness of the softest mode.
    """

    circuit: Circuit
    ours: np.ndarray
    theirs: np.ndarray
    waveforms: Waveforms
    softest: float

    @property
    def error(self) -> np.ndarray:
        """Difference of the states (N,), zero where they are clamped."""
        return self.theirs - self.ours

    @property
    def energies(self) -> tuple[float, float]:
        """E(s) of eq. (1) by the simulator and at the engine's states."""
        return reference.energy(self.circuit, self.ours), reference.energy(self.circuit, self.theirs)

    def blocks(self, blocks: Mapping[str, slice]) -> dict[str, dict[str, float]]:
        """Return the maximum and rms error of every block that is free."""
        return {
            name: {"max": float(np.abs(self.error[part]).max()), "rms": float(np.sqrt(np.mean(self.error[part] ** 2)))}
            for name, part in blocks.items()
            if not self.circuit.clamped[part].all()
        }


def compare(
    circuit: Circuit, engine: Engine, folder: Path, limits: Limits, *, kind: str, fixed_rail: bool = False
) -> Comparison:
    """Settle `circuit` by the simulator and by `engine`, and return both.

    With `fixed_rail`, the word lines are sources at the signals of the simulator's equilibrium, and the engine says
    where each neuron then comes to rest: equality proves that the state is a fixed point of the netlist, all devices
    included, but not that the coupled circuit settles there.

    Parameters
    ----------
    kind : {"tran", "op", "tran-op"}
        Coupled transient from the initial state, or operating point. The latter is sought from the simulator's state
        (nodesets): it shows that the coupled circuit rests there, all its loops closed, not how it gets there.
        "tran-op" (VACASK) lets the circuit find its own way: a coarse transient from the initial state, and the
        operating point from where that ends.

    Raises
    ------
    EngineError
        The engine failed, or a transient was asked for that would not end in `LONGEST` time constants.
    DivergedError
        The simulator did not settle.
    """
    if kind == "tran-op" and (fixed_rail or engine.name != "vacask"):
        raise EngineError("--analysis tran-op is for coupled circuits in VACASK; take --analysis tran or op")
    ours = reference.settle(circuit)
    softest = reference.softest_mode(circuit, ours)
    asked = replace(circuit.analysis, kind="op" if fixed_rail else kind)
    if asked.kind != "op":
        share = 1 if asked.kind == "tran" else COARSE
        asked = replace(asked, marks={"free": share * duration(softest)})
    guess = ours if asked.kind == "op" else None
    posed = replace(circuit, analysis=asked, rails=ours if fixed_rail else None, guess=guess)
    waveforms = engine.settle(posed, folder, limits)
    free = np.flatnonzero(~circuit.clamped)
    theirs = ours.copy()
    theirs[free] = waveforms.states([circuit.names[index] for index in free])
    if not np.isfinite(theirs).all():
        raise EngineError(f"{engine.name} returned states that are not finite; try the other analysis")
    return Comparison(circuit=posed, ours=ours, theirs=theirs, waveforms=waveforms, softest=softest)


def duration(softest: float) -> float:
    """Return how many time constants a transient needs until the softest mode has decayed to 1e-9.

    Raises
    ------
    EngineError
        The equilibrium is so soft, or such a saddle, that a transient would not end.
    """
    needed = DEPTH / softest if softest > 0 else math.inf
    if needed > LONGEST:
        raise EngineError(
            f"the softest mode has stiffness {softest:.1e}: a transient would need over {LONGEST:g} time constants; "
            "use --analysis op or --mode fixed-rail"
        )
    return max(SHORTEST, SHORTEST / 2 + needed)
