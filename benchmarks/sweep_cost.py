"""What one sweep costs beside the bare sgemm of its shape, one thread, and the peak memory of settling a batch of 256.

    OPENBLAS_NUM_THREADS=1 python benchmarks/sweep_cost.py RUN [--quick] [--json]

Times are processor times, least of several; a sweep is the slope between settlings of 6 and of 16 sweeps.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable

import numpy as np
from harness import parser, report
from settling_cases import BATCH, case, decoder_case, ep_gradient, fast

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.neurons import rho


def least(function: Callable[[], object], repeats: int) -> float:
    """Return the least processor time of `function`, after one call that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Measure, print, and keep the result."""
    options = parser(__doc__).parse_args()
    repeats = 3 if options.quick else 10
    problem = decoder_case(options.run, BATCH).as_type(np.float32)
    landscape = problem.landscape
    block = landscape.role.within[0]
    bare = np.ascontiguousarray(landscape.couplings.matrix()[block.sources, block.targets])
    signals = rho(landscape.drive)[:, block.source_columns].copy()
    out = np.empty((len(signals), bare.shape[1]), np.float32)
    gemm = least(lambda: np.matmul(signals, bare, out=out), repeats) * len(landscape.role.within)
    settle = [least(lambda n=n: ConjugateGradient(tolerance=1e-30, max_sweeps=n).settle(landscape), repeats)
              for n in (6, 16)]  # fmt: skip
    settled = ConjugateGradient(tolerance=1e-3).settle(landscape)
    force = problem.cost.quadratic * settled.states + problem.cost.linear
    respond = [least(lambda n=n: LinearResponse(tolerance=1e-30, max_sweeps=n).respond(landscape, settled, force),
                     repeats) for n in (2, 8)]  # fmt: skip
    figures = {
        "free_sweep_over_sgemm": (settle[1] - settle[0]) / 10 / gemm,
        "response_sweep_over_sgemm": (respond[1] - respond[0]) / 6 / gemm,
        "sgemm_seconds": gemm,
    }
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    large = decoder_case(options.run, 256)
    couplings = landscape.couplings
    twice = case(couplings, landscape.role, large.inputs.astype(np.float32), large.images.astype(np.float32))
    ep_gradient(twice, *fast(1e-3, 1e-2))
    figures["peak_memory_GiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    targets = {"free_sweep_over_sgemm": 1.3, "response_sweep_over_sgemm": 1.3, "peak_memory_GiB": 2.0}
    extra = {"run": options.run.name, "batch": BATCH, "peak_memory_GiB_before_batch_256": before}
    name = f"sweep-cost-{options.run.name}"
    result = report(name, figures, targets, seed=0, quick=options.quick, extra=extra)
    print(json.dumps(result if options.json else figures))


if __name__ == "__main__":
    main()
