"""The commands `hopbar devices ...`."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.commands.devices import devices
from crossbar.errors import InvalidValue, UnknownName


def run(*arguments):
    result = CliRunner().invoke(devices, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(error, *arguments):
    with pytest.raises(error) as caught:
        CliRunner().invoke(devices, arguments, catch_exceptions=False)
    return str(caught.value)


def test_list_names_every_preset_with_units_and_sources():
    listed = json.loads(run("--json"))["devices"]
    assert {"epiram", "ag-a-si", "reram-es", "pcm"} <= set(listed)
    entry = listed["epiram"]["conductance"]["g_max"]
    assert (entry["unit"], entry["value"]) == ("S", 1.23457e-05)
    assert "NeuroSim" in entry["source"]
    assert "epiram" in run()


def test_show_draws_the_curves(tmp_path):
    out = tmp_path / "curves.png"
    told = json.loads(run("show", "epiram", "--out", str(out), "--count", "50", "--json"))
    assert told["law"] == "nonlinear"
    assert out.read_bytes()[:4] == b"\x89PNG"
    assert "Nat. Mater." in run("show", "epiram", "--count", "50")
    assert ".png" in refused(InvalidValue, "show", "epiram", "--out", str(tmp_path / "a.xyz"))


def test_pulse_gives_the_statistics_of_the_law():
    settings = ("--set", "dw_min=0.01", "--set", "dw_min_std=0.5", "--set", "mult_noise=false")
    shape = ("--up", "60", "--down", "40", "--count", "2000", "--seed", "1", "--json")
    told = json.loads(run("pulse", "--law", "soft-bounds", *settings, *shape))
    assert all(len(told[key]) == 100 for key in ("mean", "std", "p5", "p95"))
    c = 0.01 / 0.6
    n = np.arange(1, 61)
    mean, std = 0.6 * (1 - (1 - c) ** n), 0.005 * np.sqrt((1 - (1 - c) ** (2 * n)) / (1 - (1 - c) ** 2))
    assert np.abs((np.array(told["mean"][:60]) - mean) / (std / np.sqrt(2000))).max() < 5
    assert told["std"][:60] == pytest.approx(std, rel=0.1)
    assert told["p95"][59] - told["mean"][59] == pytest.approx(1.645 * std[-1], rel=0.12)


def test_pulse_takes_presets_lists_and_overrides():
    quick = ("--up", "5", "--down", "5", "--count", "20", "--json")
    assert json.loads(run("pulse", "ReRamES", *quick))["parameters"]["w_max_dtod"] == 0.3
    assert json.loads(run("pulse", "epiram", "--set", "ctoc=0", *quick))["std"] == pytest.approx([0] * 10, abs=1e-12)
    told = json.loads(run("pulse", "--law", "piecewise", "--set", "piecewise_up=1,2,3", *quick))
    assert told["parameters"]["piecewise_up"] == [1, 2, 3]
    told = json.loads(run("pulse", "--law", "jump-table", "--set", "jumps_up=0,1e-3;0,2e-3", *quick))
    assert told["parameters"]["jumps_up"] == [[0, 1e-3], [0, 2e-3]]
    assert run("pulse", "pcm", *quick) == run("pulse", "pcm", *quick)
    assert "down" in run("pulse", "pcm", "--up", "5", "--down", "5", "--count", "9")


def test_wrong_pulses_are_refused():
    assert "epiram" in refused(UnknownName, "pulse", "epirm")
    assert "gamma_up" in refused(UnknownName, "pulse", "--law", "linear", "--set", "gama_up=1")
    assert "KEY=VALUE" in refused(InvalidValue, "pulse", "--law", "linear", "--set", "gamma_up")
    assert "a number" in refused(InvalidValue, "pulse", "--law", "linear", "--set", "gamma_up=steep")
    assert "either" in refused(InvalidValue, "pulse")
    assert "either" in refused(InvalidValue, "pulse", "pcm", "--law", "linear")
    assert "`count`" in refused(InvalidValue, "pulse", "pcm", "--count", "0")
    assert "`up`" in refused(InvalidValue, "pulse", "pcm", "--up", "-3")
    assert "fewer" in refused(InvalidValue, "pulse", "pcm", "--up", "2000000")
    assert "in memory" in refused(InvalidValue, "pulse", "pcm", "--count", "500000000", "--up", "1", "--down", "0")
    assert "negative" in refused(InvalidValue, "pulse", "--law", "linear", "--set", "dw_min_std=-1")
    assert "`piecewise_up`" in refused(InvalidValue, "pulse", "--law", "piecewise", "--set", "piecewise_up=a,b")
    assert "`jumps_up[0]`" in refused(InvalidValue, "pulse", "--law", "jump-table", "--set", "jumps_up=1,2")


def test_fit_reads_a_csv(tmp_path):
    up = 1 - np.exp(-np.arange(31) / 20)
    down = up[-1] * np.exp(-np.arange(1, 31) / 12)
    rows = [f"{k},{1e-6 * (1 + g)}" for k, g in enumerate([*up, *down])]
    path, out = tmp_path / "curve.csv", tmp_path / "mine.toml"
    path.write_text("\n".join(["pulse,conductance", *rows]))
    told = json.loads(run("fit", str(path), "--law", "soft-bounds", "--out", str(out), "--json"))
    assert told["r_squared"] > 0.9999
    fitted = {name: entry["value"] for name, entry in told["parameters"].items()}
    rise, fall = fitted["dw_min"] * (1 + fitted["up_down"]), fitted["dw_min"] * (1 - fitted["up_down"])
    assert rise / fitted["w_max"] == pytest.approx(1 - np.exp(-1 / 20), rel=1e-4)
    assert fall / -fitted["w_min"] == pytest.approx(1 - np.exp(-1 / 12), rel=1e-4)
    assert told["parameters"]["dw_min"]["error"] < 1e-4 * fitted["dw_min"]  # nothing is noisy here
    assert json.loads(run("show", str(out), "--count", "9", "--json"))["law"] == "soft-bounds"
    assert "R^2" in run("fit", str(path))


def test_a_poor_fit_writes_no_device_unless_it_is_accepted(tmp_path):
    rng = np.random.default_rng(1)
    path, out = tmp_path / "noise.csv", tmp_path / "mine.toml"
    rows = [f"{k},{value:.4f}" for k, value in enumerate(1 + rng.random(60))]
    path.write_text("\n".join(["pulse,g (uS)", *rows]))
    assert "no device is written" in refused(InvalidValue, "fit", str(path), "--law", "linear", "--out", str(out))
    assert not out.exists()
    assert "poor fit" in run("fit", str(path), "--law", "linear")
    run("fit", str(path), "--law", "linear", "--out", str(out), "--accept-poor-fit")
    assert json.loads(run("show", str(out), "--count", "9", "--json"))["law"] == "linear"


def test_units_and_runs_are_told(tmp_path):
    curve = [*(1 - np.exp(-np.arange(31) / 20)), *(0.8 * np.exp(-np.arange(1, 31) / 12))]
    path = tmp_path / "curve.csv"
    path.write_text("\n".join(["pulse,g", *(f"{k},{1 + g}" for k, g in enumerate(curve))]))
    assert "--unit uS" in refused(InvalidValue, "fit", str(path), "--law", "soft-bounds")
    told = json.loads(run("fit", str(path), "--law", "soft-bounds", "--unit", "uS", "--json"))
    assert told["g_max"] == pytest.approx(1e-6 * (1 + max(curve)))
    assert told["runs"] == 1


def test_show_says_what_of_a_rate_is_realised():
    told = json.loads(run("show", "pcmo", "--count", "9", "--json"))
    assert told["step"] == pytest.approx(0.12502, rel=1e-3)  # the mean of both directions at zero
    assert told["realised"]["zero"] == pytest.approx({"up": 0.553, "down": 1.447}, abs=1e-3)
    assert "0.553 of a change asked up, 1.447 of one asked down" in run("show", "pcmo", "--count", "9")


def test_folders_that_are_missing_are_told_before_the_work(tmp_path):
    nowhere = tmp_path / "nowhere"
    told = refused(InvalidValue, "fit", str(tmp_path / "no.csv"), "--out", str(nowhere / "mine.toml"))
    assert "nowhere' of `--out` does not exist; make it first" in told
    assert "make it first" in refused(
        InvalidValue, "show", "epiram", "--count", "9", "--out", str(nowhere / "curves.png")
    )
