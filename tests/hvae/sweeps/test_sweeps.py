"""Sweeps: what a file may say, trials shared, pruned, killed and resumed, and the best one's way to `train`."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import optuna
import pytest
from click.testing import CliRunner
from optuna.trial import TrialState

from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName
from hvae.config import toml_file
from hvae.jobs.here import InProcess
from hvae.jobs.job import Listener
from hvae.runs.records import RunFolder
from hvae.sweeps import results, runs, space, workers
from hvae.sweeps import study as sweep_study
from hvae.sweeps import trials as sweeps
from hvae.sweeps.trials import SweepObserver, Worker

TINY = """
[sweep]
model = "f-vae"
trials = 5
startup_trials = 3
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
[parameters."optimizer.name"]
choices = ["adam", "sgd"]
"""


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def plan(tmp_path, text=TINY):
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    return space.load(path)


def worker(sweep, folder, runner=None, on_step=lambda name, step, total, metrics: None, **observed):
    return Worker(
        sweep=sweep,
        study=sweep_study.open_study(sweep, folder),
        folder=folder,
        observer=SweepObserver(listener=Listener(on_step=on_step), **observed),
        runner=runner or InProcess(),
    )


def states(study):
    return [trial.state for trial in study.get_trials(deepcopy=False)]


def test_a_sweep_finds_keeps_and_draws_its_best_trial(tmp_path):
    sweep, folder = plan(tmp_path), tmp_path / "sweep"
    worker(sweep, folder).run(5)
    study = sweep_study.load_finished(str(folder))
    assert len(study.trials) == 5
    assert set(states(study)) <= {TrialState.COMPLETE, TrialState.PRUNED}
    best = study.best_trial
    run = RunFolder.open(Path(best.user_attrs["run"]))
    distances = [one["validation_frechet_distance"] for one in run.metrics() if "validation_frechet_distance" in one]
    assert best.value == distances[-1]
    assert [best.intermediate_values[epoch] for epoch in (1, 2, 3)] == distances
    assert run.config() == sweep_study.best_config(study)
    assert run.config().training.beta_kl == best.params["training.beta_kl"]
    written = {path.name for path in [*results.write(study, folder), *results.draw(study, folder)]}
    assert {"sweep.json", "best.toml", "history.png", "history.svg", "slices.png"} <= written
    assert toml_file.load(folder / "best.toml") == run.config()
    assert json.loads((folder / "sweep.json").read_text())["best"]["number"] == best.number


def test_a_sweep_goes_on_where_it_stopped_and_two_ways_give_the_same_trials(tmp_path):
    sweep = plan(tmp_path)
    for folder, portions in ((tmp_path / "whole", (4,)), (tmp_path / "parts", (1, 3, 4, 4))):
        for trials in portions:
            worker(sweep, folder).run(trials)
    one, other = (sweep_study.load_finished(str(tmp_path / name)).trials for name in ("whole", "parts"))
    assert [(trial.params, trial.value) for trial in one] == [(trial.params, trial.value) for trial in other]
    assert len({trial.params["training.beta_kl"] for trial in one}) == 4


def test_ctrl_c_gives_the_trial_back_and_its_checkpoint_is_taken_up(tmp_path):
    sweep, folder = plan(tmp_path), tmp_path / "sweep"
    steps = []

    def interrupt(name, step, total, metrics):
        steps.append(step)
        if step == 6:  # in the second epoch of 4 steps
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker(sweep, folder, on_step=interrupt).run(1)
    study = sweep_study.open_study(sweep, folder)
    assert states(study) == [TrialState.FAIL, TrialState.WAITING]
    again = []
    worker(sweep, folder, on_step=lambda name, step, total, metrics: again.append(step)).run(1)
    first, second = study.get_trials()
    assert (second.state, second.params) == (TrialState.COMPLETE, first.params)
    assert again[0] == 5  # after the checkpoint of the first epoch
    assert sorted(second.intermediate_values) == [1, 2, 3]
    assert sweep_study.deaths(second) == 0


def test_an_interrupt_is_no_death_however_often(tmp_path):
    sweep, folder = plan(tmp_path), tmp_path / "sweep"

    def interrupt(number, values):
        raise KeyboardInterrupt

    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            worker(sweep, folder, on_trial=interrupt).run(1)
    study = sweep_study.open_study(sweep, folder)
    assert states(study) == [TrialState.FAIL] * 5 + [TrialState.WAITING]


def test_values_at_which_workers_die_again_and_again_are_given_up():
    study = optuna.create_study()
    study.enqueue_trial({"x": 0.5})
    for _ in range(4):
        trial = study.ask()
        assert trial.suggest_float("x", 0, 1) == 0.5
        trial.set_user_attr("worker", {"beat": 0.0})
        trial.set_user_attr("run", "somewhere")
        sweep_study.recover(study)
    assert states(study) == [TrialState.FAIL] * 4


@pytest.mark.needs_jit
def test_trials_may_train_on_a_chip(tmp_path):
    text = TINY.replace('"f-vae"', '"tdh-vae"').replace("epochs = 3", "epochs = 1\neigenvalue_samples = 0")
    text = text[: text.index('[parameters."optimizer.name"]')] + '[base.array]\ndevice = "epiram"\n'
    sweep, folder = plan(tmp_path, text), tmp_path / "sweep"
    worker(sweep, folder).run(1)
    (trial,) = sweep_study.open_study(sweep, folder).trials
    assert trial.state is TrialState.COMPLETE
    assert "diverged" not in trial.user_attrs
    assert RunFolder.open(Path(trial.user_attrs["run"])).config().optimizer.name == "sgd"


def test_a_mistake_is_no_divergence(tmp_path, monkeypatch):
    def refuse(*_):
        raise InvalidValue("something else is wrong")

    monkeypatch.setattr(runs.loop, "train", refuse)
    sweep, folder = plan(tmp_path), tmp_path / "sweep"
    with pytest.raises(InvalidValue, match="something else"):
        worker(sweep, folder).run(1)
    assert states(sweep_study.open_study(sweep, folder)) == [TrialState.FAIL]


def _work(sweep, folder, trials):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    Worker(sweep=sweep, study=sweep_study.open_study(sweep, folder), folder=folder).run(trials)


@pytest.mark.needs_jit
def test_a_killed_worker_loses_at_most_its_own_trial(tmp_path):
    sweep, folder = plan(tmp_path, TINY.replace("epochs = 3", "epochs = 20")), tmp_path / "sweep"
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(sweep, folder, 3))
    process.start()
    deadline = time.monotonic() + 60
    while not list(folder.glob("trials/0000/checkpoint.h5")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    study = sweep_study.open_study(sweep, folder)
    assert states(study) == [TrialState.RUNNING]
    killed = study.trials[0]
    assert sweep_study.recover(study) == [0]
    assert sweep_study.recover(study) == []
    assert states(study) == [TrialState.FAIL, TrialState.WAITING]
    first = []
    worker(sweep, folder, on_step=lambda name, step, total, metrics: first.append(step)).run(1)
    assert study.trials[1].params == killed.params
    assert study.trials[1].state is TrialState.COMPLETE
    assert first[0] > 1


@pytest.mark.needs_jit
def test_two_workers_share_a_study(tmp_path):
    sweep, folder = plan(tmp_path), tmp_path / "sweep"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_work, args=(sweep, folder, 3)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    trials = sweep_study.load_finished(str(folder)).trials
    assert 3 <= len(trials) <= 4  # both may have begun a last one
    assert len({trial.params["training.beta_kl"] for trial in trials}) == len(trials)


def test_a_hopeless_trial_is_pruned(tmp_path):
    sweep, folder = plan(tmp_path, TINY.replace("startup_trials = 3", "startup_trials = 1")), tmp_path / "sweep"
    study = sweep_study.open_study(sweep, folder)
    distributions = {
        "training.beta_kl": optuna.distributions.FloatDistribution(0.1, 5.0, log=True),
        "model.latent": optuna.distributions.IntDistribution(2, 6),
        "optimizer.name": optuna.distributions.CategoricalDistribution(("adam", "sgd")),
    }
    excellent = optuna.trial.create_trial(
        params={"training.beta_kl": 1.0, "model.latent": 4, "optimizer.name": "adam"},
        distributions=distributions, value=0.1, intermediate_values={1: 0.1, 2: 0.1, 3: 0.1},
    )  # fmt: skip
    study.add_trial(excellent)
    Worker(sweep=sweep, study=study, folder=folder).run(2)
    assert states(study) == [TrialState.COMPLETE, TrialState.PRUNED]
    assert sorted(study.trials[1].intermediate_values) == [1]  # warmup_epochs = 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("model", "rate"), [("f-vae", 1e30), ("tdh-vae", 2e38)])
def test_a_diverged_trial_is_pruned_and_the_sweep_goes_on(tmp_path, model, rate):
    text = TINY.replace('choices = ["adam", "sgd"]', 'choices = ["sgd"]').replace('"f-vae"', f'"{model}"')
    text += f"[base.optimizer]\nlearning_rate = {rate}\n"
    sweep, folder = plan(tmp_path, text), tmp_path / "sweep"
    worker(sweep, folder).run(2)
    study = sweep_study.open_study(sweep, folder)
    assert states(study) == [TrialState.PRUNED, TrialState.PRUNED]
    assert all("diverged" in trial.user_attrs for trial in study.trials)
    with pytest.raises(InvalidValue, match="no finished trial"):
        sweep_study.load_finished(str(folder))
    assert "best" not in results.summary(study)
    assert [path.name for path in results.write(study, folder)] == ["sweep.json"]


def test_any_optuna_url_will_do(tmp_path):
    sweep, url = plan(tmp_path), f"sqlite:///{tmp_path}/study.db"
    study = sweep_study.open_study(sweep, tmp_path / "runs", url)
    Worker(sweep=sweep, study=study, folder=tmp_path / "runs").run(1)
    assert len(sweep_study.load_finished(url).trials) == 1
    assert len(sweep_study.load_finished(f"{url}#tiny").trials) == 1
    with pytest.raises(InvalidValue, match="no study 'other'"):
        sweep_study.load_finished(f"{url}#other")
    with pytest.raises(InvalidValue, match="cannot open the storage"):
        sweep_study.open_study(sweep, tmp_path, "nonsense://x")


def test_workers_are_known_to_live_or_to_be_gone():
    mine = workers.mark()
    assert not workers.is_gone(mine)
    assert workers.is_gone(mine, now=time.time() + 2 * workers.GRACE_SECONDS)
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(0,))
    process.start()
    process.join()
    assert workers.is_gone(mine | {"pid": process.pid})
    assert not workers.is_gone(mine | {"host": "elsewhere", "pid": process.pid})


def test_a_command_beats_while_others_compute():
    heard = []
    with workers.beating(lambda: heard.append(time.time()), seconds=0.01):
        deadline = time.monotonic() + 10
        while len(heard) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    count = len(heard)
    assert count >= 3
    time.sleep(0.05)
    assert len(heard) == count
    study = optuna.create_study()
    trial, told = study.ask(), study.ask()
    study.tell(told, 1.0)
    sweeps._mark([told, trial])
    assert not workers.is_gone(study.trials[0].user_attrs["worker"])


def test_train_takes_the_best_trial(tmp_path):
    from hvae.commands.train import train

    sweep, folder = plan(tmp_path), tmp_path / "sweep"
    worker(sweep, folder).run(2)
    best = sweep_study.best_config(sweep_study.load_finished(str(folder)))
    small = ["--set", "data.image_size=7", "--set", "data.train_limit=64", "--epochs", "1"]
    done = CliRunner().invoke(train, ["f-vae", "--from-sweep", str(folder), "--out", str(tmp_path / "run"), *small])
    assert done.exit_code == 0, done.output
    config = RunFolder.open(tmp_path / "run").config()
    assert (config.model, config.optimizer) == (best.model, best.optimizer)
    assert (config.training.beta_kl, config.training.epochs) == (best.training.beta_kl, 1)
    with pytest.raises(InvalidValue, match="is of 'f-vae'"):
        sweep_study.overrides(str(folder), "tdh-vae")
    with pytest.raises(MissingFile, match="no sweep at"):
        sweep_study.overrides(str(tmp_path / "nothing"), "f-vae")


def test_another_sweep_does_not_mix_with_a_study(tmp_path):
    sweep_study.open_study(plan(tmp_path), tmp_path / "sweep")
    changed = plan(tmp_path, TINY.replace("high = 6", "high = 7"))
    with pytest.raises(InvalidValue, match="varies other things"):
        sweep_study.open_study(changed, tmp_path / "sweep")
    longer = plan(tmp_path, TINY.replace("trials = 5", "trials = 9"))
    assert sweep_study.open_study(longer, tmp_path / "sweep").study_name == "tiny"


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ('model = "f-vae"', 'model = "f-vea"', UnknownName, "did you mean 'f-vae'"),
        ("trials = 5", "trails = 5", UnknownName, "did you mean 'trials'"),
        ("trials = 5", "trials = 0", InvalidValue, "`trials`"),
        ("low = 0.1", "lowest = 0.1", UnknownName, "did you mean 'low'"),
        ("low = 0.1", "low = 9.0", InvalidValue, "`low` must be below `high`"),
        ("low = 0.1", "low = -1.0", InvalidValue, "must be positive where `log` is set"),
        ("low = 2", "low = 0", InvalidValue, "`model.latent` must be at least 1"),
        ("high = 6\n", "", InvalidValue, "either `low` and `high`, or `choices`"),
        ('"adam", "sgd"', '"adam", "madam"', InvalidValue, "`optimizer.name`"),
        ('"model.latent"', '"model.latnet"', UnknownName, "did you mean 'model.latent'"),
        ("[base.data]", "[bass.data]", UnknownName, "did you mean 'base'"),
        ("validation_samples = 60", "validation_samples = 0", InvalidValue, "set `training.validation_samples`"),
        ("[sweep]", "[sweep", CorruptFile, "no valid TOML"),
        (TINY[: TINY.index("[base.data]")], "sweep = 3\n", InvalidValue, "\\[sweep\\]: must be a table"),
        (TINY[TINY.index('[parameters."tr') :], "[parameters]\na = 3", InvalidValue, "`parameters.a`"),
        ("low = 2\nhigh = 6", 'low = 0.1\nhigh = 6\ntype = "int"', InvalidValue, "whole numbers"),
        ("hidden = 8", "hidden = 2024-01-01", InvalidValue, "`base.model.hidden"),
    ],
)
def test_mistakes_in_the_file_are_named(tmp_path, old, new, error, message):
    assert old in TINY
    with pytest.raises(error, match=message):
        plan(tmp_path, TINY.replace(old, new))


@pytest.mark.parametrize("text", ["# no\njournal\n", "3\n", '{"op_code": 99}\n'])
def test_a_file_that_is_no_journal(tmp_path, text):
    (tmp_path / "README.md").write_text(text)
    with pytest.raises(CorruptFile, match="no journal of a sweep"):
        sweep_study.load_finished(str(tmp_path / "README.md"))


def test_a_journal_that_was_cut_goes_on_and_one_that_is_damaged_says_which_line_to_remove(tmp_path):
    path = tmp_path / sweep_study.JOURNAL
    sweep = plan(tmp_path, TINY)
    sweep_study.open_study(sweep, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code": 4, "wor')
    sweep_study.open_study(sweep, tmp_path)
    assert path.read_bytes().startswith(whole)
    assert all(json.loads(line) for line in path.read_bytes().splitlines())
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, b'{"op_c{"op_code": 0}\n', lines[-1]]))
    with pytest.raises(CorruptFile, match=rf"remove line {len(lines) + 1}, keep all others"):
        sweep_study.open_study(sweep, tmp_path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MissingFile, match="no sweep file"):
        space.load(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["sweep-tiny", "sweep-cluster", "sweep-tdh-vae"])
def test_the_examples_are_sweeps(name):
    path = Path(__file__).parents[3] / "examples" / f"{name}.toml"
    sweep = space.load(path)
    assert {"training.beta_kl", "optimizer.learning_rate", "model.latent", "model.sigma"} <= set(sweep.parameters)


def test_importances_find_the_parameter_that_matters():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    rng = np.random.default_rng(3)
    for _ in range(40):
        trial = study.ask()
        good, idle = trial.suggest_float("good", 0, 1), trial.suggest_float("idle", 0, 1)
        study.tell(trial, (good - 0.3) ** 2 + 0 * idle + 1e-6 * rng.random())
    shares = results.importances(study)
    assert next(iter(shares)) == "good"
    assert shares["good"] > 2 * shares["idle"]
    assert sum(shares.values()) == pytest.approx(1)
