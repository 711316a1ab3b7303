"""Pairs of noise and samples, the units that they are in, and the batches that are cut from them."""

from itertools import permutations

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from hvae.config.flow import Teaching
from hvae.flows.lessons import FLOOR, Lessons, Units, outward
from hvae.flows.pairing import independent, nearest


def lessons(samples, **teaching):
    chosen = Teaching(**{"batch": 4, "pool": 12, "pairing": "independent"} | teaching)
    units = Units(mean=np.zeros(samples.shape[1]), scale=np.ones(samples.shape[1]))
    return Lessons(samples=samples, spread=0.0, units=units, teaching=chosen, seed=0)


def test_the_nearest_pairs_are_those_of_least_cost():
    rng = np.random.default_rng(7)
    start, end = rng.normal(size=(2, 6, 3))
    costs = [((start[list(order)] - end) ** 2).sum() for order in permutations(range(6))]
    found = nearest(start, end)
    assert ((found - end) ** 2).sum() == pytest.approx(min(costs))
    assert sorted(map(tuple, found)) == sorted(map(tuple, start))
    assert independent(start, end) is start


def test_units_have_mean_and_deviation_and_no_coordinate_a_tiny_one():
    samples = np.random.default_rng(0).normal(size=(4000, 3)) * [2.0, 1.0, 0.0] + [1.0, 0.0, 5.0]
    units = Units.of(samples)
    np.testing.assert_allclose(units.mean, [1, 0, 5], atol=0.1)
    np.testing.assert_allclose(units.scale[:2], [2, 1], rtol=0.05)
    assert units.scale[2] == pytest.approx(FLOOR * np.sqrt(np.mean(samples.std(0) ** 2)))
    np.testing.assert_allclose(units.outward(units.inward(samples)), samples, atol=1e-5)
    assert Units.of(samples, 3.0).scale[1] == pytest.approx(np.sqrt(10), rel=0.05)


def test_a_lesson_lies_on_its_path_and_asks_for_its_direction():
    samples = np.random.default_rng(1).normal(size=(30, 2)).astype(np.float32)
    course = lessons(samples)
    lesson = course.at(5)
    end = lesson.x + (1 - lesson.t)[:, None] * lesson.target  # x = (1 - t) x_0 + t x_1, u = x_1 - x_0
    distances = ((end[:, None] - samples) ** 2).sum(2).min(1)
    assert distances.max() < 1e-9
    assert ((lesson.t >= 0) & (lesson.t < 1)).all()


def test_every_sample_has_its_turn_before_any_comes_twice():
    samples = np.arange(12, dtype=np.float32)[:, None]
    course = lessons(samples)
    ends = [lesson.x + (1 - lesson.t)[:, None] * lesson.target for lesson in (course.at(step) for step in range(3))]
    np.testing.assert_allclose(np.sort(np.concatenate(ends).ravel()), np.arange(12), atol=1e-5)


def test_a_lesson_is_the_same_whenever_it_is_asked_for():
    samples = np.random.default_rng(2).normal(size=(7, 2)).astype(np.float32)
    first, second = lessons(samples), lessons(samples)
    for _ in range(4):
        ahead = first.at(9)
        first.at(2)
    np.testing.assert_array_equal(ahead.x, second.at(9).x)
    assert not np.array_equal(ahead.x, second.at(8).x)


def test_a_pool_smaller_than_a_batch_is_refused():
    with pytest.raises(InvalidValue, match=r"`teaching.pool` must be at least `teaching.batch`, 256, but got 100"):
        Teaching(pool=100)
    with pytest.raises(InvalidValue, match=r"`teaching.times` must be even"):
        Teaching(times=3)


def test_pixels_at_their_ends_move_outward_and_clipping_takes_them_back():
    rng = np.random.default_rng(3)
    samples = np.clip(rng.normal(size=(4000, 2)), -1, 1)
    moved = outward(samples, 0.3, rng)
    np.testing.assert_array_equal(np.clip(moved, -1, 1), samples)
    np.testing.assert_array_equal(moved[np.abs(samples) < 1], samples[np.abs(samples) < 1])
    beyond = np.abs(moved[np.abs(samples) == 1]) - 1
    assert np.sqrt(np.mean(beyond**2)) == pytest.approx(0.3, rel=0.05)
    assert outward(samples, 0.0, rng) is samples


def test_lessons_of_pixels_have_the_margin():
    samples = np.full((30, 2), -1.0, np.float32)
    lesson = lessons(samples, margin=0.5).at(0)
    ends = lesson.x + (1 - lesson.t)[:, None] * lesson.target
    assert (ends < -1).all()
