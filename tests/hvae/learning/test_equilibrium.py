"""Equilibrium propagation gives the true gradient: the tests of research/ep.md, section 3, in float64."""

from dataclasses import replace

import numpy as np
import pytest
from analytic_systems import EXACT, small_vae

from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from hvae.config.neurons import NeuronSettings
from hvae.config.run import ModelConfig, RunConfig
from hvae.learning import costs
from hvae.learning.equilibrium import Contrast, gradient, input_gradient
from hvae.learning.learners import make_nudging, make_solver
from hvae.learning.nudging import SIGNS, FiniteNudging
from hvae.learning.stiffness import smallest_eigenvalues

CASES = {
    "h-vae": ("h-vae", {}),
    "dh-vae": ("dh-vae", {}),
    "tdh-vae": ("tdh-vae", {}),
    "tdh-vae, linear latents": ("tdh-vae", {"latent_neuron": "linear"}),
    "tdh-vae, soft latents": ("tdh-vae", {"latent_gain": 0.5}),
    "tdh-vae, linear pixels": ("tdh-vae", {"pixel_neuron": "linear", "latent_neuron": "linear"}),
    "tdh-vae, classical": ("tdh-vae", {"hidden_neuron": "classical", "latent_neuron": "linear"}),
    "dh-vae, linear latents": ("dh-vae", {"latent_neuron": "linear"}),
    "tdh-vae, neurons not alike": ("tdh-vae", {"latent_neuron": "linear"}),
    "dh-vae, neurons not alike": ("dh-vae", {}),
    "tdh-vae, latents with a supply": ("tdh-vae", {"latent_neuron": "linear"}),
    "dh-vae, latents with a supply, not alike": ("dh-vae", {"latent_neuron": "linear"}),
    "h-vae, linear and classical": ("h-vae", {"hidden_neuron": "classical", "latent_neuron": "linear"}),
}


@pytest.fixture(params=CASES)
def case(request, rng):
    """A learner, its weights (as strong as one equilibrium allows), images and noise."""
    name, neurons = CASES[request.param]
    learner = small_vae(name, **neurons)
    alike, supplied = "not alike" not in request.param, "supply" in request.param
    if supplied or not alike:
        apart = {} if alike else {"gain": 0.15, "offset": 0.1, "leak": 0.15, "pull": 0.2}
        errors = NeuronSettings(limit=0.3 if supplied else None, **apart)
        learner = replace(learner, vae=learner.vae.on_neurons(errors.draw(learner.vae.networks)))
    parameters = {name: 1.3 * weights for name, weights in learner.init(rng, np.float64).items()}
    return learner, parameters, rng.uniform(-1, 1, size=(4, 10)), rng.normal(size=(4, learner.latent))


def objective(learner, parameters, images, noise):
    """Mean of SSE/2 + beta_KL KL, with everything settled anew."""
    mean, log_variance = learner.encode(parameters, images)
    output = learner.decode(parameters, mean + noise * np.exp(log_variance / 2))
    total = costs.sse_half(output, images) + learner.beta_kl * costs.kl_divergence(mean, log_variance)
    return total.mean()


def slope_along(learner, parameters, images, noise, change, step=2e-4):
    """Central differences of fourth order."""

    def at(distance):
        moved = {name: weights + distance * change[name] for name, weights in parameters.items()}
        return objective(learner, moved, images, noise)

    near, far = at(step) - at(-step), at(2 * step) - at(-2 * step)
    return (8 * near - far) / (12 * step)


def random_change(learner, rng):
    change = {}
    for name, network in learner.vae.networks.items():
        upper = np.triu(rng.normal(size=(network.size,) * 2) * network.mask())
        change[name] = upper + upper.T
    return change


def along(gradients, change):
    """The directional derivative: one parameter a pair, so each pair counts once."""
    return sum((gradients[name] * change[name]).sum() / 2 for name in gradients)


