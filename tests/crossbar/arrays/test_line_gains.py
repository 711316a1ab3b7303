"""Arrays whose lines have gains: the same weights, finer; the same updates; the same after a checkpoint."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.read_noise import ReadNoise
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import write_verify
from crossbar.programming.write_verify import WriteVerify
from crossbar.wires.cells import SinhCell

KINDS = ("largest", "mean-square")
NETWORK = Network((("pixels", 8), ("hidden", 5), ("latent", 2)))


def uneven(rng):
    strength = 10 ** rng.uniform(-1, 0, NETWORK.size)
    weights = rng.normal(size=(NETWORK.size,) * 2) * np.outer(strength, strength)
    return np.where(NETWORK.mask(), weights + weights.T, 0)


def made(weights, rng, **config):
    return CrossbarArray.from_weights(NETWORK, weights, ArrayConfig(**{"dtype": "float64", **config}), rng)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_reads_are_products_with_the_weights(rng, kind, symmetry):
    weights = uneven(rng)
    array = made(weights, rng, line_gains=kind, symmetry=symmetry)
    np.testing.assert_allclose(array.weights(), weights, atol=1e-12)
    signals, patches = rng.normal(size=(3, NETWORK.size)), NETWORK.patches(NETWORK.names, NETWORK.names)
    out = np.empty_like(signals)
    array.multiply(signals, patches, out)
    np.testing.assert_allclose(out, signals @ weights, atol=1e-12)
    assert np.array_equal(array.weights(), array.weights().T)


@pytest.mark.parametrize("kind", KINDS)
def test_conductances_and_gains_make_the_weights(rng, kind):
    weights = uneven(rng)
    array = made(weights, rng, line_gains=kind)
    plus, minus = array.conductances()
    held = (plus - minus) / array.mapping.siemens_per_weight
    np.testing.assert_allclose(held * np.outer(array.gains, array.gains), weights, atol=1e-9)
    np.testing.assert_allclose(array.to_devices(weights), held, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_an_update_adds_what_it_says(rng, kind):
    weights = uneven(rng)
    array = made(weights, rng, line_gains=kind)
    response, mean = rng.normal(size=(2, 4, NETWORK.size))
    array.update(response, mean, rate=1e-3, rng=rng)
    change = 1e-3 * (response.T @ mean + mean.T @ response) * NETWORK.mask()
    np.testing.assert_allclose(array.weights() - weights, change, atol=1e-12)


def test_read_noise_grows_with_both_gains(rng):
    weights = uneven(rng)
    noise = ReadNoise(additive=0.01, spectrum="phase")
    array = made(weights, rng, line_gains="largest", read_noise=noise)
    plain = made(weights, rng, read_noise=noise)
    both = np.outer(array.gains, array.gains)
    seen = []
    for one in (array, plain):
        drawn = []
        for _ in range(400):
            one.new_phase()
            drawn.append(one.matrix() - one.weights())
        seen.append(np.std(drawn, axis=0))
    coupled = np.triu(NETWORK.mask(), 1)
    np.testing.assert_allclose((seen[0] / both)[coupled].mean(), seen[1][coupled].mean(), rtol=0.05)
    assert (seen[0] / both)[coupled].std() < 0.1 * seen[1][coupled].mean()


@pytest.mark.needs_jit
def test_write_verify_reaches_the_weights_nearer(rng):
    weights = uneven(rng).astype(np.float32)
    errors = {}
    for kind in ("equal", "largest"):
        array = made(weights, np.random.default_rng(1), line_gains=kind, device="epiram", dtype="float32")
        array.write(np.zeros_like(weights), rng)
        report = write_verify(array, weights, WriteVerify(), np.random.default_rng(2))
        apart = np.linalg.norm(array.weights() - weights) / np.linalg.norm(weights)
        assert report.weight_error == pytest.approx(apart, rel=1e-5)
        errors[kind] = apart
    assert errors["largest"] < 0.5 * errors["equal"]


@pytest.mark.needs_jit
def test_a_checkpoint_keeps_the_gains(rng):
    weights = uneven(rng).astype(np.float32)
    config = {"line_gains": "largest", "device": "epiram", "dtype": "float32"}
    array, other = (made(start, np.random.default_rng(3), **config) for start in (weights, np.zeros_like(weights)))
    other.load_state(array.state_dict())
    np.testing.assert_array_equal(other.gains, array.gains)
    np.testing.assert_array_equal(other.weights(), array.weights())


def test_lines_are_balanced_anew_for_other_weights(rng):
    array = made(np.zeros((NETWORK.size,) * 2), rng, line_gains="largest", weight_limit=5.0)
    assert (array.gains == 1).all()
    weights = uneven(rng)
    array.balance(weights)
    array.write(weights, rng)
    np.testing.assert_allclose(array.weights(), weights, atol=1e-12)
    assert array.gains.min() < 0.5


def test_energy_is_that_of_the_driven_lines(rng):
    weights = uneven(rng)
    array = made(weights, rng, line_gains="largest")
    signals, patches = np.ones((1, NETWORK.size)), NETWORK.patches(NETWORK.names, NETWORK.names)
    array.multiply(signals, patches, np.empty_like(signals))
    plus, minus = array.conductances()
    joule = array.config.read_voltage**2 * array.config.read_time
    expected = joule * float(array.gains**2 @ (plus + minus).sum(axis=1))
    assert array.counted().read_energy == pytest.approx(expected, rel=1e-6)


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(UnknownName, match="line_gains"):
        ArrayConfig(line_gains="largets")
    with pytest.raises(InvalidValue, match="line_gains"):
        ArrayConfig(line_gains="largest", cell=SinhCell(0.3))


@pytest.mark.parametrize("where", ["devices", "outputs"])
def test_white_noise_at_an_output_is_that_of_its_devices_behind_both_gains(rng, where):
    """var u_j = d_j^2 sum_i (d_i x_i)^2 var G: what many reads of one signal scatter by."""
    weights = uneven(rng)
    array = made(weights, rng, line_gains="largest", read_noise=ReadNoise(additive=0.01, where=where))
    signals, patches = rng.uniform(size=(1, NETWORK.size)), NETWORK.patches(NETWORK.names, NETWORK.names)
    many = np.repeat(signals, 20_000, axis=0)
    out = np.empty_like(many)
    array.multiply(many, patches, out)
    one = (0.01 * array.mapping.g_max / array.mapping.siemens_per_weight) ** 2 * array.mapping.n_planes
    variance = one * (((signals[0] * array.gains) ** 2) @ NETWORK.mask()) * array.gains**2
    np.testing.assert_allclose(out.std(axis=0), np.sqrt(variance), rtol=0.05)
