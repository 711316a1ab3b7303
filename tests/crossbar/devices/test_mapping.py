"""Weights to conductances and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.devices.mapping import Mapping, mapping_for
from crossbar.errors import InvalidValue, UnknownName

RANGE = {"g_min": 1e-6, "g_max": 1e-4}


@given(
    st.sampled_from(["pair", "reference"]), st.sampled_from([None, 0.3, 0.5]), st.floats(0.01, 100),
    st.integers(0, 2**31),
)  # fmt: skip
def test_weights_survive_and_conductances_stay_in_range(kind, zero, limit, seed):
    mapping = mapping_for(kind, **RANGE, zero=zero, weight_limit=limit)
    assert mapping.weight_limit == pytest.approx(limit)
    weights = limit * np.random.default_rng(seed).uniform(-1, 1, (4, 5)) * (0.6 if zero == 0.3 else 1)
    planes = tuple(mapping.clip(plane) for plane in mapping.split(weights))
    np.testing.assert_allclose(mapping.join(planes), weights, rtol=1e-12)
    for plane in planes:
        siemens = mapping.siemens(plane)
        assert siemens.min() >= mapping.g_min * (1 - 1e-9)
        assert siemens.max() <= mapping.g_max * (1 + 1e-9)
    assert len(planes) == mapping.n_planes


def test_a_one_sided_pair_gives_back_weights_bit_for_bit(rng):
    mapping = mapping_for("pair", **RANGE, weight_limit=3.3)
    weights = rng.normal(size=(20, 20)).astype(np.float32)
    np.testing.assert_array_equal(mapping.join(mapping.split(weights)), weights)


def test_the_scale_in_siemens():
    mapping = mapping_for("pair", **RANGE, siemens_per_weight=33e-6)
    assert mapping.weight_limit == pytest.approx(3)
    np.testing.assert_allclose(mapping.siemens(np.array([1.0])), 34e-6)
    assert mapping_for("reference", **RANGE, weight_limit=1).siemens_per_weight == pytest.approx(49.5e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"g_max": 1e-6}, "`g_max` must exceed `g_min`"),
        ({"g_min": -1e-6}, "`g_min` must not be negative"),
        ({"g_max": float("nan")}, "finite"),
        ({"weight_limit": 0.0}, "`weight_limit` must be positive"),
        ({"weight_limit": None}, "one of"),
        ({"siemens_per_weight": 1e-5}, "one of"),
        ({"weight_limit": None, "siemens_per_weight": -1.0}, "`siemens_per_weight` must be positive"),
        ({"zero": 1.5}, "`zero`"),
        ({"kind": "reference", "zero": 0.0}, "`zero`"),
    ],
)
def test_bad_mappings_are_refused(changes, message):
    with pytest.raises(InvalidValue, match=message):
        mapping_for(**{"kind": "pair", **RANGE, "weight_limit": 1.0, **changes})


def test_unknown_mappings_and_origins():
    with pytest.raises(UnknownName, match="did you mean 'pair'"):
        mapping_for("pairs", **RANGE, weight_limit=1.0)
    with pytest.raises(InvalidValue, match="`origin`"):
        Mapping(kind="pair", **RANGE, origin=1.0, siemens_per_weight=1e-5)
    with pytest.raises(UnknownName):
        Mapping(kind="column", **RANGE, origin=1e-5, siemens_per_weight=1e-5)
