"""The shipped presets against devices.md, their units, and files that cannot be meant."""

from dataclasses import fields, replace

import numpy as np
import pytest

from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.construction import hardware, pulse_shape
from crossbar.devices import presets
from crossbar.devices.symmetry_point import symmetry_points
from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName

GOOD = """
law = "soft-bounds"
[sources]
lab = "wafer 7"
[parameters]
dw_min = { value = 0.01, unit = "weight", source = "lab" }
w_max = 1.0
[conductance]
g_max = { value = 1e-5, unit = "S", source = "lab" }
g_min = 1e-6
"""


def test_every_number_of_every_preset_has_unit_and_source():
    assert len(presets.names()) >= 18
    for name in presets.names():
        preset = presets.load(name)
        entries = [entry for section in preset.quantities.values() for entry in section.values()]
        assert len(entries) >= 8
        assert all(entry.unit and len(entry.source) > 10 for entry in entries)


@pytest.mark.parametrize(
    ("name", "g_max", "ratio", "law"),
    [  # research/devices.md 2.2
        ("ag-a-si", 1 / 26e6, 12.5, {"nl_ltp": 2.4, "nl_ltd": -4.88, "p_max": 97, "ctoc": 0.035}),
        ("taox-tio2", 1 / 5e6, 2, {"nl_ltp": 1.85, "nl_ltd": -1.79, "p_max": 102}),
        ("taox-hfox", 1 / 100e3, 10, {"nl_ltp": 0.04, "nl_ltd": -0.63, "p_max": 128, "ctoc": 0.037}),
        ("pcmo", 1 / 23e6, 6.84, {"nl_ltp": 3.68, "nl_ltd": -6.76, "p_max": 50}),
        ("alox-hfo2", 1 / 16.9e3, 4.43, {"nl_ltp": 1.94, "nl_ltd": -0.61, "p_max": 40, "ctoc": 0.05}),
        ("gst-pcm", 1 / 4.71e3, 19.8, {"nl_ltp": 0.105, "nl_ltd": 2.4, "ctoc": 0.015}),
        ("epiram", 1 / 81e3, 50.2, {"nl_ltp": 0.5, "nl_ltd": -0.5, "p_max": 64, "ctoc": 0.02}),
        ("hzo-fefet", 1 / 559.28e3, 45, {"nl_ltp": 1.75, "nl_ltd": 1.46, "p_max": 32}),
    ],
)
def test_neurosim_presets_hold_the_manual(name, g_max, ratio, law):
    preset = presets.load(name)
    assert preset.g_max == pytest.approx(g_max, rel=1e-4)
    assert preset.g_max / preset.g_min == pytest.approx(ratio, rel=1e-4)
    assert {key: getattr(preset.law, key) for key in law} == law


def nominal(law):
    """The law without device-to-device spreads."""
    return replace(law, **{field.name: 0.0 for field in fields(law) if field.init and field.name.endswith("_dtod")})


def mean_step(law, w, up):
    """The mean step of a nominal device, from the law's own increment."""
    planes = nominal(law).sample((1, 1), np.random.default_rng(0), dtype=float).planes
    return law.mean_increment(planes, np.full((1, 1), float(w)), up)[0, 0]


def exponential(w, up, *, dw, bias, a, b, gamma, amplitude, width):
    """aihwkit's ExpStepDevice: the bias comes off the down-step only (rpu_pulsed_device.cpp, `populate`)."""
    z = 2 * a * w / width + b
    if up:
        return dw * max(1 - amplitude[0] * np.exp(gamma * z), 0)
    return -dw * (1 - bias) * max(1 - amplitude[1] * np.exp(-gamma * z), 0)


@pytest.mark.parametrize("w", [-0.9, -0.217, 0.0, 0.4, 0.9])
@pytest.mark.parametrize("up", [True, False])
def test_reram_es_steps_as_in_aihwkit(w, up):
    told = {"dw": 0.00135, "bias": 0.259359, "a": -0.5, "b": -0.5, "gamma": 5, "width": 2}
    expected = exponential(w, up, amplitude=(-1.18445, -0.081404), **told)
    assert mean_step(presets.load("reram-es").law, w, up) == pytest.approx(expected, rel=1e-5)


def test_reram_es_has_the_spreads_and_the_symmetry_point_of_aihwkit(rng):
    """gain + r on both sides, b off the down-step; write noise 75 steps of 0.00135."""
    law = presets.load("reram-es").law
    planes = law.sample((300, 300), rng, dtype=float).planes
    assert planes["step_up"].mean() == pytest.approx(0.00135, rel=0.005)
    assert planes["step_down"].mean() == pytest.approx(0.00135 * (1 - 0.259359), rel=0.005)
    for side in ("step_up", "step_down"):
        assert planes[side].std() == pytest.approx(0.00135 * np.hypot(0.2, 0.05), rel=0.02)
    assert law.write_noise_std * law.dw_min == pytest.approx(75 * 0.00135, rel=1e-5)
    assert symmetry_points(nominal(law).sample((1, 1), rng, dtype=float))[0, 0] == pytest.approx(-0.217, abs=0.001)


