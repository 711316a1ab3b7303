"""What a cycle of a crossbar array costs, one update and one read, over the bare planes of devices it is made of.

    OPENBLAS_CORETYPE=Sapphirerapids python benchmarks/array_cycle.py [--quick] [--json]

The array is that of the full tied network, a pair of shared devices a weight: soft-bounds devices with spreads, and
EpiRAM, which has none. A cycle is `CrossbarArray.update` and then `CrossbarArray.multiply` of the whole matrix, which
makes the matrix anew and counts energies. Beside it stand, in the same process and turn by turn,

- `bare`: `crossbar.pulses.engines.update` on two planes of as many places, as many pulses a device, and one sgemm;
- `same_pulses`: the very pulses of the array on its two planes, those above the diagonal, and one sgemm. The array
  sends both orders of a contrast to half the places, so this is its own work without any keeping of books.

Pulses a device are those of `crossbar_update.py`. `read_noise` cases also need the variance of each weight, and a read
of them two products. Each number of threads has a process of its own. Besides: how long it takes to make the array of
EpiRAM devices and what memory at most, the matrix of its tiles of 128 behind wires of 1 ohm, and settling on float64
inputs over settling on float32 ones, on float32 weights.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from harness import parser, report

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices import law as devices
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights, random_weights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.network import Network
from crossbar.pulses.encodings import Factorised, Signals
from crossbar.pulses.engines import DEFAULT_MANAGEMENT, send, update

SEED, BATCH = 4, 128
SPREADS = {"dw_min_dtod": 0.3, "up_down_dtod": 0.01, "w_max_dtod": 0.3, "w_min_dtod": 0.3}
PULSES = (160.0, 16.0, 1.6)  # a device and batch
NOISE = ReadNoise(additive=0.005, relative=0.03)
QUIET = ReadNoise()
CASES = {
    **{f"soft_bounds_{pulses:g}": ("soft-bounds", pulses, QUIET) for pulses in PULSES},
    "soft_bounds_read_noise_1.6": ("soft-bounds", 1.6, NOISE),
    **{f"epiram_{pulses:g}": ("epiram", pulses, QUIET) for pulses in PULSES},
    "epiram_read_noise_1.6": ("epiram", 1.6, NOISE),
}
TARGET = 1.3
THREADS = (1, 2)


def shortest(functions: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Return the shortest wall time (ms) of each, of `turns` that alternate, after one call that is not counted."""
    best = {name: np.inf for name in functions}
    for turn in range(turns + 1):
        for name, called in functions.items():
            start = time.perf_counter()
            called()
            if turn:
                best[name] = min(best[name], 1e3 * (time.perf_counter() - start))
    return best


def case(network: Network, name: str, pulses: float, noise: ReadNoise, turns: int) -> dict[str, float]:
    """Return the times (ms) of a cycle and of what it is held against, its ratios, and the bytes a device takes."""
    rng = np.random.default_rng(SEED)
    device = devices.law(name, **SPREADS) if name == "soft-bounds" else name
    array = CrossbarArray.from_weights(
        network, random_weights(network, rng), ArrayConfig(device=device, read_noise=noise), rng
    )
    (cells,) = array.cells
    size = network.size
    mean = rng.random((BATCH, size), np.float32)
    response = rng.random((BATCH, size), np.float32) - np.float32(0.5)
    own = cells.states[0].law.granularity / (BATCH / 8) * pulses  # per unit of rows times columns, in the law's units
    halved = own / 2  # both orders reach a shared device
    signals = Signals(response_rows=response, mean_rows=mean, response_columns=response, mean_columns=mean)
    passes = [Factorised().passes(signals.contrast(sign)) for sign in (1, -1)]
    planes = [state.copy() for state in cells.states]
    weights, out = array.matrix().copy(), np.empty_like(mean)
    patches = network.patches(network.names, network.names)
    given = {"rng": rng, "management": DEFAULT_MANAGEMENT, "engine": "auto"}
    above = np.arange(1, size + 1)
    told = []

    def cycle() -> None:
        told.append(array.update(response, mean, rate=halved * cells.scale * cells.movers, rng=rng))
        array.multiply(mean, patches, out)

    def bare() -> None:
        for state, sign in zip(planes, (1, -1), strict=True):
            update(state, mean, sign * response, rate=own, rng=rng)
        np.matmul(mean, weights, out=out)

    def same_pulses() -> None:
        for state, (rows, columns) in zip(planes, passes, strict=True):
            send(state, rows, columns, above, rate=halved, **given)
        np.matmul(mean, weights, out=out)

    times = shortest(
        {"cycle": cycle, "bare": bare, "same_pulses": same_pulses, "sgemm": lambda: np.matmul(mean, weights, out=out)},
        turns,
    )
    bytes_kept = sum(held.nbytes for held in kept(cells.states)) / (2 * size**2)
    report_ = told[-1]
    return {
        "cycle_ms": times["cycle"], "bare_ms": times["bare"], "same_pulses_ms": times["same_pulses"],
        "sgemm_ms": times["sgemm"], "cycle_over_bare": times["cycle"] / times["bare"],
        "cycle_over_same_pulses": times["cycle"] / times["same_pulses"], "bytes_a_device": bytes_kept,
        "pulses_a_device": report_.pulses / (size * (size - 1)),
    }  # fmt: skip


