"""Topology: masks, blocks, and the patches through which one set of blocks drives another."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.couplings import multiply_patches
from crossbar.hopfield.network import Network

NAMES = ("pixels", "hidden", "latent")
networks = st.builds(
    lambda sizes, topology: Network(tuple(zip(NAMES, sizes, strict=True)), topology),
    st.tuples(*[st.integers(1, 5)] * 3),
    st.sampled_from(["dense", "layered"]),
)


@given(networks, st.sets(st.sampled_from(NAMES), max_size=2))
def test_patches_multiply_like_the_masked_matrix(network, clamped):
    """Free states times patches equal free states times the whole masked matrix, for every set of clamped blocks."""
    rng = np.random.default_rng(0)
    role = network.role(clamped)
    weights = rng.normal(size=(network.size, network.size)) * network.mask()
    free = np.concatenate([np.r_[network.block(name)] for name in role.free])
    held = np.concatenate([np.r_[network.block(name)] for name in role.clamped] or [np.zeros(0, int)])
    for patches, rows, columns in ((role.within, free, free), (role.inward, held, free), (role.outward, free, held)):
        signal = rng.normal(size=(2, len(rows)))
        out = np.full((2, len(columns)), np.nan)  # what no patch reaches must become zero
        multiply_patches(weights, signal, patches, out)
        np.testing.assert_allclose(out, signal @ weights[np.ix_(rows, columns)], atol=1e-12)


@given(networks)
def test_mask_is_symmetric_with_a_zero_diagonal(network):
    mask = network.mask()
    assert (mask == mask.T).all()
    assert not mask.diagonal().any()


def test_a_dense_role_is_one_patch():
    network = Network((("pixels", 784), ("hidden", 833), ("latent", 69)))
    assert len(network.role(["latent"]).within) == 1
    assert network.role(["latent"]).n_free == 1617
    assert network.mask().sum() == 2_840_910


def test_bad_networks_are_refused():
    with pytest.raises(InvalidValue, match="at least 1 neuron"):
        Network((("pixels", 0),))
    with pytest.raises(InvalidValue, match="distinct names"):
        Network((("pixels", 1), ("pixels", 2)))
    with pytest.raises(InvalidValue, match="must be one of"):
        Network((("pixels", 1),), "sparse")
    with pytest.raises(UnknownName, match="did you mean 'pixels'"):
        Network((("pixels", 1), ("hidden", 2))).role(["pixel"])
    with pytest.raises(InvalidValue, match="at least one block must be free"):
        Network((("pixels", 1),)).role(["pixels"])
