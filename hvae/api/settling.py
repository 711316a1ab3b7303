"""Samples that do not come to rest, told to who uses a model from Python, and refused where they are too many."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from hvae.learning import unsettled
from hvae.learning.learners import Learner
from hvae.learning.unsettled import TOLD, Tally

_REMEDY = "raise `max_sweeps`, or train with a lower `learning_rate`"


@contextmanager
def counting(learner: Learner, limit: float) -> Iterator[Learner]:
    """Give `learner` with its samples counted, and judge at the end how many did not settle, see `judge`."""
    tally = Tally()
    yield learner.counted(tally)
    judge({"samples did not settle": tally.unsettled}, limit)


def judge(shares: Mapping[str, float | None], limit: float) -> None:
    """Warn (a ConvergenceWarning) of `shares`, by what came to nothing, that are above `TOLD`.

    Raises
    ------
    UnsettledError
        One is above `limit`.
    """
    unsettled.refuse(shares, limit)
    told = [f"{100 * share:.3g} % of {what}" for what, share in shares.items() if share is not None and share > TOLD]
    if told:
        from sklearn.exceptions import ConvergenceWarning

        warnings.warn(f"{', '.join(told)}: {_REMEDY}", ConvergenceWarning, stacklevel=2)
