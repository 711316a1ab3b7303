"""Cells of real transistors in ngspice: the laws that they should obey, and cells that do not are noticed."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.cells.sky130 import CELLS
from circuits.cells.sky130.process import SUPPLY
from circuits.cells.sky130.sigmoid import sigmoid
from circuits.cells.sky130.slope import balanced_slope, stacked_slope
from circuits.silicon import neuron
from circuits.silicon.bench import Conditions, Instance, Signals, netlist, run
from circuits.silicon.dynamics import dynamics
from circuits.silicon.spread import Spread, draw, spread
from circuits.silicon.study import measure
from circuits.silicon.transfer import curves, fit, sweep
from circuits.simulators.waveforms import Waveforms
from crossbar.errors import InvalidValue, MissingFile

BARS = {"sigmoid": 0.01, "stacked-slope": 0.03, "balanced-slope": 0.01}
spice = pytest.mark.spice


def measured(cell, conditions=Conditions()):  # noqa: B008
    one = Instance(name="one", cell=cell)
    return curves([one], conditions, sweep([one], conditions))["one"]


def crossed(cell, names):
    """The cell with the gates s and ref of some transistors exchanged: a wrong layout."""
    other = {"s": "ref", "ref": "s", "s_up": "ref_up", "ref_up": "s_up"}
    changed = [replace(one, gate=other[one.gate]) if one.name in names else one for one in cell.transistors]
    return replace(cell, transistors=tuple(changed))


def flat(cell):
    """The cell without lifted gates."""
    gates = {"s_up": "s", "ref_up": "ref"}
    return replace(
        cell, transistors=tuple(replace(one, gate=gates.get(one.gate, one.gate)) for one in cell.transistors)
    )


@spice
@pytest.mark.usefixtures("needs_sky130")
@pytest.mark.parametrize(("corner", "celsius"), [("tt", 27.0), ("sf", 0.0), ("ss", 0.0), ("fs", 70.0), ("ff", 70.0)])
def test_cells_obey_their_laws_and_nodes_stay_within_the_supply(corner, celsius):
    found = measure(tuple(CELLS), Conditions(corner=corner, temperature=celsius))
    assert {name: curve.largest_error < BARS[name] for name, curve in found.curves.items()} == dict.fromkeys(BARS, True)
    low, high = found.swing
    assert 0.05 < low < 0.6
    assert 1.2 < high < SUPPLY - 0.1


@spice
@pytest.mark.usefixtures("needs_sky130")
def test_the_slope_of_a_pair_is_the_inverse_of_n_thermal_voltages():
    """k = q / (n k_B T): n lies between 1.2 and 1.5, hardly moves with temperature, and rho' has the k of rho."""
    charge_over_boltzmann = 11604.5
    slopes = [measured(sigmoid(), Conditions(temperature=celsius)).gain for celsius in (0.0, 70.0)]
    n = [charge_over_boltzmann / (gain * kelvin) for gain, kelvin in zip(slopes, (273.15, 343.15), strict=True)]
    assert 1.2 < n[0] < 1.5
    assert n[1] == pytest.approx(n[0], rel=0.03)
    assert measured(balanced_slope()).gain == pytest.approx(measured(sigmoid()).gain, rel=0.05)


@spice
@pytest.mark.usefixtures("needs_sky130")
def test_heights_are_the_tail_current():
    assert measured(sigmoid()).amplitude == pytest.approx(1, abs=0.02)
    assert measured(balanced_slope()).amplitude == pytest.approx(1, abs=0.02)


@spice
@pytest.mark.usefixtures("needs_sky130")
@pytest.mark.parametrize(
    ("name", "cell", "conditions"),
    [
        ("sigmoid", sigmoid(width=0.6, length=4.0), Conditions(current=1e-6)),  # above threshold
        ("stacked-slope", crossed(stacked_slope(), ("high1", "high2")), Conditions()),  # rho^2
        ("balanced-slope", crossed(balanced_slope(), ("right1", "right2")), Conditions()),  # a constant
        ("balanced-slope", flat(balanced_slope()), Conditions()),  # the lower pair has no voltage left
    ],
)
def test_a_wrong_cell_is_noticed(name, cell, conditions):
    try:
        found = measured(cell, conditions)
    except RuntimeError:  # nothing of the law's shape is found at all
        return
    assert found.largest_error > BARS[name]


@spice
@pytest.mark.usefixtures("needs_sky130")
def test_a_node_outside_the_supply_is_refused_by_name():
    with pytest.raises(InvalidValue, match=r"node v\(pbias\) goes from -"):
        measured(sigmoid(), Conditions(current=1e-5))


