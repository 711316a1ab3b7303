"""Measure how long one update of a full-size plane of devices takes, by each engine, at three pulse rates.

One bare plane of devices (`crossbar.pulses.engines.update`), not a `CrossbarArray`, which has two and much to keep.
The work of research/devices.md section 3: 1686 x 1686 soft-bounds devices with spreads, a batch of 128 random signals,
about 160, 16 and 1.6 coincidences per device, one thread, everything included (trains, counting, devices). The bare
sgemm of the same shape runs beside it, and aihwkit's SoftBounds where it is installed and works; where not, that is
said, and its figures are quoted from another machine (`peers.QUOTED`).

    python benchmarks/crossbar_update.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import peers
from harness import best_time, report
from threadpoolctl import threadpool_limits

from crossbar.devices import law as devices
from crossbar.pulses.engines import update

RATES = {"160": 0.01, "16": 0.001, "1.6": 0.0001}
TARGETS = {"aggregate": {"160": 100.0, "16": 70.0, "1.6": 30.0}, "exact": {"160": 500.0, "16": 400.0, "1.6": 60.0}}
SEED = 4


def signals(size: int, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return rows, uniform in [0, 1], and columns, uniform in [-1/2, 1/2]: coincidences as in devices.md."""
    return rng.random((batch, size), np.float32), rng.random((batch, size), np.float32) - np.float32(0.5)


def ours(size: int, batch: int, repeats: int) -> tuple[dict[str, float], list[dict]]:
    """Return milliseconds by name, and a row a run with what the report said."""
    rng = np.random.default_rng(SEED)
    law = devices.law("soft-bounds", dw_min_dtod=0.3, up_down_dtod=0.01, w_max_dtod=0.3, w_min_dtod=0.3)
    state = law.sample((size, size), rng)
    rows, columns = signals(size, batch, rng)
    figures: dict[str, float] = {}
    table: list[dict] = []
    for pulses, rate in RATES.items():
        times = {}
        for engine in ("aggregate", "example", "walk", "auto"):
            if engine == "walk" and pulses == "160":
                continue  # exact too, at some 5 ns a pulse: never the choice there
            reports = []

            def run(rate: float = rate, engine: str = engine, reports: list = reports) -> None:
                reports.append(update(state, rows, columns, rate=rate, rng=rng, engine=engine))

            seconds = best_time(run, repeats)
            times[engine] = 1e3 * seconds
            told = reports[-1]
            table.append({"asked": engine, "pulses": pulses, "chosen": told.engine, "ms": 1e3 * seconds,
                          "mean_pulses": told.pulses / state.hidden.size, "bit_length": told.bit_length})  # fmt: skip
        figures[f"update_ms_aggregate_{pulses}"] = times["aggregate"]
        figures[f"update_ms_exact_{pulses}"] = min(times[engine] for engine in ("example", "walk") if engine in times)
        figures[f"update_ms_auto_{pulses}"] = times["auto"]
    figures["sgemm_ms"] = 1e3 * best_time(lambda: rows.T @ columns, 3 * repeats)
    return figures, table


def peer(size: int, batch: int) -> tuple[dict[str, float], dict[str, str]]:
    """Return aihwkit's milliseconds for the same work, if it runs, and what is to be said of it."""
    tile, said = peers.aihwkit_tile(size, "SoftBoundsDevice")
    if tile is None:
        return {}, {"aihwkit": said}
    import torch

    rows, columns = (torch.from_numpy(side) for side in signals(size, batch, np.random.default_rng(SEED)))
    figures = {}
    for pulses, rate in RATES.items():
        tile.set_learning_rate(rate)
        start = time.perf_counter()
        tile.update(rows, columns)
        figures[f"aihwkit_ms_{pulses}"] = 1e3 * (time.perf_counter() - start)
    return figures, {"aihwkit": said}


def main() -> None:
    """Run, print, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of the size, three repeats")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    size, repeats = (562, 3) if options.quick else (1686, 7)
    with threadpool_limits(1):
        figures, table = ours(size, 128, repeats)
        measured, said = peer(size, 128)
        figures |= measured
    targets = {
        f"update_ms_{kind}_{pulses}": limit for kind, limits in TARGETS.items() for pulses, limit in limits.items()
    }
    notes = f"{size} x {size}, batch 128, best of {repeats}, one thread; `exact` is the faster of `example` and `walk`."
    result = report(
        "crossbar_update", figures, {} if options.quick else targets, seed=SEED, quick=options.quick, notes=notes,
        extra={**peers.tell(said), "runs": table},
    )  # fmt: skip
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in figures.items():
            print(f"{name:28s} {value:9.1f}" + (f"   target {targets[name]:g}" if name in targets else ""))


if __name__ == "__main__":
    main()
