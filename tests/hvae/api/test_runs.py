"""Runs from Python are the runs of the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.exceptions import ConvergenceWarning

import hvae
from crossbar.chip import Chip
from crossbar.errors import CorruptFile, ExistingFile, InvalidValue, MissingFile, UnknownName
from hvae.commands import train as commands
from hvae.config import toml_file
from hvae.config.run import table_3
from hvae.learning.unsettled import UnsettledError
from hvae.runs import loading
from hvae.runs.records import RunFolder
from hvae.training import loop
from hvae.training.loop import Observer

SMALL = {
    "data": {"image_size": 7, "train_limit": 96},
    "model": {"hidden": 12, "latent": 3},
    "training": {"epochs": 2, "batch_size": 16, "validation_samples": 40, "eigenvalue_samples": 0},
    "optimizer": {"learning_rate": 0.01},
}

pytestmark = pytest.mark.needs_jit


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return hvae.train(hvae.configure("tdh-vae", SMALL), tmp_path_factory.mktemp("runs") / "tdh")


@pytest.fixture(scope="module")
def digits():
    return hvae.load_images("mnist-5k", size=7).test_images


def test_a_configuration_starts_from_table_3_and_later_changes_win(tmp_path):
    path = tmp_path / "some.toml"
    path.write_text("[model]\nhidden = 5\nlatent = 6\n", encoding="utf-8")
    assert hvae.configure("tdh-vae") == table_3("tdh-vae")
    config = hvae.configure("tdh-vae", path, {"model": {"latent": 7}}, model={"gain": 2.0})
    assert (config.model.hidden, config.model.latent, config.model.gain, config.model.sigma) == (5, 7, 2.0, 0.429)


def test_a_configuration_with_an_array_learns_by_sgd_as_the_command_does():
    config = hvae.configure("tdh-vae", array={"device": "epiram"})
    assert (config.optimizer.name, config.optimizer.learning_rate) == ("sgd", 0.2)
    with pytest.raises(InvalidValue, match="needs a Hopfield VAE"):
        hvae.configure("f-vae", array={"device": "epiram"})


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"modle": {}}, UnknownName, "did you mean 'model'"),
        ({"model": {"hiden": 3}}, UnknownName, "did you mean 'model.hidden'"),
        ({"model": 3}, InvalidValue, "`model` must be a table"),
        ({"training": {"epochs": 0}}, InvalidValue, "`training.epochs` must be at least 1"),
        ({"training": {"epochs": "all"}}, InvalidValue, "`training.epochs`"),
    ],
)
def test_a_wrong_key_is_named(changes, error, message):
    with pytest.raises(error, match=message):
        hvae.configure("tdh-vae", changes)


def test_tables_and_files_train_what_a_configuration_trains(tmp_path, run):
    tables = SMALL | {"model": SMALL["model"] | {"name": "tdh-vae"}}
    path = tmp_path / "config.toml"
    path.write_text(toml_file.dump(hvae.configure("tdh-vae", SMALL)), encoding="utf-8")
    for name, config in (("tables", tables), ("file", path), ("text", str(path))):
        other = hvae.train(config, tmp_path / name)
        assert (other.path / "checkpoint.h5").read_bytes() == (run.path / "checkpoint.h5").read_bytes()


def test_a_configuration_that_names_no_model_is_refused_with_the_remedy(tmp_path):
    for config in (SMALL, {"model": "tdh-vae"}):
        with pytest.raises(InvalidValue, match=r"model\.name.*hvae\.configure"):
            hvae.train(config, tmp_path / "run")
    with pytest.raises(MissingFile, match="no config file"):
        hvae.train(tmp_path / "none.toml", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_nothing_is_overwritten_and_what_is_no_run_is_told(tmp_path, run):
    with pytest.raises(ExistingFile, match="exists already"):
        hvae.train(hvae.configure("tdh-vae", SMALL), run.path)
    with pytest.raises(MissingFile, match="no run at"):
        hvae.open_run(tmp_path)
    (tmp_path / "chip.h5").write_bytes(b"no chip")
    with pytest.raises(CorruptFile):
        hvae.open_run(tmp_path / "chip.h5").sample(1)


def test_samples_are_those_of_the_command(tmp_path, run):
    for prior in ("standard", "mixture"):
        out = tmp_path / f"{prior}.npy"
        arguments = [str(run.path), "--n", "5", "--seed", "3", "--prior", prior, "--out", str(out)]
        CliRunner().invoke(commands.sample, arguments, catch_exceptions=False)
        assert run.sample(5, seed=3, prior=prior).tobytes() == np.load(out).tobytes()


def test_an_evaluation_is_that_of_the_command_and_is_kept(run):
    found = run.evaluate("validation", seed=1)
    [path] = run.path.glob("evaluation_validation*.json")
    assert json.loads(path.read_text()) == found
    arguments = [str(run.path), "--split", "validation", "--seed", "1", "--json"]
    printed = CliRunner().invoke(commands.evaluate, arguments, catch_exceptions=False).stdout
    assert json.loads(printed) == found


def test_images_go_through_the_model_as_through_its_learner(run, digits):
    trained = loading.load(run.path)
    mean = run.encode(digits[:20])
    assert mean.tobytes() == trained.learner.encode(trained.parameters, digits[:20])[0].tobytes()
    assert run.decode(mean).tobytes() == trained.learner.decode(trained.parameters, mean).tobytes()
    first, again, other = run.reconstruct(digits[:20]), run.reconstruct(digits[:20]), run.reconstruct(digits[:20], 1)
    assert first.shape == (20, 49)
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_reconstructions_of_a_run_scatter_about_those_of_the_means(run, digits):
    """z = mu + sigma epsilon: averaged over many draws, a reconstruction is near that of mu."""
    mean = run.decode(run.encode(digits[:3]))
    drawn = np.mean([run.reconstruct(digits[:3], seed) for seed in range(60)], axis=0)
    one = run.reconstruct(digits[:3], 0)
    assert np.abs(drawn - mean).mean() < 0.5 * np.abs(one - mean).mean()


def test_metrics_are_the_lines_of_the_log(run):
    frame, lines = run.metrics, RunFolder.open(run.path).metrics()
    assert len(frame) == len(lines)
    epochs = frame.dropna(subset=["validation_frechet_distance"])
    assert epochs["epoch"].tolist() == [1, 2]
    assert frame["sse_half"].dropna().tolist() == [line["sse_half"] for line in lines if "sse_half" in line]


def test_the_chip_is_the_runs_and_its_file_opens(run):
    chip = run.chip()
    assert isinstance(chip, Chip)
    assert chip.model == "tdh-vae"
    opened = hvae.open_run(run.path / "chip.h5")
    assert opened.sample(3, seed=1).tobytes() == run.sample(3, seed=1).tobytes()
    assert opened.chip().weights["tied"].tobytes() == chip.weights["tied"].tobytes()
    assert opened.config == run.config
    assert "a chip" in repr(opened)
    with pytest.raises(MissingFile, match="no run at"):
        opened.metrics  # noqa: B018


def test_an_f_vae_has_no_chip(tmp_path):
    with pytest.raises(InvalidValue, match="feedforward"):
        hvae.train(hvae.configure("f-vae", SMALL), tmp_path / "f").chip()


def test_a_run_shows_what_it_is(run):
    shown = repr(run)
    assert shown == f"Run({str(run.path)!r}: tdh-vae 7x7-12-3, mnist-5k, 2 of 2 epochs)"


def test_a_run_that_was_stopped_is_resumed_to_the_same_bytes(tmp_path, run):
    folder = RunFolder.create(tmp_path / "run", hvae.configure("tdh-vae", SMALL))
    assert "no checkpoint yet" in repr(hvae.open_run(folder.path))
    with pytest.raises(MissingFile, match="no checkpoint"):
        hvae.open_run(folder.path).sample(1)
    loop.train(folder, observer=Observer(stop_requested=lambda: True))
    resumed = hvae.open_run(folder.path).resume()
    assert (resumed.path / "checkpoint.h5").read_bytes() == (run.path / "checkpoint.h5").read_bytes()


def test_progress_is_shown_where_it_is_wanted(tmp_path, capfd):
    hvae.train(hvae.configure("f-vae", SMALL), tmp_path / "silent")
    assert capfd.readouterr() == ("", "")
    hvae.train(hvae.configure("f-vae", SMALL), tmp_path / "shown", verbose=True)
    assert "epoch 2 of 2" in capfd.readouterr().err


def test_a_training_on_a_chip_learns_and_is_opened(tmp_path, digits):
    """An ideal device: the losses fall, and the chip holds conductances."""
    chip = {"array": {"device": "ideal"}, "optimizer": {"name": "sgd", "learning_rate": 0.2}}
    run = hvae.train(hvae.configure("tdh-vae", SMALL, chip, training={"epochs": 4}), tmp_path / "chip")
    losses = run.metrics["sse_half"].dropna()
    assert losses.iloc[-1] < 0.7 * losses.iloc[0]
    assert "on ideal" in repr(run)
    assert run.encode(digits[:4]).shape == (4, 3)
    assert run.chip().conductances


def test_samples_that_do_not_settle_are_told_and_too_many_are_refused(tmp_path, run, digits):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("config.toml", "checkpoint.h5", "metrics.jsonl"):
        (folder / name).write_bytes((run.path / name).read_bytes())
    hard = ["settling.max_sweeps=2", "settling.tolerance=1e-7"]
    config = toml_file.changed(run.config, [*hard, "settling.max_unsettled=1"])
    (folder / "config.toml").write_text(toml_file.dump(config), encoding="utf-8")
    with pytest.warns(ConvergenceWarning, match="did not settle"):
        hvae.open_run(folder).encode(digits[:10])
    (folder / "config.toml").write_text(toml_file.dump(toml_file.changed(run.config, hard)), encoding="utf-8")
    with pytest.raises(UnsettledError, match="did not settle"):
        hvae.open_run(folder).sample(10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: run.encode(np.zeros((3, 50))), r"images must be \(n, 49\)"),
        (lambda run: run.decode(np.zeros(3)), r"latents must be \(n, 3\)"),
        (lambda run: run.reconstruct(np.zeros((0, 49))), r"images must be \(n, 49\)"),
        (lambda run: run.encode(np.full((1, 49), np.nan)), "must be finite"),
        (lambda run: run.sample(0), "`n` must be at least 1"),
        (lambda run: run.sample(1, prior="flat"), "sampling.prior"),
        (lambda run: run.evaluate(prior="flat"), "sampling.prior"),
    ],
)
def test_what_cannot_be_taken_is_refused(run, call, message):
    with pytest.raises(InvalidValue, match=message):
        call(run)


def test_a_run_is_its_path():
    assert hvae.Run(Path("a")) == hvae.Run(Path("a")) != hvae.Run(Path("b"))
