"""Tables from raw cycles: they are those of the device that was measured, its read noise aside."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.commands.devices import devices
from crossbar.devices import population, presets
from crossbar.devices.law import law
from crossbar.devices.measured import PulseCurve
from crossbar.devices.tabulating import fit_curve, tabulate
from crossbar.devices.toml_file import fitted_toml
from crossbar.errors import InvalidValue

SOFT = {"dw_min": 0.06, "dw_min_std": 0.5, "w_min": -1.0, "w_max": 1.0}
SKEWED = (0.0, 0.0, 0.005, 0.01, 0.015, 0.02, 0.08)  # most steps are small, a few are large


def cycles(device, rng, count=150, pulses=60, reading=0.0):
    """Return raw cycles of one device, `pulses` up and as many down each."""
    state = device.sample((1,), rng, dtype=np.float64)
    state.hidden[...] = device.w_min
    up = np.tile(np.arange(2 * pulses) < pulses, count)
    weights = [state.hidden[0]]
    for way in up:
        device.pulse(state, slice(None), bool(way), rng)
        weights.append(state.hidden[0])
    read = np.array(weights) + reading * rng.standard_normal(len(weights))
    return PulseCurve(conductance=1e-6 * (3 + read), up=up)


def means(device, weights, up):
    """Return the mean steps of a law at `weights`."""
    planes = device.parameters((1,), np.random.default_rng(0))
    return device.mean_increment(planes, weights, up)


@pytest.mark.parametrize("name", ["piecewise", "jump-table"])
def test_the_mean_step_over_the_state_is_the_devices_own(name, rng):
    device = law("soft-bounds", **SOFT | {"dw_min_std": 0.1})
    found = fit_curve(cycles(device, rng), name)
    assert len(getattr(found.law, found.law.nodes[0])) > 4
    inside = np.linspace(-0.6, 0.6, 7)
    scale, middle = (found.g_max - found.g_min) / 2e-6, (found.g_max + found.g_min) / 2e-6 - 3  # soft bounds end early
    for up in (True, False):
        wanted = means(device, middle + scale * inside, up)
        np.testing.assert_allclose(scale * means(found.law, inside, up), wanted, atol=0.0015)
    assert found.r_squared > 0.9


def test_jumps_keep_the_shape_of_the_noise(rng):
    rows = (SKEWED, SKEWED)
    device = law("jump-table", w_min=-1.0, w_max=1.0, jumps_up=rows, jumps_down=tuple((-np.array(rows))[:, ::-1]))
    found = fit_curve(cycles(device, rng, pulses=90), "jump-table").law
    wanted = np.interp(np.linspace(0, 1, 33), np.linspace(0, 1, 7), SKEWED)
    middle = np.array(found.jumps_up)[2:-2]
    assert np.abs(middle - wanted).max() < 0.012  # of 0.08
    assert np.abs(middle - wanted).mean() < 0.0015
    skew = (middle.mean(1) - np.median(middle, 1)) / middle.std(1)
    assert (skew > 0.2).all()  # a normal law would have none


def test_read_noise_is_not_taken_for_the_devices(rng):
    device = law("soft-bounds", **SOFT)
    clean, noisy = (fit_curve(cycles(device, rng, reading=value), "jump-table") for value in (0.0, 0.05))
    widths = [np.mean([np.std(row) for row in one.law.jumps_up]) for one in (clean, noisy)]
    raw = (widths[0] ** 2 + 2 * 0.05**2) ** 0.5  # what would be found if it were
    assert abs(widths[1] - widths[0]) < 0.25 * (raw - widths[0])
    assert noisy.read_noise == pytest.approx(0.05e-6, rel=0.15)


@pytest.mark.parametrize("name", ["piecewise", "jump-table"])
def test_many_devices_share_a_table_and_spread(name, rng):
    kinds = [law("soft-bounds", **SOFT | {"dw_min": 0.06 * gain}) for gain in (0.8, 0.9, 1.0, 1.1, 1.2)]
    curves = [cycles(kind, rng, count=30) for kind in kinds]
    whole = population.fit_population(curves, name)
    assert whole.fit.parameters["dw_min_dtod"].value == pytest.approx(0.158, rel=0.25)
    inside = np.linspace(-0.5, 0.5, 5)
    told = {key: getattr(whole.fit.law, key) for key in ("dw_min", *whole.fit.law.nodes)}
    quiet = law(name, **told, w_min=-1.0, w_max=1.0)
    np.testing.assert_allclose(means(quiet, inside, True), means(kinds[2], inside, True), rtol=0.12)


@pytest.mark.parametrize("name", ["piecewise", "jump-table"])
def test_devices_pulsed_up_only_are_one_sided(name, rng):
    curve = cycles(law("soft-bounds", **SOFT), rng, count=4)
    runs = [curve.conductance[k * 120 : k * 120 + 61] for k in range(4)]
    up, broken = np.ones(4 * 61 - 1, bool), np.zeros(4 * 61 - 1, bool)
    broken[60::61] = True
    found = fit_curve(PulseCurve(conductance=np.concatenate(runs), up=up, broken=broken), name).law
    assert found.one_sided
    assert (found.w_min, found.w_max) == (0, 2)


@pytest.mark.parametrize("name", ["piecewise", "jump-table"])
def test_a_file_of_cycles_becomes_a_device(name, rng, tmp_path):
    curve = cycles(law("soft-bounds", **SOFT), rng, count=8)
    lines = ["pulse;G (uS);direction", f"0;{curve.conductance[0] * 1e6};"]
    ways = np.where(curve.up, "up", "down")
    lines += [f"{k + 1};{g * 1e6};{way}" for k, (g, way) in enumerate(zip(curve.conductance[1:], ways, strict=True))]
    file, out = tmp_path / "cycles.csv", tmp_path / "mine.toml"
    file.write_text("\n".join(lines))
    arguments = ["fit", str(file), "--law", name, "--out", str(out), "--json", "--accept-poor-fit"]
    done = CliRunner().invoke(devices, arguments)
    assert done.exit_code == 0, done.output
    preset = presets.load(str(out))
    assert preset.law.name == name
    key = preset.law.nodes[0]
    np.testing.assert_allclose(json.loads(done.output)[key], getattr(preset.law, key), rtol=1e-9)


def test_too_few_steps_are_told(rng):
    curve = cycles(law("soft-bounds", **SOFT), rng, count=1, pulses=12)
    with pytest.raises(InvalidValue, match="do not fill a table"):
        fit_curve(curve, "jump-table")


def test_mixed_devices_are_refused(rng):
    both = cycles(law("soft-bounds", **SOFT), rng, count=4)
    ups = PulseCurve(conductance=both.conductance[:61], up=both.up[:60])
    with pytest.raises(InvalidValue, match="fit them apart"):
        tabulate([both, ups], "piecewise")


def test_a_constant_device_has_a_constant_table(rng):
    device = law("constant", dw_min=0.02, dw_min_std=0.0, w_min=-1.0, w_max=1.0)
    found = fit_curve(cycles(device, rng, count=10, pulses=90), "piecewise")
    np.testing.assert_allclose(found.law.piecewise_up, 1, atol=1e-6)
    assert found.parameters["dw_min_std"].value == pytest.approx(0, abs=1e-6)
    assert "piecewise_up" in fitted_toml(found, "a.csv")


@pytest.mark.parametrize("name", ["soft-bounds", "jump-table"])
def test_a_picture_of_the_fit_and_of_the_device_in_use(name, rng, tmp_path):
    curve = cycles(law("soft-bounds", **SOFT | {"dw_min_std": 0.1}), rng, count=3)
    lines = ["pulse,G (uS),direction", f"0,{curve.conductance[0] * 1e6},"]
    ways = np.where(curve.up, "up", "down")
    lines += [f"{k + 1},{g * 1e6},{way}" for k, (g, way) in enumerate(zip(curve.conductance[1:], ways, strict=True))]
    file, plot = tmp_path / "cycles.csv", tmp_path / "fit.png"
    file.write_text("\n".join(lines))
    done = CliRunner().invoke(devices, ["fit", str(file), "--law", name, "--plot", str(plot), "--json"])
    assert done.exit_code == 0, done.output
    used = json.loads(done.output)["in_use"]
    assert used["distance_taught"] < 0.6 * used["distance_untaught"]
    assert plot.read_bytes()[:4] == b"\x89PNG"
    refused = CliRunner().invoke(devices, ["fit", str(file), "--plot", str(tmp_path / "fit.gif")])
    assert "must end in .png, .pdf or .svg" in str(refused.exception)


def test_a_jump_table_has_the_mean_of_the_piecewise_law(rng):
    curve = cycles(law("soft-bounds", **SOFT), rng, count=40)
    two = [fit_curve(curve, name).law for name in ("piecewise", "jump-table")]
    places = np.linspace(-1, 1, len(two[1].jumps_up))
    for up in (True, False):
        np.testing.assert_allclose(means(two[0], places, up), means(two[1], places, up), atol=1e-6)


def test_devices_that_differ_do_not_widen_the_table(rng):
    gains = (0.6, 0.8, 1.0, 1.2, 1.4)
    kinds = [law("constant", dw_min=0.02 * gain, dw_min_std=0.0, w_min=-1.0, w_max=1.0) for gain in gains]
    counts = [int(99 / gain) for gain in gains]  # the bound is not reached
    curves = [cycles(kind, rng, count=6, pulses=count) for kind, count in zip(kinds, counts, strict=True)]
    alone = tabulate(curves, "jump-table")
    assert np.ptp(alone[0].law.jumps_up, axis=1).max() < 3e-4  # of 0.012; unscaled it is 0.01
    found = [one.parameters["dw_min"].value for one in alone]
    np.testing.assert_allclose(np.array(found) / np.mean(found), np.array(gains), rtol=0.02)
