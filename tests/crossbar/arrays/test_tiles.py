"""Cutting an array into tiles loses and doubles nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import adc
from crossbar.arrays.reads import product
from crossbar.arrays.regions import regions
from crossbar.arrays.resistive_tiles import Planes
from crossbar.arrays.tiles import by_target, count, origins, partial_sums, spans
from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 20))
def test_spans_cover_and_end_at_multiples(start, length, size):
    pieces = list(spans(start, start + length, size))
    covered = [k for piece in pieces for k in range(piece.start, piece.stop)]
    assert covered == list(range(start, start + length))
    assert all(piece.stop - piece.start <= size for piece in pieces)
    assert all(piece.stop % size == 0 for piece in pieces[:-1])


@given(
    st.tuples(*[st.integers(1, 6)] * 3), st.sampled_from(["dense", "layered"]),
    st.sampled_from([["latent"], ["pixels"], ["hidden"]]), st.sampled_from([None, 1, 3, 4]),
)  # fmt: skip
def test_partial_sums_add_up(sizes, topology, clamped, size):
    network = Network(tuple(zip(("pixels", "hidden", "latent"), sizes, strict=True)), topology)
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(network.size, network.size)) * network.mask()
    role = network.role(clamped)
    signals = rng.normal(size=(2, role.n_free))
    expected, out = np.zeros((2, role.n_free)), np.zeros((2, role.n_free))
    for patch in role.within:
        block = weights[patch.sources, patch.targets]
        expected[:, patch.target_columns] += signals[:, patch.source_columns] @ block
    for group in by_target(role.within):
        for piece in partial_sums(group, size, origins(network)):
            out[:, piece[0].target_columns] += product(weights, signals, piece)
    np.testing.assert_allclose(out, expected, atol=1e-12)


def test_counts():
    assert count(1686, 1686, 256) == 49
    assert count(1686, 1686, None) == 1


def test_a_tile_holds_something():
    with pytest.raises(InvalidValue, match="`tile_size`"):
        list(spans(0, 4, 0))


def test_a_layered_networks_arrays_have_the_tiles_that_are_counted():
    """833 x 69 devices in tiles of 128: 7 of them in reads, behind wires and on the floor plan; 65 rows in the last."""
    network = Network((("pixels", 784), ("hidden", 833), ("latent", 69)), "layered")
    _, region = regions(network, "shared")
    empty = np.empty(region.shape)
    planes = Planes(region=region, plus=empty, minus=empty, siemens_per_weight=1.0)
    tiles = list(planes.tiles(128))
    assert len(tiles) == count(833, 69, 128) == 7
    assert [rows.stop - rows.start for rows, _ in tiles] == [128] * 6 + [65]
    (patch,) = network.patches(["hidden"], ["latent"])
    pieces = partial_sums([patch], 128, origins(network))
    assert [piece[0].sources.stop - piece[0].sources.start for piece in pieces] == [128] * 6 + [65]
    (back,) = network.patches(["latent"], ["hidden"])
    assert len(partial_sums([back], 128, origins(network))) == 1


@pytest.mark.parametrize("topology", ["dense", "layered"])
def test_a_column_of_a_tile_is_converted_once(rng, topology):
    """Free neurons on both sides of a clamped block, or free and clamped ones, drive the rows of one tile together."""
    network = Network((("pixels", 3), ("hidden", 2), ("latent", 5)), topology)
    weights = random_weights(network, rng, np.float64)
    config = ArrayConfig(adc=adc(5, high=2.0), tile_size=10, dtype="float64")
    array = CrossbarArray.from_weights(network, weights, config, rng)
    step, x = 2 / 15, rng.random((4, 10))
    for clamped in ("pixels", "hidden", "latent"):
        role = network.role([clamped])
        before = array.counters.conversions_out
        free = np.concatenate([np.arange(10)[network.block(name)] for name in role.free])
        out = np.empty((4, role.n_free))
        array.multiply(x[:, free], role.within, out)
        parts = [x[:, free] @ weights[np.ix_(free, free)]]
        if topology == "layered":  # every pair of layers has an array of its own
            blocks = [[i for i in free if i in range(10)[network.block(name)]] for name in role.free]
            parts = [x[:, own] @ weights[np.ix_(own, free)] for own in blocks]
        np.testing.assert_allclose(out, sum(np.rint(part / step) * step for part in parts), atol=1e-12)
        if topology == "dense":
            assert array.counters.conversions_out - before == 4 * role.n_free


@pytest.mark.needs_jit
def test_digital_tiles_add_the_noise_of_each_of_their_converters(rng):
    """Three rows of tiles, each with its own circuit noise: the sum has 3 times the variance of one."""
    network = Network((("pixels", 5), ("hidden", 4), ("latent", 2)))
    weights = random_weights(network, rng, np.float64)
    config = ArrayConfig(output_noise=0.05, tile_size=4, dtype="float64")
    array = CrossbarArray.from_weights(network, weights, config, rng)
    x = np.tile(rng.random(11), (20_000, 1))
    out = np.empty_like(x)
    array.multiply(x, network.patches(network.names, network.names), out)
    np.testing.assert_allclose((out - x @ weights).std(0), 0.05 * np.sqrt(3), rtol=5 * np.sqrt(0.5 / 20_000))
