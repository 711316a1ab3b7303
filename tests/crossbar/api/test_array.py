"""`crossbar.Array`: numpy's product, exact where the devices are ideal; pulses, currents, time and errors."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crossbar as xb
from crossbar.devices.law import law
from crossbar.devices.toml_file import fitted_toml
from crossbar.errors import DivergedError, InvalidValue, UnknownName
from crossbar.wires import OhmicCell, SinhCell, solve_cells

STEP = law("constant", dw_min=0.01, dw_min_std=0.0, w_min=-1.0, w_max=1.0)
SHAPES = [(5, 7), (7, 5), (1, 4), (4, 1), (1, 1)]


def matrix(shape=(5, 7), seed=0):
    return np.random.default_rng(seed).normal(0, 0.3, shape)


# ---------------------------------------------------------------------- numpy's product


@pytest.mark.parametrize("shape", SHAPES)
def test_an_ideal_array_is_its_matrix(shape):
    W = matrix(shape)
    a, rng = xb.Array(W), np.random.default_rng(1)
    x, X, y, Y = (rng.normal(size=size) for size in (shape[1], (shape[1], 3), shape[0], (3, shape[0])))
    for ours, theirs in ((a @ x, W @ x), (a @ X, W @ X), (y @ a, y @ W), (Y @ a, Y @ W)):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(a.weights, W)
    assert a.shape == shape
    assert a.error == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**16))
def test_an_ideal_array_is_its_matrix_whatever_its_shape(m, n, seed):
    W = matrix((m, n), seed)
    x = np.random.default_rng(seed + 1).normal(size=n)
    np.testing.assert_allclose(xb.Array(W) @ x, W @ x, rtol=0, atol=1e-12)


def test_integers_and_lists_are_read_as_numbers():
    W = matrix()
    x = [1, 0, -1, 1, 0, 0, 1]
    np.testing.assert_allclose(xb.Array(W, dac=(12, 1.0)) @ x, W @ x, atol=1e-12)
    np.testing.assert_allclose(xb.Array([[1, 2], [3, 4]]) @ [1, 1], [3, 7])


# ---------------------------------------------------------------------- conductances


@pytest.mark.parametrize(
    "fields", [{}, {"device": STEP}, {"device": STEP, "mapping": "reference"}, {"device": "epiram"}]
)
def test_conductances_map_back_to_the_weights(fields):
    a = xb.Array(matrix(), **fields)
    plus, minus = a.conductances()
    assert plus.shape == minus.shape == a.shape
    assert min(plus.min(), minus.min()) >= 0
    np.testing.assert_allclose((plus - minus) / a.siemens_per_weight, a.weights, rtol=0, atol=1e-12)


def test_weights_and_conductances_are_copies():
    a = xb.Array(matrix())
    held = a.weights
    a.weights[:] = 0
    a.conductances()[0][:] = 0
    a.update(0.1, np.ones(7), np.ones(5))
    np.testing.assert_array_equal(held, matrix())
    np.testing.assert_allclose(a.weights, matrix() + 0.1, atol=1e-12)


# ---------------------------------------------------------------------- currents


def test_currents_without_resistance_are_those_of_ohm():
    a = xb.Array(matrix(), device=STEP)
    plus, minus = a.conductances()
    volts = np.random.default_rng(1).normal(0, 0.1, (7, 3))
    np.testing.assert_allclose(a.currents(volts), (plus - minus) @ volts, rtol=0, atol=1e-18)
    np.testing.assert_allclose(a.currents(volts[:, 0]), (plus - minus) @ volts[:, 0], rtol=0, atol=1e-18)


def test_currents_with_resistance_are_those_of_kirchhoff():
    a = xb.Array(matrix(), device=STEP)
    plus, minus = a.conductances()
    volts = np.random.default_rng(1).normal(0, 0.1, 7)
    wires = xb.Wires(300.0, 500.0)
    exact = xb.output_currents(plus.T, volts, 300.0, 500.0)[0] - xb.output_currents(minus.T, volts, 300.0, 500.0)[0]
    np.testing.assert_allclose(a.currents(volts, wires=wires), exact, rtol=1e-12)
    assert np.linalg.norm(exact - a.currents(volts)) > 0.01 * np.linalg.norm(exact)


@pytest.mark.parametrize("fields", [{}, {"wire_ends": "both"}, {"mapping": "reference"}])
def test_currents_through_the_arrays_own_wires_are_what_reads_see(fields):
    a = xb.Array(matrix(), device=STEP, wire_resistance=200.0, **fields)
    volts = np.linspace(-0.1, 0.1, 7)
    np.testing.assert_allclose(a.currents(volts), a.siemens_per_weight * (a @ volts), rtol=1e-9)


def test_one_device_behind_its_wires_is_three_resistors():
    a = xb.Array([[1.0]], g_min=0.0, g_max=1e-3)
    assert a.currents([1.0], wires=500.0)[0] == pytest.approx(1 / (1000 + 2 * 500), rel=1e-12)


def test_tiles_stand_apart():
    a = xb.Array(matrix(), device=STEP, tile_size=4)
    plus, minus = a.conductances()
    volts, parts = np.linspace(-0.1, 0.1, 7), np.zeros(5)
    for rows in (slice(0, 4), slice(4, 5)):
        for columns in (slice(0, 4), slice(4, 7)):
            for sign, plane in ((1, plus), (-1, minus)):
                parts[rows] += sign * xb.output_currents(plane[rows, columns].T, volts[columns], 100.0, 100.0)[0]
    np.testing.assert_allclose(a.currents(volts, wires=100.0), parts, rtol=1e-12)


# ---------------------------------------------------------------------- pulses


def test_pulses_move_the_weight_by_their_steps():
    a = xb.Array(np.zeros((2, 3)), device=STEP, weight_limit=2.0)
    unit = 2.0 / 2 * 0.01  # a pair: weights up to 2 take the whole range of the law, which is 2 wide
    counts = np.array([[1, 0, -2], [5, -1, 0]])
    report = a.pulse(counts)
    np.testing.assert_allclose(a.weights, unit * counts, rtol=0, atol=1e-12)
    assert (report.up, report.down) == (6, 3)
    a.pulse(0, minus=np.array([[0, 3, 0], [0, 0, 0]]))
    assert a.weights[0, 1] == pytest.approx(-3 * unit)
    np.testing.assert_allclose(a @ np.ones(3), a.weights.sum(1))


def test_pulses_move_an_aged_device_from_where_it_is_read():
    drift = xb.FaultLaw(drift=xb.PowerLawDrift(nu=0.1, t0=1.0))
    a = xb.Array(np.full((1, 2), 0.8), device=STEP, weight_limit=1.0, faults=drift, g_min=0.0, g_max=1e-4)
    a.age(1e4)
    aged = a.weights.copy()
    assert (aged < 0.75).all()
    a.pulse(np.array([[10, 0]]))
    np.testing.assert_allclose(a.weights - aged, [[10 * 0.01 / 2, 0.0]], rtol=0, atol=1e-9)


def test_pulses_are_counted_and_paid_for_what_they_met():
    a = xb.Array(np.full((1, 1), 0.3), device="epiram", seed=3, weight_limit=1.0)
    before = a.conductances()[0][0, 0]
    a.pulse(4)
    after = a.conductances()[0][0, 0]
    assert abs(after - before) > 1e-3 * before
    met = (before + after) / 2
    pulses = a.crossbar_array.pulses
    assert (a.counters.pulses_up, a.counters.pulses_down) == (4, 0)
    assert a.counters.write_energy == pytest.approx(4 * pulses.voltage_up**2 * pulses.width_up * met, rel=1e-9)
    assert a.energy >= a.counters.write_energy > 0


def test_reads_before_a_pulse_are_paid_with_the_conductances_they_met():
    one, other = (xb.Array(matrix(), device="epiram") for _ in range(2))
    _ = one @ np.ones(7)
    _ = other @ np.ones(7)
    spent = other.counters.read_energy
    one.pulse(200)
    assert one.counters.read_energy == spent


def test_read_energy_is_volts_squared_times_conductance():
    a = xb.Array(matrix(), device=STEP, read_voltage=0.2, read_time=1e-8)
    x = np.linspace(0, 1, 7)
    _ = a @ x
    plus, minus = a.conductances()
    assert a.energy == pytest.approx(0.2**2 * 1e-8 * float((plus + minus).sum(0) @ x**2), rel=1e-6)


def test_an_update_is_an_outer_product():
    W, x, y = matrix(), np.linspace(-1, 1, 7), np.linspace(0, 1, 5)
    a = xb.Array(W)
    a.update(0.2, x, y)
    np.testing.assert_allclose(a.weights, W + 0.2 * np.outer(y, x), rtol=0, atol=1e-12)
    a.update(-0.3, np.stack([x, x], 1), np.stack([y, 2 * y], 1))
    np.testing.assert_allclose(a.weights, W - 0.7 * np.outer(y, x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("encoding", ["factorised", "two-phase", "digital-difference"])
def test_an_update_by_pulses_is_an_outer_product_on_average(encoding):
    x, y = np.array([1.0, -0.5, 0.25]), np.array([0.5, -1.0])
    fine = law("constant", dw_min=1e-3, dw_min_std=0.0, w_min=-1.0, w_max=1.0)
    a = xb.Array(np.zeros((2, 3)), device=fine, weight_limit=1.0, encoding=encoding)
    for _ in range(100):
        a.update(0.004, x, y)
    np.testing.assert_allclose(a.weights, 0.4 * np.outer(y, x), atol=0.03)
    assert a.counters.updates == 100


# ---------------------------------------------------------------------- programming and time


def test_programming_brings_the_devices_to_a_matrix():
    a = xb.Array(matrix(), device="epiram", seed=1)
    target = matrix(seed=5) * 0.5
    report = a.program(target, tolerance=0.02)
    assert report.pulses_up + report.pulses_down > 0
    assert a.error == pytest.approx(report.weight_error)
    assert a.error < 0.1
    assert "epiram" in repr(a)


def test_a_weight_beyond_the_range_is_reported_once():
    a = xb.Array(matrix(), device=STEP, weight_limit=2.0)
    target = np.zeros((5, 7))
    target[2, 3] = 3.0
    assert a.program(target).out_of_range == 1


def test_age_lets_devices_drift_by_their_law():
    drift = xb.FaultLaw(drift=xb.PowerLawDrift(nu=0.1, t0=1.0))
    a = xb.Array(matrix(), faults=drift)
    a.age(40.0)
    a.age(60.0)
    assert a.time == 100.0
    np.testing.assert_allclose(a.weights, matrix() * 100.0**-0.1, rtol=1e-6)
    assert "aged 100 s" in repr(a)
    ideal = xb.Array(matrix())
    ideal.age(1e9)
    np.testing.assert_array_equal(ideal.weights, matrix())


# ---------------------------------------------------------------------- converters, noise, seeds


def test_a_number_of_bits_never_saturates():
    W = matrix((6, 9))
    a = xb.Array(W, device="epiram", dac=6, adc=6, seed=2)
    held = a.weights
    for row in held:
        _ = a @ np.sign(row)
    for column in held.T:
        _ = np.sign(column) @ a
    assert a.counters.saturated == 0
    assert a.config.dac.high == 1.0
    assert a.config.adc.high == pytest.approx(max(np.abs(held).sum(0).max(), np.abs(held).sum(1).max()), rel=1e-4)


def test_converters_round_to_their_steps():
    W = np.array([[0.5, 0.25]])
    a = xb.Array(W, adc=(4, 7.0))
    assert a @ [1.0, 1.0] == pytest.approx(1.0)  # steps of 1
    coarse = xb.Array(W, adc=(4, 0.35))
    assert coarse @ [1.0, 1.0] == pytest.approx(0.35)
    assert coarse.counters.saturated == 1


def test_read_noise_has_the_asked_spread():
    a = xb.Array(np.full((1, 1), 1.0), read_noise=0.02, seed=4)
    reads = a @ np.ones((1, 20_000))
    assert reads.mean() == pytest.approx(1.0, abs=1e-3)
    assert reads.std() == pytest.approx(0.02 * 2**0.5, rel=0.03)  # two devices a weight, of one weight unit each


def test_the_same_seed_gives_the_same_bytes():
    def journey(seed):
        a = xb.Array(matrix(), "epiram", dac=8, adc=8, read_noise=0.02, seed=seed)
        a.pulse(3)
        a.update(0.01, np.ones(7), np.ones(5))
        a.program()
        return (a @ np.ones(7)).tobytes() + a.conductances()[0].tobytes()

    assert journey(7) == journey(7)
    assert journey(7) != journey(8)


# ---------------------------------------------------------------------- devices of one's own


def test_devices_come_as_names_presets_laws_and_fits(tmp_path):
    up = [1e-6 + 1e-7 * k for k in range(20)]
    curve = tmp_path / "mine.csv"
    curve.write_text("\n".join(["pulse,conductance", *(f"{k},{g}" for k, g in enumerate(up + up[-2::-1]))]))
    fitted = xb.fit_device(curve, "linear")
    a = xb.Array(matrix(), device=fitted)
    assert a.crossbar_array.mapping.g_max == pytest.approx(2.9e-6)
    assert xb.Array(matrix(), device=xb.preset("epiram")).conductances()[0].tobytes() == (
        xb.Array(matrix(), device="epiram").conductances()[0].tobytes()
    )


def test_fitted_devices_move_as_the_measured_one_did(tmp_path):
    """Soft bounds from 2 uS towards 22 and 1: the law's bounds lie beyond the measured range, in siemens too."""
    measured = [2e-6]
    for bound in 2 * (60 * [22e-6] + 60 * [1e-6]):
        measured.append(measured[-1] + 0.03 * (bound - measured[-1]))
    curve = tmp_path / "mine.csv"
    curve.write_text("\n".join(["pulse,conductance", *(f"{k},{g}" for k, g in enumerate(measured))]))
    fitted = xb.fit_device(curve, "soft-bounds")
    a = xb.Array([[-1.0]], device=fitted)
    np.testing.assert_allclose(fitted.bounds, [1e-6, 22e-6], atol=1e-9)
    file = tmp_path / "mine.toml"
    file.write_text(fitted_toml(fitted, "mine.csv"))
    alike = xb.Array([[-1.0]], device=file)
    for array in (a, alike):
        array.pulse(1000)
        array.pulse(-1000)  # to the bottom, from which the curve is followed
        assert array.conductances()[0].item() == pytest.approx(1e-6, abs=1e-9)
        array.pulse(60)
        expected = 22e-6 - 21e-6 * 0.97**60
        assert array.conductances()[0].item() == pytest.approx(expected, rel=2e-3)


