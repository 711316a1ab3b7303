"""Currents of crossbars with wire resistance: time, memory, accuracy, and badcrossbar in the same run where installed.

    python benchmarks/wires.py            full, writes benchmarks/results/wires.json (about a minute with badcrossbar)
    python benchmarks/wires.py --quick    small sizes, a few seconds
    python benchmarks/wires.py --json     one JSON object on stdout

Conductances uniform in 1 to 100 uS, 1 ohm a segment, one thread, after compilation; the best of several wall times.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import resource
import sys
import time
from collections.abc import Callable

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import numpy as np
from harness import best_time, report

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.hopfield.couplings import IdealWeights, random_weights
from crossbar.hopfield.network import Network
from crossbar.wires.compensation import column_gains, compensated_conductances, order_by_sensitivity
from crossbar.wires.effective import TileMatrix, Wiring
from crossbar.wires.solver import effective_matrix, output_currents, solve

OHM = 1.0
TARGETS = {
    "one_vector_128_s": 0.002, "one_vector_256_s": 0.010, "one_vector_512_s": 0.050, "one_vector_1024_s": 0.300,
    "hundred_vectors_256_s": 0.18, "times_badcrossbar_512_one_vector": 150.0,
    "times_badcrossbar_256_hundred_vectors": 15.0, "difference_from_badcrossbar": 1e-9,
}  # fmt: skip


def problem(rng: np.random.Generator, size: int, vectors: int) -> tuple[np.ndarray, np.ndarray]:
    """Return conductances (size, size) and voltages (size, vectors)."""
    return rng.uniform(1e-6, 1e-4, (size, size)), rng.uniform(-1, 1, (size, vectors))


def times(rng: np.random.Generator, sizes: list[int], many: int) -> dict[str, float]:
    """Time one vector at every size, a hundred at size `many`, and the memory of the largest."""
    figures = {}
    output_currents(*problem(rng, 8, 1), OHM, OHM)
    for size in sizes:
        arrays = problem(rng, size, 1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        output_currents(*arrays, OHM, OHM)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        figures[f"one_vector_{size}_s"] = best_time(lambda arrays=arrays: output_currents(*arrays, OHM, OHM), 9)
    figures["bytes_per_cell_largest"] = 1024 * grown / sizes[-1] ** 2
    arrays = problem(rng, many, 100)
    figures[f"hundred_vectors_{many}_s"] = best_time(lambda: output_currents(*arrays, OHM, OHM), 5)
    for size in (64, 128, 256)[: 1 if many < 256 else 3]:
        g = problem(rng, size, 1)[0]
        figures[f"effective_matrix_{size}_s"] = best_time(lambda g=g: effective_matrix(g, OHM, OHM), 3)
    return figures


def kirchhoff(rng: np.random.Generator, size: int) -> dict[str, float]:
    """Return the largest imbalance of any node, in A and relative to rounding of the voltages, eps V / r."""
    g, voltages = problem(rng, size, 1)
    solution = solve(g, voltages, OHM, OHM)
    words, bits = solution.word_voltages[0], solution.bit_voltages[0]
    right = -np.diff(np.hstack([voltages, words]), axis=1) / OHM
    down = -np.diff(np.vstack([bits, np.zeros((1, size))]), axis=0) / OHM
    devices = g * (words - bits)
    at_words = right - np.hstack([right[:, 1:], np.zeros((size, 1))]) - devices
    at_bits = np.vstack([np.zeros((1, size)), down[:-1]]) + devices - down
    worst = max(np.abs(at_words).max(), np.abs(at_bits).max())
    return {"kirchhoff_residual_A": float(worst), "kirchhoff_residual_in_eps_V_per_ohm": float(worst * OHM / 2.2e-16)}


def peer(rng: np.random.Generator, size: int, vectors: int) -> dict[str, float]:
    """Time badcrossbar and ours on one problem, one after the other, and compare the currents."""
    import badcrossbar

    g, voltages = problem(rng, size, vectors)
    ours = best_time(lambda: output_currents(g, voltages, OHM, OHM), 5)
    with contextlib.redirect_stdout(sys.stderr):
        theirs = np.inf
        for _ in range(2):
            start = time.perf_counter()
            solution = badcrossbar.compute(voltages, 1 / g, r_i=OHM)
            theirs = min(theirs, time.perf_counter() - start)
    currents, reference = output_currents(g, voltages, OHM, OHM), np.atleast_2d(solution.currents.output)
    name = "one_vector" if vectors == 1 else "hundred_vectors"
    return {
        f"badcrossbar_{size}_{name}_s": theirs, f"times_badcrossbar_{size}_{name}": theirs / ours,
        "difference_from_badcrossbar": float(np.abs(currents - reference).max() / np.abs(reference).max()),
    }  # fmt: skip


def losses(rng: np.random.Generator, sizes: list[int]) -> list[dict]:
    """Return what wires do to a tile and what compensation wins back: relative errors (Frobenius) of the matrix."""

    def error(matrix: np.ndarray, targets: np.ndarray) -> float:
        return float(np.linalg.norm(matrix - targets) / np.linalg.norm(targets))

    rows = []
    for size in sizes:
        for ohm in (0.1, 1.0, 10.0):
            g = problem(rng, size, 1)[0]
            plain, order = effective_matrix(g, ohm, ohm), order_by_sensitivity(g)
            devices = compensated_conductances(g / 2, ohm, ohm, g_min=0.0, g_max=1e-4)
            square = (g + g.T) / 2
            wired = effective_matrix(square, ohm, ohm)
            rows.append({
                "tile": size, "ohm": ohm, "mean_current_kept": float(plain.sum() / g.sum()), "error": error(plain, g),
                "error_driven_at_both_ends": error(effective_matrix(g, ohm, ohm, drive="both", sense="both"), g),
                "error_with_column_gains": error(plain * column_gains(g, plain), g),
                "error_ordered_by_sensitivity": error(order.restore(effective_matrix(order.place(g), ohm, ohm)), g),
                "error_half_scale_compensated": error(effective_matrix(devices, ohm, ohm), g / 2),
                "asymmetry_of_a_symmetric_tile": error(wired, wired.T),
            })  # fmt: skip
    return rows


def renewal(rng: np.random.Generator, size: int) -> list[dict]:
    """Return true and estimated errors of a kept matrix after random changes of the devices."""
    g = problem(rng, size, 1)[0]
    tile = TileMatrix(Wiring(r_word_line=OHM, r_bit_line=OHM), np.inf, (0,))
    first, rows = tile.matrix(g), []
    for change in (1e-3, 1e-2, 1e-1):
        moved = g * (1 + change * rng.normal(size=g.shape))
        exact = effective_matrix(moved, OHM, OHM)
        rows.append({
            "tile": size, "relative_change": change,
            "error_untouched": float(np.linalg.norm(first - exact) / np.linalg.norm(exact)),
            "error_first_order": float(np.linalg.norm(tile.matrix(moved) - exact) / np.linalg.norm(exact)),
            "estimated": tile.estimated_error(moved), "measured": tile.measured_error(moved),
            "estimate_s": best_time(lambda moved=moved: tile.estimated_error(moved), 3),
        })  # fmt: skip
    return rows


def learning_cost(rng: np.random.Generator, neurons: int, tile: int) -> dict[str, float]:
    """Return CPU seconds of a dense array of shared pairs behind wires: its matrix solved for, kept, and read."""
    network = Network((("pixels", neurons // 2), ("latent", neurons - neurons // 2)), "dense")
    weights = random_weights(network, rng)
    config = ArrayConfig(tile_size=tile, wire_resistance=OHM, wire_error=0.01, g_min=1e-6, weight_limit=2.0)
    array = CrossbarArray.from_weights(network, weights, config, rng)
    signals, out = rng.random((64, neurons), dtype=np.float32), np.empty((64, neurons), np.float32)
    patches = network.patches(network.names, network.names)

    def spent(function: Callable[[], object]) -> float:
        start = time.process_time()
        function()
        return time.process_time() - start

    array.multiply(signals[:1], patches, out[:1])  # compiles
    array.wires.renewed.clear()
    array.changed()
    found = {"neurons": neurons, "tile": tile, "solve_cpu_s": spent(array.matrix)}
    array.update(1e-3 * rng.normal(size=signals.shape).astype(np.float32), signals, rate=0.01, rng=rng)
    found["kept_matrix_cpu_s"] = spent(array.matrix)
    found["estimated_error"] = array.wires.error
    found["read_cpu_s"] = min(spent(lambda: array.multiply(signals, patches, out)) for _ in range(5))
    ideal = IdealWeights(network, array.matrix())
    found["ideal_read_cpu_s"] = min(spent(lambda: ideal.multiply(signals, patches, out)) for _ in range(5))
    return found


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    figures = times(rng, [128, 256] if arguments.quick else [128, 256, 512, 1024], 64 if arguments.quick else 256)
    figures |= kirchhoff(rng, 64 if arguments.quick else 256)
    notes = "badcrossbar is not installed: no comparison."
    if importlib.util.find_spec("badcrossbar"):
        notes = "badcrossbar's time includes all branch currents and node voltages, ours the output currents."
        figures |= peer(rng, 64 if arguments.quick else 256, 100)
        figures |= peer(rng, 64 if arguments.quick else 512, 1)
    extra = {"losses": losses(rng, [64] if arguments.quick else [64, 128, 256]), "renewal": renewal(rng, 64)}
    extra["learning"] = learning_cost(rng, 256 if arguments.quick else 1686, 128)
    targets = {name: value for name, value in TARGETS.items() if name in figures}
    result = report("wires", figures, targets, seed=arguments.seed, quick=arguments.quick, notes=notes, extra=extra)
    if arguments.json:
        print(json.dumps(result))
        return
    for name, value in figures.items():
        print(f"{name:45s} {value:12.4g}   {f'target {targets[name]:g}' if name in targets else ''}")


if __name__ == "__main__":
    main()
