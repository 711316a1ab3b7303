"""Batches: trials depend on those of earlier batches alone, whoever runs them, in whatever order and portions."""

import optuna
import pytest
from click.testing import CliRunner
from optuna.trial import TrialState
from runs_compared import contents

from crossbar.errors import InvalidValue
from hvae.commands.sweeps import sweep as sweep_command
from hvae.jobs.here import InProcess, Processes
from hvae.jobs.job import JobsLost, Listener
from hvae.runs.records import RunFolder
from hvae.sweeps import batches, results, runs, space
from hvae.sweeps import study as sweep_study
from hvae.sweeps.trials import SweepObserver, Worker
from hvae.training import loop
from hvae.training.engines import Choice

TEXT = """
[sweep]
model = "f-vae"
trials = 8
startup_trials = 2
batch = 3
[base.data]
image_size = 7
train_limit = 64
[base.model]
hidden = 8
[base.training]
epochs = 3
batch_size = 16
validation_samples = 60
[parameters."training.beta_kl"]
low = 0.1
high = 5.0
log = true
[parameters."model.latent"]
low = 2
high = 6
"""


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture
def sweep(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(TEXT)
    return space.load(path)


def search(sweep, folder, trials=8, runner=None, listener=None, **observed):
    study = sweep_study.open_study(sweep, folder)
    observer = SweepObserver(listener=listener or Listener(), **observed)
    Worker(sweep=sweep, study=study, folder=folder, observer=observer, runner=runner or InProcess()).run(trials)
    results.write(study, folder)
    return study


def by_place(study):
    """Return parameters, values and state of the trials that came to an end, by place."""
    trials = study.trials
    ended = [trial for trial in trials if trial.state in {TrialState.COMPLETE, TrialState.PRUNED}]
    return {
        batches.place(trials, one.number): (one.params, one.value, one.intermediate_values, one.state) for one in ended
    }


class Backwards:
    """Runs the last job first, and tells nothing before all are done."""

    def run(self, jobs, listener):
        yield from list(InProcess().run(jobs[::-1], listener))


def test_places_are_those_of_trials_that_take_up_no_other():
    study = optuna.create_study()
    for _ in range(3):
        study.ask()
    for number in (1, 2):
        assert sweep_study.give_back(study, study.trials[number], 1)
    assert [batches.place(study.trials, number) for number in range(6)] == [0, 1, 2, 1, 2, 3]
    study.ask()
    assert sweep_study.give_back(study, study.trials[3], 2)  # a second time
    assert [batches.place(study.trials, number) for number in range(7)] == [0, 1, 2, 1, 2, 1, 3]


def test_a_batch_begins_together_and_a_rest_is_made_up(sweep):
    study, sizes = optuna.create_study(), []
    for _ in range(7):
        sizes.append(batches.size(study.trials, sweep))
        study.ask()
    assert sizes == [3, 2, 1, 3, 2, 1, 3]
    sweep_study.give_back(study, study.trials[6], 1)
    assert batches.size(study.trials, sweep) == 1


def test_what_a_trial_knows_is_what_earlier_batches_gave_in_the_order_of_places(sweep):
    study = optuna.create_study()
    for _ in range(8):
        study.ask()
    assert sweep_study.give_back(study, study.trials[1], 1)
    again = study.ask()  # trial 8, at place 1
    for number in (0, 2, 3, 5, 6, 8):
        study.tell(number, float(number))
    for at, values in [(0, []), (2, []), (3, [0, 8, 2]), (5, [0, 8, 2]), (6, [0, 8, 2, 3, 5]), (8, [0, 8, 2, 3, 5])]:
        assert [trial.value for trial in batches.earlier(study.trials, sweep, at).trials] == values
    assert batches.place(study.trials, again.number) == 1


def test_who_ends_first_does_not_matter(sweep, tmp_path):
    one = search(sweep, tmp_path / "one")
    other = search(sweep, tmp_path / "other", runner=Backwards())
    assert by_place(one) == by_place(other)
    assert {TrialState.PRUNED, TrialState.COMPLETE} <= {trial.state for trial in one.trials}  # else less is shown
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_trials_are_drawn_from_earlier_batches_alone(sweep, tmp_path):
    study = search(sweep, tmp_path / "sweep", 6)
    for number in (3, 4, 5):
        known = optuna.create_study()
        known.add_trials(study.trials[:3])
        known.sampler = batches.Drawing(known, sweep, number)
        drawn = known.ask()
        again = {
            "training.beta_kl": drawn.suggest_float("training.beta_kl", 0.1, 5.0, log=True),
            "model.latent": drawn.suggest_int("model.latent", 2, 6),
        }
        assert again == study.trials[number].params
    assert len({trial.params["training.beta_kl"] for trial in study.trials}) == 6


def test_portions_and_interrupts_give_the_trials_of_one_go(sweep, tmp_path):
    whole = by_place(search(sweep, tmp_path / "whole"))
    for trials in (1, 4, 5):
        search(sweep, tmp_path / "parts", trials)
    assert by_place(search(sweep, tmp_path / "parts")) == whole

    def interrupt(name, step, total, metrics):
        if (name, step) in {("trial 1", 5), ("trial 7", 2)}:
            raise KeyboardInterrupt

    for _ in range(2):  # in the first batch, and in that of the trials 5 to 7, which have the places 3 to 5
        with pytest.raises(KeyboardInterrupt):
            search(sweep, tmp_path / "stopped", listener=Listener(on_step=interrupt))
    study = search(sweep, tmp_path / "stopped", listener=Listener(on_step=interrupt))
    assert by_place(study) == whole
    assert sum(trial.state is TrialState.FAIL for trial in study.trials) >= 3


def test_an_interrupt_before_all_values_are_drawn_changes_none(sweep, tmp_path, monkeypatch):
    whole = by_place(search(sweep, tmp_path / "whole", 3))
    draw = batches.Drawing.sample_independent
    left = [3]

    def stop(self, study, trial, name, distribution):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return draw(self, study, trial, name, distribution)

    monkeypatch.setattr(batches.Drawing, "sample_independent", stop)
    with pytest.raises(KeyboardInterrupt):
        search(sweep, tmp_path / "stopped", 3)
    assert by_place(search(sweep, tmp_path / "stopped", 3)) == whole


def test_a_trial_whose_workers_die_again_and_again_is_named_given_up_and_not_tried_again(sweep, tmp_path):
    class Loses:
        def run(self, jobs, listener):
            yield from InProcess().run([job for job in jobs if job.name != "trial 1"], listener)
            if "trial 1" in [job.name for job in jobs]:
                raise JobsLost("workers died again and again at trial 1", ["trial 1"])

    with pytest.raises(JobsLost, match="again and again at trial 1"):
        search(sweep, tmp_path / "sweep", runner=Loses())
    study = sweep_study.open_study(sweep, tmp_path / "sweep")
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE]
    study = search(sweep, tmp_path / "sweep", 5, runner=Loses())
    assert sum(trial.state is TrialState.FAIL for trial in study.trials) == 1
    assert sorted(by_place(study)) == [0, 2, 3, 4, 5]


