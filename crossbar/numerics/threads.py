"""Work that falls into independent parts, on as many threads as the BLAS library may use: same bytes for any number.

The limit is that of the matrix products, whoever set it: `OMP_NUM_THREADS`, `hopbar doctor --tune`, or
`threadpoolctl.threadpool_limits`. Kernels that run here release the interpreter's lock (`nogil`) and draw their random
numbers by place (`crossbar.numerics.random`), so that it does not matter which thread takes which rows. numba's own
`parallel=True` would do the same at several times the time to compile, and its pool of threads survives no fork.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import threadpoolctl

Part = TypeVar("Part")
Found = TypeVar("Found")

LEAST = 1 << 17  # places below which a second thread costs more than it saves
_PIECES = 4  # a thread: those that finish first take what is left
_place = threading.local()


@lru_cache(maxsize=1)
def _libraries() -> list[Any]:
    return threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers


def count() -> int:
    """Return how many threads a computation may take now; 1 inside a part of one that has taken them."""
    if getattr(_place, "inside", False):
        return 1
    return max(1, min((library.num_threads for library in _libraries()), default=1))


def each(function: Callable[[Part], Found], parts: Iterable[Part]) -> list[Found]:
    """Return `function` of each of `parts`, in their order; an error of any is raised here.

    The caller works too, and takes parts as its helpers do.
    """
    parts = list(parts)
    n_threads = min(count(), len(parts))
    if n_threads <= 1:
        return [function(part) for part in parts]
    found: dict[int, Found] = {}
    left = iter(range(len(parts)))

    def work() -> None:
        outside, _place.inside = not getattr(_place, "inside", False), True
        try:
            for number in left:
                found[number] = function(parts[number])
        finally:
            _place.inside = not outside

    helpers = [_helpers(n_threads - 1).submit(work) for _ in range(n_threads - 1)]
    try:
        work()
    finally:
        begun = [helper for helper in helpers if not helper.cancel()]  # one that never came to it is not waited for
        wait(begun)
    for helper in begun:
        helper.result()
    return [found[number] for number in range(len(parts))]


def over_rows(kernel: Callable[[int, int], Found], work: np.ndarray) -> list[Found]:
    """Return `kernel`(begin, end) of stretches that cover all rows, in their order.

    Parameters
    ----------
    kernel : callable
        Works on the rows [begin, end), of which none depends on another.
    work : ndarray (n_rows,)
        Places of each row; stretches have about as many. Below `LEAST` in all there is one stretch.
    """
    n_threads = count()
    if n_threads == 1 or work.sum() < LEAST:
        return [kernel(0, len(work))]
    done = np.cumsum(work)
    inner = np.searchsorted(done, np.linspace(0, done[-1], _PIECES * n_threads + 1)[1:-1])
    edges = sorted({0, *(int(edge) for edge in inner), len(done)})
    return each(lambda span: kernel(*span), pairwise(edges))


@lru_cache(maxsize=8)
def _helpers(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads, thread_name_prefix="rows")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)  # threads do not survive a fork
