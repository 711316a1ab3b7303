"""Whether our solver finds the equilibria that slow Euler finds, dt 0.05 from state zero to |grad E| < 1e-6.

    OPENBLAS_NUM_THREADS=1 python benchmarks/basins.py RUN [--samples 256] [--quick] [--json]

Samples that end elsewhere are listed with both energies. Euler at dt 0.1 is compared too: where two step lengths of
one scheme disagree, the start lies on the border of two basins.
"""

from __future__ import annotations

import json

import numpy as np
from harness import parser, report
from settling_cases import decoder_case

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.settling import Euler

APART = 5e-2  # largest difference of a state beyond which two equilibria are two


def slowly(landscape: Landscape, states: np.ndarray, time_step: float, tolerance: float, rounds: int) -> np.ndarray:
    """Return where Euler's steps from `states` end; every 250 of them the samples that have settled leave."""
    states = states.astype(landscape.drive.dtype)
    left = np.arange(len(states))
    for _ in range(rounds):
        solver = Euler(time_step=time_step, max_sweeps=250, tolerance=tolerance)
        settled = solver.settle(landscape.select(left), states[left])
        states[left] = settled.states
        left = left[settled.residual >= tolerance]
        if not len(left):
            break
    return states


def main() -> None:
    """Measure, print, and keep the result."""
    asked = parser(__doc__)
    asked.add_argument("--samples", type=int, default=256)
    options = asked.parse_args()
    problem = decoder_case(options.run, 16 if options.quick else options.samples)
    landscape, single = problem.landscape, problem.as_type(np.float32).landscape
    rounds, zero = 4 if options.quick else 60, np.zeros_like(single.drive)
    other = slowly(single, zero, 0.1, 1e-5, rounds // 2)
    slow = slowly(single, zero, 0.05, 1e-5, rounds)  # float32 first, for time, then float64
    slow = slowly(landscape, slow, 0.05, 1e-6, rounds)
    ours = ConjugateGradient(tolerance=1e-4, max_sweeps=2000).settle(single).states.astype(np.float64)
    energies = {"euler": landscape.energy(slow), "ours": landscape.energy(ours)}
    apart = np.abs(slow - ours).max(axis=1)
    rows = np.flatnonzero(apart > APART)
    listed = [
        {"sample": int(i), "apart": float(apart[i]), **{f"energy_{k}": float(v[i]) for k, v in energies.items()}}
        for i in rows
    ]
    residual = np.abs(landscape.gradient(slow)).max(axis=1)
    figures = {
        "basin_agreement": 1 - len(rows) / len(apart),
        "euler_0.1_agreement": float((np.abs(slow - other).max(axis=1) <= APART).mean()),
        "ours_lower_where_different": float(np.mean([r["energy_ours"] < r["energy_euler"] for r in listed] or [0])),
    }
    extra = {"run": options.run.name, "samples": len(apart), "different": listed,
             "euler_residual": float(residual.max())}  # fmt: skip
    name = f"basins-{options.run.name}"
    result = report(name, figures, {"basin_agreement": 0.98}, seed=0, quick=options.quick, extra=extra)
    print(json.dumps(result if options.json else figures))


if __name__ == "__main__":
    main()
