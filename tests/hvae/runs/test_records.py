"""The run folder: who may write to it, and what its files say after a kill."""

import errno
import fcntl
import os
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest

from crossbar.errors import (
    CorruptFile,
    DivergedError,
    ExistingFile,
    FolderInUse,
    HopbarError,
    InvalidValue,
    LocksMissing,
)
from hvae.config import toml_file
from hvae.runs import loading, lock
from hvae.training import loop
from hvae.runs.records import RunFolder

SMALL = [
    "data.image_size=7", "data.train_limit=32", "training.batch_size=16", "training.epochs=1", "model.hidden=5",
    "model.latent=2", "training.validation_samples=0",
]  # fmt: skip


def new_run(path, *changes):
    return RunFolder.create(path, toml_file.resolve("f-vae", [], [*SMALL, *changes]))


def test_a_run_is_trained_by_one_process_at_a_time_and_read_by_any(tmp_path):
    folder = new_run(tmp_path / "run")
    loop.train(folder)
    before = (folder.path / "metrics.jsonl").read_bytes()
    with lock.held(folder.path):
        with pytest.raises(FolderInUse, match=rf"process {os.getpid()} on .*wait until it ends, or stop it"):
            loop.train(RunFolder.open(folder.path))
        assert folder.load().step == 2
        assert folder.metrics()
    assert (folder.path / "metrics.jsonl").read_bytes() == before
    loop.train(folder)


def test_a_folder_in_which_a_run_is_being_made_is_in_use(tmp_path):
    (tmp_path / "run").mkdir()
    with lock.held(tmp_path / "run"), pytest.raises(FolderInUse):
        new_run(tmp_path / "run")
    loop.train(new_run(tmp_path / "run"))
    with pytest.raises(ExistingFile, match="exists already"):
        new_run(tmp_path / "run")


