"""Memristors of one's own, measured in ngspice: known ones by their formulas, and whole chips of them."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import circuits
from circuits.commands.memristor import memristor as command
from circuits.commands.netlist import netlist, verify
from circuits.measuring.own import memristor
from circuits.memristors.own import OwnMemristor
from circuits.memristors.vteam import Vteam
from crossbar.errors import EngineError, InvalidValue, UnknownName

pytestmark = pytest.mark.spice

JOGLEKAR = """\
* the memristor of HP Labs with Joglekar's window, as textbooks have it
.SUBCKT Memristor Plus Minus PARAMS: Ron=10K Roff=1MEG Rinit=500K D=10N uv=10F p=1
Gx 0 x value={I(Emem)*uv*Ron/D^2*f(V(x),p)}
Cx x 0 1 IC={(Roff-Rinit)/(Roff-Ron)}
Raux x 0 1T
Emem plus aux value={-I(Emem)*V(x)*(Roff-Ron)}
Roff aux minus {Roff}
.func f(x,p)={1-(2*x-1)^(2*p)}
.ENDS memristor
"""
FILE = """\
[memristor]
spice = "mine.sub"
state = "{state}"
from = {low}
to = {high}
scale = "{scale}"
read_voltage = {volts}
"""


def own(folder, text, state="x0", low=0.0, high=1.0, scale="linear", volts=0.05):
    (folder / "mine.sub").write_text(text)
    (folder / "mine.toml").write_text(FILE.format(state=state, low=low, high=high, scale=scale, volts=volts))
    return folder / "mine.toml"


@pytest.fixture
def joglekar(tmp_path):
    return own(tmp_path, JOGLEKAR, "Rinit", 10.1e3, 0.99e6, "logarithmic")


def test_a_textbook_s_memristor_is_measured(joglekar):
    found = memristor(joglekar)
    # it moves a little while it is read
    np.testing.assert_allclose(found.table.conductances, 1 / found.table.states, rtol=1e-3)
    assert found.error < 1e-7
    assert 1e-5 < found.drift < 1e-3
    wanted = np.geomspace(1.1e-6, 9e-5, 7)
    np.testing.assert_allclose(1 / found.table.state(wanted), wanted, rtol=1e-3)


def test_a_model_of_ours_given_as_text_is_the_model(tmp_path, small_chip):
    ours = Vteam(g_min=1e-6, g_max=1e-4)
    found = memristor(own(tmp_path, ours.subcircuit(), "x0", 0.001, 0.999, volts=ours.read_voltage))
    assert found.error < 1e-4
    assert found.drift < 1e-7
    states = np.array([0.01, 0.3, 0.9])
    conductances = 1 / (1e4 + (1e6 - 1e4) * states)
    np.testing.assert_allclose(found.table.state(conductances), states, rtol=1e-4)
    verdict = circuits.verify(small_chip, device=found, g_min=1.1e-6, g_max=9e-5)
    assert verdict.passed
    assert verdict.max_abs_error < 1e-5


@pytest.mark.parametrize(("text", "says"), [
    (".subckt m p q x0=1\nR1 p q {1e4+0*x0}\n.ends", "turns or stands still"),
    (".subckt m p q x0=1\nR1 p q {1e4*(1+(x0-0.5)*(x0-0.5))}\n.ends", "turns or stands still at 0.5"),
    (".subckt m p q x0=1\nB1 p q I=v(p,q)*(x0-0.2)\n.ends", "must conduct in every state"),
])  # fmt: skip
def test_what_holds_no_weight_is_refused(tmp_path, text, says):
    with pytest.raises(InvalidValue, match=says):
        memristor(own(tmp_path, text))


def test_the_simulator_s_words_are_told(tmp_path):
    with pytest.raises(EngineError, match=r"mine: ngspice.*nothing_such"):
        memristor(own(tmp_path, ".subckt m p q x0=1\nR1 p q {1e4+x0*nothing_such}\n.ends"))


def test_names_are_known_or_refused():
    assert memristor("vteam") == "vteam"
    with pytest.raises(UnknownName, match=r"did you mean 'jart-vcm-1b'\? Known: FILE.toml"):
        memristor("jart-vcm-1")


def test_a_chip_of_one_s_own_memristors_is_the_chip(joglekar, small_chip, tmp_path):
    chip = str(small_chip.save(tmp_path / "chip.h5"))
    run, options = CliRunner().invoke, ["--device", str(joglekar), "--g-min", "1.1e-6", "--g-max", "9e-5"]
    result = run(verify, [chip, *options, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert told["device"] == "mine"
    assert told["max_abs_error"] < told["tolerance"] == pytest.approx(
        sum(told["device_measured"][name] for name in ("table_error", "bend", "drift"))
    )
    written = run(netlist, [chip, *options, "--out", str(tmp_path / "out")])
    assert written.exit_code == 0, written.output
    text = (tmp_path / "out" / "both.cir").read_text()
    assert ".subckt own_memristor plus minus" in text
    assert "memristor x0=" in text


@pytest.mark.parametrize(("options", "says"), [
    ([], "map ideal weights within"),
    (["--g-min", "1.1e-6", "--g-max", "9e-5", "--dialect", "spectre"], "text for ngspice"),
])  # fmt: skip
def test_chips_that_it_cannot_hold_are_refused(joglekar, small_chip, tmp_path, options, says):
    chip = str(small_chip.save(tmp_path / "chip.h5"))
    refused = CliRunner().invoke(netlist, [chip, "--device", str(joglekar), "--out", str(tmp_path / "out"), *options])
    assert says in str(refused.exception)
    assert not list(tmp_path.glob("out/*"))


@pytest.fixture(scope="module")
def diode_like(tmp_path_factory):
    """It conducts half as well backwards."""
    folder = tmp_path_factory.mktemp("diode")
    text = ".subckt m p q x0=1\nB1 p q I=v(p,q)*(1e-6+99e-6*x0)*(v(p,q)>0 ? 1 : 0.5)\n.ends"
    return memristor(own(folder, text))


def test_what_conducts_otherwise_backwards_serves_arrays_of_two_devices_only(diode_like, small_chip):
    assert diode_like.asymmetry == pytest.approx(0.5)
    one_way = circuits.verify(small_chip, device=diode_like, symmetry="two-device")
    assert one_way.passed
    shared = circuits.verify(small_chip, device=diode_like, symmetry="shared")
    assert not shared.passed
    assert any("50% more or less at negative voltages" in reason for reason in shared.summary["reasons"])


def test_the_command_tells_and_draws(joglekar, tmp_path):
    run = CliRunner().invoke
    result = run(command, [str(joglekar), "--plot", str(tmp_path / "mine.svg"), "--seconds", "1", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["g_max"] == pytest.approx(1 / 10.1e3, rel=1e-3)
    assert "<svg" in (tmp_path / "mine.svg").read_text()
    assert "at negative voltages" in run(command, [str(joglekar)]).output
    assert "is no text of one's own" in str(run(command, ["vteam"]).exception)
    assert "must end in" in str(run(command, [str(joglekar), "--plot", "mine.txt"]).exception)


def test_own_memristors_are_objects_of_the_api(joglekar):
    found = circuits.memristor(joglekar)
    assert isinstance(found, OwnMemristor)
    weights = np.array([[0, 0.5], [0.5, 0]])
    made = circuits.Circuit.from_weights(
        weights, {"input": 1, "hidden": 1}, clamped={"input": [1.0]}, device=found, g_min=1.1e-6, g_max=9e-5
    )
    assert "mine" in repr(made)
