"""Newton's method: equilibria to rounding, and Hessians against differences."""

import numpy as np
import pytest

from crossbar.errors import DivergedError, InvalidValue
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.network import Network
from crossbar.hopfield.newton import hessian, newton, softest_mode
from crossbar.hopfield.settling import Euler

NETWORK = Network((("a", 4), ("b", 6), ("c", 3)))


def landscape(rng, symmetric=True, scale=0.6):
    weights = scale * rng.standard_normal((13, 13))
    weights = (weights + weights.T) / 2 if symmetric else weights
    np.fill_diagonal(weights, 0)
    couplings = IdealWeights(NETWORK, weights, symmetric=symmetric)
    return Landscape.clamp(couplings, NETWORK.role(["a"]), rng.uniform(-1, 1, (1, 4)))


@pytest.mark.parametrize("symmetric", [True, False])
def test_the_hessian_is_the_jacobian_of_the_gradient(rng, symmetric):
    land = landscape(rng, symmetric)
    states = rng.uniform(-0.5, 0.5, (1, 9))
    step = 1e-6 * np.eye(9)
    slopes = [(land.gradient(states + d) - land.gradient(states - d))[0] / 2e-6 for d in step]
    np.testing.assert_allclose(hessian(land, states), np.array(slopes).T, atol=1e-8)


@pytest.mark.parametrize("symmetric", [True, False])
def test_an_equilibrium_is_taken_to_rounding(rng, symmetric):
    land = landscape(rng, symmetric)
    near = Euler(time_step=0.1, max_sweeps=3000, tolerance=1e-4).settle(land).states
    found = newton(land, near)
    assert np.abs(land.gradient(found)).max() < 1e-13
    assert softest_mode(hessian(land, found)) > 0


def test_the_softest_mode_is_a_known_one():
    assert softest_mode(np.diag([0.5, 2.0, 1.0])) == pytest.approx(0.5)
    assert softest_mode(np.array([[1.0, -2.0], [2.0, 1.0]])) == pytest.approx(1.0)  # 1 +- 2i


def test_what_is_no_equilibrium_nearby_is_told(rng):
    land = landscape(rng)
    with pytest.raises(DivergedError, match="no equilibrium"):
        newton(land, np.full((1, 9), 0.9))
    with pytest.raises(InvalidValue, match="one sample"):
        newton(land, np.zeros((2, 9)))
