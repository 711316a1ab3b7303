"""Many devices in one file: their mean and their spread, and the way from an instrument to a verified netlist."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from circuits.commands.netlist import verify
from crossbar.chip import Chip
from crossbar.commands.devices import devices
from crossbar.commands.program import program
from crossbar.devices import measured, population, presets
from crossbar.devices.law import law
from crossbar.errors import CorruptFile, InvalidValue
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.pulses.engines import apply_pulses

PULSES = 60


def write(path, columns=11, spread=0.15, separator=";", seed=0, noise=0.0):
    """Write what an instrument gives: so many devices of soft bounds, 5 to 45 uS, decimal commas, a comment."""
    rng = np.random.default_rng(seed)
    bounds = {"w_max": 1.0, "w_min": -1.0, "w_max_dtod": 0.1, "w_min_dtod": 0.1}
    device = law("soft-bounds", dw_min=0.06, dw_min_std=0.0, dw_min_dtod=spread, **bounds)
    state = device.sample((columns, 1), rng, dtype=np.float64)
    state.hidden[...] = state.parameters["w_min"]
    readings = [state.hidden.copy()]
    for pulse in range(2 * PULSES):
        ups = np.full((columns, 1), int(pulse < PULSES), np.int32)
        apply_pulses(state, ups, 1 - ups, rng)
        readings.append(state.visible.copy())
    siemens = 25 + 20 * np.array(readings)[:, :, 0] + noise * rng.standard_normal((2 * PULSES + 1, columns))
    head = ["pulse", *(f"G{k + 1} (uS)" for k in range(columns))]
    lines = ["# keithley 2636, room temperature", separator.join(head)]
    for number, row in enumerate(siemens):
        texts = [f"{value:.6f}".replace(".", ",") if separator == ";" else f"{value:.6f}" for value in row]
        lines.append(separator.join([str(number), *texts]))
    path.write_text("\n".join(lines), encoding="utf-8")
    return state.parameters


@pytest.mark.needs_jit
@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_every_column_is_a_device(tmp_path, separator):
    write(tmp_path / "a.csv", separator=separator)
    curves = measured.read_devices(tmp_path / "a.csv")
    assert len(curves) == 11
    assert all(len(curve.up) == 2 * PULSES for curve in curves)
    assert 1e-6 < curves[0].conductance.min() < curves[0].conductance.max() < 6e-5
    with pytest.raises(InvalidValue, match="holds 11 devices"):
        measured.read(tmp_path / "a.csv")


@pytest.mark.needs_jit
def test_mean_and_spread_are_those_that_the_devices_were_drawn_with(tmp_path):
    drawn = write(tmp_path / "a.csv", columns=40, noise=0.05)
    found = population.fit_population(measured.read_devices(tmp_path / "a.csv"), "soft-bounds")
    fitted = found.fit.law
    own = {name: np.ravel(drawn[name]) for name in ("w_max", "w_min")}
    unit = (found.fit.g_max - found.fit.g_min) / 2 / 20e-6  # of the fit's weight, in the drawn one's
    assert fitted.w_max_dtod == pytest.approx(own["w_max"].std(ddof=1) / own["w_max"].mean(), rel=0.35)
    assert fitted.w_min_dtod == pytest.approx(own["w_min"].std(ddof=1) / abs(own["w_min"].mean()), rel=0.35)
    assert fitted.dw_min_dtod == pytest.approx(0.15, rel=0.4)
    assert fitted.dw_min * unit == pytest.approx(0.06, rel=0.1)
    assert found.fit.r_squared > 0.99


@pytest.mark.needs_jit
def test_twelve_columns_of_an_instrument_become_a_verified_netlist(tmp_path):
    write(tmp_path / "measured.csv")
    fit = ["fit", str(tmp_path / "measured.csv"), "--law", "soft-bounds", "--out", str(tmp_path / "mine.toml")]
    done = CliRunner().invoke(devices, [*fit, "--json"], catch_exceptions=False)
    facts = json.loads(done.stdout)
    assert len(facts["devices"]) == 11
    device = presets.device(str(tmp_path / "mine.toml"))
    assert device.law.dw_min_dtod == pytest.approx(facts["parameters"]["dw_min_dtod"]["value"])
    net, rng = Network((("pixels", 9), ("hidden", 6), ("latent", 2))), np.random.default_rng(0)
    weights, examples = {"tied": 0.4 * random_weights(net, rng)}, rng.uniform(-1, 1, (1, 9))
    Chip(
        model="tdh-vae", networks={"tied": net}, weights=weights, sigma=0.3, image_shape=(3, 3), examples=examples
    ).save(tmp_path / "ideal.h5")
    words = [str(tmp_path / "ideal.h5"), "--device", str(tmp_path / "mine.toml"), "--out", str(tmp_path / "chip.h5")]
    assert CliRunner().invoke(program, words, catch_exceptions=False).exit_code == 0
    if shutil.which("ngspice"):
        verified = CliRunner().invoke(verify, [str(tmp_path / "chip.h5"), "--engine", "ngspice", "--json"])
        assert json.loads(verified.stdout)["passed"]


def test_units_that_differ_and_too_few_devices_are_told(tmp_path):
    (tmp_path / "a.csv").write_text("pulse,G1 (uS),G2 (mS)\n0,1,1\n1,2,2\n2,3,3\n3,4,4\n")
    with pytest.raises(InvalidValue, match="in different units"):
        measured.read_devices(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("pulse,G1,G2\n0,1e-6,1e-6\n1,2e-6,2e-6\n2,3e-6,3e-6\n3,4e-6,x\n")
    with pytest.raises(CorruptFile, match="line 5"):
        measured.read_devices(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("pulse,G1,G2\n" + "\n".join(f"{k},{k + 1}e-6,{k + 2}e-6" for k in range(9)))
    with pytest.raises(InvalidValue, match="at least 3 devices, but got 2"):
        population.fit_population(measured.read_devices(tmp_path / "c.csv"), "linear")
