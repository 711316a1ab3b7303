import json

import pytest
from click.testing import CliRunner
from schematics import DRAWINGS, draw

from circuits.circuit.layout import Layout
from circuits.commands.netlist import netlist, verify
from circuits.dialects.reader import count_memristors
from circuits.verification import exporting
from crossbar.errors import EngineError, InvalidValue, MissingFile


@pytest.fixture
def chip_file(small_chip, tmp_path):
    return str(small_chip.save(tmp_path / "chip.h5"))


@pytest.mark.parametrize(("options", "file"), [
    ([], "both.cir"), (["--role", "encode", "--symmetry", "shared"], "encode.cir"),
    (["--role", "decode", "--device", "vteam", "--wires", "--tile", "8", "--neuron", "opamp"], "decode.cir"),
    (["--role", "encode", "--phase", "nudged"], "encode-nudged.cir"),
])  # fmt: skip
def test_netlist_writes_what_is_asked(chip_file, tmp_path, options, file):
    out = tmp_path / "netlists"
    result = CliRunner().invoke(netlist, [chip_file, "--out", str(out), "--json", *options])
    assert result.exit_code == 0, result.output
    report = json.loads(result.output)
    assert report["n_memristors"] == count_memristors(out / file) == report["files"][0]["n_memristors"]
    assert (out / file).read_text().endswith(".end\n")


@pytest.mark.parametrize(("dialect", "file"), [
    ("ltspice", "both.ltspice.net"), ("xyce", "both.xyce.cir"), ("spectre", "both.scs"), ("hspice", "both.hspice.sp"),
])  # fmt: skip
def test_other_dialects_are_written_read_back_and_checked(chip_file, tmp_path, dialect, file):
    run, out = CliRunner().invoke, tmp_path / "netlists"
    result = run(netlist, [chip_file, "--out", str(out), "--json", "--dialect", dialect])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)["files"][0]
    assert (told["dialect"], told["compared"], told["path"]) == (dialect, True, str(out / file))
    assert "never run" in told["run"]
    check = [chip_file, "--check", str(out / file), "--dialect", dialect]
    assert run(netlist, check).exit_code == 0
    assert isinstance(run(netlist, [*check, "--phase", "nudged"]).exception, InvalidValue)  # two circuits
    assert run(netlist, [*check, "--seed", "1"]).exit_code == 1
    assert isinstance(run(netlist, [*check[:2], "none", *check[3:]]).exception, MissingFile)


def test_vacask_gets_each_role_alone(chip_file, tmp_path):
    result = CliRunner().invoke(netlist, [chip_file, "--out", str(tmp_path), "--dialect", "vacask"])
    assert result.exit_code == 0, result.output
    for role in ("encode", "decode"):
        assert {path.name for path in (tmp_path / f"{role}.vacask").iterdir()} == {"circuit.sim", "cells.va"}
        check = CliRunner().invoke(netlist, [chip_file, "--check", str(tmp_path / f"{role}.vacask" / "circuit.sim")])
        assert check.exit_code == 0, check.output


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("options", [[], ["--role", "both"], ["--mode", "fixed-rail", "--symmetry", "shared"]])
def test_verify_passes_on_a_sound_chip(chip_file, options):
    result = CliRunner().invoke(verify, [chip_file, "--json", *options])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.output)
    assert summary["passed"] is True
    assert {"engine", "mode", "n_neurons", "n_memristors", "max_abs_error"} <= set(summary)


def test_commands_say_what_is_wrong(chip_file, tmp_path, monkeypatch):
    run = CliRunner().invoke
    assert isinstance(run(netlist, ["none.h5", "--out", str(tmp_path)]).exception, MissingFile)
    both = run(netlist, [chip_file, "--out", str(tmp_path), "--role", "both", "--phase", "nudged"])
    assert isinstance(both.exception, InvalidValue)
    assert isinstance(run(netlist, [chip_file, "--out", str(tmp_path), "--g-max", "-1"]).exception, InvalidValue)
    monkeypatch.setenv("PATH", "")
    missing = run(verify, [chip_file]).exception
    assert isinstance(missing, EngineError)
    assert "apt-get" in str(missing)


@pytest.mark.parametrize("command", [[netlist, "--out"], [verify, "--keep"]])
def test_bad_options_are_refused_before_any_work(chip_file, tmp_path, command):
    (tmp_path / "file").write_text("not a folder")
    folder = str(tmp_path / "folder")
    for options in ([command[1], folder, "--seed", "-1"], [command[1], str(tmp_path / "file")]):
        result = CliRunner().invoke(command[0], [chip_file, *options])
        assert result.exit_code == 2, result.output
        assert "Invalid value" in result.output
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("options", [["--mode", "fixed-rail"], ["--mode", "tile"], ["--analysis", "op"]])
def test_the_single_chip_is_a_coupled_transient_only(chip_file, options):
    refused = CliRunner().invoke(verify, [chip_file, "--role", "both", *options]).exception
    assert isinstance(refused, InvalidValue)
    assert "coupled transient" in str(refused)


@pytest.mark.parametrize("limit", ["SMALL", "COUPLED"])
def test_a_large_single_chip_is_coupled_too(small_chip, monkeypatch, limit):
    asked = {}

    def answer(*_, mode, **__):
        asked["mode"] = mode
        raise MissingFile("enough")

    monkeypatch.setattr(exporting, "verify", answer)
    monkeypatch.setattr(exporting, limit, 5)  # neurons
    with pytest.raises(MissingFile, match="enough"):
        exporting.prove(Layout(chip=small_chip), exporting.Proof(role="both"))
    assert asked["mode"] == "coupled"


def test_every_cell_is_drawn(tmp_path):
    paths = draw(tmp_path)
    assert len(paths) == len(DRAWINGS)
    assert all("<svg" in path.read_text() for path in paths)
