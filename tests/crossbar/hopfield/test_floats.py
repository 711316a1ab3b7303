"""Functions of numbers that the compiler can vectorise agree with those of the C library."""

import numpy as np
import pytest
from numba import njit

from crossbar.hopfield.kernels import floats


@njit
def logs(x, out):
    for i in range(len(x)):
        out[i] = floats.log(x[i])


@njit
def largest(x):
    worst = floats.rank(x.dtype.type(0))
    for i in range(len(x)):
        worst = max(worst, floats.rank(x[i]))
    return floats.number(worst)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 2e-7), (np.float64, 1e-15)])
def test_logarithm_over_the_range_of_signals(rng, dtype, bound):
    x = np.concatenate([np.exp(rng.uniform(-40, 40, 2000)), 1 + 1e-3 * rng.normal(size=500), [1.0]]).astype(dtype)
    out = np.empty_like(x)
    logs(x, out)
    exact = np.log(x.astype(np.float64))
    assert (np.abs(out - exact) <= bound * np.maximum(np.abs(exact), 0.1)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_largest_is_exact_and_finds_what_is_not_finite(rng, dtype):
    x = np.abs(rng.normal(size=1000)).astype(dtype)
    assert largest(x) == x.max()
    x[[3, 700]] = np.inf, 1e30
    assert largest(x) == np.inf
    x[5] = np.nan
    assert np.isnan(largest(x))
