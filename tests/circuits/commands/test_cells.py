"""The command `hopbar cells`."""

import json

import pytest
from click.testing import CliRunner

from circuits.cells.sky130 import CELLS, process
from circuits.commands import cells as command
from circuits.silicon.parts import PARTS
from crossbar.errors import InvalidValue


def hopbar_cells(*arguments):
    return CliRunner().invoke(command.cells, [str(one) for one in arguments])


def test_names_and_corners_are_those_that_there_are():
    """The command names them itself, as importing them costs scipy."""
    assert tuple(CELLS) == command.LAWS
    assert process.CORNERS == command.CORNERS


@pytest.mark.spice
@pytest.mark.usefixtures("needs_sky130")
def test_one_object_of_numbers_and_pictures(tmp_path):
    arguments = ("sigmoid", "balanced-slope", "--corner", "tt", "--temperature", 27, "--draws", 10, "--json")
    done = hopbar_cells(*arguments, "--out", tmp_path / "found")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told == json.loads((tmp_path / "found" / "cells.json").read_text())
    assert (tmp_path / "found" / "silicon-sigmoid.svg").read_text().startswith("<?xml")
    assert set(told["cells"]) == {"sigmoid", "balanced-slope"}
    assert told["cells"]["sigmoid"]["largest_error"] < 0.01
    assert abs(told["cells"]["sigmoid"]["gain_error"]) < 0.03
    assert told["options"].startswith("--neuron-gain 0.00")
    assert told["neurons"]["offset"] == told["cells"]["sigmoid"]["spread"]["offset"]
    assert told["neurons"]["leak"] == told["cells"]["balanced-slope"]["spread"]["leak"]
    again = hopbar_cells(*arguments)
    assert json.loads(again.stdout) == told


@pytest.mark.spice
@pytest.mark.usefixtures("needs_sky130")
def test_a_table_without_a_neuron_where_one_of_its_cells_is_missing():
    done = hopbar_cells("sigmoid", "--corner", "ss", "--temperature", 70, "--draws", 10)
    assert done.exit_code == 0, done.output
    assert "every node stayed within the supply" in done.stdout
    assert "as neurons" not in done.stdout


@pytest.mark.spice
@pytest.mark.usefixtures("needs_sky130")
def test_parts_alone_under_the_conditions_given(tmp_path):
    done = hopbar_cells("switch", "conveyor", "--draws", 10, "--json", "--out", tmp_path / "found")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["cells"] == {}
    assert list(told["parts"]) == ["conveyor", "switch"]
    assert [path.name for path in (tmp_path / "found").iterdir()] == ["cells.json"]
    said = hopbar_cells("switch", "--corner", "ss", "--temperature", 0).stdout
    assert "kohm closed" in said
    assert float(said.split()[1]) > 2e-3 * told["parts"]["switch"]["closed"]


def test_every_part_has_a_sentence_and_a_measure():
    """The command names them itself, as importing them costs scipy."""
    assert tuple(PARTS) == command.PARTS
    assert set(command._SENTENCES) == set(PARTS)


def test_a_cell_that_is_not_there_is_named_with_the_nearest():
    assert "did you mean 'conveyor'" in str(hopbar_cells("conveyer").exception)


def test_a_scale_beyond_the_supply_is_refused():
    assert isinstance(hopbar_cells("--scale", 1).exception, InvalidValue)
    assert isinstance(hopbar_cells("--scale", "nan").exception, InvalidValue)
