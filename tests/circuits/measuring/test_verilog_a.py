"""Memristors in Verilog-A, measured in VACASK: by their closed form, as in ngspice, and whole chips of them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import circuits
from circuits.circuit.circuit import Analysis
from circuits.commands.memristor import memristor as command
from circuits.commands.netlist import netlist, verify
from circuits.dialects import vacask
from circuits.measuring import benches, loop
from circuits.measuring.bench import Placed
from circuits.measuring.own import memristor
from circuits.memristors import own_file
from circuits.memristors.languages import ModuleText
from crossbar.errors import EngineError, InvalidValue

pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_vacask")]

HEAD = """\
`include "constants.vams"
`include "disciplines.vams"
module Drifting(p, n{pin});
  inout p, n{pin};
  electrical p, n, x;
  parameter real X0 = 0.5;
  parameter real g_off = 1e-6, g_on = 1e-4, rate = 0;
  analog begin
    {held}
    I(p, n) <+ V(p, n) * (g_off + (g_on - g_off) * V(x));
  end
endmodule
"""
INTEGRAL = "V(x) <+ idt(rate * V(p, n), X0);"
STATIC = 'if (analysis("static")) I(x) <+ V(x) - X0; else I(x) <+ ddt(V(x)) - rate * V(p, n);'
UNSET = "I(x) <+ ddt(V(x)) - rate * V(p, n);"
DRIFTING = HEAD.format(pin="", held=INTEGRAL)
"""G = g_off + (g_on - g_off) x, where dx/dt = rate V."""
IN_SPICE = """\
.subckt drifting p n x0=0.5 g_off=1e-6 g_on=1e-4 rate=0
Cx x 0 1 ic={x0}
Bx 0 x i=rate*v(p,n)
Bd p n i=v(p,n)*(g_off+(g_on-g_off)*v(x))
.ends
"""
FILE = """\
[memristor]
{key} = "{text}"
state = "X0"
from = 0.02
to = 0.98
read_voltage = 0.1
[parameters]
rate = {rate}
"""
RANGE = ["--g-min", "4e-6", "--g-max", "9e-5"]


def in_verilog(folder, text=DRIFTING, rate=1.0, name="mine"):
    (folder / f"{name}.va").write_text(text)
    (folder / f"{name}.toml").write_text(FILE.format(key="verilog_a", text=f"{name}.va", rate=rate))
    return folder / f"{name}.toml"


def in_spice(folder, rate=1.0):
    (folder / "mine.sub").write_text(IN_SPICE)
    (folder / "spice.toml").write_text(FILE.format(key="spice", text="mine.sub", rate=rate))
    return folder / "spice.toml"


@pytest.mark.parametrize(("pin", "held"), [("", INTEGRAL), ("", STATIC), (", x", STATIC)])
@pytest.mark.parametrize("attribute", ["", '(* type="instance" *) '])
def test_its_current_is_the_closed_form(tmp_path, pin, held, attribute):
    """Also with a third pin, left open, that shows the state, and where the state is the instance's parameter."""
    text = HEAD.format(pin=pin, held=held).replace("parameter real X0", f"{attribute}parameter real X0")
    own = own_file.load(in_verilog(tmp_path, text, rate=1e3))
    volts, begun = np.array([0.1, -0.05]), np.array([0.3, 0.7])
    sources = tuple(((0.0, volt),) for volt in volts.tolist())
    found = benches.run(own, Placed(states=tuple(begun.tolist()), sources=sources), seconds=1e-3, step=1e-5)
    state = begun + 1e3 * volts * found.time[:, None]
    np.testing.assert_allclose(found.currents, volts * (1e-6 + 99e-6 * state), rtol=1e-9)
    assert abs(state[-1] - begun).min() > 0.04  # it did move


def test_both_languages_measure_the_same(tmp_path, needs_ngspice):
    ours, theirs = memristor(in_verilog(tmp_path)), memristor(in_spice(tmp_path))
    np.testing.assert_allclose(ours.table.states, theirs.table.states, rtol=1e-6)
    np.testing.assert_allclose(ours.table.conductances, theirs.table.conductances, rtol=1e-6)
    for figure in ("error", "bend", "asymmetry", "drift"):
        assert getattr(ours, figure) == pytest.approx(getattr(theirs, figure), rel=0.05, abs=1e-7)
    assert ours.drift == pytest.approx(99e-6 * 0.1 * 90e-6 / ours.table.range[0], rel=0.01)


