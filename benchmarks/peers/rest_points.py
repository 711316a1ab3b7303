"""Other solvers at the free phase of a trained decoder, in an interpreter that has them.

    python benchmarks/peers/rest_points.py PROBLEM.npz SOLVER FOUND.npz

PROBLEM.npz (written by benchmarks/solvers.py) holds float32 `weights` (n, n) among the free neurons, `drive` (batch,
n), `sigmoid` (n,) of bool, the others being linear, `gain`, `tolerance` of max |grad E|, `time_step` and `most`, the
steps or iterations that a solver may take. Writes the `states`, float32, `seconds` of a processor (compilation apart)
and the name and version of the library. Each solver runs as its library offers it, on one thread, until its own
criterion, set to the tolerance as nearly as it can be, or `most` holds it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import numpy as np


def by_torch(problem, solve: Callable) -> tuple[np.ndarray, float]:
    """Return the states that `solve(step, start)` finds, `step` one step of eq. (3), and the time it took."""
    import torch

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    weights, drive, curved = (torch.from_numpy(problem[name]) for name in ("weights", "drive", "sigmoid"))
    gain, dt = float(problem["gain"]), float(problem["time_step"])

    def force(states):
        signals = torch.where(curved, torch.sigmoid(gain * states), states)
        slopes = torch.where(curved, gain * signals * (1 - signals), 1.0)
        return states - slopes * (signals @ weights + drive)

    start = torch.zeros_like(drive)
    force(start)
    began = time.process_time()
    found = solve(lambda states: states - dt * force(states), start)
    return found.numpy(), time.process_time() - began


def euler(problem) -> tuple[np.ndarray, float, str]:
    """Return the end of steps of eq. (3) in plain PyTorch, taken until every sample has settled."""
    import torch

    tolerance = float(problem["tolerance"]) * float(problem["time_step"])

    def solve(step, states):
        for _ in range(int(problem["most"])):
            after = step(states)
            moved, states = (after - states).abs().max(), after
            if moved < tolerance:
                break
        return states

    return *by_torch(problem, solve), f"torch {torch.__version__}"


def torchdeq(problem, name: str) -> tuple[np.ndarray, float, str]:
    """Return what a solver of torchdeq finds; it stops by the norm of all samples together."""
    import torchdeq.solver as solvers

    size = problem["drive"].size
    every = float(problem["tolerance"]) * float(problem["time_step"]) * size**0.5 / 10  # rms a tenth of the tolerance
    way = {"fixed-point": "fixed_point_iter", "anderson": "anderson", "broyden": "broyden"}[name]
    solver = solvers.get_solver(way)

    most = int(problem["most"])
    kept = {"LBFGS_thres": min(most, 100)} if name == "broyden" else {}  # updates that it keeps: memory

    def solve(step, start):
        return solver(step, start, max_iter=most, tol=every, stop_mode="abs", **kept)[0]

    return *by_torch(problem, solve), f"torchdeq {version('torchdeq')}"


def scipy(problem) -> tuple[np.ndarray, float, str]:
    """Return what L-BFGS-B finds on the energy of the whole batch; its criterion is max |grad E| itself."""
    from scipy.optimize import minimize

    weights, drive, curved = problem["weights"], problem["drive"], problem["sigmoid"]
    gain = np.float32(problem["gain"])

    def energy(flat):
        states = flat.reshape(drive.shape).astype(np.float32)
        signals = np.where(curved, 1 / (1 + np.exp(-gain * states)), states)
        slopes = np.where(curved, gain * signals * (1 - signals), np.float32(1))
        pull = signals @ weights + drive
        value = 0.5 * (states * states).sum(dtype=np.float64) - 0.5 * (signals * (pull + drive)).sum(dtype=np.float64)
        return value, (states - slopes * pull).ravel().astype(np.float64)

    start = np.zeros(drive.size)
    energy(start)
    began = time.process_time()
    limits = {"maxiter": int(problem["most"]), "maxfun": 10 * int(problem["most"]), "gtol": float(problem["tolerance"])}
    found = minimize(energy, start, jac=True, method="L-BFGS-B", options={**limits, "ftol": 0.0, "maxcor": 10})
    return found.x.reshape(drive.shape).astype(np.float32), time.process_time() - began, f"scipy {version('scipy')}"


def optimistix(problem, name: str) -> tuple[np.ndarray, float, str]:
    """Return what a minimiser of optimistix finds, one problem a sample (vmap), compiled before the clock starts."""
    import jax
    import jax.numpy as jnp
    import optimistix as optx

    weights, curved = jnp.asarray(problem["weights"]), jnp.asarray(problem["sigmoid"])
    gain, tolerance = float(problem["gain"]), float(problem["tolerance"])

    def energy(states, drive):
        signals = jnp.where(curved, jax.nn.sigmoid(gain * states), states)
        return 0.5 * states @ states - 0.5 * signals @ (weights @ signals) - drive @ signals

    makers = {"nonlinear-cg": optx.NonlinearCG, "lbfgs": optx.LBFGS}
    solver = makers[name](rtol=tolerance, atol=tolerance)

    def one(drive):
        start = jnp.zeros_like(drive)
        return optx.minimise(energy, solver, start, args=drive, max_steps=int(problem["most"]), throw=False).value

    drives = jnp.asarray(problem["drive"])
    compiled = jax.jit(jax.vmap(one)).lower(drives).compile()
    began = time.process_time()
    found = np.asarray(jax.block_until_ready(compiled(drives)))
    return found, time.process_time() - began, f"optimistix {version('optimistix')}, jax {version('jax')}"


SOLVERS: dict[str, Callable] = {
    "PyTorch, Euler": euler,
    "torchdeq, fixed point": lambda problem: torchdeq(problem, "fixed-point"),
    "torchdeq, Anderson": lambda problem: torchdeq(problem, "anderson"),
    "torchdeq, Broyden": lambda problem: torchdeq(problem, "broyden"),
    "optimistix, nonlinear CG": lambda problem: optimistix(problem, "nonlinear-cg"),
    "optimistix, L-BFGS": lambda problem: optimistix(problem, "lbfgs"),
    "scipy, L-BFGS-B": scipy,
}
"""By name: what solves a problem, and returns states, processor seconds and whose work it is."""


def main() -> None:
    """Solve, and keep what was found."""
    problem = dict(np.load(sys.argv[1], allow_pickle=False))
    states, seconds, whose = SOLVERS[sys.argv[2]](problem)
    np.savez(sys.argv[3], states=states, seconds=seconds, whose=whose)


if __name__ == "__main__":
    main()
