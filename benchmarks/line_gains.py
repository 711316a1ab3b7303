"""What gains of lines are worth: a trained network written to devices with one scale for all lines, and with their own.

    python benchmarks/line_gains.py --run runs/14x14        full, writes benchmarks/results/line_gains.json
    python benchmarks/line_gains.py --quick                 a small network, seconds

By write-verify at the scale that errs least, symmetric arrays, three seeds of devices each, every preset; SSE/2 from mu
on 2,000 test images, error of the weights, pulses. `equal` is one scale, `best` chooses among the ways of
`crossbar.devices.line_gains`.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import harness
import numpy as np
from spares import score

from crossbar.arrays.config import ArrayConfig
from crossbar.chip import load_chip
from crossbar.devices import presets
from crossbar.devices.line_gains import KINDS
from crossbar.programming.chip import BEST, program_chip
from crossbar.programming.write_verify import WriteVerify
from hvae.runs import images, loading


def rows(run: Path, devices: list[str], seeds: list[int], images_used: int, folder: Path, tell) -> list[dict]:
    """Return a row for each device and way."""
    ideal = load_chip(run)
    pictures = images.load(loading.load(run).config.data).test_images[:images_used]
    found = []
    for device in devices:
        for kind in (*KINDS, BEST):
            scores, missed, pulses = [], [], []
            for seed in seeds:
                config, rng = ArrayConfig(device=device, symmetry="shared"), np.random.default_rng(seed)
                made, reports = program_chip(ideal, config, WriteVerify(), rng, line_gains=kind)
                (report,) = reports.values()
                scores.append(score(made, folder, pictures))
                missed.append(report.weight_error)
                pulses.append(report.pulses_up + report.pulses_down)
            found.append({
                "device": device, "line_gains": kind, "sse_half": float(np.mean(scores)),
                "sse_half_std": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
                "weight_error": float(np.mean(missed)), "pulses": float(np.mean(pulses)),
            })  # fmt: skip
            tell(found[-1])
    return found


def main() -> None:
    """Run, print, keep."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--run", type=Path, help="a trained tied run")
    options = asked.parse_args()
    if options.run is None and not options.quick:
        asked.error("give --run RUN, such as that of examples/tdh-vae-14.toml, or --quick")

    def tell(row: dict) -> None:
        if not options.json:
            print(json.dumps(row), flush=True)

    with tempfile.TemporaryDirectory() as held:
        run = options.run or harness.small_run(Path(held) / "run")
        every = sorted(presets.names())
        sizes = (["epiram"], [0], 100) if options.quick else (every, [0, 1, 2], 2000)
        pictures = images.load(loading.load(run).config.data).test_images[: sizes[2]]
        ideal = score(load_chip(run), Path(held), pictures)
        found = rows(run, *sizes, Path(held), tell)
    figures = {"floats": ideal}
    for row in found:
        if row["line_gains"] in ("equal", BEST):
            figures[f"{row['device']}, {row['line_gains']}"] = row["sse_half"]
    notes = "SSE/2 from mu on test images, mean over three seeds of devices"
    result = harness.report("line_gains", figures, {}, seed=0, quick=options.quick, notes=notes, extra={"rows": found})
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
