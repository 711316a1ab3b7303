"""Centred signals and a rate for the latents: a positive definite matrix on the gradient, and what it is for."""

import numpy as np
import pytest
from analytic_systems import small_vae

from crossbar.errors import InvalidValue
from hvae.learning.equilibrium import Contrast, gradient
from hvae.learning.preconditioning import PLAIN, Preconditioner, centred


@pytest.fixture
def case(rng):
    learner = small_vae("tdh-vae", latent_neuron="linear")
    parameters = learner.init(rng, np.float64)
    _, nudged = learner.phases(parameters, rng.uniform(-1, 1, size=(6, 10)), rng.normal(size=(6, learner.latent)))
    return learner.vae.networks["tied"], nudged.contrasts["tied"]


def test_plain_is_the_gradient(case):
    network, contrasts = case
    made = PLAIN.gradient(network, contrasts, np.float64)
    np.testing.assert_array_equal(made, gradient(network, contrasts, np.float64))


def test_centring_takes_its_share_of_the_mean_and_nothing_else(case):
    _, contrasts = case
    signals = contrasts[0].mean
    direction = signals.mean(axis=0) / np.linalg.norm(signals.mean(axis=0))
    made = centred(contrasts[0], 0.9).mean
    np.testing.assert_allclose(made @ direction, 0.1 * (signals @ direction), rtol=1e-12)
    across = np.eye(len(direction)) - np.outer(direction, direction)
    np.testing.assert_allclose(made @ across, signals @ across, atol=1e-12)


def test_a_step_still_goes_down(case):
    """The change of one role's loss along the step, <gradient, preconditioned gradient>, is positive: P is definite."""
    network, contrasts = case
    for one in contrasts:
        plain = gradient(network, [one], np.float64)
        for preconditioner in (Preconditioner(centring=0.97), Preconditioner(latent_rate=0.1)):
            made = preconditioner.gradient(network, [one], np.float64)
            assert (plain * made).sum() > 0
            np.testing.assert_allclose(made, made.T, rtol=1e-12)
            assert not made[~network.mask()].any()


def test_it_takes_the_largest_eigenvalue_down(rng):
    """What it is for: signals near 1/2 make S S^T stiff along their mean."""
    signals = 0.5 + 0.05 * rng.normal(size=(200, 30))
    role = small_vae("tdh-vae").vae.encode_role
    made = centred(Contrast(role=role, difference=signals, mean=signals), 0.97).mean
    before, after = (np.linalg.eigvalsh(some.T @ some)[-1] for some in (signals, made))
    assert after < before / 100


def test_latents_have_their_own_rate(case):
    network, contrasts = case
    plain, made = (one.gradient(network, contrasts, np.float64) for one in (PLAIN, Preconditioner(latent_rate=0.1)))
    latents = network.block("latent")
    np.testing.assert_allclose(made[latents], 0.1 * plain[latents])
    np.testing.assert_allclose(made[:, latents], 0.1 * plain[:, latents])
    rest = slice(0, latents.start)
    np.testing.assert_array_equal(made[rest, rest], plain[rest, rest])


@pytest.mark.parametrize("values", [{"centring": 1.0}, {"centring": -0.1}, {"latent_rate": 0.0}])
def test_shares_and_rates_that_mean_nothing_are_refused(values):
    with pytest.raises(InvalidValue, match=f"`{next(iter(values))}`"):
        Preconditioner(**values)
