"""The area of linear and classical neurons: shares by hand, devices counted one by one, the paper's as it was."""

from dataclasses import replace

import numpy as np
import pytest

import circuits
from circuits.area.architecture import Architecture
from circuits.area.estimate import component_areas, estimate, model_inventory, scenario
from circuits.area.networks import chip_model, paper_model
from circuits.area.ratios import chip_comparisons
from circuits.area.technology import load_technology
from circuits.circuit.memristor_array import program
from circuits.costs.study import resolve, study
from crossbar.errors import InvalidValue
from crossbar.hopfield.mismatch import Spread
from crossbar.hopfield.neurons import Classical, Linear, Sigmoid
from tests.circuits.conftest import chip_of_laws

TECHNOLOGY = load_technology()
TYPICAL = TECHNOLOGY.values("typical")
LAYOUTS = [Architecture(tile=8), Architecture(tile=8, layout="half"), Architecture(tile=8, dead_blocks="keep")]


def areas(architecture=LAYOUTS[0], **laws):
    counts = model_inventory(chip_model(chip_of_laws(**laws)), architecture, "two-chips")
    return counts, component_areas(counts, architecture, TYPICAL, 130)


def test_a_linear_neuron_needs_neither_rho_nor_a_multiplier_and_a_classical_one_no_multiplier():
    unit, share = 1.3e-6 * 1850, 0.108
    assert areas()[1]["neuron_cores"] == pytest.approx(18 * unit)
    assert areas(latent=Linear())[1]["neuron_cores"] == pytest.approx((18 - 3 * 2 * share) * unit)
    assert areas(hidden=Classical())[1]["neuron_cores"] == pytest.approx((18 - 6 * share) * unit)
    both = areas(hidden=Classical(), latent=Linear())[1]["neuron_cores"]
    assert both == pytest.approx((18 - (6 + 2 * 3) * share) * unit)


@pytest.mark.parametrize("architecture", LAYOUTS)
def test_linear_latents_have_no_devices_among_themselves(architecture):
    plain, linear = areas(architecture)[0], areas(architecture, latent=Linear())[0]
    pairs = 3 * 2 * (1 if architecture.layout == "half" else 2)
    assert plain.n_memristors - linear.n_memristors == pairs
    chip = chip_of_laws(latent=Linear())
    symmetry = "shared" if architecture.layout == "half" else "two-device"
    assert linear.n_memristors == program(chip, "tied", symmetry=symmetry, g_min=1e-6, g_max=1e-4).n_memristors


@pytest.mark.parametrize("architecture", LAYOUTS)
def test_lines_of_linear_neurons_carry_more_current(architecture):
    plain, found = areas(architecture)
    counts, linear = areas(architecture, latent=Linear())
    assert plain.n_strained == 0
    assert counts.n_strained == 2 * 3 * 15  # a pair into each of the 15 others; one device serves both ways in `half`
    swing = float(TYPICAL["linear_swing"])
    expected = (counts.n_driven + (swing - 1) * counts.n_strained) / plain.n_driven
    assert linear["output_stages"] == pytest.approx(expected * found["output_stages"])
    changed = {name for name in found if found[name] != linear[name]}
    assert changed == {"cells", "line_ends", "partial_sums", "neuron_cores", "output_stages"}  # fewer devices and tiles


def test_the_papers_area_is_what_it_was():
    """Typical and median mm2 at 65 nm, measured before there were laws: `circuits.area("tdh-vae")`."""
    found = circuits.area("tdh-vae", node=65)
    assert (found.total.typical, found.total.p50) == pytest.approx((12.743159772200002, 12.746961717124131), rel=1e-12)


@pytest.mark.parametrize("architecture", LAYOUTS)
def test_linear_pixels_and_latents_couple_with_each_other(architecture):
    laws = {"pixels": Linear(), "latent": Linear()}
    counts, _ = areas(architecture, **laws)
    symmetry = "shared" if architecture.layout == "half" else "two-device"
    array = program(chip_of_laws(**laws), "tied", symmetry=symmetry, g_min=1e-6, g_max=1e-4)
    assert counts.n_memristors == array.n_memristors
    strained = array.n_memristors - 6 * 5 * (1 if architecture.layout == "half" else 2)  # but those among the hidden
    assert counts.n_strained == (strained if architecture.layout == "half" else 2 * (9 * 9 + 3 * 15))


def test_own_numbers_of_the_laws_are_taken_and_checked(tmp_path):
    file = tmp_path / "own.toml"
    text = (
        '[rho_share]\nlow = {0}\ntypical = {0}\nhigh = {0}\nunit = "1"\nscaling = "none"\nsource = "mine"\n'
        'status = "assumed"\n'
    )
    file.write_text(text.format(0.5))
    own = load_technology(file)
    chip = chip_of_laws(latent=Linear())
    conditions = scenario(own, 65, 50, np.random.default_rng(0))
    assert estimate(chip_model(chip), LAYOUTS[0], "two-chips", conditions).total.typical > 0
    file.write_text(text.format(0.6))
    with pytest.raises(InvalidValue, match="rho_share"):
        load_technology(file)


def test_a_study_of_a_saved_chip_with_its_energy(tmp_path):
    path = str(chip_of_laws(hidden=Classical(), latent=Linear()).save(tmp_path / "chip.h5"))
    found = study(
        resolve([path]), Architecture(), "shared-io", TECHNOLOGY, node=65, n_draws=20, seed=0, n_images=2
    )  # fmt: skip
    assert found.energies[path].costs["encode"].energy.typical > 0
    assert circuits.area(path).n_neurons == 18


def test_the_untied_twin_of_a_chip_has_its_laws():
    model = chip_model(chip_of_laws(latent=Linear()))
    twin = next(pair.untied for pair in chip_comparisons([model]) if pair.untied.name.startswith("untied"))
    assert [plan.network.law("latent") for plan in twin.plans] == [Linear(), Linear()]
    untied = replace(paper_model("dh-vae"))
    assert all(plan.network.law("latent") == Sigmoid() for plan in untied.plans)


def test_neurons_that_are_not_alike_measure_what_perfect_ones_do(rng):
    chip = chip_of_laws(latent=Linear())
    unlike = chip.with_neurons(Spread(gain=0.1, offset=0.05, leak=0.1), rng)
    found = [circuits.area(one, draws=200) for one in (chip, unlike)]
    assert found[0].total == found[1].total
    assert found[0].n_memristors == found[1].n_memristors
