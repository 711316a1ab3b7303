"""From a user's numbers to [-1, 1] and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crossbar.errors import UnknownName
from hvae.api.scaling import Scaling

GREY = np.array([[0.0, 255.0, 51.0], [255.0, 0.0, 51.0]])
NUMBERS = arrays(np.float64, (5, 3), elements=st.floats(-1e6, 1e6))


def test_global_takes_all_features_by_one_range():
    pixels = Scaling.learned("global", GREY).pixels(GREY, np.float64)
    np.testing.assert_allclose(pixels, [[-1, 1, -0.6], [1, -1, -0.6]], rtol=0, atol=1e-15)


def test_feature_takes_each_by_its_own_and_leaves_a_constant_in_the_middle():
    pixels = Scaling.learned("feature", GREY).pixels(GREY, np.float64)
    np.testing.assert_allclose(pixels, [[-1, 1, 0], [1, -1, 0]], rtol=0, atol=1e-15)


def test_none_leaves_numbers_as_they_are():
    assert (Scaling.learned("none", GREY).pixels(GREY, np.float64) == GREY).all()


def test_what_lies_beyond_the_learned_range_lies_beyond_one():
    assert Scaling.learned("global", GREY).pixels(np.full((1, 3), 510.0), np.float64).max() == 3


def test_the_range_of_the_largest_floats_is_finite():
    large = np.finfo(np.float64).max
    scaling = Scaling.learned("global", np.array([[-large], [large]]))
    assert scaling.pixels(np.array([[large]]), np.float64) == 1


@given(NUMBERS, st.sampled_from(["global", "feature", "none"]))
def test_values_of_pixels_are_the_values(values, kind):
    scaling = Scaling.learned(kind, values)
    pixels = scaling.pixels(values, np.float64)
    if kind != "none":
        assert np.abs(pixels).max() <= 1 + 1e-9
    np.testing.assert_allclose(scaling.values(pixels), values, rtol=1e-12, atol=1e-9)


def test_another_scaling_is_named():
    with pytest.raises(UnknownName, match="did you mean 'feature'"):
        Scaling.learned("features", GREY)
