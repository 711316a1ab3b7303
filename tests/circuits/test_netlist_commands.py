import json

import pytest
from click.testing import CliRunner

from circuits.netlist_commands import netlist, verify
from circuits.parse import count_memristors
from circuits.schematics import DRAWINGS, draw
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


def test_every_cell_is_drawn(tmp_path):
    paths = draw(tmp_path)
    assert len(paths) == len(DRAWINGS)
    assert all("<svg" in path.read_text() for path in paths)
