"""sky130's neuron as area: parts that add up to one neuron, at 130 nm alone, in the command, the function, the JSON."""

import dataclasses
import json

import pytest
from click.testing import CliRunner

import circuits
from circuits.area.architecture import Architecture
from circuits.area.estimate import component_areas, model_inventory
from circuits.area.networks import paper_model
from circuits.area.technology import load_technology
from circuits.area.transistor_neuron import CAPACITANCE, NEURONS, neuron_area, record, with_neuron
from circuits.cells.sky130.footprint import capacitor_area, cell_area
from circuits.cells.sky130.neuron import neuron
from circuits.commands import area as command
from circuits.silicon.level import Level
from crossbar.errors import InvalidValue, UnknownName
from crossbar.technology_parameters import POINTS

TECHNOLOGY = load_technology()


@pytest.mark.parametrize(
    "architecture", [Architecture(), Architecture(layout="half"), Architecture(layout="half", weights="reference")]
)
def test_core_and_buffers_add_up_to_one_neuron(architecture):
    found = neuron_area(with_neuron("sky130", TECHNOLOGY, architecture, 130), architecture)
    whole = cell_area(neuron().transistors)
    for point in POINTS:
        assert found.circuits[point] == pytest.approx(getattr(whole, point))
        assert found.capacitor[point] == pytest.approx(capacitor_area(CAPACITANCE, point))


def test_the_chips_components_are_neurons_times_that():
    architecture = Architecture()
    own = with_neuron("sky130", TECHNOLOGY, architecture, 130)
    counts = model_inventory(paper_model("tdh-vae"), architecture, "two-chips")
    areas = component_areas(counts, architecture, own.values("typical"), 130)
    whole = cell_area(neuron().transistors).typical
    assert areas["neuron_cores"] + areas["buffers"] == pytest.approx(1.3e-6 * 1686 * whole)
    assert areas["capacitors"] == pytest.approx(1.3e-6 * 1686 * capacitor_area(25e-12))
    before = component_areas(counts, architecture, TECHNOLOGY.values("typical"), 130)
    changed = {name for name in areas if areas[name] != before[name]}
    assert changed == {"neuron_cores", "buffers", "capacitors"}


def test_transistors_that_differ_less_are_larger():
    """Pelgrom: three times less is nine times the gates; footprints grow by less, as contacts and spacings stay."""
    architecture = Architecture()
    once, thrice = (record(TECHNOLOGY, architecture, matching) for matching in (1.0, 3.0))
    assert thrice["gates_um2"] == pytest.approx(9 * once["gates_um2"])
    assert 5 < thrice["by_rules_um2"] / once["by_rules_um2"] < 9
    own = neuron_area(with_neuron("sky130", TECHNOLOGY, architecture, 130, 3.0), architecture)
    assert own.circuits["typical"] == pytest.approx(thrice["by_rules_um2"] / 0.6)
    assert own.capacitor == neuron_area(with_neuron("sky130", TECHNOLOGY, architecture, 130), architecture).capacitor
    one = neuron().transistors[0]
    larger = dataclasses.replace(one, width=3 * one.width, length=3 * one.length)
    assert larger.sigma == pytest.approx(one.sigma / 3)


def test_a_matching_that_cannot_be_is_refused():
    with pytest.raises(InvalidValue, match="`matching` must be positive"):
        with_neuron("sky130", TECHNOLOGY, Architecture(), 130, 0.0)
    with pytest.raises(InvalidValue, match="give --neuron sky130"):
        circuits.area("tdh-vae", node=130, matching=2.0, draws=10)


def test_the_command_takes_a_matching():
    done = CliRunner().invoke(
        command.area, ["tdh-vae", "--node", "130", "--neuron", "sky130", "--matching", "3", "--draws", "10", "--json"]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["neuron"]["matching"] == 3
    assert told["neuron"]["gates_um2"] == pytest.approx(9 * record(TECHNOLOGY, Architecture())["gates_um2"])


def test_the_capacitance_is_that_of_the_silicon():
    assert Level().capacitance == CAPACITANCE
    assert command.NEURONS == NEURONS


def test_other_nodes_and_names_are_refused():
    with pytest.raises(InvalidValue, match="give --node 130"):
        with_neuron("sky130", TECHNOLOGY, Architecture(), 65)
    with pytest.raises(UnknownName, match="did you mean 'sky130'"):
        with_neuron("sky13", TECHNOLOGY, Architecture(), 130)
    with pytest.raises(InvalidValue, match="give --node 130"):
        circuits.area("tdh-vae", neuron="sky130", draws=10)
    assert with_neuron("assumed", TECHNOLOGY, Architecture(), 65) is TECHNOLOGY


def test_the_function_and_the_command_tell_the_same():
    result = circuits.area("tdh-vae", node=130, neuron="sky130", draws=10)
    words = ["tdh-vae", "--node", "130", "--neuron", "sky130", "--draws", "10", "--json"]
    told = json.loads(CliRunner().invoke(command.area, words, catch_exceptions=False).stdout)
    assert told["neuron"]["name"] == "sky130"
    assert told["neuron"]["transistors"] == 82
    assert told["models"]["tdh-vae"]["area_mm2"]["typical"] == pytest.approx(result.total.typical, rel=1e-5)
    assert told["parameters"]["neuron_core"]["status"] == "assumed"
    assert "82 transistors" in told["parameters"]["neuron_core"]["source"]


def test_the_record_puts_both_side_by_side():
    found = record(TECHNOLOGY, Architecture())
    assert found["assumed_um2"]["circuits"] == {"low": 720, "typical": 2200, "high": 7000}
    assert found["assumed_um2"]["capacitor"] == {"low": 25, "typical": 500, "high": 3000}
    assert found["gates_um2"] == 2533
    assert found["gates_um2"] < found["by_rules_um2"] < found["sky130_um2"]["circuits"]["low"]
