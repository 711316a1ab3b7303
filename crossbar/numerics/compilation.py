"""Whether a kernel has been compiled on this machine before: a first call takes seconds, and that is to be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def is_cold(kernel: Any) -> bool:
    """Return whether no compiled code of `kernel`, a function of `numba.njit(cache=True)`, lies in its cache.

    Code of an older source counts as none only once numba has found it stale; so this errs on the side of silence.
    False where numba does not compile (NUMBA_DISABLE_JIT=1).
    """
    if not hasattr(kernel, "stats"):
        return False
    folder, name = Path(kernel.stats.cache_path), kernel.py_func.__qualname__
    return not any(folder.glob(f"*.{name}-*.nbi"))
