"""Which learning rule suits which device, each rule with its rate and gain chosen where it is used.

    python benchmarks/rules.py [--devices epiram ecram ...] [--seeds 1 2 3] [--quick] [--json]

Tied networks (150 hidden, 16 linear latents, MNIST at 14 x 14) learn from random weights on the devices for one pass
over 10,000 images. For every device and rule a small grid is tried at seed 0 (`GRIDS`); what has the least SSE/2 from
mu on 2,000 validation images is then trained at `--seeds` and told on the test split. The first rows are floats.

Each row is kept as soon as it is there, and those of the same commit are not made again.
"""

from __future__ import annotations

import itertools
import json
import math
import tempfile
import time
from pathlib import Path

import harness
import numpy as np

from crossbar.errors import HopbarError
from hvae.config import toml_file
from hvae.learning import costs
from hvae.onchip.chip import OnChip
from hvae.runs import images, loading
from hvae.runs.records import RunFolder
from hvae.training import loop

DEVICES = ("idealized", "epiram", "ecram", "taox-hfox", "hzo-fefet")
BASE = (
    "data.name=mnist", "data.image_size=14", "data.train_limit=10000", "model.hidden=150", "model.latent=16",
    "model.sigma=0.2", "model.latent_neuron=linear", "training.beta_kl=0.02", "training.epochs=1",
    "training.batch_size=100", "training.validation_samples=0", "training.eigenvalue_samples=0",
    "optimizer.warmup=0.05", "nudging.tolerance=0.1",
)  # fmt: skip
QUICK = ("data.name=mnist-5k", "data.train_limit=400", "model.hidden=20")
VALIDATION = 2000
RATES = (0.03, 0.1, 0.3, 1.0)
SGD = ({"optimizer.name": ["sgd"], "optimizer.learning_rate": RATES},)
MUON = {"optimizer.name": ["muon"], "optimizer.momentum": [0.8], "optimizer.learning_rate": (0.001, 0.003, 0.01)}
FAST = {
    "array.rule": ["tiki-taka"], "optimizer.name": ["sgd"], "optimizer.learning_rate": (0.03, 0.1, 0.3),
    "array.transfer_every": [1], "array.transfer_gain": (0.003, 0.01, 0.03, 0.1),
}  # fmt: skip
CHOPPED = {**FAST, "array.chop_every": (10, 30)}  # of 100 batches: choppers must turn some times
GRIDS: dict[str, dict[str, object]] = {
    "pulsed SGD": {"array.rule": ["pulsed-sgd"], **SGD[0]},
    "sign": {"array.rule": ["sign"], "optimizer.name": ["sgd"], "array.threshold": (1.0, 2.0, 3.0, 4.0)},
    "mixed precision, SGD": {"array.rule": ["mixed-precision"], **SGD[0]},
    "mixed precision, Muon": {"array.rule": ["mixed-precision"], **MUON},
    "Tiki-Taka, symmetry point": FAST,
    "Tiki-Taka, chopped": {**CHOPPED, "array.transfer_reference": ["chopped"]},
    "Tiki-Taka, dynamic": {**CHOPPED, "array.transfer_reference": ["dynamic"]},
}
FLOATS: dict[str, dict[str, object]] = {"floats, SGD": SGD[0], "floats, Muon": MUON}


