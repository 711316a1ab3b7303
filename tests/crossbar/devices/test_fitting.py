"""Fits find the law that made a curve, with error bars that hold; broken CSV files are refused."""

import numpy as np
import pytest

from crossbar.devices import fitting, presets
from crossbar.devices import law as devices
from crossbar.devices import measured as measurements
from crossbar.devices.measured import PulseCurve
from crossbar.devices.toml_file import fitted_toml
from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName


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


def test_error_bars_are_those_of_repeated_measurements(rng):
    """The spread of the estimates over 80 curves, cycle and read noise in them, is what a fit says of itself."""
    up = np.arange(100) < 50
    fits = []
    for k in range(80):
        w = [-0.9]
        for way in up:
            step = 0.04 * (1.1 - w[-1]) if way else -0.05 * (w[-1] + 1.2)
            w.append(w[-1] + step + 0.008 * rng.standard_normal())
        read = np.array(w) + 0.004 * rng.standard_normal(len(w))
        fits.append(fitting.fit(PulseCurve(conductance=1e-6 * (3 + read), up=up), seed=k))
    for key in ("nl_ltp", "nl_ltd", "p_max", "ctoc"):
        values = np.array([found.parameters[key].value for found in fits])
        errors = np.array([found.parameters[key].error for found in fits])
        assert 0.8 < values.std(ddof=1) / np.sqrt(np.mean(errors**2)) < 1.25  # 80 curves tell it to 8 %


def test_read_noise_is_told_from_cycle_noise(rng):
    parameters = {"dw_min": 0.02, "dw_min_std": 0.01, "gamma_up": 0.4, "gamma_down": 0.2}
    found = fitting.fit(measured("linear", parameters, rng, reading=0.01), "linear")
    assert found.read_noise == pytest.approx(1e-8, rel=0.35)
    assert found.r_squared > 0.999


def test_exponential_steps_are_found(rng):
    """The steps themselves: A and gamma of a curve that does not saturate nearly stand for each other."""
    told = {
        "dw_min": 0.03, "A_up": 0.2, "A_down": 0.1, "gamma_up": 1.5, "gamma_down": 2.0, "a": 1.0, "b": 0.0,
        "up_down": 0.1, "dw_min_std": 0.0,
    }  # fmt: skip
    curve = measured("exponential", told, rng, pulses=80)
    found = fitting.fit(curve, "exponential")
    assert found.r_squared > 0.9999
    true, w = devices.law("exponential", w_min=-1.0, w_max=1.0, **told), np.linspace(-0.6, 0.6, 7)
    siemens = 1e-6 * (2 + w)
    scale = (found.g_max - found.g_min) / 2
    own = (siemens - found.g_min) / scale - 1
    for up in (True, False):
        expected = true.mean_increment(true.parameters((1,), rng), w, up) * 1e-6
        planes = found.law.parameters((1,), rng)
        np.testing.assert_allclose(found.law.mean_increment(planes, own, up) * scale, expected, rtol=0.02)


def test_a_law_in_other_numbers_is_told(rng):
    curve = measured("nonlinear", {"nl_ltp": 1.0, "nl_ltd": -1.0, "p_max": 60}, rng, pulses=50)
    with pytest.raises(InvalidValue, match="fit soft-bounds"):
        fitting.fit(curve, "soft-bounds-pmax")


