"""The penalty on soft modes: its gradient is that of the smallest eigenvalue, through the equilibrium too."""

from dataclasses import replace

import numpy as np
import pytest
from analytic_systems import EXACT, small_vae

from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.linear_response import LinearResponse
from hvae.config.run import table_3
from hvae.config.toml_file import changed
from hvae.learning.conditioning import Conditioning
from hvae.learning.equilibrium import gradient

PRECISE = LinearResponse(tolerance=1e-13, max_sweeps=500)


@pytest.fixture(params=["h-vae", "dh-vae", "tdh-vae"])
def case(request, rng):
    vae = small_vae(request.param).vae
    weights = 1.3 * vae.init(rng, np.float64)[vae.decoder]
    return vae, weights, rng.normal(size=(3, vae.latent))


def landscape_of(vae, weights, latents):
    return Landscape.clamp(IdealWeights(vae.networks[vae.decoder], weights), vae.decode_role, latents)


def smallest(vae, weights, latents):
    landscape = landscape_of(vae, weights, latents)
    states = EXACT.settle(landscape).states
    eye = np.eye(states.shape[1])
    hessians = (
        landscape.select(np.full(len(eye), row)).hessian_product(np.repeat(states[[row]], len(eye), axis=0), eye)
        for row in range(len(states))
    )
    return np.array([np.linalg.eigvalsh(hessian)[0] for hessian in hessians])


def soften(vae, weights, latents, **options):
    landscape = landscape_of(vae, weights, latents)
    free = EXACT.settle(landscape)
    conditioning = Conditioning(strength=0.7, solver=PRECISE, iterations=200, **options)
    guess = np.random.default_rng(5).normal(size=free.states.shape) * np.array([[1.0], [3.0], [2.0]])
    return conditioning.soften(landscape, free, latents, guess)


def test_the_modes_are_the_smallest_eigenvalues(case):
    vae, weights, latents = case
    soft = soften(vae, weights, latents, share=1.0)
    np.testing.assert_allclose(soft.eigenvalues, smallest(vae, weights, latents), rtol=1e-8)


def test_the_gradient_equals_finite_differences(case, rng):
    """-strength log(lambda_min), mean over the batch, everything settled anew at weights moved both ways."""
    vae, weights, latents = case
    network = vae.networks[vae.decoder]
    found = gradient(network, soften(vae, weights, latents, share=1.0).contrasts, np.float64)
    for _ in range(3):
        upper = np.triu(rng.normal(size=weights.shape) * network.mask())
        change = upper + upper.T
        at = [-0.7 * np.log(smallest(vae, weights + sign * 1e-5 * change, latents)).mean() for sign in (1, -1)]
        assert (found * change).sum() / 2 == pytest.approx((at[0] - at[1]) / 2e-5, rel=1e-4)


def test_only_the_longest_contrasts_are_conditioned(case):
    vae, weights, latents = case
    soft = soften(vae, weights, latents, share=0.3)
    np.testing.assert_array_equal(soft.rows, [1])
    assert len(soft.contrasts[0].difference) == 1


def test_a_learner_adds_the_penalty_to_its_gradient(rng):
    learner = small_vae("tdh-vae")
    parameters = learner.init(rng, np.float64)
    images, noise = rng.uniform(-1, 1, size=(4, 10)), rng.normal(size=(4, learner.latent))
    plain, before = learner.gradients(parameters, images, noise)
    conditioned = replace(learner, conditioning=Conditioning(strength=0.1, solver=PRECISE, share=0.5))
    metrics, after = conditioned.gradients(parameters, images, noise)
    assert metrics["softest_eigenvalue"] > 0
    assert metrics["sse_half"] == plain["sse_half"]
    np.testing.assert_array_equal(after["tied"], after["tied"].T)
    assert np.abs(after["tied"] - before["tied"]).max() > 1e-6


def test_bad_settings_are_refused():
    with pytest.raises(InvalidValue, match="must be positive"):
        Conditioning(strength=-1.0, solver=PRECISE)
    with pytest.raises(InvalidValue, match="must not be negative"):
        changed(table_3("tdh-vae"), ["training.conditioning=-1"])
    with pytest.raises(InvalidValue, match="Hopfield models on float weights"):
        changed(table_3("f-vae"), ["training.conditioning=0.1"])
