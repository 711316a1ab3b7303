"""Drift and read noise found in series whose truth is known."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import crossbar as xb
from crossbar.commands.devices import devices
from crossbar.devices.series import read_noise, reading, retention
from crossbar.devices.series.reading import Series
from crossbar.errors import CorruptFile, InvalidValue, MissingFile

G_MAX = 2.5e-5


def drifting(rng, *, nu=0.05, nu_std=0.01, additive=0.0, relative=0.0, d=40, n=200):
    time = np.geomspace(20, 2e5, n)
    exponents = nu + nu_std * rng.standard_normal(d)
    held = rng.uniform(0.1, 1, d) * G_MAX * (time[:, None] / 20) ** -exponents
    held = held + rng.standard_normal(held.shape) * np.hypot(additive * G_MAX, relative * held)
    return Series(time=time, conductances=held), exponents


def test_drift_without_noise_is_found_exactly(rng):
    series, exponents = drifting(rng)
    found = retention.fit(series)
    np.testing.assert_allclose(found.exponents, exponents, atol=1e-12)
    assert found.mean == pytest.approx(exponents.mean())
    assert found.spread == pytest.approx(exponents.std(ddof=1), rel=1e-6)
    assert found.t0 == 20
    assert found.explained == pytest.approx(1)
    np.testing.assert_allclose(found.line(series.time), series.conductances, rtol=1e-10)


def test_error_bars_cover_the_truth(rng):
    inside = []
    for _ in range(100):
        series, exponents = drifting(rng, nu_std=0.0, relative=0.03, d=1, n=60)
        found = retention.fit(series)
        inside.append(abs(found.exponents[0] - exponents[0]) < 2 * found.errors[0])
    assert 0.88 < np.mean(inside) < 0.995


def test_noise_is_not_taken_for_spread(rng):
    series, _ = drifting(rng, nu_std=0.0, relative=0.05, d=200, n=30)
    found = retention.fit(series)
    assert found.spread < 0.4 * np.std(found.exponents, ddof=1)
    told = [drifting(rng, nu=0.0, nu_std=0.0, relative=0.02, d=3, n=100)[0] for _ in range(50)]
    assert sum(retention.fit(still).significant for still in told) <= 5
    assert retention.fit(series).significant


@pytest.mark.parametrize(("additive", "relative"), [(0.01, 0.0), (0.0, 0.03), (0.005, 0.02)])
def test_additive_and_relative_noise_are_told_apart(rng, additive, relative):
    series, _ = drifting(rng, additive=additive, relative=relative, d=100, n=400, nu=0.0, nu_std=0.0)
    found = read_noise.fit(series, retention.fit(series).line(series.time), G_MAX)
    assert found.additive == pytest.approx(additive, rel=0.1, abs=0.0015)
    assert found.relative == pytest.approx(relative, rel=0.1, abs=0.004)


def colored(rng, slope, d=8, n=4096):
    spectrum = np.fft.rfft(rng.standard_normal((n, d)), axis=0)
    spectrum[1:] *= np.arange(1, len(spectrum))[:, None] ** (-slope / 2)
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, n, axis=0)
    return 1e-5 * (1 + 0.02 * noise / noise.std(axis=0))


@pytest.mark.parametrize(("slope", "name"), [(0.0, "white"), (1.0, "pink"), (2.0, "other")])
def test_spectra_are_named(rng, slope, name):
    series = Series(time=np.arange(1.0, 4097.0), conductances=colored(rng, slope))
    found = read_noise.fit(series, series.conductances.mean(axis=0) * np.ones((4096, 1)), 2e-5)
    assert found.slope == pytest.approx(slope, abs=0.25)
    assert found.spectrum == name


def test_no_spectrum_is_told_of_uneven_or_few_readings(rng):
    uneven, _ = drifting(rng, relative=0.01)
    assert read_noise.fit(uneven, retention.fit(uneven).line(uneven.time), G_MAX).spectrum is None
    few = Series(time=np.arange(1.0, 41.0), conductances=1e-5 * (1 + 0.01 * rng.standard_normal((40, 2))))
    assert read_noise.fit(few, few.conductances.mean(axis=0) * np.ones((40, 1)), G_MAX).slope is None


def test_arrays_of_the_fitted_drift_age_as_the_devices_did(rng):
    series, _ = drifting(rng, nu=0.06, nu_std=0.0, d=5)
    law = retention.fit(series).law
    array = xb.Array([[1.0]], faults=xb.FaultLaw(drift=law))
    array.age(2e5)
    left = float((series.conductances[-1] / series.conductances[0])[0])
    assert float(array.weights[0, 0]) == pytest.approx(left, rel=1e-5)


def write(path, series, header="time (s);G1 (uS);G2 (uS)", separator=";"):
    rows = np.column_stack([series.time, series.conductances * 1e6])
    path.write_text("\n".join([header, *(separator.join(f"{value:.9g}" for value in row) for row in rows)]) + "\n")
    return path


def test_an_instrument_s_file_is_read(tmp_path, rng):
    series, _ = drifting(rng, d=2)
    found = reading.read(write(tmp_path / "file.csv", series))
    np.testing.assert_allclose(found.time, series.time, rtol=1e-8)
    np.testing.assert_allclose(found.conductances, series.conductances, rtol=1e-8)


@pytest.mark.parametrize(("text", "error", "says"), [
    ("", CorruptFile, "time and conductance"), ("time,G\n1,1e-6\n", InvalidValue, "at least 8 rows"),
    ("pulse,G\n" + "1,1e-6\n" * 9, CorruptFile, "'time'"), ("time,G\n" + "1,1e-6\n" * 9, CorruptFile, "line 3: `time`"),
    ("time,G\n" + "".join(f"{k},1e-6\n" for k in range(9)), InvalidValue, "must be positive, but begins at 0"),
    ("time,G\n" + "".join(f"{k},-1e-6\n" for k in range(1, 10)), InvalidValue, "conductances must be positive"),
    ("time,G\n" + "".join(f"{k},x\n" for k in range(1, 10)), CorruptFile, "must be a number"),
])  # fmt: skip
def test_what_is_no_series_is_refused(tmp_path, text, error, says):
    (tmp_path / "file.csv").write_text(text)
    with pytest.raises(error, match=says):
        reading.read(tmp_path / "file.csv")


def test_short_times_and_missing_files_are_refused(tmp_path, rng):
    with pytest.raises(MissingFile):
        reading.read(tmp_path / "none.csv")
    with pytest.raises(InvalidValue, match="half a decade"):
        retention.fit(Series(time=np.linspace(100, 200, 20), conductances=np.full((20, 1), 1e-6)))


def test_the_command_tells_settings_that_an_array_takes(tmp_path, rng):
    series, exponents = drifting(rng, nu=0.05, nu_std=0.02, relative=0.01, d=2)
    path, run = str(write(tmp_path / "file.csv", series)), CliRunner().invoke
    result = run(devices, ["series", path, "--g-max", "2.5e-5", "--plot", str(tmp_path / "p.svg"), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert told["nu"] == pytest.approx(exponents.mean(), abs=0.003)
    assert "<svg" in (tmp_path / "p.svg").read_text()
    words = run(devices, ["series", path]).output.splitlines()[-1]
    assert words.startswith("--set array.drift_nu=0.0")
    assert "must end in" in str(run(devices, ["series", path, "--plot", "x.txt"]).exception)
    assert "`g_max`" in str(run(devices, ["series", path, "--g-max", "-1"]).exception)
