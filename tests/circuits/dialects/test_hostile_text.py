"""Chips, folders and files beside a netlist come from elsewhere: none of it may become a command."""

import copy
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from circuits import simulators
from circuits.circuit.comments import LONGEST, MOST, comment, heading
from circuits.circuit.layout import Layout
from circuits.circuit.names import check_names
from circuits.dialects import spice, vacask
from circuits.simulators import Limits, process
from circuits.simulators.workplace import workplace
from circuits.verification.chip_reference import rest
from circuits.verification.exporting import Request, export_chip
from circuits.verification.settled import compare
from crossbar.chip import Conductances
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.neurons import Sigmoid
from crossbar.hopfield.population import Population

LIMITS = Limits(seconds=60, gigabytes=4)
ENGINES = ["ngspice", "pyspice", "vacask"]
BREAKS = ("\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\\\n")


def command(name: str) -> str:
    """Return text that runs a command where a line break in it is believed."""
    return "x" + "".join(f"{one}.control{one}shell touch {name}{one}.endc{one}*" for one in BREAKS)


def past_the_door(record, **texts):
    """Return a copy of `record` with texts that its own door refuses: the netlist must not count on that door."""
    odd = copy.copy(record)
    for name, text in texts.items():
        object.__setattr__(odd, name, text)
    return odd


def hostile(chip, name):
    """Return `chip` with a command in every text that it carries."""
    text, network = command(name), chip.networks["tied"]
    coupled = network.mask()
    plus, minus = (np.where(coupled, 1e-6 + 1e-5 * np.maximum(side, 0), 0.0) for side in
                   (chip.weights["tied"], -chip.weights["tied"]))  # fmt: skip
    devices = Conductances(plus=plus, minus=minus, siemens_per_weight=1e-5, device="test")
    odd = {"tied": past_the_door(devices, device=text)}
    return past_the_door(chip, model=text, provenance={text: text, "#": "#" + text}, conductances=odd)


def test_a_chip_refuses_such_texts_itself(small_chip):
    for changes in ({"model": command("x")}, {"provenance": {command("x"): "run"}}):
        with pytest.raises(InvalidValue, match="printable ASCII"):
            replace(small_chip, **changes)


def available(name):
    """Return the engine `name`, or skip the test."""
    engine = simulators.engine(name)
    if engine.version() is None:
        pytest.skip(f"{name} is missing: {engine.remedy}")
    return engine


def test_comments_are_one_printable_line():
    for text in (command("x"), "a\\", "\x00\x1b[31m", "é√", "#quit", "*#quit", "x" * 10_000):
        line = comment(text)
        assert line.startswith("* ")
        assert line.splitlines() == [line[:-1]]
        assert all(" " <= one <= "~" and one != "\\" for one in line[:-1])
        assert len(line) < LONGEST + 10
    assert comment(7, "//") == "// 7\n"
    assert len(heading(("x",) * 1000).splitlines()) == MOST + 1


@pytest.mark.parametrize("write", [spice.write, lambda circuit, path: vacask.write(circuit, path.parent)])
def test_text_of_a_chip_stays_in_its_comments(small_chip, tmp_path, write):
    circuit = Layout(chip=hostile(small_chip, "pwned")).encode(small_chip.examples[0])
    circuit = replace(circuit, heading=(command("pwned"), *circuit.heading))
    text = write(circuit, tmp_path / "chip.cir").read_text()
    assert any("pwned" in line for line in text.splitlines())
    for line in text.splitlines():
        assert line.startswith(("* ", "// ")) or not ({"shell", ".control", "pwned"} & set(line.split()))


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
def test_a_netlist_of_a_hostile_chip_and_folder_runs_no_command(small_chip, tmp_path):
    chip = past_the_door(hostile(small_chip, "pwned"), conductances={})
    report = export_chip(Layout(chip=chip), Request(), tmp_path, "runs/" + command("pwned"))
    subprocess.run(["ngspice", "-b", report["files"][0]["path"]], cwd=tmp_path, timeout=60, check=True,
                   capture_output=True)  # fmt: skip
    assert not list(tmp_path.rglob("pwned*"))