@pytest.mark.parametrize("w", [0.0, 0.5, 1.0, 1.9])
def test_pcm_steps_as_in_aihwkit_and_fills_its_range_in_some_fifty_pulses(w):
    law = presets.load("pcm").law
    told = {"dw": 0.01, "bias": 0.0, "a": -1.0, "b": 0.0, "gamma": 2.5, "width": 2}
    assert mean_step(law, w, True) == pytest.approx(exponential(w, True, amplitude=(-27.235, -2.235), **told))
    weight, pulses = 0.0, 0
    while weight < 1.9:
        weight, pulses = weight + mean_step(law, weight, True), pulses + 1
    # dw/dn = dw_min (1 + A exp(-g w)): n = ln[(exp(g w) + A) / (1 + A)] / (g dw_min), A = 27.235, g = 2.5
    continuous = np.log((np.exp(2.5 * 1.9) + 27.235) / 28.235) / (2.5 * 0.01)
    assert pulses == pytest.approx(continuous, rel=0.06)


@pytest.mark.parametrize(
    ("name", "dw", "up", "down"),  # dw_min, gamma / bound on the nominal device (research/devices.md 2.3 and 2.4)
    [
        ("capacitor", 0.005, 0.05, 0.05),
        ("ecram", 0.002, 0.1153 / 1.1724, 0.5085 / 0.8276),
        ("ecram-mo", 2.8214e-4, 0.4152 / 1.1714, 0.7342 / 0.8286),
        ("reram-sb", 0.002, 1 / 1.25, 1 / 0.75),
        ("reram-array-om", 0.0949, 1, 1),
        ("reram-array-hfo2", 0.4622, 1, 1),
        ("gokmen-vlasov", 0.0016, 0, 0),
        ("idealized", 0.0002, 0, 0),
        ("library-default", 0.001, 0, 0),
    ],
)
def test_aihwkit_presets_step_by_its_equations(name, dw, up, down):
    law = presets.load(name).law
    for w in (law.w_min / 2, 0.0, law.w_max / 2):
        assert mean_step(law, w, True) == pytest.approx(dw * (1 - up * w))
        assert mean_step(law, w, False) == pytest.approx(-dw * (1 + down * w))


def test_gokmen_and_vlasov_have_their_1200_states():
    law = presets.load("gokmen-vlasov").law
    assert (law.w_max - law.w_min) / mean_step(law, 0.0, True) == pytest.approx(1250, rel=0.05)


@pytest.mark.parametrize(
    ("name", "ups", "downs"),
    [
        ("ag-a-si", 97, 97), ("taox-tio2", 102, 102), ("taox-hfox", 128, 128), ("pcmo", 50, 50), ("alox-hfo2", 40, 40),
        ("epiram", 64, 64), ("hzo-fefet", 32, 32), ("capacitor-3t1c", 32, 32),
    ],
)  # fmt: skip
def test_neurosim_presets_cross_their_range_in_the_states_of_the_manual(name, ups, downs):
    law = presets.load(name).law
    for n, begin, end, up in ((ups, -1.0, 1.0, True), (downs, 1.0, -1.0, False)):
        w = begin
        for _ in range(n):
            w += mean_step(law, w, up)
        assert w == pytest.approx(end, abs=1e-6)


def test_presets_say_how_their_arrays_are_made(rng):
    """aihwkit's reference devices stand against their symmetry points, its phase-change pairs are refreshed."""
    om = hardware(ArrayConfig(device="reram-array-om"))
    assert (om.mapping, om.reference, om.reference_error) == ("reference", "symmetry-point", 0.025)
    assert hardware(ArrayConfig(device="reram-array-om", mapping="pair")).reference == "zero"
    assert hardware(ArrayConfig(device="reram-array-om", reference="zero")).reference == "zero"
    pcm = hardware(ArrayConfig(device="pcm"))
    assert (pcm.mapping, pcm.refresh.every, pcm.refresh.above, pcm.refresh.other) == ("pair", 1, 0.75, 0.25)
    with pytest.raises(InvalidValue, match="go up only, so it needs mapping='pair'"):
        hardware(ArrayConfig(device="pcm", mapping="reference"))
    assert hardware(ArrayConfig(device="epiram")).refresh is None
    with pytest.raises(InvalidValue, match="only pairs of pulsed devices"):
        hardware(ArrayConfig(device="epiram", mapping="reference", refresh=presets.Refresh(every=1)))


