"""The command `hopbar silicon`."""

import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from circuits.cells.sky130 import process
from circuits.commands import netlist as netlists
from circuits.commands import silicon as command
from circuits.silicon.chip import drawn
from crossbar.chip import load_chip
from crossbar.errors import ExistingFile, InvalidValue
from crossbar.hopfield.mismatch import Spread
from tests.circuits.conftest import strong_chip


def hopbar_silicon(*arguments):
    return CliRunner().invoke(command.silicon, [str(one) for one in arguments])


@pytest.fixture
def kept(tmp_path):
    """A file of a chip of 8 neurons."""
    return strong_chip(side=2, hidden=3, latent=1, strength=1.0).save(tmp_path / "chip.h5")


def test_corners_are_those_that_there_are():
    """The command names them itself, as importing them costs scipy."""
    assert process.CORNERS == command.CORNERS


@pytest.mark.spice
@pytest.mark.usefixtures("needs_sky130")
def test_a_chip_passes_and_its_netlist_is_kept(kept, tmp_path):
    done = hopbar_silicon(kept, "--corner", "ff", "--temperature", 40, "--json", "--out", tmp_path / "found")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told == json.loads((tmp_path / "found" / "silicon.json").read_text())
    assert told["passed"]
    assert told["neurons"] == 8
    assert told["memristors"] == 8 * 7
    assert max(told["characterised_encode"], told["characterised_decode"]) < 0.02
    assert told["characterised_encode"] < told["ideal_encode"]
    text = (tmp_path / "found" / "circuit.cir").read_text()
    assert len(re.findall("^Xneuron_", text, re.MULTILINE)) == 8
    assert ".include models.spice" in text
    assert str(tmp_path) not in text
    assert (tmp_path / "found" / "models.spice").resolve() == process.models("ff").resolve()


@pytest.mark.spice
@pytest.mark.usefixtures("needs_sky130")
def test_a_chip_that_is_not_its_neurons_fails(kept, monkeypatch):
    """The tables of another corner are not those of this chip."""
    from circuits.commands import beside
    from circuits.silicon.bench import Conditions

    right = beside.characterise
    hot = Conditions(corner="fs", temperature=70.0)
    monkeypatch.setattr(beside, "characterise", lambda _, level, load: right(hot, level, load))
    monkeypatch.setattr(beside.Setting, "conditions", Conditions())
    done = hopbar_silicon(kept)
    assert done.exit_code == 1
    assert done.stdout.startswith("FAILED: 8 neurons, 656 transistors")


@pytest.mark.spice
@pytest.mark.usefixtures("needs_sky130")
def test_unlike_transistors_are_measured_fitted_and_run_again(tmp_path):
    """Every neuron by its own tables, within 1 %; the fitted chip brings corner, transistors and lines along."""
    chip = strong_chip(side=1, hidden=2, latent=1, strength=1.0).save(tmp_path / "chip.h5")
    fitted = tmp_path / "fitted.h5"
    done = hopbar_silicon(
        chip, "--mismatch", "--seed", 5, "--temperature", 30, "--fitted", fitted, "--out", tmp_path / "kept"
    )
    assert done.exit_code == 0, done.output
    errors = drawn(4, 5)
    text = (tmp_path / "kept" / "circuit.cir").read_text()
    assert all(f"e_{name}={value:.6g}" in text for one in errors for name, value in one.items())
    assert "neurons.chip=" in done.stdout
    own = load_chip(fitted)
    assert own.networks["tied"].mismatch.gain.std() > 1e-3
    assert own.conductances["tied"].gains.std() > 1e-3
    learned = replace(own, weights={"tied": own.effective_weights("tied")}, conductances={})
    again = hopbar_silicon(learned.save(tmp_path / "learned.h5"), "--on", fitted, "--json")
    assert again.exit_code == 0, again.output
    told = json.loads(again.stdout)
    assert told["passed"]
    assert told["mismatch"]
    assert told["temperature_C"] == 30
    assert told["characterised_encode"] < 0.1 * told["ideal_encode"]


def test_what_the_fitted_chip_says_is_not_asked_twice(kept):
    for option in (["--corner", "ss"], ["--mismatch"], ["--leak", "80e6"], ["--fitted", "no.h5"]):
        refused = hopbar_silicon(kept, "--on", kept, *option).exception
        assert isinstance(refused, InvalidValue)
        assert f"`{option[0]}` is what `--on` says" in str(refused)


def test_a_fitted_chip_replaces_nothing(kept, tmp_path):
    assert isinstance(hopbar_silicon(kept, "--fitted", kept).exception, ExistingFile)
    refused = hopbar_silicon(kept, "--fitted", tmp_path / "no" / "chip.h5").exception
    assert isinstance(refused, InvalidValue)
    assert "of `--fitted` does not exist" in str(refused)


def test_a_chip_that_was_never_fitted_is_no_chip_to_run_on(kept):
    refused = hopbar_silicon(kept, "--on", kept).exception
    assert isinstance(refused, InvalidValue)
    assert "hopbar silicon RUN --fitted" in str(refused)


@pytest.mark.spice
@pytest.mark.usefixtures("needs_sky130")
def test_a_chip_that_is_not_at_rest_says_so(kept):
    done = hopbar_silicon(kept, "--decode", 2)
    assert done.exit_code == 1
    assert re.search(r"not at rest: states moved by 0\.\d+ in the last time constant; raise --decode", done.stdout)
    rested = json.loads(hopbar_silicon(kept, "--json").stdout)
    assert rested["moving"] < command.MOVING


def test_a_time_that_cannot_be_is_refused(kept):
    refused = hopbar_silicon(kept, "--decode", -1).exception
    assert isinstance(refused, InvalidValue)
    assert "`decode` must be positive" in str(refused)


def test_chips_without_such_neurons_are_refused(tmp_path, rng):
    unlike = strong_chip(side=2, hidden=3, latent=1).with_neurons(Spread(gain=0.1), rng).save(tmp_path / "chip.h5")
    refused = hopbar_silicon(unlike).exception
    assert isinstance(refused, InvalidValue)
    assert "sigmoids of gain 3, all alike" in str(refused)


@pytest.mark.spice
@pytest.mark.usefixtures("needs_sky130")
def test_netlist_and_verify_take_its_neurons(kept, tmp_path):
    """`--neuron sky130` writes what `hopbar silicon` runs, and `verify` runs it."""
    written = CliRunner().invoke(netlists.netlist, [str(kept), "--neuron", "sky130", "--out", str(tmp_path / "n")])
    assert written.exit_code == 0, written.output
    done = CliRunner().invoke(
        netlists.verify, [str(kept), "--neuron", "sky130", "--keep", str(tmp_path / "v"), "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["passed"]
    assert (tmp_path / "n" / "circuit.cir").read_text() == (tmp_path / "v" / "circuit.cir").read_text()


@pytest.mark.parametrize("option", [["--wires"], ["--symmetry", "shared"], ["--device", "vteam"], ["--role", "encode"]])
def test_options_that_have_no_say_beside_transistors_are_refused(kept, option, tmp_path):
    for command_, own in ((netlists.netlist, ["--out", str(tmp_path / "n")]), (netlists.verify, [])):
        done = CliRunner().invoke(command_, [str(kept), "--neuron", "sky130", *own, *option])
        assert isinstance(done.exception, InvalidValue)
        assert option[0] in str(done.exception)
