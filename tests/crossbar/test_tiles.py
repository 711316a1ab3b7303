"""Cutting an array into tiles loses and doubles nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.array_reads import product
from crossbar.errors import InvalidValue
from crossbar.network import Network
from crossbar.tiles import by_target, count, partial_sums, spans


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
        for piece in partial_sums(group, size):
            out[:, piece[0].target_columns] += product(weights, signals, piece)
    np.testing.assert_allclose(out, expected, atol=1e-12)


def test_counts():
    assert count(1686, 1686, 256) == 49
    assert count(1686, 1686, None) == 1


def test_a_tile_holds_something():
    with pytest.raises(InvalidValue, match="`tile_size`"):
        list(spans(0, 4, 0))
