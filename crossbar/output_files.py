"""The door for files that are written: refused before the work, and then the old file or the new one, never a part."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from crossbar.errors import InvalidValue

if TYPE_CHECKING:
    import h5py

PICTURES = {".png", ".pdf", ".svg"}
PART = ".part"
"""How the name of a file ends that is being written, or was when its process was killed."""


def check_out(path: Path, option: str = "--out") -> None:
    """Raise `InvalidValue` unless the folder of `path`, which `option` of a command gave, exists."""
    if not path.parent.is_dir():
        raise InvalidValue(f"the folder {str(path.parent)!r} of `{option}` does not exist; make it first")


def check_picture(path: Path, option: str = "--plot") -> None:
    """Raise `InvalidValue` unless a picture can be written to `path`, which `option` of a command gave."""
    if path.suffix.lower() not in PICTURES:
        raise InvalidValue(f"`{option}` must end in .png, .pdf or .svg, but got {str(path)!r}")
    if not path.parent.is_dir():
        raise InvalidValue(f"the folder {str(path.parent)!r} of `{option}` does not exist; make it first")


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`: whatever happens, a file of that name is either the old or the new one, whole.

    Raises
    ------
    OSError
        It cannot be written, such as on a full disk; the error names `path`, and nothing of it is left.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        _remove(part)


def write_text(path: Path, text: str) -> Path:
    """Write `text` to `path` in UTF-8, atomically; see `write_atomically`."""
    write_atomically(path, text.encode("utf-8"))
    return path


def write_json(path: Path, found: object) -> Path:
    """Write `found` to `path` as JSON, atomically; see `write_atomically`."""
    return write_text(path, json.dumps(found, indent=1) + "\n")


def hdf5_image(fill: Callable[[h5py.File], None], libver: str | None = None) -> bytes:
    """Return the bytes of the HDF5 file that `fill` fills, made in memory.

    HDF5 may bring the interpreter down when a disk is full while it writes; `write_atomically` only ever raises.
    """
    import h5py

    with h5py.File("image", "w", driver="core", backing_store=False, libver=libver, block_size=2**22) as file:
        fill(file)
        file.flush()
        return bytes(file.id.get_file_image())


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        return  # it has its name by now, was not even begun, or the disk is read-only
