"""Jobs as a person watches them: how many are done, who works, and how far each is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from hvae.jobs.job import Listener, Metrics


@dataclass
class Bars:
    """One bar for all jobs, and one for each that tells its steps."""

    progress: Progress
    what: str
    total: TaskID
    _jobs: dict[str, TaskID] = field(default_factory=dict)
    _over: set[str] = field(default_factory=set)

    @property
    def listener(self) -> Listener:
        """What runs the jobs is to tell it."""
        return Listener(on_step=self._on_step, on_wait=self._on_wait)

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self.progress.console.print(text)

    def done(self, completed: int, note: str = "") -> None:
        """Show that `completed` jobs are done in all."""
        self.progress.update(self.total, completed=completed, note=note)

    def end(self, name: str) -> None:
        """Take the bar of the job `name` away."""
        self._over.add(name)
        if name in self._jobs:
            self.progress.remove_task(self._jobs.pop(name))

    def _on_step(self, name: str, step: int, total: int, metrics: Metrics) -> None:
        if name in self._over:
            return  # told late
        if name not in self._jobs:
            self._jobs[name] = self.progress.add_task(name, note="")
        losses = f"SSE/2 {metrics['sse_half']:.1f}  KL {metrics['kl']:.1f}" if "sse_half" in metrics else ""
        self.progress.update(self._jobs[name], completed=step, total=total, note=losses)

    def _on_wait(self, workers: int) -> None:
        told = "waits for workers" if workers == 0 else "1 worker" if workers == 1 else f"{workers} workers"
        self.progress.update(self.total, description=f"{self.what}, {told}")


@contextmanager
def shown(what: str, total: int, completed: int, console: Console) -> Iterator[Bars]:
    """Show bars on `console` for `total` jobs called `what`, of which so many are `completed`, while the body runs."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=console) as progress:
        yield Bars(progress, what, progress.add_task(what, total=total, completed=completed, note=""))
