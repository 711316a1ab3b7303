"""How settling scales: sweeps, time and memory against network size (400 to 4000 neurons) and batch (16 to 1024).

    OPENBLAS_NUM_THREADS=2 python benchmarks/scaling.py RUN [--quick] [--json]

Networks of other sizes are drawn from the trained one of RUN: n of its neurons, with replacement, their weights scaled
by n_trained / n, so that the large modes of W, which make it stiff, keep their eigenvalues; drives come from encoded
images. (Networks trained at each size would be better; they are hours of training.) Wall times, least of two.
"""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
from harness import best_time, parser, report
from settling_cases import decoder_case

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.network import Network


def drawn(trained: Landscape, size: int, batch: int, rng: np.random.Generator) -> Landscape:
    """Return a landscape of `size` neurons drawn from the `trained` one, for `batch` of its samples, repeated."""
    block = trained.role.within[0]
    weights = trained.couplings.matrix()[block.sources, block.targets]
    old = len(weights)
    neurons = np.arange(old) if size == old else rng.choice(old, size, replace=size > old)
    scaled = weights[np.ix_(neurons, neurons)] * np.float32(old / size)
    np.fill_diagonal(scaled, 0)
    network = Network((("hidden", size), ("latent", 1)))
    matrix = np.zeros((size + 1, size + 1), np.float32)
    matrix[:size, :size] = scaled
    drive = np.ascontiguousarray(trained.drive[np.arange(batch) % len(trained.drive)][:, neurons])
    return Landscape(couplings=IdealWeights(network, matrix), role=network.role(["latent"]), drive=drive)


def row(landscape: Landscape) -> dict[str, float]:
    """Return sweeps, seconds and megabytes of settling to 1e-3."""
    solver = ConjugateGradient(tolerance=1e-3, max_sweeps=500)
    seconds = best_time(lambda: solver.settle(landscape), 2)
    tracemalloc.start()
    settled = solver.settle(landscape)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    batch, size = landscape.drive.shape
    return {"neurons": size, "batch": batch, "sweeps": float(settled.sweeps.mean()), "seconds": seconds,
            "ms_per_sample": 1e3 * seconds / batch, "peak_MB": peak / 1e6,
            "unsettled": int((~settled.settled).sum())}  # fmt: skip


def main() -> None:
    """Measure, print, and keep the result."""
    options = parser(__doc__).parse_args()
    trained = decoder_case(options.run, 128).as_type(np.float32).landscape
    rng = np.random.default_rng(1)
    own = trained.drive.shape[1]
    sizes, batches = ((400, 800), (16, 64)) if options.quick else ((400, 800, own, 2800, 4000), (16, 64, 256, 1024))
    rows = [row(drawn(trained, size, 128, rng)) for size in sizes]
    rows += [row(drawn(trained, own, batch, rng)) for batch in batches]
    figures = {f"sweeps_at_{r['neurons']}_neurons_batch_{r['batch']}": r["sweeps"] for r in rows}
    result = report(f"scaling-{options.run.name}", figures, {}, seed=1, quick=options.quick, extra={"rows": rows})
    print(json.dumps(result if options.json else rows))


if __name__ == "__main__":
    main()
