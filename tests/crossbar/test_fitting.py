"""Fits find the law that made a curve, with error bars that hold; broken CSV files are refused."""

import numpy as np
import pytest

from crossbar import devices, fitting, measurements, presets
from crossbar.device_files import fitted_toml
from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName
from crossbar.measurements import PulseCurve


def measured(name, parameters, rng, pulses=100, begin=-1.0, reading=0.0):
    law = devices.law(name, w_min=-1.0, w_max=1.0, **parameters)
    state = law.sample((1,), rng, dtype=np.float64)
    state.program(begin, rng)
    up = np.arange(2 * pulses) < pulses
    weights = [state.hidden[0]]
    for direction in up:
        law.pulse(state, slice(None), bool(direction), rng)
        weights.append(state.hidden[0])
    siemens = 1e-6 * (2 + np.array(weights) + reading * rng.standard_normal(len(weights)))
    return PulseCurve(conductance=siemens, up=up)


def test_a_clean_curve_gives_its_labels_back(rng):
    found = fitting.fit(measured("nonlinear", {"nl_ltp": 2.4, "nl_ltd": -4.88, "p_max": 100}, rng))
    values = {key: entry.value for key, entry in found.parameters.items()}
    assert values == pytest.approx({"nl_ltp": 2.4, "nl_ltd": -4.88, "p_max": 100, "ctoc": 0}, abs=0.02)
    assert found.r_squared > 0.99999


def test_error_bars_hold_the_truth(rng):
    """Over curves with cycle-to-cycle noise, (estimate - truth) / error has a spread near 1: not .1, not 5."""
    z = []
    for _ in range(8):
        found = fitting.fit(measured("nonlinear", {"nl_ltp": 1.5, "nl_ltd": -2.0, "p_max": 100, "ctoc": 0.004}, rng))
        for key, truth in (("nl_ltp", 1.5), ("nl_ltd", -2.0)):
            z.append((found.parameters[key].value - truth) / found.parameters[key].error)
        assert found.parameters["ctoc"].value == pytest.approx(0.004, rel=0.25)
    assert 0.4 < np.sqrt(np.mean(np.square(z))) < 2.0


def test_read_noise_is_told_from_cycle_noise(rng):
    parameters = {"dw_min": 0.02, "dw_min_std": 0.01, "gamma_up": 0.4, "gamma_down": 0.2}
    found = fitting.fit(measured("linear", parameters, rng, reading=0.01), "linear")
    assert found.read_noise == pytest.approx(1e-8, rel=0.35)
    assert found.r_squared > 0.999


@pytest.mark.parametrize("name", ["constant", "linear", "soft-bounds", "power", "nonlinear"])
def test_fitted_files_load_as_devices(name, rng, tmp_path):
    found = fitting.fit(measured("nonlinear", {"nl_ltp": 1.0, "nl_ltd": -1.0, "p_max": 60}, rng, pulses=50), name)
    path = tmp_path / "fitted.toml"
    path.write_text(fitted_toml(found, "a.csv"))
    preset = presets.load(str(path))
    assert preset.law.granularity == pytest.approx(found.law.granularity)
    assert preset.siemens(1.0) == pytest.approx(found.g_max)


def write(tmp_path, text):
    path = tmp_path / "curve.csv"
    path.write_text(text)
    return path


def test_directions_are_told_or_found(tmp_path):
    text = "pulse,G,direction\n0,1,\n1,2,up\n2,1.5,down\n3,1.7,up\n4,1.1,down\n"
    assert measurements.read(write(tmp_path, text)).up.tolist() == [True, False, True, False]
    text = "Pulse,Conductance\n5,1e-6\n6,2e-6\n7,3e-6\n8,2e-6\n9,1e-6\n\n"
    assert measurements.read(write(tmp_path, text)).up.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", CorruptFile, "empty"),
        ("a,b\n1,2\n", CorruptFile, "column 'pulse'"),
        ("pulse,g\n0,1\n1,\n2,3\n3,2\n", CorruptFile, "line 3: `conductance` is missing"),
        ("pulse,g\n0,1\n1\n2,3\n3,2\n", CorruptFile, "line 3: `conductance` is missing"),
        ("pulse,g\n0,1\n1,x\n2,3\n3,2\n", CorruptFile, "line 3.*number"),
        ("pulse,g\n0,1\n1,nan\n2,3\n3,2\n", CorruptFile, "line 3.*finite"),
        ("pulse,g\n0,1\n1,2\n3,3\n4,2\n", CorruptFile, "line 4.*from 1 to 3"),
        ("pulse,g\n0,1\n\n1,2\n2,3\n3,2\n", CorruptFile, "line 3"),
        ("pulse,g\n0,1\n1,2\n2,3\n", InvalidValue, "at least four"),
        ("pulse,g\n0,1\n1,1\n2,1\n3,1\n", InvalidValue, "change"),
        ("pulse,g,direction\n0,1,up\n1,2,sideways\n2,3,up\n3,2,up\n", CorruptFile, "up or down"),
    ],
)
def test_broken_files_are_refused(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        measurements.read(write(tmp_path, text))


def test_missing_file_and_hopeless_fits_are_refused(tmp_path):
    with pytest.raises(MissingFile):
        measurements.read(tmp_path / "none.csv")
    rising = PulseCurve(conductance=np.linspace(1, 2, 20), up=np.ones(19, bool))
    with pytest.raises(InvalidValue, match="no down-pulses"):
        fitting.fit(rising)
    short = PulseCurve(conductance=np.array([1, 2, 1.5, 1.2]), up=np.array([True, False, False]))
    with pytest.raises(InvalidValue, match="cannot determine"):
        fitting.fit(short, "linear")
    with pytest.raises(UnknownName, match="nonlinear"):
        fitting.fit(rising, "exponential")
