"""One wording for what every door asks of a number."""

import math

import pytest

from crossbar.errors import InvalidValue
from crossbar.numerics import checks


@pytest.mark.parametrize("value", [0, -1.0, math.inf, math.nan])
def test_what_is_not_positive_and_finite_is_refused(value):
    with pytest.raises(InvalidValue, match="`rate` must be positive and finite, but got"):
        checks.positive("rate", value)


@pytest.mark.parametrize("value", [-1e-300, math.inf, math.nan])
def test_what_is_negative_or_not_finite_is_refused(value):
    with pytest.raises(InvalidValue, match=r"`g_min` must not be negative, but got .* S"):
        checks.not_negative("g_min", value, " S")


@pytest.mark.parametrize("value", [1, 0.5, math.nan])
def test_what_is_too_little_is_refused(value):
    with pytest.raises(InvalidValue, match="`max_sweeps` must be at least 2, but got"):
        checks.at_least("max_sweeps", value, 2)


def test_what_is_asked_for_passes():
    checks.positive("rate", 5e-324)
    checks.not_negative("g_min", 0.0)
    checks.at_least("max_sweeps", 2, 2)


@pytest.mark.parametrize("value", [0, 25, math.inf, math.nan])
def test_what_lies_out_of_bounds_is_refused_with_the_reason(value):
    with pytest.raises(InvalidValue, match=r"`bits` must be from 1 to 24, but got .*: no converter has others"):
        checks.Bounds(1, 24, "no converter has others").check("bits", value)


@pytest.mark.parametrize("value", [1, 24, None])
def test_both_ends_lie_within_and_no_number_does(value):
    checks.Bounds(1, 24, "no converter has others").check("bits", value)
