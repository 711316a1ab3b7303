"""What access devices cost: a trained network written to memristors behind transistors and selectors.

    python benchmarks/access.py --run runs/14x14            full, writes benchmarks/results/access.json (some minutes)
    python benchmarks/access.py --quick                     a small network, seconds

Written by write-verify to `gst-pcm` (11 to 212 uS), read at 0.1 V; SSE/2 from mu on 2,000 test images, three chips
each; once with exact verifying reads, once with reads that miss by 0.2 uS (rms), whatever the range. Beside it what
write pulses of 2 V meet on its densest tile of 128 lines, 2 ohm a segment: what the driver of the furthest cell gives,
what other cells see meanwhile, and the power.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import harness
import numpy as np
from spares import score

from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.construction import hardware
from crossbar.chip import load_chip
from crossbar.programming.chip import program_chip
from crossbar.programming.reach import WriteLines, reach
from crossbar.programming.write_verify import WriteVerify
from crossbar.wires.access import access
from hvae.runs import images, loading

DEVICE = "gst-pcm"
BEHIND = (
    None, "transistor:1e3", "transistor:3e3", "transistor:1e4", "transistor:3e4", "selector:1e-6,0.03",
    "selector:1e-8,0.015", "selector:1e-8,0.03",
)  # fmt: skip
NOISE = 2e-7  # S, of a verifying read
LINES = WriteLines(volts=2.0, ohm=2.0, tile_size=128)


def row(behind: str | None, run: Path, pictures: np.ndarray, seeds: list[int], folder: Path) -> dict[str, object]:
    """Return what came of one access device, means over chips."""
    ideal, own = load_chip(run), None if behind is None else access(behind)
    config = ArrayConfig(device=DEVICE, access=own)
    ends = np.array([getattr(hardware(config), end) for end in ("g_min", "g_max")])
    low, high = (ends if own is None else own.seen(ends)).tolist()
    found: dict[str, object] = {"access": behind or "none", "least_uS": low * 1e6, "largest_uS": high * 1e6}
    for kind, noise in (("", 0.0), ("_noisy", NOISE / (high - low))):
        scores, reports, met = [], [], []
        for seed in seeds:
            settings = WriteVerify(verify_noise=noise)
            made, told = program_chip(ideal, config, settings, np.random.default_rng(seed))
            ((name, held),) = made.conductances.items()
            scores.append(score(made, folder, pictures))
            reports.append(told[name])
            met.append(reach(made.networks[name], [held.plus, held.minus], LINES, access=own))
        found |= {
            f"sse_half{kind}": float(np.mean(scores)), f"sse_half_of_chips{kind}": scores,
            f"failed{kind}": float(np.mean([one.failed_fraction for one in reports])),
            f"weight_error{kind}": float(np.mean([one.weight_error for one in reports])),
            f"pulses{kind}": float(np.mean([(one.pulses_up + one.pulses_down) / one.devices for one in reports])),
            f"writing{kind}": [one.as_dict() for one in met],
        }  # fmt: skip
    return found


def main() -> None:
    """Run, print, keep."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--run", type=Path, help="a trained tied run")
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    if options.run is None and not options.quick:
        asked.error("give --run RUN, such as that of examples/tdh-vae-14.toml, or --quick")
    with tempfile.TemporaryDirectory() as held:
        run = options.run or harness.small_run(Path(held) / "run")
        trained = loading.load(run)
        pictures = images.load(trained.config.data).test_images[: 100 if options.quick else 2000]
        ideal = score(load_chip(run), Path(held), pictures)
        behind, seeds = (BEHIND[:2], [1]) if options.quick else (BEHIND, [1, 2, 3])
        rows = []
        for one in behind:
            rows.append(row(one, run, pictures, seeds, Path(held)))
            if not options.json:
                print(json.dumps(rows[-1]), flush=True)
    figures = {"ideal": ideal} | {str(one["access"]): one["sse_half"] for one in rows}
    notes = "SSE/2 from mu on test images; ideal: floats"
    result = harness.report("access", figures, {}, seed=1, quick=options.quick, notes=notes, extra={"rows": rows})
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
