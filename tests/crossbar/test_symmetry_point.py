"""Symmetry points, and arrays whose references stand there."""

import numpy as np
import pytest

from crossbar.array import CrossbarArray
from crossbar.array_config import ArrayConfig
from crossbar.couplings import random_weights
from crossbar.devices import SoftBounds
from crossbar.errors import InvalidValue
from crossbar.network import Network
from crossbar.presets import load
from crossbar.pulse_engines import apply_pulses
from crossbar.symmetry_point import symmetry_points

NETWORK = Network((("pixels", 6), ("hidden", 5)))
BIASED = SoftBounds(dw_min=0.005, dw_min_std=0.0, up_down=0.3, up_down_dtod=0.1, w_max_dtod=0.1, w_min_dtod=0.1)


def test_soft_bounds_have_their_closed_form(rng):
    state = BIASED.sample((20, 30), rng)
    p = state.planes
    expected = (p["step_up"] - p["step_down"]) / (p["step_up"] / p["w_max"] - p["step_down"] / p["w_min"])
    np.testing.assert_allclose(symmetry_points(state), expected, atol=2e-6)


@pytest.mark.parametrize(
    ("device", "point"), [("epiram", 0.5), ("ag-a-si", 0.330), ("taox-hfox", 0.465), ("gst-pcm", 0.668)]
)
def test_points_of_presets(rng, device, point):
    """The table of research: in units of the range, from 0 to 1 (w from -1 to 1); also for a point that repels."""
    state = load(device).law.sample((200, 200), rng)
    assert np.median((symmetry_points(state) + 1) / 2) == pytest.approx(point, abs=0.006)


@pytest.mark.needs_jit
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_cancelling_pulses_lead_a_zero_shifted_array_to_zero(rng, symmetry):
    weights = random_weights(NETWORK, rng)
    common = {"device": BIASED, "mapping": "reference", "symmetry": symmetry, "weight_limit": 2.0}
    ends = {}
    for reference in ("zero", "symmetry-point"):
        array = CrossbarArray.from_weights(NETWORK, weights, ArrayConfig(reference=reference, **common), rng)
        np.testing.assert_allclose(array.matrix(), weights, atol=1e-6)
        plus, minus = array.conductances()
        np.testing.assert_allclose((plus - minus) / array.mapping.siemens_per_weight, weights, atol=1e-5)
        for _ in range(1500):
            apply_pulses(array.cells[0].states[0], 1, 1, rng)
        array.changed()
        ends[reference] = np.abs(array.matrix()).max()
    assert ends["symmetry-point"] < 0.02
    assert ends["zero"] > 0.2


def test_a_reference_that_misses(rng):
    weights = random_weights(NETWORK, rng)
    config = ArrayConfig(device=BIASED, mapping="reference", reference="symmetry-point", reference_error=0.05)
    array = CrossbarArray.from_weights(NETWORK, weights, config, rng)
    shift = array.cells[0].shift
    np.testing.assert_array_equal(shift, shift.T)
    miss = (shift / array.cells[0].scale - symmetry_points(array.cells[0].states[0]))[np.triu_indices(11, 1)] / 1.2
    assert 0.03 < miss.std() < 0.07
    again = CrossbarArray.from_weights(NETWORK, weights, config, np.random.default_rng(5))
    again.load_state(array.state_dict())
    np.testing.assert_array_equal(again.matrix(), array.matrix())


def test_it_needs_a_device_and_a_reference():
    with pytest.raises(InvalidValue, match="needs mapping='reference'"):
        ArrayConfig(reference="symmetry-point")
