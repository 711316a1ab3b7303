"""A neuron of transistors in ngspice beside eq. (2)."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.cells.sky130.neuron import neuron
from circuits.silicon import resting
from circuits.silicon.bench import Conditions


def silicon(test):
    """Mark a test that needs ngspice and the transistors' models."""
    return pytest.mark.spice(pytest.mark.usefixtures("needs_sky130")(test))


FEW = resting.PULLS[::6]  # -45 to 45 nA


def rests(cell, conditions=Conditions()):  # noqa: B008
    return resting.states(resting.rest(cell, conditions, [None] * len(FEW), FEW), conditions, len(FEW))


def should(conditions=Conditions()):  # noqa: B008
    return np.array([resting.equilibrium(pull, conditions) for pull in FEW])


def test_the_model_is_equation_two():
    """s = rho'(s) u, with u = 2 R pull / (3 U) and rho' = 3 rho (1 - rho)."""
    conditions, pull = Conditions(), 30e-9
    s = resting.equilibrium(pull, conditions)
    rho = 1 / (1 + np.exp(-3 * s))
    u = 2 * resting.LEVEL.leak * pull / (3 * conditions.scale)
    assert s == pytest.approx(3 * rho * (1 - rho) * u, rel=1e-9)
    assert resting.equilibrium(0.0, conditions) == pytest.approx(0, abs=1e-9)
    assert resting.equilibrium(-pull, conditions) == pytest.approx(-s, rel=1e-9)
    scale = resting.LEVEL.siemens_per_weight(conditions)
    assert u == pytest.approx(pull / (resting.LEVEL.read * scale), rel=1e-9)


@silicon
def test_it_rests_where_equation_two_rests_and_gets_there():
    found = resting.measure(Conditions(), draws=10, seed=0)
    assert 1 < found.largest < 1.2
    assert found.error < 0.02
    assert found.path_error < 0.15
    assert 0.02 < found.spread < 0.4


@silicon
@pytest.mark.parametrize("corner", ["ss", "sf"])
def test_cold_corners_leave_its_cells_their_voltage(corner):
    conditions = Conditions(corner=corner, temperature=0.0)
    np.testing.assert_allclose(rests(neuron(), conditions), should(conditions), atol=0.13)


@silicon
def test_wrong_neurons_are_noticed():
    """One whose second cell does not reach the state, and one whose mirror gives twice the current."""
    cell = neuron()
    for change in ({"name": "core_down_out", "drain": "vdd"}, {"name": "core_up_plus_out", "units": 2}):
        changed = [replace(one, **change) if one.name == change["name"] else one for one in cell.transistors]
        assert np.abs(rests(replace(cell, transistors=tuple(changed))) - should()).max() > 0.1
