"""Samples that do not come to rest: counted, told above a few in a hundred, refused above a limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossbar.errors import DivergedError
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.settling import Settled, Solver

TOLD = 0.02
"""Share of the samples from which people are warned."""

_REMEDY = (
    "raise `settling.max_sweeps` or `nudging.max_sweeps`, or take a lower `optimizer.learning_rate` or `nudging.beta`; "
    "where it is what you study, `settling.max_unsettled=1` allows it"
)


class UnsettledError(DivergedError):
    """A network whose samples do not come to rest, so that its states, and what is made of them, mean nothing."""


@dataclass(kw_only=True)
class Tally:
    """How many samples were to settle, and how many did."""

    seen: int = 0
    settled: int = 0

    def count(self, found: Settled) -> Settled:
        """Count the samples of `found`, and return it."""
        self.seen += len(found.outcome)
        self.settled += int(found.settled.sum())
        return found

    @property
    def unsettled(self) -> float | None:
        """Share of the samples that did not settle; None where nothing was to settle, as in an F-VAE."""
        return 1 - self.settled / self.seen if self.seen else None


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A solver whose outcomes are counted in `tally`."""

    solver: Solver
    tally: Tally

    def settle(self, landscape: Landscape, start: np.ndarray | None = None) -> Settled:
        """Settle, and count."""
        return self.tally.count(self.solver.settle(landscape, start))


def warning(shares: Mapping[str, float | None]) -> str | None:
    """Return a sentence on those of `shares`, by what failed, that are above `TOLD`; None where none is.

    >>> warning({"samples did not settle": 0.25, "nudges failed": 0.0})
    'warning: 25 % of samples did not settle'
    """
    told = [f"{share:.3g} % of {what}" for what, part in shares.items() if (share := 100 * (part or 0)) > 100 * TOLD]
    return f"warning: {', '.join(told)}" if told else None


def refuse(shares: Mapping[str, float | None], limit: float) -> None:
    """Refuse `shares`, by what failed, of which one is above `limit`.

    Raises
    ------
    UnsettledError
        One is.
    """
    worst = {what: share for what, share in shares.items() if (share or 0) > limit}
    if worst:
        named = ", ".join(f"{100 * (share or 0):.3g} % of {what}" for what, share in worst.items())
        raise UnsettledError(f"{named} (limit {100 * limit:.3g} %): {_REMEDY}")
