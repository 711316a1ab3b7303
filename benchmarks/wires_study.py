"""The Frechet distance of a trained model behind wires: tile size, resistance, compensation; and how it is settled.

    python benchmarks/wires_study.py RUN --cache DIR           all groups, about 10 minutes of one core at full size
    python benchmarks/wires_study.py RUN --cache DIR --quick   small tiles, few images, under a minute

Every group of cells is kept in DIR when it is done: a run that was stopped goes on, and `--groups 0,3` does these
alone, so that processes can share the work. Who finds all groups done writes benchmarks/results/wires_study.json and
docs/pictures/wires_study.png; `--partial` writes what there is, and names the groups that are missing. Ideal weights
stand on pairs from 1 to 100 uS; see `hopbar wires --help`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import numpy as np
from harness import parser as asked
from harness import report

from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.wired_network import Compensation, place, solve_network
from crossbar.hopfield.asymmetric import HeldAntisymmetry
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.settling import Euler
from hvae.reports import figures
from hvae.runs import images
from hvae.wires.figures import heat_maps
from hvae.wires.placing import DeviceRange, Placed, open_placed
from hvae.wires.study import Judge, Losses, measure_tiles

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
PLAIN = ("none", "column-gains")
BOTH = ("both-ends+column-gains",)
MAIN = PLAIN + BOTH
OTHERS = ("both-ends", "sensitivity-order", "corrected-targets")
Group = tuple[str, int, float, tuple[str, ...]]


def groups(quick: bool) -> list[Group]:
    """Return symmetry, tile, resistance and compensations of every group; those of a group share solutions."""
    tiles, ohms = ((64, 128), (10.0,)) if quick else ((64, 128, 256, 512), (0.1, 1.0, 10.0))
    found: list[Group] = [("shared", tile, ohm, names) for tile in tiles for ohm in ohms for names in (PLAIN, BOTH)]
    found += [("two-device", tile, ohm, PLAIN) for tile in tiles[:2] for ohm in ohms[-2:]]
    return [*found, ("shared", 128, ohms[-1], OTHERS)]


def treatment(placed: Placed, real: np.ndarray, tile: int, ohm: float) -> dict[str, float]:
    """Compare ways to settle a chip whose wires break W = W^T, with long Euler runs of eq. (3), encoder role."""
    network = placed.learner.vae.networks[placed.learner.vae.encoder]
    (conductances,) = placed.conductances.values()
    config = ArrayConfig(symmetry="two-device", tile_size=tile, wire_resistance=ohm)
    solved = solve_network(network, place(network, conductances, "two-device"), config, Compensation.parse("none"))
    weights = solved.through("none").weights
    even = (weights + weights.T) / 2
    vae = placed.learner.vae

    def landscape(matrix: np.ndarray) -> Landscape:
        return Landscape.clamp(IdealWeights(network, matrix), vae.encode_role, real)

    ways = {
        "euler": (Euler(time_step=0.3, tolerance=1e-3, max_sweeps=3000), weights),
        "held_antisymmetry": (HeldAntisymmetry(tolerance=1e-2, max_sweeps=1000), weights),
        "symmetric_part": (ConjugateGradient(tolerance=1e-2), even),
    }
    found, reference = {"asymmetry": solved.through("none").asymmetry}, None
    for name, (solver, matrix) in ways.items():
        start = time.process_time()
        settled = solver.settle(landscape(matrix))
        found[f"{name}_cpu_s"] = time.process_time() - start
        found[f"{name}_sweeps"] = float(settled.sweeps.mean())
        found[f"{name}_unsettled"] = float((~settled.settled).mean())
        reference = settled.states if reference is None else reference
        away = np.sqrt(((settled.states - reference) ** 2).mean(1))
        found[f"{name}_median_rms_from_euler"] = float(np.median(away))
        found[f"{name}_share_far_from_euler"] = float((away > 0.02).mean())
    return found


def kept_in(cache: Path, group: Group) -> Path:
    """Return the file of a group."""
    symmetry, tile, ohm, names = group
    return cache / f"{symmetry}-{tile}-{ohm:g}-{len(names)}-{names[0]}.json"


def run_groups(source: Path, cache: Path, wanted: list[Group], count: int, seed: int) -> None:
    """Measure what is not in `cache` yet."""
    judges: dict[str, Judge] = {}
    data = None
    for symmetry, tile, ohm, names in wanted:
        path = kept_in(cache, (symmetry, tile, ohm, names))
        if path.exists():
            continue
        if symmetry not in judges:
            placed = open_placed(source, symmetry, DeviceRange())
            data = images.load(placed.trained.config.data) if data is None else data
            judges[symmetry] = Judge.make(placed, data, count, seed)
        judge = judges[symmetry]
        ideal = cache / "ideal.json"
        if not ideal.exists():
            ideal.write_text(json.dumps(judge.score(judge.placed.weights())))
        start = time.process_time()
        cells, _ = measure_tiles(
            judge, tile, ohm, [Compensation.parse(name) for name in names],
            lambda cell: print(json.dumps(cell), file=sys.stderr, flush=True),
        )  # fmt: skip
        seconds = time.process_time() - start
        path.write_text(json.dumps({"cells": [{"symmetry": symmetry} | cell for cell in cells], "cpu_s": seconds}))


def main() -> None:
    """Measure, and when all is measured, report and draw."""
    parser = asked(__doc__)
    parser.add_argument("--cache", type=Path, help="a new temporary folder by default")
    parser.add_argument("--groups", help="numbers of groups, all by default")
    parser.add_argument("--n-images", type=int, default=500)
    parser.add_argument("--partial", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.cache = arguments.cache or Path(tempfile.mkdtemp())
    arguments.cache.mkdir(parents=True, exist_ok=True)
    every = groups(arguments.quick)
    chosen = range(len(every)) if arguments.groups is None else [int(number) for number in arguments.groups.split(",")]
    count = 50 if arguments.quick else arguments.n_images
    compared = arguments.cache / "treatment.json"
    if not arguments.partial:
        run_groups(arguments.run, arguments.cache, [every[number] for number in chosen], count, arguments.seed)
        if len(every) - 1 in chosen and not compared.exists():
            placed = open_placed(arguments.run, "two-device", DeviceRange())
            real = images.load(placed.trained.config.data).test_images[:64].astype(np.float32)
            compared.write_text(json.dumps(treatment(placed, real, 128, 10.0)))
    missing = [kept_in(arguments.cache, group).stem for group in every if not kept_in(arguments.cache, group).exists()]
    missing += [] if compared.exists() else [compared.stem]
    if missing and not arguments.partial:
        print(f"missing: {', '.join(missing)}", file=sys.stderr)
        return
    result = finish(arguments, missing, count)
    if arguments.json:
        print(json.dumps(result))


def finish(arguments: argparse.Namespace, missing: list[str], count: int) -> dict:
    """Write the result and the picture."""
    kept = [json.loads(path.read_text()) for path in sorted(arguments.cache.glob("*-*-*.json"))]
    compared = arguments.cache / "treatment.json"
    cells = sorted(
        (cell for one in kept for cell in one["cells"]),
        key=lambda cell: (cell["symmetry"], cell["tile"], cell["ohm"], cell["compensation"]),
    )
    ideal = json.loads((arguments.cache / "ideal.json").read_text())
    numbers = {f"ideal_{name}": value for name, value in ideal.items()}
    for cell in cells:
        name = f"{cell['symmetry']}_{cell['tile']}_{cell['ohm']:g}_{cell['compensation']}"
        numbers[f"frechet_distance_{name}"] = cell["frechet_distance"]
    extra = {
        "command": " ".join(sys.argv), "run": str(arguments.run), "n_images": count, "device": "pairs, 1 to 100 uS",
        "cells": cells, "cpu_s": sum(one["cpu_s"] for one in kept), "missing": missing,
        "treatment_of_asymmetry": json.loads(compared.read_text()) if compared.exists() else None,
    }  # fmt: skip
    notes = "Frechet distance of generated images from the whole test split; the same latents in every cell."
    result = report("wires_study", numbers, {}, seed=arguments.seed, quick=arguments.quick, notes=notes, extra=extra)
    if not arguments.quick:
        main_cells = [cell for cell in cells if cell["symmetry"] == "shared" and cell["compensation"] in MAIN]
        main_cells.sort(key=lambda cell: MAIN.index(cell["compensation"]))
        title = f"A trained TDH-VAE behind wires: shared devices of 1 to 100 uS, {count} images"
        figures.save(heat_maps(Losses(ideal=ideal, cells=main_cells), title), PICTURES / "wires_study")
    return result


if __name__ == "__main__":
    main()
