"""Learning on the array: exact without devices, right on average with them, and resumed bit for bit."""

import numpy as np
import pytest

from crossbar.array import CrossbarArray
from crossbar.array_config import ArrayConfig
from crossbar.couplings import random_weights
from crossbar.errors import InvalidValue
from crossbar.network import Network

DENSE = Network((("pixels", 5), ("hidden", 4), ("latent", 2)))
LAYERED = Network((("pixels", 5), ("hidden", 4), ("latent", 2)), "layered")


def make(rng, network=DENSE, dtype="float64", **settings):
    weights = random_weights(network, rng, np.dtype(dtype).type)
    return CrossbarArray.from_weights(network, weights, ArrayConfig(dtype=dtype, **settings), rng), weights


def contrast(rng, network, batch=6):
    response, mean = 0.1 * rng.normal(size=(batch, network.size)), rng.random((batch, network.size))
    response[:, network.block("pixels")] = 0
    return response, mean


@pytest.mark.parametrize("mapping", ["pair", "reference"])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("network", [DENSE, LAYERED])
def test_without_devices_an_update_is_the_float_update(rng, network, symmetry, mapping):
    array, weights = make(rng, network, mapping=mapping, symmetry=symmetry)
    response, mean = contrast(rng, network)
    report = array.update(response, mean, rate=0.3, rng=rng)
    expected = weights + 0.3 * (response.T @ mean + mean.T @ response) * network.mask()
    np.testing.assert_allclose(array.matrix(), expected, atol=1e-14)
    assert array.asymmetry() < 1e-15 * (symmetry == "two-device") + 1e-300
    assert report.pulses == 0
    assert array.counters.updates == 1


def test_clamped_neurons_learn_by_their_mean_signals(rng):
    array, weights = make(rng, LAYERED)
    response, mean = contrast(rng, LAYERED)
    array.update(response, mean, rate=1.0, rng=rng)
    change = (array.matrix() - weights)[LAYERED.block("pixels"), LAYERED.block("hidden")]
    np.testing.assert_allclose(change, mean[:, :5].T @ response[:, 5:9], atol=1e-14)


def test_bad_contrasts_are_refused(rng):
    array, _ = make(rng)
    response, mean = contrast(rng, DENSE)
    for bad in ((response[:, 1:], mean), (response, mean[1:]), (response * np.nan, mean)):
        with pytest.raises(InvalidValue, match="response|mean"):
            array.update(*bad, rate=0.1, rng=rng)
    for rate in (0.0, -1.0, np.inf):
        with pytest.raises(InvalidValue, match="`rate`"):
            array.update(response, mean, rate=rate, rng=rng)
