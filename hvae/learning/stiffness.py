"""How stiff a trained network is: the smallest eigenvalue of the energy's Hessian at its equilibria."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from crossbar.errors import DivergedError
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.models.hopfield import Parameters


def smallest_eigenvalues(learner: EquilibriumPropagation, parameters: Parameters, images: np.ndarray) -> np.ndarray:
    """Return lambda_min (batch,) of the decoder's Hessian, at the equilibria of the latents' means of `images`.

    By Lanczos' method in float64 (`scipy.sparse.linalg.eigsh`, relative accuracy 1e-2). A chip settles in about
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

    size = states.shape[1]
    hessian = LinearOperator((size, size), matvec=product, dtype=np.float64)
    start = np.ones(size)
    return float(eigsh(hessian, k=1, which="SA", tol=1e-2, v0=start, return_eigenvectors=False)[0])
