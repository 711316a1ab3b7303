"""Linear neurons with a supply in the circuit: whole chips in the simulators, then mutants of their text."""

import re
from pathlib import Path

import numpy as np
import pytest

from circuits import simulators
from circuits.circuit.layout import Choices, Layout
from circuits.dialects import spice, vacask
from circuits.dialects.others import OTHERS, compare, write
from circuits.verification.chip_reference import rest
from circuits.verification.exporting import Proof, Request, export_chip, prove
from circuits.verification.read_back import check
from crossbar.chip import load_chip
from crossbar.hopfield.neurons import Linear
from tests.circuits.conftest import chip_of_laws

pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_ngspice")]
LIMIT = 0.5


def supplied(limit=LIMIT):
    return chip_of_laws(latent=Linear()).with_limit(limit)


def furthest(chip, role="encode"):
    found = rest(chip, Choices(), role, np.asarray(chip.examples[0]))
    return float(np.abs(found.states[chip.networks["tied"].block("latent")]).max())


def test_the_chip_reaches_its_supply():
    """Otherwise nothing below would test it."""
    assert furthest(chip_of_laws(latent=Linear())) > 2 * LIMIT
    assert 0.8 * LIMIT < furthest(supplied()) < 1.3 * LIMIT


@pytest.mark.parametrize("choices", [
    Choices(), Choices(symmetry="shared"), Choices(amplifier="opamp"), Choices(amplifier="opamp", symmetry="shared"),
])  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"mode": "fixed-rail"}, {"analysis": "op"}, {"role": "both"}])
def test_it_is_proved_in_every_mode(choices, options):
    summary = prove(Layout(chip=supplied(), choices=choices), Proof(**options, n_samples=2))
    assert summary["passed"], summary["reasons"]
    assert all(text["passed"] for text in summary["read_back"])


@pytest.mark.parametrize("symmetry", ["two-device", "shared"])
def test_it_is_proved_in_vacask(symmetry):
    engine = simulators.engine("vacask")
    if engine.version() is None:
        pytest.skip(f"vacask is missing: {engine.remedy}")
    layout = Layout(chip=supplied(), choices=Choices(symmetry=symmetry))
    summary = prove(layout, Proof(engine="vacask"))
    assert summary["passed"], summary["reasons"]
    assert all(text["passed"] for text in summary["read_back"])


@pytest.mark.parametrize("name", OTHERS)
def test_every_dialect_says_the_same(tmp_path, rng, name):
    circuit = Layout(chip=supplied()).encode(np.asarray(supplied().examples[0]))
    path = write(circuit, tmp_path / "netlist.sp", OTHERS[name])
    assert not compare(circuit, path, OTHERS[name], rng)
    other = Layout(chip=supplied(0.51)).encode(np.asarray(supplied().examples[0]))
    assert compare(other, path, OTHERS[name], rng)


def test_another_supply_than_the_chips_fails_by_its_states_and_by_its_text(tmp_path):
    asked, other = Layout(chip=supplied()), Layout(chip=supplied(0.55))
    path = export_chip(other, Request(role="encode"), tmp_path, "x")["files"][0]["path"]
    found = check(asked, path, sample=0, seed=0)
    assert found.limit_error == pytest.approx(0.1)
    assert any("limits" in problem for problem in found.problems)
    states = [rest(one.chip, Choices(), "encode", np.asarray(one.chip.examples[0])).states for one in (asked, other)]
    assert np.abs(states[0] - states[1]).max() > 1e-2


CHANGES = {
    "left out": lambda line: "",
    "moved": lambda line: re.sub(r"ceiling=\S+", "ceiling=0.500001", line),
    "not told": lambda line: line.split(" ceiling")[0],
    "twice": lambda line: line + "\n" + line,
    "a gain in vain": lambda line: line + " gain=1.0",
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_card_is_compared_with_the_chips(tmp_path, name):
    layout = Layout(chip=supplied())
    path = Path(export_chip(layout, Request(role="encode"), tmp_path, "x")["files"][0]["path"])
    assert check(layout, path, sample=0, seed=0).passed
    text = path.read_text()
    line = next(line for line in text.splitlines() if line.startswith("Xsupply_latent_1 "))
    path.write_text(text.replace(line, CHANGES[name](line)))
    assert not check(layout, path, sample=0, seed=0).passed


def test_a_linear_neuron_must_have_none_and_a_changed_cell_is_noticed(tmp_path):
    plain = Layout(chip=chip_of_laws(latent=Linear()))
    path = Path(export_chip(Layout(chip=supplied()), Request(role="encode"), tmp_path, "x")["files"][0]["path"])
    assert not check(plain, path, sample=0, seed=0).passed
    assert "Xsupply" not in "".join(spice.pieces(plain.encode(np.zeros(9))))
    path.write_text(path.read_text().replace("v(f)*v(f)/r_leak", "v(f)/r_leak"))
    assert not check(Layout(chip=supplied()), path, sample=0, seed=0).passed


def test_vacasks_text_is_compared_too(tmp_path):
    layout = Layout(chip=supplied())
    path = vacask.write(layout.encode(layout.image(0)), tmp_path)
    assert check(layout, path, sample=0, seed=0).passed
    text = path.read_text()
    line = next(line for line in text.splitlines() if line.startswith("supply_latent_1 "))
    for other in ("", line.replace("ceiling=", "ceiling=1"), line.split(" ceiling")[0]):
        path.write_text(text.replace(line, other))
        assert not check(layout, path, sample=0, seed=0).passed
    path.write_text(text)
    cells = path.with_name("cells.va")
    cells.write_text(cells.read_text().replace("fourth * fourth", "fourth"))
    assert not check(layout, path, sample=0, seed=0).passed


def test_what_was_saved_has_its_supply(tmp_path):
    again = load_chip(supplied().save(tmp_path / "chip.h5"))
    assert again.networks["tied"].law("latent").number == LIMIT
    assert prove(Layout(chip=again), Proof(role="both"))["passed"]
