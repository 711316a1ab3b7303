"""Between amplifiers a state and a drive of 1 are fewer volts, so that every node stays within the supply."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import circuits
from circuits import simulators
from circuits.circuit import units
from circuits.circuit.electrical import Electrical
from circuits.circuit.layout import Choices, Layout
from circuits.dialects import spice
from circuits.simulators import Limits
from circuits.verification import nudged
from circuits.verification.chip_reference import rest
from circuits.verification.exporting import Proof, Request, export_chip, prove
from circuits.verification.read_back import check
from crossbar.hopfield.neurons import Linear
from tests.circuits.conftest import chip_of_laws

pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_ngspice")]
SUPPLY = Electrical().v_supply


def far_chip():
    """A chip whose latents and drives go further than the supply has volts."""
    chip = chip_of_laws(latent=Linear())
    weights = chip.weights["tied"].copy()
    latent = chip.networks["tied"].block("latent")
    weights[latent] *= 2
    weights[:, latent] *= 2
    return replace(chip, weights={"tied": 0.7 * weights})


def layout(symmetry=None, chip=None):
    return Layout(chip=chip or far_chip(), choices=Choices(amplifier="opamp", symmetry=symmetry))


def test_the_chip_goes_further_than_the_supply():
    """Otherwise nothing below would test it; at rest, by the chip's own states."""
    chip = far_chip()
    found = rest(chip, Choices(), "encode", np.asarray(chip.examples[0]))
    drives = found.neurons.signals(found.states) @ found.weights
    assert np.abs(found.states).max() > SUPPLY
    assert np.abs(drives).max() > SUPPLY
    reach = units.reaches(chip)["tied"]
    assert reach.state >= np.abs(found.states).max() - 1e-3
    assert reach.drive >= np.abs(drives).max() - 1e-3


@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("options", [{}, {"mode": "fixed-rail"}, {"analysis": "op"}, {"role": "both"}])
def test_it_is_proved_within_its_supply(symmetry, options):
    summary = prove(layout(symmetry), Proof(**options, n_samples=2))
    assert summary["passed"], summary["reasons"]
    assert 0.3 < summary["largest_state_volts"] <= SUPPLY
    assert 0.3 < summary["largest_drive_volts"] <= SUPPLY
    assert all(text["passed"] for text in summary["read_back"])


def test_with_a_volt_each_it_would_leave_the_supply(monkeypatch):
    """The stage behind the amplifiers ends there, so the states are wrong, and the state's node is told."""
    monkeypatch.setattr(units.Reach, "volts", lambda self, electrical: (1.0, 1.0))
    summary = prove(layout(), Proof(role="encode"))
    assert not summary["passed"]
    assert summary["max_abs_error"] > 0.1
    assert summary["largest_drive_volts"] == pytest.approx(SUPPLY, rel=1e-6)


def test_a_state_beyond_the_supply_is_told(monkeypatch):
    monkeypatch.setattr(units.Reach, "volts", lambda self, electrical: (1.0, 0.1))
    summary = prove(layout(), Proof(role="encode"))
    assert any("a state reaches" in reason and "beyond the supply of 2.5 V" in reason for reason in summary["reasons"])


def test_its_contrast_is_the_chips(tmp_path):
    found = nudged.compare_contrast(
        layout(), simulators.engine("ngspice"), tmp_path, Limits(seconds=60, gigabytes=4), sample=0, seed=0, beta=0.05,
        beta_kl=1.9,
    )  # fmt: skip
    assert found.relative_error < 0.02


@pytest.mark.parametrize("role", ["encode", "both"])
def test_other_volts_in_the_text_are_noticed(tmp_path, role):
    chosen = layout()
    path = Path(export_chip(chosen, Request(role=role), tmp_path, "x")["files"][0]["path"])
    assert check(chosen, path, sample=0, seed=0).passed
    text = path.read_text()
    clamp = "Vinput_pixel_0_1" if role == "both" else "Vclamp_pixel_0_1"
    line = next(line for line in text.splitlines() if line.startswith(clamp))
    moved = line.rpartition(" ")[0] + " " + repr(1.01 * float(line.rpartition(" ")[2]))
    for other in (
        text.replace(line, moved), re.sub(r"v_drive=\S+", "v_drive=0.011", text, count=1),
        re.sub(r"v_state=\S+", "v_state=0.9", text, count=1), text.replace("v(s)/v_state", "v(s)", 1),
        text.replace("min(v_supply,", "min(9,", 1),
    ):  # fmt: skip
        assert other != text
        path.write_text(other)
        assert not check(chosen, path, sample=0, seed=0).passed


def test_a_shared_driver_has_a_replica_whose_numbers_are_compared(tmp_path):
    chosen = layout("shared")
    path = Path(export_chip(chosen, Request(role="encode"), tmp_path, "x")["files"][0]["path"])
    text = path.read_text()
    assert "Breplica t 0 I=v(t)*s_row/n_row" in text
    assert "n_row=34" in text  # 17 others, two devices each
    for other in (text.replace(" n_row=34", " n_row=33", 1), text.replace("n_row*i(Vs)", "i(Vs)", 1),
                  re.sub(r"s_row=(\d)", r"s_row=9\1", text, count=1)):  # fmt: skip
        assert other != text
        path.write_text(other)
        assert not check(chosen, path, sample=0, seed=0).passed
    plain = Layout(chip=far_chip(), choices=Choices(symmetry="shared"))
    assert "replica" not in "".join(spice.pieces(plain.encode(np.zeros(9))))


def test_without_amplifiers_a_volt_is_a_state_of_1():
    text = "".join(spice.pieces(Layout(chip=far_chip()).encode(np.zeros(9))))
    assert "v_state" not in text
    assert "1 V is a state of 1" in text


def test_a_chip_without_examples_has_volts_too():
    reach = units.reaches(replace(far_chip(), examples=np.zeros((0, 9))))["tied"]
    assert reach.drive > SUPPLY


def test_a_circuit_of_given_weights_keeps_to_the_supply_too():
    W = np.array([[0.0, -17.0], [-17.0, 0.0]])
    posed = circuits.Circuit.from_weights(
        W, {"input": 1, "output": 1}, clamped={"input": [0.5]}, neurons={"output": "linear"}, amplifier="opamp"
    )
    found = posed.settle("ngspice")
    assert found.agrees
    assert found.states["output"][0] == pytest.approx(-17 / (1 + np.exp(-1.5)), rel=1e-3)
