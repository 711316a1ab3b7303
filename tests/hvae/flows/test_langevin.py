"""Noise as temperature: moments of a linear network, and the density of a tiny one of sigmoids by quadrature."""

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Linear
from hvae.flows import field
from hvae.flows.field import Field
from hvae.flows.langevin import Langevin
from hvae.flows.ways import Relaxation

SOLVER = ConjugateGradient(tolerance=1e-5, max_sweeps=500)
COUNT = 4000

pytestmark = pytest.mark.needs_jit


@pytest.mark.parametrize(("steps", "temperature"), [(10, 0.5), (30, 0.5), (30, 0.1)])
def test_moments_of_a_linear_network_are_exact_whatever_the_step(steps, temperature):
    """E* of linear neurons is quadratic, with Hessian H = 1 - W W^T: mean 0, covariance T H^-1; Euler's is not that."""
    net = Network((("pixels", 2), ("hidden", 2)), neurons=(Linear(), Linear()))
    w, weights = np.array([[0.6, 0.3], [-0.2, 0.5]]), np.zeros((4, 4))
    weights[:2, 2:] = w
    flow = Field(network=net, weights=weights + weights.T, solver=SOLVER)
    hessian = np.eye(2) - w @ w.T
    covariance = temperature * np.linalg.inv(hessian)
    way = Langevin(length=10.0, steps=steps, start=temperature, end=temperature)
    ends = way.follow(flow, np.zeros((COUNT, 2)), np.random.default_rng(0))
    deviation = np.sqrt(np.diag(covariance))
    assert (np.abs(ends.mean(0)) < 5 * deviation / np.sqrt(COUNT)).all()
    error = 5 * np.sqrt(2 / COUNT) * np.outer(deviation, deviation)
    assert (np.abs(np.cov(ends.T) - covariance) < error).all()
    if steps == 10:  # the test can fail: Euler's covariance at this step is outside
        euler = covariance @ np.linalg.inv(np.eye(2) - hessian / 2)
        assert (np.abs(euler - covariance) > error).any()


def test_the_mean_of_a_linear_network_is_where_its_field_vanishes():
    """A constant, the first time neuron at cos 0 = 1, moves the mean to H^-1 b; the covariance stays."""
    net = Network((("pixels", 1), ("time", 2), ("hidden", 1)), neurons=(Linear(), Linear(), Linear()))
    weights = np.zeros((4, 4))
    weights[0, 3], weights[1, 0], weights[1, 3] = 0.5, 0.7, 0.4
    flow = Field(network=net, weights=weights + weights.T, solver=SOLVER)
    stiffness, mean = 1 - 0.5**2, (0.7 + 0.5 * 0.4) / (1 - 0.5**2)
    assert flow.velocity(np.array([[mean]]), np.zeros(1)) == pytest.approx(0, abs=1e-4)
    ends = Langevin(length=10.0, steps=20, start=0.3, end=0.3).follow(flow, np.zeros((COUNT, 1)), _rng())
    assert ends.mean() == pytest.approx(mean, abs=5 * np.sqrt(0.3 / stiffness / COUNT))
    assert ends.var() == pytest.approx(0.3 / stiffness, rel=5 * np.sqrt(2 / COUNT))


def _rng():
    return np.random.default_rng(1)


def bistable():
    """One pixel and two hidden sigmoids that pull it to either side."""
    net = field.network(1, 2, 0)
    weights = np.zeros((3, 3))
    weights[0, 1:] = [2.2, -2.2]
    return Field(network=net, weights=weights + weights.T, solver=SOLVER)


@pytest.mark.parametrize("temperature", [0.15, 0.6])
def test_a_tiny_network_of_sigmoids_is_sampled_as_its_energy_says(temperature):
    """exp(-E*/T) by quadrature over one pixel: mean of |x|, of x^2, and the share between the two humps."""
    flow = bistable()
    grid = np.linspace(-6, 6, 2401)
    energy = flow.potential(grid[:, None], np.zeros(len(grid)))
    density = np.exp(-(energy - energy.min()) / temperature)
    density /= density.sum()
    assert density[1200] < 0.8 * density.max()  # two humps
    way = Langevin(length=8.0, steps=80, start=temperature, end=temperature)
    start = np.where(np.arange(COUNT)[:, None] % 2, 1.0, -1.0)
    ends = way.follow(flow, start, np.random.default_rng(2))[:, 0]
    for function in (np.abs, np.square, lambda x: np.abs(x) < 0.4):
        expected = (density * function(grid)).sum()
        spread = np.sqrt((density * function(grid) ** 2).sum() - expected**2)
        assert np.mean(function(ends)) == pytest.approx(expected, abs=5 * spread / np.sqrt(COUNT) + 0.003)


def test_without_temperature_it_is_a_relaxation():
    flow, x = bistable(), np.random.default_rng(3).normal(size=(40, 1))
    cold = Langevin(length=5.0, steps=10, start=0.0).follow(flow, x, np.random.default_rng(0))
    np.testing.assert_allclose(cold, Relaxation(length=5.0, steps=10).follow(flow, x, np.random.default_rng(0)))
    warm = Langevin(length=5.0, steps=10, start=0.1).follow(flow, x, np.random.default_rng(0))
    assert np.abs(warm - cold).max() > 0.01


@pytest.mark.parametrize(("changes", "words"), [({"start": -0.1}, "temperature start"), ({"steps": 4}, "`steps` must")])
def test_what_is_no_temperature_is_refused(changes, words):
    with pytest.raises(InvalidValue, match=words):
        Langevin(**({"length": 5.0, "steps": 10, "start": 0.1} | changes))