def test_a_folder_of_something_else_gets_no_lock(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ExistingFile):
        new_run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_killed_process_leaves_no_lock(tmp_path):
    program = (
        "import pathlib, sys, time; from hvae.runs import lock\n"
        "with lock.held(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(FolderInUse, match=f"process {holder.pid} on"), lock.held(tmp_path):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with lock.held(tmp_path):
        pass


@pytest.mark.parametrize("name", ["metrics", "timing"])
def test_a_line_cut_short_by_a_kill_is_left_out_and_taken_back(tmp_path, name):
    folder = new_run(tmp_path / "run")
    loop.train(folder)
    whole = folder.logged(name)
    assert whole
    with (folder.path / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 2, "sse')
    assert folder.logged(name) == whole
    loop.train(folder)  # nothing is left to do, but what was logged is put in order
    assert (folder.path / f"{name}.jsonl").read_bytes().endswith(b"}\n")
    assert folder.logged(name) == whole


def test_metrics_shorter_than_the_checkpoint_counts_are_not_padded(tmp_path):
    folder = new_run(tmp_path / "run")
    loop.train(folder)
    path = folder.path / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorruptFile, match=r"metrics\.jsonl has \d+ bytes, but the checkpoint counts"):
        loop.train(folder)
    path.write_bytes(b"{}\n" + b"\0" * 20 + b"\n")
    with pytest.raises(CorruptFile, match=r"metrics\.jsonl cannot be read"):
        folder.metrics()


def test_metrics_are_on_the_disk_before_the_checkpoint_that_counts_them(tmp_path, monkeypatch):
    folder = new_run(tmp_path / "run")
    synced = []
    fsync = os.fsync
    monkeypatch.setattr("os.fsync", lambda file: synced.append(os.fstat(file).st_ino) or fsync(file))
    loop.train(folder)
    assert synced == [(folder.path / name).stat().st_ino for name in ("metrics.jsonl", "checkpoint.h5")]


def test_a_damaged_environment_is_named_and_a_missing_one_says_nothing(tmp_path):
    assert RunFolder(tmp_path).environment() == {}
    (tmp_path / "environment.json").write_text("{")
    with pytest.raises(CorruptFile, match=r"environment\.json is no JSON"):
        RunFolder(tmp_path).environment()


def test_a_run_that_never_made_a_step_can_be_made_anew_and_otherwise(tmp_path):
    first = new_run(tmp_path / "run")
    assert first.config().training.epochs == 1
    again = new_run(tmp_path / "run", "training.epochs=2")
    assert again.config().training.epochs == 2


def test_a_pipe_is_no_checkpoint(tmp_path):
    os.mkfifo(tmp_path / "checkpoint.h5")
    with pytest.raises(CorruptFile, match=r"checkpoint\.h5 cannot be read as a checkpoint \(it is no regular file"):
        RunFolder(tmp_path).load()


def damaged(folder, change):
    with h5py.File(folder.path / "checkpoint.h5", "r+") as file:
        change(file)


def _without(name):
    return lambda file: file.__delitem__(name)


def _with(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


def _not_finite(file):
    file["parameters/encoder_hidden"][0, 0] = np.nan


def _no_group(file):
    del file["parameters"]
    file["parameters"] = 3.0


def _other_shape(file):
    del file["parameters/decoder_hidden"]
    file["parameters/decoder_hidden"] = np.zeros((3, 3), np.float32)


@pytest.mark.parametrize(
    "change",
    [
        _with("step", "abc"), _with("step", -5), _with("step", 2.5), _with("step", True), _with("metrics_bytes", "x"),
        _with("schema", 3), _without("parameters/encoder_hidden"), _without("parameters"), _without("optimizer"),
        _no_group, _not_finite, _other_shape,
    ],
)  # fmt: skip
def test_a_checkpoint_that_lacks_something_is_refused_by_all_who_read_it(tmp_path, change):
    folder = new_run(tmp_path / "run")
    loop.train(folder)
    damaged(folder, change)
    for use in (loop.train, lambda run: loading.load(run.path)):
        with pytest.raises((CorruptFile, DivergedError), match=r"checkpoint\.h5|not finite"):
            use(folder)


@pytest.mark.parametrize("name", ["optimizer/mean/decoder_hidden", "optimizer/count", "optimizer/square"])
def test_a_run_does_not_go_on_without_the_moments_of_its_optimizer(tmp_path, name):
    folder = new_run(tmp_path / "run")
    loop.train(folder)
    damaged(folder, _without(name))
    with pytest.raises(CorruptFile, match="should hold the optimizer's"):
        loop.train(folder)


def test_a_step_beyond_the_end_is_not_taken_for_finished(tmp_path):
    folder = new_run(tmp_path / "run")
    loop.train(folder)
    damaged(folder, _with("step", 10**9))
    with pytest.raises(CorruptFile, match="is of step 1000000000, but the run ends at step 2"):
        loop.train(folder)


def test_a_run_whose_config_was_edited_does_not_go_on(tmp_path):
    folder = new_run(tmp_path / "run")
    loop.train(folder)
    path = folder.path / "config.toml"
    path.write_text(path.read_text().replace("epochs = 1", "epochs = 3"))
    with pytest.raises(InvalidValue, match=r"training\.epochs \(was 1, is 3\); put it back"):
        loop.train(folder)


@pytest.mark.parametrize("line", ["5", "{}", "[]", '{"epoch": "x"}', '{"epoch": 1, "step": null}', '{"epoch": true}'])
def test_a_line_of_metrics_that_says_nothing_is_refused(tmp_path, line):
    folder = new_run(tmp_path / "run")
    loop.train(folder)
    path = folder.path / "metrics.jsonl"
    path.write_text(line + "\n" + path.read_text())
    with pytest.raises(CorruptFile, match=r"metrics\.jsonl"):
        loading.load(folder.path)


def test_a_disk_that_is_full_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    folder = new_run(tmp_path / "run")
    loop.train(folder)
    before = (folder.path / "checkpoint.h5").read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        folder.save(folder.load())
    assert (folder.path / "checkpoint.h5").read_bytes() == before
    assert not list(folder.path.glob("*.part"))


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_told_with_its_remedy(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(LocksMissing, match=r"disk without locks.*local_lock=flock") as raised, lock.held(tmp_path):
        pass
    assert isinstance(raised.value, HopbarError)
