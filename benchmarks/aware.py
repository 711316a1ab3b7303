"""Two ways onto a device: weights of an ideal training programmed, or of one that knew the device's errors.

    python benchmarks/aware.py RUN [--devices ecram pcm gokmen-vlasov reram-es] [--chips 3] [--quick] [--json]

RUN's configuration is trained anew with `[aware]` for each device, from the same seed, as long and at the same rates.
Both weights are programmed onto chips of three seeds by `hopbar program`'s own way (write-verify, best scale), and
judged on the test split. A chip whose devices break W = W^T settles by its own steps.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import harness
import numpy as np
from neurons import judged

from crossbar.arrays.config import ArrayConfig
from crossbar.chip import Chip, load_chip
from crossbar.errors import HopbarError
from crossbar.programming.chip import program_chip
from crossbar.programming.write_verify import WriteVerify
from hvae.runs import images, loading
from hvae.runs.records import RunFolder
from hvae.training import loop
from hvae.training.disturbance import Disturbance

DEVICES = ("ecram", "pcm", "gokmen-vlasov", "reram-es")


def trained_for(device: str, config, folder: Path) -> Path:
    """Train `config` with the errors of `device`; return its folder."""
    run = RunFolder.create(folder / device, replace(config, aware=replace(config.aware, device=device)))
    loop.train(run)
    return run.path


def programmed(chip: Chip, device: str, seed: int) -> Chip:
    """Return `chip` on devices."""
    found, _ = program_chip(chip, ArrayConfig(device=device), WriteVerify(), np.random.default_rng(seed))
    return found


def judge(chip: Chip, dataset, count: int) -> dict[str, float]:
    """Return what a programmed chip is worth, or why it has no scores."""
    try:
        return judged(loading.from_chip(chip), dataset, count)
    except HopbarError as error:
        return {"failed": f"{type(error).__name__}: {error}"[:200]}


def main() -> None:
    """Train, program, judge, print, and keep."""
    asked = harness.parser(__doc__)
    asked.add_argument("--devices", nargs="+", default=DEVICES)
    asked.add_argument("--chips", type=int, default=3)
    options = asked.parse_args()
    devices, chips = (("pcm",), 1) if options.quick else (options.devices, options.chips)
    config = loading.load(options.run).config
    dataset, ideal = images.load(config.data), load_chip(options.run)
    count = 60 if options.quick else len(dataset.test_images)
    rows = [{"device": "none", "error": 0.0, "ideal": judge(ideal, dataset, count)}]
    print(json.dumps(rows[0]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for device in devices:
            path = trained_for(device, config, Path(folder))
            aware = load_chip(path)
            disturbance = Disturbance.of(loading.load(path).config)
            found = judge(aware, dataset, count)
            rows.append({"device": device, "error": disturbance.error, "aware, not programmed": found})
            for seed in range(chips):
                for name, chip in (("ideal", ideal), ("aware", aware)):
                    rows[-1][f"{name}, chip {seed}"] = judge(programmed(chip, device, seed), dataset, count)
            print(json.dumps(rows[-1]), flush=True)
    found = harness.report(
        f"aware-{options.run.name}", _means(rows), {}, seed=config.training.seed, quick=options.quick,
        notes=f"{count} images; figures: SSE/2 from mu, mean over chips", extra={"rows": rows},
    )  # fmt: skip
    if options.json:
        print(json.dumps(found))


def _means(rows: list[dict]) -> dict[str, float]:
    """Return mean SSE/2 by device and training; NaN where a chip has none."""
    found = {}
    for row in rows[1:]:
        for name in ("ideal", "aware"):
            chips = [one.get("sse_half_mean", np.nan) for key, one in row.items() if key.startswith(f"{name}, chip")]
            found[f"{row['device']}, {name}"] = float(np.mean(chips))
    return found


if __name__ == "__main__":
    main()
