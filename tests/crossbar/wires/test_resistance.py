"""The resistance of a wire segment at a node: sourced, and the product of what the files say."""

from __future__ import annotations

import pytest

from crossbar.arrays.config import ArrayConfig
from crossbar.errors import InvalidValue, UnknownName
from crossbar.wires.resistance import CELLS, line_resistance, nodes


@pytest.mark.parametrize("cell", CELLS)
def test_every_node_has_a_sourced_resistance_that_grows_from_low_to_high(cell):
    assert nodes() == (130, 65, 32, 22)
    for node in nodes():
        low, typical, high = (line_resistance(node, cell, point) for point in ("low", "typical", "high"))
        assert 0.01 < low.ohm < typical.ohm <= high.ohm < 20
        assert typical.ohm == pytest.approx(typical.ohm_per_um * typical.pitch_um)
        assert typical.source
        assert typical.status in ("published", "secondary")


def test_the_pitch_is_that_of_the_cell():
    assert line_resistance(65, "1r").pitch_um == pytest.approx(2 * 0.065)  # 4 squares of 65 nm
    assert line_resistance(130).ohm == pytest.approx(0.893 * 207**0.5 * 0.130)


def test_finer_lines_resist_more():
    ohms = [line_resistance(node).ohm_per_um for node in nodes()]
    assert ohms == sorted(ohms)


def test_an_array_takes_it():
    assert ArrayConfig(tile_size=64, wire_resistance=line_resistance(22).ohm).wire_resistance > 1


def test_what_is_not_known_is_refused():
    with pytest.raises(InvalidValue, match="130, 65, 32, 22 nm, but got 45"):
        line_resistance(45)
    with pytest.raises(UnknownName, match="did you mean '1t1r'"):
        line_resistance(65, "1t1")
    with pytest.raises(UnknownName, match="point"):
        line_resistance(65, "1r", "middle")
