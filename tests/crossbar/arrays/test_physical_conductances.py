"""No device conducts less than nothing: whatever its law, spread, noise and pulses."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.construction import hardware
from crossbar.devices import presets
from crossbar.devices.law import ConstantStep
from crossbar.devices.nonidealities import FaultLaw, PowerLawDrift
from crossbar.devices.write_errors import gaussian
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import write_verify
from crossbar.programming.write_verify import WriteVerify
from crossbar.pulses.engines import apply_pulses

NETWORK = Network((("pixels", 8), ("hidden", 7)), "layered")


def make(rng, **settings):
    weights = random_weights(NETWORK, rng)
    return CrossbarArray.from_weights(NETWORK, weights, ArrayConfig(**settings), rng), weights


def least(array):
    return min(float(plane.min()) for plane in array.conductances())


@pytest.mark.needs_jit
@pytest.mark.parametrize("device", presets.names())
def test_no_pulses_on_any_preset_take_a_device_below_zero_siemens(device):
    rng = np.random.default_rng(3)
    inside = 0 < hardware(ArrayConfig(device=device)).zero < 1
    for mapping in ("pair", "reference")[: 1 + inside]:
        array, _ = make(rng, device=device, mapping=mapping, weight_limit=1.5)
        assert least(array) >= 0
        for _ in range(3):
            signals = rng.normal(size=(20, NETWORK.size)), rng.random((20, NETWORK.size))
            array.update(*signals, rate=0.2, rng=rng)
            assert least(array) >= 0
        for cells in array.cells:
            for state in cells.states:
                apply_pulses(state, 0, 4000, rng)
        array.changed()
        assert least(array) >= 0
        plus, minus = array.conductances()
        np.testing.assert_allclose((plus - minus) / array.mapping.siemens_per_weight, array.weights(), atol=1e-5)


@pytest.mark.needs_jit
def test_bounds_that_spread_below_zero_siemens_are_held_there_and_counted(rng):
    """w_min = -|1 + 0.5 xi| with 0 S at w = -1.25: it lies lower where |1 + 0.5 xi| > 1.25, 30.9 % of the devices."""
    law = ConstantStep(dw_min=0.01, w_max=1.0, w_min=-1.0, w_min_dtod=0.5, w_max_dtod=0.0)
    network = Network((("rows", 100), ("columns", 100)), "layered")
    zeros = np.zeros((200, 200))
    config = ArrayConfig(device=law, g_min=2e-6, g_max=18e-6, weight_limit=1.0, mapping="reference")
    array = CrossbarArray.from_weights(network, zeros, config, rng)
    (cells,) = array.cells
    assert cells.held == pytest.approx(0.3085, abs=5 * np.sqrt(0.31 * 0.69 / 1e4))
    apply_pulses(cells.states[0], 0, 400, rng)
    array.changed()
    region = array.conductances()[0][:100, 100:]
    assert region.min() == 0
    assert np.mean(region == 0) == pytest.approx(cells.held, abs=1e-3)


@pytest.mark.needs_jit
def test_write_noise_takes_no_device_below_zero_and_verifying_reads_see_that(rng):
    law = ConstantStep(dw_min=0.01, w_max=1.0, w_min=-1.0, write_noise_std=50.0)
    array, weights = make(rng, device=law, g_min=0.0, weight_limit=2.0)
    assert least(array) == 0
    write_verify(array, weights, WriteVerify(tolerance=0.05), rng)
    assert least(array) >= 0


@pytest.mark.parametrize("mapping", ["pair", "reference"])
def test_floats_stay_physical_too(rng, mapping):
    faults = FaultLaw(variation=0.5, drift=PowerLawDrift(nu=0.1, nu_std=0.1))
    array, _ = make(rng, mapping=mapping, programming_error=gaussian(0.3), faults=faults, dtype="float64")
    for hours in (1, 2, 3):
        array.at_time(3600.0 * hours)
        array.update(rng.normal(size=(5, NETWORK.size)), rng.random((5, NETWORK.size)), rate=0.3, rng=rng)
        assert least(array) >= 0


def test_a_reference_conducts_no_less_than_nothing(rng):
    law = ConstantStep(dw_min=0.01, w_max=1.0, w_min=-1.0)
    array, _ = make(
        rng, device=law, g_min=0.0, mapping="reference", reference="symmetry-point", reference_error=2.0,
        weight_limit=1.0,
    )  # fmt: skip
    assert least(array) == 0
