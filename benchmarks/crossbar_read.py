"""What a read of the virtual crossbar costs over the bare matrix product of its shape.

    python benchmarks/crossbar_read.py [--quick] [--json]

One thread. Every candidate takes turns with the bare sgemm, so that both see the same machine; the figures are ratios
of the shortest times. aihwkit and CrossSim run beside ours where they are installed and work; where not, that is said,
and figures are quoted from another machine (`peers.QUOTED`).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import peers
from harness import report
from threadpoolctl import threadpool_limits

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import adc, dac
from crossbar.arrays.read_noise import ReadNoise
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network

SEED = 1
TURN = 5  # calls
TARGETS = {"converted_over_sgemm": 1.6, "device_noise_over_sgemm": 3.0}
IO = {"dac": dac(7), "adc": adc(9, high=6.0)}
ARRAYS = {
    "ideal": {},
    "converted": {**IO, "output_noise": 0.02},
    "device_noise": {**IO, "read_noise": ReadNoise(additive=0.005, relative=0.03)},
    "additive_noise": {**IO, "read_noise": ReadNoise(additive=0.005)},
    "phase_noise": {"read_noise": ReadNoise(relative=0.03, spectrum="phase")},
    "pink_noise": {**IO, "read_noise": ReadNoise(relative=0.03, spectrum="pink", correlation_reads=1e4)},
    "tiles_256": {**IO, "output_noise": 0.02, "tile_size": 256},
    "tiles_128": {**IO, "output_noise": 0.02, "tile_size": 128},
}


def candidates(network: Network, batch: int) -> tuple[dict[str, Callable[[], object]], dict[str, str]]:
    """Return what is timed, by name, the bare product first; and what is to be said of the peers."""
    rng = np.random.default_rng(SEED)
    weights = random_weights(network, rng)
    signals = rng.random((batch, network.size), dtype=np.float32)
    out = np.empty_like(signals)
    patches = network.patches(network.names, network.names)
    found: dict[str, Callable[[], object]] = {"sgemm": lambda: np.matmul(signals, weights, out=out)}
    for name, settings in ARRAYS.items():
        array = CrossbarArray.from_weights(network, weights, ArrayConfig(**settings), rng)
        found[name] = lambda array=array: array.multiply(signals, patches, out)
    others, said = beside(weights, signals)
    return found | others, said


def beside(weights: np.ndarray, signals: np.ndarray) -> tuple[dict[str, Callable[[], object]], dict[str, str]]:
    """Return the same read by other simulators, where they run, and what is to be said of each."""
    found: dict[str, Callable[[], object]] = {}
    turned = np.ascontiguousarray(weights.T)
    tile, aihwkit = peers.aihwkit_tile(len(weights), "ConstantStepDevice")
    if tile is not None:
        import torch

        tile.set_weights(torch.from_numpy(turned))
        given = torch.from_numpy(signals)
        found["aihwkit"] = lambda: tile.forward(given)
    core, crosssim = peers.crosssim_core(turned)
    if core is not None:
        columns = np.ascontiguousarray(signals.T)
        found["crosssim"] = lambda: core.matmat(columns)
    return found, {"aihwkit": aihwkit, "CrossSim": crosssim}


def shortest(bare: Callable[[], object], function: Callable[[], object], seconds: float) -> tuple[float, float]:
    """Return the shortest times (s) of the bare product and of `function`, which take turns of `TURN` calls each.

    In a turn a function finds its own matrix in the caches as well as it fits them, as in the sweeps of a settling.
    """
    best = [np.inf, np.inf]
    bare(), function()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for place, called in enumerate((bare, function)):
            for _ in range(TURN):
                start = time.perf_counter()
                called()
                best[place] = min(best[place], time.perf_counter() - start)
    return best[0], best[1]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller array, a few seconds")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    sizes = (200, 200, 24) if options.quick else (784, 833, 69)
    network = Network(tuple(zip(("pixels", "hidden", "latent"), sizes, strict=True)))
    with threadpool_limits(1):
        functions, said = candidates(network, 128)
        bare = functions.pop("sgemm")
        times = {name: shortest(bare, function, 1 if options.quick else 8) for name, function in functions.items()}
    figures = {"sgemm_ms": 1e3 * min(first for first, _ in times.values())}
    figures.update({f"{name}_ms": 1e3 * own for name, (_, own) in times.items()})
    figures.update({f"{name}_over_sgemm": own / first for name, (first, own) in times.items()})
    notes = f"{network.size} x {network.size} dense, batch 128, one thread; shortest of turns that alternate with sgemm"
    result = report(
        "crossbar_read", figures, TARGETS, seed=SEED, quick=options.quick, notes=notes, extra=peers.tell(said)
    )
    if options.json:
        print(json.dumps(result))
        return
    for name, value in figures.items():
        print(f"{name:32} {value:8.3f}" + (f"   target {TARGETS[name]}" if name in TARGETS else ""))


if __name__ == "__main__":
    main()
