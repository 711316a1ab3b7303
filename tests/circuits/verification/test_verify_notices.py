"""`hopbar verify` and `hopbar netlist --check` prove the chip: an export that is wrong in any way must fail both."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from circuits import simulators
from circuits.circuit import circuit as netlist
from circuits.circuit import layout
from circuits.circuit.electrical import Wires
from circuits.circuit.layout import Choices, Layout
from circuits.commands.netlist import netlist as netlist_command
from circuits.commands.netlist import verify as verify_command
from circuits.dialects import spice
from circuits.dialects.reader import parse
from circuits.memristors import registry
from circuits.simulators import Limits
from circuits.verification import exporting, nudged, verdict
from circuits.verification.chip_reference import devices, rest, sampled
from circuits.verification.exporting import Proof, Request, export_chip, prove
from circuits.verification.read_back import check
from circuits.verification.verdict import OPAMP_TOLERANCE, TOLERANCE
from crossbar.chip import Chip, Conductances
from crossbar.errors import CorruptFile, HopbarError, InvalidValue, MissingFile
from crossbar.hopfield.network import Network

LIMITS = Limits(seconds=60, gigabytes=4)
pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_ngspice")]


def two_device(chip: Chip) -> Chip:
    """Return `chip` on devices that hold W and W^T apart."""
    rng = np.random.default_rng(5)
    mask = chip.networks["tied"].mask()
    missed = chip.weights["tied"] + 0.3 * rng.standard_normal(mask.shape)
    plus, minus = (np.where(mask, 1e-6 + 1e-5 * np.maximum(side, 0), 0.0) for side in (missed, -missed))
    return replace(chip, conductances={
        "tied": Conductances(plus=plus, minus=minus, siemens_per_weight=1e-5, device="test")
    })  # fmt: skip


def of_array(change):
    """Return a mutant of the mapping, which changes the array."""
    right = layout.program
    return lambda monkeypatch: monkeypatch.setattr(layout, "program", lambda *a, **k: change(right(*a, **k)))


def of_circuit(change):
    """Return a mutant of the posing, which changes the circuit."""

    def patch(monkeypatch):
        for module in (layout, netlist):
            right = netlist.build
            monkeypatch.setattr(module, "build", lambda *a, right=right, **k: change(right(*a, **k)))

    return patch


def without(array):
    """Return `array` without the G+ of three hidden neurons."""
    plus = array.plus.copy()
    plus[9:12] = 0
    return replace(array, plus=plus)


def off_scale(circuit):
    """Return `circuit` with the writer's own slip: a scale that is not the array's."""
    return replace(circuit, array=replace(circuit.array, siemens_per_weight=1.001 * circuit.array.siemens_per_weight))


def steeper(circuit):
    """Return `circuit` with twice the gain."""
    laws = tuple(replace(law, gain=2 * law.gain) for law in circuit.neurons.laws)
    return replace(circuit, neurons=replace(circuit.neurons, laws=laws))


MUTANTS = {
    "W to -W": of_array(lambda array: replace(array, plus=array.minus, minus=array.plus)),
    "weights halved": of_array(lambda array: replace(array, siemens_per_weight=2 * array.siemens_per_weight)),
    "gain doubled": of_circuit(steeper),
    "transposed": of_array(lambda array: replace(array, plus=array.plus.T.copy(), minus=array.minus.T.copy())),
    "no G+ in three neurons": of_array(without),
    "clamps negated": of_circuit(lambda circuit: replace(circuit, held=-circuit.held)),
    "scale off by 1e-3": of_circuit(off_scale),
}


@pytest.mark.parametrize("options", [{}, {"mode": "fixed-rail"}, {"analysis": "op"}, {"role": "both"}])
def test_a_right_export_passes(small_chip, options):
    for chip in (small_chip, two_device(small_chip)):
        summary = prove(Layout(chip=chip), Proof(**options))
        assert summary["passed"], summary["reasons"]
        assert summary["reasons"] == []
        assert all(text["passed"] for text in summary["read_back"])


@pytest.mark.parametrize("name", MUTANTS)
@pytest.mark.parametrize("options", [{}, {"mode": "fixed-rail"}, {"role": "both"}])
def test_a_wrong_export_fails_by_its_states_and_by_its_text(small_chip, tmp_path, monkeypatch, name, options):
    chip = two_device(small_chip) if name == "transposed" else small_chip
    MUTANTS[name](monkeypatch)
    summary = prove(Layout(chip=chip), Proof(**options, keep=tmp_path))
    assert not summary["passed"]
    assert summary["max_abs_error"] > 3 * summary["tolerance"]
    assert not any(text["passed"] for text in summary["read_back"])
    if "role" not in options:
        own = summary["max_abs_error_of_own_weights"]  # what the verdict was: the circuit agrees with itself
        assert options or (own is not None and own < TOLERANCE)


@pytest.mark.parametrize("name", MUTANTS)
def test_vacask_notices_too(small_chip, monkeypatch, name):
    engine = simulators.engine("vacask")
    if engine.version() is None:
        pytest.skip(f"vacask is missing: {engine.remedy}")
    chip = two_device(small_chip) if name == "transposed" else small_chip
    MUTANTS[name](monkeypatch)
    summary = prove(Layout(chip=chip), Proof(engine="vacask", analysis="op"))
    assert not summary["passed"]
    assert summary["max_abs_error"] > 100 * TOLERANCE
    assert not any(text["passed"] for text in summary["read_back"])


@pytest.mark.parametrize("symmetry", ["two-device", "shared"])
@pytest.mark.parametrize("kind", ["small_chip", "untied_chip"])
def test_vacask_passes_on_a_right_export_and_reads_it_back(request, tmp_path, kind, symmetry):
    engine = simulators.engine("vacask")
    if engine.version() is None:
        pytest.skip(f"vacask is missing: {engine.remedy}")
    for idle in ("keep", "drop"):
        chosen = Layout(chip=request.getfixturevalue(kind), choices=Choices(symmetry=symmetry, idle=idle))
        for options in ({"analysis": "tran"}, {"analysis": "op"}, {"analysis": "tran-op"}):
            if idle == "keep" and symmetry == "two-device" and options["analysis"] == "op":
                options["mode"] = "fixed-rail"
            summary = prove(chosen, Proof(engine="vacask", **options, keep=tmp_path))
            assert summary["passed"], summary["reasons"]
            assert len(summary["read_back"]) == 2
    path = tmp_path / "0-encode" / "circuit.sim"
    text = path.read_text()
    assert check(chosen, path, sample=0, seed=0).passed
    for old, new in (("endc", "  print devices\nendc"), ("gain=3.0 ", "gain=3.5 "),
    ("endc", "controls"), (" r r=", " r r=1"),
                     ('load "cells.va"', 'load "other.osdi"')):  # fmt: skip
        path.write_text(text.replace(old, new, 1))
        try:
            assert not check(chosen, path, sample=0, seed=0).passed
        except CorruptFile:
            continue
    path.write_text(text)
    cells = path.with_name("cells.va")
    cells.write_text(cells.read_text().replace("0.25 * gain", "0.26 * gain"))
    assert not check(chosen, path, sample=0, seed=0).passed


@pytest.mark.parametrize("name", MUTANTS)
def test_check_notices_what_the_exporter_wrote_wrong(small_chip, tmp_path, monkeypatch, name):
    chip = two_device(small_chip) if name == "transposed" else small_chip
    right = export_chip(Layout(chip=chip), Request(), tmp_path / "right", "x")["files"][0]["path"]
    MUTANTS[name](monkeypatch)
    wrong = export_chip(Layout(chip=chip), Request(), tmp_path / "wrong", "x")["files"][0]["path"]
    monkeypatch.undo()
    assert check(Layout(chip=chip), right, sample=0, seed=0).passed
    assert not check(Layout(chip=chip), wrong, sample=0, seed=0).passed


def test_weights_on_the_diagonal_are_refused_or_fail(small_chip):
    weights = small_chip.weights["tied"].copy()
    np.fill_diagonal(weights, 1.0)
    try:
        chip = replace(small_chip, weights={"tied": weights})
        summary = prove(Layout(chip=chip), Proof())
    except HopbarError:
        return  # a chip says so at its door
    assert not summary["passed"]
    assert not summary["read_back"][0]["passed"]


@pytest.fixture
def saddle() -> Chip:
    """Two hidden neurons that hinder each other by -4, driven by a pixel of 4: both at 0 rest on a ridge.

    There rho = 1/2 and rho' = 3/4; the Hessian is [[1, b], [b, 1]] with b = 4 (3/4)^2 = 9/4, its softest mode -5/4.
    """
    weights = np.array([[0, 4, 4, 0], [4, 0, -4, 0], [4, -4, 0, 0], [0, 0, 0, 0]], float)
    network = Network((("pixels", 1), ("hidden", 2), ("latent", 1)))
    return Chip(
        model="tdh-vae", networks={"tied": network}, weights={"tied": weights}, sigma=0.1, image_shape=(1, 1),
        examples=np.zeros((1, 1)),
    )  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"analysis": "op"}, {"mode": "fixed-rail"}])
def test_a_saddle_fails_in_every_mode(saddle, options):
    summary = prove(Layout(chip=saddle), Proof(role="encode", **options))
    assert summary["softest_mode"] == pytest.approx(-1.25, abs=1e-12)
    assert not summary["passed"]
    assert any("saddle" in reason for reason in summary["reasons"])


def test_a_saddle_is_written_with_a_warning(saddle, tmp_path):
    heard = []
    report = export_chip(Layout(chip=saddle), Request(role="encode"), tmp_path, "x", heard.append)
    assert report["warnings"] == heard
    assert "saddle" in heard[0]


def test_a_soft_chip_is_written_with_a_warning(small_chip, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "LONGEST", 40.0)
    monkeypatch.setattr("circuits.verification.settled.LONGEST", 40.0)
    report = export_chip(Layout(chip=small_chip), Request(role="encode"), tmp_path, "x")
    assert "cut at 40" in report["warnings"][0]
    assert report["files"][0]["bytes"] > 0


@pytest.mark.parametrize(("error", "passed"), [(0.5e-6, True), (1e-4, False), (float("nan"), False)])
def test_an_error_beyond_the_tolerance_fails(small_chip, monkeypatch, error, passed):
    right = verdict.compare

    def off(*args, **kwargs):
        found = right(*args, **kwargs)
        theirs = found.theirs.copy()
        theirs[-1] = found.ours[-1] + error
        return replace(found, theirs=theirs)

    monkeypatch.setattr(verdict, "compare", off)
    assert TOLERANCE == 1e-6
    assert OPAMP_TOLERANCE == 1e-3
    assert prove(Layout(chip=small_chip), Proof(role="encode", analysis="op"))["passed"] is passed


def test_the_verdict_counts_what_was_simulated(small_chip):
    wires = Wires(tile=8)
    summary = prove(Layout(chip=small_chip, choices=Choices(wires=wires)), Proof(mode="tile"))
    assert summary["n_memristors"] <= 64 < summary["chip_memristors"] == 544
    assert summary["n_neurons"] == 8
    assert summary["passed"]


def test_a_wrong_tile_fails(small_chip, monkeypatch):
    MUTANTS["no G+ in three neurons"](monkeypatch)
    chosen = Layout(chip=small_chip, choices=Choices(wires=Wires(tile=64)))
    assert not prove(chosen, Proof(mode="tile"))["passed"]
    assert not prove(chosen, Proof(mode="coupled"))["passed"]


@pytest.mark.parametrize("name", ["W to -W", "weights halved", "transposed"])
def test_a_wrong_contrast_is_noticed(small_chip, tmp_path, monkeypatch, name):
    chip = two_device(small_chip) if name == "transposed" else small_chip
    MUTANTS[name](monkeypatch)
    found = nudged.compare_contrast(
        Layout(chip=chip), simulators.engine("ngspice"), tmp_path, LIMITS, sample=0, seed=0, beta=0.02, beta_kl=1.9
    )
    assert found.relative_error > 0.05


@pytest.fixture
def written(small_chip, tmp_path):
    """A chip and its netlist of both roles, as files."""
    path = small_chip.save(tmp_path / "chip.h5")
    file = export_chip(Layout(chip=small_chip), Request(sample=1, seed=3), tmp_path, "x")["files"][0]["path"]
    return str(path), file


def run_check(chip, file, *options):
    return CliRunner().invoke(netlist_command, [chip, "--check", str(file), "--sample", "1", "--seed", "3", *options])


def test_check_is_a_command(written, tmp_path):
    chip, file = written
    passed = run_check(chip, file)
    assert passed.exit_code == 0, passed.output
    assert "is the chip (17 neurons, 544 memristors, role both)" in passed.output
    found = json.loads(run_check(chip, file, "--json").output)
    assert found["passed"] is True
    assert found["weight_error"] < 1e-12
    other = CliRunner().invoke(netlist_command, [chip, "--check", file, "--sample", "0", "--seed", "3"])
    assert other.exit_code == 1  # another image
    assert "clamps" in other.output
    assert isinstance(run_check(chip, tmp_path / "none.cir").exception, MissingFile)
    assert isinstance(run_check(chip, tmp_path).exception, MissingFile)
    assert isinstance(run_check(chip, chip).exception, (CorruptFile, InvalidValue))
    assert isinstance(CliRunner().invoke(netlist_command, [chip]).exception, InvalidValue)


@pytest.mark.parametrize(("old", "new"), [
    (".end\n", ".control\nshell date\n.endc\n.end\n"),
    ("Xsense_hidden_0 qp_hidden_0 qn_hidden_0", "Xsense_hidden_0 qn_hidden_0 qp_hidden_0"),
    ("p_pixel_0_0 qp_hidden_1 ", "p_pixel_0_0 qn_hidden_1 "), ("p_pixel_0_0 qp_hidden_1 ", "p_pixel_0_1 qp_hidden_1 "),
    (".param gain=3.0", ".param gain=3.0000001"), ("V=(i(Vplus)-i(Vminus))", "V=(i(Vminus)-i(Vplus))"),
    (".end\n", "Ileak 0 s_hidden_0 1e-7\n.end\n"), (".end\n", ".param gain=6.0\n.end\n"),
    (".end\n", "+ 1\n.end\n"), (".param r_on=1.0", ".param r_on=1000.0"), (".param v_read=0.1", ".param v_read=0.2"),
    ("hidden_0 neuron ic=0.0", "hidden_0 neuron ic=0.5"), (".end\n", ".param tnom=300\n.end\n"),
    ("Vinput_pixel_0_0 x_pixel_0_0 0 ", "Vinput_pixel_0_0 x_pixel_0_0 0 0.5"),
    ("Sreset_hidden_0 s_hidden_0 0 reset 0 gate\n", ""), (".param sigma=0.4", ".param sigma=0.5"),
    ("Xdriver_hidden_0 s_hidden_0 p_hidden_0 driver\n", ""),
])  # fmt: skip
def test_a_netlist_that_was_changed_is_noticed(written, old, new):
    chip, file = written
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new, 1))
    result = run_check(chip, file)
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, (SystemExit, CorruptFile))


@pytest.mark.parametrize("choices", [
    Choices(symmetry="shared"), Choices(amplifier="opamp"), Choices(amplifier="opamp", symmetry="shared"),
    Choices(wires=Wires(tile=7)), Choices(idle="drop"), Choices(g_min=2e-6, g_max=1e-5),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["small_chip", "untied_chip"])
def test_every_way_of_writing_reads_back_as_the_chip(request, tmp_path, kind, choices):
    chosen = Layout(chip=request.getfixturevalue(kind), choices=choices)
    if choices.wires is not None:
        requests = [Request(role="encode"), Request(role="decode")]
    else:
        requests = [Request(), Request(role="encode"), Request(role="decode"), Request(role="decode", phase="nudged")]
    for one in requests:
        for file in export_chip(chosen, one, tmp_path, "x")["files"]:
            found = check(chosen, file["path"], sample=0, seed=0)
            assert found.passed, found.problems
            assert found.unread == ({"nudged": ("nudges",)}.get(one.phase, ()) or
                                    (("where the lines run",) if choices.wires else ()))  # fmt: skip
            assert not parse(file["path"]).foreign


def test_devices_with_a_state_cannot_be_read_back(small_chip, tmp_path):
    chosen = Layout(chip=small_chip, choices=Choices(device="vteam"))
    file = export_chip(chosen, Request(), tmp_path, "x")["files"][0]["path"]
    with pytest.raises(InvalidValue, match="linear"):
        check(chosen, file, sample=0, seed=0)


@pytest.mark.parametrize("symmetry", ["two-device", "shared"])
@pytest.mark.parametrize("device", ["vteam", "yakopcic", "stanford"])
def test_devices_with_a_state_are_verified_and_stay_as_they_are(small_chip, device, symmetry):
    """A shared G- sees v_i + v_j: read at full v_read, Yakopcic's devices drifted by 5e-3 in 60 time constants."""
    chosen = Layout(chip=small_chip, choices=Choices(device=device, symmetry=symmetry))
    full = registry.MODELS[device].read_voltage
    assert chosen.read_voltage("tied") == (full / 2 if symmetry == "shared" else full)
    summary = prove(chosen, Proof(role="encode"))
    assert summary["passed"], summary["reasons"]
    assert summary["device"] == device


