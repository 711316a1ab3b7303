"""The errors of Hopbar: every one is also an error of Python's own, and its message names the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HopbarError(Exception):
    """Anything that a user can mend; the command line prints it as one message and exits with code 2."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class InvalidValue(HopbarError, ValueError):
    """A value that cannot be meant, such as a negative standard deviation."""


class UnknownName(HopbarError, KeyError):
    """A name that stands for nothing; see `unknown_name`."""


class MissingFile(HopbarError, FileNotFoundError):
    """A file that should be there and is not."""


class CorruptFile(HopbarError, ValueError):
    """A file that is truncated, foreign or damaged."""


class ExistingFile(HopbarError, FileExistsError):
    """A file or folder that would be overwritten."""


class FolderInUse(HopbarError, BlockingIOError):
    """A folder that another process is writing to."""


class LocksMissing(HopbarError, OSError):
    """A folder on a disk where no process can keep others out."""


class FileInUse(HopbarError, BlockingIOError):
    """A file that another process has open for writing."""


class EngineError(HopbarError, RuntimeError):
    """A circuit simulator that is missing, too old, crashed or ran out of time."""


class DivergedError(HopbarError, ArithmeticError):
    """A computation whose numbers are no longer finite."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """Return the error for `name`, which is no `kind`, with the nearest known name as a suggestion.

    >>> str(unknown_name("model", "tdh-vea", ["tdh-vae", "f-vae"]))
    "unknown model 'tdh-vea'; did you mean 'tdh-vae'? Known: f-vae, tdh-vae"
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return UnknownName(f"unknown {kind} {name!r}{hint} Known: {', '.join(names)}")
