"""Gains against drift: exact where drift is one factor, closer to the weights where it is not."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices.drift_compensation import line_gains
from crossbar.devices.nonidealities import FaultLaw, PcmDrift, PowerLawDrift
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.network import Network

NET = Network((("pixels", 12), ("hidden", 9), ("latent", 4)))
LAYERED = Network((("pixels", 12), ("hidden", 9), ("latent", 4)), "layered")
YEAR = 3e7


@pytest.fixture
def weights(rng):
    drawn = rng.normal(0, 0.5, (25, 25))
    return np.triu(drawn, 1) + np.triu(drawn, 1).T


def aged(weights, rng, kind, drift, network=NET, time=YEAR, **options):
    config = ArrayConfig(faults=FaultLaw(drift=drift), drift_gains=kind, dtype="float64", **options)
    array = CrossbarArray.from_weights(network, weights * network.mask(), config, np.random.default_rng(3))
    array.at_time(time)
    return array


@pytest.mark.parametrize("network", [NET, LAYERED])
@pytest.mark.parametrize("kind", ["global", "lines"])
def test_drift_that_is_one_factor_is_made_up_for_exactly(rng, weights, network, kind):
    array = aged(weights, rng, kind, PowerLawDrift(nu=0.06), network)
    np.testing.assert_allclose(array.weights(), weights * network.mask(), atol=1e-12)
    plain = aged(weights, rng, "none", PowerLawDrift(nu=0.06), network)
    assert np.abs(plain.weights()).max() < np.abs(weights).max() / 2


@pytest.mark.parametrize("drift", [PowerLawDrift(nu=0.05, nu_std=0.01), PcmDrift()])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_drift_with_a_spread_is_made_up_for_in_part(rng, weights, drift, symmetry):
    errors = {}
    for kind in ("none", "global", "lines"):
        array = aged(weights, rng, kind, drift, symmetry=symmetry)
        errors[kind] = np.linalg.norm(array.weights() - weights) / np.linalg.norm(weights)
        if symmetry == "shared":
            assert np.array_equal(array.weights(), array.weights().T)
    assert errors["none"] > 0.4
    assert max(errors["global"], errors["lines"]) < errors["none"] / 2


def test_lines_see_what_one_number_does_not():
    """A line whose devices all drift twice as fast: G_ij t^-(nu_i + nu_j)."""
    nu = np.array([0.1, *np.zeros(15)])
    fresh = np.ones((16, 16)) - np.eye(16)
    now = fresh * 1e3 ** -(nu[:, None] + nu)
    found = {}
    for kind in ("global", "lines"):
        gains = line_gains(kind, fresh.sum(1), now)
        found[kind] = np.linalg.norm(now * np.outer(gains, gains) - fresh)
    assert found["global"] > 1
    assert found["lines"] < 1e-4  # after its rounds


def test_nothing_is_changed_before_time_has_passed(rng, weights):
    plain, other = (aged(weights, rng, kind, PcmDrift(), time=0.0) for kind in ("none", "lines"))
    np.testing.assert_array_equal(plain.weights(), other.weights())


@pytest.mark.parametrize("noise", [ReadNoise(relative=0.05), ReadNoise(additive=0.02)])
def test_noise_is_amplified_with_the_weights(rng, weights, noise):
    """The variance of a read, by 4,000 of them, is that of the drifted devices times the square of the gain."""
    spread = {}
    for kind in ("none", "global"):
        array = aged(weights, rng, kind, PowerLawDrift(nu=0.06), read_noise=noise)
        role = NET.role(["pixels"])
        out = np.empty((4000, role.n_free))
        array.multiply(np.ones((4000, role.n_clamped)), role.inward, out)
        spread[kind] = out.std(0).mean()
    assert spread["global"] / spread["none"] == pytest.approx((YEAR / 20) ** 0.06, rel=0.05)


def test_pulses_after_drift_act_on_devices_and_gains_follow(rng, weights):
    config = {"device": "epiram", "weight_limit": 2.0}
    found = {}
    for kind in ("none", "global"):
        array = aged(weights, rng, kind, PowerLawDrift(nu=0.06), **config)
        before = array.weights().copy()
        signals = np.random.default_rng(1).random((8, 25))
        array.update(signals - 0.5, signals, rate=0.01, rng=np.random.default_rng(2))
        found[kind] = np.abs(array.weights() - before).sum()
    assert found["global"] > 1.5 * found["none"] > 0


def test_what_cannot_be_compensated_is_refused(weights, rng):
    with pytest.raises(InvalidValue, match="pairs of devices"):
        aged(weights, rng, "global", PcmDrift(), mapping="reference")
    with pytest.raises(UnknownName, match="drift_gains"):
        ArrayConfig(drift_gains="colums")
    with pytest.raises(UnknownName, match="drift_gains"):
        line_gains("rows", np.ones(2), np.ones((2, 2)))
    with pytest.raises(InvalidValue, match="must be"):
        line_gains("lines", np.ones(2), np.ones((3, 3)))
    with pytest.raises(InvalidValue, match="lost all"):
        line_gains("lines", np.ones(2), np.zeros((2, 2)))