def settings(grid: dict) -> list[dict]:
    """Return every combination of the values of `grid`."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def first(grid: dict) -> dict:
    """Return the grid of the first values of `grid` alone."""
    return {key: values[:1] for key, values in grid.items()}


def tried(device: str | None, changes: dict, seed: int, split: str, quick: bool) -> dict[str, object]:
    """Return SSE/2 from mu of what learns so, and what it cost; or why there is none."""
    named = [f"{key}={json.dumps(value)}" for key, value in changes.items()]
    device_named = [] if device is None else [f"array.device={device}"]
    config = toml_file.resolve(
        "tdh-vae", [], [*BASE, *(QUICK if quick else ()), *device_named, *named, f"training.seed={seed}"]
    )
    pictures = images.load(config.data).split(split)[0]
    pictures = pictures[:VALIDATION] if split == "validation" else pictures
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as held:
        try:
            folder = RunFolder.create(Path(held) / "run", config)
            loop.train(folder)
            trained = loading.load(folder.path)
        except HopbarError as error:
            return {"failed": f"{type(error).__name__}: {error}"[:160]}
    learner, parts = trained.learner, [pictures[i : i + 500] for i in range(0, len(pictures), 500)]
    rebuilt = [learner.decode(trained.parameters, learner.encode(trained.parameters, part)[0]) for part in parts]
    found: dict[str, object] = {"sse_half_mean": float(costs.sse_half(np.concatenate(rebuilt), pictures).mean())}
    if isinstance(learner, OnChip):
        totals = learner.costs()
        found |= {"pulses": totals["pulses_up"] + totals["pulses_down"], "write_energy": totals["write_energy"]}
    return found | {"processor_seconds": time.process_time() - begun}


def row(device: str | None, rule: str, grid: dict, seeds: list[int], quick: bool) -> dict[str, object]:
    """Return what was tried at seed 0, what was chosen, and what it has at `seeds`."""
    trials = [{"changes": one, **tried(device, one, 0, "validation", quick)} for one in settings(grid)]
    best = min(trials, key=lambda one: one.get("sse_half_mean", math.inf))
    found: dict[str, object] = {"device": device, "rule": rule, "trials": trials}
    if "sse_half_mean" not in best:
        return found | {"chosen": None, "seeds": {}}
    scores = {str(seed): tried(device, best["changes"], seed, "test", quick) for seed in seeds}
    return found | {"chosen": best["changes"], "seeds": scores}


def figures(rows: list[dict]) -> dict[str, float]:
    """Return the mean SSE/2 from mu by device and rule."""
    found = {}
    for one in rows:
        scores = [score["sse_half_mean"] for score in one["seeds"].values() if "sse_half_mean" in score]
        if scores:
            found[f"{one['device'] or 'floats'}, {one['rule']}"] = float(np.mean(scores))
    return found


def table(rows: list[dict]) -> str:
    """Return devices against rules: mean SSE/2 from mu over the seeds, and what was chosen."""
    lines = []
    for one in rows:
        scores = [found["sse_half_mean"] for found in one["seeds"].values() if "sse_half_mean" in found]
        told = f"{np.mean(scores):6.1f} ± {np.std(scores, ddof=1):.1f}" if len(scores) > 1 else f"{scores}"
        if one["chosen"] is None:
            told = f"none of {len(one['trials'])} settings learns: {one['trials'][0]['failed']}"
        chosen = {key.split(".")[1]: value for key, value in (one["chosen"] or {}).items() if key != "array.rule"}
        lines.append(f"{one['device'] or '':<12} {one['rule']:<26} {told}  {chosen}")
    return "\n".join(lines)


def main() -> None:
    """Make the rows, print them, and keep each."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--devices", nargs="+", default=list(DEVICES))
    asked.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    options = asked.parse_args()
    plan = [(None, rule, grid) for rule, grid in FLOATS.items()]
    plan += [(device, rule, grid) for device in options.devices for rule, grid in GRIDS.items()]
    if options.quick:
        plan = [("epiram", rule, first(GRIDS[rule])) for rule in ("mixed precision, Muon", "Tiki-Taka, chopped")]
    kept = harness.RESULTS / "rules.json"
    before = json.loads(kept.read_text()) if kept.exists() and not options.quick else {}
    rows = before["rows"] if before.get("commit") == harness.commit() else []
    done = {(one["device"], one["rule"]) for one in rows}
    for device, rule, grid in plan:
        if (device, rule) in done:
            continue
        rows.append(row(device, rule, grid, options.seeds[:1] if options.quick else options.seeds, options.quick))
        result = harness.report(
            "rules", figures(rows), {}, seed=options.seeds[0], quick=options.quick,
            notes="one pass over 10,000 images; test split, SSE/2 from mu, mean over seeds", extra={"rows": rows},
        )  # fmt: skip
        if not options.json:
            print(table(rows[-1:]), flush=True)
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
