"""Small systems with known answers, shared by the tests."""

import numpy as np

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.network import Network
from hvae.config.run import ModelConfig
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.learning.nudging import LinearResponseNudging
from hvae.models.hopfield import build

EXACT = ConjugateGradient(tolerance=1e-12, max_sweeps=2000)


def random_network(rng, sizes=(6, 14, 10), topology="dense", strength=1.0):
    """A network of 30 neurons with symmetric weights of standard deviation strength / sqrt(N)."""
    network = Network(tuple(zip(("latent", "hidden", "pixels"), sizes, strict=True)), topology)
    weights = np.triu(rng.normal(size=(network.size,) * 2) * strength / np.sqrt(network.size) * network.mask())
    return IdealWeights(network, weights + weights.T)


def random_landscape(rng, batch=3, **options):
    """The landscape of a random network with its latent block clamped."""
    couplings = random_network(rng, **options)
    role = couplings.network.role(["latent"])
    return Landscape.clamp(couplings, role, rng.normal(size=(batch, role.n_clamped)))


def small_vae(name, pixels=10, hidden=14, latent=3, **neurons):
    """A learner of 30 neurons in float64, settled to rounding; `neurons` are those of the model's configuration."""
    config = ModelConfig(name=name, hidden=hidden, latent=latent, sigma=0.5 if name == "tdh-vae" else None, **neurons)
    nudging = LinearResponseNudging(solver=LinearResponse(tolerance=1e-13, max_sweeps=500))
    return EquilibriumPropagation(
        vae=build(config, pixels), solver=EXACT, nudging=nudging, beta_kl=0.7, norm_limit=np.inf
    )
