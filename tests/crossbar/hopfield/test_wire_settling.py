"""Equilibria of weights that wires have made asymmetric."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import adc, dac
from crossbar.errors import InvalidValue
from crossbar.hopfield.asymmetric import HeldAntisymmetry
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights, random_weights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.network import Network
from crossbar.hopfield.settling import Euler

NETWORK = Network((("pixels", 6), ("hidden", 5), ("latent", 2)), "dense")


def landscape(rng, skew, batch=3):
    weights = random_weights(NETWORK, rng, np.float64)
    odd = rng.normal(size=weights.shape)
    weights = weights + skew * np.linalg.norm(weights) * (odd - odd.T) / np.linalg.norm(odd - odd.T)
    couplings = IdealWeights(NETWORK, weights, symmetric=skew == 0)
    return Landscape.clamp(couplings, NETWORK.role(["pixels"]), rng.uniform(-1, 1, (batch, 6)))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), skew=st.sampled_from([0.0, 0.05, 0.2, 0.5]))
def test_it_ends_at_rest_points_of_the_whole_dynamics(seed, skew):
    one = landscape(np.random.default_rng(seed), skew)
    found = HeldAntisymmetry(tolerance=1e-6, max_sweeps=2000, max_rounds=200).settle(one)
    assert found.settled.all()
    np.testing.assert_allclose(found.pull, one.pull(found.states), atol=1e-12)
    assert np.abs(one.gradient(found.states)).max() < 1.001e-6
    euler = Euler(time_step=0.3, max_sweeps=5000, tolerance=1e-8).settle(one, found.states)
    np.testing.assert_allclose(found.states, euler.states, atol=1e-4)  # a stable one


def test_without_asymmetry_it_is_the_symmetric_solver(rng):
    one = landscape(rng, 0.0)
    ours = HeldAntisymmetry(tolerance=1e-7).settle(one)
    np.testing.assert_allclose(ours.states, ConjugateGradient(tolerance=1e-8).settle(one).states, atol=1e-6)


def test_what_does_not_settle_is_told(rng):
    found = HeldAntisymmetry(tolerance=1e-9, max_sweeps=2).settle(landscape(rng, 0.3))
    assert not found.settled.any()


def test_impossible_settings_and_noisy_couplings_are_refused(rng):
    with pytest.raises(InvalidValue, match="`tolerance`"):
        HeldAntisymmetry(tolerance=0)
    with pytest.raises(InvalidValue, match="`max_sweeps`"):
        HeldAntisymmetry(max_sweeps=0)
    noisy = SimpleNamespace(couplings=SimpleNamespace(static=False, linear=True))
    with pytest.raises(InvalidValue, match="static"):
        HeldAntisymmetry().settle(noisy)


@pytest.mark.parametrize("converters", [{"dac": dac(2)}, {"adc": adc(3, high=4.0)}])
def test_converters_are_refused_since_the_matrix_does_not_know_them(rng, converters):
    config = ArrayConfig(dtype="float64", **converters)
    array = CrossbarArray.from_weights(NETWORK, random_weights(NETWORK, rng, np.float64), config, rng)
    assert array.static
    assert not array.linear
    one = Landscape.clamp(array, NETWORK.role(["pixels"]), rng.uniform(-1, 1, (3, 6)))
    with pytest.raises(InvalidValue, match="without converters; settle this array by `Euler`"):
        HeldAntisymmetry().settle(one)
