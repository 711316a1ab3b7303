"""Runs that go on for more epochs than they were begun for."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.commands.hopbar import hopbar
from crossbar.errors import InvalidValue
from hvae.config import toml_file
from hvae.runs import loading
from hvae.runs.lengthening import lengthen
from hvae.runs.records import RunFolder
from hvae.training import loop

pytestmark = pytest.mark.needs_jit

SMALL = [
    "data.image_size=7", "data.train_limit=64", "model.hidden=8", "model.latent=3", "training.batch_size=16",
    "training.validation_samples=0", "training.eigenvalue_samples=0", "optimizer.learning_rate=0.01",
]  # fmt: skip


def run(path, epochs, *changes):
    folder = RunFolder.create(path, toml_file.resolve("tdh-vae", [], [*SMALL, f"training.epochs={epochs}", *changes]))
    loop.train(folder)
    return folder


def weights(folder):
    return loading.load(folder.path).parameters["tied"]


def test_at_a_constant_rate_a_lengthened_run_is_the_longer_run(tmp_path):
    longer, whole = (run(tmp_path / str(epochs), epochs, "optimizer.schedule=constant") for epochs in (1, 3))
    lengthen(longer, 3)
    assert loop.train(longer) is loop.Ending.FINISHED
    np.testing.assert_array_equal(weights(longer), weights(whole))
    assert (longer.path / "metrics.jsonl").read_text() == (whole.path / "metrics.jsonl").read_text()


def test_a_linear_schedule_goes_on_where_the_longer_run_stands(tmp_path):
    folder = run(tmp_path / "run", 2)
    said = lengthen(folder, 4)
    assert "goes on from epoch 2 to 4: the learning rate, 0 where it stands, becomes 0.005" in said
    loop.train(folder)
    rates = [row["learning_rate"] for row in folder.metrics() if "learning_rate" in row]
    assert rates[0] == pytest.approx(0.01)
    assert rates[-1] == pytest.approx(0.005, rel=0.7)
    assert folder.config().training.epochs == 4
    changes = json.loads((folder.path / "lengthened.json").read_text())["changes"]
    assert changes == [{"from": 2, "to": 4, "at_epoch": 2.0}]


def test_a_lengthened_run_may_be_stopped_and_lengthened_again(tmp_path):
    folder, whole = run(tmp_path / "run", 1), run(tmp_path / "whole", 1)
    for one in (folder, whole):
        lengthen(one, 2)
    loop.train(whole)
    assert loop.train(folder, observer=loop.Observer(stop_requested=lambda: True)) is loop.Ending.STOPPED
    loop.train(folder)
    np.testing.assert_array_equal(weights(folder), weights(whole))
    for one in (folder, whole):
        lengthen(one, 3)
        loop.train(one)
    np.testing.assert_array_equal(weights(folder), weights(whole))


def test_fewer_epochs_are_refused_and_nothing_is_changed(tmp_path):
    folder = run(tmp_path / "run", 2)
    before = (folder.path / "config.toml").read_text()
    with pytest.raises(InvalidValue, match="must exceed its own 2"):
        lengthen(folder, 2)
    assert (folder.path / "config.toml").read_text() == before
    assert not (folder.path / "lengthened.json").exists()


def test_a_config_that_was_edited_by_hand_is_still_refused(tmp_path):
    folder = run(tmp_path / "run", 1)
    lengthen(folder, 2)
    text = (folder.path / "config.toml").read_text()
    (folder.path / "config.toml").write_text(text.replace("epochs = 2", "epochs = 5"))
    with pytest.raises(InvalidValue, match="epochs"):
        loop.train(folder)


def test_the_command_says_what_becomes_of_the_rate(tmp_path):
    folder = run(tmp_path / "run", 1)
    command = ["train", "tdh-vae", "--out", str(folder.path), "--resume", "--epochs"]
    done = CliRunner().invoke(hopbar, [*command, "2"])
    assert done.exit_code == 0, done.output
    assert "follows the linear schedule of the longer run" in done.output
    assert folder.metrics()[-1]["epoch"] == 2
    refused = CliRunner().invoke(hopbar, [*command, "3", "--set", "model.hidden=9"])
    assert refused.exit_code != 0
    assert "keeps its configuration" in str(refused.exception) + refused.output
