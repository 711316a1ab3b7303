"""Our settling beside other solvers at the same rest points: torchdeq, optimistix, scipy, PyTorch.

    python benchmarks/solvers.py RUN [RUN ...] --peers PYTHON [--quick] [--json]

RUN: trained Hopfield VAEs. PYTHON: an interpreter with torch, torchdeq, optimistix and jax, such as
`python -m venv peers && peers/bin/pip install torchdeq optimistix "jax[cpu]"`. Each solver is asked for the rest points
of one batch of the decoder in float32, from state zero, to max |grad E| < 1e-3 (`benchmarks/peers/rest_points.py`), on
one thread. Of what it returns: which share of the samples meets that, which share lies where ours do, and the cosine of
the batch's EP gradient, taken at its states by our linear response, to the converged one of our minima. Times are of
the processor, over ours in the same run; each solver gets as many steps as its gradient needs for 0.99, or 1,000.

None of the libraries is made for this: torchdeq and optimistix differentiate through what they solve, on any function
and on GPUs; scipy minimises any function; none stops samples one by one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness
import numpy as np
from settling_cases import Case, cosine, decoder_case, ep_gradient, exact

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.neurons import Linear
from crossbar.hopfield.settling import Settled, outcomes
from hvae.learning.nudging import LinearResponseNudging

SOLVERS = (
    "PyTorch, Euler", "torchdeq, fixed point", "torchdeq, Anderson", "torchdeq, Broyden", "optimistix, nonlinear CG",
    "optimistix, L-BFGS", "scipy, L-BFGS-B",
)  # fmt: skip
"""Those of benchmarks/peers/rest_points.py."""

TOLERANCE = 1e-3
STEPS = (30, 100, 300, 1000)
ENOUGH = 0.99
SAME = 0.05  # of the largest difference of a state
NUDGING = LinearResponseNudging(solver=LinearResponse(tolerance=1e-3, max_sweeps=500))


class Given:
    """A solver that has found its states already."""

    def __init__(self, states: np.ndarray) -> None:
        self.states = states

    def settle(self, landscape, start=None) -> Settled:
        """Return the states, as settled as they are."""
        del start
        pull = landscape.pull(self.states)
        residual = np.abs(landscape.gradient(self.states, pull)).max(1)
        return Settled(
            states=self.states, pull=pull, residual=residual, sweeps=np.zeros(len(self.states), int),
            outcome=outcomes(residual, TOLERANCE),
        )  # fmt: skip


def problem_of(case: Case) -> dict[str, np.ndarray]:
    """Return the decoder's problem as arrays; its free neurons are sigmoids of one gain, or linear."""
    role, landscape = case.landscape.role, case.landscape
    free = np.eye(role.n_free, dtype=np.float32)
    weights = landscape.product(free.astype(landscape.drive.dtype)).astype(np.float32)
    sigmoid, gains = np.zeros(role.n_free, bool), set()
    for law, run in landscape.neurons.runs:
        sigmoid[run] = law.name != Linear.name
        gains |= set() if law.name == Linear.name else {law.gain}
    (gain,) = gains
    return {"weights": weights, "drive": landscape.drive.astype(np.float32), "sigmoid": sigmoid,
            "gain": np.array(gain), "tolerance": np.array(TOLERANCE), "time_step": np.array(0.3)}  # fmt: skip


def asked(python: str, problem: dict, name: str, most: int, folder: Path) -> tuple[np.ndarray, float, str]:
    """Return what a peer finds in at most so many steps."""
    np.savez(folder / "problem.npz", **problem, most=np.array(most))
    peer = Path(__file__).parent / "peers" / "rest_points.py"
    command = [python, str(peer), str(folder / "problem.npz"), name, str(folder / "found.npz")]
    subprocess.run(command, capture_output=True, text=True, check=True)
    found = np.load(folder / "found.npz", allow_pickle=False)
    return found["states"], float(found["seconds"]), str(found["whose"])


def judged(states: np.ndarray, case: Case, ours: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Return how good rest points are."""
    held = Given(states.astype(np.float64))
    residual = held.settle(case.landscape).residual
    found, _, _ = ep_gradient(case, held, NUDGING)
    return {
        "settled": float((residual < TOLERANCE).mean()), "same": float((np.abs(states - ours).max(1) < SAME).mean()),
        "cosine": cosine(found, reference),
    }  # fmt: skip


def compared(run: Path, python: str | None, names: list[str], steps: tuple[int, ...], folder: Path, tell) -> list[dict]:
    """Return a row for our solver and one for every peer."""
    case = decoder_case(run)
    single, problem = case.as_type(np.float32), problem_of(case)
    reference, _, _ = ep_gradient(case, *exact())
    solver = ConjugateGradient(tolerance=TOLERANCE, max_sweeps=500)
    solver.settle(single.landscape)
    began = time.process_time()
    settled = solver.settle(single.landscape)
    mine = time.process_time() - began
    row = {"run": run.name, "solver": "hopbar", "seconds": mine, "times": 1.0, "sweeps": float(settled.sweeps.mean())}
    rows = [row | judged(settled.states, case, settled.states, reference)]
    tell(rows[-1])
    for name in names if python else ():
        best: dict = {}
        for most in steps:
            try:
                states, seconds, whose = asked(python, problem, name, most, folder)
            except subprocess.CalledProcessError as error:
                best = {"run": run.name, "solver": name, "failed": error.stderr.strip().splitlines()[-1][:200]}
                break
            row = {"run": run.name, "solver": name, "whose": whose, "most": most, "seconds": seconds,
                   "times": seconds / mine} | judged(states, case, settled.states, reference)  # fmt: skip
            if not best or row["cosine"] > best["cosine"] + 1e-3:
                best = row
            if best["cosine"] >= ENOUGH:
                break
        rows.append(best)
        tell(best)
    return rows


def main() -> None:
    """Compare, print, and keep the result."""
    options = harness.parser(__doc__, of_a_run=False)
    options.add_argument("runs", type=Path, nargs="*", help="run folders of trained Hopfield VAEs")
    options.add_argument("--peers", metavar="PYTHON", help="an interpreter that has the peers' libraries")
    options.add_argument("--only", nargs="+", choices=list(SOLVERS), metavar="SOLVER")
    chosen = options.parse_args()
    if not chosen.runs and not chosen.quick:
        options.error("name at least one RUN; only --quick makes a small one")
    python, names = chosen.peers, chosen.only or list(SOLVERS)
    if chosen.quick:  # what needs no library of its own
        python, names = python or sys.executable, chosen.only or ["scipy, L-BFGS-B"]

    def tell(row: dict) -> None:
        if not chosen.json:
            print(json.dumps(row), flush=True)

    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as held:
        runs = chosen.runs or [harness.small_run(Path(held) / "quick")]
        for run in runs:
            rows += compared(run, python, names, STEPS[:2] if chosen.quick else STEPS, Path(held), tell)
            figures = {f"{row['run']}, {row['solver']}": row["times"] for row in rows if "times" in row}
            found = harness.report(
                "peers", figures, {}, seed=0, quick=chosen.quick,
                notes="processor time over ours, free phase of one batch of 128 to 1e-3", extra={"rows": rows},
            )  # fmt: skip
    if chosen.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