def test_a_mistake_in_one_trial_fails_it_and_gives_the_others_back(sweep, tmp_path, monkeypatch):
    train = loop.train

    def refuse(run, *arguments):
        if run.path.name == "0001":
            raise InvalidValue("something is wrong")
        return train(run, *arguments)

    monkeypatch.setattr(runs.loop, "train", refuse)
    with pytest.raises(InvalidValue, match="something is wrong"):
        search(sweep, tmp_path / "sweep", 3)
    states = [trial.state for trial in sweep_study.open_study(sweep, tmp_path / "sweep").trials]
    assert states == [TrialState.COMPLETE, TrialState.FAIL, TrialState.FAIL, TrialState.WAITING]


def test_a_run_that_ended_before_it_was_told_ends_alike_again_without_a_step(sweep, tmp_path, monkeypatch):
    known = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=1))
    run = RunFolder.create(tmp_path / "run", sweep.config({"training.beta_kl": 1.0, "model.latent": 3}))
    complete = runs.train_trial(known.ask(), run.path, Choice())
    assert (complete.state, sorted(complete.reported)) == (TrialState.COMPLETE, [1, 2, 3])
    excellent = optuna.trial.create_trial(value=0.1, intermediate_values={1: 0.1, 2: 0.1, 3: 0.1})
    known.add_trial(excellent)
    other = RunFolder.create(tmp_path / "other", run.config())
    pruned = runs.train_trial(known.ask(), other.path, Choice())
    assert (pruned.state, sorted(pruned.reported)) == (TrialState.PRUNED, [1])
    other.log("metrics", {"epoch": 2, runs.OBJECTIVE: 0.01})  # killed before it was counted
    monkeypatch.setattr(loop, "_step", None)
    assert runs.train_trial(known.ask(), other.path, Choice()) == pruned
    assert runs.train_trial(optuna.create_study().ask(), run.path, Choice()) == complete


@pytest.mark.slow
def test_processes_leave_the_bytes_of_one(sweep, tmp_path):
    search(sweep, tmp_path / "one")
    search(sweep, tmp_path / "many", runner=Processes(2))
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_many_workers_need_batches(tmp_path):
    (tmp_path / "small.toml").write_text(TEXT.replace("batch = 3", ""))
    for options in (["--workers", "2"], ["--scheduler", "tcp://127.0.0.1:1"]):
        arguments = [str(tmp_path / "small.toml"), "--out", str(tmp_path / "out"), *options]
        done = CliRunner().invoke(sweep_command, arguments)
        assert isinstance(done.exception, InvalidValue)
        assert "set `batch` under [sweep]" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_batch_is_recorded_and_another_one_is_another_sweep(sweep, tmp_path):
    study = sweep_study.open_study(sweep, tmp_path / "sweep")
    assert results.summary(study)["batch"] == 3
    (tmp_path / "small.toml").write_text(TEXT.replace("batch = 3", "batch = 4"))
    with pytest.raises(InvalidValue, match="batches of another size"):
        sweep_study.open_study(space.load(tmp_path / "small.toml"), tmp_path / "sweep")
    (tmp_path / "small.toml").write_text(TEXT.replace("batch = 3", "batch = 0"))
    with pytest.raises(InvalidValue, match="`batch`"):
        space.load(tmp_path / "small.toml")
