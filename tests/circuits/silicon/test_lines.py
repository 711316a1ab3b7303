"""The conveyor of a bit line in ngspice: it splits by sign, it holds, and a wrong one is noticed."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.cells.sky130.conveyor import conveyor
from circuits.silicon.bench import HOLD, Conditions
from circuits.silicon.lines import READ, measure, sweep
from crossbar.errors import InvalidValue

pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_sky130")]


@pytest.mark.parametrize(("corner", "celsius"), [("tt", 27.0), ("sf", 0.0), ("fs", 70.0)])
def test_it_splits_within_percents_and_holds_the_line(corner, celsius):
    found = measure(Conditions(corner=corner, temperature=celsius), draws=20, seed=0)
    assert found.error < (0.015 if corner == "tt" else 0.04)
    assert abs(found.offset) < 0.004
    assert found.wander < 0.002 * READ
    assert 0 < found.settling < 60e-6
    assert 0.05 < found.nodes[0] < found.nodes[1] <= 1.8
    assert 1e-3 < found.spread_hold < 4e-3


@pytest.mark.parametrize("units", [1, 10])
def test_it_divides_by_its_units_and_neither_output_is_ever_off(units):
    """I_plus - I_minus = I / units; one rises as the other falls, but none is gone at the other's 20 nA."""
    brought, found = sweep(conveyor(units), Conditions(), 2e-8 * units)
    plus, minus = found["i(vplus_n)"], found["i(vminus_n)"]
    np.testing.assert_allclose(units * (plus - minus), brought, atol=0.03 * brought.max())
    np.testing.assert_allclose(found["v(line_n)"], HOLD, atol=1e-3)
    assert (np.diff(plus) > 0).all()
    assert (np.diff(minus) < 0).all()
    assert min(plus[0], minus[-1]) > (5e-11 if units == 1 else 1e-13)
    assert plus[len(plus) // 2] == pytest.approx(minus[len(minus) // 2], rel=0.1)


def test_a_conveyor_whose_amplifier_is_turned_round_is_noticed(monkeypatch):
    """The exchange of its inputs makes the loop positive."""
    exchanged = {"line": "in", "in": "line"}
    cell = conveyor()
    turned = replace(
        cell,
        transistors=tuple(
            replace(one, gate=exchanged.get(one.gate, one.gate)) if one.name.startswith(("in", "shield")) else one
            for one in cell.transistors
        ),
    )
    monkeypatch.setattr("circuits.silicon.lines.conveyor", lambda _: turned)
    with pytest.raises(InvalidValue, match=r"its loop is not stable|outside the supply"):
        measure(Conditions(), draws=10, seed=0)