@pytest.mark.parametrize("name", ["constant", "linear", "soft-bounds", "power", "exponential", "nonlinear"])
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
    text = "pulse,G (uS),direction\n0,1,\n1,2,up\n2,1.5,down\n3,1.7,up\n4,1.1,down\n"
    assert measurements.read(write(tmp_path, text)).up.tolist() == [True, False, True, False]
    text = "Pulse,Conductance\n5,1e-6\n6,2e-6\n7,3e-6\n8,2e-6\n9,1e-6\n\n"
    assert measurements.read(write(tmp_path, text)).up.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", CorruptFile, "empty"),
        ("a,b\n1,2\n", CorruptFile, "column 'pulse'"),
        ("pulse,g_us\n0,1\n1,\n2,3\n3,2\n", CorruptFile, "line 3: `conductance` is missing"),
        ("pulse,g_us\n0,1\n1\n2,3\n3,2\n", CorruptFile, "line 3: `conductance` is missing"),
        ("pulse,g_us\n0,1\n1,x\n2,3\n3,2\n", CorruptFile, "line 3.*number"),
        ("pulse,g_us\n0,1\n1,nan\n2,3\n3,2\n", CorruptFile, "line 3.*finite"),
        ("pulse,g_us\n0,1\n1,2\n3,3\n4,2\n", CorruptFile, "line 4.*from 1 to 3"),
        ("pulse,g_us\n0,1\n\n1,2\n2,3\n3,2\n", CorruptFile, "line 3"),
        ("pulse,g_us\n0,1\n1,2\n2,3\n", InvalidValue, "at least four"),
        ("pulse,g_us\n0,1\n1,1\n2,1\n3,1\n", InvalidValue, "change"),
        ("pulse,g [uS],direction\n0,1,up\n1,2,sideways\n2,3,up\n3,2,up\n", CorruptFile, "up or down"),
    ],
)
def test_broken_files_are_refused(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        measurements.read(write(tmp_path, text))


def test_missing_file_and_hopeless_fits_are_refused(tmp_path):
    with pytest.raises(MissingFile):
        measurements.read(tmp_path / "none.csv")
    rising = PulseCurve(conductance=np.linspace(1, 2, 20), up=np.ones(19, bool))
    falling = PulseCurve(conductance=np.linspace(2, 1, 20), up=np.zeros(19, bool))
    with pytest.raises(InvalidValue, match="no up-pulses"):
        fitting.fit(falling)
    short = PulseCurve(conductance=np.array([1, 2, 1.5, 1.2]), up=np.array([True, False, False]))
    with pytest.raises(InvalidValue, match="cannot determine"):
        fitting.fit(short, "linear")
    with pytest.raises(UnknownName, match="nonlinear"):
        fitting.fit(rising, "non-linear")


A, B = 18.0, 12.0  # pulses in which potentiation and depression close on their ends
N = 40


def cycles(number=1, begin=0.1, first="up", drop=0.0):
    """Soft-bounds cycles between 0 and 1, (direction, value) a row; `drop`: the device relaxes between the branches."""
    g, rows = begin, [("", begin)]
    for k in range(2 * number):
        up = (k % 2 == 0) == (first == "up")
        if drop and k:
            g = g - drop if not up else g
        for j in range(N):
            if drop and k and j == 0 and not up:
                rows.append(("down", g))  # the branch begins where the device now stands, without a pulse
                continue
            g = 1 - (1 - g) * np.exp(-1 / A) if up else g * np.exp(-1 / B)
            rows.append(("up" if up else "down", g))
    return rows


def fitted(tmp_path, rows, header="pulse,conductance", line="{k},{g:.9e}", unit=None, counts=None, scale=1e-6):
    counts = range(len(rows)) if counts is None else counts
    lines = [line.format(k=k, g=scale * (1 + g), d=d) for k, (d, g) in zip(counts, rows, strict=True)]
    path = tmp_path / "curve.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    curve = measurements.read(path, unit)
    return curve, fitting.fit(curve, "soft-bounds")


def decays(found):
    law = found.law
    return law.dw_min * (1 + law.up_down) / law.w_max, law.dw_min * (1 - law.up_down) / -law.w_min


TRUE = 1 - np.exp(-1 / A), 1 - np.exp(-1 / B)
COMMA, TAB = ";", "\t"


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        pytest.param(cycles(3), {}, id="three cycles, no direction"),
        pytest.param(cycles(3), {"header": "pulse,g,direction", "line": "{k},{g:.9e},{d}"}, id="three cycles"),
        pytest.param(cycles(2, 0.9, "down"), {}, id="depression first"),
        pytest.param(cycles(1, 0.9, "down"), {"header": "n,g,direction", "line": "{k},{g:.9e},{d}"}, id="told so"),
        pytest.param(cycles(1, drop=0.25), {}, id="a jump between the branches"),
        pytest.param(cycles(2), {"counts": [0, *list(range(1, N + 1)) * 4]}, id="counts begin anew at 1"),
        pytest.param(cycles(), {"header": "pulse,G (uS)", "scale": 1.0}, id="microsiemens in the header"),
        pytest.param(cycles(), {"header": "pulse,conductance_us", "scale": 1.0}, id="or so"),
        pytest.param(cycles(), {"header": "Pulse,Conductance [\u00b5S]", "scale": 1.0}, id="or with mu"),
        pytest.param(cycles(), {"scale": 1e3, "unit": "nS"}, id="nanosiemens by --unit"),
        pytest.param(cycles(), {"header": "pulse;g", "line": "{k};{g:.9e}"}, id="semicolons"),
        pytest.param(cycles(), {"header": "pulse\tg", "line": "{k}\t{g:.9e}"}, id="tabs"),
        pytest.param(cycles(), {"header": "pulse g (uS)", "line": "  {k}   {g:.9e}", "scale": 1.0}, id="spaces"),
        pytest.param(cycles(), {"header": "# B1500\n# pulse g", "line": "{k} {g:.9e}"}, id="header in a comment"),
        pytest.param(cycles(), {"header": "% made by hand\npulse,g", "line": "{k},{g:.9e}\n// pause"}, id="comments"),
    ],
)
def test_curves_of_laboratories_are_fitted_rightly(tmp_path, rows, options):
    curve, found = fitted(tmp_path, rows, **options)
    assert found.r_squared > 0.9999
    assert decays(found) == pytest.approx(TRUE, rel=2e-3)
    assert curve.conductance[0] == pytest.approx(1e-6 * (1 + rows[0][1]))


