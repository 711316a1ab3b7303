"""Bayesian optimization of a run's configuration: trials of one Optuna study, run in batches, here or elsewhere.

A trial is a training run in a folder of its own; its value is the Frechet distance on the validation split after the
last epoch, its intermediate values those after every epoch. The sampler is Optuna's tree-structured Parzen estimator
(Bergstra et al., NeurIPS 2011); the paper used the Bayesian optimization of Weights and Biases (appendix B.2).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState

from crossbar.errors import ExistingFile
from hvae.config import toml_file
from hvae.config.run import RunConfig
from hvae.jobs.here import InProcess
from hvae.jobs.job import Job, JobsLost, Listener, Runner
from hvae.runs.records import RunFolder
from hvae.sweeps import batches, workers
from hvae.sweeps import study as sweep_study
from hvae.sweeps.runs import Outcome, train_trial
from hvae.sweeps.space import Parameter, Sweep, Value
from hvae.training.engines import Choice


@dataclass
class SweepObserver:
    """What a caller hears of a worker; silent by default."""

    on_trial: Callable[[int, Mapping[str, Value]], None] = lambda number, values: None  # noqa: ARG005
    on_end: Callable[[FrozenTrial], None] = lambda trial: None  # noqa: ARG005
    listener: Listener = field(default_factory=Listener)


@dataclass
class Worker:
    """A process that runs the trials of a study, itself or by others.

    Attributes
    ----------
    sweep : Sweep
    study : optuna.Study
    folder : Path
        Gets a run folder ``trials/NNNN`` for each trial of this worker.
    observer : SweepObserver
    engine : Choice
        Makes the steps of the trials that it can make; numpy those of the others.
    runner : Runner
        Trains the trials of a batch, by default one after another in this process.
    """

    sweep: Sweep
    study: optuna.Study
    folder: Path
    observer: SweepObserver = field(default_factory=SweepObserver)
    engine: Choice = field(default_factory=Choice)
    runner: Runner = field(default_factory=InProcess)

    def run(self, trials: int) -> None:
        """Run batches until the study has `trials` that are finished, pruned or running.

        Trials of workers that are gone are taken up first, from their last checkpoint where that is on this machine.
        Ctrl-C gives the current trials back.

        Raises
        ------
        JobsLost
            Trials whose workers died again and again, which are given up; those of the same batch are finished.
        """
        while True:
            sweep_study.recover(self.study)
            left = trials - len(self._counted())
            if left <= 0:
                return
            self._run_batch(min(left, batches.size(self._all(), self.sweep)))

    def _all(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _counted(self) -> list[FrozenTrial]:
        states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        return self.study.get_trials(deepcopy=False, states=states)

    def _run_batch(self, count: int) -> None:
        running: dict[str, Trial] = {}
        try:
            with workers.beating(lambda: _mark(running.values())):
                jobs = [self._begin(running) for _ in range(count)]
                with closing(self.runner.run(jobs, self.observer.listener)) as results:
                    for name, outcome in results:
                        self._end(running.pop(name), outcome)
        except JobsLost as error:
            for name in error.names:
                self.study.tell(running.pop(name).number, state=TrialState.FAIL, skip_if_finished=True)
            raise
        finally:  # by Ctrl-C or an error: others may take them up
            for trial in running.values():
                frozen = self._all()[trial.number]
                sweep_study.give_back(self.study, frozen, sweep_study.deaths(frozen))

    def _begin(self, running: dict[str, Trial]) -> Job[Outcome]:
        """Return the next trial as a job, and put it among those that are `running`."""
        trial = self.study.ask()
        name = f"trial {trial.number}"
        running[name] = trial
        _mark([trial])
        trials = self._all()
        at = batches.place(trials, trial.number)
        known = batches.earlier(trials, self.sweep, at)
        self.study.sampler = batches.Drawing(known, self.sweep, at)
        values = {key: suggest(trial, key, one) for key, one in self.sweep.parameters.items()}
        try:
            run = self._open_run(trial, self.sweep.config(values))
        except Exception:
            self.study.tell(running.pop(name).number, state=TrialState.FAIL)
            raise
        self.observer.on_trial(trial.number, values)
        return Job(name, train_trial, (batches.begun(known), run.path.resolve(), self.engine))

    def _end(self, trial: Trial, outcome: Outcome) -> None:
        """Tell the study how `trial` ended; raise what it failed with."""
        if self._all()[trial.number].state is TrialState.RUNNING:  # else others thought that this worker was gone
            for epoch, value in outcome.reported.items():
                trial.report(value, epoch)
            if outcome.diverged is not None:
                trial.set_user_attr("diverged", outcome.diverged)
            self.study.tell(trial.number, outcome.value, outcome.state, skip_if_finished=True)
        if outcome.error is not None:
            raise outcome.error
        self.observer.on_end(self._all()[trial.number])

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
        trial.set_user_attr("config", toml_file.dump(config))
        trial.set_user_attr("run", str(path.resolve()))
        return run


def suggest(trial: Trial, key: str, parameter: Parameter) -> Value:
    """Return the value of `key` that the study's sampler wants to try."""
    if parameter.kind == "categorical":
        chosen: Value = trial.suggest_categorical(key, parameter.choices)  # type: ignore[assignment]
        return chosen
    if parameter.kind == "int":
        return trial.suggest_int(key, int(parameter.low or 0), int(parameter.high or 0), log=parameter.log)
    return trial.suggest_float(key, float(parameter.low or 0), float(parameter.high or 0), log=parameter.log)


def _mark(trials: Iterable[Trial]) -> None:
    """Tell the study that the worker of `trials` lives."""
    for trial in list(trials):
        with suppress(UpdateFinishedTrialError):  # told since
            trial.set_user_attr("worker", workers.mark())
