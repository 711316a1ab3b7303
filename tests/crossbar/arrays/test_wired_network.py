"""Arrays and whole networks behind wires: compensation, symmetry, what is kept and resumed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.wired_network import Compensation, place, solve_network
from crossbar.chip import Conductances
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.wires.compensation import column_gains, line_gains
from crossbar.wires.solver import effective_matrix

DENSE = Network((("pixels", 6), ("hidden", 4), ("latent", 2)), "dense")
LAYERED = Network((("pixels", 6), ("hidden", 4), ("latent", 2)), "layered")
WIRES = {"tile_size": 5, "wire_resistance": 300.0, "g_min": 1e-6, "dtype": "float64"}


def make(rng, network=DENSE, **changes):
    weights = random_weights(network, rng, np.float64)
    return CrossbarArray.from_weights(network, weights, ArrayConfig(**WIRES | changes), rng), weights


def devices(array):
    plus, minus = array.conductances()
    return Conductances(plus=plus, minus=minus, siemens_per_weight=array.mapping.siemens_per_weight, device="test")


def error(matrix, weights):
    return np.linalg.norm(matrix - weights) / np.linalg.norm(weights)


@settings(max_examples=30, deadline=None)
@given(m=st.integers(1, 6), n=st.integers(1, 6), seed=st.integers(0, 2**32 - 1), ohm=st.sampled_from([1.0, 100.0, 1e4]))
def test_gains_never_make_it_worse(m, n, seed, ohm):
    rng = np.random.default_rng(seed)
    targets = rng.uniform(0, 1e-4, (m, n)) * (rng.random((m, n)) < 0.7)
    seen = effective_matrix(targets, ohm, ohm)
    plain = np.linalg.norm(seen - targets)
    one_side = np.linalg.norm(seen * column_gains(targets, seen) - targets)
    rows, columns = line_gains(targets, seen)
    two_sides = np.linalg.norm(rows[:, np.newaxis] * seen * columns - targets)
    assert two_sides <= one_side * (1 + 1e-12) + 1e-18
    assert one_side <= plain * (1 + 1e-12) + 1e-18


@pytest.mark.parametrize(
    ("ends", "gains", "order"),
    [
        ("both", "none", "given"),
        ("one", "columns", "given"),
        ("one", "none", "sensitivity"),
        ("both", "columns", "sensitivity"),
    ],
)
@pytest.mark.parametrize("network", [DENSE, LAYERED])
def test_compensation_helps_and_keeps_shared_arrays_symmetric(ends, gains, order, network):
    plain, weights = make(np.random.default_rng(5), network)
    array, _ = make(np.random.default_rng(5), network, wire_ends=ends, wire_gains=gains, wire_order=order)
    np.testing.assert_array_equal(array.matrix(), array.matrix().T)
    assert error(array.matrix(), weights) < error(plain.matrix(), weights)


def test_gains_of_two_devices_are_those_of_columns(rng):
    own = {"symmetry": "two-device", "tile_size": None}
    array, weights = make(rng, wire_gains="columns", **own)
    plain = CrossbarArray.from_weights(DENSE, weights, ArrayConfig(**WIRES | own), rng)
    gains = column_gains(weights, plain.matrix())
    np.testing.assert_allclose(array.matrix(), plain.matrix() * gains, rtol=1e-3)
    assert array.asymmetry() > 0


@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("network", [DENSE, LAYERED])
def test_a_network_from_its_conductances_is_the_array(rng, symmetry, network):
    array, _ = make(rng, network, symmetry=symmetry)
    planes = place(network, devices(array), symmetry)
    config = ArrayConfig(**WIRES | {"symmetry": symmetry})
    solved = solve_network(network, planes, config, Compensation.parse("none"))
    wired = solved.through("none")
    np.testing.assert_allclose(wired.weights, array.matrix(), rtol=1e-5, atol=1e-7)
    assert wired.asymmetry == pytest.approx(array.asymmetry(), abs=1e-7)
    assert (wired.asymmetry == 0) == (symmetry == "shared")
    assert len(wired.kept) == len(wired.errors) == len(wired.places)
    assert (wired.kept > 0).all()
    assert (wired.kept < 1).all()
    assert (solved.through("columns").errors <= wired.errors + 1e-12).all()


def test_corrected_targets_come_nearer_within_the_range(rng):
    array, _ = make(rng)
    planes = place(DENSE, devices(array), "shared")
    config = ArrayConfig(**WIRES)
    plain, corrected = (
        solve_network(DENSE, planes, config, Compensation.parse(name)).through("none")
        for name in ("none", "corrected-targets")
    )
    assert corrected.errors.mean() < plain.errors.mean()
    np.testing.assert_array_equal(corrected.weights, corrected.weights.T)


def test_compensations_have_names():
    both = Compensation.parse("both-ends+column-gains")
    assert both.settings == {"wire_ends": "both", "wire_gains": "columns"}
    assert not both.corrected
    with pytest.raises(UnknownName, match="did you mean 'both-ends'"):
        Compensation.parse("both-end")
    with pytest.raises(InvalidValue, match="leave out sensitivity-order"):
        Compensation.parse("corrected-targets+sensitivity-order")


def test_devices_that_differ_are_not_shared(rng):
    array, _ = make(rng, symmetry="two-device")
    one = devices(array)
    one.plus[0, 1] *= 2
    with pytest.raises(InvalidValue, match="choose two-device"):
        place(DENSE, one, "shared")


@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kept_matrices_and_orders_resume_bit_for_bit(symmetry, dtype):
    changes = {"wire_error": 0.002, "wire_order": "sensitivity", "wire_gains": "columns", "symmetry": symmetry}
    changes |= {"weight_limit": 2.0}
    whole, _ = make(np.random.default_rng(1), dtype=dtype, **changes)
    rng = np.random.default_rng(2)
    steps = [(0.05 * rng.normal(size=(4, DENSE.size)), rng.random((4, DENSE.size))) for _ in range(6)]
    for response, mean in steps[:3]:
        whole.matrix()
        whole.update(response, mean, rate=0.3, rng=rng)
    parts, _ = make(np.random.default_rng(9), dtype=dtype, **changes)
    parts.load_state(whole.state_dict())
    for response, mean in steps[3:]:
        np.testing.assert_array_equal(whole.matrix(), parts.matrix())
        assert (whole.wires.error, whole.wires.renewals) == (parts.wires.error, parts.wires.renewals)
        for array in (whole, parts):
            array.update(response, mean, rate=0.3, rng=rng)
    np.testing.assert_array_equal(whole.matrix(), parts.matrix())
    for name, plane in whole.state_dict().items():
        np.testing.assert_array_equal(plane, parts.state_dict()[name], err_msg=name)
    assert whole.wires.renewals > len(whole.wires.renewed)  # some were solved for anew
    assert 0 <= whole.wires.error <= 0.002


def test_exact_wires_keep_nothing(rng):
    array, _ = make(rng)
    array.matrix()
    assert not [name for name in array.state_dict() if name.startswith("wires")]
    assert (array.wires.error, array.wires.renewals) == (0.0, 0)