@pytest.mark.spice
@pytest.mark.parametrize("name", ENGINES)
def test_a_hostile_chip_in_a_hostile_folder_runs_no_command(small_chip, tmp_path, monkeypatch, name):
    engine = available(name)
    kept = tmp_path / command("x").replace("/", "")[:50] / "kept"
    kept.mkdir(parents=True)
    home = tmp_path / "home"
    home.mkdir()
    for folder in (kept, home):
        (folder / ".spiceinit").write_text(f"shell touch {tmp_path}/pwned_init\nset filetype=ascii\n")
        (folder / ".vacaskrc.toml").write_text("this is no toml [")
        for module in ("numpy", "site", "sitecustomize", "PySpice", "ctypes"):
            (folder / f"{module}.py").write_text(f"open({str(tmp_path / 'pwned_module')!r}, 'w')\n")
    for compiled in ("cells.osdi", "resistor.osdi", "constants.vams"):
        (kept / compiled).write_text("no library")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (kept / "circuit.raw").symlink_to(victim)
    monkeypatch.setenv("HOME", str(home))
    for variable in ("SPICE_ASCIIRAWFILE", "SPICE_NO_DATASEG_CHECK"):
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("SPICE_SCRIPTS", str(kept))
    monkeypatch.setenv("SIM_MODULE_PATH", str(kept))
    monkeypatch.setenv("SIM_OPENVAF", str(kept / "cells.osdi"))
    monkeypatch.chdir(kept)
    chip = hostile(small_chip, "pwned")
    devices = past_the_door(chip.conductances["tied"], device="test")  # the reference makes devices anew, by their door
    chip = past_the_door(chip, conductances={"tied": devices})
    layout = Layout(chip=chip)
    ours = rest(chip, layout.choices, "encode", chip.examples[0])
    found = compare(layout.encode(chip.examples[0]), ours, engine, kept, LIMITS, kind="op")
    assert np.abs(found.error).max() < 1e-6
    assert not list(tmp_path.rglob("pwned*"))
    assert victim.read_text() == "mine"
    assert (kept / ("circuit.sim" if name == "vacask" else "circuit.cir")).stat().st_size > 1000


@pytest.mark.parametrize("name", ["a\n.control", "a b", "A", "1a", "", "a__b", "a" * 65, "a$x", "é", 3])
def test_a_circuit_with_names_that_no_netlist_may_hold_is_not_made(small_chip, name):
    circuit = Layout(chip=small_chip).encode(small_chip.examples[0])
    with pytest.raises(InvalidValue, match="named by"):
        replace(circuit, names=(name, *circuit.names[1:]))


def test_other_texts_of_a_circuit_are_checked_too(small_chip):
    circuit = Layout(chip=small_chip).encode(small_chip.examples[0])
    with pytest.raises(UnknownName):
        replace(circuit, device="linear\n.control")
    with pytest.raises(InvalidValue, match="neurons"):
        replace(circuit, neurons=Population((Sigmoid(),), (3,)))
    with pytest.raises(InvalidValue, match="twice"):
        check_names(("a", "a"))


def test_simulators_start_in_an_empty_home_with_an_environment_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("SPICE_ASCIIRAWFILE", "1")
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}{os.pathsep}bin{os.pathsep}")
    code = "import os; print(sorted(os.environ), os.environ['PATH'], os.listdir(os.environ['HOME']), os.getcwd())"
    with workplace(tmp_path) as private:
        assert (private / ".spiceinit").read_text() == ""  # ngspice's library looks here before the user's own home
        log = process.run_limited("python", [sys.executable, "-I", "-c", code], private, LIMITS).log
    assert "SPICE_ASCIIRAWFILE" not in log
    assert "LD_PRELOAD" not in log
    assert " .:" not in log
    assert "[] /" in log
    assert str(private) in log
    assert not private.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["python.log"]


def test_what_a_failed_run_left_is_kept_and_links_are_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "made").symlink_to(victim)
    with pytest.raises(RuntimeError, match="crash"), workplace(folder) as private:  # noqa: PT012
        (private / "made").write_text("new")
        (private / "link").symlink_to(victim)
        raise RuntimeError("crash")
    assert sorted(path.name for path in folder.iterdir()) == ["made"]
    assert (folder / "made").read_text() == "new"
    assert victim.read_text() == "mine"
