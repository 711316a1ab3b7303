"""Levels, faults, spread and time, each against its own definition."""

import numpy as np
import pytest

from crossbar.devices.mapping import mapping_for
from crossbar.devices.nonidealities import FaultLaw, PcmDrift, PowerLawDrift, Retention
from crossbar.devices.write_errors import WRITE_ERRORS, gaussian, write_error
from crossbar.errors import InvalidValue, UnknownName

MAPPING = mapping_for("pair", g_min=1e-6, g_max=25e-6, weight_limit=1.0)
SHAPE = (60, 50)


@pytest.fixture
def plane(rng):
    """Targets that fill the range."""
    return rng.uniform(0, 1, SHAPE)


def test_nothing_wrong_changes_nothing(plane, rng):
    faults = FaultLaw().sample(SHAPE, rng)
    assert faults.none
    assert faults.realise(plane, MAPPING, 1e9) is plane


@pytest.mark.parametrize("levels", [2, 3, 16])
def test_levels_are_equally_spaced_and_nearest(plane, rng, levels):
    values = FaultLaw(levels=levels).sample(SHAPE, rng).realise(plane, MAPPING, 0)
    found = np.unique(values)
    np.testing.assert_allclose(found, np.linspace(0, 1, levels), atol=1e-12)
    assert np.abs(values - plane).max() <= 0.5 / (levels - 1) + 1e-12


def test_stuck_cells_stay_at_the_ends(plane, rng):
    faults = FaultLaw(stuck_low=0.2, stuck_high=0.1).sample(SHAPE, rng)
    siemens = MAPPING.siemens(faults.realise(plane, MAPPING, 0))
    np.testing.assert_allclose(siemens[faults.stuck < 0], 1e-6)
    np.testing.assert_allclose(siemens[faults.stuck > 0], 25e-6)
    np.testing.assert_allclose(siemens[faults.stuck == 0], MAPPING.siemens(plane)[faults.stuck == 0])
    for value, fraction in ((-1, 0.2), (1, 0.1)):
        error = np.sqrt(fraction * (1 - fraction) / plane.size)
        assert abs((faults.stuck == value).mean() - fraction) < 4 * error


@pytest.mark.parametrize("drift", [Retention(lifetime=100.0, toward=0.5), PowerLawDrift(nu=0.05, nu_std=0.01)])
def test_stuck_cells_do_not_age(plane, rng, drift):
    faults = FaultLaw(stuck_low=0.2, stuck_high=0.1, variation=0.1, drift=drift).sample(SHAPE, rng)
    siemens = MAPPING.siemens(faults.realise(plane, MAPPING, 1e6))
    np.testing.assert_allclose(siemens[faults.stuck < 0], 1e-6)
    np.testing.assert_allclose(siemens[faults.stuck > 0], 25e-6)
    free = faults.restore(faults.arrays() | {"stuck": np.zeros_like(faults.stuck)})
    works = faults.stuck == 0
    np.testing.assert_array_equal(siemens[works], MAPPING.siemens(free.realise(plane, MAPPING, 1e6))[works])


def test_variation_is_relative_to_the_conductance(plane, rng):
    siemens = MAPPING.siemens(FaultLaw(variation=0.1).sample(SHAPE, rng).realise(plane, MAPPING, 0))
    ratio = siemens / MAPPING.siemens(plane)
    assert abs(ratio.mean() - 1) < 4 * 0.1 / np.sqrt(plane.size)
    assert abs(ratio.std() - 0.1) < 4 * 0.1 / np.sqrt(2 * plane.size)


def test_power_law_drift(plane, rng):
    faults = FaultLaw(drift=PowerLawDrift(nu=0.05, t0=20)).sample(SHAPE, rng)
    assert faults.drift_draw is None
    siemens = MAPPING.siemens(faults.realise(plane, MAPPING, 2000))
    np.testing.assert_allclose(siemens, MAPPING.siemens(plane) * 100**-0.05)
    np.testing.assert_allclose(faults.realise(plane, MAPPING, 10), plane, atol=1e-12)


def test_spread_drift_has_the_mean_exponent_and_never_grows(rng):
    faults = FaultLaw(drift=PowerLawDrift(nu=0.05, nu_std=0.01)).sample((200, 200), rng)
    plane = np.full((200, 200), 0.5)
    exponent = -np.log(MAPPING.siemens(faults.realise(plane, MAPPING, 2000)) / MAPPING.siemens(plane)) / np.log(100)
    assert abs(exponent.mean() - 0.05) < 4 * 0.01 / 200
    assert abs(exponent.std() - 0.01) < 4 * 0.01 / 200
    assert exponent.min() > -1e-12


