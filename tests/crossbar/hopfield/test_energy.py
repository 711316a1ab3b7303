"""The energy of eq. (1): its gradient is eq. (2), its Hessian the gradient's derivative."""

import numpy as np
import pytest
from analytic_systems import random_landscape, random_network

from crossbar.errors import InvalidValue
from crossbar.hopfield.energy import Landscape, Nudge
from crossbar.hopfield.neurons import rho, rho_slope, state_of


def nudged_landscape(rng, topology):
    landscape = random_landscape(rng, topology=topology)
    linear, quadratic = rng.normal(size=landscape.drive.shape), rng.random(landscape.drive.shape[1])
    return landscape.nudged(Nudge(linear=linear, quadratic=quadratic))


@pytest.mark.parametrize("topology", ["dense", "layered"])
def test_gradient_is_the_derivative_of_the_energy(rng, topology):
    landscape = nudged_landscape(rng, topology)
    states, direction = rng.normal(size=landscape.drive.shape), rng.normal(size=landscape.drive.shape)
    step = 1e-5
    slope = (landscape.energy(states + step * direction) - landscape.energy(states - step * direction)) / (2 * step)
    np.testing.assert_allclose((landscape.gradient(states) * direction).sum(1), slope, rtol=1e-8)


@pytest.mark.parametrize("topology", ["dense", "layered"])
def test_hessian_product_is_the_derivative_of_the_gradient(rng, topology):
    landscape = nudged_landscape(rng, topology)
    states, vector = rng.normal(size=landscape.drive.shape), rng.normal(size=landscape.drive.shape)
    step = 1e-5
    change = (landscape.gradient(states + step * vector) - landscape.gradient(states - step * vector)) / (2 * step)
    np.testing.assert_allclose(landscape.hessian_product(states, vector), change, atol=1e-8)


def test_equation_2_by_hand():
    """Two coupled neurons, one of them clamped: ds/dt = -s + rho'(s) w rho(x)."""
    couplings = random_network(np.random.default_rng(0), sizes=(1, 1, 1))
    couplings.weights[:] = np.array([[0, 2, 0], [2, 0, 0], [0, 0, 0]])
    landscape = Landscape.clamp(couplings, couplings.network.role(["latent"]), np.array([[0.3]]))
    s = 0.2
    sigmoid = 1 / (1 + np.exp(-3 * s))
    expected = s - 3 * sigmoid * (1 - sigmoid) * 2 / (1 + np.exp(-0.9))
    assert landscape.gradient(np.array([[s, 0.0]]))[0, 0] == pytest.approx(expected, rel=1e-14)


def test_neuron_functions_agree(rng):
    states = rng.normal(size=100)
    np.testing.assert_allclose(rho(states), 1 / (1 + np.exp(-3 * states)), atol=1e-15)
    np.testing.assert_allclose(state_of(rho(states)), states, atol=1e-13)
    step = 1e-6
    np.testing.assert_allclose(
        rho_slope(rho(states)), (rho(states + step) - rho(states - step)) / (2 * step), atol=1e-9
    )


def test_inputs_must_fit_and_be_finite(rng):
    couplings = random_network(rng)
    role = couplings.network.role(["latent"])
    with pytest.raises(InvalidValue, match="must be \\(batch, 6\\)"):
        Landscape.clamp(couplings, role, np.zeros((2, 5)))
    with pytest.raises(InvalidValue, match="must be finite"):
        Landscape.clamp(couplings, role, np.full((2, 6), np.nan))
