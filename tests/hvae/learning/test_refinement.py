"""Long contrasts found again: nearer to the exact ones, the others untouched, every sweep counted."""

import numpy as np
import pytest
from analytic_systems import EXACT, random_landscape

from crossbar.errors import InvalidValue
from crossbar.hopfield.conjugate_gradient import ConjugateGradient, lone_minimum
from crossbar.hopfield.energy import Nudge
from crossbar.hopfield.kernels.laws import FARTHEST
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.neurons import rho, rho_slope
from hvae.learning.nudging import LinearResponseNudging, Refinement

PRECISE = LinearResponse(tolerance=1e-12, max_sweeps=500)


def test_long_contrasts_are_found_again(rng):
    landscape = random_landscape(rng, batch=5)
    size = landscape.drive.shape
    linear = rng.normal(size=size) * np.array([[1], [1], [50], [1], [1]])
    cost = Nudge(linear=linear, quadratic=np.zeros(size[1]))
    coarse, loose = ConjugateGradient(tolerance=1e-2), LinearResponse(tolerance=0.2)
    free = coarse.settle(landscape)
    plain = LinearResponseNudging(solver=loose).contrast(landscape, free, cost)
    closer = Refinement(above=10.0, settler=EXACT, solver=PRECISE)
    better = LinearResponseNudging(solver=loose, refinement=closer).contrast(landscape, free, cost)
    exact = LinearResponseNudging(solver=PRECISE).contrast(landscape, EXACT.settle(landscape), cost)
    others = [0, 1, 3, 4]
    np.testing.assert_allclose(better.difference[2], exact.difference[2], atol=1e-8)
    np.testing.assert_array_equal(better.difference[others], plain.difference[others])
    assert better.sweeps[2] > plain.sweeps[2]
    np.testing.assert_array_equal(better.sweeps[others], plain.sweeps[others])


def test_a_bad_threshold_is_refused():
    with pytest.raises(InvalidValue, match="`above` must be positive"):
        Refinement(above=0.0, settler=EXACT, solver=PRECISE)


@pytest.mark.parametrize("gain", [1.0, 3.0, 6.0])
def test_lone_minimum_is_where_a_neuron_alone_rests(gain):
    """At its own minimum a neuron's state is s = rho'(s) u; the polynomial gives that signal for any gain."""
    states = np.linspace(0.01, 4.8, 200) / gain
    signals = rho(states, gain)
    v = gain**2 * states / rho_slope(signals, gain)
    assert v.max() < FARTHEST
    power = np.polynomial.polynomial.polyval(np.log1p(v / 9), lone_minimum())
    np.testing.assert_allclose(1 - 1 / (2 + v * power), signals, atol=6e-4)
