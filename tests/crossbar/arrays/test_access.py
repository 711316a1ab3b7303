"""Arrays whose devices stand behind transistors or selectors: reads, writes, faults, time, wires, checkpoints."""

import numpy as np
import pytest
from scipy.optimize import brentq

import crossbar as xb
from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.wires import Access, OhmicCell, SelectedCell, SinhCell, output_currents

TRANSISTOR = Access(SelectedCell(r=4e4))
SELECTOR = Access(SelectedCell(r=2e3, i_s=1e-7, v_s=0.03), 0.25)
KINDS = [TRANSISTOR, SELECTOR]
NETWORK = Network((("rows", 9), ("columns", 7)), "layered")


def weights(rng, shape=(9, 7)):
    return rng.uniform(-1, 1, shape)


def made(w, access, **options):
    given = {"device": "epiram", "weight_limit": 1.5, "dtype": "float64"} | options
    return xb.Array(w, access=access, seed=0, **given)


@pytest.mark.parametrize("access", KINDS, ids=str)
def test_every_device_conducts_what_two_in_series_do(access, rng):
    """The devices' own conductances, from what their law holds; the current by a root finder."""
    array, cell = made(weights(rng), access), access.cell
    cells = array.crossbar_array.cells[0]
    preset = xb.preset("epiram")
    for state, seen in zip(cells.states, cells.conductances(0.0), strict=True):
        law = state.law
        share = (state.visible - law.w_min) / (law.w_max - law.w_min)
        own = preset.g_min + share * (preset.g_max - preset.g_min)
        for g, found in zip(own.ravel(), seen.ravel(), strict=True):

            def missing(current, g=g):
                return current / g + cell.r * current + cell.v_s * np.arcsinh(current / cell.i_s) - access.volts

            exact = brentq(missing, 0, access.volts * g, xtol=1e-25, rtol=1e-14)
            assert found * access.volts == pytest.approx(exact, rel=1e-9, abs=0)


@pytest.mark.parametrize("access", KINDS, ids=str)
def test_one_write_and_write_verify_reach_the_weights(access, rng):
    w = weights(rng)
    assert np.abs(made(w, access).weights - w).max() < 1e-12
    array = made(np.zeros_like(w), access)
    report = array.program(w, tolerance=0.005)
    assert report.failed == 0
    assert np.abs(array.weights - w).max() <= 2 * 0.005 * 1.5
    np.testing.assert_allclose(array @ np.ones(7), w.sum(axis=1), atol=0.1)


def test_the_range_is_what_reads_find_of_it(rng):
    array, preset = made(weights(rng), TRANSISTOR), xb.preset("epiram")
    mapping = array.crossbar_array.mapping
    np.testing.assert_allclose(mapping.g_max, preset.g_max / (1 + 4e4 * preset.g_max), rtol=1e-12)
    assert mapping.weight_limit == pytest.approx(1.5)


def test_currents_of_the_array_are_exact_at_every_voltage(rng):
    """At the read voltage as reads find them; behind a selector less than in proportion below it."""
    array = made(weights(rng), SELECTOR)
    plus, minus = array.conductances()
    at_read = array.currents(SELECTOR.volts * np.eye(7), wires=0.0)
    np.testing.assert_allclose(at_read, SELECTOR.volts * (plus - minus), rtol=1e-9, atol=1e-18)
    low = array.currents(SELECTOR.volts / 4 * np.eye(7), wires=0.0)
    assert (np.abs(low) < np.abs(at_read) / 4).all()
    with pytest.raises(InvalidValue, match="give no `cell`"):
        array.currents(np.ones(7), cell=OhmicCell())


def test_a_transistor_is_ohmic_through_wires_too(rng):
    """Its array, solved by the law of the two in series, and as resistors of what reads find."""
    array = made(weights(rng), TRANSISTOR)
    volts = rng.uniform(0, 0.1, 7)
    plus, minus = array.conductances()
    told = [output_currents(one.T, volts[:, None], 3.0, 3.0) for one in (plus, minus)]
    found = array.currents(volts, wires=3.0)
    np.testing.assert_allclose(found, (told[0] - told[1])[0], rtol=1e-8)


def test_stuck_devices_read_as_their_ends_do(rng):
    array = made(weights(rng), TRANSISTOR, faults=xb.FaultLaw(stuck_high=1.0))
    preset = xb.preset("epiram")
    np.testing.assert_allclose(array.conductances()[0], preset.g_max / (1 + 4e4 * preset.g_max), rtol=1e-12)


@pytest.mark.parametrize("access", KINDS, ids=str)
def test_drift_is_the_devices_own(access, rng):
    array = made(weights(rng), access, faults=xb.FaultLaw(drift=xb.PowerLawDrift(nu=0.1, t0=1.0)))
    before = access.written(array.conductances()[0])
    array.age(100.0)
    np.testing.assert_allclose(array.conductances()[0], access.seen(before * 100**-0.1), rtol=1e-9)


def test_pulses_move_what_reads_find_less_at_the_upper_end():
    """The slope of G / (1 + r G) is (1 + r G)^-2: one pulse on bare devices and behind a transistor."""
    law = xb.preset("ecram").law
    quiet = type(law)(**{one: getattr(law, one) for one in ("dw_min", "w_min", "w_max")}, dw_min_std=0.0)
    moved = []
    for access in (None, Access(SelectedCell(r=2e5))):
        array = made(np.full((1, 1), 1.0), access, device=quiet, g_min=1e-7, g_max=1e-5)
        before = array.conductances()[0][0, 0]
        array.pulse(1)
        moved.append((before, array.conductances()[0][0, 0] - before))
    bare = Access(SelectedCell(r=2e5)).written(np.array(moved[1][0]))
    slope = (1 + 2e5 * float(bare)) ** -2
    assert 0 < moved[1][1] < 0.5 * moved[0][1]
    assert moved[1][1] == pytest.approx(moved[0][1] * slope, rel=0.05, abs=0)


@pytest.mark.parametrize("access", KINDS, ids=str)
def test_a_checkpoint_goes_on(access, rng):
    config = ArrayConfig(device="epiram", weight_limit=1.5, access=access, dtype="float64")
    w = np.zeros((16, 16))
    w[:9, 9:] = weights(rng)
    w = w + w.T
    arrays = [CrossbarArray.from_weights(NETWORK, w if k == 0 else np.zeros_like(w), config, rng) for k in range(2)]
    arrays[1].load_state(arrays[0].state_dict())
    response, mean = rng.normal(size=(2, 4, 16))
    for array in arrays:
        array.update(response, mean, rate=0.1, rng=np.random.default_rng(5))
    assert np.array_equal(arrays[0].weights(), arrays[1].weights())
    other = CrossbarArray.from_weights(NETWORK, w, ArrayConfig(device="epiram", weight_limit=1.5, dtype="float64"), rng)
    with pytest.raises(InvalidValue):
        other.load_state(arrays[0].state_dict())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"device": None}, "name a `device`"),
        ({"mapping": "reference"}, "mapping='pair'"),
        ({"cell": SinhCell(0.3)}, "not both"),
        ({"access": SelectedCell(r=1.0)}, "must be an Access"),
    ],
)
def test_refused(options, told, rng):
    with pytest.raises(InvalidValue, match=told):
        xb.Array(weights(rng), **({"device": "epiram", "access": TRANSISTOR} | options))
