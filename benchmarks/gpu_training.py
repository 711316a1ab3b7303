"""Runs of a plan trained together, group by group, against the clock: curves, and weights that can be carried home.

A plan is a JSON or TOML file:

    {"groups": [{"name": "rates", "model": "tdh-vae", "set": {"optimizer.name": "sgd", "training.epochs": 3},
                 "runs": [{"optimizer.learning_rate": 0.2}, {"optimizer.learning_rate": 0.4, "training.seed": 1}],
                 "keep": [0, 1], "limit_s": 100}]}

`set` changes Table 3's values for all runs of a group, `runs` one each: what `hvae.training.replicas.OWN` names. `keep`
names the runs whose weights are kept, all by default.
"""

from __future__ import annotations

import json
import time
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from hvae.config.run import RunConfig, table_3
from hvae.runs.images import shrink
from hvae.tensors.packing import Shelf
from hvae.tensors.propagation import Place
from hvae.training.replicas import Replicas, numbers

EVERY = 50
MNIST = {"data.name": "mnist"}
SAVING = 10.0  # seconds kept for writing what there is
CHECKED = 512  # validation images that are encoded and decoded after an epoch


def configured(model: str, *changes: dict) -> RunConfig:
    """Return Table 3's run of `model` with `changes`, ``{"table.key": value}`` or ``{"table": {"key": value}}``."""
    config = table_3(model)
    for change in changes:
        for name, value in change.items():
            table, _, key = name.partition(".")
            keys = value if not key else {key: value}
            config = replace(config, **{table: replace(getattr(config, table), **keys)})
    return config


def plan(path: Path) -> list[dict]:
    """Return the groups of a plan file."""
    text = path.read_text(encoding="utf-8")
    return (json.loads(text) if path.suffix == ".json" else tomllib.loads(text))["groups"]


class Curves:
    """Means over every `EVERY` steps of each replica's metrics, gathered on the device."""

    def __init__(self) -> None:
        self.sums: dict[str, torch.Tensor] = {}
        self.count = 0
        self.rows: list[dict] = []

    def add(self, metrics: dict[str, torch.Tensor], step: int) -> bool:
        """Count in the metrics of `step`; return whether a row was made, which waits for the device."""
        for name, value in metrics.items():
            self.sums[name] = value if not self.count else self.sums[name] + value
        self.count += 1
        if self.count < EVERY:
            return False
        means = numbers({name: value / self.count for name, value in self.sums.items()})
        self.rows.append({"step": step, "replicas": means})
        self.count = 0
        return True


def train_group(
    group: dict, images: np.ndarray, held_out: np.ndarray, place_of, deadline: float, shelf: Shelf
) -> dict:
    """Train a group until its end or `deadline`; return what is to be told of it, its weights put on the `shelf`."""
    base = group.get("set", {})
    configs = [configured(group["model"], MNIST, base, own) for own in group.get("runs", [{}])]
    place: Place = place_of(configs[0].training.precision)
    started = time.monotonic()
    deadline = min(deadline, started + group.get("limit_s", float("inf")))
    limit, side = configs[0].data.train_limit, configs[0].data.image_size
    if side**2 < images.shape[1]:
        images, held_out = shrink(images, side), shrink(held_out, side)
    runs = Replicas(configs, images[:limit], place)
    curves, validation, timed = Curves(), [], []
    begun = time.monotonic()
    while runs.step < runs.total_steps:
        row = curves.add(runs.advance(), runs.step)
        if row:
            timed.append([runs.step, time.monotonic() - begun])
        if runs.step % runs.steps_per_epoch == 0:
            validation.append({"step": runs.step, "replicas": checked(runs, held_out)})
        if row and time.monotonic() > deadline - SAVING:
            break
    if place.device.type == "cuda":
        torch.cuda.synchronize()
    seconds = time.monotonic() - begun
    name = group.get("name", group["model"])
    kept = [k for k in group.get("keep", range(len(configs))) if _kept(runs, k, name, shelf)]
    return {
        "name": name, "configs": [asdict(one) for one in configs],
        "steps": runs.step, "of": runs.total_steps, "steps_per_epoch": runs.steps_per_epoch, "kept": kept,
        "seconds": seconds, "setup_seconds": begun - started, "timing": timed, "curves": curves.rows,
        "validation": validation,
    }  # fmt: skip


def checked(runs: Replicas, held_out: np.ndarray) -> list[dict]:
    """Return the losses of `held_out` images, decoded from mu and from a drawn z."""
    place, batch = runs.place, runs.batch
    count = max(1, min(CHECKED, len(held_out)) // batch)
    sums: dict[str, torch.Tensor] = {}
    generator = torch.Generator().manual_seed(0)
    for k in range(count):
        some = torch.as_tensor(held_out[k * batch : (k + 1) * batch]).to(place.device, place.dtype)
        some = some.expand(len(runs.configs), *some.shape)
        noise = torch.randn(some.shape[1], runs.propagation.latent, generator=generator, dtype=torch.float64)
        noise = noise.to(place.device, place.dtype).expand(len(runs.configs), -1, -1)
        by_mean, drawn = (runs.propagation.losses(runs.weights, some, one) for one in (None, noise))
        found = {"sse_half_from_mean": by_mean["sse_half"], "sse_half": drawn["sse_half"], "kl": drawn["kl"]}
        sums = {name: sums.get(name, 0) + value / count for name, value in found.items()}
    return numbers(sums)


def _kept(runs: Replicas, replica: int, name: str, shelf: Shelf) -> bool:
    parameters = runs.parameters(replica)
    if not all(np.isfinite(array).all() for array in parameters.values()):
        return False
    return shelf.put({f"{name}.{replica}.{network}": array for network, array in parameters.items()})
