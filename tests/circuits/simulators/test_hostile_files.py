"""Damaged chips, netlists, simulators and options: one clear error, never a traceback, never silent acceptance."""

import importlib.util
import json
import os
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from circuits import simulators
from circuits.circuit.circuit import Analysis
from circuits.circuit.layout import Layout
from circuits.commands.netlist import netlist, verify
from circuits.simulators import Limits, process
from circuits.simulators.ngspice import Ngspice, refuse_failure
from circuits.simulators.waveforms import read_raw
from circuits.simulators.workplace import workplace
from circuits.verification.chip_reference import rest
from circuits.verification.exporting import Proof, prove
from crossbar.chip import load_chip
from crossbar.errors import CorruptFile, EngineError, HopbarError, InvalidValue

LIMITS = Limits(seconds=30, gigabytes=4)
spice = pytest.mark.spice


def dataset(name, make):
    """Return a change of a chip's file: dataset `name` becomes `make` of it."""

    def change(file):
        held = file[name][()]
        del file[name]
        file[name] = make(held)

    return change


def attribute(name, value):
    """Return a change of a chip's file: attribute `name` becomes `value`."""
    return lambda file: file.attrs.__setitem__(name, value)


REFUSED = {
    "complex weights": dataset("networks/tied/weights", lambda weights: weights + 1j),
    "text for weights": dataset("networks/tied/weights", lambda weights: weights.astype("S4")),
    "negative sigma": attribute("sigma", -1.0), "NaN sigma": attribute("sigma", np.nan),
    "sigma of three": attribute("sigma", np.ones(3)), "gain 0": attribute("gain", 0.0),
    "gain inf": attribute("gain", np.inf), "gain NaN": attribute("gain", np.nan),
    "no examples": dataset("examples", lambda images: images[:0]),
    "examples of bytes": dataset("examples", lambda images: images.astype("S3")),
    "examples of 1e30": dataset("examples", lambda images: images * 1e30),
    "examples of NaN": dataset("examples", lambda images: images * np.nan),
    "examples of 8 pixels": dataset("examples", lambda images: images[:, :8]),
    "one example": dataset("examples", lambda images: images[0]),
    "network foo": lambda file: file.move("networks/tied", "networks/foo"),
    "block names": lambda file: file["networks/tied"].attrs.__setitem__(
        "blocks", json.dumps([["pixels", 9], ["hid\n.control", 6], ["latent", 2]])
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("command", [[netlist, "--out"], [verify, "--keep"]])
@pytest.mark.filterwarnings("ignore:Casting complex values")  # a chip's own door may look at them first
def test_chips_that_cannot_be_are_refused(small_chip, tmp_path, name, command):
    path = small_chip.save(tmp_path / "chip.h5")
    with h5py.File(path, "r+") as file:
        REFUSED[name](file)
    result = CliRunner().invoke(command[0], [str(path), command[1], str(tmp_path / "out"), "--role", "encode"])
    assert isinstance(result.exception, HopbarError), result.exception
    assert "\n" not in str(result.exception)


TAKEN = {
    "sigma 0": attribute("sigma", 0.0), "another shape": attribute("image_shape", (28, 28)),
    "no shape": attribute("image_shape", (0, 0)), "provenance is a list": attribute("provenance", json.dumps(["a\n"])),
}  # fmt: skip


@spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("name", TAKEN)
def test_odd_chips_that_can_be_are_taken(small_chip, tmp_path, name):
    path = small_chip.save(tmp_path / "chip.h5")
    with h5py.File(path, "r+") as file:
        TAKEN[name](file)
    keep = str(tmp_path / "keep")
    try:
        Layout(chip=load_chip(path))
    except HopbarError:
        pytest.skip("a chip says so at its door")
    for options in ([], ["--role", "both"]):
        result = CliRunner().invoke(verify, [str(path), "--keep", keep, *options])
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize(("command", "options"), [
    (netlist, ["--g-max", "1e300"]), (netlist, ["--g-min", "1e-300"]), (netlist, ["--beta-kl", "nan"]),
    (netlist, ["--beta-kl", "inf"]), (netlist, ["--r-wire", "nan"]), (netlist, ["--tile", "64"]),
    (netlist, ["--device", "stanford", "--g-min", "1e-9"]), (netlist, ["--wires", "--r-wire", "nan"]),
    (verify, ["--memory", "inf"]), (verify, ["--memory", "1e30"]), (verify, ["--memory", "nan"]),
    (verify, ["--timeout", "inf"]), (verify, ["--r-wire", "2"]), (verify, ["--tile", "64"]),
    (verify, ["--device", "vteam", "--mode", "tile", "--wires"]), (verify, ["--device", "vteam", "--engine", "vacask"]),
])  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(small_chip, tmp_path, command, options):
    path = str(small_chip.save(tmp_path / "chip.h5"))
    out = ["--out", str(tmp_path / "out")] if command is netlist else []
    result = CliRunner().invoke(command, [path, *out, *options])
    assert isinstance(result.exception, (InvalidValue, EngineError)), result.output


def test_steep_chips_come_to_rest(small_chip):
    """Slopes of 1e6: rounding is no sign that a state is not at rest."""
    steep = replace(small_chip, weights={"tied": 1e6 * small_chip.weights["tied"]})
    layout = Layout(chip=steep)
    found = rest(steep, layout.choices, "encode", layout.image(0))
    assert found.softest > 0


def raw(head: bytes, body: bytes = b"") -> bytes:
    return head + b"Binary:\n" + body


GOOD = b"Flags: real\nNo. Variables: 2\nNo. Points: 1\nVariables:\n\t0\ttime\ttime\n\t1\tv(s_a)\tvoltage\n"


@pytest.mark.parametrize("data", [
    b"", b"\xff\xfe\x00", raw(b""), raw(GOOD), raw(GOOD.replace(b"No. Points: 1", b"No. Points: -1"), b"0" * 64),
    raw(GOOD.replace(b"No. Points: 1", b"No. Points: many"), b"0" * 64),
    raw(GOOD.replace(b"No. Points: 1", b"No. Points: 1" + b"0" * 30), b"0" * 64),
    raw(GOOD.replace(b"\t0\ttime\ttime\n", b""), b"0" * 64),
    raw(GOOD.replace(b"\t0\ttime\ttime\n", b"\t0\n"), b"0" * 64),
    raw(GOOD.replace(b"\t0\ttime\ttime\n", b"\t\n"), b"0" * 64), raw(GOOD.replace(b"real", b"complex"), b"0" * 64),
])  # fmt: skip
def test_damaged_raw_files_give_one_error(tmp_path, data):
    path = tmp_path / "x.raw"
    path.write_bytes(data)
    with pytest.raises(CorruptFile):
        read_raw(path)
    path.write_bytes(raw(GOOD, np.array([0.0, 0.5]).tobytes()))
    assert read_raw(path).states(["a"]) == [0.5]


def imitate(tmp_path, monkeypatch, body: str) -> None:
    """Put a program `ngspice` on the PATH that prints its version, or runs `body` in Python."""
    program = tmp_path / "bin" / "ngspice"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable} -I\nimport sys\nout = sys.stdout.buffer\n"
        f"if '--version' in sys.argv:\n    out.write(b'** ngspice-42 : \\xff\\xfe\\n')\n    sys.exit()\n{body}\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


@pytest.mark.parametrize("body", [
    "", "open('circuit.raw', 'wb').write(b'No. Points: x\\nBinary:\\n')", "open('circuit.raw', 'w').write('ascii')",
    "out.write(b'x' * 1000 + b'\\n')", "out.write(b'\\xff' * 3000)",
])  # fmt: skip
def test_a_simulator_without_a_result_is_told_with_its_last_words(small_chip, tmp_path, monkeypatch, body):
    imitate(tmp_path, monkeypatch, body)
    assert Ngspice().version() == "42"
    layout = Layout(chip=small_chip)
    with pytest.raises(EngineError, match=r"no result.*--keep FOLDER") as caught:
        Ngspice().settle(layout.encode(layout.image(0)), tmp_path, LIMITS)
    assert len(str(caught.value)) < 1500
    assert (tmp_path / "ngspice.log").exists()  # beside the netlist
    assert (tmp_path / "circuit.cir").exists()


def test_a_long_log_is_read_at_its_ends(tmp_path):
    path = tmp_path / "x.log"
    with path.open("wb") as file:
        file.write(b"begun\n")
        file.seek(2 * 10**8)
        file.write(b"ended\n")
    text = process.read_log(path)
    assert text.startswith("begun")
    assert text.endswith("ended\n")
    assert len(text) < 10**6
    path.write_text("short")
    assert process.read_log(path) == "short"


def test_notes_and_warnings_are_no_failures():
    refuse_failure(
        "x", "Warning: singular matrix:  check node a\nNote: Starting dynamic gmin stepping\nUnsupported 42\n"
    )
    refuse_failure("x", "stderr Note: No compatibility mode selected!\nUsing SPARSE 1.3 as Direct Linear Solver\n")
    with pytest.raises(EngineError, match="did not solve"):
        refuse_failure("x", "doAnalyses: TRAN:  Timestep too small; initial timepoint: trouble\n")


@spice
def test_inspice_is_run_like_pyspice(small_chip, tmp_path, monkeypatch):
    """The fork as it is where Python can read it; before 3.12 with its one line mended that Python cannot."""
    spec = importlib.util.find_spec("InSpice")
    if spec is None or simulators.engine("pyspice").library() is None:
        pytest.skip("InSpice or libngspice is missing: pip install InSpice")
    copy = tmp_path / "packages"
    shutil.copytree(spec.submodule_search_locations[0], copy / "InSpice")
    shared = copy / "InSpice" / "Spice" / "NgSpice" / "Shared.py"
    shared.write_text(shared.read_text().replace("{kwargs['after']}", '{kwargs["after"]}'))
    monkeypatch.syspath_prepend(str(copy))
    monkeypatch.setenv("PYTHONPATH", str(copy))
    engine = simulators.engine("inspice")
    assert engine.version() is not None
    layout = Layout(chip=small_chip)
    circuit = layout.encode(layout.image(0))
    theirs, ours = (one.settle(circuit, tmp_path, Limits()) for one in (engine, simulators.engine("ngspice")))
    free = [name for name, held in zip(circuit.names, circuit.clamped, strict=True) if not held]
    np.testing.assert_allclose(theirs.states(free), ours.states(free), atol=1e-9)


def test_a_package_that_python_cannot_read_is_missing(tmp_path, monkeypatch):
    package = tmp_path / "InSpice" / "Spice" / "NgSpice"
    package.mkdir(parents=True)
    (tmp_path / "InSpice" / "__init__.py").touch()
    (package / "Shared.py").write_text("this is no Python\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    engine = simulators.engine("inspice")
    assert engine.version() is None
    assert "3.12" in engine.remedy


def test_pyspice_takes_notes_on_stderr_for_notes(small_chip, tmp_path):
    """PySpice reads every line on stderr as an error: notes, and that a version is new to it."""
    engine = simulators.engine("pyspice")
    if engine.version() is None:
        pytest.skip(f"pyspice is missing: {engine.remedy}")
    from circuits.simulators.pyspice_worker import forbid_init_files

    forbid_init_files(None)
    layout = Layout(chip=small_chip)
    circuit = layout.encode(layout.image(0))
    engine.settle(replace(circuit, analysis=Analysis(kind="op")), tmp_path, LIMITS)
    text = (tmp_path / "pyspice.log").read_text()
    assert "Note:" in text  # ngspice 39 says that no compatibility mode is selected, PySpice that 39 is new to it
    assert "Unsupported Ngspice version" in text


@spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("name", ["ngspice", "pyspice", "vacask"])
def test_a_relative_folder_is_kept(small_chip, tmp_path, monkeypatch, name):
    engine = simulators.engine(name)
    if engine.version() is None:
        pytest.skip(f"{name} is missing: {engine.remedy}")
    monkeypatch.chdir(tmp_path)

    summary = prove(Layout(chip=small_chip), Proof(engine=name, keep=Path("kept"), role="encode"))
    assert summary["passed"], summary["reasons"]
    assert any(path.name.startswith("circuit.") for path in (tmp_path / "kept" / "0-encode").iterdir())


def test_memory_is_that_of_the_child(tmp_path):
    ballast = np.ones(25_000_000)  # 200 MB
    with workplace(tmp_path) as private:
        small = process.run_limited("sleep", ["sleep", "0.2"], private, LIMITS).megabytes
        code = "x = b'1' * 100_000_000; import time; time.sleep(0.3)"
        large = process.run_limited("python", [sys.executable, "-I", "-c", code], private, LIMITS).megabytes
    assert ballast.sum() > 0
    if sys.platform == "linux":
        assert 0 < small < 20
        assert 90 < large < 150
