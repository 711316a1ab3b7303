"""Time against writing: devices age from their own last write, pulses act on what is there and stay."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.devices.law import ConstantStep
from crossbar.devices.nonidealities import FaultLaw, PowerLawDrift, Retention
from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import refresh, write_verify
from crossbar.programming.write_verify import WriteVerify

LAYERED = Network((("pixels", 6), ("hidden", 5)), "layered")
DENSE = Network((("pixels", 6), ("hidden", 5)))
HALF = 20 * 2.0**10  # s: after them (t / t0)^-0.1 is 1/2
HALVING = FaultLaw(drift=PowerLawDrift(nu=0.1, t0=20.0))
FINE = ConstantStep(dw_min=1e-4, dw_min_std=0.0, w_max=1.0, w_min=-1.0)


def make(rng, network=LAYERED, dtype="float64", **settings):
    weights = random_weights(network, rng, np.dtype(dtype).type)
    config = ArrayConfig(
        **({"dtype": dtype, "weight_limit": 2.0, "faults": HALVING, "encoding": "digital-difference"} | settings)
    )
    return CrossbarArray.from_weights(network, weights, config, rng), weights


def one_pair(network, row, column, size):
    """Return R and S of one example that asks w[row, column], and its transpose, to change by `size`."""
    response, mean = np.zeros((1, network.size)), np.zeros((1, network.size))
    response[0, row], mean[0, column] = size, 1.0
    return response, mean


@pytest.mark.needs_jit
@pytest.mark.parametrize("network", [DENSE, LAYERED])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_programming_an_aged_array_costs_pulses_and_ends_at_what_is_read(rng, network, symmetry):
    array, weights = make(rng, network, device=FINE, symmetry=symmetry)
    settings = WriteVerify(tolerance=0.002, max_pulses=20_000)
    write_verify(array, weights, settings, rng)
    array.at_time(HALF)
    aged = np.linalg.norm(array.weights() - weights) / np.linalg.norm(weights)
    assert aged == pytest.approx(0.5, abs=0.02)
    report = write_verify(array, weights, settings, rng)
    assert report.pulses_up > 1000
    assert report.failed == 0
    assert np.abs(array.weights() - weights).max() <= 2 * 0.002 * (array.mapping.high - array.mapping.low)
    assert array.time == HALF
    assert report.weight_error < 0.05


@pytest.mark.needs_jit
@pytest.mark.parametrize("device", [FINE, None])
@pytest.mark.parametrize("network", [DENSE, LAYERED])
def test_updates_after_ageing_do_what_was_asked_and_the_rest_goes_on_ageing(rng, network, device):
    array, _ = make(rng, network, device=device)
    array.at_time(HALF)
    before = array.weights().copy()
    array.update(*one_pair(network, 0, 7, 0.5), rate=1.0, rng=rng)
    change = array.weights() - before
    assert change[0, 7] == pytest.approx(0.5, abs=0.02)
    assert change[7, 0] == change[0, 7]
    change[0, 7] = change[7, 0] = 0
    assert not change.any()
    held = array.weights()[0, 7]
    array.at_time(HALF + 20.0)  # t0 after the update: the pulsed pair has not begun to drift
    assert array.weights()[0, 7] == pytest.approx(held, abs=1e-6)
    np.testing.assert_allclose(array.weights()[0, 6], before[0, 6] * ((HALF + 20) / HALF) ** -0.1, rtol=1e-5)
    array.at_time(2 * HALF)
    np.testing.assert_allclose(array.weights()[0, 6], before[0, 6] * 2**-0.1, rtol=1e-5)
    assert np.abs(array.weights()[0, 7]) < np.abs(held)


@pytest.mark.needs_jit
def test_a_pulsed_device_drifts_from_its_own_write_time(rng):
    """G(t) = G (age / t0)^-nu with the age since the device's own pulse, from a g_min of 0 S."""
    array, _ = make(rng, device=FINE, g_min=0.0, mapping="pair")
    array.at_time(HALF)
    array.update(*one_pair(LAYERED, 0, 7, 0.5), rate=1.0, rng=rng)
    plus, minus = (plane[0, 7] for plane in array.conductances())
    array.at_time(2 * HALF)
    later = [plane[0, 7] for plane in array.conductances()]
    np.testing.assert_allclose(later, [plus / 2, minus / 2], rtol=1e-6)


def test_a_partly_lost_state_is_what_pulses_meet(rng):
    """After a lifetime a float has 1/e of its way to g_min left; asked for 0.25 more, it gets that."""
    array, weights = make(rng, faults=FaultLaw(drift=Retention(lifetime=100.0)))
    array.at_time(100.0)
    np.testing.assert_allclose(array.weights(), weights / np.e, atol=1e-12)
    array.update(*one_pair(LAYERED, 1, 8, 0.25), rate=1.0, rng=rng)
    assert array.weights()[1, 8] == pytest.approx(weights[1, 8] / np.e + 0.25)


@pytest.mark.needs_jit
def test_refreshing_reads_the_weights_that_are_there(rng):
    array, _ = make(rng, device=FINE)
    for cells in array.cells:
        for state in cells.states:
            state.hidden += 0.5 * (1 - state.hidden)
    array.at_time(HALF)
    held = array.weights().copy()
    report = refresh(array, WriteVerify(tolerance=0.002, max_pulses=20_000), rng, above=0.3)
    assert report.devices > 0 == report.failed
    assert np.abs(array.weights() - held).max() <= 0.005 * (array.mapping.high - array.mapping.low)


@pytest.mark.needs_jit
def test_write_times_are_in_the_checkpoint_and_time_does_not_run_back(rng):
    array, _ = make(rng, device=FINE)
    array.at_time(HALF)
    array.update(*one_pair(LAYERED, 0, 7, 0.5), rate=1.0, rng=rng)
    again, _ = make(np.random.default_rng(1), device=FINE)
    again.load_state(array.state_dict())
    for one in (array, again):
        one.at_time(3 * HALF)
    np.testing.assert_array_equal(again.weights(), array.weights())
    with pytest.raises(InvalidValue, match="must not lie before the last pulse"):
        array.at_time(1.0)
    array.write(array.weights().copy(), rng)
    array.at_time(1.0)
