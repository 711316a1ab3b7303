"""Steps that teach more than plain gradient descent: centred signals, and a rate of their own for the latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.numerics import checks
from crossbar.numerics.symmetry import add_transpose
from hvae.learning.equilibrium import Contrast, gradient


@dataclass(frozen=True, kw_only=True)
class Preconditioner:
    """What makes a step out of the contrasts of a batch: their gradient, times a positive definite matrix.

    Attributes
    ----------
    centring : float
        Share c, in [0, 1), by which the gradient is damped along m, the batch mean of S, normalised. As sigmoids give
        about 1/2, S S^T has one eigenvalue far above all others, along m: it bounds the learning rate and teaches
        little but that mean. A step X solves (C X + X C) / 2 = G with C = I + c / (1 - c) m m^T: what G has across m
        stays, what couples m with the rest is taken 2 (1 - c) / (2 - c) times, m with itself 1 - c times. On a chip m
        is one number a neuron.
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
    batch, of all neurons at once, and damped, which needs no biases. Damping S alone, R^T S' + S'^T R, is no descent:
    Fashion-MNIST diverged with it at any rate that we tried.
    """

    centring: float = 0.0
    latent_rate: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.centring < 1:
            raise InvalidValue(f"`centring` must be in [0, 1), but got {self.centring}")
        checks.positive("latent_rate", self.latent_rate)

    def gradient(
        self, network: Network, contrasts: Sequence[Contrast], dtype: type, links: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the preconditioned dL/dW (N, N) of `hvae.learning.equilibrium.gradient`, symmetric as that one.

        Each role's contrast is centred by its own mean. Entries without a weight are zero, as in the gradient; `links`,
        where given, are the only ones with a weight, boolean (N, N).
        """
        if not self.centring:
            found = gradient(network, contrasts, dtype)
        else:
            found = np.sum([centred(network, one, self.centring, dtype, links) for one in contrasts], axis=0)
        if links is not None:
            found = found * links
        if self.latent_rate != 1:
            latents = network.block("latent")
            found[latents] *= dtype(self.latent_rate)
            found[:, latents] = found[latents].T
        return found


PLAIN = Preconditioner()
"""The gradient itself."""


def centred(
    network: Network, contrast: Contrast, share: float, dtype: type, links: np.ndarray | None = None
) -> np.ndarray:
    """Return the gradient (N, N) of one `contrast`, damped along its batch mean, see `Preconditioner`.

    Where the network does not couple, and on the diagonal, it is zero.
    """
    found = gradient(network, [contrast], dtype)
    if links is not None:
        found *= links
    mean = contrast.mean.mean(axis=0)
    mean /= np.linalg.norm(mean)
    along = found @ mean
    alone = mean @ along
    with_rest, with_itself = 2 * (1 - share) / (2 - share), 1 - share
    half = dtype(1 - with_rest) * (along - alone * mean) + dtype((1 - with_itself) / 2) * alone * mean
    change = np.outer(half, mean)
    add_transpose(change)  # symmetric to the last bit, as one device holds w_ij and w_ji
    found -= change
    for name in network.names:
        for other in network.names:
            if not network.couples(name, other):
                found[network.block(name), network.block(other)] = 0
    np.fill_diagonal(found, 0)
    return found
