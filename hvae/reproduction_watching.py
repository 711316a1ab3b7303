"""A reproduction as a person watches it: which run is next, and what has been written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from hvae import images, reproduction, reproduction_figures
from hvae.reproduction import Plan
from hvae.watching import watch

_console = Console(stderr=True)


def train(planned: Plan) -> bool:
    """Train all runs that are not finished, seed by seed; return False where Ctrl-C came first."""
    runs = sorted(planned.runs.items(), key=lambda item: item[1].training.seed)
    sizes: dict[object, int] = {}
    for number, (path, config) in enumerate(runs, start=1):
        if config.data not in sizes:
            sizes[config.data] = len(images.load(config.data).train_images)
        run = reproduction.open_run(path, config)
        if reproduction.is_finished(run, sizes[config.data]):
            _console.print(f"run {number} of {len(runs)}: {path} is finished")
            continue
        _console.print(f"run {number} of {len(runs)}: {path}")
        finished, _ = watch(run)
        if not finished:
            _console.print("the same command goes on from here; with --table-only it tabulates what there is")
            return False
    return True


def tabulate(planned: Plan, folder: Path, count: int | None = None) -> dict[str, Any]:
    """Evaluate what is trained, write table.json and the figures into `folder`, and return the table."""
    found = reproduction.table(planned, count)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "table.json"
    temporary = path.with_suffix(".json.part")
    temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
    for written in [path, *reproduction_figures.draw(planned, folder)]:
        _console.print(f"written: {written}")
    return found