# ---------------------------------------------------------------------- errors name what is wrong


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"device": "epirma"}, "did you mean 'epiram'"),
        ({"dac": 8.5}, "`dac`"),
        ({"adc": True}, "`adc`"),
        ({"adc": (8, -1.0)}, "`high`"),
        ({"dac": 99}, "`bits`"),
        ({"read_noise": "loud"}, "`read_noise`"),
        ({"read_noise": -0.1}, "`additive`"),
        ({"seed": -1}, "`seed`"),
        ({"seed": 0.5}, "`seed`"),
        ({"device": 5}, "`device`"),
        ({"wire_resistence": 1.0}, "did you mean 'wire_resistance'"),
        ({"symmetry": "two-device"}, "`symmetry`"),
    ],
)
def test_wrong_words_are_named(fields, said):
    with pytest.raises((InvalidValue, UnknownName)) as raised:
        xb.Array(matrix(), **fields)
    assert said in str(raised.value)


@pytest.mark.parametrize("W", [[1.0], np.zeros((0, 3)), [[np.nan]], [[1j]], [["a"]], [[[1.0]]], [[1.0], [1.0, 2.0]]])
def test_what_is_no_matrix_is_refused(W):
    with pytest.raises(InvalidValue, match="`W`"):
        xb.Array(W)


