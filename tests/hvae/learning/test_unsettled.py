"""What does not settle, or has broken weights, is counted, told and refused: on Hopfield models."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

import cli
from crossbar.errors import CorruptFile, DivergedError, InvalidValue
from hvae.config import toml_file
from hvae.config.run import SamplingConfig, SettlingConfig
from hvae.learning.unsettled import Tally, UnsettledError, refuse, warning
from hvae.onchip.chip import for_array
from hvae.reports import tables
from hvae.reports.page import write
from hvae.reproduction import table
from hvae.runs import images, loading
from hvae.runs.records import RunFolder
from hvae.scores import evaluation
from hvae.training import loop, watching
from hvae.training.loop import Observer

pytestmark = pytest.mark.needs_jit  # many steps: minutes without the compiler

SMALL = [
    "data.image_size=7", "data.train_limit=64", "training.batch_size=32", "training.epochs=1", "model.hidden=8",
    "model.latent=2", "training.validation_samples=40", "training.eigenvalue_samples=0",
]  # fmt: skip
NOTHING_SETTLES = ["settling.max_sweeps=2", "settling.tolerance=1e-6"]


def new_run(path, model="tdh-vae", *changes):
    return RunFolder.create(path, for_array(toml_file.resolve(model, [], [*SMALL, *changes])))


@pytest.fixture(scope="module", params=["tdh-vae", "h-vae", "chip"])
def folder(request, tmp_path_factory):
    run = tmp_path_factory.mktemp("unsettled") / "run"
    made = new_run(run, "tdh-vae", "array.device=epiram") if request.param == "chip" else new_run(run, request.param)
    loop.train(made)
    return run


def restrained(trained, *changes):
    """Return `trained` with settings under which it settles otherwise."""
    from hvae.learning import learners

    config = toml_file.changed(trained.config, changes)
    return replace(trained, config=config, learner=learners.make(config))


def test_a_tally_is_the_share_that_did_not_settle():
    assert Tally().unsettled is None
    assert Tally(seen=8, settled=6).unsettled == 0.25
    assert warning({"a": 0.02, "b": None}) is None
    assert warning({"samples did not settle": 0.021}) == "warning: 2.1 % of samples did not settle"
    refuse({"a": 0.5, "b": None}, 0.5)
    with pytest.raises(UnsettledError, match=r"51 % of a \(limit 50 %\): raise `settling.max_sweeps`"):
        refuse({"a": 0.51, "b": 0.1}, 0.5)
    with pytest.raises(InvalidValue, match=r"`settling\.max_unsettled`"):
        SettlingConfig(max_unsettled=1.5)


def test_an_evaluation_says_that_all_settled(folder, capsys, tmp_path):
    trained = loading.load(folder)
    dataset = images.load(trained.config.data)
    found = evaluation.evaluate_trained(trained, dataset, count=20)
    assert found["unsettled"] == 0
    assert (
        evaluation.validation_scores(trained.learner, trained.parameters, dataset, 20, 0)["validation_unsettled"] == 0
    )
    tables.show_evaluation(found)
    assert "share of samples that did not settle" in capsys.readouterr().out


@pytest.mark.parametrize("weights", [np.nan, np.inf])
def test_a_run_with_weights_that_are_not_finite_is_refused(folder, tmp_path, weights):
    run = RunFolder.open(folder)
    checkpoint = run.load()
    on_chip = run.config().array.device is not None
    try:
        broken = {name: one.copy() for name, one in checkpoint.parameters.items()}
        state = {name: one.copy() for name, one in checkpoint.optimizer.items()}
        if on_chip:  # whose weights are its devices
            name = next(key for key, one in state.items() if one.ndim == 2 and one.dtype.kind == "f")
            state[name][0, 1] = weights
        else:
            next(iter(broken.values()))[0, 1] = weights
        run.save(replace(checkpoint, parameters=broken, optimizer=state))
        with pytest.raises(DivergedError, match="holds weights that are not finite"):
            loading.load(folder)
    finally:
        run.save(checkpoint)


def test_every_command_refuses_weights_that_are_not_finite(tmp_path, capsys):
    loop.train(new_run(tmp_path / "run"))
    with h5py.File(tmp_path / "run" / "checkpoint.h5", "r+") as file:
        file["parameters/tied"][...] = np.nan
    for command in (["evaluate"], ["figures"], ["wires"], ["sample", "--out", str(tmp_path / "x.npy")]):
        with pytest.raises(SystemExit) as ended:
            cli.main([command[0], str(tmp_path / "run"), *command[1:]])
        assert ended.value.code == 2
        shown = capsys.readouterr()
        assert "holds weights that are not finite (`tied`)" in shown.err
        assert len(shown.err.splitlines()) == 1
        assert not shown.out
    run = RunFolder.open(tmp_path / "run")
    with pytest.raises(DivergedError, match="not finite"):
        loop.train(run)
    diverged = {}
    with pytest.raises(DivergedError):
        table.score(run, SamplingConfig())
    assert not diverged


def test_a_run_whose_weights_are_not_symmetric_is_refused(tmp_path):
    loop.train(new_run(tmp_path / "run", "dh-vae"))
    with h5py.File(tmp_path / "run" / "checkpoint.h5", "r+") as file:
        file["parameters/decoder"][0, 50] += 0.01
    with pytest.raises(CorruptFile, match=r"weights `decoder` that are not symmetric, .* needs W = W\^T"):
        loading.load(tmp_path / "run")


def test_devices_of_two_a_pair_need_not_be_symmetric(tmp_path):
    loop.train(new_run(tmp_path / "run", "tdh-vae", "array.device=epiram", "array.symmetry=two-device"))
    trained = loading.load(tmp_path / "run")
    assert loading.asymmetry(trained.parameters["tied"]) > 1e-6


@pytest.mark.parametrize("model", ["tdh-vae", "dh-vae"])
def test_a_training_in_which_nothing_settles_is_refused_and_not_finished(tmp_path, capsys, model):
    changes = [part for change in [*SMALL, *NOTHING_SETTLES, "nudging.max_sweeps=1"] for part in ("--set", change)]
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", model, "--out", str(tmp_path / "run"), *changes])
    shown = capsys.readouterr()
    assert ended.value.code == 2
    assert "finished" not in shown.err
    assert "100 % of training samples did not settle, 100 % of training nudges failed" in " ".join(shown.err.split())
    assert "raise `settling.max_sweeps`" in shown.err
    assert not (tmp_path / "run" / "checkpoint.h5").exists()


def test_a_training_whose_nudges_fail_is_refused(tmp_path):
    run = new_run(tmp_path / "run", "tdh-vae", "nudging.method=centred", "nudging.beta=5", "nudging.max_sweeps=2")
    with pytest.raises(UnsettledError, match="of training nudges failed"):
        loop.train(run)


def test_a_validation_in_which_nothing_settles_is_refused(tmp_path, monkeypatch):
    scores = evaluation.validation_scores
    monkeypatch.setattr(evaluation, "validation_scores", lambda *them: scores(*them) | {"validation_unsettled": 0.6})
    with pytest.raises(UnsettledError, match="60 % of validation samples did not settle"):
        loop.train(new_run(tmp_path / "run"))


def test_what_is_studied_can_be_allowed_and_is_told(tmp_path, capsys):
    run = new_run(tmp_path / "run", "tdh-vae", *NOTHING_SETTLES, "settling.max_unsettled=1")
    finished, last = watching.watch(run)
    assert finished
    assert last["unconverged"] == last["validation_unsettled"] == 1
    shown = " ".join(capsys.readouterr().err.split())
    assert "warning: 100 % of training samples did not settle, 100 % of validation samples did not settle" in shown
    with pytest.raises(SystemExit) as ended:
        cli.main(["evaluate", str(run.path), "--n", "20", "--json"])
    shown = capsys.readouterr()
    assert (ended.value.code, json.loads(shown.out)["unsettled"]) == (0, 1)
    assert "warning: 100 % of samples did not settle\n" in shown.err
    page = write(run.path, tmp_path / "report.html").read_text()
    assert "<th>unsettled</th>" in page


def test_the_epoch_s_share_is_the_mean_of_its_steps(tmp_path):
    run = new_run(tmp_path / "run", "tdh-vae", "settling.max_sweeps=12", "settling.max_unsettled=1")
    steps, epochs = [], []
    observer = Observer(
        on_step=lambda step, total, one: steps.append(one["unconverged"]), on_epoch=lambda _, one: epochs.append(one)
    )
    loop.train(run, observer=observer)
    assert epochs[0]["unconverged"] == np.mean(steps)
    assert len(steps) == 2


def test_an_evaluation_in_which_nothing_settles_is_refused(folder):
    trained = loading.load(folder)
    if trained.config.array.device is not None:
        pytest.skip("a chip's solver is in its ways")
    dataset = images.load(trained.config.data)
    hasty = restrained(trained, *NOTHING_SETTLES)
    with pytest.raises(UnsettledError, match="100 % of samples did not settle"):
        evaluation.evaluate_trained(hasty, dataset, count=20)
    allowed = restrained(trained, *NOTHING_SETTLES, "settling.max_unsettled=1")
    assert evaluation.evaluate_trained(allowed, dataset, count=20)["unsettled"] == 1


def test_an_f_vae_has_nothing_to_settle(tmp_path):
    loop.train(new_run(tmp_path / "run", "f-vae"))
    trained = loading.load(tmp_path / "run")
    assert evaluation.evaluate_trained(trained, images.load(trained.config.data), count=20)["unsettled"] is None


def test_every_command_that_settles_refuses_a_run_in_which_nothing_does(tmp_path, capsys):
    run = new_run(tmp_path / "run")
    loop.train(run)
    config = toml_file.changed(run.config(), NOTHING_SETTLES)
    (run.path / "config.toml").write_text(toml_file.dump(config))
    picture = ["--out", str(tmp_path / "x.npy"), "--n", "20"]
    wires = ["--tiles", "64", "--resistances", "1", "--n-images", "20"]
    for command, options in (("evaluate", ["--n", "20"]), ("figures", []), ("sample", picture), ("wires", wires)):
        with pytest.raises(SystemExit) as ended:
            cli.main([command, str(run.path), *options])
        shown = capsys.readouterr()
        assert ended.value.code == 2, command
        assert shown.err.startswith("hopbar: 100 % of samples did not settle (limit 50 %): raise `settling.max_sweeps`")
        assert not shown.out
    assert not (tmp_path / "x.npy").exists()
    assert not list(run.path.glob("evaluation*.json"))
