"""What the benchmarks of settling share: a trained decoder with a batch of latents, and its EP gradient."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape, Nudge
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.network import Role
from crossbar.hopfield.settling import Euler, Solver
from hvae.learning import costs
from hvae.learning.equilibrium import Contrast, gradient
from hvae.learning.nudging import FiniteNudging, LinearResponseNudging, Nudging, Refinement
from hvae.runs import images, loading

BATCH = 128


@dataclass(frozen=True)
class Case:
    """A decoder with a batch of latents, and the images they should become."""

    landscape: Landscape
    inputs: np.ndarray
    images: np.ndarray
    cost: Nudge

    def as_type(self, dtype: type) -> Case:
        """Return the same problem in another precision."""
        couplings = IdealWeights(self.landscape.couplings.network, self.landscape.couplings.matrix().astype(dtype))
        return case(
            couplings, self.landscape.role, self.inputs.astype(dtype), self.images.astype(dtype)
        )


def case(couplings: IdealWeights, role: Role, inputs: np.ndarray, pictures: np.ndarray) -> Case:
    """Return the decoder's problem for given latents and images."""
    landscape = Landscape.clamp(couplings, role, inputs)
    return Case(landscape, inputs, pictures, costs.decoder_cost(role, pictures))


def decoder_case(run: Path, batch: int = BATCH) -> Case:
    """Encode validation images to a tight tolerance, sample z, and return the decoder's problem in float64."""
    trained = loading.load(run)
    vae = trained.learner.vae
    pictures = images.load(trained.config.data).validation_images[:batch].astype(np.float32)
    encoder = replace(trained.learner, solver=ConjugateGradient(tolerance=1e-4, max_sweeps=2000))
    mean, log_variance = encoder.encode(trained.parameters, pictures)
    noise = np.random.default_rng(0).standard_normal(mean.shape)
    latents = (mean + noise * np.exp(log_variance / 2)).astype(np.float64)
    couplings = IdealWeights(vae.networks[vae.decoder], trained.parameters[vae.decoder].astype(np.float64))
    return case(couplings, vae.decode_role, latents, pictures.astype(np.float64))


def ep_gradient(problem: Case, solver: Solver, nudging: Nudging) -> tuple[np.ndarray, float, dict[str, int]]:
    """Return the batch gradient, the mean sweeps an example, and how many samples failed."""
    landscape = problem.landscape
    free = solver.settle(landscape)
    nudged = nudging.contrast(landscape, free, problem.cost)
    mean = landscape.role.join(nudged.mean, landscape.role.held_neurons.signals(problem.inputs))
    contrast = Contrast(role=landscape.role, difference=nudged.difference, mean=mean)
    found = gradient(landscape.role.network, [contrast], problem.inputs.dtype.type)
    sweeps = float(free.sweeps.mean() + nudged.sweeps.mean())
    return found, sweeps, {"unsettled": int((~free.settled).sum()), "failed": int(nudged.failed.sum())}


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the cosine of two gradients."""
    a, b = a.astype(np.float64).ravel(), b.ravel()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def fast(tolerance: float, response: float) -> tuple[ConjugateGradient, Nudging]:
    """Return our solver and nudging at given tolerances."""
    return ConjugateGradient(tolerance=tolerance), LinearResponseNudging(solver=LinearResponse(tolerance=response))


def refined(tolerance: float, response: float, above: float) -> tuple[ConjugateGradient, Nudging]:
    """Return the same, with contrasts longer than `above` medians found again, as `nudging.refine_above` does."""
    closer = Refinement(
        above=above,
        settler=ConjugateGradient(tolerance=max(tolerance / 100, 2e-5)),
        solver=LinearResponse(tolerance=response / 30),
    )
    nudging = LinearResponseNudging(solver=LinearResponse(tolerance=response), refinement=closer)
    return ConjugateGradient(tolerance=tolerance), nudging


def exact() -> tuple[ConjugateGradient, Nudging]:
    """Return what the reference is made with, in float64."""
    nudging = LinearResponseNudging(solver=LinearResponse(tolerance=1e-8, max_sweeps=2000))
    return ConjugateGradient(tolerance=1e-9, max_sweeps=3000), nudging


def euler(time_step: float, free: int, nudged: int, beta: float = 0.05) -> tuple[Euler, Nudging]:
    """Return the paper's scheme with given numbers of steps, centred."""
    solver = Euler(time_step=time_step, max_sweeps=nudged)
    return Euler(time_step=time_step, max_sweeps=free), FiniteNudging(signs=(1, -1), beta=beta, solver=solver)


def measured(problem: Case, solver: Solver, nudging: Nudging, reference: np.ndarray) -> dict[str, float]:
    """Return sweeps, cosine to the `reference` gradient, and seconds of processor time (of one thread, so told)."""
    start = time.process_time()
    found, sweeps, ending = ep_gradient(problem, solver, nudging)
    seconds = time.process_time() - start
    return {"sweeps": sweeps, "cosine": cosine(found, reference), "cpu_seconds": seconds, **ending}
