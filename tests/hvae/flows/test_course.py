"""What a flow learns, and that it is the same flow whenever it is learned."""

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from hvae.config.flow import Teaching
from hvae.flows.course import Course, learn, schedule


@pytest.mark.needs_jit
@pytest.mark.slow
def test_a_flow_learns_a_gaussian_and_two_humps():
    rng = np.random.default_rng(3)
    factor = np.array([[1.0, 0.0], [0.8, 0.3]])
    gaussian = rng.normal(size=(4000, 2)) @ factor.T + [2.0, -1.0]
    found = learn(gaussian, Teaching(hidden=40, steps=300, batch=128, pool=128, rate=5e-3), rng).sample(4000, rng)
    np.testing.assert_allclose(found.mean(0), [2.0, -1.0], atol=0.15)
    np.testing.assert_allclose(np.cov(found.T), factor @ factor.T, atol=0.2)
    humps = np.where(rng.random((4000, 1)) < 0.5, -3.0, 3.0) + 0.3 * rng.normal(size=(4000, 1))
    found = learn(humps, Teaching(hidden=60, steps=400, batch=128, pool=128, rate=5e-3), rng).sample(2000, rng)
    assert np.mean(np.abs(found) < 1) < 0.12  # a Gaussian of that spread has a quarter there
    assert np.mean(found > 0) == pytest.approx(0.5, abs=0.1)


@pytest.mark.needs_jit
def test_the_same_seed_makes_the_same_flow():
    samples = np.random.default_rng(4).normal(size=(50, 3))
    made = [learn(samples, Teaching(hidden=6, steps=5, batch=8), np.random.default_rng(5)) for _ in range(2)]
    np.testing.assert_array_equal(made[0].field.weights, made[1].field.weights)
    drawn = [one.sample(7, np.random.default_rng(6)) for one in made]
    np.testing.assert_array_equal(*drawn)
    assert made[0].devices == made[0].field.network.mask().sum() // 2


@pytest.mark.parametrize("samples", [np.zeros((1, 3)), np.full((5, 2), np.nan), np.zeros(4)])
def test_samples_that_teach_nothing_are_refused(samples):
    with pytest.raises(InvalidValue, match="`samples` must be"):
        learn(samples, Teaching(), np.random.default_rng(0))
    with pytest.raises(InvalidValue):
        Teaching(hidden=0)


def test_the_schedule_rises_and_falls():
    heights = [schedule(share) for share in np.linspace(0, 1, 101)]
    assert heights[0] < 0.1
    assert max(heights) == 1
    assert heights[-1] == 0


@pytest.mark.needs_jit
def test_a_course_goes_on_from_any_step():
    samples = np.random.default_rng(8).normal(size=(40, 3))
    teaching = Teaching(hidden=5, steps=9, batch=4, pool=10)
    whole, first = (Course.begin(samples, teaching, 3) for _ in range(2))
    losses = [whole.advance() for _ in range(9)]
    for _ in range(4):
        first.advance()
    second = Course.begin(samples, teaching, 3)
    second.parameters, second.optimizer.state, second.step = first.parameters, first.optimizer.state, 4
    assert [second.advance() for _ in range(5)] == losses[4:]
    np.testing.assert_array_equal(second.parameters["flow"], whole.parameters["flow"])
    assert second.finished
