"""Arrays of networks with linear neurons: no devices among them, and a DAC that takes signals of both signs."""

from dataclasses import replace

import numpy as np
import pytest

import crossbar as xb
from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import dac
from crossbar.arrays.regions import regions
from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Linear, Sigmoid
from crossbar.programming.chip import program_chip
from crossbar.programming.write_verify import WriteVerify
from tests.circuits.conftest import chip_of_laws

PLACES = {
    "last": Network((("a", 4), ("b", 3), ("z", 2)), neurons=(Sigmoid(), Sigmoid(), Linear())),
    "first": Network((("z", 2), ("b", 3)), neurons=(Linear(), Sigmoid())),
    "between": Network((("a", 4), ("z", 2), ("b", 3), ("c", 1)), neurons=(Sigmoid(), Linear(), Sigmoid(), Sigmoid())),
    "two": Network((("z", 2), ("a", 4), ("y", 3)), neurons=(Linear(), Sigmoid(), Linear())),
    "side by side": Network((("a", 4), ("z", 2), ("y", 3)), neurons=(Sigmoid(), Linear(), Linear())),
    "layered": Network((("a", 4), ("b", 3), ("z", 2)), "layered", (Sigmoid(), Sigmoid(), Linear())),
    "none": Network((("a", 4), ("b", 3))),
}


@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("place", PLACES)
def test_devices_stand_where_the_network_couples_and_nowhere_else(place, symmetry):
    network = PLACES[place]
    found = np.zeros((network.size,) * 2, int)
    for region in regions(network, symmetry):
        found[region.rows, region.columns] += 1
        if region.shared and not region.square:
            found[region.columns, region.rows] += 1
    np.fill_diagonal(found, 0)
    np.testing.assert_array_equal(found, network.mask())


@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("place", PLACES)
def test_an_ideal_array_is_its_weights_and_learns_where_it_couples(place, symmetry, rng):
    network = PLACES[place]
    weights = random_weights(network, rng, np.float64)
    array = CrossbarArray.from_weights(network, weights, ArrayConfig(symmetry=symmetry, dtype="float64"), rng)
    np.testing.assert_array_equal(array.weights(), weights)
    response, mean = rng.standard_normal((2, 5, network.size))
    array.update(response, mean, rate=0.01, rng=rng)
    outer = response.T @ mean
    np.testing.assert_allclose(array.weights(), weights + 0.01 * (outer + outer.T) * network.mask(), atol=1e-12)


def test_the_dac_of_linear_neurons_takes_both_signs(rng):
    network = PLACES["between"]
    config = ArrayConfig(dac=dac(8), linear_dac=dac(8, high=4.0, bipolar=True), dtype="float64")
    array = CrossbarArray.from_weights(network, random_weights(network, rng, np.float64), config, rng)
    role = network.role(["a"])
    signals = np.array([[-2.5, 5.0, 0.3, -0.2, 1.7, 0.9]])
    out = np.zeros((1, 6))
    array.multiply(signals, role.within, out)
    one, wide = 1 / 255, 4 / 127
    sigmoids = np.rint(np.array([0.3, 0.0, 1.0, 0.9]) / one) * one
    driven = np.array([[np.rint(-2.5 / wide) * wide, 4.0, *sigmoids]])
    block = array.weights()[4:, 4:]
    np.testing.assert_allclose(out, driven @ block, atol=1e-12)


def test_a_dac_that_would_cut_linear_neurons_is_refused(rng):
    network = PLACES["last"]
    with pytest.raises(InvalidValue, match="linear_dac"):
        CrossbarArray.from_weights(network, np.zeros((9, 9), np.float32), ArrayConfig(dac=dac(8)), rng)
    W, blocks, laws = np.zeros((9, 9)), dict(network.blocks), {"z": "linear"}
    for name in ("dac", "adc"):
        with pytest.raises(InvalidValue, match=f"`{name}` must tell"):
            xb.HopfieldNetwork(W, blocks, neurons=laws, **{name: 8})
    found = xb.HopfieldNetwork(W, blocks, neurons=laws, dac=(8, 4.0), adc=(8, 6.0))
    assert (found.couplings.config.dac.low, found.couplings.config.dac.high) == (-4.0, 4.0)
    assert xb.HopfieldNetwork(W, blocks, dac=8).couplings.config.dac.low == 0.0
    with pytest.raises(InvalidValue, match="both signs"):
        xb.HopfieldNetwork(xb.Array(W, dac=xb.dac(8)), neurons={"neurons": "linear"})


@pytest.mark.parametrize("options", [{}, {"device": "epiram"}, {"mapping": "reference"}, {"symmetry": "two-device"}])
def test_a_chip_with_linear_latents_is_programmed(options, rng, tmp_path):
    chip = chip_of_laws(latent=Linear())
    found, reports = program_chip(chip, ArrayConfig(**options), WriteVerify(max_pulses=50), rng)
    devices = found.conductances["tied"]
    for side in (devices.plus, devices.minus):
        assert not side[15:, 15:].any()
        assert (side[:15, 15:] > 0).any()
    assert found.networks["tied"].law("latent") == Linear()
    assert reports["tied"].devices > 0
    again = xb.load_chip(found.save(tmp_path / "chip.h5"))
    np.testing.assert_array_equal(again.conductances["tied"].plus, devices.plus)


@pytest.mark.parametrize("tile", [None, 3])
def test_targets_of_unlike_drivers_are_sensed_apart(tile, rng):
    """In one read of all neurons, z gets what a and b give, b what z gives too."""
    network = PLACES["last"]
    config = ArrayConfig(adc=xb.adc(24, high=100.0), tile_size=tile, dtype="float64")
    array = CrossbarArray.from_weights(network, random_weights(network, rng, np.float64), config, rng)
    role = network.role(["a"])
    inward = [replace(patch, source_columns=slice(5, 9)) for patch in role.inward]
    signals, out = rng.standard_normal((3, 9)), np.zeros((3, 5))
    array.multiply(signals, (*role.within, *inward), out)
    whole = np.concatenate([signals[:, 5:], signals[:, :5]], axis=1)
    np.testing.assert_allclose(out, (whole @ array.weights())[:, 4:], atol=1e-4)


def test_tiles_begin_anew_at_linear_neurons(rng):
    """Of 7 + 2 rows in tiles of 4 the sigmoids' columns convert 2 + 1 partial sums each, those of the linear ones 2."""
    network = PLACES["last"]
    config = ArrayConfig(adc=xb.adc(24, high=100.0), tile_size=4, dtype="float64")
    array = CrossbarArray.from_weights(network, random_weights(network, rng, np.float64), config, rng)
    signals, out = rng.standard_normal((1, 9)), np.zeros((1, 9))
    array.multiply(signals, network.patches(network.names, network.names), out)
    np.testing.assert_allclose(out, signals @ array.weights(), atol=1e-4)
    assert array.counted().conversions_out == 7 * 3 + 2 * 2
