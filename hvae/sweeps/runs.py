"""The training run of one trial: it may be begun again on another machine, and ends as it would have ended here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from optuna.trial import Trial, TrialState

from crossbar.errors import DivergedError, FolderInUse, HopbarError
from hvae.jobs.job import OnStep, silent
from hvae.runs import images
from hvae.runs.records import RunFolder
from hvae.training import loop
from hvae.training.engines import Choice
from hvae.training.loop import Ending, Metrics, Observer

OBJECTIVE = "validation_frechet_distance"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a trial ended.

    Attributes
    ----------
    state : TrialState
        ``COMPLETE``, ``PRUNED`` (hopeless, or diverged) or ``FAIL``.
    reported : dict of int to float
        The objective after every epoch.
    diverged : str or None
        Why it diverged.
    error : HopbarError or None
        Why it failed, which stops the sweep.
    """

    state: TrialState
    reported: dict[int, float]
    diverged: str | None = None
    error: HopbarError | None = None

    @property
    def value(self) -> float | None:
        """The objective after the last epoch; None of a trial without its last epoch."""
        if self.state is not TrialState.COMPLETE:
            return None
        return self.reported[max(self.reported)] if self.reported else float("inf")


def train_trial(trial: Trial, path: Path, engine: Choice, *, on_step: OnStep = silent) -> Outcome:
    """Train the run in the folder `path` to its end, or until `trial` of the study that it is pruned by is hopeless.

    `engine` makes the steps if it can, else numpy.

    Raises
    ------
    FolderInUse
        Another worker is still at it.
    """
    run = RunFolder.open(path)
    config, verdict = run.config(), Verdict(trial)
    try:
        for record in _kept(run):
            verdict.on_epoch(int(record["epoch"]), record)
        if verdict.hopeless and verdict.epoch < config.training.epochs:
            return Outcome(state=TrialState.PRUNED, reported=verdict.reported)
        listener = Observer(on_step=on_step, on_epoch=verdict.on_epoch, stop_requested=lambda: verdict.hopeless)
        ending = loop.train(run, images.load(config.data), listener, engine.able(config))
    except DivergedError as error:
        return Outcome(state=TrialState.PRUNED, reported=verdict.reported, diverged=str(error))
    except FolderInUse:
        raise
    except HopbarError as error:
        return Outcome(state=TrialState.FAIL, reported=verdict.reported, error=error)
    return Outcome(
        state=TrialState.PRUNED if ending is Ending.STOPPED else TrialState.COMPLETE, reported=verdict.reported
    )


@dataclass
class Verdict:
    """Whether a trial is worth going on, epoch by epoch."""

    trial: Trial
    hopeless: bool = False
    epoch: int = 0
    reported: dict[int, float] = field(default_factory=dict)

    def on_epoch(self, epoch: int, metrics: Metrics) -> None:
        """Hear of an epoch, once."""
        if OBJECTIVE not in metrics or epoch in self.reported:
            return
        self.epoch, self.reported[epoch] = epoch, float(metrics[OBJECTIVE])
        self.trial.report(self.reported[epoch], epoch)
        self.hopeless = self.trial.should_prune()


def _kept(run: RunFolder) -> list[dict[str, float]]:
    """Return the metrics that the last checkpoint counts; those behind them are made again."""
    size = run.load().metrics_bytes if run.has_checkpoint() else 0
    if not 0 < size <= run.metrics_size():
        return []  # no epoch yet; or training will tell that the end is lost
    return run.metrics()[: (run.path / "metrics.jsonl").read_bytes()[:size].count(b"\n")]
