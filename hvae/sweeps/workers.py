"""Who runs a trial, and whether that worker is still there: marks that any Optuna storage can keep."""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

BEAT_SECONDS = 30.0
GRACE_SECONDS = 900.0
"""A worker that has not beaten for so long is taken for dead; more than any step or evaluation should take."""


def mark() -> dict[str, object]:
    """Return the mark of this process, now."""
    return {"host": _host(), "pid": os.getpid(), "beat": time.time()}


@contextmanager
def beating(beat: Callable[[], object], seconds: float = BEAT_SECONDS) -> Iterator[None]:
    """Call `beat` now and then, in a thread, while the body runs: whoever computes, its command lives."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(seconds):
            beat()

    thread = threading.Thread(target=go_on, name="beating", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def is_gone(found: Mapping[str, object], now: float | None = None) -> bool:
    """Tell whether the worker with the mark `found` is dead.

    On this machine a process that no longer exists is dead at once; anywhere, one that is silent for `GRACE_SECONDS`
    (by the clocks of two machines, which should not differ by minutes).
    """
    if found.get("host") == _host() and not _runs(int(str(found["pid"]))):
        return True
    return (time.time() if now is None else now) - float(str(found.get("beat", 0))) > GRACE_SECONDS


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _host() -> str:
    """Return the name of the machine, and of the space in which process numbers are unique (a container's)."""
    space = Path("/proc/self/ns/pid")
    return f"{platform.node()} {space.readlink() if space.is_symlink() else ''}".strip()
