"""Amplifiers whose offsets differ: what they do to a drive in closed form, and what the text says of them."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from circuits import simulators
from circuits.circuit.layout import Choices, Layout
from circuits.dialects.others import OTHERS, write
from circuits.simulators import Limits
from circuits.verification.exporting import Proof, Request, export_chip, prove
from circuits.verification.read_back import check
from crossbar.errors import EngineError, InvalidValue
from crossbar.hopfield.neurons import Linear
from tests.circuits.conftest import chip_of_laws

pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_ngspice")]
SPREAD = 1e-5


def layout(symmetry="two-device", spread=SPREAD):
    choices = Choices(amplifier="opamp", symmetry=symmetry, offset_spread=spread)
    return Layout(chip=chip_of_laws(latent=Linear()), choices=choices)


def settled(circuit, folder):
    names = [name for name, held in zip(circuit.names, circuit.clamped, strict=True) if not held]
    return simulators.engine("ngspice").settle(circuit, folder, Limits(seconds=60, gigabytes=4)).states(names)


def test_a_sense_amplifiers_offset_is_multiplied_by_the_lines_conductance(tmp_path):
    """Its bit line sits at the offset e, so v(out) = e (1 + S r_feedback) - r_feedback I: a linear neuron shows it."""
    one = layout(spread=0.0)
    circuit = one.decode(np.array([0.3, -0.2, 0.5]))
    circuit = replace(circuit, clamped=np.arange(18) != 9, held=0.4 * np.cos(np.arange(18.0)))
    neurons = replace(circuit.neurons, laws=(*circuit.neurons.laws[:1], Linear(), Linear()), stops=(9, 15, 18))
    circuit = replace(circuit, neurons=neurons)
    sizes, array = circuit.electrical, circuit.array
    e = np.array([2e-3, -3e-3])
    offsets = np.zeros((18, 3))
    offsets[9, 1:] = e
    sides = np.array([array.plus[9].sum(), array.minus[9].sum()])
    scale = sizes.r_feedback * array.siemens_per_weight * sizes.v_read
    expected = (e[1] * (1 + sides[1] * sizes.r_feedback) - e[0] * (1 + sides[0] * sizes.r_feedback)) / scale
    plain = settled(replace(circuit, offsets=np.zeros((18, 3))), tmp_path)
    moved = settled(replace(circuit, offsets=offsets), tmp_path)
    assert abs(expected) > 0.05
    np.testing.assert_allclose(moved - plain, expected, rtol=1e-3)


@pytest.mark.parametrize("symmetry", ["two-device", "shared"])
def test_states_move_in_proportion_and_the_verdict_says_so(symmetry):
    errors = [prove(layout(symmetry, spread), Proof(role="encode"))["max_abs_error"] for spread in (0.0, 1e-5, 2e-5)]
    assert errors[0] < 1e-3
    assert errors[1] > 3 * errors[0]
    assert 1.6 < errors[2] / errors[1] < 2.5
    summary = prove(layout(symmetry, 1e-3), Proof(role="encode"))
    assert not summary["passed"]
    assert all(text["passed"] for text in summary["read_back"])


@pytest.mark.parametrize(("symmetry", "mode"), [
    ("two-device", "coupled"), ("two-device", "fixed-rail"), ("shared", "coupled"),
])  # fmt: skip
def test_each_offset_in_the_text_is_compared(tmp_path, symmetry, mode):
    chosen = layout(symmetry)
    prove(chosen, Proof(role="encode", mode=mode, keep=tmp_path))
    path = next(tmp_path.glob("0-encode/*.cir"))
    assert check(chosen, path, sample=0, seed=0).passed
    assert not check(layout(symmetry, 0.0), path, sample=0, seed=0).passed
    assert not check(layout(symmetry, 2 * SPREAD), path, sample=0, seed=0).passed
    text = path.read_text()
    found = re.search(r" off\w*=(\S+)", text.partition("latent_1 ")[2])
    for other in (found.group().replace(found.group(1), "1e-7"), ""):
        path.write_text(text.replace(found.group(), other, 1))
        assert not check(chosen, path, sample=0, seed=0).passed


def test_a_chip_has_one_draw_and_others_refuse_it(tmp_path, rng):
    chosen = layout()
    np.testing.assert_array_equal(chosen.encode(np.zeros(9)).offsets, chosen.decode(np.zeros(3)).offsets)
    assert chosen.offsets("tied").std() == pytest.approx(SPREAD, rel=0.3)
    with pytest.raises(EngineError, match="for ngspice alone"):
        write(chosen.encode(np.zeros(9)), tmp_path / "x.sp", next(iter(OTHERS.values())))
    with pytest.raises(InvalidValue, match="give --neuron opamp"):
        Choices(offset_spread=1e-3)
    with pytest.raises(InvalidValue, match="offset_spread"):
        Choices(amplifier="opamp", offset_spread=-1.0)


def test_netlists_of_every_role_are_written_with_them(tmp_path):
    for symmetry in ("two-device", "shared"):
        chosen = layout(symmetry)
        for request in (Request(role="both"), Request(role="decode", phase="nudged")):
            file = export_chip(chosen, request, tmp_path, "x")["files"][0]
            assert check(chosen, Path(file["path"]), sample=0, seed=0).passed
