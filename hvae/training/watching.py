"""A training run as a person watches it: progress, current losses, and Ctrl-C that stops at a checkpoint."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from crossbar import console
from crossbar.hopfield.kernels import descent
from crossbar.numerics.compilation import is_cold
from hvae.data.sets import Dataset
from hvae.learning import unsettled
from hvae.runs.records import RunFolder
from hvae.scores import codes
from hvae.training import loop
from hvae.training.engines import Choice
from hvae.training.loop import Ending, Observer

_console = console.stderr()
_UNTOLD = {"epoch", *(f"validation_{key}" for key in codes.KEYS if key not in codes.TOLD)}
"""What of an epoch's metrics has no place on its line."""


def watch(
    folder: RunFolder, dataset: Dataset | None = None, engine: Choice | None = None
) -> tuple[bool, dict[str, float]]:
    """Train the run in `folder`, on its own data unless given; return whether it finished, and its last metrics."""
    with interruptions() as interrupted, progress() as bar:
        config = folder.config()
        if config.model.name != "f-vae" and is_cold(descent.respond):
            bar.console.print("the kernels are compiled first, once on a machine: about 15 s of a processor")
        task = bar.add_task(config.model.name, total=None, losses="")
        last: dict[str, float] = {}
        pace = _Pace()

        def on_step(step: int, total: int, metrics: Mapping[str, float]) -> None:
            last.update(metrics)
            pace.hear(step, total)
            losses = f"SSE/2 {metrics['sse_half']:.1f}  KL {metrics['kl']:.1f}"
            bar.update(task, completed=step, total=total, losses=losses)

        def on_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
            last.update(metrics)
            named = ((name.replace("_", " "), value) for name, value in metrics.items() if name not in _UNTOLD)
            shown = "  ".join(f"{name} {value:.4g}" for name, value in named)
            bar.console.print(f"epoch {epoch} of {config.training.epochs}{pace.to_go()}: {shown or 'done'}")
            told = unsettled.warning(
                {loop.SHARES[name]: metrics[name] for name in loop.SHARES if name in metrics}
            )
            if told:
                bar.console.print(f"epoch {epoch}: {told}")

        observer = Observer(on_step=on_step, on_epoch=on_epoch, stop_requested=lambda: bool(interrupted))
        ending = loop.train(folder, dataset, observer, engine)
    if ending is Ending.STOPPED:
        _console.print(f"stopped at a checkpoint; go on with the same command and --resume (run {folder.path})")
    else:
        _console.print(f"finished: {folder.path}; next: hopbar evaluate {folder.path}, hopbar figures {folder.path}")
    return ending is Ending.FINISHED, last


@dataclass
class _Pace:
    """How fast a run goes since it was begun or resumed; a log file has no bar that tells when it will end."""

    began: float = 0.0
    first: int = 0  # the first step heard of, whose own time is not counted: the compiler may be in it
    step: int = 0
    total: int = 0

    def hear(self, step: int, total: int) -> None:
        """Take note of `step`, just made."""
        if not self.first:
            self.began, self.first = time.monotonic(), step
        self.step, self.total = step, total

    def to_go(self) -> str:
        """Return in brackets how long the rest will take at the pace so far; nothing where there is none."""
        made, left = self.step - self.first, self.total - self.step
        if made < 1 or left < 1:
            return ""
        seconds = (time.monotonic() - self.began) / made * left
        if seconds < 100:
            return f" ({seconds:.0f} s to go)"
        return f" ({seconds / 60:.0f} min to go)" if seconds < 100 * 60 else f" ({seconds / 3600:.1f} h to go)"


def progress() -> Progress:
    """Return the bar of a training, on stderr; its tasks have a field `losses`."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
        console=_console,
    )


@contextmanager
def interruptions() -> Iterator[list[int]]:
    """Collect the first Ctrl-C (or SIGTERM) instead of raising; a second one kills as usual."""
    caught: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        caught.append(number)
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)

    previous = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
