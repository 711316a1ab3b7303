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


def check_out(path: Path) -> None:
    """Raise `InvalidValue` unless the folder of `path`, the `--out` of a command, exists."""
    if not path.parent.is_dir():
        raise InvalidValue(f"the folder {str(path.parent)!r} of `--out` does not exist; make it first")


def write_bytes(path: Path, content: bytes, *, part: str = ".part") -> Path:
    """Write `content` to `path` atomically: after a kill, a full disk or a loss of power it is the old or the new file.

    The bytes go to a file beside it, named with the suffix `part`, which then takes its name; processes that may write
    one file at one time need suffixes of their own. What could not be written whole is removed.

    Raises
    ------
    OSError
        The system refuses, as where the disk is full; its ``filename`` is `path`.
    """
    temporary = path.with_name(path.name + part)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        _remove(temporary)
        error.filename, error.filename2 = str(path), None
        raise
    return path


def write_text(path: Path, text: str, *, part: str = ".part") -> Path:
    """Write `text` to `path` in UTF-8, atomically; see `write_bytes`."""
    return write_bytes(path, text.encode("utf-8"), part=part)


def write_json(path: Path, found: object, *, part: str = ".part") -> Path:
    """Write `found` to `path` as JSON, atomically; see `write_bytes`."""
    return write_text(path, json.dumps(found, indent=1) + "\n", part=part)


def hdf5_image(fill: Callable[[h5py.File], None], libver: str | None = None) -> bytes:
    """Return the bytes of the HDF5 file that `fill` fills, made in memory.

    HDF5 may bring the interpreter down when a disk is full while it writes; `write_bytes` only ever raises.
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
        return  # it was not even begun, or the disk is read-only: what was refused first is told
