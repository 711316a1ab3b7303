"""The shipped presets against devices.md, their units, and files that cannot be meant."""

import numpy as np
import pytest

from crossbar import presets
from crossbar.array_building import pulse_shape
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


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [  # research/devices.md 2.4
        ("gokmen-vlasov", "constant", {"dw_min": 0.0016, "up_down_dtod": 0.01, "w_max": 1.0, "dw_min_std": 0.3}),
        (
            "reram-es",
            "exponential",
            {"up_down": 0.259359, "A_up": -1.18445, "dw_min_std": 5.0, "write_noise_std": 75.0},
        ),
        ("reram-sb", "soft-bounds", {"w_min": -0.75, "w_max": 1.25, "mult_noise": False, "w_min_dtod": 0.4}),
        (
            "reram-array-om",
            "soft-bounds",
            {"dw_min": 0.0949, "dw_min_dtod_log_normal": True, "write_noise_std": 1.4113},
        ),
        ("reram-array-hfo2", "soft-bounds", {"dw_min": 0.4622, "w_max_dtod": 0.4295}),
        ("capacitor", "linear", {"gamma_up": 0.05, "mult_noise": False, "up_down_dtod": 0.06}),
        ("ecram", "linear", {"gamma_down": 0.5085, "w_max": 1.1724, "mult_noise": True}),
        ("ecram-mo", "linear", {"dw_min": 2.8214e-4, "gamma_up": 0.4152, "dw_min_std": 2.0}),
        ("pcm", "exponential", {"w_min": 0.0, "A_up": -27.235, "dw_min_std_add": 0.042, "dw_min_std_slope": 0.108}),
    ],
)
def test_aihwkit_presets_hold_its_values(name, kind, values):
    law = presets.load(name).law
    assert law.name == kind
    assert {key: getattr(law, key) for key in values} == values


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
        ("\nlaw", "\nextra = 3\nlaw", CorruptFile, r"must be a section \[extra\], but is 3"),
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
