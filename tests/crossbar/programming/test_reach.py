"""What write pulses meet on a programmed array: the pulse itself, the densest tile, what cannot be written."""

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.programming.reach import WriteLines, reach
from crossbar.wires import Access, OhmicCell, SelectedCell, write_pulse

NETWORK = Network((("rows", 12), ("columns", 20)), "layered")
LINES = WriteLines(volts=2.0, ohm=50.0)


@pytest.fixture
def plus(rng):
    held = np.zeros((32, 32))
    held[:12, 12:] = rng.uniform(1e-6, 1e-4, (12, 20))
    return held + held.T


def test_its_voltages_bring_what_cells_need(plus):
    found = reach(NETWORK, [plus, plus / 2], LINES)
    assert (found.plane, found.rows, found.columns) == ("plus", 12, 20)
    held = plus[:12, 12:]
    for place, volts in (((11, 0), found.near), ((0, 19), found.far)):
        pulse = write_pulse(held, place, volts, 50.0, 50.0, OhmicCell())
        assert pulse.arrived == pytest.approx(2.0, rel=1e-6)
    assert found.disturbed == pytest.approx(pulse.disturbed)
    assert found.power == pytest.approx(pulse.power)
    assert 2.0 < found.near < found.far
    assert found.margin == pytest.approx(2.0 / found.disturbed)


def test_the_densest_tile_of_both_planes(plus):
    minus = np.zeros_like(plus)
    minus[8:12, 28:32] = 1e-3
    found = reach(NETWORK, [plus, minus], WriteLines(volts=2.0, ohm=5.0, tile_size=8))
    assert (found.plane, found.rows, found.columns) == ("minus", 4, 4)


def test_what_no_driver_reaches(plus):
    found = reach(NETWORK, [plus], WriteLines(volts=2.0, ohm=2e3, most=4.0))
    assert not found.reached
    assert found.as_dict()["far"] is None
    assert found.arrived < 2.0
    assert found.margin < 1


def test_a_selector_keeps_other_cells_from_taking_the_current(plus):
    access = Access(SelectedCell(i_s=1e-9, v_s=0.06), 0.5)
    seen = access.seen(plus)
    lines = WriteLines(volts=2.0, ohm=200.0)
    bare, behind = reach(NETWORK, [plus], lines), reach(NETWORK, [seen], lines, access=access)
    assert behind.far < bare.far
    assert behind.power < bare.power
    pulse = write_pulse(plus[:12, 12:], (0, 19), behind.far, 200.0, 200.0, access.cell)  # the devices' own conductances
    assert pulse.arrived == pytest.approx(2.0, rel=1e-6)
    assert behind.power == pytest.approx(pulse.power, rel=1e-6)


@pytest.mark.parametrize(
    "options", [{"volts": 0.0}, {"ohm": -1.0}, {"volts": 3.0, "most": 2.0}, {"volts": float("nan")}]
)
def test_refused(options):
    with pytest.raises(InvalidValue):
        WriteLines(**({"volts": 1.0, "ohm": 1.0} | options))
