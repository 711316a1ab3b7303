"""Steps that teach more than plain gradient descent: centred signals, and a rate of their own for the latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.numerics import checks
from hvae.learning.equilibrium import Contrast, gradient


@dataclass(frozen=True, kw_only=True)
class Preconditioner:
    """What makes a step out of the contrasts of a batch: their gradient, times a positive definite matrix.

    Attributes
    ----------
    centring : float
        Share c, in [0, 1), by which S is damped along its batch mean: S' = S - c (S.m) m, with m that mean, normalised.
        As sigmoids give about 1/2, S S^T has one eigenvalue far above all others, along m: it bounds the learning rate
        and teaches little but that mean. On a chip m is one number a neuron, and S.m one a sample.
    latent_rate : float
        Factor on the gradient by the weights of latent neurons: linear ones have slope 1, where others have at most
        gain / 4 and mostly less.

    Raises
    ------
    InvalidValue
        A share outside [0, 1), a rate that is not positive.

    References
    ----------
    Montavon and Mueller, Neural Networks: Tricks of the Trade, LNCS 7700, 621 (2012),
    doi:10.1007/978-3-642-35289-8_33, centre the units of Boltzmann machines. We depart from them: the mean is of the
    batch, of all neurons at once, and damped, which needs no biases.
    """

    centring: float = 0.0
    latent_rate: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.centring < 1:
            raise InvalidValue(f"`centring` must be in [0, 1), but got {self.centring}")
        checks.positive("latent_rate", self.latent_rate)

    def gradient(self, network: Network, contrasts: Sequence[Contrast], dtype: type) -> np.ndarray:
        """Return the preconditioned dL/dW (N, N) of `hvae.learning.equilibrium.gradient`, symmetric as that one."""
        found = gradient(network, [centred(one, self.centring) for one in contrasts], dtype)
        if self.latent_rate != 1:
            latents = network.block("latent")
            found[latents] *= dtype(self.latent_rate)
            found[:, latents] = found[latents].T
        return found


PLAIN = Preconditioner()
"""The gradient itself."""


def centred(contrast: Contrast, strength: float) -> Contrast:
    """Return `contrast` with S' = S - strength (S.m) m in place of S, see `Preconditioner`."""
    if not strength:
        return contrast
    mean = contrast.mean
    direction = mean.mean(axis=0)
    direction /= np.linalg.norm(direction)
    along = mean.dtype.type(strength) * (mean @ direction)
    return replace(contrast, mean=mean - np.outer(along, direction))