def test_devices_with_a_state_have_no_operating_point(small_chip, tmp_path):
    path = str(small_chip.save(tmp_path / "chip.h5"))
    for options in (["--mode", "fixed-rail"], ["--analysis", "op"]):
        refused = CliRunner().invoke(verify_command, [path, "--device", "yakopcic", *options]).exception
        assert isinstance(refused, InvalidValue)
        assert "operating point" in str(refused)


def test_the_reference_is_the_chips_own(small_chip, untied_chip, rng):
    """Its weights, devices and samples against numbers made by hand."""
    plus, minus, scale = devices(small_chip, Choices(), "tied")
    weights = small_chip.weights["tied"]
    np.testing.assert_allclose((plus - minus) / scale, weights, atol=1e-12)
    assert plus.max() == pytest.approx(1e-4)
    assert not np.diagonal(plus).any()
    states, noise = rng.standard_normal(17), rng.standard_normal(2)
    np.testing.assert_array_equal(sampled(small_chip, states, noise), states[15:] + 0.4 * noise)
    spread = rng.standard_normal(18)
    expected = spread[14:16] + np.exp(0.5 * spread[16:]) * noise
    np.testing.assert_allclose(sampled(untied_chip, spread, noise), expected, rtol=1e-15)
    found = rest(small_chip, Choices(), "encode", small_chip.examples[0])
    signals = 1 / (1 + np.exp(-3 * found.states))
    residual = found.states - 3 * signals * (1 - signals) * (weights @ signals)
    assert np.abs(residual[9:]).max() < 1e-13
    np.testing.assert_array_equal(found.states[:9], small_chip.examples[0])
    assert found.energy(found.states) == pytest.approx(
        0.5 * (found.states**2).sum() - 0.5 * signals @ weights @ signals, rel=1e-14
    )


