"""The door for files that a command will write: refused before the work, not after it."""

from __future__ import annotations

from pathlib import Path

from crossbar.errors import InvalidValue


def check_out(path: Path) -> None:
    """Raise `InvalidValue` unless the folder of `path`, the `--out` of a command, exists."""
    if not path.parent.is_dir():
        raise InvalidValue(f"the folder {str(path.parent)!r} of `--out` does not exist; make it first")