def beside(network: Network) -> dict[str, float]:
    """Return what it takes to make an array, its matrix behind wires, and to settle on inputs of more digits."""
    rng = np.random.default_rng(SEED)
    weights = random_weights(network, rng)

    def build(**settings) -> CrossbarArray:
        return CrossbarArray.from_weights(network, weights, ArrayConfig(device="epiram", **settings), rng)

    figures = {"build_epiram_ms": shortest({"build": build}, 2)["build"]}
    tracemalloc.start()
    build()
    figures["build_epiram_peak_mb"] = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    wired = build(wire_resistance=1.0, tile_size=128)

    def matrix() -> None:
        wired.changed()
        wired.matrix()

    figures["wired_matrix_ms"] = shortest({"matrix": matrix}, 1)["matrix"]
    role, solver = network.role(["pixels"]), ConjugateGradient()
    inputs = rng.standard_normal((BATCH, role.n_clamped))
    given = {
        kind: lambda kind=kind: solver.settle(
            Landscape.clamp(IdealWeights(network, weights), role, inputs.astype(kind))
        )
        for kind in ("float32", "float64")
    }
    times = shortest(given, 3)
    figures["settle_float64_over_float32"] = times["float64"] / times["float32"]
    return figures


def kept(states) -> list[np.ndarray]:
    """Return the memory that devices stand in, each once."""
    found = {}
    for state in states:
        for plane in (state.stack, state.hidden, state.visible):
            while plane.base is not None and isinstance(plane.base, np.ndarray):
                plane = plane.base
            found[id(plane)] = plane
    return list(found.values())


def measured(quick: bool) -> dict[str, float]:
    """Return the figures of all cases, in this process."""
    sizes = (200, 200, 24) if quick else (784, 833, 69)
    network = Network(tuple(zip(("pixels", "hidden", "latent"), sizes, strict=True)))
    chosen = {name: CASES[name] for name in ("soft_bounds_1.6", "epiram_read_noise_1.6")} if quick else CASES
    figures = {}
    for name, (device, pulses, noise) in chosen.items():
        found = case(network, device, pulses, noise, 2 if quick else 5)
        figures.update({f"{name}_{figure}": value for figure, value in found.items()})
    return figures | beside(network)


def in_a_process(threads: int, quick: bool) -> dict[str, float]:
    """Return the figures of a process of so many threads."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    environment.setdefault("OPENBLAS_THREAD_TIMEOUT", "18")  # as `hopbar` sets it, see `crossbar.tuning`
    command = [sys.executable, __file__, "--child", *(["--quick"] if quick else [])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return {f"threads_{threads}_{name}": value for name, value in json.loads(done.stdout).items()}


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__, of_a_run=False)
    arguments.add_argument("--child", action="store_true", help="print the figures of this process, and keep nothing")
    options = arguments.parse_args()
    if options.child:
        print(json.dumps(measured(options.quick)))
        return
    figures: dict[str, float] = {}
    for threads in THREADS[:1] if options.quick else THREADS:
        figures |= in_a_process(threads, options.quick)
    targets = {name: TARGET for name in figures if name.endswith("_cycle_over_bare")}
    notes = (
        f"1686 x 1686 shared pair, batch {BATCH}, shortest of 5 turns; "
        f"OPENBLAS_CORETYPE={os.environ.get('OPENBLAS_CORETYPE', '')!r} (the machine's own choice of kernels is slow); "
        "each number of threads in a process of its own"
    )
    result = report("array_cycle", figures, targets, seed=SEED, quick=options.quick, notes=notes)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in figures.items():
            print(f"{name:62s} {value:9.3f}" + (f"   target {targets[name]:g}" if name in targets else ""))


if __name__ == "__main__":
    main()
