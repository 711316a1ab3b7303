"""The follower and the driver of word lines in ngspice, and wrong ones."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.cells.sky130.follower import follower
from circuits.silicon import followers
from circuits.silicon.bench import Conditions

pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_sky130")]


@pytest.mark.parametrize(("corner", "celsius"), [("tt", 27.0), ("ss", 0.0), ("ff", 70.0)])
def test_lines_follow_rho_within_a_percent(corner, celsius):
    found = followers.measure_driver(Conditions(corner=corner, temperature=celsius))
    assert max(found.errors) < 0.01
    assert max(np.abs(found.heights)) < 0.03
    assert max(np.abs(found.rests)) < 1e-3
    assert abs(found.gains[0] - found.gains[1]) < 0.01
    assert found.nodes[1] < 1.75


def test_a_follower_follows_within_a_millivolt_and_is_as_unlike_as_pelgrom_says():
    found = followers.measure_follower(Conditions(), draws=60, seed=0)
    assert abs(found.offset) < 0.5e-3
    assert found.error < 1e-3
    assert 0 < found.settling < 60e-6
    assert 0 < found.noise < 1e-3
    pair = np.sqrt(2) * next(one.sigma for one in follower().transistors if one.name == "in1")
    assert pair < found.spread < 3 * pair


def test_a_follower_without_shields_is_noticed(monkeypatch):
    """Its pair's drains go where they like: an error of millivolts."""
    cell = follower()
    ends = {"x": "a", "y": "top"}
    bare = [replace(one, drain=ends.get(one.drain, one.drain)) for one in cell.transistors if "shield" not in one.name]
    monkeypatch.setattr(followers, "follower", lambda: replace(cell, transistors=tuple(bare)))
    assert followers.measure_follower(Conditions(), draws=10, seed=0).error > 1e-3
