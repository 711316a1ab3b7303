"""Optimizers against the formulas of their papers."""

import numpy as np
import pytest

from hvae.config.run import OptimizerConfig
from hvae.learning.optimizers import SGD, Adam, learning_rate


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


def test_sgd_s_decay_is_a_share_of_the_weights_at_each_step(rng):
    """With no gradient w_k = (1 - rate decay)^k w_0; with one, the closed form of the recursion."""
    weights = {"W": rng.normal(size=(3, 3))}
    start, gradient = weights["W"].copy(), rng.normal(size=(3, 3))
    sgd = SGD(weight_decay=0.4)
    for _ in range(4):
        sgd.step(weights, {"W": np.zeros((3, 3))}, 0.1)
    np.testing.assert_allclose(weights["W"], 0.96**4 * start, rtol=1e-12)
    for _ in range(4):
        sgd.step(weights, {"W": gradient}, 0.1)
    expected = 0.96**8 * start - 0.1 * gradient * (1 - 0.96**4) / (1 - 0.96)
    np.testing.assert_allclose(weights["W"], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [("constant", [3, 3, 3, 3]), ("linear", [3, 2.25, 1.5, 0]), ("cosine", [3, 1.5 * (1 + 2**-0.5), 1.5, 0])],
)
def test_schedules_fall_from_the_rate_to_zero(schedule, rates):
    config = OptimizerConfig(learning_rate=3, schedule=schedule)
    found = [learning_rate(config, progress) for progress in (0, 0.25, 0.5, 1)]
    assert found == pytest.approx(rates, abs=1e-12)


def test_a_rate_warms_up():
    config = OptimizerConfig(learning_rate=3, schedule="linear", warmup=0.2)
    found = [learning_rate(config, progress) for progress in (0, 0.1, 0.2, 0.5)]
    assert found == pytest.approx([0, 3 * 0.9 * 0.5, 3 * 0.8, 1.5], abs=1e-12)
