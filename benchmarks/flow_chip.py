"""A flow on its chip: what devices do to the digits it draws, what slow pixels cost, and one ngspice transient.

    python benchmarks/flow_chip.py RUN [--learned-on RUN ...] [--samples 3] [--out FOLDER] [--quick] [--json]

RUN is a run of `hopbar flow learn` (8 x 8 digits), with time or without; where there is none, and with --quick, a
small one is learned. Each device
is programmed by write-verify to a hundredth and to a thousandth of its range (`hopbar program`), three times; the mean
of three distances is told, of 2,000 images each. `--learned-on` names runs with `--array`, scored beside. `slow_*`: the
chip's own differential equation, its pixels so many times slower than hidden neurons, by Euler's steps of a fifth of a
time constant. At last ngspice carries noise to images, and the end of every state is compared with scipy's LSODA.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import harness
import numpy as np

from circuits import simulators
from circuits.circuit.generation import usual_slowness
from circuits.circuit.layout import Layout
from circuits.energy.flows import followed
from circuits.simulators.process import Limits
from circuits.verification import generating
from circuits.verification.flow_figure import draw_flow
from crossbar.arrays.config import ArrayConfig
from crossbar.chip import FLOW, Chip
from crossbar.programming.chip import program_chip
from crossbar.programming.write_verify import WriteVerify
from hvae.config import flow as flow_config
from hvae.runs import flows, images
from hvae.scores import features, generators
from hvae.training import flows as training

DEVICES = ("epiram", "taox-hfox", "reram-es")
TOLERANCES = (0.01, 0.001)
PORTION = 200  # transients at a time: all their states are kept
SLOW = {True: (10.0, 50.0, 200.0, 1000.0), False: (1.0, 2.0, 4.0, 10.0, 50.0)}  # with a clock, and without


class Judge:
    """What scores the images of a chip."""

    def __init__(self, config, count: int) -> None:
        self.data, self.count = images.load(config.data), count
        self.features = features.of(self.data)

    def of(self, made: np.ndarray) -> float:
        """Return the distance of images `made` from test images."""
        return generators.distance(self.features, made, self.data.test_images)

    def chip(self, chip: Chip) -> float:
        """Return that of images that `chip` draws."""
        return self.of(flows.of_chip(chip).sample(self.count, np.random.default_rng(1)))


def programmed(chip: Chip, judge: Judge, devices, tolerances, times: int) -> dict[str, float]:
    """Return the mean distance of chips written to `devices`, by device and tolerance."""
    found = {}
    for device in devices:
        for tolerance in tolerances:
            settings = WriteVerify(tolerance=tolerance)
            config = ArrayConfig(device=device)
            drawn = [program_chip(chip, config, settings, np.random.default_rng(seed))[0] for seed in range(times)]
            found[f"{device}_{tolerance:g}"] = float(np.mean([judge.chip(one) for one in drawn]))
    return found


def slowed(chip: Chip, judge: Judge, slow) -> dict[str, float]:
    """Return the distance of what the chip's own equation makes of noise, by how slow its pixels are."""
    block = chip.networks[FLOW].block("pixels")
    noise = np.random.default_rng(1).standard_normal((judge.count, block.stop - block.start))
    parts = np.array_split(noise, max(1, len(noise) // PORTION))
    ends = {one: np.concatenate([followed(chip, part, one).states[-1][:, block] for part in parts]) for one in slow}
    return {f"slow_{one:g}": judge.of(chip.readout.image(end)) for one, end in ends.items()}


def learned_here() -> Path:
    """Return a run that learns for a moment."""
    config = flow_config.resolve((), ["teaching.hidden=16", "teaching.steps=30"])
    folder = flows.FlowFolder.create(Path(tempfile.mkdtemp()) / "run", config)
    training.train(folder)
    return folder.path


def main() -> None:
    """Measure, and keep."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("flow", type=Path, nargs="?", metavar="RUN", help="run of hopbar flow learn")
    asked.add_argument("--learned-on", type=Path, nargs="*", default=[], metavar="RUN")
    asked.add_argument("--samples", type=int, default=3)
    asked.add_argument("--out", type=Path, help="folder of pictures")
    chosen = asked.parse_args()
    quick = chosen.quick or chosen.flow is None
    run = chosen.flow or learned_here()
    learned = flows.load(run)
    judge = Judge(learned.config, 200 if quick else generators.COUNT)
    figures = {"weights": float(learned.flow.devices), "distance": judge.chip(learned.chip)}
    figures |= programmed(learned.chip, judge, DEVICES[: 1 if quick else 3], TOLERANCES[: 1 if quick else 2],
                          1 if quick else 3)  # fmt: skip
    for other in chosen.learned_on:
        own = flows.load(other)
        figures[f"learned_on_{own.config.array.device}"] = judge.chip(own.chip)
    network = learned.chip.networks[FLOW]
    timed = "time" in network.names
    kind = "flow" if timed else "flow_equilibrium"
    figures |= slowed(learned.chip, judge, SLOW[timed][: 2 if quick else None])
    engine = simulators.engine("ngspice")
    if engine.version() is not None:
        layout = Layout(chip=learned.chip)
        drawn, summary = generating.verify(
            layout, engine, None, Limits(seconds=3000, gigabytes=8), n_samples=1 if quick else chosen.samples, seed=0,
            slowness=20.0 if quick else usual_slowness(network),
        )  # fmt: skip
        for name in ("n_neurons", "n_memristors", "max_abs_error", "image_error", "flow_seconds", "processor_seconds"):
            figures[f"ngspice_{name}"] = float(summary[name])
        figures["ngspice_passed"] = float(summary["passed"])
        if chosen.out is not None:
            draw_flow(layout, drawn, chosen.out / f"{kind}-ngspice.png".replace("_", "-"))
    found = harness.report(f"{kind}_chip", figures, {}, seed=0, quick=quick, notes=f"the flow of {run.name}")
    print(json.dumps(found) if chosen.json else json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
