"""Converters: codes, ranges, saturation, and the fused kernel of the outputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arrays.converters import Converter, adc, dac
from crossbar.arrays.kernels.reads import convert_sums, quantise
from crossbar.errors import InvalidValue

NONE = np.zeros((0, 0))


@settings(deadline=None)
@given(st.integers(2, 12), st.booleans(), st.floats(0.1, 100))
def test_codes_are_equally_spaced_and_fill_the_range(bits, bipolar, high):
    converter = dac(bits, high=high, bipolar=bipolar)
    values = np.linspace(-2 * high, 2 * high, 401)[None]
    codes = converter.convert(values) / converter.step
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-6)
    assert codes.max() == pytest.approx((high / converter.step), abs=1e-6)
    assert codes.min() == pytest.approx(-codes.max() if bipolar else 0, abs=1e-6)
    assert round(codes.max() - codes.min()) + 1 == (2**bits - 1 if bipolar else 2**bits)
    inside = (values >= converter.low) & (values <= high)
    assert np.abs(converter.convert(values) - values)[inside].max() <= converter.step / 2 * (1 + 1e-9)


def test_aihwkit_resolution():
    """Its default input, 7 bits over [-1, 1], has steps of 2/126."""
    assert dac(7, bipolar=True).step == 2 / 126


def test_without_bits_only_the_range_acts():
    values = np.array([[-3.0, 0.123, 3.0]])
    np.testing.assert_array_equal(adc(None, high=2.0).convert(values), [[-2.0, 0.123, 2.0]])


def test_single_precision_stays_single():
    assert dac(4).convert(np.ones((2, 3), np.float32)).dtype == np.float32


def test_the_fused_kernel_converts_adds_and_counts():
    sums, out = np.array([[-9.0, 0.3, 0.74], [9.0, 8.0, -1.2]]), np.ones((2, 3))
    saturated = convert_sums(sums, NONE, 0.0, -8.0, 8.0, 0.5, np.uint64(1), out)
    np.testing.assert_array_equal(out, [[-7.0, 1.5, 1.5], [9.0, 9.0, 0.0]])
    assert saturated == 2


def test_the_fused_kernel_without_converter_is_exact():
    sums, out = np.random.default_rng(0).normal(size=(3, 5)), np.zeros((3, 5))
    assert convert_sums(sums, NONE, 0.0, -np.inf, np.inf, 0.0, np.uint64(1), out) == 0
    np.testing.assert_array_equal(out, sums)


def test_quantise_in_place():
    values = np.array([[0.26, 0.9]])
    quantise(values, 0.0, 1.0, 0.5, values)
    np.testing.assert_array_equal(values, [[0.5, 1.0]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bits": 0, "low": 0.0, "high": 1.0}, "`bits` must be from 1 to 24"),
        ({"bits": 1, "low": -1.0, "high": 1.0}, "`bits` must be from 2 to 24"),
        ({"bits": 8, "low": -1.0, "high": 2.0}, "`low`"),
        ({"bits": 8, "low": 0.0, "high": 0.0}, "`high`"),
        ({"bits": 8, "low": 0.0, "high": float("nan")}, "`high`"),
    ],
)
def test_bad_converters_are_refused(values, message):
    with pytest.raises(InvalidValue, match=message):
        Converter(**values)
