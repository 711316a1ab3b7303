"""Optimizers against the formulas of their papers."""

import numpy as np
import pytest

from hvae.optimizers import SGD, Adam


def test_adam_is_algorithm_1_with_decoupled_decay(rng):
    weights = {"W": rng.normal(size=(4, 4))}
    expected, mean, square = weights["W"].copy(), 0.0, 0.0
    adam = Adam(weight_decay=0.1)
    for count in range(1, 6):
        gradient = rng.normal(size=(4, 4))
        adam.step(weights, {"W": gradient}, 1e-2)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        step = 1e-2 * (mean / (1 - 0.9**count)) / (np.sqrt(square / (1 - 0.999**count)) + 1e-8)
        expected = (1 - 1e-2 * 0.1) * expected - step
        np.testing.assert_allclose(weights["W"], expected, rtol=1e-12)


def test_adam_keeps_single_precision(rng):
    weights = {"W": rng.normal(size=(3, 3)).astype(np.float32)}
    Adam().step(weights, {"W": np.ones((3, 3), np.float32)}, 1e-3)
    assert weights["W"].dtype == np.float32


def test_arrays_that_cannot_be_changed_in_place_are_refused(rng):
    weights = {"W": rng.normal(size=(4, 4))[:, :2]}
    with pytest.raises(ValueError, match="copy"):
        Adam().step(weights, {"W": np.ones((4, 2))}, 1e-3)


def test_momentum_sums_gradients():
    weights = {"W": np.zeros(1)}
    sgd = SGD(momentum=0.5)
    for _ in range(3):
        sgd.step(weights, {"W": np.ones(1)}, 0.1)
    np.testing.assert_allclose(weights["W"], -0.1 * (1 + 1.5 + 1.75))
