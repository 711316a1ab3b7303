"""Runs: what they leave behind, that they resume exactly, and how they end."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossbar.errors import CorruptFile, DivergedError, ExistingFile, MissingFile
from hvae.config import toml_file
from hvae.runs import images
from hvae.runs.records import RunFolder
from hvae.streams import stream
from hvae.training import loop
from hvae.training.loop import Ending, Observer

SMALL = [
    "data.image_size=7", "data.train_limit=96", "training.batch_size=16", "training.epochs=2", "model.hidden=12",
    "model.latent=3", "training.validation_samples=40", "training.eigenvalue_samples=1", "optimizer.learning_rate=0.01",
]  # fmt: skip
KEPT = ("metrics.jsonl", "checkpoint.h5", "config.toml")


def new_run(path, model="tdh-vae", *changes):
    return RunFolder.create(path, toml_file.resolve(model, [], [*SMALL, *changes]))


def kept_bytes(path: Path) -> dict[str, bytes]:
    return {name: (path / name).read_bytes() for name in KEPT}


HOPFIELD = [pytest.param(name, marks=pytest.mark.needs_jit) for name in ("h-vae", "dh-vae", "tdh-vae")]


@pytest.mark.parametrize("model", ["f-vae", *HOPFIELD])
def test_every_model_learns(tmp_path, model):
    folder = new_run(tmp_path / "run", model, "training.epochs=4")
    assert loop.train(folder) is Ending.FINISHED
    losses = [record["sse_half"] for record in folder.metrics() if "sse_half" in record]
    assert losses[-1] < 0.7 * losses[0]
    epochs = [record for record in folder.metrics() if "validation_frechet_distance" in record]
    assert len(epochs) == 4


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("f-vae", []),
        pytest.param("h-vae", [], marks=pytest.mark.needs_jit),
        pytest.param("dh-vae", [], marks=pytest.mark.needs_jit),
        ("tdh-vae", []),
        pytest.param("tdh-vae", ["model.sigma_rule=learned"], marks=pytest.mark.needs_jit),
        pytest.param("tdh-vae", ["optimizer.name=sgd", "optimizer.momentum=0.5"], marks=pytest.mark.needs_jit),
    ],
)
def test_a_run_stopped_and_resumed_has_the_bytes_of_one_that_was_not(tmp_path, model, changes):
    whole = new_run(tmp_path / "whole", model, *changes)
    loop.train(whole)
    parts = new_run(tmp_path / "parts", model, *changes)
    calls = 0
    while True:
        steps = iter(range(5))
        observer = Observer(stop_requested=lambda steps=steps: next(steps, None) is None)
        calls += 1
        if loop.train(RunFolder.open(parts.path), observer=observer) is Ending.FINISHED:
            break
    assert calls > 1
    assert kept_bytes(whole.path) == kept_bytes(parts.path)
    if model != "f-vae":
        assert (whole.path / "chip.h5").read_bytes() == (parts.path / "chip.h5").read_bytes()


@pytest.mark.needs_jit
def test_a_run_killed_at_any_moment_resumes_exactly(tmp_path):
    """`kill -9` at three moments; the folder of the survivor equals that of a run never killed."""
    command = [sys.executable, "-m", "crossbar.commands.hopbar", "train", "tdh-vae", "--out"]
    changes = [
        part
        for change in [*SMALL, "training.epochs=6", "training.checkpoint_seconds=0.05"]
        for part in ("--set", change)
    ]
    subprocess.run([*command, str(tmp_path / "whole"), *changes], check=True, capture_output=True)
    killed = tmp_path / "killed"
    environment = dict(os.environ)
    for attempt, wait in enumerate((300.0, 3.0, 3.5)):
        options = ["--resume"] if attempt else changes
        process = subprocess.Popen([*command, str(killed), *options], stderr=subprocess.DEVNULL, env=environment)
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline and process.poll() is None:
            checkpoint = killed / "checkpoint.h5"
            if checkpoint.exists() and attempt == 0:
                break  # the first time, as soon as there is a checkpoint
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run([*command, str(killed), "--resume"], check=True, capture_output=True)
    assert kept_bytes(tmp_path / "whole") == kept_bytes(killed)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        loop.train(new_run(tmp_path / name, "tdh-vae", f"training.seed={seed}", "training.epochs=1"))
    one, same, other = (kept_bytes(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same
    assert one["checkpoint.h5"] != other["checkpoint.h5"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("model", ["f-vae", pytest.param("tdh-vae", marks=pytest.mark.needs_jit)])
def test_divergence_stops_with_its_reason_and_keeps_the_last_good_checkpoint(tmp_path, model):
    folder = new_run(tmp_path / "run", model, "training.epochs=3")
    dataset = images.load(folder.config().data)
    dataset = replace(dataset, train_images=dataset.train_images.copy())

    def spoil(epoch, metrics):
        dataset.train_images[:] = 1e30  # finite, as a weight is before it is not

    with pytest.raises(DivergedError, match=r"diverged at step 7: .*step 6 is kept.*lower `optimizer\.lear") as caught:
        loop.train(folder, dataset, Observer(on_epoch=spoil))
    assert ("nudging.norm_limit" in str(caught.value)) == (model != "f-vae")
    checkpoint = folder.load()
    assert checkpoint.step == 6
    assert all(np.isfinite(weights).all() for weights in checkpoint.parameters.values())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_divergence_in_the_first_epoch_promises_no_checkpoint(tmp_path):
    folder = new_run(tmp_path / "run", "f-vae", "optimizer.name=sgd", "optimizer.learning_rate=1e30")
    with pytest.raises(DivergedError, match=r"before any checkpoint"):
        loop.train(folder)
    assert not folder.has_checkpoint()


def test_a_creation_that_was_killed_can_be_made_again(tmp_path):
    folder = new_run(tmp_path / "run", "tdh-vae")
    (folder.path / "config.toml").rename(folder.path / "config.toml.part")
    assert new_run(folder.path, "tdh-vae").config() == new_run(tmp_path / "other", "tdh-vae").config()


def test_a_folder_that_exists_is_not_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ExistingFile, match="exists already"):
        new_run(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_damaged_and_missing_checkpoints_are_told(tmp_path):
    folder = new_run(tmp_path / "run")
    with pytest.raises(MissingFile, match="no checkpoint"):
        folder.load()
    (folder.path / "checkpoint.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"0" * 100)
    with pytest.raises(CorruptFile, match="cannot be read"):
        folder.load()
    load_chip_file = new_run(tmp_path / "other")
    loop.train(load_chip_file)
    (folder.path / "checkpoint.h5").write_bytes((load_chip_file.path / "chip.h5").read_bytes())
    with pytest.raises(CorruptFile, match="not a Hopbar checkpoint"):
        folder.load()
    with pytest.raises(MissingFile, match="no run at"):
        RunFolder.open(tmp_path / "nothing")


def test_a_chip_evaluates_like_its_run(tmp_path):
    from hvae.runs import loading
    from hvae.scores import sampling

    folder = new_run(tmp_path / "run")
    loop.train(folder)
    run, chip = loading.load(folder.path), loading.load(folder.path / "chip.h5")
    images = [sampling.generate(one.learner, one.parameters, 4, stream(0, "sampling")) for one in (run, chip)]
    np.testing.assert_array_equal(images[0], images[1])


def drawn_in(run, monkeypatch):
    """Train `run`; return the images and the noise of every step, and the rate that each was made with."""
    from hvae.learning.learners import Backpropagation

    batches, noises, rates = [], [], []
    gradients = Backpropagation.gradients

    def spied(self, parameters, batch, noise):
        batches.append(batch.copy())
        noises.append(noise.copy())
        return gradients(self, parameters, batch, noise)

    monkeypatch.setattr(Backpropagation, "gradients", spied)
    loop.train(run, observer=Observer(on_step=lambda step, total, one: rates.append(one["learning_rate"])))
    return batches, noises, rates


def test_every_step_has_its_own_noise_and_every_epoch_its_own_order(tmp_path, monkeypatch):
    run = new_run(tmp_path / "run", "f-vae", "training.seed=5")
    batches, noises, rates = drawn_in(run, monkeypatch)
    train = images.load(run.config().data).train_images
    assert len(batches) == 2 * len(train) / 16
    for step, noise in enumerate(noises):
        expected = stream(5, "latent", step).standard_normal((16, 3))
        np.testing.assert_array_equal(noise, expected.astype(np.float32))
    assert len({noise.tobytes() for noise in noises}) == len(noises)
    half = len(batches) // 2
    first, second = np.concatenate(batches[:half]), np.concatenate(batches[half:])
    for epoch in (first, second):  # each image once
        np.testing.assert_array_equal(np.sort(epoch, axis=0), np.sort(train, axis=0))
        assert {row.tobytes() for row in epoch} == {row.tobytes() for row in train}
    assert not np.array_equal(first, second)
    np.testing.assert_allclose(rates, 0.01 * (1 - np.arange(len(rates)) / len(rates)))


@pytest.mark.parametrize(
    ("changes", "failed"),
    [([], 0.0), (["nudging.method=centred", "nudging.beta=5", "nudging.max_sweeps=2"], 1.0)],
)
def test_nudges_that_fail_are_counted(tmp_path, changes, failed):
    """A nudge of 5 is far above the smallest eigenvalue of any Hessian, which is at most 1."""
    run, found = new_run(tmp_path / "run", "tdh-vae", *changes, "settling.max_unsettled=1", "training.epochs=1"), []
    loop.train(run, observer=Observer(on_step=lambda step, total, one: found.append(one["failed_nudges"])))
    assert found[0] == failed


@pytest.mark.needs_jit
def test_every_epoch_tells_what_the_tolerances_cost_its_gradient(tmp_path):
    loose, tight, none = (
        new_run(tmp_path / name, "tdh-vae", *changes)
        for name, changes in {
            "loose": ("settling.tolerance=0.1", "nudging.tolerance=0.3"),
            "tight": ("settling.tolerance=1e-5", "nudging.tolerance=1e-4"),
            "none": ("training.gradient_samples=0",),
        }.items()
    )
    for folder in (loose, tight, none):
        loop.train(folder)
    errors = [
        [record["gradient_error"] for record in folder.metrics() if "gradient_error" in record]
        for folder in (loose, tight, none)
    ]
    assert [len(one) for one in errors] == [2, 2, 0]
    assert 0 < max(errors[1]) < 1e-2 < 10 * min(errors[0])
