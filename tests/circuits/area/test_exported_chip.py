"""The chip that is measured is the chip that is exported: memristors and neurons of area, chip and netlist agree."""

import re

import numpy as np
import pytest

from circuits.area.architecture import Architecture
from circuits.area.networks import chip_model, paper_model, tied_model, untied_model
from circuits.circuit.circuit import Analysis, build, build_both
from circuits.circuit.memristor_array import closed_form_count, map_linearly, program
from circuits.dialects.spice import pieces
from crossbar.chip import Chip

RANGE = {"g_min": 1e-6, "g_max": 1e-4}
PHASES = Analysis(marks={"encode": 1.0, "reset": 2.0, "decode": 3.0})
LAYOUTS = {"full": "two-device", "half": "shared"}


def make_chip(model, rng):
    networks = {plan.name: plan.network for plan in model.plans}
    weights = {}
    for name, network in networks.items():
        matrix = rng.normal(size=(network.size,) * 2)
        weights[name] = np.triu(matrix, 1) * network.mask() + (np.triu(matrix, 1) * network.mask()).T
    return Chip(
        model=model.name, networks=networks, weights=weights, sigma=0.4 if model.tied else None, image_shape=(3, 3)
    )


def count_cards(text):
    """Return how many memristors and neurons a netlist holds: Rp_/Rn_/Xp_/Xn_ cards and Xneuron_ calls."""
    return len(re.findall(r"^[RX][pn]_", text, re.M)), len(re.findall(r"^Xneuron_", text, re.M))


def plan_of(chip, name):
    return next(plan for plan in chip_model(chip).plans if plan.name == name)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("topology", ["dense", "layered"])
def test_a_tied_chip_in_area_chip_and_netlist(rng, topology, layout):
    chip = make_chip(tied_model("tdh-vae", 7, 4, topology, pixels=9), rng)
    array = program(chip, "tied", symmetry=LAYOUTS[layout], **RANGE)
    circuit = build_both(chip, rng.uniform(-1, 1, 9), array, np.zeros(4), analysis=PHASES)
    n_memristors, n_neurons = count_cards("".join(pieces(circuit)))
    plan = plan_of(chip, "tied")
    for dead_blocks in ("drop", "keep"):  # a tied chip has no dead blocks
        architecture = Architecture(layout=layout, dead_blocks=dead_blocks)
        assert plan.tiles(architecture).n_memristors == array.n_memristors == n_memristors
        assert plan.n_neurons(architecture) == chip.networks["tied"].size == n_neurons


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("topology", ["dense", "layered"])
@pytest.mark.parametrize(
    ("role", "name", "clamped"), [("encode", "encoder", "pixels"), ("decode", "decoder", "latent")]
)
def test_an_untied_chip_in_area_chip_and_netlist(rng, topology, layout, role, name, clamped):
    chip = make_chip(untied_model("dh-vae", 7, 4, topology, pixels=9), rng)
    network, plan = chip.networks[name], plan_of(chip, name)
    drop, keep = (Architecture(layout=layout, dead_blocks=dead_blocks) for dead_blocks in ("drop", "keep"))
    whole = map_linearly(chip.weights[name], network.mask(), symmetry=LAYOUTS[layout], **RANGE)
    assert plan.tiles(keep).n_memristors == whole.n_memristors
    assert plan.n_neurons(keep) == network.size
    exported = program(chip, name, symmetry=LAYOUTS[layout], **RANGE)
    held = np.zeros(network.block(clamped).stop - network.block(clamped).start)
    n_memristors, n_neurons = count_cards("".join(pieces(build(chip, role, held, exported))))
    assert plan.tiles(drop).n_memristors == exported.n_memristors == n_memristors
    assert plan.n_neurons(drop) == n_neurons


def test_counts_of_the_papers_tied_chip_in_closed_form():
    plan = paper_model("tdh-vae").plans[0]
    for layout, symmetry in LAYOUTS.items():
        assert plan.tiles(Architecture(layout=layout)).n_memristors == closed_form_count(1686, symmetry)
