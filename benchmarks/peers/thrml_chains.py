"""Gibbs chains of a restricted Boltzmann machine by thrml, in an interpreter that has it.

    python benchmarks/peers/thrml_chains.py PROBLEM.npz FOUND.npz

PROBLEM.npz holds `weights` (units, pixels) of a machine whose units and pixels are 0 or 1, without biases, the `batch`
of chains and their `steps`. Writes `seconds` of a processor (compilation apart), the `mean` of each pixel at the end of
the chains, and the `version`. In thrml's spins, v = (1 + s) / 2: couplings are w / 4, biases the sums of those.
"""

from __future__ import annotations

import os
import sys
import time
from importlib.metadata import version

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy as np
from thrml import Block, SamplingSchedule, SpinNode, sample_states
from thrml.models import IsingEBM, IsingSamplingProgram, hinton_init


def main(problem_path: str, found_path: str) -> None:
    """Draw twice, time the second."""
    problem = np.load(problem_path)
    weights, batch, steps = problem["weights"], int(problem["batch"]), int(problem["steps"])
    units, pixels = weights.shape
    hidden, visible = [SpinNode() for _ in range(units)], [SpinNode() for _ in range(pixels)]
    edges = [(one, other) for one in hidden for other in visible]
    biases = np.concatenate([weights.sum(1), weights.sum(0)]) / 4
    model = IsingEBM(
        [*hidden, *visible], edges, jnp.asarray(biases), jnp.asarray(weights.reshape(-1) / 4), jnp.array(1.0)
    )
    blocks = [Block(hidden), Block(visible)]
    program = IsingSamplingProgram(model, blocks, clamped_blocks=[])
    schedule = SamplingSchedule(n_warmup=steps, n_samples=1, steps_per_sample=1)

    def chain(key, start):
        return sample_states(key, program, schedule, start, [], [Block(visible)])[0]

    chains = jax.jit(jax.vmap(chain))
    start = hinton_init(jax.random.key(0), model, blocks, (batch,))
    seconds, drawn = 0.0, None
    for key in (1, 2):
        begun = time.process_time()
        drawn = jax.block_until_ready(chains(jax.random.split(jax.random.key(key), batch), start))
        seconds = time.process_time() - begun
    mean = np.asarray(drawn).reshape(batch, pixels).astype(np.float64).mean(0)
    np.savez(found_path, seconds=seconds, mean=mean, version=version("thrml"))


if __name__ == "__main__":
    main(*sys.argv[1:])
