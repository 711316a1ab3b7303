"""The door for files that are read: whatever lies in one, the answer is its content or one message that names it."""

from __future__ import annotations

import json
import stat
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crossbar import hdf5_heaps, memory
from crossbar.errors import CorruptFile, FileInUse, HopbarError, InvalidValue, MissingFile

if TYPE_CHECKING:
    import h5py

_LOCKED = ("unable to lock file", "already open for write", "already open for SWMR write")
"""What HDF5 says of a file that another process has open; no word of damage."""


def json_object(path: Path, remedy: str) -> dict[str, Any]:
    """Return the JSON object in the file at `path`; `remedy` says what to do where there is none.

    Raises
    ------
    MissingFile, CorruptFile
        There is no file; it holds no JSON, or JSON of another kind.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise MissingFile(f"no file at {path}: {remedy}") from None
    except (ValueError, RecursionError) as error:
        raise CorruptFile(f"{path} is no JSON ({error}): {remedy}") from error
    if not isinstance(found, dict):
        raise CorruptFile(f"{path} is no JSON object, but {_short(found)}: {remedy}")
    return found


def json_lines(path: Path, remedy: str) -> list[dict[str, Any]]:
    """Return the JSON objects in the lines of the file at `path`; a last line that a kill cut short is left out.

    Raises
    ------
    MissingFile, CorruptFile
        There is no file; another line is no JSON object.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MissingFile(f"no file at {path}: {remedy}") from None
    found = []
    for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), 1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CorruptFile(f"{path} cannot be read (line {number}: {error}): {remedy}") from error
        if not isinstance(record, dict):
            raise CorruptFile(f"{path} cannot be read (line {number} is no object, but {_short(record)}): {remedy}")
        found.append(record)
    return found


def toml(path: Path, missing: str) -> dict[str, Any]:
    """Return the tables of the TOML file at `path`, with or without the byte-order mark of Windows' editors.

    Raises
    ------
    MissingFile, CorruptFile
        There is no file, which `missing` tells; it is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MissingFile(missing) from None
    except UnicodeDecodeError as error:
        raise CorruptFile(f"{path} is no valid TOML: {error}") from error
    return toml_text(text, str(path))


def toml_text(text: str, place: str) -> dict[str, Any]:
    """Return the tables in `text`, which lies at `place`.

    Raises
    ------
    CorruptFile
        It is no TOML, or nested too deeply.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise CorruptFile(f"{place} is no valid TOML: its brackets are nested too deeply") from None
    except ValueError as error:  # a whole number of thousands of digits too
        raise CorruptFile(f"{place} is no valid TOML: {error}") from error


@contextmanager
def hdf5(path: Path, what: str, remedy: str) -> Iterator[h5py.File]:
    """Open the HDF5 file at `path`, which should be `what`, and let the body read it; `remedy` is for where it is none.

    Our files are replaced whole, never changed, so that none needs a lock to be read; NFS often has none. What libhdf5
    would wait or loop on for ever, in C where no interrupt reaches it, is refused before, and so is what leads out of
    the file; against other faults of libhdf5 on bytes that were made to harm, there is no guard here.

    Raises
    ------
    CorruptFile
        It is no regular file, HDF5 cannot read it, it refers to other files, or the body found it to be other than it
        expected.
    FileInUse
        Another process has it open for writing.
    """
    import h5py

    try:
        _check_regular(path)
        hdf5_heaps.check(path)
        with h5py.File(path, "r", locking=False) as file:
            _check_items(file)
            yield file
    except (HopbarError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:  # damage shows as errors of many kinds; an interrupt is none of these
        if any(said in str(error) for said in _LOCKED):
            raise FileInUse(
                f"{path} is open for writing in another process: wait until it ends; if it was killed, run "
                "`h5clear -s` on the file, and where locks fail on a network's disk, set HDF5_USE_FILE_LOCKING=FALSE"
            ) from error
        raise CorruptFile(f"{path} cannot be read as {what} ({_first_line(error)}); {remedy}") from error


def array(dataset: Any) -> np.ndarray:
    """Return the HDF5 `dataset` as an array of numbers.

    Raises
    ------
    TypeError, ValueError
        It is no data set of numbers, lies in other files, or claims more than the memory holds.
    """
    if getattr(dataset, "dtype", None) is None or dataset.dtype.kind not in "fiub":
        raise TypeError(f"{getattr(dataset, 'name', dataset)} is no array of numbers")
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"{dataset.name} lies in another file")
    if dataset.nbytes > memory.limit():
        raise ValueError(f"{dataset.name} claims {dataset.nbytes:.1e} bytes")
    found: np.ndarray = dataset[()]
    return found


@contextmanager
def npz(path: Path, largest: int, remedy: str) -> Iterator[Mapping[str, np.ndarray]]:
    """Open the arrays in the .npz file at `path`, and let the body read them by name; nothing is unpickled.

    Raises
    ------
    CorruptFile
        It is no such file: damaged, with pickled objects, locked by a password, packed in a way that Python has not.
    InvalidValue
        It would unpack to more than `largest` bytes.
    """
    try:
        _check_regular(path)
        with zipfile.ZipFile(path) as packed:
            check_size(path, sum(member.file_size for member in packed.infolist()), largest)
        with np.load(path, allow_pickle=False) as file:
            yield file
    except (HopbarError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:  # damage shows as errors of many kinds, as in HDF5
        raise CorruptFile(f"{path} is no .npz file of plain arrays ({_first_line(error)}): {remedy}") from error


def npy(path: Path, largest: int, remedy: str) -> np.ndarray:
    """Return the array in the .npy file at `path`; nothing is unpickled.

    Raises
    ------
    CorruptFile
        It is no such file, or claims more than it has.
    InvalidValue
        It has more than `largest` bytes.
    """
    try:
        _check_regular(path)
        check_size(path, path.stat().st_size, largest)
        found: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        return np.array(found)
    except (HopbarError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:
        raise CorruptFile(f"{path} is no .npy file of a plain array ({_first_line(error)}): {remedy}") from error


def check_size(path: Path, size: int, largest: int) -> None:
    """Raise `InvalidValue` if the file at `path`, unpacked, has more than `largest` bytes."""
    if size > largest:
        raise InvalidValue(f"{path} unpacks to {size / 2**30:.1f} GiB, but at most {largest >> 30} are read: cut it")


def _check_regular(path: Path) -> None:
    """Raise `ValueError` where `path` is a pipe, a device or the like: to open one may wait for ever."""
    kind = path.stat().st_mode
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):  # a folder has an error of its own
        raise ValueError("it is no regular file")


def _check_items(file: h5py.File) -> None:
    """Raise `ValueError` where `file` has a link by name, or attributes other than numbers and texts.

    The one may lead to another file; on damaged types of other kinds libhdf5 brings the interpreter down.
    """
    import h5py

    plain = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM, h5py.h5t.STRING)

    def odd(name: str, link: object) -> str | None:
        if not isinstance(link, h5py.HardLink):
            return f"{name} is a link by name"
        return odd_attribute(name)

    def odd_attribute(name: str) -> str | None:
        attributes = file[name].attrs
        wrong = [one for one in attributes if attributes.get_id(one).get_type().get_class() not in plain]
        return f"the attribute {wrong[0]!r} of {name} is neither text nor number" if wrong else None

    found = odd_attribute("/") or file.visititems_links(odd)
    if found:
        raise ValueError(found)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _short(found: object) -> str:
    text = repr(found)
    return text if len(text) < 40 else f"{text[:40]}..."
