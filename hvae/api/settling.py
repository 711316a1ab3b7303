"""Samples that do not come to rest, told to who uses a model from Python."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from hvae.learning.learners import Learner
from hvae.learning.unsettled import TOLD, Tally

_REMEDY = "raise `max_sweeps`, or train with a lower `learning_rate`"


@contextmanager
def counting(learner: Learner) -> Iterator[Learner]:
    """Give `learner` with its samples counted, and warn at the end if more than `TOLD` of them did not settle."""
    tally = Tally()
    yield learner.counted(tally)
    warn({"samples did not settle": tally.unsettled})


def warn(shares: dict[str, float | None]) -> None:
    """Warn of those `shares`, by what came to nothing, that are above `TOLD`; a sklearn ConvergenceWarning."""
    told = [f"{100 * share:.3g} % of {what}" for what, share in shares.items() if share is not None and share > TOLD]
    if told:
        from sklearn.exceptions import ConvergenceWarning

        warnings.warn(f"{', '.join(told)}: {_REMEDY}", ConvergenceWarning, stacklevel=2)
