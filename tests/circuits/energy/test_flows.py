"""What a flow's chip measures and draws: the transient is the chip's, the pixels' capacitors are counted."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.area.architecture import Architecture
from circuits.area.inventory import inventory
from circuits.area.networks import chip_model
from circuits.circuit.generation import SLOWNESS, UNHURRIED
from circuits.circuit.layout import Choices
from circuits.costs.study import resolve, study
from circuits.energy.flows import followed, generating_tasks
from circuits.verification.flow_reference import carried
from crossbar.chip import Chip
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Linear, Sigmoid
from crossbar.readout import Readout


@pytest.fixture
def chip():
    rng = np.random.default_rng(0)
    network = Network((("pixels", 6), ("time", 4), ("hidden", 8)), neurons=(Linear(), Linear(), Sigmoid()))
    weights = np.triu(rng.standard_normal((18, 18)), 1) * 0.5 * network.mask()
    return Chip(
        model="flow", networks={"flow": network}, weights={"flow": weights + weights.T}, image_shape=(2, 3),
        readout=Readout(mean=np.zeros(6), scale=np.ones(6)),
    )  # fmt: skip


def test_the_transient_is_that_of_the_reference(chip):
    noise = np.random.default_rng(1).standard_normal((3, 6))
    found = followed(chip, noise, 100.0)
    assert found.times[-1] == pytest.approx(100, rel=0.01)
    for row in range(3):
        expected = carried(chip, Choices(), noise[row], 100.0)
        np.testing.assert_allclose(found.states[-1][row], expected, atol=0.02)


def test_an_image_costs_the_whole_length_of_the_flow(chip):
    architecture = Architecture()
    noise = np.random.default_rng(1).standard_normal((3, 6))
    short, long = (
        generating_tasks(chip_model(chip), chip, followed(chip, noise, slow), architecture)["generate"].phases[0]
        for slow in (100.0, 200.0)
    )
    assert short.relaxation.settle == pytest.approx([100.0] * 3, rel=0.01)
    assert long.relaxation.drawn.weight / short.relaxation.drawn.weight == pytest.approx([2] * 3, rel=0.05)
    assert long.relaxation.n_unsettled == 0


def test_every_part_of_a_flow_is_counted(chip):
    found = inventory(chip_model(chip).plans[0], Architecture())
    directions = 2 * (6 * 4 + 6 * 8 + 4 * 8) + 8 * 7 - 4 * (6 + 8)  # none into the clamped times
    assert found.n_memristors == 2 * directions
    assert found.n_neurons == 14
    assert found.n_capacitors == 14 + round((SLOWNESS - 1) * 6)
    assert found.n_clamps == 4


def test_a_flow_without_time_has_no_clock_and_small_capacitors(chip):
    network = Network((("pixels", 6), ("hidden", 8)), neurons=(Linear(), Sigmoid()))
    kept = np.r_[0:6, 10:18]
    timeless = replace(
        chip, networks={"flow": network}, weights={"flow": chip.weights["flow"][np.ix_(kept, kept)]},
        readout=replace(chip.readout, after=6.0),
    )  # fmt: skip
    model = chip_model(timeless)
    found = inventory(model.plans[0], Architecture())
    assert found.n_clamps == 0
    assert found.n_neurons == 14
    assert found.n_memristors == 2 * (2 * 6 * 8 + 8 * 7)
    assert found.n_capacitors == 14 + round((UNHURRIED - 1) * 6)
    carried_there = followed(timeless, np.random.default_rng(1).standard_normal((3, 6)))
    assert carried_there.times[-1] == pytest.approx(6 * UNHURRIED, rel=0.01)
    for idle in ("on", "off"):
        task = generating_tasks(model, timeless, carried_there, Architecture(), idle=idle)["generate"]
        assert task.phases[0].n_neurons == 14
        assert task.phases[0].relaxation.settle == pytest.approx([6 * UNHURRIED] * 3, rel=0.01)


def test_the_study_of_a_flow_has_area_and_energy(chip, tmp_path):
    from circuits.area.technology import load_technology

    path = str(chip.save(tmp_path / "chip.h5"))
    found = study(
        resolve([path]), Architecture(), "two-chips", load_technology(None), node=65, n_draws=50, seed=0, n_images=2
    )
    assert set(found.energies[path].costs) == {"generate"}
    assert found.energies[path].costs["generate"].energy.typical > 0
    assert found.estimates[path].total.typical > 0