def test_pcm_drift_clamps_its_exponents(rng):
    """At g = 1 the mean exponent is 0.049 and its deviation 0.008; at g = 0.001 they are 0.1 and 0.045."""
    for conductance, mean, deviation in ((25e-6, 0.049, 0.008), (25e-9, 0.1, 0.045)):
        xi = rng.standard_normal(40_000)
        aged = PcmDrift().at(np.full(40_000, conductance), xi, MAPPING, 20 * np.e)
        exponent = -np.log(aged / conductance)
        assert abs(np.median(exponent) - mean) < 5 * deviation / 200
        assert abs(np.quantile(exponent, 0.8413) - mean - deviation) < 0.03 * deviation + 5 * deviation / 200


def test_retention_ends_at_its_resting_point(plane, rng):
    faults = FaultLaw(drift=Retention(lifetime=100.0, toward=0.5)).sample(SHAPE, rng)
    np.testing.assert_allclose(faults.realise(plane, MAPPING, 100), 0.5 + (plane - 0.5) / np.e)
    np.testing.assert_allclose(faults.realise(plane, MAPPING, 1e6), 0.5)
    spread = FaultLaw(drift=Retention(lifetime=100.0, lifetime_spread=0.5)).sample(SHAPE, rng)
    assert spread.realise(plane, MAPPING, 100).std() > 0


def test_the_draws_survive_storage(plane, rng):
    law = FaultLaw(variation=0.1, stuck_low=0.1, drift=PcmDrift())
    faults = law.sample(SHAPE, rng)
    again = law.sample(SHAPE, rng).restore(faults.arrays())
    np.testing.assert_array_equal(again.realise(plane, MAPPING, 99), faults.realise(plane, MAPPING, 99))


@pytest.mark.parametrize("name", sorted(WRITE_ERRORS))
def test_write_errors_have_their_deviation(name, rng):
    law = write_error(name)
    target = np.full(100_000, 0.6 * law.g_max * 1e-6)
    written = law.write(target, law.g_max * 1e-6, rng)
    deviation = law.deviation(target[:1], law.g_max * 1e-6)[0]
    assert abs(written.std() / deviation - 1) < 0.01
    assert abs(written.mean() - target[0]) < 5 * deviation / np.sqrt(len(target))


def test_write_errors_at_values_worked_out_by_hand():
    """In microsiemens: the polynomials of the sources at one point each, and stretched to another range."""
    cases = {"pcm": (12.5, 0.952705), "pcm-joshi": (10.0, 0.866191), "rram-milo": (100.0, 3.871621)}
    for name, (conductance, sigma) in cases.items():
        law = write_error(name)
        for unit in (1e-6, 4e-6):
            deviation = law.deviation(np.array([conductance * unit]), law.g_max * unit)[0]
            assert deviation == pytest.approx(sigma * unit, rel=1e-5)
    assert gaussian(0.02).deviation(np.array([5e-5]), 1e-4)[0] == pytest.approx(2e-6)


@pytest.mark.parametrize(
    ("law", "values", "message"),
    [
        (FaultLaw, {"levels": 1}, "`levels` must be from 2 to"),
        (FaultLaw, {"levels": 2.5}, "whole number"),
        (FaultLaw, {"levels": True}, "whole number"),
        (FaultLaw, {"levels": 2**23}, "resolves"),
        (FaultLaw, {"variation": -0.1}, "`variation` must be from 0 to 1"),
        (FaultLaw, {"stuck_low": 1.1}, "`stuck_low` must be from 0 to 1"),
        (FaultLaw, {"stuck_low": 0.6, "stuck_high": 0.6}, "must not exceed 1"),
        (PowerLawDrift, {"nu": -0.1}, "`nu`"),
        (PowerLawDrift, {"nu": 0.1, "t0": 0.0}, "`t0`"),
        (Retention, {"lifetime": 0.0}, "`lifetime`"),
        (Retention, {"lifetime": 1.0, "toward": 2.0}, "`toward`"),
        (gaussian, {"fraction": -1.0}, "must not be negative"),
    ],
)
def test_bad_values_are_refused(law, values, message):
    with pytest.raises(InvalidValue, match=message):
        law(**values)


def test_unknown_write_errors_suggest():
    with pytest.raises(UnknownName, match="did you mean 'pcm-joshi'"):
        write_error("pcm-jossi")
