"""Whether the networks of the table of devices are trained until flat: as long, twice and four times as long.

    python benchmarks/devices_longer.py [--devices epiram ...] [--seeds 0 1 2] [--quick] [--json]

`BASE` of `benchmarks/devices.py` with 6, 12 and 24 epochs, the rate falling to zero by the last: on ideal weights, and
on devices that start at weights of the seed, as its way "on chip". Each row is kept as soon as it is there; seeds that
have all of theirs, of the same commit, are not made again.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

import devices
import harness
import numpy as np

from hvae.config import toml_file
from hvae.runs import images

CHOSEN = ("ecram", "epiram", "taox-hfox", "reram-array-hfo2")
EPOCHS = (6, 12, 24)


def rows_of(seed: int, chosen: list[str], epochs: list[int], held: Path, quick: bool):
    """Yield the scores of every training of `seed`: ideal weights first, then each device."""
    for many in epochs:
        words = (*devices.BASE, *(devices.QUICK if quick else ()), f"training.seed={seed}", f"training.epochs={many}")
        base = toml_file.resolve("tdh-vae", [], words)
        dataset = images.load(base.data)
        count = 60 if quick else len(dataset.test_images)
        ideal = devices.trained(held / f"ideal-{seed}-{many}", base)
        yield {"device": None, "seed": seed, "epochs": many, **devices.scored(ideal, dataset, count)}
        for device in chosen:
            array = devices.array_of(ideal, device, seed, gains=False)
            config = devices.on_devices(base, array)
            chip = devices.trained(held / f"{device}-{seed}-{many}", config)
            found = devices.scored(chip, dataset, count)
            yield {"device": device, "seed": seed, "epochs": many, **found}


def figures(rows: list[dict]) -> dict[str, float]:
    """Return the mean SSE/2 from mu by device and epochs."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if "sse_half_mean" in row:
            found.setdefault(f"{row['device'] or 'ideal'}, {row['epochs']} epochs", []).append(row["sse_half_mean"])
    return {name: float(np.mean(values)) for name, values in found.items()}


def main() -> None:
    """Make the rows, print them, and keep each."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--devices", nargs="+", default=list(CHOSEN))
    asked.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = asked.parse_args()
    chosen, seeds, epochs = options.devices, options.seeds, list(EPOCHS)
    if options.quick:
        chosen, seeds, epochs = ["epiram"], [0], [1]
    kept = harness.RESULTS / "devices_longer.json"
    before = json.loads(kept.read_text()) if kept.exists() and not options.quick else {"rows": []}
    rows = before["rows"] if before.get("commit") == harness.commit() else []
    counts = Counter(row["seed"] for row in rows)
    made = {seed for seed, count in counts.items() if count == len(epochs) * (1 + len(chosen))}
    rows = [row for row in rows if row["seed"] in made]
    result: dict = {}
    for seed in [one for one in seeds if one not in made]:
        with tempfile.TemporaryDirectory() as held:
            for row in rows_of(seed, chosen, epochs, Path(held), options.quick):
                rows.append(row)
                print(json.dumps(row), flush=True)
                result = harness.report(
                    "devices_longer", figures(rows), {}, seed=seeds[0], quick=options.quick,
                    notes="all test images at 14 x 14; figures: SSE/2 from mu, mean over seeds",
                    extra={"base": devices.BASE, "rows": rows},
                )  # fmt: skip
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
