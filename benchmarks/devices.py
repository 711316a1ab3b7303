"""Three ways onto a device: weights programmed, weights that knew the device's errors programmed, learning on the chip.

    python benchmarks/devices.py [--devices epiram pcm ...] [--seeds 0 1 2] [--quick] [--json]

For every seed one tied network is trained on ideal weights (`BASE`, MNIST at 14 x 14), and for every preset

* programmed: its weights are written onto the devices by write-verify, at the scale that errs least (`best_scale`);
* with gains: so they are with a gain for every line, the kind of gains that errs least (`best_gains`);
* aware: weights of a training with `[aware]`, as long and at the same rate, are written with gains;
* tuned: either of the two with gains learns on the devices for `TUNING`, by mixed precision with Muon;
* on chip: devices that start at weights of the seed learn as long as the ideal network did, by the same rule, in the
  range that `best_scale` chose for the ideal weights.

Same seeds, same images in the same order: differences to the ideal network are paired. Each row is kept as soon as it
is there, and those of the same commit are not made again. Devices in the order in which they are asked for.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import harness
import numpy as np
from neurons import judged

from crossbar.array_fields import LineGains
from crossbar.arrays.config import ArrayConfig
from crossbar.devices.line_gains import gains_of
from crossbar.errors import HopbarError
from crossbar.programming.chip import best_gains, best_scale
from crossbar.programming.write_verify import WriteVerify
from hvae.config import toml_file
from hvae.config.run import RunConfig
from hvae.onchip.chip import OnChip
from hvae.onchip.costs import costs, phase_power
from hvae.runs import images, loading
from hvae.runs.records import RunFolder
from hvae.streams import stream
from hvae.training import loop, starts

DEVICES = (
    "idealized", "epiram", "ecram", "ecram-mo", "capacitor-3t1c", "ag-a-si", "hzo-fefet", "taox-hfox", "reram-es",
    "reram-array-om", "reram-array-hfo2", "gst-pcm", "pcm",
)  # fmt: skip
BASE = (
    "data.name=mnist", "data.image_size=14", "data.train_limit=20000", "model.hidden=150", "model.latent=16",
    "model.sigma=0.2", "model.latent_neuron=linear", "training.beta_kl=0.02", "training.epochs=6",
    "training.batch_size=100", "training.validation_samples=0", "training.eigenvalue_samples=0",
    "optimizer.name=muon", "optimizer.momentum=0.8", "optimizer.warmup=0.05", "optimizer.learning_rate=0.003",
    "nudging.tolerance=0.1", "sampling.prior=mixture", "sampling.components=30", "sampling.fit_samples=10000",
)  # fmt: skip
QUICK = ("data.name=mnist-5k", "data.train_limit=600", "training.epochs=1", "model.hidden=30")
TUNING = ("training.epochs=1", "optimizer.learning_rate=0.001")
SCORES = ("sse_half_mean", "perfect_prior_distance", "frechet_distance")


def scored(path: Path, dataset, count: int) -> dict[str, object]:
    """Return the scores of the run at `path`; of one on devices, what they were given."""
    trained = loading.load(path)
    found: dict[str, object] = dict(judged(trained, dataset, count))
    chip = trained.learner
    if isinstance(chip, OnChip):
        totals, steps = chip.costs(), [row["step"] for row in RunFolder(path).metrics() if "step" in row]
        seen = (steps[-1] if steps else 0) * trained.config.training.batch_size
        power = phase_power(chip, stream(trained.config.training.seed, "sampling", 2**30))
        found |= {"pulses": totals["pulses_up"] + totals["pulses_down"], "write_energy": totals["write_energy"],
                  "images": seen, "costs": costs(trained.config, totals, seen, power).as_dict()}  # fmt: skip
    return found


def trained(path: Path, config: RunConfig, start: Path | None = None, *, learn: bool = True) -> Path:
    """Make the run of `config` at `path`, from the weights of `start` where given; return `path`."""
    folder = RunFolder.create(path, config)
    if start is not None:
        starts.begin(folder, config, start, starts.weights_of(start, config))
    if learn:
        loop.train(folder)
    return path


def on_devices(config: RunConfig, array: ArrayConfig) -> RunConfig:
    """Return `config` on `array`, where it learns by mixed precision."""
    own = replace(config.array, device=array.device, rule="mixed-precision", weight_limit=array.weight_limit,
                  line_gains=array.line_gains)  # fmt: skip
    return replace(config, array=own)


def array_of(path: Path, device: str, seed: int, *, gains: bool) -> ArrayConfig:
    """Return the array of `device` that errs least for the weights at `path`: its scale and, if asked, its gains."""
    weights, settings, rng = loading.load(path).parameters["tied"], WriteVerify(), np.random.default_rng(seed)
    kind: LineGains = best_gains(weights, ArrayConfig(device=device), settings, rng, best_scale) if gains else "equal"
    own = gains_of(kind)(weights)
    scaled = best_scale(weights / np.outer(own, own), ArrayConfig(device=device, line_gains=kind), settings, rng, own)
    largest = float(np.abs(weights / np.outer(own, own)).max())
    return replace(scaled, weight_limit=scaled.weight_limit or largest)


def ways(device: str, seed: int, ideal: Path, folder: Path, dataset, count: int) -> dict[str, object]:
    """Return the scores of every way onto `device`, or why one has none."""
    config = loading.load(ideal).config
    tuning = toml_file.changed(config, TUNING)
    aware = trained(folder / "aware", replace(config, aware=replace(config.aware, device=device)))
    found: dict[str, object] = {"aware, on ideal weights": scored(aware, dataset, count)}
    plain = array_of(ideal, device, seed, gains=False)
    chip = on_devices(tuning, plain)
    found["programmed"] = _tried(folder / "programmed", chip, ideal, dataset, count, learn=False)
    for name, start in (("with gains", ideal), ("aware, with gains", aware)):
        array = array_of(start, device, seed, gains=True)
        found[f"{name}: array"] = {"line_gains": array.line_gains, "weight_limit": array.weight_limit}
        for how, learn in (("", False), (", tuned", True)):
            path = folder / f"{name}{how}"
            found[name + how] = _tried(path, on_devices(tuning, array), start, dataset, count, learn=learn)
    found["on chip"] = _tried(folder / "chip", on_devices(config, plain), None, dataset, count, learn=True)
    return found | {"weight_limit": plain.weight_limit}


def _tried(path: Path, config: RunConfig, start: Path | None, dataset, count: int, *, learn: bool) -> dict[str, object]:
    begun = time.process_time()
    try:
        found = scored(trained(path, config, start, learn=learn), dataset, count)
    except HopbarError as error:
        found = {"failed": f"{type(error).__name__}: {error}"[:200]}
    return found | {"processor_seconds": time.process_time() - begun}


def main() -> None:
    """Make the rows, print them, and keep each."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--devices", nargs="+", default=list(DEVICES))
    asked.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = asked.parse_args()
    devices, seeds = (["epiram"], [0]) if options.quick else (options.devices, options.seeds)
    kept = harness.RESULTS / "devices.json"
    before = json.loads(kept.read_text()) if kept.exists() and not options.quick else {"rows": []}
    rows = before["rows"] if before.get("commit") == harness.commit() else []
    done = {(row["device"], row["seed"]) for row in rows}
    with tempfile.TemporaryDirectory() as held:
        for device in [None, *devices]:
            for seed in seeds:
                if (device, seed) in done:
                    continue
                rows.append({"device": device, "seed": seed, "ways": of_seed(device, seed, Path(held), options.quick)})
                print(json.dumps(rows[-1]), flush=True)
                result = harness.report(
                    "devices", figures(rows), {}, seed=seeds[0], quick=options.quick,
                    notes="all test images at 14 x 14; figures: SSE/2 from mu, mean over seeds",
                    extra={"base": BASE, "tuning": TUNING, "rows": rows},
                )  # fmt: skip
    if options.json:
        print(json.dumps(result))


def of_seed(device: str | None, seed: int, held: Path, quick: bool) -> dict[str, object]:
    """Return the scores of the ideal network of `seed`, or of every way onto `device`; `held` keeps the network."""
    base = toml_file.resolve("tdh-vae", [], (*BASE, *(QUICK if quick else ()), f"training.seed={seed}"))
    dataset = images.load(base.data)
    count = 60 if quick else len(dataset.test_images)
    ideal = held / f"ideal{seed}"
    if not ideal.exists():
        trained(ideal, base)
    if device is None:
        return {"ideal": scored(ideal, dataset, count)}
    folder = held / device
    found = ways(device, seed, ideal, folder, dataset, count)
    shutil.rmtree(folder)
    return found


def figures(rows: list[dict]) -> dict[str, float]:
    """Return the mean SSE/2 from mu by device and way, of the seeds that have one."""
    found: dict[str, list[float]] = {}
    for row in rows:
        for way, scores in row["ways"].items():
            if isinstance(scores, dict) and SCORES[0] in scores:
                found.setdefault(f"{row['device']}, {way}", []).append(scores[SCORES[0]])
    return {name: float(np.mean(values)) for name, values in found.items()}


if __name__ == "__main__":
    main()
