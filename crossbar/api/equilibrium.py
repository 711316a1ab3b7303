"""What `settle` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossbar.hopfield.settling import Outcome


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class Equilibrium:
    """Where a network came to rest, block by block, and how it got there.

    Settled states obey s = rho'(s) (W rho(s)) (eq. 2 at rest) to within the tolerance.

    Attributes
    ----------
    states : mapping of str to ndarray (size,) or (batch, size)
        States s of every block, those that were clamped too; without a batch where none was given.
    signals : mapping of str to ndarray
        rho(s) of the same.
    free : tuple of str
        Blocks that settled.
    solver, reason : str
        Which solver was taken, and why.
    residual : ndarray (batch,)
        max |s - rho'(s) (W rho(s))| over the free neurons.
    sweeps : ndarray (batch,)
        Products with W.
    outcome : tuple of Outcome
        How each sample ended; `outcome[0].message` tells the remedy.

    Examples
    --------
    >>> import numpy as np
    >>> import crossbar as xb
    >>> W = np.array([[0.0, 0.8], [0.8, 0.0]])
    >>> found = xb.settle(xb.HopfieldNetwork(W, {"input": 1, "output": 1}), clamp={"input": [1.0]})
    >>> found.settled, found.solver
    (True, 'ConjugateGradient')
    >>> found.states["output"].shape
    (1,)
    """

    states: Mapping[str, np.ndarray]
    signals: Mapping[str, np.ndarray]
    free: tuple[str, ...]
    solver: str
    reason: str
    residual: np.ndarray
    sweeps: np.ndarray
    outcome: tuple[Outcome, ...]

    @property
    def settled(self) -> bool:
        """Whether all samples settled."""
        return all(one is Outcome.SETTLED for one in self.outcome)

    def __repr__(self) -> str:
        blocks = ", ".join(f"{name} {self.states[name].shape}" for name in self.free)
        count = sum(one is Outcome.SETTLED for one in self.outcome)
        others = [one for one in Outcome if one is not Outcome.SETTLED and one in self.outcome]
        remedies = "".join(f"; {self.outcome.count(one)} {one.message}" for one in others)
        return (
            f"Equilibrium({blocks}; {count} of {len(self.outcome)} settled by {self.solver} in "
            f"{self.sweeps.mean():.1f} sweeps, largest residual {self.residual.max():.1e}; {self.reason}{remedies})"
        )
