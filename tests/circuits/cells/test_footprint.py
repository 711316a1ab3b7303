"""Footprints of sky130's transistors by SkyWater's design rules: by hand, and what a cell makes of them."""

import doctest

import pytest

from circuits.cells.sky130 import footprint as module
from circuits.cells.sky130.footprint import FILE, capacitor_area, cell_area, footprint, rule
from circuits.cells.sky130.neuron import neuron
from circuits.cells.sky130.transistor import Transistor
from crossbar.technology_parameters import shipped_tables


def transistor(kind="nfet_01v8", width=2.0, length=16.0, units=1, bulk="0"):
    return Transistor(
        name="one", kind=kind, drain="d", gate="g", source="s", bulk=bulk, width=width, length=length, units=units
    )


def test_one_transistor_by_hand():
    # Diffusion: 16 + 2 (0.055 + 0.17 + 0.06) = 16.57 um, spaced 0.27. Across: 2 + 0.13 of endcap, 0.19 + 0.17 + 0.05 to
    # the end of the gate's contact, and 0.21 to the next poly.
    assert footprint(transistor()) == pytest.approx((16.57 + 0.27) * (2 + 0.13 + 0.41 + 0.21))


def test_units_share_a_diffusion():
    # Four gates of 4 um, three contacts of 0.17 between them with 0.055 on either side, and two at the ends.
    four = footprint(transistor(width=5, length=4, units=4))
    assert four == pytest.approx((16 + 3 * 0.28 + 0.57 + 0.27) * (5 + 0.75))
    assert four < 4 * footprint(transistor(width=5, length=4))


def test_a_p_transistor_whose_body_is_not_the_supply_has_a_well_of_its_own():
    own = transistor(kind="pfet_01v8_lvt", width=10, length=4, bulk="up")
    assert footprint(own) == pytest.approx((4.57 + 0.36 + 1.27) * (10 + 0.36 + 1.27))
    assert footprint(transistor(kind="pfet_01v8_lvt", width=10, length=4, bulk="vdd")) < footprint(own)
    assert footprint(transistor(width=10, length=4, bulk="up")) < footprint(own)  # n transistors stand in the substrate


def test_the_neuron_is_the_sum_of_its_82_transistors():
    found = cell_area(neuron().transistors)
    assert found.transistors == 82
    assert found.gates == pytest.approx(2533)
    assert found.drawn == pytest.approx(sum(footprint(one) for one in neuron().transistors))
    assert found.drawn == pytest.approx(3665.5, abs=0.1)
    assert [found.low, found.typical, found.high] == pytest.approx([found.drawn / use for use in (0.8, 0.6, 0.35)])


def test_eight_transistors_of_the_neuron_have_wells_of_their_own():
    wells = [one for one in neuron().transistors if one.kind.startswith("pfet") and one.bulk != "vdd"]
    assert len(wells) == 8  # a stack and a pull in each of three followers, and two lifts of rho'


def test_a_capacitor_by_hand():
    assert capacitor_area(25e-12) == pytest.approx(((25_000 / 2) ** 0.5 + 1.48) ** 2)
    assert capacitor_area(25e-12, "low") == pytest.approx((6250**0.5 + 1.48) ** 2)  # two layers, stacked


def test_every_rule_has_its_number_in_skywaters_list():
    for name, table in shipped_tables(FILE).items():
        assert rule(name).source == table["source"]
        assert rule(name).status == ("assumed" if name == "utilisation" else "published")
        if name != "utilisation":
            assert "google/skywater-pdk" in table["source"]


def test_examples_run():
    found = doctest.testmod(module)
    assert (found.failed, found.attempted > 1) == (0, True)
