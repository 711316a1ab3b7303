"""Devices that are alike keep one number a parameter, and are in all else what devices with planes of their own are."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.devices import law as devices
from crossbar.devices.laws import spreads
from crossbar.devices.presets import load, names
from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.pulses.engines import apply_pulses, mirror, update, update_shared

NAMES = ("constant", "linear", "soft-bounds", "soft-bounds-pmax", "nonlinear", "exponential", "power", "piecewise",
         "jump-table")  # fmt: skip
SHAPE = (30, 30)


def spread_out(state):
    """Return the same devices, each with parameters of its own."""
    own = state.copy()
    own.stack = own.stack.copy()
    return own


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_takes_one_number(rng, name):
    state = devices.law(name).sample(SHAPE, rng)
    assert state.alike
    assert not any(state.stack.strides[1:])
    assert state.stack.shape == (len(state.law.layout), *SHAPE)
    assert all(np.ptp(plane) == 0 for plane in state.parameters.values())


def test_one_spread_gives_every_device_its_own(rng):
    state = devices.law("soft-bounds", w_max_dtod=0.1).sample(SHAPE, rng)
    assert not state.alike
    assert state.stack.flags.c_contiguous
    assert np.ptp(state.parameters["w_max"]) > 0
    assert np.ptp(state.parameters["w_min"]) == 0


@pytest.mark.parametrize("size", [0, 1, 5, 1000])
def test_what_is_passed_over_is_as_many_draws(monkeypatch, size):
    """So that seeds give what they gave when every parameter was drawn."""
    monkeypatch.setattr(spreads, "_PASSED", 7)
    one, other = np.random.default_rng(5), np.random.default_rng(5)
    assert not spreads.spread(0.0, (size, 3), one).any()
    other.standard_normal((size, 3))
    assert one.bit_generator.state == other.bit_generator.state


@pytest.mark.needs_jit
@pytest.mark.parametrize("engine", ["walk", "example", "aggregate"])
@pytest.mark.parametrize("name", NAMES)
def test_engines_do_the_same_to_both(rng, name, engine):
    state = devices.law(name).sample((30, 300), rng)
    own = spread_out(state)
    rows, columns = rng.random((9, 30), np.float32), rng.random((9, 300), np.float32) - np.float32(0.5)
    for one in (state, own):
        update(one, rows, columns, rate=40 * one.law.granularity, rng=np.random.default_rng(6), engine=engine)
        apply_pulses(one, 3, 2, np.random.default_rng(7))
    np.testing.assert_array_equal(state.hidden, own.hidden)
    assert np.ptp(state.hidden) > 0


def test_writing_to_a_plane_changes_one_device(rng):
    """As before: the others stay, and so do copies."""
    state = devices.law("soft-bounds").sample(SHAPE, rng)
    copy = state.copy()
    state.planes["step_up"][3, 4] = 0
    assert not state.alike
    assert copy.alike
    apply_pulses(state, 5, 0, rng)
    assert state.visible[3, 4] == 0
    assert (state.visible > 0).sum() == state.visible.size - 1


def test_reading_parameters_takes_no_memory(rng):
    state = devices.law("soft-bounds").sample(SHAPE, rng)
    for plane in state.parameters.values():
        with pytest.raises(ValueError, match="read-only"):
            plane[0, 0] = 1
    mirror(state)
    state.program(0.1, rng)
    assert state.alike


@pytest.mark.parametrize("alike", [True, False])
def test_what_was_stored_as_planes_comes_back(rng, alike):
    """Checkpoints hold planes, as they always have."""
    law = devices.law("soft-bounds")
    state = law.sample(SHAPE, rng)
    state.hidden[...] = rng.random(SHAPE)
    stored = {name: np.array(plane) for name, plane in state.arrays().items()}
    assert {plane.shape for plane in stored.values()} == {SHAPE}
    if not alike:
        stored["step_up"][2, 2] = 0
    back = law.restore(stored)
    assert back.alike == alike
    for name, plane in back.arrays().items():
        np.testing.assert_array_equal(plane, stored[name])
    with pytest.raises(InvalidValue, match="lack"):
        law.restore({"hidden": state.hidden, "visible": state.visible})


@pytest.mark.needs_jit
def test_an_array_of_them_goes_on_from_its_state(rng):
    network = Network((("a", 9), ("b", 8)))
    weights, config = random_weights(network, rng), ArrayConfig(device="epiram")
    one, other = (CrossbarArray.from_weights(network, weights, config, np.random.default_rng(k)) for k in (1, 2))
    response, mean = 0.1 * rng.standard_normal((4, 17)), rng.random((4, 17))
    one.update(response, mean, rate=0.3, rng=rng)
    other.load_state(one.state_dict())
    for array in (one, other):
        assert all(state.alike for state in array.cells[0].states)
        array.update(response, mean, rate=0.3, rng=np.random.default_rng(4))
    np.testing.assert_array_equal(one.matrix(), other.matrix())


@pytest.mark.parametrize("name", names())
def test_presets_say_themselves_whether_they_spread(rng, name):
    law = load(name).law
    spreading = any(
        getattr(law, field) for field in dir(law) if field.endswith("_dtod") and not field.startswith("_")
    )
    assert law.sample((4, 4), rng).alike == (not spreading)


@pytest.mark.needs_jit
def test_shared_devices_stay_symmetric(rng):
    state = mirror(devices.law("nonlinear", ctoc=0.02).sample(SHAPE, rng))
    signals = rng.random((8, 30), np.float32)
    update_shared(state, signals, signals, rate=3 * state.law.granularity, rng=rng)
    np.testing.assert_array_equal(state.hidden, state.hidden.T)
    assert state.alike
