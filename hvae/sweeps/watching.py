"""A sweep as a person watches it: trials so far, the best of them, and the losses of the current one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from crossbar import console
from hvae.sweeps import results
from hvae.sweeps.space import Sweep, Value
from hvae.sweeps.study import JOURNAL, open_study
from hvae.sweeps.trials import SweepObserver, Worker
from hvae.training.engines import Choice

_console = console.stderr()
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


def watch(
    sweep: Sweep, folder: Path, storage: str | None = None, trials: int | None = None, engine: Choice | None = None
) -> dict[str, object]:
    """Run trials of `sweep`, shown on stderr; write its results into `folder` after each, and return them.

    `engine` makes the steps of the trials that it can make, numpy those of the others.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = open_study(sweep, folder, storage)
    wanted = trials or sweep.trials
    with _bars() as bars:
        observer = _observer(study, bars, folder, wanted)
        Worker(sweep=sweep, study=study, folder=folder, observer=observer, engine=engine or Choice()).run(
            wanted
        )
    found = results.summary(study)
    for path in [*results.write(study, folder), *results.draw(study, folder)]:
        _console.print(f"written: {path}")
    return found | {"out": str(folder), "storage": storage or str(folder / JOURNAL)}


def _observer(study: optuna.Study, bars: Progress, folder: Path, wanted: int) -> SweepObserver:
    all_trials = bars.add_task("trials", total=wanted, completed=_ended(study), losses="")
    current = bars.add_task("trial", total=None, losses="", visible=False)

    def on_trial(number: int, values: Mapping[str, Value]) -> None:
        shown = "  ".join(f"{key}={_short(value)}" for key, value in values.items())
        bars.console.print(f"trial {number}: {shown}")
        bars.update(current, description=f"trial {number}", completed=0, total=None, losses="", visible=True)

    def on_step(step: int, total: int, metrics: Mapping[str, float]) -> None:
        losses = f"SSE/2 {metrics['sse_half']:.1f}  KL {metrics['kl']:.1f}"
        bars.update(current, completed=step, total=total, losses=losses)

    def on_end(trial: FrozenTrial) -> None:
        value = "" if trial.value is None else f", Frechet distance {trial.value:.4g}"
        reason = f" ({trial.user_attrs['diverged']})" if "diverged" in trial.user_attrs else ""
        bars.console.print(f"trial {trial.number}: {trial.state.name.lower()}{value}{reason}")
        bars.update(all_trials, completed=_ended(study), losses=_best(study))
        results.write(study, folder)

    return SweepObserver(on_trial=on_trial, on_step=on_step, on_end=on_end)


def _ended(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=_ENDED))


def _best(study: optuna.Study) -> str:
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return ""
    return f"best {study.best_value:.4g} (trial {study.best_trial.number})"


def _short(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _bars() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("{task.fields[losses]}"), console=_console)
