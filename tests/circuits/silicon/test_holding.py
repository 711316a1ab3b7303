"""Switch, sample-and-hold and bias network in ngspice."""

import pytest

from circuits.silicon import biasing, holding
from circuits.silicon.bench import Conditions
from circuits.silicon.parts import PARTS, measure

pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_sky130")]


@pytest.mark.parametrize(("corner", "celsius"), [("tt", 27.0), ("ss", 0.0), ("ff", 70.0)])
def test_a_switch_conducts_closed_and_hardly_open(corner, celsius):
    found = holding.measure_switch(Conditions(corner=corner, temperature=celsius))
    assert 1e3 < found.closed < 0.3e6
    assert 0 < found.open < 1e-12


def test_a_sample_is_kept_and_takes_the_step():
    """The step arrives as a divider of the capacitor and the follower's gate says: some percent less than all."""
    found = holding.measure_sample_hold(Conditions())
    assert found.pedestal < 0.005
    assert 0.96 < found.gain < 0.995
    assert abs(found.offset) < 0.01
    assert found.droop < 0.01


@pytest.mark.parametrize(("corner", "celsius"), [("tt", 27.0), ("ss", 0.0)])
def test_a_bias_network_starts_and_its_current_goes_with_absolute_temperature(corner, celsius):
    found = biasing.measure(Conditions(corner=corner, temperature=celsius), draws=10, seed=0)
    assert 8e-9 < found.given < 11e-9
    assert found.sunk == pytest.approx(found.given, rel=0.05)
    cold, hot = found.at_celsius
    assert hot / cold == pytest.approx(343.15 / 273.15, rel=0.12)
    assert 0 < found.starts < 1e-3


def test_parts_are_measured_by_name():
    assert set(PARTS) == {"follower", "word-driver", "conveyor", "neuron", "switch", "sample-hold", "bias"}
    assert measure("switch", Conditions(), draws=10, seed=0)["transistors"] == 2
