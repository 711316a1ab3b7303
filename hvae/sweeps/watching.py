"""A sweep as a person watches it: trials so far, the best of them, and the losses of the current ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from crossbar import console
from crossbar.errors import InvalidValue
from hvae.jobs import bars, choice
from hvae.jobs.bars import Bars
from hvae.jobs.site import Needs
from hvae.sweeps import results
from hvae.sweeps.space import Sweep, Value
from hvae.sweeps.study import JOURNAL, open_study
from hvae.sweeps.trials import SweepObserver, Worker
from hvae.training.engines import Choice

_console = console.stderr()
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


def watch(
    sweep: Sweep,
    folder: Path,
    storage: str | None = None,
    trials: int | None = None,
    engine: Choice | None = None,
    *,
    workers: int = 1,
    scheduler: str | None = None,
) -> dict[str, object]:
    """Run trials of `sweep`, shown on stderr; write its results into `folder` after each, and return them.

    `engine` makes the steps of the trials that it can make, numpy those of the others. The trials of a batch run in
    `workers` processes, or on the cluster whose `scheduler` is named.

    Raises
    ------
    InvalidValue
        Many would work, but a batch is one trial.
    """
    if (workers > 1 or scheduler is not None) and sweep.batch == 1:
        raise InvalidValue(
            "this sweep runs one trial at a time (`batch` is 1): set `batch` under [sweep] to as many trials as are to "
            "run at once, such as 8; more of them know less of each other"
        )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    runner = choice.runner(workers, scheduler, lambda: Needs(out=folder.resolve(), data=sweep.data()))
    study = open_study(sweep, folder, storage)
    wanted = trials or sweep.trials
    with bars.shown("trials", wanted, _ended(study), _console) as shown:
        observer = _observer(study, shown, folder)
        Worker(
            sweep=sweep, study=study, folder=folder, observer=observer, engine=engine or Choice(), runner=runner
        ).run(wanted)
    found = results.summary(study)
    for path in [*results.write(study, folder), *results.draw(study, folder)]:
        _console.print(f"written: {path}")
    return found | {"out": str(folder), "storage": storage or str(folder / JOURNAL)}


def _observer(study: optuna.Study, shown: Bars, folder: Path) -> SweepObserver:
    def on_trial(number: int, values: Mapping[str, Value]) -> None:
        shown.say(f"trial {number}: " + "  ".join(f"{key}={_short(value)}" for key, value in values.items()))

    def on_end(trial: FrozenTrial) -> None:
        value = "" if trial.value is None else f", Frechet distance {trial.value:.4g}"
        reason = f" ({trial.user_attrs['diverged']})" if "diverged" in trial.user_attrs else ""
        shown.say(f"trial {trial.number}: {trial.state.name.lower()}{value}{reason}")
        shown.end(f"trial {trial.number}")
        shown.done(_ended(study), _best(study))
        results.write(study, folder)

    return SweepObserver(on_trial=on_trial, on_end=on_end, listener=shown.listener)


def _ended(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=_ENDED))


def _best(study: optuna.Study) -> str:
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return ""
    return f"best {study.best_value:.4g} (trial {study.best_trial.number})"


def _short(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
