"""What spare lines are worth: a trained network written to arrays with broken lines or scattered stuck devices.

    python benchmarks/spares.py --run runs/14x14            full, writes benchmarks/results/spares.json (some minutes)
    python benchmarks/spares.py --quick                     a small network, seconds

Maps of N + 16 lines are drawn: of devices that are stuck alone (1 in 100, nine of ten at g_min), and of lines that are
broken from end to end (6 of all, every device at g_min) beside a few scattered ones. Written by write-verify to
devices of even steps of 0.002, with 0, 4, 8 and 16 of the spare lines in use; SSE/2 from mu on 2,000 test images, three
maps each. `healthy` has nothing stuck.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import harness
import numpy as np

from crossbar.arrays.config import ArrayConfig
from crossbar.chip import Chip, load_chip
from crossbar.devices.law import law
from crossbar.devices.stuck_map import StuckMap
from crossbar.programming import spares
from crossbar.programming.chip import best_scale, program_chip
from crossbar.programming.write_verify import WriteVerify
from hvae.learning import costs
from hvae.runs import images, loading

MOST = 16
FINE = law("constant", dw_min=0.002, dw_min_std=0.0, w_min=-1.0, w_max=1.0)
LOW = 0.9  # of scattered devices are stuck at g_min


def scattered(rng: np.random.Generator, lines: int, share: float = 0.01) -> np.ndarray:
    """Return stuck devices (n, 4) at random places above the diagonal."""
    row, column = np.triu_indices(lines, 1)
    plane, place = np.nonzero(rng.random((2, len(row))) < share)
    state = np.where(rng.random(len(place)) < LOW, -1, 1)
    return np.stack([plane, row[place], column[place], state], axis=1)


def broken(rng: np.random.Generator, lines: int, many: int = 6) -> np.ndarray:
    """Return `many` lines without a device that works, and one in a thousand scattered ones."""
    chosen = rng.choice(lines, many, replace=False)
    pairs = [(line, other) for line in chosen.tolist() for other in range(lines) if other != line]
    whole = [(plane, line, other, -1) for plane in (0, 1) for line, other in pairs]
    return np.concatenate([np.array(whole), scattered(rng, lines, 0.001)])


def score(chip: Chip, folder: Path, pictures: np.ndarray) -> float:
    """Return SSE/2 from mu of `chip`."""
    trained = loading.load(chip.save(folder / "chip.h5"))
    parts = [pictures[k : k + 500] for k in range(0, len(pictures), 500)]
    learner, held = trained.learner, trained.parameters
    rebuilt = [learner.decode(held, learner.encode(held, part)[0]) for part in parts]
    return float(costs.sse_half(np.concatenate(rebuilt), pictures).mean())


def figures(run: Path, seeds: list[int], counts: list[int], folder: Path, images_used: int) -> dict[str, float]:
    """Return mean SSE/2 by kind of fault and spare lines in use."""
    ideal, trained = load_chip(run), loading.load(run)
    pictures = images.load(trained.config.data).test_images[:images_used]
    (name,) = ideal.networks
    weights = np.asarray(ideal.weights[name], np.float64)
    healthy, _ = program_chip(ideal, ArrayConfig(device=FINE), WriteVerify(), np.random.default_rng(seeds[0]))
    found = {"ideal": score(ideal, folder, pictures), "healthy": score(healthy, folder, pictures)}
    kinds: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {"scattered": scattered, "broken": broken}
    for kind, draw in kinds.items():
        for count in counts:
            scores, harms = [], []
            for seed in seeds:
                known = draw(np.random.default_rng(seed), len(weights) + MOST)
                there = known[(known[:, 1:3] < len(weights) + count).all(axis=1)]
                placed = spares.place(StuckMap(there), weights, count)
                config, rng = ArrayConfig(device=FINE), np.random.default_rng(seed)
                made, _ = program_chip(ideal, config, WriteVerify(), rng, best_scale, lambda _, p=placed: p.stuck)
                scores.append(score(made, folder, pictures))
                harms.append(placed.harm / placed.harm_before if placed.harm_before else 1.0)
            found[f"{kind}_{count}"] = float(np.mean(scores))
            found[f"{kind}_{count}_harm_left"] = float(np.mean(harms))
    return found


def main() -> None:
    """Run, print, keep."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--run", type=Path, help="a trained tied run")
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    if options.run is None and not options.quick:
        asked.error("give --run RUN, such as that of examples/tdh-vae-14.toml, or --quick")
    with tempfile.TemporaryDirectory() as held:
        run = options.run or harness.small_run(Path(held) / "run")
        sizes = ([1], [0, 4], 100) if options.quick else ([1, 2, 3], [0, 4, 8, MOST], 2000)
        told = figures(run, sizes[0], sizes[1], Path(held), sizes[2])
    notes = "SSE/2 from mu on test images, mean over maps; N + 16 lines"
    result = harness.report("spares", told, {}, seed=1, quick=options.quick, notes=notes)
    print(json.dumps(result) if options.json else json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
