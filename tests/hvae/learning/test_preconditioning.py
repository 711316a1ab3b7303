"""Centred signals and a rate for the latents: a positive definite matrix on the gradient, and what it is for."""

from dataclasses import replace

import numpy as np
import pytest
from analytic_systems import small_vae
from scipy.linalg import solve_sylvester

from crossbar.errors import InvalidValue
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.network import Network
from hvae.learning.equilibrium import Contrast, gradient
from hvae.learning.nudging import LinearResponseNudging
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


def test_a_step_solves_its_equation(case):
    """(C X + X C) / 2 = G with C = I + c / (1 - c) m m^T, before pairs without a weight are left out."""
    network, contrasts = case
    signals = contrasts[0].mean
    mean = signals.mean(axis=0) / np.linalg.norm(signals.mean(axis=0))
    plain = gradient(network, contrasts[:1], np.float64)
    matrix = np.eye(len(mean)) + 9 * np.outer(mean, mean)  # c = 0.9
    wanted = solve_sylvester(matrix / 2, matrix / 2, plain)
    found = centred(network, contrasts[0], 0.9, np.float64)
    coupled = network.mask()
    np.testing.assert_allclose(found[coupled], wanted[coupled], atol=1e-12)
    assert not found[~coupled].any()


def test_a_step_goes_down(case):
    """<gradient, step> is positive for the sum of both roles: the matrix is positive definite."""
    network, contrasts = case
    plain = gradient(network, contrasts, np.float64)
    for preconditioner in (Preconditioner(centring=0.97), Preconditioner(latent_rate=0.1)):
        made = preconditioner.gradient(network, contrasts, np.float64)
        assert (plain * made).sum() > 0
        np.testing.assert_allclose(made, made.T, rtol=1e-12)
        assert not made[~network.mask()].any()


def test_weights_stay_symmetric_to_the_last_bit(rng):
    """One device holds w_ij and w_ji; in single precision, over a few steps of both roles."""
    learner = replace(
        small_vae("tdh-vae", latent_neuron="linear"), preconditioner=Preconditioner(centring=0.99),
        solver=ConjugateGradient(tolerance=1e-3), nudging=LinearResponseNudging(solver=LinearResponse(tolerance=1e-2)),
    )  # fmt: skip
    weights = learner.init(rng, np.float32)
    for _ in range(3):
        images, noise = rng.uniform(-1, 1, (6, 10)), rng.normal(size=(6, learner.latent))
        _, gradients = learner.gradients(weights, images.astype(np.float32), noise.astype(np.float32))
        weights["tied"] -= np.float32(0.1) * gradients["tied"]
        np.testing.assert_array_equal(weights["tied"], weights["tied"].T)


def test_one_role_s_step_goes_down_whatever_its_signals(rng):
    """Where S and R are any numbers at all, and S has a mean that all samples share: <G, X> > 0."""
    network = Network((("pixels", 6), ("hidden", 5), ("latent", 2)))
    role = network.role(["pixels"])
    for _ in range(20):
        contrast = Contrast(role=role, difference=rng.normal(size=(9, 7)), mean=1 + rng.normal(size=(9, 13)))
        plain, made = gradient(network, [contrast], np.float64), centred(network, contrast, 0.99, np.float64)
        assert (plain * made).sum() > 0


def test_it_takes_what_all_samples_share_down(rng):
    """What it is for: a gradient along the mean alone is damped to 1 - c."""
    network = Network((("pixels", 6), ("hidden", 5), ("latent", 2)), neurons=())
    role = network.role(["pixels"])
    shared = np.ones((8, 13))
    contrast = Contrast(role=role, difference=shared[:, :7], mean=shared)
    plain, made = gradient(network, [contrast], np.float64), centred(network, contrast, 0.97, np.float64)
    assert np.linalg.norm(made) < 0.2 * np.linalg.norm(plain)


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