def test_the_texts_of_the_page_are_the_same_memristor(tmp_path, small_chip, needs_ngspice):
    page = (Path(__file__).parents[3] / "docs" / "your_circuit.md").read_text(encoding="utf-8")
    found = []
    for key, kind in (("verilog_a", "verilog"), ("spice", "text")):
        (tmp_path / kind).write_text(re.search(f"```{kind}\n(.*?)```", page, re.DOTALL)[1])
        told = re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1].replace('spice = "mine.sub"', f'{key} = "{kind}"')
        (tmp_path / f"{kind}.toml").write_text(told)
        found.append(memristor(tmp_path / f"{kind}.toml"))
    ours, theirs = found
    np.testing.assert_allclose(ours.table.states, theirs.table.states, rtol=1e-6)
    np.testing.assert_allclose(ours.table.conductances, theirs.table.conductances, rtol=1e-6)
    assert circuits.verify(small_chip, device=ours, engine="vacask", g_min=2e-6, g_max=9e-5).passed


def test_its_loop_is_the_closed_form(tmp_path):
    found = loop.measure(memristor(in_verilog(tmp_path, rate=0.5)), volts=1.0, seconds=1.0)
    crest, trough = int(np.argmax(found.voltage)), int(np.argmin(found.voltage))
    risen = 1e-6 + 99e-6 * (0.5 + 0.5 * 0.125)  # at both the flux is an eighth of a volt second
    assert found.current[crest] == pytest.approx(risen * found.voltage[crest], rel=1e-3)
    assert found.current[trough] == pytest.approx(risen * found.voltage[trough], rel=1e-3)


