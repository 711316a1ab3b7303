"""Files at the door: read whole or refused in one line, written whole or not at all."""

import errno
import io
import json
import os
import struct
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from crossbar import input_files, memory
from crossbar.chip import Chip, load_chip
from crossbar.errors import CorruptFile, FileInUse, InvalidValue, MissingFile
from crossbar.hopfield.network import Network
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


def refusal(path):
    """Return why `load_chip` refuses `path`, in a process of its own, as it may hang where no signal reaches."""
    program = "import sys; from crossbar.chip import load_chip; load_chip(sys.argv[1])"
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    return done.stderr.splitlines()[-1]


def chip_file(path):
    network = Network((("pixels", 4), ("latent", 1)), "dense")
    weights = {"tied": np.zeros((5, 5))}
    chip = Chip(model="tdh-vae", networks={"tied": network}, weights=weights, sigma=0.4, image_shape=(2, 2),
                examples=np.zeros((0, 4), np.float32))  # fmt: skip
    return chip.save(path)


def test_a_chip_that_libhdf5_would_read_for_ever_is_refused(tmp_path):
    path = chip_file(tmp_path / "chip.h5")
    for size in (0, 2**64 - 16):  # of the free space, and of a text that brings libhdf5 back to where it was
        image = bytearray(path.read_bytes())
        heap = image.index(b"GCOL")
        index = int(size > 0)
        image[heap + 16 : heap + 32] = struct.pack("<HHIQ", index, 0, 0, size)
        (tmp_path / "loop.h5").write_bytes(image)
        assert "its heap at byte" in refusal(tmp_path / "loop.h5")
    image = bytearray(path.read_bytes())
    heap = image.index(b"HEAP")
    free, start = struct.unpack_from("<QQ", image, heap + 16)
    struct.pack_into("<Q", image, start + free, free)  # a free block of a group's names that leads to itself
    (tmp_path / "loop.h5").write_bytes(image)
    assert "its heap at byte" in refusal(tmp_path / "loop.h5")


def test_heaps_that_overlap_are_refused_at_once(tmp_path):
    heap = b"GCOL\x01\0\0\0" + (2**40).to_bytes(8, "little")
    text = struct.pack("<HHIQ", 1, 0, 0, 16)  # of 16 bytes, those of the next heap: every heap goes on to the end
    (tmp_path / "overlap.h5").write_bytes(b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08" + (heap + text) * 100_000)
    assert "its heap at byte" in refusal(tmp_path / "overlap.h5")


def test_a_pipe_is_no_chip(tmp_path):
    os.mkfifo(tmp_path / "chip.h5")
    assert refusal(tmp_path / "chip.h5").endswith(
        "chip.h5 cannot be read as a chip (it is no regular file); make the chip again from its run"
    )


def link(file, elsewhere):
    file["examples"] = h5py.ExternalLink(elsewhere, "/examples")


def storage(file, elsewhere):
    file.create_dataset("examples", (1, 4), "f4", external=[(elsewhere, 0, 16)])


def view(file, elsewhere):
    layout = h5py.VirtualLayout((1, 4), "f4")
    layout[:] = h5py.VirtualSource(elsewhere, "examples", (1, 4))
    file.create_virtual_dataset("examples", layout)


def test_attributes_of_odd_types_are_refused_before_they_are_read(tmp_path):
    path = chip_file(tmp_path / "chip.h5")
    with h5py.File(path, "r+") as file:
        file["networks/tied"].attrs["blocks"] = np.array([(1, 2.0)], dtype="i4,f8")
    with pytest.raises(CorruptFile, match=r"the attribute 'blocks' of networks/tied is neither text nor number"):
        load_chip(path)


@pytest.mark.parametrize("lead", [link, storage, view])
def test_a_chip_that_leads_to_other_files_is_refused(tmp_path, lead):
    """A file that someone else made could otherwise bring what lies on this disk into a chip that is given away."""
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["examples"] = np.zeros((1, 4), np.float32)
    path = chip_file(tmp_path / "chip.h5")
    with h5py.File(path, "r+") as file:
        del file["examples"]
        lead(file, str(tmp_path / "secret.h5"))
    with pytest.raises(CorruptFile, match=r"is a link by name|lies in another file"):
        load_chip(path)


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


def claims(folder, name):
    """Write an array whose header claims 10^15 numbers, alone or packed."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**6)})
    content = header.getvalue() + b"\0" * 64
    if name.endswith(".npz"):
        with zipfile.ZipFile(folder / name, "w") as packed:
            packed.writestr("W.npy", content)
    else:
        (folder / name).write_bytes(content)
    return folder / name


def test_arrays_that_claim_what_they_have_not_are_refused(tmp_path):
    with pytest.raises(CorruptFile, match=r"no \.npy file"):
        input_files.npy(claims(tmp_path, "w.npy"), 2**30, "write it again")
    with pytest.raises(CorruptFile, match=r"no \.npz file"), input_files.npz(
        claims(tmp_path, "w.npz"), 2**30, "write it again"
    ) as file:
        file["W"]


def test_arrays_larger_than_may_be_read_are_refused_before_they_are(tmp_path):
    np.savez_compressed(tmp_path / "w.npz", W=np.zeros(10**6))
    np.save(tmp_path / "w.npy", np.zeros(10**6))
    with pytest.raises(InvalidValue, match="unpacks to"), input_files.npz(tmp_path / "w.npz", 2**20, "cut"):
        pass
    with pytest.raises(InvalidValue, match="unpacks to"):
        input_files.npy(tmp_path / "w.npy", 2**20, "cut")


def test_plain_arrays_are_read_as_they_were_written(tmp_path, rng):
    W = rng.normal(size=(3, 4))
    np.savez(tmp_path / "w.npz", W=W)
    np.save(tmp_path / "w.npy", W)
    with input_files.npz(tmp_path / "w.npz", 2**20, "") as file:
        np.testing.assert_array_equal(file["W"], W)
    np.testing.assert_array_equal(input_files.npy(tmp_path / "w.npy", 2**20, ""), W)
