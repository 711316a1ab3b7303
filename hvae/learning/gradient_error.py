"""How far a run's tolerances leave its gradient from the exact one.

A gradient by eq. (5) errs where the solvers stop early, in float32, and where long contrasts are shortened. What that
comes to is measured here: the same batch is settled on to rest, in float64, and both gradients are compared.

A bound of every batch, near the true error and cheap, is `hvae.learning.gradient_bound`. One by residual / lambda_min
says nothing: on a trained network it is hundreds of times the true error, since the errors of single samples mostly
cancel in a batch, and such a bound has to add them up (benchmarks/gradient_error.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.linear_response import LinearResponse
from hvae.learning.equilibrium import Contrast, NudgedPhases, gradient
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.learning.nudging import LinearResponseNudging
from hvae.models.hopfield import Parameters

_SOLVER = ConjugateGradient(tolerance=1e-8, max_sweeps=3000)
_NUDGING = LinearResponseNudging(solver=LinearResponse(tolerance=1e-6, max_sweeps=1000))


@dataclass(frozen=True, kw_only=True)
class GradientError:
    """A batch's gradient beside the exact one.

    Attributes
    ----------
    relative : float
        |G - G*| / |G*|, over all weights; NaN where there is no G*.
    cosine : float
        Of G and G*; NaN where there is no G*, or one of them is zero.
    samples : int
        Those whose exact gradient was found; the others (no rest in 3,000 sweeps, or a saddle) are left out of both.
    """

    relative: float
    cosine: float
    samples: int


def gradient_error(
    learner: EquilibriumPropagation, parameters: Parameters, images: np.ndarray, noise: np.ndarray
) -> GradientError:
    """Return how far the gradient of `learner` is from the exact one on `images` (batch, pixels) with `noise` of z.

    Not converging is a result: see `GradientError.samples`. Neither is preconditioned, and a penalty on soft samples
    (`training.conditioning`) is in neither.
    """
    own, nudged, wanted, rows = _both(learner, parameters, images, noise)
    if not len(rows):
        return GradientError(relative=np.nan, cosine=np.nan, samples=0)
    found, right = (_flat(own, phases, rows) for phases in (nudged, wanted))
    sizes = [float(np.linalg.norm(one)) for one in (found, right)]
    if not all(sizes):
        return GradientError(relative=np.nan, cosine=np.nan, samples=len(rows))
    return GradientError(
        relative=float(np.linalg.norm(found - right)) / sizes[1],
        cosine=float(found @ right) / (sizes[0] * sizes[1]), samples=len(rows),
    )  # fmt: skip


def samples_gradients(
    learner: EquilibriumPropagation, parameters: Parameters, images: np.ndarray, noise: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the gradient and the exact one, each a long vector, of every sample that has an exact one."""
    own, nudged, wanted, rows = _both(learner, parameters, images, noise)
    for row in rows:
        one = np.array([row])
        yield _flat(own, nudged, one), _flat(own, wanted, one)


def _both(
    learner: EquilibriumPropagation, parameters: Parameters, images: np.ndarray, noise: np.ndarray
) -> tuple[EquilibriumPropagation, NudgedPhases, NudgedPhases, np.ndarray]:
    """Return the learner without penalties, its nudged phases, the exact ones, and which samples have exact ones."""
    own = replace(learner, vae=learner.trained(parameters), conditioning=None, bound=None)
    exact = replace(own, solver=_SOLVER, nudging=_NUDGING, norm_limit=np.inf)
    _, nudged = own.phases(parameters, images, noise)
    truth = {name: array.astype(np.float64) for name, array in parameters.items()}
    free, wanted = exact.phases(truth, images.astype(np.float64), noise.astype(np.float64))
    failed = wanted.encoder.failed | wanted.decoder.failed
    return own, nudged, wanted, np.flatnonzero(free.encoder.settled & free.decoder.settled & ~failed)


def _flat(learner: EquilibriumPropagation, phases: NudgedPhases, rows: np.ndarray) -> np.ndarray:
    """Return the gradient of the samples `rows` by all weights, one long float64 vector."""
    parts = []
    for name, network in learner.vae.networks.items():
        some = [
            Contrast(role=one.role, difference=one.difference[rows], mean=one.mean[rows])
            for one in phases.contrasts[name]
        ]
        whole = gradient(network, some, np.float64)
        parts.append((whole if learner.links is None else whole * learner.links[name]).ravel())
    return np.concatenate(parts)
