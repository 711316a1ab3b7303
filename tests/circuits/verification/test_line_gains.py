"""Chips whose lines have gains: their circuits rest where the chip does, and their netlists tell the gains."""

from dataclasses import replace

import numpy as np
import pytest

from circuits import simulators
from circuits.circuit.electrical import Wires
from circuits.circuit.layout import Choices, Layout
from circuits.dialects import vacask
from circuits.dialects.reader import parse
from circuits.simulators import Limits
from circuits.verification import verdict
from circuits.verification.read_back import check
from crossbar.arrays.config import ArrayConfig
from crossbar.errors import CorruptFile, EngineError
from crossbar.programming.chip import given_scale, program_chip
from crossbar.programming.write_verify import WriteVerify

LIMITS = Limits(seconds=60, gigabytes=4)


def verify(layout, mode="coupled", role=None):
    return verdict.verify(
        layout, simulators.engine("ngspice"), None, LIMITS, mode=mode, role=role, kind=None, n_samples=1, seed=0
    )


@pytest.fixture(params=["shared", "two-device"])
def chip(request, small_chip):
    config = ArrayConfig(symmetry=request.param, dtype="float64")
    made, _ = program_chip(
        small_chip, config, WriteVerify(), np.random.default_rng(0), given_scale, line_gains="largest"
    )
    assert made.conductances["tied"].gains.min() < 0.8
    return made


def test_the_circuit_s_weights_are_the_chip_s(chip):
    circuit = Layout(chip=chip).encode(Layout(chip=chip).image(0))
    np.testing.assert_allclose(circuit.weights().T, chip.effective_weights("tied"), atol=1e-12)
    np.testing.assert_allclose(circuit.array.driven(np.ones(chip.networks["tied"].size)), circuit.array.gains)


def written(chip, tmp_path, **choices):
    layout = Layout(chip=chip, choices=Choices(**choices))
    return layout, layout.encode(layout.image(0)), tmp_path / "encode.cir"


def test_a_netlist_tells_the_gains_and_reads_back(chip, tmp_path):
    from circuits.dialects import spice

    layout, circuit, path = written(chip, tmp_path)
    spice.write(circuit, path)
    found = parse(path)
    np.testing.assert_allclose(found.array.gains, chip.conductances["tied"].gains, rtol=1e-12)
    assert check(layout, path, sample=0, seed=0).passed
    text = path.read_text()
    assert text.count(" scale=") == (1 if found.array.symmetry == "shared" else 2) * (len(found.neurons) + 1)


def test_another_gain_in_the_text_is_noticed(chip, tmp_path):
    from circuits.dialects import spice

    layout, circuit, path = written(chip, tmp_path)
    spice.write(circuit, path)
    lines = path.read_text().splitlines(keepends=True)
    place = next(k for k, line in enumerate(lines) if line.startswith("Xdriver_") and "scale=" in line)
    head, _, number = lines[place].rpartition("scale=")
    lines[place] = f"{head}scale={float(number) * 1.01!r}\n"
    path.write_text("".join(lines))
    if circuit.array.symmetry == "shared":
        found = check(layout, path, sample=0, seed=0)
        assert any("weights differ" in problem for problem in found.problems)
    else:
        with pytest.raises(CorruptFile, match="scale"):
            check(layout, path, sample=0, seed=0)


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("mode", ["coupled", "fixed-rail"])
@pytest.mark.parametrize("neuron", ["behavioural", "opamp"])
def test_the_circuit_rests_where_the_chip_does(chip, mode, neuron):
    layout = Layout(chip=chip, choices=Choices(amplifier=neuron))
    found = verify(layout, mode)
    assert found.summary["passed"], found.summary["reasons"]


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
def test_the_single_chip_turns_with_its_gains(chip):
    found = verify(Layout(chip=chip), role="both")
    assert found.summary["passed"], found.summary["reasons"]


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("mode", ["coupled", "tile"])
def test_lines_may_have_resistance_too(small_chip, mode):
    config = ArrayConfig(symmetry="two-device", dtype="float64")
    made, _ = program_chip(
        small_chip, config, WriteVerify(), np.random.default_rng(0), given_scale, line_gains="mean-square"
    )
    wires = Wires(r_word_line=2.0, r_bit_line=2.0, tile=8)
    layout = Layout(chip=made, choices=Choices(symmetry="two-device", wires=wires))
    found = verify(layout, mode)
    assert found.summary["passed"], found.summary["reasons"]


@pytest.mark.spice
@pytest.mark.usefixtures("needs_vacask")
@pytest.mark.parametrize("role", ["encode", "decode"])
def test_vacask_finds_the_chip_s_states_too(chip, role):
    found = verdict.verify(
        Layout(chip=chip), simulators.engine("vacask"), None, LIMITS, mode="coupled", role=role, kind="op",
        n_samples=1, seed=0,
    )  # fmt: skip
    assert found.summary["passed"], found.summary["reasons"]


def test_a_gain_that_one_end_alone_tells_is_told_in_one_line(chip, tmp_path):
    from circuits.dialects import spice

    layout, circuit, path = written(chip, tmp_path, symmetry="two-device")
    spice.write(circuit, path)
    lines = path.read_text().splitlines(keepends=True)
    kept = [line.split(" scale=")[0] + "\n" if line.startswith("Xdriver_pixel_0_0") else line for line in lines]
    assert kept != lines
    path.write_text("".join(kept))
    with pytest.raises(CorruptFile, match="one `scale`"):
        check(layout, path, sample=0, seed=0)


def test_vacask_s_fixed_rails_refuse_gains(chip, tmp_path):
    _, circuit, _ = written(chip, tmp_path, symmetry="two-device")
    with pytest.raises(EngineError, match="idle lines"):
        vacask.check(replace(circuit, rails=np.zeros(len(circuit.names))))


def test_another_gain_in_vacask_s_text_is_noticed(chip, tmp_path):
    layout, circuit, _ = written(chip, tmp_path)
    path = vacask.write(circuit, tmp_path)
    assert check(layout, path, sample=0, seed=0).passed
    text = path.read_text()
    place = text.index(" line=", text.index("driver_hidden")) + len(" line=")
    path.write_text(text[:place] + "0.5" + text[place + 3 :])
    if circuit.array.symmetry == "shared":
        assert any("weights differ" in problem for problem in check(layout, path, sample=0, seed=0).problems)
    else:
        with pytest.raises(CorruptFile, match="scale"):
            check(layout, path, sample=0, seed=0)


def test_chips_without_gains_are_written_as_before(chip, tmp_path):
    from circuits.dialects import spice

    plain = replace(chip, conductances={})
    _, circuit, path = written(plain, tmp_path)
    spice.write(circuit, path)
    assert "scale=" not in path.read_text()
    assert parse(path).array.gains is None
