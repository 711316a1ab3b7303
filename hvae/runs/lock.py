"""The lock of a run folder: one process writes there at a time, any number may read."""

from __future__ import annotations

import errno
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crossbar.errors import FolderInUse, LocksMissing

NAME = "lock"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of the run in `folder`, an flock on its file ``lock``, which also says who holds it.

    The kernel gives the lock back when its process ends, by `kill -9` too. The file stays: it is locked or free,
    and to remove it would let two processes lock two files of one name.

    Raises
    ------
    FolderInUse
        Another process (or another thread of this one) holds it.
    LocksMissing
        The folder lies on a disk of a network that has no locks.
    """
    import fcntl  # not on Windows, where `hopbar` says so

    with (folder / NAME).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise FolderInUse(
                f"{folder} is being written by {file.read().strip() or 'another process'}: wait until it ends, or stop "
                "it (a run stops at a checkpoint on Ctrl-C or SIGTERM), and give the command again"
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise LocksMissing(
                f"{folder} lies on a disk without locks ({error.strerror}), where two processes could spoil one run: "
                "train into a folder on this machine's own disk and copy the run, or have the disk mounted with locks "
                "(NFS: a running lock service, or the option local_lock=flock)"
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}\n")
        file.flush()
        yield