def test_whole_vae_gradient_equals_finite_differences(case, rng):
    learner, parameters, images, noise = case
    _, gradients = learner.gradients(parameters, images, noise)
    for _ in range(3):
        change = random_change(learner, rng)
        expected = slope_along(learner, parameters, images, noise, change)
        assert along(gradients, change) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_gradients_are_symmetric_masked_and_hollow(case):
    learner, parameters, images, noise = case
    _, gradients = learner.gradients(parameters, images, noise)
    for name, network in learner.vae.networks.items():
        np.testing.assert_array_equal(gradients[name], gradients[name].T)
        assert not gradients[name][~network.mask()].any()


def relative_error(got, exact):
    return np.sqrt(sum(((got[name] - exact[name]) ** 2).sum() for name in exact)) / np.sqrt(
        sum((exact[name] ** 2).sum() for name in exact)
    )


@pytest.mark.parametrize(
    ("method", "low", "high"), [("centred", 1.9, 2.1), ("positive", 0.9, 1.1), ("negative", 0.9, 1.1)]
)
def test_error_of_equation_5_falls_with_beta(case, method, low, high):
    """Centred: O(beta^2), four times less when beta halves; one-sided: O(beta)."""
    learner, parameters, images, noise = case
    _, exact = learner.gradients(parameters, images, noise)
    errors = []
    for beta in (0.02, 0.01):
        nudging = FiniteNudging(signs=SIGNS[method], beta=beta, solver=EXACT)
        _, got = replace(learner, nudging=nudging).gradients(parameters, images, noise)
        errors.append(relative_error(got, exact))
    assert errors[1] < 0.1
    assert low < np.log2(errors[0] / errors[1]) < high


@pytest.mark.parametrize(
    ("method", "low", "high"), [("centred", 1.9, 2.1), ("positive", 0.9, 1.1), ("negative", 0.9, 1.1)]
)
def test_error_of_the_input_gradient_falls_with_beta(rng, method, low, high):
    """Equation (9) and appendix A, against finite differences of the settled loss."""
    learner = small_vae("dh-vae")
    vae, weights = learner.vae, 2 * learner.init(rng, np.float64)["decoder"]
    couplings = IdealWeights(vae.networks["decoder"], weights)
    images, latents = rng.uniform(-1, 1, size=(1, 10)), rng.normal(size=(1, 3))

    def loss(z):
        return costs.sse_half(learner.decode({"decoder": weights}, z), images)[0]

    step = 1e-5
    exact = np.array([(loss(latents + step * e) - loss(latents - step * e)) / (2 * step) for e in np.eye(3)])
    landscape = Landscape.clamp(couplings, vae.decode_role, latents)
    cost = costs.decoder_cost(vae.decode_role, images)
    errors = []
    for beta in (0.02, 0.01):
        nudged = FiniteNudging(signs=SIGNS[method], beta=beta, solver=EXACT).contrast(
            landscape, EXACT.settle(landscape), cost
        )
        errors.append(np.linalg.norm(input_gradient(landscape, latents, nudged.difference)[0] - exact))
    assert low < np.log2(errors[0] / errors[1]) < high
    limit = learner.nudging.contrast(landscape, EXACT.settle(landscape), cost)
    np.testing.assert_allclose(input_gradient(landscape, latents, limit.difference)[0], exact, atol=1e-7)


def test_implicit_gradient_of_one_network_to_rounding(rng):
    """Linear response against central differences over single weights: 1e-7."""
    learner = small_vae("dh-vae")
    vae, weights = learner.vae, 2 * learner.init(rng, np.float64)["decoder"]
    images, latents = rng.uniform(-1, 1, size=(2, 10)), rng.normal(size=(2, 3))
    landscape = Landscape.clamp(IdealWeights(vae.networks["decoder"], weights), vae.decode_role, latents)
    nudged = learner.nudging.contrast(landscape, EXACT.settle(landscape), costs.decoder_cost(vae.decode_role, images))
    mean = np.concatenate([nudged.mean, 1 / (1 + np.exp(-3 * latents))], axis=1)
    got = gradient(
        vae.networks["decoder"], [Contrast(role=vae.decode_role, difference=nudged.difference, mean=mean)], np.float64
    )
    step = 1e-5
    for i, j in ((0, 3), (11, 25), (2, 26), (13, 14)):
        change = np.zeros_like(weights)
        change[i, j] = change[j, i] = step
        losses = [
            costs.sse_half(learner.decode({"decoder": weights + sign * change}, latents), images).mean()
            for sign in (1, -1)
        ]
        assert got[i, j] == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-7)