def test_a_matrix_too_large_for_memory_is_refused_at_once():
    with pytest.raises(InvalidValue, match="cut the matrix"):
        xb.Array(np.zeros((2, 30_000)))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda a: a @ np.ones(6), "`x` must be"),
        (lambda a: np.ones(6) @ a, "`y` must be"),
        (lambda a: a @ np.full(7, np.inf), "`x` must be finite"),
        (lambda a: a @ np.ones((7, 1, 1)), "`x` must be"),
        (lambda a: a.currents(np.ones(5)), "`volts` must be"),
        (lambda a: a.currents(np.ones(7), wires=-1.0), "`word_line`"),
        (lambda a: a.pulse(1.5), "`counts`"),
        (lambda a: a.pulse(np.ones((7, 5), int)), "`counts`"),
        (lambda a: a.pulse(2**40), "below 2"),
        (lambda a: a.age(-1.0), "`seconds`"),
        (lambda a: a.age(np.nan), "`seconds`"),
        (lambda a: a.program(np.ones((2, 2))), "`W` must be"),
        (lambda a: a.update(0.0, np.ones(7), np.ones(5)), "`rate`"),
        (lambda a: a.update(0.1, np.ones(7), np.ones((5, 2))), "as many examples"),
    ],
)
def test_wrong_calls_are_named(call, said):
    with pytest.raises(InvalidValue) as raised:
        call(xb.Array(matrix(), device=STEP))
    assert said in str(raised.value)