def test_decimal_commas_where_they_can_be_nothing_else(tmp_path):
    path = tmp_path / "curve.csv"
    lines = [f"{k};{1e6 * 1e-6 * (1 + g):.6f}".replace(".", ",") for k, (_, g) in enumerate(cycles())]
    path.write_text("\n".join(["Puls;x", *lines]).replace("Puls;x", "pulse;G (uS)"))
    assert decays(fitting.fit(measurements.read(path), "soft-bounds")) == pytest.approx(TRUE, rel=2e-3)
    path.write_text("pulse;g (uS)\n0;1,234\n1;1,345\n2;1,456\n3;1,111\n")
    with pytest.raises(
        InvalidValue, match=r"line 2.*decimal comma or one that parts thousands; write '1\.234' or '1234'"
    ):
        measurements.read(path)
    path.write_text("pulse,g (uS)\n0,1,2\n1,1,3\n2,1,5\n3,1,1\n")
    with pytest.raises(CorruptFile, match=r"line 2: 3 fields.*semicolons or tabs"):
        measurements.read(path)


def test_runs_that_begin_anew_are_followed_from_their_own_points(tmp_path):
    """Counts that begin at 0: three devices, or the same after a pause; nothing leads from one to the next."""
    rows, counts = [], []
    for begin in (0.1, 0.3, 0.2):
        one = cycles(1, begin)
        rows, counts = rows + one, [*counts, *range(len(one))]
    curve, found = fitted(tmp_path, rows, counts=counts)
    assert curve.runs == 3
    assert decays(found) == pytest.approx(TRUE, rel=2e-3)


def test_noise_does_not_move_the_ends_of_equal_branches(rng):
    """A saturated, noisy device: its extremes lie far from where the pulses turned. A clean one is left alone."""
    w, rows = 0.0, [0.0]
    for k in range(6 * 60):
        w += 0.06 * (1 - w) if (k // 60) % 2 == 0 else -0.06 * w
        w += 0.02 * rng.standard_normal()
        rows.append(w)
    turned = np.flatnonzero(np.diff(measurements.swings(np.array(rows)).astype(int))) + 1
    assert turned.tolist() == [60, 120, 180, 240, 300]
    clean = np.array([g for _, g in cycles()])
    short = np.concatenate([clean[:31], clean[30] * np.exp(-np.arange(1, 51) / B)])  # 30 up, 50 down
    assert np.flatnonzero(np.diff(measurements.swings(short).astype(int))).tolist() == [29]


def test_a_jump_is_no_step(tmp_path):
    curve, _ = fitted(tmp_path, cycles(1, drop=0.25))
    assert np.flatnonzero(curve.broken).tolist() == [N]
    assert fitted(tmp_path, cycles(1))[0].runs == 1
    steep = PulseCurve(conductance=np.array([0, 5, 8, 9, 9.6, 4, 1.6, 0.6, 0.2]), up=np.arange(8) < 4)
    assert not measurements.jumps(steep.conductance, steep.up, np.zeros(8, bool)).any()  # the first steps are large


@pytest.mark.parametrize("name", ["constant", "linear", "soft-bounds", "power", "exponential", "nonlinear"])
def test_devices_pulsed_up_only_are_one_sided(tmp_path, name):
    rows = [("", 0.0)] + [("up", 1 - np.exp(-k / A)) for k in range(1, N)]
    curve, found = fitted(tmp_path, rows)
    found = fitting.fit(curve, name)
    assert found.law.one_sided
    assert found.law.w_min == 0
    path = tmp_path / "mine.toml"
    path.write_text(fitted_toml(found, "a.csv"), encoding="utf-8")
    preset = presets.load(str(path))
    assert preset.law.one_sided
    assert preset.refresh.every == 1
    assert preset.siemens(0.0) == pytest.approx(1e-6)
    if name == "soft-bounds":
        assert found.law.dw_min / found.law.w_max == pytest.approx(TRUE[0], rel=1e-3)
        assert preset.siemens(2.0) == pytest.approx(curve.conductance.max(), rel=1e-6)


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("pulse,g\n0,1.2\n1,1.4\n2,1.6\n3,1.1\n", None, "no memristor's.*--unit uS"),
        ("pulse,g\n0,0.003\n1,0.014\n2,0.016\n3,0.011\n", None, "no memristor's.*--unit uS"),
        ("pulse,g (mS)\n0,12\n1,14\n2,16\n3,11\n", None, r"no memristor's.*\(it is now mS\)"),
        ("pulse,g (uS)\n0,1.2\n1,1.4\n2,1.6\n3,1.1\n", "nS", "in uS, but `--unit` says nS"),
        ("pulse,g\n0,1.2\n1,1.4\n2,1.6\n3,1.1\n", "MS", "must be one of S, mS, uS, nS"),
    ],
)
def test_units_that_cannot_be_meant_are_refused(tmp_path, text, unit, message):
    with pytest.raises(InvalidValue, match=message):
        measurements.read(write(tmp_path, text), unit)


@pytest.mark.parametrize("name", ["\U0001f4c8.csv", 'a"b\\c.csv', "tab\tnew\nline\x7f.csv", "bad\udcff.csv"])
def test_any_file_name_makes_a_readable_device(name, rng, tmp_path):
    found = fitting.fit(measured("nonlinear", {"p_max": 60}, rng, pulses=50))
    path = tmp_path / "mine.toml"
    path.write_text(fitted_toml(found, name), encoding="utf-8")
    assert presets.load(str(path)).title == "Fitted to " + name.replace("\udcff", "?")
