"""Does noise on the way help a flow draw? Langevin dynamics whose temperature falls to zero, on runs of digits.

    python benchmarks/flow_temperature.py [RUN ...] [--quick] [--json]

RUN is a run of `hopbar flow learn`, with time or without; where there is none, and with --quick, a small one is
learned. 2,000 images are drawn twice at each temperature, in as many steps as the run has settlings but at least 32.
`train_KIND_T` is the mean distance of both from the training images on 64 principal components, `test_KIND_T` from the
test images; KIND is `flow` with time, `flow_equilibrium` without.
"""

from __future__ import annotations

import json
from pathlib import Path

import harness
import numpy as np
from flow_chip import learned_here

from hvae.flows.langevin import Langevin
from hvae.runs import flows, images
from hvae.scores import features, generators

TEMPERATURES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3)
LEAST = 32


def warmed(run: Path, temperatures, count: int) -> dict[str, float]:
    """Return the mean distances of what `run` draws, by temperature."""
    learned = flows.load(run)
    flow, data = learned.flow, images.load(learned.config.data)
    judge = features.of(data)
    steps = max(LEAST, flow.matching.way().settlings)
    kind = "flow" if learned.config.teaching.n_times else "flow_equilibrium"
    found = {}
    for temperature in temperatures:
        way = Langevin(length=flow.matching.length, steps=steps, start=temperature)
        made = [flow.sample(count, np.random.default_rng(seed), way) for seed in (1, 2)]
        for name, real in (("train", data.train_images), ("test", data.test_images)):
            distances = [generators.distance(judge, one, real) for one in made]
            found[f"{name}_{kind}_{temperature:g}"] = float(np.mean(distances))
    return found


def main() -> None:
    """Measure, and keep."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("flows", type=Path, nargs="*", metavar="RUN", help="runs of hopbar flow learn")
    chosen = asked.parse_args()
    quick = chosen.quick or not chosen.flows
    figures: dict[str, float] = {}
    for run in [learned_here()] if quick else chosen.flows:
        figures |= warmed(run, TEMPERATURES[:2] if quick else TEMPERATURES, 200 if quick else generators.COUNT)
    found = harness.report("flow_temperature", figures, {}, seed=0, quick=quick)
    print(json.dumps(found) if chosen.json else json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