@pytest.mark.parametrize("symmetry", ["two-device", "shared"])
def test_a_chip_of_them_is_the_chip(tmp_path, small_chip, symmetry):
    chip = str(small_chip.save(tmp_path / "chip.h5"))
    options = ["--device", str(in_verilog(tmp_path)), *RANGE, "--symmetry", symmetry]
    result = CliRunner().invoke(verify, [chip, *options, "--engine", "vacask", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert (told["engine"], told["device"], told["n_neurons"]) == ("vacask", "mine", 17)
    assert told["max_abs_error"] < told["tolerance"] < 1e-3


def test_a_chip_that_does_not_drift_is_the_chip_as_resistors_are(tmp_path, small_chip):
    found = memristor(in_verilog(tmp_path, rate=1e-6))
    verdict = circuits.verify(small_chip, device=found, engine="vacask", g_min=4e-6, g_max=9e-5, symmetry="shared")
    assert verdict.passed
    assert verdict.max_abs_error < 1e-6


def wrong_states(monkeypatch):
    """Take the states of devices by the other end."""
    right = ModuleText.cards
    monkeypatch.setattr(ModuleText, "cards", lambda self, n, h, t, states: right(self, n, h, t, 1 - states))


def no_operating_point(monkeypatch):
    """Begin where no module has set its state."""
    monkeypatch.setattr(vacask, "begun", lambda _: 'icmode="uic"')


@pytest.mark.parametrize("broken", [wrong_states, no_operating_point])
def test_a_wrong_netlist_is_noticed(tmp_path, small_chip, monkeypatch, broken):
    found = memristor(in_verilog(tmp_path))
    broken(monkeypatch)
    assert not circuits.verify(small_chip, device=found, engine="vacask", g_min=4e-6, g_max=9e-5).passed


def test_netlists_are_written(tmp_path, small_chip):
    chip = str(small_chip.save(tmp_path / "chip.h5"))
    options = ["--device", str(in_verilog(tmp_path)), *RANGE, "--dialect", "vacask"]
    written = CliRunner().invoke(netlist, [chip, *options, "--out", str(tmp_path / "out")])
    assert written.exit_code == 0, written.output
    folder = tmp_path / "out" / "encode.vacask"
    assert "module own_drifting(p, n);" in (folder / "own.va").read_text()
    text = (folder / "circuit.sim").read_text()
    assert 'load "own.va"' in text
    assert text.count(" own_drifting x0=") == 544
    checked = CliRunner().invoke(netlist, [chip, *options, "--check", str(folder / "circuit.sim")])
    assert "544 memristors with a state" in str(checked.exception)


def test_devices_of_no_conductance_are_open_resistors(tmp_path):
    found = memristor(in_verilog(tmp_path))
    weights = np.array([[0, 0.5, 0], [0.5, 0, 0.2], [0, 0.2, 0]])
    made = circuits.Circuit.from_weights(
        weights, {"input": 1, "hidden": 2}, clamped={"input": [1.0]}, device=found, g_min=4e-6, g_max=9e-5
    ).posed
    plus = np.where(np.eye(3)[[1, 0, 2]] > 0, 0.0, made.array.plus)
    none = replace(made, array=replace(made.array, plus=plus), analysis=Analysis())
    text = vacask.write(none, tmp_path).read_text()
    assert text.count(" r r=1e+30") == 2


@pytest.mark.parametrize(("options", "says"), [
    ([], "mine is Verilog-A for VACASK alone: take --engine vacask"),
    (["--engine", "vacask", "--analysis", "op"], "no operating point shows"),
    (["--engine", "vacask", "--analysis", "tran-op"], "no operating point shows"),
    (["--engine", "vacask", "--mode", "fixed-rail"], "no operating point shows"),
    (["--engine", "vacask", "--role", "both"], r"settled roles \(--role encode or decode\)"),
])  # fmt: skip
def test_proofs_that_there_are_not_are_refused(tmp_path, small_chip, options, says):
    chip = str(small_chip.save(tmp_path / "chip.h5"))
    result = CliRunner().invoke(verify, [chip, "--device", str(in_verilog(tmp_path)), *RANGE, *options])
    assert isinstance(result.exception, EngineError | InvalidValue)
    with pytest.raises(type(result.exception), match=says):
        raise result.exception


@pytest.mark.parametrize(("language", "dialect", "says"), [
    (in_verilog, "ngspice", "mine is Verilog-A for VACASK alone: .*--dialect vacask"),
    (in_verilog, "spectre", "spectre cannot take mine, which is Verilog-A for VACASK alone"),
    (in_spice, "vacask", "spice is text for ngspice alone: .*--dialect ngspice"),
])  # fmt: skip
def test_dialects_of_the_other_language_are_refused(
    tmp_path, small_chip, needs_ngspice, language, dialect, says
):
    chip = str(small_chip.save(tmp_path / "chip.h5"))
    options = ["--device", str(language(tmp_path)), *RANGE, "--dialect", dialect, "--out", str(tmp_path / "out")]
    refused = CliRunner().invoke(netlist, [chip, *options]).exception
    with pytest.raises(type(refused), match=says):
        raise refused
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(("text", "says"), [
    (DRIFTING.replace("V(x));", "V(y));"), r"mine: openvaf-r failed .*'y' was not found"),
    (HEAD.format(pin="", held=UNSET), r"mine: no operating point: .* set its state there, as by `V\(x\) <\+ idt"),
    (DRIFTING.replace("X0 = 0.5;", "X0 = 0.5 from [0:0.5];"), "out of bounds"),
    (DRIFTING.replace("* V(x))", "* ln(V(x) - X0))"), "mine: no operating point: a module must be finite"),
])  # fmt: skip
def test_the_programs_words_are_told(tmp_path, text, says):
    with pytest.raises(EngineError, match=says):
        memristor(in_verilog(tmp_path, text))


def test_a_crash_of_the_compiler_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(EngineError, match="mine: openvaf-r failed with exit code 101"):
        memristor(in_verilog(tmp_path, DRIFTING.replace("analog begin", "analog begin while (1) I(p, n) <+ 0;")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.toml", "mine.va"]


def test_what_holds_no_weight_is_refused(tmp_path):
    with pytest.raises(InvalidValue, match="turns or stands still"):
        memristor(in_verilog(tmp_path, DRIFTING.replace("* V(x));", "* (V(x) - 0.5) * (V(x) - 0.5));")))


def test_the_command_tells_and_draws(tmp_path):
    path = str(in_verilog(tmp_path))
    result = CliRunner().invoke(command, [path, "--plot", str(tmp_path / "mine.svg"), "--seconds", "1", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert told["state"] == "x0"
    assert told["g_max"] == pytest.approx(1e-6 + 99e-6 * 0.98, rel=1e-4)
    assert "<svg" in (tmp_path / "mine.svg").read_text()
