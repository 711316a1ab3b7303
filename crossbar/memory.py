"""How much memory this process may have, and the door for what cannot fit into it."""

from __future__ import annotations

import os
from pathlib import Path

from crossbar.errors import InvalidValue

_CONTAINER = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def limit() -> int:
    """Return the least of what the machine has, its container may use and `ulimit -v` allows, in bytes."""
    found = [2**62, *_machine(), *_own()]
    for path in _CONTAINER:
        text = path.read_text(encoding="ascii").strip() if path.is_file() else ""
        found += [int(text)] if text.isdecimal() else []
    return min(found)


def refuse_beyond(needed: float, what: str, remedy: str) -> None:
    """Raise `InvalidValue` where `what` needs more bytes than there are: said now, not by the system's killer later."""
    if needed > limit():
        raise InvalidValue(f"{what} needs about {_told(needed)} of memory, but there are {_told(limit())}: {remedy}")


def _told(size: float) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= 2**28 else f"{size / 2**20:,.0f} MiB"


def _machine() -> list[int]:
    try:
        return [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, ValueError, OSError):  # a system that does not say
        return []


def _own() -> list[int]:
    try:
        import resource
    except ImportError:  # Windows
        return []
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return [] if soft == resource.RLIM_INFINITY else [soft]
