"""The denoiser's form: its gradient, its velocity, what it learns, and that no run takes it."""

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.linear_response import LinearResponse
from hvae.config import flow as flow_config
from hvae.config.flow import Teaching
from hvae.flows import denoiser, matching
from hvae.flows.course import learn
from hvae.flows.denoiser import Denoiser
from hvae.flows.ways import Denoising
from hvae.runs import images
from hvae.training import flows

EXACT = {
    "solver": ConjugateGradient(tolerance=1e-12, max_sweeps=4000),
    "response": LinearResponse(tolerance=1e-12, max_sweeps=4000),
}


@pytest.fixture
def small():
    rng = np.random.default_rng(0)
    net = denoiser.network(3, 7, 4, 3.0)
    weights = np.triu(rng.normal(0, 0.4, (net.size,) * 2), 1) * net.mask()
    return Denoiser(network=net, weights=weights + weights.T, **EXACT)


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.normal(size=(5, 3)), rng.uniform(0, 0.9, size=5), rng.normal(size=(5, 3))


def test_the_gradient_is_that_of_finite_differences(small, batch):
    x, t, target = batch
    gradient, loss = small.gradient(x, t, target)
    missed = (1 - t)[:, None] * (small.velocity(x, t) - target)  # output - x_1
    assert loss == pytest.approx((missed**2).sum(1).mean() / 2)
    step, rng = 1e-6, np.random.default_rng(2)
    for i, j in rng.permutation(np.argwhere(np.triu(small.network.mask())))[:30]:
        sides = []
        for sign in (1, -1):
            weights = small.weights.copy()
            weights[i, j] = weights[j, i] = weights[i, j] + sign * step
            sides.append(small.with_weights(weights).gradient(x, t, target)[1])
        assert gradient[i, j] == pytest.approx((sides[0] - sides[1]) / (2 * step), abs=1e-6)
    np.testing.assert_array_equal(gradient, gradient.T)
    assert not gradient[~small.network.mask()].any()


def test_the_last_step_ends_at_the_clean_sample(small):
    x = np.random.default_rng(1).normal(size=(4, 3))
    ends = Denoising(steps=1).follow(small, x, np.random.default_rng(0))
    np.testing.assert_allclose(ends, small.output(small.settle(x, np.zeros(4))[1]), atol=1e-12)
    assert matching.of(Teaching(matching="denoiser")).way(3) == Denoising(steps=3)


@pytest.mark.needs_jit
@pytest.mark.slow
def test_a_denoiser_learns_a_gaussian():
    rng = np.random.default_rng(3)
    factor = np.array([[1.0, 0.0], [0.8, 0.3]])
    gaussian = rng.normal(size=(4000, 2)) @ factor.T + [2.0, -1.0]
    teaching = Teaching(matching="denoiser", hidden=40, steps=600, batch=128, pool=128)
    found = learn(gaussian, teaching, rng).sample(4000, rng)
    np.testing.assert_allclose(found.mean(0), [2.0, -1.0], atol=0.2)
    np.testing.assert_allclose(np.cov(found.T), factor @ factor.T, atol=0.2)


def test_no_run_takes_it():
    config = flow_config.resolve((), ["teaching.matching=denoiser"])
    with pytest.raises(InvalidValue, match="a denoiser has no chip yet"):
        flows.begun(config, images.load(config.data))
