"""A field that is the slope of an equilibrium's energy: its gradient, two ways."""

from itertools import pairwise

import numpy as np
import pytest

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.linear_response import LinearResponse
from hvae.flows import field
from hvae.flows.field import Field

EXACT = {
    "solver": ConjugateGradient(tolerance=1e-12, max_sweeps=4000),
    "response": LinearResponse(tolerance=1e-12, max_sweeps=4000),
}


@pytest.fixture(params=[4, 0], ids=["time", "no time"])
def small(request):
    rng = np.random.default_rng(0)
    net = field.network(3, 7, request.param)
    weights = rng.normal(0, 0.4, (net.size,) * 2)
    return Field(network=net, weights=np.where(net.mask(), weights + weights.T, 0), **EXACT)


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.normal(size=(5, 3)), rng.uniform(size=5), rng.normal(size=(5, 3))


def test_the_field_is_minus_the_slope_of_the_energy_at_rest(small, batch):
    x, t, _ = batch
    step = 1e-6
    for k in range(3):
        moved = np.zeros(3)
        moved[k] = step
        slope = (small.potential(x + moved, t) - small.potential(x - moved, t)) / (2 * step)
        np.testing.assert_allclose(small.velocity(x, t)[:, k], -slope, atol=1e-8)


def test_the_gradient_is_that_of_finite_differences(small, batch):
    x, t, target = batch
    gradient, loss = small.gradient(x, t, target)
    assert loss == pytest.approx(((small.velocity(x, t) - target) ** 2).sum(1).mean() / 2)
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


def test_a_field_without_time_is_the_same_at_every_time(batch):
    rng, x = np.random.default_rng(0), batch[0]
    net = field.network(3, 7, 0)
    weights = rng.normal(0, 0.4, (net.size,) * 2)
    timeless = Field(network=net, weights=np.where(net.mask(), weights + weights.T, 0), **EXACT)
    np.testing.assert_array_equal(timeless.velocity(x, np.zeros(5)), timeless.velocity(x, np.ones(5)))


def test_two_settlings_follow_it_with_an_error_of_epsilon_squared(small, batch):
    exact, _ = small.gradient(*batch)
    errors = [np.linalg.norm(small.two_settlings(*batch, epsilon) - exact) for epsilon in (0.2, 0.1, 0.05)]
    for first, second in pairwise(errors):
        assert first / second == pytest.approx(4, rel=0.25)
    assert np.linalg.norm(small.two_settlings(*batch, 1e-3) - exact) < 1e-4 * np.linalg.norm(exact)


def test_autograd_finds_the_same_gradient(small, batch):
    torch = pytest.importorskip("torch")
    x, t, target = batch
    w = torch.from_numpy(small.weights).requires_grad_()
    rest = small.rest(x, t)
    h = torch.from_numpy(rest.settled.states.copy())
    clamped = torch.from_numpy(rest.clamped)
    states, hidden = (torch.arange(small.network.size)[small.network.block(name)] for name in ("pixels", "hidden"))
    even = (w + w.T) / 2
    for _ in range(400):  # a contraction from the equilibrium, through which autograd goes
        r = torch.sigmoid(3 * h)
        pull = torch.cat([clamped, r], 1) @ even[:, hidden]
        h = h + 0.2 * (3 * r * (1 - r) * pull - h)
    r = torch.sigmoid(3 * h)
    others = torch.cat([clamped, r], 1)
    velocity = others @ even[:, states] - clamped[:, :3] - clamped[:, :3] @ even[states][:, states]
    loss = ((velocity - torch.from_numpy(target)) ** 2).sum(1).mean() / 2
    loss.backward()
    found = (w.grad + w.grad.T).numpy() * small.network.mask()
    gradient, _ = small.gradient(x, t, target)
    np.testing.assert_allclose(found, gradient, atol=1e-6)
