"""What a study will take, told before it starts: cells, steps, and hours from a few steps of its first cells."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crossbar.errors import DivergedError
from hvae.config.run import RunConfig
from hvae.learning.unsettled import UnsettledError
from hvae.runs import images
from hvae.runs.records import RunFolder
from hvae.studies.grid import Cell, Study
from hvae.training import loop, step
from hvae.training.loop import Observer

PILOT = 5  # steps that are timed after the first, in which the compiler may be


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What the cells of a study that are not finished will take.

    Attributes
    ----------
    cells : int
    steps : int
        Of all their trainings; none where a trained run is programmed.
    seconds : float or None
        Of one process, for the trainings; scores come on top. None where there is nothing to train.
    """

    cells: int
    steps: int
    seconds: float | None

    def told(self, workers: int = 1) -> str:
        """Return it in words.

        >>> Forecast(cells=4, steps=1200, seconds=7200.0).told(workers=2)
        '4 cells, 1,200 steps of training: about 60 minutes with 2 workers, scores not counted'
        """
        many = f"{self.cells:,} cell{'s' if self.cells != 1 else ''}"
        if self.seconds is None:
            return f"{many} to score, nothing to train"
        time_told = _told(self.seconds / max(1, min(workers, self.cells)))
        crew = "one process" if workers == 1 else f"{workers} workers"
        return f"{many}, {self.steps:,} steps of training: about {time_told} with {crew}, scores not counted"


def forecast(study: Study, cells: Sequence[Cell]) -> Forecast:
    """Return what `cells` of `study` will take, from `PILOT` steps of the first ideal cell and of the first chip.

    Later steps may settle in more sweeps than the first. Runs of a kind whose first steps fail are taken to be as long
    as the others; their failure is a result of the study.
    """
    if study.inference is not None:
        return Forecast(cells=len(cells), steps=0, seconds=None)
    made = [(cell.kind == "ideal", cell.config()) for cell in cells]
    steps = _steps([config for _, config in made])
    paces = {kind: _pace(next(config for own, config in made if own is kind)) for kind in {kind for kind, _ in made}}
    slowest = max((pace for pace in paces.values() if pace is not None), default=0.0)
    seconds = sum((paces[kind] or slowest) * count for (kind, _), count in zip(made, steps, strict=True))
    return Forecast(cells=len(cells), steps=sum(steps), seconds=seconds)


def _steps(configs: Sequence[RunConfig]) -> list[int]:
    """Return how many steps each of `configs` makes; every data set is read once."""
    sizes = {data: len(images.load(data).train_images) for data in dict.fromkeys(config.data for config in configs)}
    plans = [(sizes[config.data], config.training) for config in configs]
    return [step.per_epoch(size, training.batch_size) * training.epochs for size, training in plans]


def _pace(config: RunConfig) -> float | None:
    """Return the seconds of a step of a run of `config`; None of one that fails in its first steps."""
    times: list[float] = []
    stop = Observer(on_step=lambda *_: times.append(time.perf_counter()), stop_requested=lambda: len(times) > PILOT)
    with tempfile.TemporaryDirectory() as held:
        try:
            loop.train(RunFolder.create(Path(held) / "pilot", config), observer=stop)
        except (DivergedError, UnsettledError):
            return None
    return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else None


def _told(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
