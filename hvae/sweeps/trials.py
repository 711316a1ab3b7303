"""Bayesian optimization of a run's configuration: trials of one Optuna study, shared by any number of workers.

A trial is a training run in a folder of its own; its value is the Frechet distance on the validation split after the
last epoch, its intermediate values those after every epoch. The sampler is Optuna's tree-structured Parzen estimator
(Bergstra et al., NeurIPS 2011); the paper used the Bayesian optimization of Weights and Biases (appendix B.2).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from crossbar.errors import DivergedError, ExistingFile
from hvae.config import toml_file
from hvae.config.run import DataConfig, RunConfig
from hvae.data.sets import Dataset
from hvae.runs import images
from hvae.runs.records import RunFolder
from hvae.sweeps import study as sweep_study
from hvae.sweeps import workers
from hvae.sweeps.space import Parameter, Sweep, Value
from hvae.training import loop
from hvae.training.engines import Choice
from hvae.training.loop import Ending, Observer

OBJECTIVE = "validation_frechet_distance"

Metrics = Mapping[str, float]


@dataclass
class SweepObserver:
    """What a caller hears of a worker; silent by default."""

    on_trial: Callable[[int, Mapping[str, Value]], None] = lambda number, values: None  # noqa: ARG005
    on_step: Callable[[int, int, Metrics], None] = lambda step, total, metrics: None  # noqa: ARG005
    on_epoch: Callable[[int, Metrics], None] = lambda epoch, metrics: None  # noqa: ARG005
    on_end: Callable[[FrozenTrial], None] = lambda trial: None  # noqa: ARG005


@dataclass
class Worker:
    """One of the processes that run the trials of a study.

    Attributes
    ----------
    sweep : Sweep
    study : optuna.Study
    folder : Path
        Gets a run folder ``trials/NNNN`` for each trial of this worker.
    observer : SweepObserver
    engine : Choice
        Makes the steps of the trials that it can make; numpy those of the others.
    """

    sweep: Sweep
    study: optuna.Study
    folder: Path
    observer: SweepObserver = field(default_factory=SweepObserver)
    engine: Choice = field(default_factory=Choice)
    _datasets: dict[DataConfig, Dataset] = field(default_factory=dict)

    def run(self, trials: int) -> None:
        """Run trials until the study has `trials` that are finished, pruned or running.

        Trials of workers that are gone are taken up first, from their last checkpoint where that is on this machine.
        Ctrl-C gives the current trial back.
        """
        while True:
            sweep_study.recover(self.study)
            if len(self._counted()) >= trials:
                return
            trial = self.study.ask()
            try:
                self._run_trial(trial)
            except KeyboardInterrupt:
                sweep_study.give_back(self.study, _frozen(trial), sweep_study.deaths(_frozen(trial)))
                raise
            except Exception:
                self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
                raise
            self.observer.on_end(_frozen(trial))

    def _counted(self) -> list[FrozenTrial]:
        states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        return self.study.get_trials(deepcopy=False, states=states)

    def _run_trial(self, trial: Trial) -> None:
        trial.set_user_attr("worker", workers.mark())
        self.study.sampler = sweep_study.sampler(self.sweep, trial.number)
        values = {key: suggest(trial, key, one) for key, one in self.sweep.parameters.items()}
        config = self.sweep.config(values)
        run = self._open_run(trial, config)
        trial.set_user_attr("config", toml_file.dump(config))
        trial.set_user_attr("run", str(run.path.resolve()))
        self.observer.on_trial(trial.number, values)
        reporter = Reporter(trial=trial, observer=self.observer)
        for record in run.metrics():
            reporter.report(record)
        if config.data not in self._datasets:
            self._datasets[config.data] = images.load(config.data)
        listener = Observer(
            on_step=reporter.on_step, on_epoch=reporter.on_epoch, stop_requested=lambda: reporter.hopeless
        )
        try:
            ending = loop.train(run, self._datasets[config.data], listener, self.engine.able(config))
        except DivergedError as error:
            trial.set_user_attr("diverged", str(error))
            self.study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
            return
        if ending is Ending.STOPPED:
            self.study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
        else:
            self.study.tell(trial, reporter.last, skip_if_finished=True)

    def _open_run(self, trial: Trial, config: RunConfig) -> RunFolder:
        """Return a new run folder for `trial`, with the checkpoint of the trial that it takes up, if any."""
        path = self.folder / "trials" / f"{trial.number:04d}"
        try:
            run = RunFolder.create(path, config)
        except ExistingFile:
            raise ExistingFile(
                f"{path} exists already, but trial {trial.number} is new: choose another --out"
            ) from None
        old = Path(trial.user_attrs.get("continues", "nowhere"))
        for name in ("checkpoint.h5", "metrics.jsonl", "timing.jsonl"):  # the checkpoint first: it fits longer metrics
            if (old / "checkpoint.h5").is_file() and (old / name).is_file():
                shutil.copyfile(old / name, path / name)
        return run


@dataclass
class Reporter:
    """Tells the study of a trial's epochs, and that its worker lives."""

    trial: Trial
    observer: SweepObserver
    hopeless: bool = False
    last: float = float("inf")
    _beaten: float = 0.0
    _reported: set[int] = field(default_factory=set)

    def on_step(self, step: int, total: int, metrics: Metrics) -> None:
        """Beat now and then."""
        if time.monotonic() - self._beaten > workers.BEAT_SECONDS:
            self.trial.set_user_attr("worker", workers.mark())
            self._beaten = time.monotonic()
        self.observer.on_step(step, total, metrics)

    def on_epoch(self, epoch: int, metrics: Metrics) -> None:
        """Report an epoch, and ask whether the trial is worth going on."""
        self.report(metrics)
        self.hopeless = self.trial.should_prune()
        self.observer.on_epoch(epoch, metrics)

    def report(self, metrics: Metrics) -> None:
        """Report the distance in `metrics`, once an epoch."""
        if OBJECTIVE not in metrics:
            return
        self.last = float(metrics[OBJECTIVE])
        epoch = int(metrics["epoch"])
        if epoch not in self._reported:
            self._reported.add(epoch)
            self.trial.report(self.last, epoch)


def suggest(trial: Trial, key: str, parameter: Parameter) -> Value:
    """Return the value of `key` that the study's sampler wants to try."""
    if parameter.kind == "categorical":
        chosen: Value = trial.suggest_categorical(key, parameter.choices)  # type: ignore[assignment]
        return chosen
    if parameter.kind == "int":
        return trial.suggest_int(key, int(parameter.low or 0), int(parameter.high or 0), log=parameter.log)
    return trial.suggest_float(key, float(parameter.low or 0), float(parameter.high or 0), log=parameter.log)


def _frozen(trial: Trial) -> FrozenTrial:
    return trial.study.get_trials(deepcopy=False)[trial.number]