@spice
@pytest.mark.usefixtures("needs_sky130")
def test_offsets_spread_as_pelgrom_says_and_balance_halves_the_error_of_height():
    conditions, rng = Conditions(), np.random.default_rng(5)
    found = spread(sigmoid(), conditions, 100, rng)
    pair = sigmoid().transistors[1].sigma
    assert found.of_offset == pytest.approx(np.sqrt(2) * pair, rel=0.22)  # three sigmas of 100 draws
    assert found.of_gain < 0.01
    wide = spread(sigmoid(width=40.0), conditions, 100, rng)
    assert wide.of_offset == pytest.approx(found.of_offset / 2, rel=0.3)
    stacked, balanced = (spread(one, conditions, 60, rng) for one in (stacked_slope(), balanced_slope()))
    assert balanced.of_leak < 0.6 * stacked.of_leak


@spice
@pytest.mark.usefixtures("needs_sky130")
def test_one_error_moves_the_curve_by_itself():
    """An error of 5 mV at the gate of ref is an offset of 5 mV, and no error of gain."""
    errors = dict.fromkeys([one.name for one in sigmoid().transistors], 0.0)
    one = Instance(name="one", cell=sigmoid(), errors=errors | {"low2": -5e-3})
    found, even = curves([one], Conditions(), sweep([one], Conditions()))["one"], measured(sigmoid())
    assert abs(found.offset - even.offset) == pytest.approx(5e-3, rel=0.02)
    assert found.gain == pytest.approx(even.gain, rel=0.005)


@spice
@pytest.mark.usefixtures("needs_sky130")
def test_power_is_the_current_times_the_supply_and_speed_goes_with_the_current():
    slow, fast = (dynamics(sigmoid(), Conditions(current=current)) for current in (1e-9, 1e-7))
    assert fast.power == pytest.approx(SUPPLY * 1e-7, rel=0.03)
    assert 20 < slow.settling / fast.settling < 200
    assert slow.noise > fast.noise > 0


def test_the_fit_finds_what_made_the_curve(rng):
    volts = np.linspace(-0.32, 0.32, 65)
    for cell in (sigmoid(), balanced_slope()):
        told = (0.93, 27.1, 4e-3)
        found = fit(cell, volts, cell.current(volts, *told))
        np.testing.assert_allclose((found.amplitude, found.gain, found.offset), told, rtol=1e-6)
        assert found.largest_error < 1e-6
        bent = fit(cell, volts, cell.current(volts, *told) + 0.02 * cell.share * cell.peak * np.sin(20 * volts))
        assert bent.largest_error > 0.005


def test_spreads_become_those_of_neurons():
    """Known logarithms: gains of e^+-0.01, offsets of +-2 mV, heights of e^+-0.03."""
    sign = np.array([1.0, -1.0, 1.0, -1.0])
    rho = Spread(amplitude=np.ones(4), gain=np.exp(0.01 * sign), offset=2e-3 * sign)
    slope = Spread(amplitude=np.exp(0.03 * sign), gain=np.ones(4), offset=np.zeros(4))
    found, root = neuron.neurons(rho, slope, Conditions(scale=0.1)), np.sqrt(4 / 3)
    assert found.gain == pytest.approx(0.01 * root)
    assert found.offset == pytest.approx(0.02 * root)
    assert found.leak == pytest.approx(0.03 * root)
    assert neuron.options(found) == "--neuron-gain 0.012 --neuron-offset 0.023 --neuron-leak 0.035"
    assert neuron.gain_error(33.0, Conditions(scale=0.1)) == pytest.approx(0.1)


def test_draws_have_the_transistors_own_spread(rng):
    cell = balanced_slope()
    errors = draw(cell, 4000, rng)
    for one in cell.transistors:
        assert np.std([errors[k][one.name] for k in range(4000)]) == pytest.approx(one.sigma, rel=0.05)


def test_nodes_outside_the_supply_are_seen_without_a_simulator():
    values = np.array([[9.0, 0.5, -9.0], [9.0, 1.9, 0.0]])
    names = ("v(v-sweep)", "v(x)", "i(vdd)")
    signals = Signals(waveforms=Waveforms(time=np.zeros(2), names=names, values=values))
    with pytest.raises(InvalidValue, match=r"node v\(x\) goes from 0.500 to 1.900 V"):
        signals.hold_within(SUPPLY)
    signals.hold_within(2.0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scale": 0.3}, "outside the supply"),
        ({"scale": -1.0}, "scale"),
        ({"current": 1.0}, "current"),
        ({"temperature": 1000.0}, "temperature"),
    ],
)
def test_conditions_that_no_transistor_is_meant_for(wrong, message):
    with pytest.raises(InvalidValue, match=message):
        Conditions(**wrong)


def test_a_netlist_holds_no_path_and_one_supply():
    text = netlist([Instance(name="one", cell=sigmoid())], Conditions(), "0.8", ".op")
    assert ".include models.spice" in text
    assert "/" not in text
    assert text.count("Vdd ") == 1


@spice
@pytest.mark.usefixtures("needs_ngspice")
def test_a_missing_package_ends_in_one_message(monkeypatch):
    monkeypatch.setattr("circuits.cells.sky130.process._folder", lambda: None)
    with pytest.raises(MissingFile, match="sky130"):
        run([Instance(name="one", cell=sigmoid())], Conditions(), "0.8", ".op")
