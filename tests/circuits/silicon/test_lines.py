"""The conveyor of a bit line in ngspice: it divides, it holds, and a wrong one is noticed."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.cells.sky130.conveyor import conveyor
from circuits.silicon.bench import Conditions
from circuits.silicon.lines import HOLD, READ, measure, sweep
from crossbar.errors import InvalidValue

pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_sky130")]


@pytest.mark.parametrize(("corner", "celsius"), [("tt", 27.0), ("ss", 0.0), ("fs", 70.0)])
def test_it_divides_within_a_percent_and_holds_the_line(corner, celsius, rng):
    found = measure(Conditions(corner=corner, temperature=celsius), draws=20, rng=rng)
    assert found.error < 0.01
    assert found.ratio_error < 0.015
    assert found.wander < 0.025 * READ
    assert 0 < found.settling < 20e-6
    assert found.nodes[1] < 1.5


def test_it_divides_by_its_units():
    for units in (1, 4):
        brought, found = sweep(conveyor(units), Conditions(), 1e-7)
        np.testing.assert_allclose(found["i(vout_n)"] * units, brought, rtol=0.02)
        np.testing.assert_allclose(found["v(line_n)"], HOLD, atol=3e-3)


def test_a_conveyor_whose_amplifier_is_turned_round_is_noticed(monkeypatch, rng):
    """The exchange of its inputs makes the loop positive: a sweep finds the same equilibrium, a transient leaves it."""
    exchanged = {"line": "hold", "hold": "line"}
    cell = conveyor()
    turned = replace(
        cell,
        transistors=tuple(
            replace(one, gate=exchanged.get(one.gate, one.gate)) if one.name in ("in1", "in2") else one
            for one in cell.transistors
        ),
    )
    monkeypatch.setattr("circuits.silicon.lines.conveyor", lambda _: turned)
    with pytest.raises(InvalidValue, match="its loop is not stable"):
        measure(Conditions(), draws=10, rng=rng)


def test_the_line_is_as_unlike_as_pelgrom_says(rng):
    """At least the root of 2 times one input's sigma; the loads add theirs."""
    found = measure(Conditions(), draws=60, rng=rng)
    pair = np.sqrt(2) * conveyor().transistors[1].sigma
    assert 0.75 * pair < found.spread_hold < 2 * pair
    tail = conveyor().transistors[-1].sigma
    assert found.spread_ratio < 28 * np.sqrt(1 + 1 / 10) * tail * 1.3
