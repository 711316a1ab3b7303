"""Doors of the command line: what cannot work is said before it leaves a trace, what was computed is not lost."""

import errno
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import cli
from crossbar import caches
from hvae.config import toml_file
from hvae.runs.records import RunFolder
from hvae.training import loop

SMALL = [
    "data.image_size=7", "data.train_limit=32", "training.batch_size=16", "training.epochs=1", "model.hidden=5",
    "model.latent=2", "training.validation_samples=0",
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = RunFolder.create(tmp_path_factory.mktemp("doors") / "run", toml_file.resolve("f-vae", [], SMALL))
    loop.train(folder)
    return folder.path


def hopbar(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    return ended.value.code, shown.out, shown.err


@pytest.mark.parametrize(
    "change",
    [
        "data.name=kmnist", 'data.name=""', "array.engine=warp", "nudging.tolerance=1.5", "model.hidden=1000000",
        "data.name=mnist", "training.epochs=true",
    ],
)  # fmt: skip
def test_a_failed_start_leaves_no_folder(tmp_path, monkeypatch, capsys, change):
    monkeypatch.setenv("HOPBAR_DATA", str(tmp_path / "mistyped"))
    out = tmp_path / "run"
    code, shown, error = hopbar(capsys, "train", "tdh-vae", "--out", out, "--array", "ideal", "--set", change)
    assert (code, shown, len(error.splitlines())) == (2, "", 1)
    assert not out.exists()


def test_scores_that_cannot_be_kept_are_printed_all_the_same(run, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, shown, error = hopbar(capsys, "evaluate", run, "--n", 20, "--json")
    assert code == 0
    assert json.loads(shown)["n_fake"] == 20
    assert "were not kept" in error
    assert "No space left" in error
    assert not list(run.glob("evaluation*"))


def test_scores_go_where_they_are_asked_to_or_nowhere(run, tmp_path, capsys):
    code, shown, _ = hopbar(capsys, "evaluate", run, "--n", 20, "--json", "--no-keep")
    assert code == 0
    assert not list(run.glob("evaluation*"))
    assert hopbar(capsys, "evaluate", run, "--n", 20, "--json", "--out", tmp_path / "a.json")[0] == 0
    assert json.loads((tmp_path / "a.json").read_text()) == json.loads(shown)
    assert not list(run.glob("evaluation*"))
    for refused in (["--out", tmp_path / "none" / "a.json"], ["--out", tmp_path / "b.json", "--no-keep"]):
        code, shown, error = hopbar(capsys, "evaluate", run, "--n", 20, *refused)
        assert (code, shown, len(error.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "{run}", "--n", "1000000000", "--out", "{new}/x.npy"], "choose a smaller --n"),
        (["evaluate", "{run}", "--n", "1000000000"], "choose a smaller --n"),
        (["sample", "{run}", "--n", "100000", "--out", "{new}/x.png"], "a picture shows at most 10,000 images"),
        (["program", "{run}", "--device", "ideal", "--out", "{new}/chip.h5"], "an f-vae is no Hopfield network"),
        (["program", "{run}", "--device", "ideal", "--out", "{new}/chip.h5", "--variation", "5"], "variation"),
    ],
)
def test_what_no_machine_can_do_is_one_line(run, tmp_path, capsys, arguments, message):
    code, shown, error = hopbar(capsys, *(one.format(run=run, new=tmp_path) for one in arguments))
    assert (code, shown, len(error.splitlines())) == (2, "", 1)
    assert message in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["A.PNG", "a.SVG", "a.NPY"])
def test_suffixes_may_be_capital(run, tmp_path, capsys, name):
    assert hopbar(capsys, "sample", run, "--n", 4, "--out", tmp_path / name)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]
    if name.endswith("NPY"):
        assert np.load(tmp_path / name).shape == (4, 49)


def test_a_lack_of_memory_is_one_line(run, monkeypatch, capsys):
    def none(*_):
        raise MemoryError("Unable to allocate 3 TiB")

    monkeypatch.setattr("hvae.runs.loading.load", none)
    code, shown, error = hopbar(capsys, "evaluate", run)
    assert (code, shown) == (2, "")
    assert error == "hopbar: not enough memory (Unable to allocate 3 TiB): choose a smaller model, batch or --n\n"


def test_windows_is_told_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "win32")
    code, _, error = hopbar(capsys, "doctor")
    assert (code, len(error.splitlines())) == (2, 1)
    assert "use WSL" in error


def test_caches_go_to_a_folder_of_the_user_alone_where_nothing_else_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(caches.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    monkeypatch.setattr(caches.tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    for name in ("kernels", "home"):
        (tmp_path / name).mkdir()
    environment = {"HOME": str(tmp_path / "home")}
    assert caches.use_writable(environment, tmp_path) == []
    monkeypatch.setattr(caches, "_writable", lambda folder: False)
    assert caches.use_writable(environment, tmp_path) == ["NUMBA_CACHE_DIR", "MPLCONFIGDIR"]
    folder = Path(environment["NUMBA_CACHE_DIR"])
    assert folder.stat().st_mode & 0o077 == 0
    assert caches.use_writable(environment, tmp_path) == []
    folder.chmod(0o777)  # another user could have put code there
    other = {"HOME": "/", "MPLCONFIGDIR": "own"}
    assert caches.use_writable(other, tmp_path) == ["NUMBA_CACHE_DIR"]
    assert other["NUMBA_CACHE_DIR"] != str(folder)
    assert other["MPLCONFIGDIR"] == "own"


def test_a_collapsed_posterior_is_told(tmp_path, capsys):
    """A network that reconstructs every image as their mean has scores, and they look like scores."""
    folder = RunFolder.create(
        tmp_path / "run", toml_file.resolve("tdh-vae", [], [*SMALL, "training.beta_kl=1000", "training.epochs=2"])
    )
    loop.train(folder)
    code, out, err = hopbar(capsys, "evaluate", folder.path, "--n", 20, "--json")
    assert code == 0
    assert json.loads(out)["active_latents"] == 0
    assert "posterior collapse" in err
