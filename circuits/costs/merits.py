"""What trained runs say about themselves: the Frechet distance of every run folder, beside the area of its chip."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from circuits.area.networks import Model, chip_model, forward_model
from crossbar.chip import load_chip
from crossbar.errors import CorruptFile

FILES = ("evaluation.json", "evaluation_mixture.json", "evaluation_gaussian.json")
"""Evaluations on the test split by prior, all on the same features; the first that a run folder holds is read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """One trained run: its quality, and the networks that it would be built from."""

    name: str
    model: Model
    frechet_distance: float
    sse_half: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Merit:
    """A run's place in the plane of area (mm2) and Frechet distance."""

    evaluation: Evaluation
    area: float
    low: float
    high: float


def find_runs(paths: Iterable[Path]) -> list[Path]:
    """Return the run folders at or below `paths`: those with an evaluation and a chip, or an F-VAE."""
    folders = {found.parent for path in paths for name in FILES for found in path.rglob(name)}
    return sorted(folder for folder in folders if (folder / "chip.h5").exists() or (folder / "config.toml").exists())


def read_evaluation(folder: Path) -> Evaluation:
    """Return the evaluation of a run folder.

    Raises
    ------
    CorruptFile
        The evaluation is no JSON, or lacks ``frechet_distance`` or ``sse_half``.
    """
    path = next(path for name in FILES if (path := folder / name).exists())
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        distance, error = float(record["frechet_distance"]), float(record["sse_half"])
    except (ValueError, KeyError, TypeError) as failure:
        raise CorruptFile(
            f"{path} must hold `frechet_distance` and `sse_half`, but: {failure!r}; evaluate the run again"
        ) from failure
    model = chip_model(load_chip(folder)) if record.get("model") != "f-vae" else _forward_model(folder)
    return Evaluation(name=folder.name, model=model, frechet_distance=distance, sse_half=error)


def _forward_model(folder: Path) -> Model:
    """Return the F-VAE of a run folder, which has no chip of Hopfield networks, at the sizes of its config."""
    path = folder / "config.toml"
    try:
        config = tomllib.loads(path.read_text(encoding="utf-8"))
        sizes, data = config["model"], config["data"]
        own = [data.get(side) for side in ("rows", "columns", "channels")]
        side = 8 if data.get("name") == "digits" else int(data["image_size"])
        pixels = math.prod(map(int, own)) if all(own) else side**2
        return forward_model("f-vae", int(sizes["hidden"]), int(sizes["latent"]), pixels=pixels)
    except (OSError, ValueError, KeyError, TypeError) as failure:
        raise CorruptFile(
            f"{path} must hold the sizes of the f-vae, but: {failure!r}; train the run again"
        ) from failure


def pareto_front(merits: Sequence[Merit]) -> list[Merit]:
    """Return the runs that no other run beats in both area and Frechet distance, by area."""
    front: list[Merit] = []
    for merit in sorted(merits, key=lambda merit: (merit.area, merit.evaluation.frechet_distance)):
        if not front or merit.evaluation.frechet_distance < front[-1].evaluation.frechet_distance:
            front.append(merit)
    return front
