"""Symmetry points, and arrays whose references stand there."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.devices.law import SoftBounds, law
from crossbar.devices.presets import load
from crossbar.devices.symmetry_point import symmetry_points
from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.pulses.engines import apply_pulses

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


SKEWED = {"jumps_up": ((0.0, 4e-4, 0.012),), "jumps_down": ((-2.4e-3, -1.2e-3, 0.0),)}  # means 3.2e-3, -1.2e-3
LAWS = {
    "constant": {"up_down": -0.5, "dw_min": 0.01}, "linear": {"gamma_up": 0.9, "gamma_down": 0.2, "dw_min": 0.01},
    "soft-bounds": {"up_down": 0.4, "dw_min": 0.01}, "soft-bounds-pmax": {"alpha": 0.02, "p_max": 200},
    "nonlinear": {"nl_ltp": 3.0, "nl_ltd": -1.0}, "exponential": {"up_down": 0.2, "dw_min": 0.01},
    "power": {"pow_gamma": 1.5, "up_down": -0.3, "dw_min": 0.01}, "jump-table": SKEWED,
    "piecewise": {"piecewise_up": (3.0, 1.0), "piecewise_down": (1.0, 2.0), "dw_min": 0.01},
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("dtod", [0.0, 0.3])
def test_cancelling_pairs_lead_every_law_to_its_point(rng, name, dtod):
    spread = {"up_down_dtod": dtod} | ({} if name == "nonlinear" else {"dw_min_std": 0.0})
    state = law(name, **LAWS[name], **spread).sample((16, 16), rng, dtype=float)
    points = symmetry_points(state)
    seen = []
    for k in range(4000):
        state.law.pulse(state, (slice(None),), True, rng)
        state.law.pulse(state, (slice(None),), False, rng)
        if k > 2000:
            seen.append(state.hidden.copy())
    miss = np.abs(np.mean(seen, 0) - points) / (state.law.w_max - state.law.w_min)
    # two steps: where a pair is cut at a bound, or (jump table) wanders
    assert np.median(miss) < 0.01 + (0.03 if name == "jump-table" else 0)
    assert np.quantile(miss, 0.9) < 0.06  # a device whose steps nearly cancel everywhere wanders


def test_where_one_direction_wins_everywhere_pairs_lead_to_its_end(rng):
    """The reviewer's case: down-steps win; the point is w_min, not w_max."""
    for bias, end in ((-0.5, -0.6), (0.5, 0.6), (0.0, 0.0)):
        state = law("constant", up_down=bias).sample((3, 3), rng)
        np.testing.assert_allclose(symmetry_points(state), end, atol=1e-6)
    state = load("gokmen-vlasov").law.sample((100, 100), rng)
    falls = state.planes["step_up"] < state.planes["step_down"]
    np.testing.assert_array_equal(symmetry_points(state)[falls], state.planes["w_min"][falls])
    np.testing.assert_array_equal(symmetry_points(state)[~falls], state.planes["w_max"][~falls])


def test_a_jump_table_drifts_by_its_mean_not_its_median(rng):
    """Up-jumps of mean 3.2e-3 and median 4e-4 beat down-jumps of mean and median 1.2e-3."""
    state = law("jump-table", **SKEWED).sample((2, 2), rng)
    np.testing.assert_array_equal(symmetry_points(state), state.planes["w_max"])


def test_one_sided_devices_have_no_point(rng):
    with pytest.raises(InvalidValue, match="no symmetry point"):
        symmetry_points(load("pcm").law.sample((2, 2), rng))


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