def test_expected_values_stand_in_the_file_and_ngspice_finds_them(small_chip, tmp_path):
    file = export_chip(Layout(chip=small_chip), Request(), tmp_path, "x")["files"][0]["path"]
    expected = dict(re.findall(r"^\* expected (\w+) = (\S+)$", Path(file).read_text(), re.MULTILINE))
    said = subprocess.run(["ngspice", "-n", "-b", file], capture_output=True, text=True, timeout=60, check=True).stdout
    found = dict(re.findall(r"^(\w+)\s+=\s+(\S+)$", said, re.MULTILINE))
    assert set(expected) == set(parse(file).neurons) <= set(found)
    assert max(abs(float(expected[name]) - float(found[name])) for name in expected) < 1e-4


def test_a_full_disk_is_told_with_the_files_name_and_leaves_nothing(small_chip, tmp_path, monkeypatch):
    def full(_):
        yield "* begun\n"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spice, "pieces", full)
    with pytest.raises(OSError, match="No space left") as caught:
        export_chip(Layout(chip=small_chip), Request(role="encode"), tmp_path, "x")
    assert str(caught.value.filename).endswith("encode.cir")
    assert not list(tmp_path.iterdir())


def test_bit_lines_beyond_an_amplifiers_swing_are_noticed(small_chip):
    """0.1 V over ten conductances of up to 10 mS through 1 kohm are more than the 2.25 V of its output."""
    choices = Choices(amplifier="opamp", g_min=1e-3, g_max=1e-2)
    assert not prove(Layout(chip=small_chip, choices=choices), Proof(role="encode"))["passed"]
