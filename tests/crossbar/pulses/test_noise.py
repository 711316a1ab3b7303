"""The kernels' random numbers, and that everything runs without the compiler on tiny arrays."""

import numpy as np
import pytest

from crossbar.devices import law as devices
from crossbar.numerics.random import draw_bits, gaussian, half_gaussian, stream
from crossbar.pulses.engines import ENGINES, update


def test_every_engine_runs_on_tiny_arrays():
    for name in ("soft-bounds", "exponential", "jump-table"):
        for engine in ENGINES:
            rng = np.random.default_rng(2)
            state = devices.law(name, dw_min=0.01).sample((3, 4), rng)
            report = update(state, rng.random((2, 3)), rng.random((2, 4)), rate=0.05, rng=rng, engine=engine)
            assert report.up > 0
            assert state.visible.mean() > 0


def test_coarse_devices_go_pulse_by_pulse_with_and_without_the_compiler():
    """Steps too large for the series of `example`: its own walk, which needs the numbers of a stream below zero."""
    law = devices.law("soft-bounds", dw_min=0.3, dw_min_std=0.0, w_max=1.0, w_min=-1.0)
    found = []
    for engine in ("example", "walk"):
        rng = np.random.default_rng(2)
        state = law.sample((3, 4), rng)
        update(state, rng.random((2, 3)), rng.random((2, 4)), rate=0.5, rng=rng, engine=engine)
        found.append(state.hidden)
    assert found[0].mean() > 0
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


@pytest.mark.needs_jit
def test_normal_draws_have_unit_variance_and_no_neighbours():
    state = stream(np.uint64(7), 3, 4)
    words = np.array([draw_bits(state, k) for k in range(40_000)], np.uint64)
    full = np.array([gaussian(word) for word in words])
    half = np.array([half_gaussian(np.uint32(word & np.uint64(0xFFFFFFFF))) for word in words])
    for sample in (full, half):
        n = len(sample)
        assert abs(sample.mean()) < 4 / np.sqrt(n)
        assert abs(sample.var() - 1) < 4 * np.sqrt(2 / n)
        assert abs(np.mean(sample[1:] * sample[:-1])) < 4 / np.sqrt(n)
        assert abs(np.mean(sample**3)) < 4 * np.sqrt(15 / n)
