"""What a sweep has found: its best trial, how the trials ended, which parameters mattered; and the pictures of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import optuna
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from crossbar.output_files import write_text
from hvae.config import toml_file
from hvae.reports import figures
from hvae.reports.figures import COLOURS
from hvae.sweeps.study import best_config

_MIN_TRIALS = 4  # completed trials below which importances would mean nothing


def summary(study: optuna.Study) -> dict[str, object]:
    """Return the state of `study` as one object: counts of trials, the best one, importances."""
    trials = study.get_trials(deepcopy=False)
    counts = {state.name.lower(): sum(trial.state is state for trial in trials) for state in TrialState}
    found: dict[str, object] = {"study": study.study_name, "objective": "validation Frechet distance", "trials": counts}
    if counts["complete"]:
        trial = study.best_trial
        best = {"number": trial.number, "value": trial.value, "parameters": trial.params}
        found["best"] = best | {"run": trial.user_attrs.get("run")}
    found["batch"] = json.loads(study.user_attrs.get("sweep", "{}")).get("batch", 1)
    found["diverged"] = sum("diverged" in trial.user_attrs for trial in trials)
    found["importances"] = importances(study)
    return found


def importances(study: optuna.Study) -> dict[str, float]:
    """Return the share of each parameter in what makes trials good, largest first; empty for very few trials.

    PED-ANOVA (Watanabe, Bansal and Hutter, arXiv:2304.10255): how much narrower a parameter is spread among the best
    trials than among all.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < _MIN_TRIALS or len({trial.value for trial in complete}) == 1:
        return {}
    found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return {key: float(value) for key, value in found.items()}


def write(study: optuna.Study, folder: Path) -> list[Path]:
    """Write summary and best configuration of `study` into `folder`; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "sweep.json"]
    _replace(written[0], json.dumps(summary(study), indent=1) + "\n")
    trials = study.get_trials(deepcopy=False)
    if any(trial.state is TrialState.COMPLETE for trial in trials):
        written.append(folder / "best.toml")
        _replace(written[-1], toml_file.dump(best_config(study)))
    return written


def draw(study: optuna.Study, folder: Path) -> list[Path]:
    """Draw history, slices and importances of `study` into `folder`, as PNG and SVG; return the paths."""
    trials = study.get_trials(deepcopy=False)
    drawn: dict[str, Figure] = {}
    if any(trial.state is TrialState.COMPLETE for trial in trials):
        drawn |= {"history": history(trials), "slices": slices(trials)}
    shares = importances(study)
    if shares:
        drawn["importance"] = importance(shares)
    return [path for stem, figure in drawn.items() for path in figures.save(figure, folder / stem)]


def history(trials: Sequence[FrozenTrial]) -> Figure:
    """Draw the value of each trial in their order, and the best so far; pruned trials at their last epoch's value."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    pruned = [trial for trial in trials if trial.state is TrialState.PRUNED and trial.intermediate_values]
    numbers = np.array([trial.number for trial in complete])
    values = np.array([_value(trial) for trial in complete])
    axes.plot(numbers, values, "o", color=COLOURS[0], label="finished")
    axes.plot([one.number for one in pruned], [_value(one) for one in pruned], "x", color=COLOURS[1], label="pruned")
    axes.step(numbers, np.minimum.accumulate(values), where="post", color=COLOURS[2], label="best so far")
    _finish(axes, "trial", log=len({_value(one) for one in trials if _value(one) > 0}) > 1)
    axes.legend(frameon=False)
    axes.set_title("History of the sweep")
    return figure


def importance(shares: Mapping[str, float]) -> Figure:
    """Draw the importance of each parameter as a bar, the largest at the top."""
    figure = Figure(figsize=(7, 0.9 + 0.4 * len(shares)), layout="constrained")
    axes = figure.add_subplot()
    names = list(shares)[::-1]
    axes.barh(names, [shares[name] for name in names], color=COLOURS[0])
    axes.set_xlabel("importance for the Frechet distance (PED-ANOVA, shares of 1)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Importance of the parameters")
    return figure


def slices(trials: Sequence[FrozenTrial]) -> Figure:
    """Draw the value of each finished trial against each of its parameters."""
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    keys = list(complete[0].distributions)
    figure = Figure(figsize=(3.2 * len(keys), 3.2), layout="constrained")
    for number, key in enumerate(keys, start=1):
        axes = figure.add_subplot(1, len(keys), number)
        chosen = [trial.params[key] for trial in complete]
        is_text = any(isinstance(value, str | bool) for value in chosen)
        axes.plot(
            list(map(str, chosen)) if is_text else chosen, [_value(one) for one in complete], "o", color=COLOURS[0]
        )
        if getattr(complete[0].distributions[key], "log", False):
            axes.set_xscale("log")
        _finish(axes, key, log=len({_value(one) for one in complete if _value(one) > 0}) > 1)
    return figure


def _value(trial: FrozenTrial) -> float:
    if trial.state is TrialState.COMPLETE:
        return float(trial.value or 0.0)
    return float(trial.intermediate_values[max(trial.intermediate_values)]) if trial.intermediate_values else 0.0


def _finish(axes: Axes, label: str, *, log: bool) -> None:
    axes.set_xlabel(label)
    axes.set_ylabel("validation Frechet distance")
    if log:
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _replace(path: Path, text: str) -> None:
    """Write `text` so that another worker, or a kill, finds the old file or the new one, whole."""
    write_text(path, text)
