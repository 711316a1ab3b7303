"""A training run as a person watches it: progress, current losses, and Ctrl-C that stops at a checkpoint."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hvae import training
from hvae.records import RunFolder
from hvae.training import Ending, Observer

_console = Console(stderr=True)


def watch(folder: RunFolder) -> tuple[bool, dict[str, float]]:
    """Train the run in `folder`, shown on stderr; return whether it finished, and its last metrics."""
    with _interruptions() as interrupted, _bar() as bar:
        task = bar.add_task(folder.config().model.name, total=None, losses="")
        last: dict[str, float] = {}

        def on_step(step: int, total: int, metrics: Mapping[str, float]) -> None:
            last.update(metrics)
            losses = f"SSE/2 {metrics['sse_half']:.1f}  KL {metrics['kl']:.1f}"
            bar.update(task, completed=step, total=total, losses=losses)

        def on_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
            last.update(metrics)
            named = ((name.replace("_", " "), value) for name, value in metrics.items() if name != "epoch")
            shown = "  ".join(f"{name} {value:.4g}" for name, value in named)
            bar.console.print(f"epoch {epoch}: {shown or 'done'}")

        observer = Observer(on_step=on_step, on_epoch=on_epoch, stop_requested=lambda: bool(interrupted))
        ending = training.train(folder, observer=observer)
    if ending is Ending.STOPPED:
        _console.print(f"stopped at a checkpoint; go on with the same command and --resume (run {folder.path})")
    else:
        _console.print(f"finished: {folder.path}; next: hopbar evaluate {folder.path}, hopbar figures {folder.path}")
    return ending is Ending.FINISHED, last


def _bar() -> Progress:
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
def _interruptions() -> Iterator[list[int]]:
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
