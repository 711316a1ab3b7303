"""CUDA graphs: a block of work without decisions, recorded once and replayed with one launch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass
class Repeated:
    """Work on fixed arrays, done at every call: the first time as it stands (kernels compile), then as a CUDA graph.

    Attributes
    ----------
    work : callable
        Launches kernels on arrays that stay where they are, and never waits for the device.
    captured : bool
        Whether to record it; False does it as it stands, always.
    """

    work: Callable[[], None]
    captured: bool
    _calls: int = 0
    _graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Do the work."""
        self._calls += 1
        if not self.captured or self._calls == 1:
            self.work()
            return
        if self._graph is None:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self.work()
            self._graph = graph
        self._graph.replay()
