"""How stiff a trained network is: the smallest eigenvalue of the energy's Hessian at its equilibria."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from crossbar.errors import DivergedError
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.models.hopfield import Parameters


def smallest_eigenvalues(learner: EquilibriumPropagation, parameters: Parameters, images: np.ndarray) -> np.ndarray:
    """Return lambda_min (batch,) of the decoder's Hessian, at the equilibria of the latents' means of `images`.

    By Lanczos' method in float64 (`scipy.sparse.linalg.eigsh`, relative accuracy 1e-2; of one so near zero that this
    is not reached, to 1e-3). A chip settles in about
    1 / lambda_min time constants; a negative value marks a saddle.

    Raises
    ------
    DivergedError
        The equilibria are not finite.
    """
    vae = learner.vae
    encoded = learner.settle_encoder(parameters, images.astype(parameters[vae.encoder].dtype))
    mean, _ = vae.read_latents(encoded.states)  # in units of the states, whatever z is
    _refuse_what_is_not_finite(mean)
    weights = parameters[vae.decoder].astype(np.float64)
    couplings = IdealWeights(vae.networks[vae.decoder], weights)
    landscape = Landscape.clamp(couplings, vae.decode_role, mean.astype(np.float64))
    settled = learner.solver.settle(landscape)
    _refuse_what_is_not_finite(settled.states)
    return np.array([_smallest(landscape.select(np.array([row])), settled.states[[row]]) for row in range(len(images))])


def _refuse_what_is_not_finite(states: np.ndarray) -> None:
    if not np.isfinite(states).all():
        raise DivergedError("equilibria are not finite, as where a learning rate was too high")


def _smallest(landscape: Landscape, states: np.ndarray) -> float:
    pull = landscape.pull(states)

    def product(vector: np.ndarray) -> np.ndarray:
        return landscape.hessian_product(states, vector.reshape(1, -1), pull).ravel()

    return lowest_eigenvalue(product, states.shape[1])


def lowest_eigenvalue(product: Callable[[np.ndarray], np.ndarray], size: int) -> float:
    """Return the smallest eigenvalue of the symmetric matrix of `product`: to 1e-2 of it, or to 1e-3 near zero."""
    try:
        return _lowest(product, size, tolerance=1e-2)
    except ArpackNoConvergence:  # a hundredth of an eigenvalue that is nearly zero is not to be had
        return _lowest(lambda vector: product(vector) + vector, size, tolerance=1e-3) - 1


def _lowest(product: Callable[[np.ndarray], np.ndarray], size: int, tolerance: float) -> float:
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    found = eigsh(operator, k=1, which="SA", tol=tolerance, v0=np.ones(size), return_eigenvectors=False)
    return float(found[0])
