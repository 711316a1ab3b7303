"""The run folder: who may write to it, and what its files say after a kill."""

import os
import signal
import subprocess
import sys

import pytest

from crossbar.errors import CorruptFile, ExistingFile, FolderInUse
from hvae import config_file, run_lock, training
from hvae.records import RunFolder

SMALL = [
    "data.image_size=7", "data.train_limit=32", "training.batch_size=16", "training.epochs=1", "model.hidden=5",
    "model.latent=2", "training.validation_samples=0",
]  # fmt: skip


def new_run(path, *changes):
    return RunFolder.create(path, config_file.resolve("f-vae", [], [*SMALL, *changes]))


def test_a_run_is_trained_by_one_process_at_a_time_and_read_by_any(tmp_path):
    folder = new_run(tmp_path / "run")
    training.train(folder)
    before = (folder.path / "metrics.jsonl").read_bytes()
    with run_lock.held(folder.path):
        with pytest.raises(FolderInUse, match=rf"process {os.getpid()} on .*wait until it ends, or stop it"):
            training.train(RunFolder.open(folder.path))
        assert folder.load().step == 2
        assert folder.metrics()
    assert (folder.path / "metrics.jsonl").read_bytes() == before
    training.train(folder)


def test_a_folder_in_which_a_run_is_being_made_is_in_use(tmp_path):
    (tmp_path / "run").mkdir()
    with run_lock.held(tmp_path / "run"), pytest.raises(FolderInUse):
        new_run(tmp_path / "run")
    new_run(tmp_path / "run")
    with pytest.raises(ExistingFile, match="exists already"):
        new_run(tmp_path / "run")


def test_a_folder_of_something_else_gets_no_lock(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ExistingFile):
        new_run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_killed_process_leaves_no_lock(tmp_path):
    program = (
        "import pathlib, sys, time; from hvae import run_lock\n"
        "with run_lock.held(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(FolderInUse, match=f"process {holder.pid} on"), run_lock.held(tmp_path):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with run_lock.held(tmp_path):
        pass


@pytest.mark.parametrize("name", ["metrics", "timing"])
def test_a_line_cut_short_by_a_kill_is_left_out_and_taken_back(tmp_path, name):
    folder = new_run(tmp_path / "run")
    training.train(folder)
    whole = folder.logged(name)
    assert whole
    with (folder.path / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 2, "sse')
    assert folder.logged(name) == whole
    training.train(folder)  # nothing is left to do, but what was logged is put in order
    assert (folder.path / f"{name}.jsonl").read_bytes().endswith(b"}\n")
    assert folder.logged(name) == whole


def test_metrics_shorter_than_the_checkpoint_counts_are_not_padded(tmp_path):
    folder = new_run(tmp_path / "run")
    training.train(folder)
    path = folder.path / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorruptFile, match=r"metrics\.jsonl has \d+ bytes, but the checkpoint counts"):
        training.train(folder)
    path.write_bytes(b"{}\n" + b"\0" * 20 + b"\n")
    with pytest.raises(CorruptFile, match=r"metrics\.jsonl cannot be read"):
        folder.metrics()


def test_metrics_are_on_the_disk_before_the_checkpoint_that_counts_them(tmp_path, monkeypatch):
    folder = new_run(tmp_path / "run")
    synced = []
    fsync = os.fsync
    monkeypatch.setattr("os.fsync", lambda file: synced.append(os.fstat(file).st_ino) or fsync(file))
    training.train(folder)
    assert synced == [(folder.path / name).stat().st_ino for name in ("metrics.jsonl", "checkpoint.h5")]


def test_a_damaged_environment_is_named_and_a_missing_one_says_nothing(tmp_path):
    assert RunFolder(tmp_path).environment() == {}
    (tmp_path / "environment.json").write_text("{")
    with pytest.raises(CorruptFile, match=r"environment\.json cannot be read"):
        RunFolder(tmp_path).environment()
