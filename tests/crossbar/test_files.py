"""Files at the door: read whole or refused in one line, written whole or not at all."""

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from crossbar import input_files, memory
from crossbar.errors import CorruptFile, FileInUse, InvalidValue, MissingFile
from crossbar.output_files import hdf5_image, write_atomically, write_json


def test_a_write_that_fails_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    path = write_json(tmp_path / "kept.json", {"old": 1})

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        write_atomically(path, b"new")
    assert raised.value.filename == str(path)
    assert [one.name for one in tmp_path.iterdir()] == ["kept.json"]
    assert json.loads(path.read_text()) == {"old": 1}


@pytest.mark.parametrize("libver", [None, "latest"])
def test_an_image_is_the_file_that_hdf5_reads(tmp_path, libver):
    numbers = np.arange(5000.0).reshape(50, 100)

    def fill(file):
        file.attrs["schema"] = "x"
        file.create_dataset("a/numbers", data=numbers)

    path = tmp_path / "image.h5"
    write_atomically(path, hdf5_image(fill, libver))
    assert hdf5_image(fill, libver) == path.read_bytes()
    with input_files.hdf5(path, "numbers", "make it again") as file:
        assert file.attrs["schema"] == "x"
        np.testing.assert_array_equal(input_files.array(file["a/numbers"]), numbers)


def test_a_file_that_another_process_writes_is_in_use_not_damaged(tmp_path):
    path = tmp_path / "busy.h5"
    program = (
        "import h5py, sys; file = h5py.File(sys.argv[1], 'w', libver='latest'); file.attrs['a'] = 1; file.flush()\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "open\n"
    try:
        with pytest.raises(FileInUse, match="open for writing in another process"), input_files.hdf5(path, "x", "y"):
            pass
    finally:
        holder.communicate("")


@pytest.mark.parametrize("content", ["[]", "5", "null", "{", "", "[" * 20000, "\x00", '"' + "x" * 100 + '"'])
def test_json_of_another_kind_is_named_with_its_remedy(tmp_path, content):
    path = tmp_path / "state.json"
    path.write_text(content)
    with pytest.raises(CorruptFile, match=r"state\.json.*: make it again"):
        input_files.json_object(path, "make it again")
    path.write_text(content + "\n")
    if content:
        with pytest.raises(CorruptFile, match=r"state\.json cannot be read \(line 1.*make it again"):
            input_files.json_lines(path, "make it again")
    with pytest.raises(MissingFile, match="make it again"):
        input_files.json_object(tmp_path / "none.json", "make it again")


def test_toml_of_windows_editors_is_read_and_toml_that_is_none_refused(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbf[training]\nepochs = 3\n")
    assert input_files.toml(path, "") == {"training": {"epochs": 3}}
    for content in ("a = " + "[" * 20000, "a = " + "9" * 5000, "a", "a = 1\na = 2"):
        path.write_text(content)
        with pytest.raises(CorruptFile, match=r"a\.toml is no valid TOML"):
            input_files.toml(path, "")


def test_memory_that_is_not_there_is_refused_with_the_estimate():
    memory.refuse_beyond(1e6, "a small thing", "")
    with pytest.raises(
        InvalidValue, match=r"a model needs about 931\.3 GiB of memory, but there are .*: make it small"
    ):
        memory.refuse_beyond(1e12, "a model", "make it smaller")