def test_a_tied_network_needs_the_contrasts_of_both_roles(rng):
    learner = small_vae("tdh-vae")
    parameters = {name: 2 * weights for name, weights in learner.init(rng, np.float64).items()}
    images, noise = rng.uniform(-1, 1, size=(4, 10)), rng.normal(size=(4, 3))
    from hvae.learning.equilibrium import free_phase, nudged_phases

    free = free_phase(learner.vae, learner.couplings(parameters), images, noise, EXACT)
    nudged = nudged_phases(learner.vae, free, images, noise, learner.nudging, beta_kl=learner.beta_kl)
    change = random_change(learner, rng)
    expected = slope_along(learner, parameters, images, noise, change)
    network = learner.vae.networks["tied"]
    both = nudged.contrasts["tied"]
    assert len(both) == 2
    parts = [along({"tied": gradient(network, [one], np.float64)}, change) for one in both]
    assert sum(parts) == pytest.approx(expected, rel=1e-6)
    assert all(abs(part - expected) > 0.01 * abs(expected) for part in parts)


def test_a_contrast_far_longer_than_the_others_is_shortened(rng):
    from hvae.learning.equilibrium import shortened

    difference = rng.normal(size=(9, 20))
    difference[3] *= 1e6
    found, count = shortened(difference, 5.0)
    assert count == 1
    assert np.linalg.norm(found[3]) < 50
    np.testing.assert_array_equal(np.delete(found, 3, 0), np.delete(difference, 3, 0))


def test_gradients_of_a_soft_network_with_several_minima_hold_at_training_s_precision(rng):
    """Weights three times the initial ones: a Hessian eigenvalue of 0.06, and other minima from other starts.

    At the minimum that is found the gradient is still that of finite differences, and float32 with the tolerances that
    runs have by default gives it to 1e-4.
    """
    learner = small_vae("dh-vae")
    parameters = {name: 3 * weights for name, weights in learner.init(rng, np.float64).items()}
    images, noise = rng.uniform(-1, 1, size=(8, 10)), rng.normal(size=(8, 3))
    assert 0 < smallest_eigenvalues(learner, parameters, images).min() < 0.1
    decoding = Landscape.clamp(learner.couplings(parameters)["decoder"], learner.vae.decode_role, noise)
    found = EXACT.settle(decoding).states
    others = [EXACT.settle(decoding, 1.5 * rng.normal(size=found.shape)).states for _ in range(6)]
    assert max(np.abs(other - found).max() for other in others) > 0.1

    _, gradients = learner.gradients(parameters, images, noise)
    change = random_change(learner, rng)
    expected = slope_along(learner, parameters, images, noise, change, step=1e-6)
    assert along(gradients, change) == pytest.approx(expected, rel=1e-6)

    config = RunConfig(model=ModelConfig(name="dh-vae", hidden=14, latent=3))
    trained = replace(
        learner, solver=make_solver(config.settling), nudging=make_nudging(config.nudging, config.settling)
    )
    single = {name: weights.astype(np.float32) for name, weights in parameters.items()}
    metrics, got = trained.gradients(single, images.astype(np.float32), noise.astype(np.float32))
    assert metrics["unconverged"] == metrics["failed_nudges"] == 0
    assert all(one.dtype == np.float32 for one in got.values())
    product = sum((got[name] * gradients[name]).sum() for name in got)
    lengths = [np.sqrt(sum((one**2).sum() for one in some.values())) for some in (got, gradients)]
    assert product / lengths[0] / lengths[1] > 1 - 1e-4
    assert lengths[0] == pytest.approx(lengths[1], rel=5e-3)
