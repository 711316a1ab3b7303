"""What an array and its parts refuse, and what they no longer get wrong at their edges."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import Converter, adc, dac
from crossbar.devices.law import ConstantStep, SoftBounds
from crossbar.devices.nonidealities import FaultLaw
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.pulses.engines import update
from crossbar.wires.solver import output_currents

DENSE = Network((("pixels", 5), ("hidden", 4), ("latent", 2)))
STEP = ConstantStep(dw_min=1e-3, dw_min_std=0.0)


def make(rng, dtype="float32", **settings):
    weights = random_weights(DENSE, rng, np.dtype(dtype).type)
    return CrossbarArray.from_weights(DENSE, weights, ArrayConfig(dtype=dtype, **settings), rng)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"tile_size": 2.5}, InvalidValue, "`tile_size` must be a whole number, but got 2.5"),
        ({"tile_size": True}, InvalidValue, "`tile_size` must be a whole number"),
        ({"encoding": "foo"}, UnknownName, "encoding"), ({"engine": "foo"}, UnknownName, "engine"),
        ({"dac": 8}, InvalidValue, "`dac` must be a Converter"), ({"adc": 8}, InvalidValue, "`adc` must be"),
        ({"device": 5}, InvalidValue, "`device` must be a name, a preset or a law"),
        ({"read_noise": None}, InvalidValue, "`read_noise` must be"),
        ({"faults": {}}, InvalidValue, "`faults` must be"),
        ({"weight_coverage": 0.5, "weight_limit": 1.0}, InvalidValue, "at most one of `weight_coverage`"),
        ({"weight_coverage": 0.5, "siemens_per_weight": 1e-5}, InvalidValue, "at most one of `weight_coverage`"),
    ],
)  # fmt: skip
def test_settings_of_other_kinds_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        ArrayConfig(**settings)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: FaultLaw(levels=2.5), "`levels` must be a whole number"),
        (lambda: FaultLaw(levels=True), "`levels` must be a whole number"),
        (lambda: dac(8.5), "`bits` must be a whole number"), (lambda: dac(True), "`bits` must be a whole number"),
        (lambda: adc(8, high=1e-320), "`high` of a converter must be at least"),
        (lambda: Network((("pixels", 2.0), ("hidden", 3))), "a whole number, but got 2.0"),
        (lambda: Network((("pixels", True),)), "a whole number"),
        (lambda: Network((("pixels", 3),), "layered"), "must have at least 2 blocks"),
        (lambda: output_currents(np.ones((2, 2)), np.ones(2) * 1j, 1.0, 1.0), "`voltages` must be real"),
        (lambda: output_currents(np.ma.ones((2, 2)), np.ones(2), 1.0, 1.0), "`conductances` must be real"),
    ],
)
def test_parts_of_other_kinds_are_refused(build, message):
    with pytest.raises(InvalidValue, match=message):
        build()


def test_weights_do_not_change_behind_their_readers_back(rng):
    array = make(rng, "float64")
    seen, held = array.weights(), array.weights().copy()
    array.update(rng.random((3, DENSE.size)), rng.random((3, DENSE.size)), rate=0.1, rng=rng)
    np.testing.assert_array_equal(seen, held)
    assert np.abs(array.weights() - held).max() > 0.01


@pytest.mark.needs_jit
@pytest.mark.parametrize("engine", ["aggregate", "example", "walk"])
def test_float64_devices_without_a_pulse_keep_their_digits(rng, engine):
    law = SoftBounds(dw_min=1e-3, w_max=1.0, w_min=-1.0)
    state = law.sample((6, 7), rng, dtype=np.float64)
    state.hidden[...] = rng.uniform(-0.5, 0.5, (6, 7))
    before = state.hidden.copy()
    rows, columns = np.zeros((4, 6)), np.zeros((4, 7))
    rows[:, 2], columns[:, 3] = 1.0, 1.0
    update(state, rows, columns, rate=0.01, rng=rng, engine=engine)
    changed = state.hidden != before
    assert changed[2, 3]
    assert changed.sum() == 1


@pytest.mark.needs_jit
def test_a_rate_beyond_single_precision_leaves_silent_lines_alone(rng):
    state = STEP.sample((3, 4), rng)
    rows, columns = np.zeros((1, 3), np.float32), np.zeros((1, 4), np.float32)
    rows[0, 1], columns[0, 2] = 0.5, 0.5
    report = update(state, rows, columns, rate=1e80, rng=rng)
    assert report.up == 31
    assert np.isfinite(state.hidden).all()
    assert np.count_nonzero(state.hidden) == 1
    array = make(rng)
    with pytest.raises(InvalidValue, match="`rate` must be positive and finite in float32"):
        array.update(np.zeros((1, 11)), np.zeros((1, 11)), rate=1e80, rng=rng)


@pytest.mark.needs_jit
@pytest.mark.parametrize("device", [None, STEP])
def test_a_lone_neuron_has_no_devices_and_costs_nothing(rng, device):
    network = Network((("one", 1),))
    config = ArrayConfig(device=device, weight_limit=1.0, encoding="digital-difference")
    array = CrossbarArray.from_weights(network, np.zeros((1, 1)), config, rng)
    array.update(np.ones((2, 1)), np.ones((2, 1)), rate=0.1, rng=rng)
    assert array.counted().write_energy == 0
    assert array.matrix()[0, 0] == 0


def test_a_converter_takes_whole_numbers():
    np.testing.assert_allclose(Converter(bits=8, low=0, high=1.0).convert(np.array([[0, 1, 2]])), [[0, 1, 1]])