def test_weights_and_siemens_convert():
    preset = presets.load("ag-a-si")
    assert preset.siemens(-1.0) == pytest.approx(3.0769e-9, rel=1e-4)
    assert preset.siemens(1.0) == pytest.approx(38.4615e-9, rel=1e-4)
    weights = np.linspace(-1, 1, 7)
    assert preset.weights(preset.siemens(weights)) == pytest.approx(weights)


def test_energy_is_v_squared_g_t():
    pulses = pulse_shape(presets.load("ag-a-si"))
    assert pulses.energy(10, 0, conductance=2e-8) == pytest.approx(10 * 3.2**2 * 2e-8 * 300e-6)
    assert pulse_shape(presets.parse("mine", GOOD)).energy(1, 1, conductance=2e-8) == 0


def test_names_are_forgiving_and_suggest_the_nearest():
    assert presets.load("EpiRAM").name == "epiram"
    assert presets.load("Ag:a-Si").name == "ag-a-si"
    assert presets.load("ReRamArrayOM").name == "reram-array-om"
    with pytest.raises(UnknownName, match="did you mean 'epiram'"):
        presets.load("epirm")


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    preset = presets.load(str(path))
    assert (preset.name, preset.law.dw_min, preset.law.w_max, preset.g_min) == ("mine", 0.01, 1.0, 1e-6)
    assert preset.quantities["parameters"]["dw_min"].source == "wafer 7"
    with pytest.raises(MissingFile):
        presets.load(str(tmp_path / "other.toml"))
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(CorruptFile, match="no text file"):
        presets.load(str(path))


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("1e-5", "1e-7", InvalidValue, "`g_max` must exceed `g_min`"),
        ("g_min = 1e-6", "g_min = -1e-6", InvalidValue, "negative"),
        ("g_min = 1e-6", "g_min = 'low'", InvalidValue, "finite number"),
        ("g_min = 1e-6", "", CorruptFile, "g_min"),
        ('source = "lab" }\nw_max', "}\nw_max", CorruptFile, "TOML|unit"),
        ('unit = "weight", ', "", CorruptFile, "unit"),
        ("lab =", "leb =", CorruptFile, "lab"),
        ("soft-bounds", "soft-bonds", UnknownName, "soft-bounds"),
        ('"soft-bounds"', "5", CorruptFile, "`law` .* text in quotes, but is 5"),
        ("\nlaw", "\ntitle = 7\nlaw", CorruptFile, "`title` .* text in quotes"),
        ("\nlaw", "\narray = 3\nlaw", CorruptFile, r"must be a section \[array\], but is 3"),
        ("[conductance]", "[extra]\nlifetime = 3\n[conductance]", UnknownName, "extra"),
        ("g_min = 1e-6", "g_min = 1e-6\ng_mid = 5e-6", UnknownName, "g_mid"),
        ("[conductance]", "[pulse]\nv_upp = 1.0\n[conductance]", UnknownName, "did you mean 'v_up'"),
        ("[conductance]", "[array]\nmappin = 'pair'\n[conductance]", UnknownName, "did you mean 'mapping'"),
        ("[conductance]", "[array]\nmapping = 'pear'\n[conductance]", UnknownName, "did you mean 'pair'"),
        ("[conductance]", "[array]\nrefresh_every = 1.5\n[conductance]", InvalidValue, "whole number of updates"),
        ("[conductance]", "[array]\nrefresh_every = 1\nrefresh_above = 2\n[conductance]", InvalidValue, "share"),
        ("[conductance]", "[array]\nrefresh_above = 0.5\n[conductance]", CorruptFile, "refresh_every"),
        ("[conductance]", "[array]\nreference_error = -1\n[conductance]", InvalidValue, "negative"),
        ('[sources]\nlab = "wafer 7"', "", CorruptFile, "does not list"),
        ('"wafer 7"', "7", CorruptFile, "`lab` .* text in quotes"),
        ('unit = "weight"', "unit = 1", CorruptFile, "unit of"),
        ('source = "lab" }\nw_max', 'source = ["lab"] }\nw_max', CorruptFile, "does not list"),
        ("dw_min =", "dw_mn =", UnknownName, "dw_min"),
        ("[conductance]", "[conductnce]", UnknownName, "conductance"),
        ("0.01", "-0.01", InvalidValue, "dw_min"),
        ("[conductance]", "[conductance", CorruptFile, "TOML"),
        ("[conductance]", "[pulse]\nv_up = 1.0\n[conductance]", CorruptFile, "t_up"),
        ("[conductance]", "[pulse]\nv_up = 1\nt_up = 0\nv_down = 1\nt_down = 1\n[conductance]", InvalidValue, "t_up"),
    ],
)
def test_broken_files_are_refused(old, new, error, message):
    with pytest.raises(error, match=message):
        presets.parse("mine", GOOD.replace(old, new))
