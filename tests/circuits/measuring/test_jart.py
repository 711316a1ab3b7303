"""JART VCM v1b in SPICE is its equations, solved another way: what it conducts, and how it sets and resets."""

import jart_reference as reference
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import circuits
from circuits.measuring import benches, loop
from circuits.measuring.bench import Placed
from circuits.measuring.own import memristor
from circuits.memristors import own_file
from crossbar import shipped

pytestmark = pytest.mark.spice


@pytest.fixture(scope="module")
def text():
    return own_file.load(shipped.folder() / "memristors" / "jart-vcm-1b.toml")


@pytest.fixture(scope="module")
def measured():
    return memristor("jart-vcm-1b")


def test_it_conducts_as_its_equations_say(text):
    rows = [(volts, state) for volts in (0.05, 0.0125, -0.05, 0.3, -0.3) for state in (0.0085, 0.05, 0.4, 5.0, 19.0)]
    sources = tuple(((0.0, volts),) for volts, _ in rows)
    placed = Placed(states=tuple(state for _, state in rows), sources=sources)
    found = benches.run(text, placed, seconds=1e-9, step=1e-10).currents[-1]
    expected = [reference.point(volts, state).current for volts, state in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize(("volts", "begun", "seconds"), [(-0.6, 0.02, 1e-5), (1.2, 5.0, 1e-6), (0.9, 1.0, 1e-4)])
def test_it_sets_and_resets_as_its_equations_say(text, volts, begun, seconds):
    placed = Placed(states=(begun,), sources=(((0.0, 0.0), (1e-12, volts)),))
    found = benches.run(text, placed, seconds=seconds, step=seconds / 400)
    current = found.currents[:, 0]
    exact = solve_ivp(
        lambda _, vacancies: [reference.rate(volts, float(vacancies[0]))], (0, seconds), [begun], method="LSODA",
        rtol=1e-8, atol=1e-12, dense_output=True,
    )  # fmt: skip
    times = np.linspace(0.05 * seconds, seconds, 8)
    expected = [reference.point(volts, float(exact.sol(time)[0])).current for time in times]
    np.testing.assert_allclose(np.interp(times, found.time, current), expected, rtol=2e-3)
    assert abs(exact.y[0, -1] / begun - 1) > 0.2  # it did switch


def test_it_conducts_better_forwards(measured):
    low, high = measured.table.range
    assert 1.5e-5 < low < 2e-5
    assert 5e-4 < high < 7e-4
    assert measured.asymmetry > 0.5
    assert measured.drift < 1e-9


def test_its_loop_sets_at_once_and_resets_gradually(measured):
    found = loop.measure(measured, volts=1.0, seconds=1e-3)
    falling = (found.voltage < -0.1) & (np.gradient(found.voltage) < 0)
    volts, sizes = found.voltage[falling], np.abs(found.current[falling])
    before, after = np.interp([0.45, 0.55], -volts, sizes)
    assert after > 5 * before
    reset = (found.voltage > 0.1) & (np.gradient(found.voltage) > 0)
    steps = np.diff(np.interp(np.arange(0.2, 1, 0.02), found.voltage[reset], np.log(found.current[reset])))
    assert steps.min() > -0.25
    assert steps.min() < 0  # while the voltage rises


@pytest.fixture
def in_verilog(needs_vacask):
    return memristor("jart-vcm-1b-va")


def test_verilog_a_in_vacask_has_the_same_conductances(measured, in_verilog):
    """Two texts, two simulators: the states of one read in the other."""
    wanted = np.geomspace(2e-5, 6e-4, 9)
    np.testing.assert_allclose(in_verilog.table.state(wanted), measured.table.state(wanted), rtol=5e-4)
    exact = [reference.point(0.05, float(state)).current / 0.05 for state in in_verilog.table.state(wanted)]
    np.testing.assert_allclose(exact, wanted, rtol=5e-4)
    assert in_verilog.asymmetry == pytest.approx(measured.asymmetry, rel=1e-3)


def test_verilog_a_in_vacask_sets_as_the_equations_say(in_verilog):
    found = loop.measure(in_verilog, volts=1.0, seconds=1e-3)
    forward = (found.voltage < -0.1) & (np.gradient(found.voltage) < 0)
    before, after = np.interp([0.45, 0.55], -found.voltage[forward], np.abs(found.current[forward]))
    assert after > 5 * before


def test_a_chip_of_them_is_the_chip_with_two_devices_a_pair(in_verilog, small_chip):
    options = {"g_min": 2e-5, "g_max": 5e-4, "symmetry": "two-device"}
    theirs = circuits.verify(small_chip, "vacask", device=in_verilog, **options)
    assert theirs.passed
    assert theirs.max_abs_error < 2e-3
    refused = circuits.verify(small_chip, "vacask", device=in_verilog, **(options | {"symmetry": "shared"}))
    assert not refused.passed