def test_what_takes_no_pulses_says_so():
    with pytest.raises(InvalidValue, match="give the array a `device`"):
        xb.Array(matrix()).pulse(1)
    with pytest.raises(InvalidValue, match="`minus`"):
        xb.Array(matrix(), device=STEP, mapping="reference").pulse(1, minus=1)


def test_wires_refuse_what_is_no_resistance():
    with pytest.raises(InvalidValue, match="`bit_line`"):
        xb.Wires(1.0, np.inf)
    with pytest.raises(UnknownName):
        xb.Wires(1.0, ends="three")


def test_cells_that_are_not_ohmic_have_their_own_currents(rng):
    weights = rng.normal(0, 0.3, (6, 5))
    array, volts = xb.Array(weights, tile_size=4), rng.uniform(-0.3, 0.3, (5, 2))
    plus, minus = array.conductances()
    law = SinhCell(0.1)
    expected = np.zeros((6, 2))
    for sign, plane in ((1, plus), (-1, minus)):
        for rows in (slice(0, 4), slice(4, 6)):
            for driven in (slice(0, 4), slice(4, 5)):
                part = solve_cells(plane[rows, driven].T, volts[driven], 3.0, 3.0, law)
                expected[rows] += sign * part.currents.T
    np.testing.assert_allclose(array.currents(volts, wires=3.0, cell=law), expected, rtol=1e-12)
    ohmic = array.currents(volts, wires=3.0, cell=OhmicCell())
    np.testing.assert_allclose(ohmic, array.currents(volts, wires=3.0), rtol=1e-8, atol=1e-15)


def test_currents_that_are_not_found_are_an_error(rng, monkeypatch):
    monkeypatch.setattr("crossbar.api.currents.solve_cells", partial(solve_cells, max_steps=1))
    array = xb.Array(rng.normal(0, 0.3, (4, 4)))
    with pytest.raises(DivergedError, match=r"1 of 1 vectors did not converge with SinhCell\(v_0=0.05\)"):
        array.currents(np.full(4, 0.5), wires=100.0, cell=SinhCell(0.05))
