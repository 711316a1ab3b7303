"""The rate that is asked of a device is the rate that its pulses make, or the law says by how much it is not."""

from dataclasses import fields, replace

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.devices import law as devices
from crossbar.devices import presets
from crossbar.hopfield.network import Network
from crossbar.pulses.encodings import Contrast, encoding
from crossbar.pulses.engines import update

SKEWED = ((0.0, 0.001, 0.05),), ((-0.06, -0.001, 0.0),)  # means 0.013 and -0.0155, medians 0.001 and -0.001
LAWS = {
    "constant": {}, "linear": {"gamma_up": 0.5, "gamma_down": 0.3}, "soft-bounds": {}, "soft-bounds-pmax": {},
    "nonlinear": {"nl_ltp": 2.0, "nl_ltd": -4.0, "p_max": 400}, "exponential": {"A_up": -3.0, "A_down": -9.0},
    "power": {"pow_gamma": 2.0, "pow_up_down": 0.2}, "piecewise": {"piecewise_up": (1, 5, 2), "piecewise_down": (7,)},
    "jump-table": {"jumps_up": SKEWED[0], "jumps_down": SKEWED[1], "w_max": 1.0, "w_min": -1.0},
}  # fmt: skip


def quiet(law):
    """The same devices without noise or spread."""
    names = [field.name for field in fields(law) if field.init and field.name.endswith(("_std", "_dtod", "ctoc"))]
    noise = {name: 0.0 for name in names} | ({"dw_min_std": 0.0} if law.name != "nonlinear" else {})
    return replace(law, **noise)


CASES = [pytest.param(devices.law(name, **given), id=name) for name, given in LAWS.items()]
CASES += [pytest.param(presets.load(name).law, id=f"preset {name}") for name in presets.names()]


@pytest.mark.needs_jit
@pytest.mark.parametrize("law", CASES)
@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("place", ["zero", "middle"])
def test_the_rate_asked_is_the_rate_realised_as_told(rng, law, up, place):
    law = quiet(law)
    share = 0.5 if place == "middle" else law.zero_place
    told = law.realised(share)[0 if up else 1]
    state = law.sample((150, 150), rng)
    state.program(law.w_min + share * (law.w_max - law.w_min), rng)
    before = state.hidden.mean(dtype=float)
    asked = 0.3 * law.granularity  # so that few devices get a second pulse, from where the first led
    one = np.ones((1, 150), np.float32)
    lead = one if up or law.one_sided else -one
    zeros = np.zeros_like(one)
    contrast = Contrast(rows=lead, columns=one, rows_free=zeros, columns_free=zeros)
    report = encoding("digital-difference").send(state, contrast, rate=asked, rng=rng)
    assert report.pulses == pytest.approx(0.3 * 150 * 150, rel=0.05)
    made = abs(state.hidden.mean(dtype=float) - before) * (150 * 150 * 0.3 / report.pulses)
    noise = 0.05 if law.name == "jump-table" else 0.002  # of a jump, over the pulses
    clipped = share in (0, 1) or told * law.granularity > 0.4 * (law.w_max - law.w_min)
    assert made / asked == pytest.approx(told, rel=noise) or clipped


@pytest.mark.parametrize("law", CASES)
def test_both_directions_at_zero_have_the_mean_that_was_asked(law):
    up, down = law.realised(law.zero_place)
    assert (up if law.one_sided else (up + down) / 2) == pytest.approx(1, abs=1e-12)


@pytest.mark.needs_jit
@pytest.mark.parametrize("law", CASES)
def test_trains_send_as_many_pulses_as_the_rate_and_the_step_want(rng, law):
    """Expected coincidences: rate sum_b |x_bi d_bj| / granularity."""
    law = quiet(law)
    state = law.sample((60, 50), rng)
    rows, columns = rng.random((400, 60), np.float32), rng.random((400, 50), np.float32) - np.float32(0.5)
    rate = 0.05 * law.granularity
    expected = rate * (rows.sum(1) * np.abs(columns).sum(1)).sum() / law.granularity
    assert update(state, rows, columns, rate=rate, rng=rng).pulses == pytest.approx(expected, rel=0.1)


def test_a_log_normal_spread_raises_the_mean_step(rng):
    law = devices.law("constant", dw_min=1e-4, dw_min_std=0.0, dw_min_dtod=0.8, dw_min_dtod_log_normal=True)
    steps = law.sample((500, 500), rng).planes["step_up"]
    assert law.granularity == pytest.approx(steps.mean(dtype=float), rel=0.01)
    assert law.granularity == pytest.approx(1e-4 * np.exp(0.32))


@pytest.mark.needs_jit
@pytest.mark.parametrize("name", ["factorised", "two-phase", "digital-difference", "sign"])
def test_one_sided_devices_get_only_what_leads_up(rng, name):
    """Every encoding: a weight falls because its second device rises; at zero, and at the rate asked."""
    law = quiet(replace(presets.load("pcm").law, dw_min=1e-6, dw_min_std_add=0.0, dw_min_std_slope=0.0))
    network = Network((("pixels", 30), ("hidden", 20)))
    config = ArrayConfig(device=law, encoding=name, weight_limit=2.0)
    array = CrossbarArray.from_weights(network, np.zeros((50, 50), np.float32), config, rng)
    response = rng.standard_normal((64, 50)).astype(np.float32) * np.float32(0.1)
    mean = rng.random((64, 50), np.float32)
    wanted = 2e-4 * (response.T @ mean + mean.T @ response)
    np.fill_diagonal(wanted, 0)
    report = array.update(response, mean, rate=2e-4, rng=rng)
    assert report.down == 0 < report.up
    change = array.weights()
    if name == "sign":
        assert (np.sign(change) == np.sign(wanted)).all()
        return
    assert (change * wanted).sum() / (wanted**2).sum() == pytest.approx(1, abs=0.05)
    plus, minus = (state.hidden for state in array.cells[0].states)
    assert plus.min() >= 0 <= minus.min()
