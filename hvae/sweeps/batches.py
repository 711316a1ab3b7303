"""What a trial is drawn and pruned by: the trials of earlier batches, whatever those of its own batch do meanwhile.

The trials of a study have places 0, 1, 2 ... in the order in which they are first begun; one that takes up another has
its place.  Places p with the same p // `Sweep.batch` are a batch, whose trials run at once.  As none of them sees
another, nothing depends on who runs them and who ends first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from hvae.sweeps.space import Sweep

PLACE = "place"
"""The attribute of a trial that takes up another."""

_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


def place(trials: Sequence[FrozenTrial], number: int) -> int:
    """Return the place of trial `number` among all `trials` of a study."""
    own = trials[number].user_attrs.get(PLACE) if number < len(trials) else None
    return number - sum(PLACE in one.user_attrs for one in trials[:number]) if own is None else int(own)


def size(trials: Sequence[FrozenTrial], sweep: Sweep) -> int:
    """Return how many trials may begin together after `trials`: those that are to be taken up, else a batch's rest."""
    waiting = sum(trial.state is TrialState.WAITING for trial in trials)
    return min(waiting, sweep.batch) or sweep.batch - place(trials, len(trials)) % sweep.batch


def earlier(trials: Sequence[FrozenTrial], sweep: Sweep, at: int) -> Study:
    """Return a study in memory of the `trials` that ended in batches before that of the place `at`."""
    first = at - at % sweep.batch
    ended = {place(trials, trial.number): trial for trial in trials if trial.state in _ENDED}
    study = optuna.create_study(direction="minimize", pruner=_pruner(sweep))
    study.add_trials([ended[one] for one in sorted(ended) if one < first])
    return study


def begun(study: Study) -> Trial:
    """Return a trial of `study`, made by `earlier`, that can be reported to and pruned wherever it goes."""
    return study.ask()


class Drawing(BaseSampler):
    """Draws the trial at the place `at` from a study made by `earlier`; trials of one batch are drawn differently."""

    def __init__(self, study: Study, sweep: Sweep, at: int) -> None:
        seed = int(np.random.SeedSequence((sweep.seed, at)).generate_state(1)[0])
        self._study = study
        self._sampler = TPESampler(seed=seed, n_startup_trials=sweep.startup_trials, multivariate=False)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        """Return no parameters: each is drawn by itself."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]  # noqa: ARG002
    ) -> dict[str, object]:
        """Return nothing, as asked for nothing."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution  # noqa: ARG002
    ) -> object:
        """Return a value of one parameter."""
        return self._sampler.sample_independent(self._study, trial, param_name, param_distribution)


def _pruner(sweep: Sweep) -> optuna.pruners.BasePruner:
    if sweep.pruner == "none":
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(n_startup_trials=sweep.startup_trials, n_warmup_steps=sweep.warmup_epochs)
