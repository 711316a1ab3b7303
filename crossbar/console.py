"""Where commands print for people: a terminal, or a pipe or log file, whose lines are as wide as what is printed."""

from __future__ import annotations

from rich.console import Console

WIDTH = 160  # columns where no terminal says how wide it is: no table of ours and no line of a log wraps


def stdout() -> Console:
    """Return the console for what a command found."""
    return _wide(Console())


def stderr() -> Console:
    """Return the console for how a command goes on."""
    return _wide(Console(stderr=True))


def _wide(console: Console) -> Console:
    if not console.is_terminal:
        console.width = max(console.width, WIDTH)
    return console
