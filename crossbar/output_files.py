"""Files that a command writes: refused before the work, and written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from crossbar.errors import InvalidValue


def check_out(path: Path) -> None:
    """Raise `InvalidValue` unless the folder of `path`, the `--out` of a command, exists."""
    if not path.parent.is_dir():
        raise InvalidValue(f"the folder {str(path.parent)!r} of `--out` does not exist; make it first")


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`: whatever happens, a file of that name is either the old or the new one, whole.

    Raises
    ------
    OSError
        It cannot be written, such as on a full disk; the error names `path`, and nothing of it is left.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        part.unlink(missing_ok=True)
