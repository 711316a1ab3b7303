"""`crossbar.HopfieldNetwork` and `settle`: states obey eq. (2) at rest, by the solver that the couplings allow."""

import dataclasses

import numpy as np
import pytest

import crossbar as xb
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.settling import Euler, Outcome

BLOCKS = {"pixels": 5, "hidden": 3}


def symmetric(size=8, seed=0, strength=0.4):
    upper = np.triu(np.random.default_rng(seed).normal(0, strength, (size, size)), 1)
    return upper + upper.T


def asymmetric(size=8, seed=0, strength=0.4):
    W = np.random.default_rng(seed).normal(0, strength, (size, size))
    np.fill_diagonal(W, 0)
    return W


def residual(W, states, free, gain=3.0):
    """max |s - rho'(s) W rho(s)| over the free neurons, written out."""
    rho = 1 / (1 + np.exp(-gain * states))
    return np.abs(states - gain * rho * (1 - rho) * (rho @ W.T))[:, free].max()


@pytest.mark.parametrize("make", [symmetric, asymmetric])
@pytest.mark.parametrize("gain", [1.0, 3.0])
def test_a_settled_state_obeys_eq_2(make, gain):
    W, x = make(), np.random.default_rng(1).uniform(-1, 1, (4, 5))
    found = xb.settle(xb.HopfieldNetwork(W, BLOCKS, gain=gain), clamp={"pixels": x}, tolerance=1e-9)
    assert found.settled
    whole = np.hstack([found.states["pixels"], found.states["hidden"]])
    assert residual(W, whole, slice(5, 8), gain) < 2e-9
    np.testing.assert_array_equal(found.states["pixels"], x)
    np.testing.assert_allclose(found.signals["hidden"], 1 / (1 + np.exp(-gain * found.states["hidden"])), rtol=1e-12)


def test_w_is_from_column_to_row():
    """One input drives one output: the other direction of the pair is zero, and clamping the input is felt."""
    W = np.array([[0.0, 0.0], [0.9, 0.0]])
    found = xb.settle(xb.HopfieldNetwork(W, {"input": 1, "output": 1}), clamp={"input": [2.0]}, tolerance=1e-10)
    s, drive = found.states["output"][0], 0.9 / (1 + np.exp(-6.0))
    rho = 1 / (1 + np.exp(-3 * s))
    assert s == pytest.approx(3 * rho * (1 - rho) * drive, abs=1e-9)
    assert s > 0.1


def test_the_solver_is_what_the_couplings_allow():
    cases = [
        (symmetric(), {}, "ConjugateGradient"),
        (asymmetric(), {}, "HeldAntisymmetry"),
        (symmetric(), {"device": "epiram"}, "ConjugateGradient"),
        (asymmetric(), {"device": "epiram"}, "HeldAntisymmetry"),
        (symmetric(), {"dac": 10}, "Euler"),
        (symmetric(), {"adc": 10}, "Euler"),
        (symmetric(), {"read_noise": 0.01}, "Euler"),
        (symmetric(), {"read_noise": xb.ReadNoise(additive=0.01, spectrum="phase")}, "ConjugateGradient"),
    ]
    for W, fields, solver in cases:
        found = xb.settle(xb.HopfieldNetwork(W, BLOCKS, **fields), clamp={"pixels": np.ones(5)}, max_sweeps=200)
        assert found.solver == solver, fields
        assert found.reason in repr(found)


def test_all_solvers_find_the_same_rest():
    net = xb.HopfieldNetwork(symmetric(strength=0.2), BLOCKS)
    fast = xb.settle(net, clamp={"pixels": np.ones(5)}, tolerance=1e-9)
    slow = xb.settle(net, clamp={"pixels": np.ones(5)}, solver=Euler(max_sweeps=2000, tolerance=1e-9))
    assert slow.solver == "Euler"
    np.testing.assert_allclose(fast.states["hidden"], slow.states["hidden"], atol=1e-7)


def test_an_array_is_a_network_of_its_two_sides():
    a = xb.Array(symmetric(6)[:2] * 0.5, device="epiram")
    net = xb.HopfieldNetwork(a)
    assert net.blocks == {"inputs": 6, "outputs": 2}
    found = xb.settle(net, clamp={"inputs": np.ones(6)}, tolerance=1e-9)
    rho = 1 / (1 + np.exp(-3 * found.states["outputs"]))
    drive = a.weights @ np.full(6, 1 / (1 + np.exp(-3.0)))
    np.testing.assert_allclose(found.states["outputs"], 3 * rho * (1 - rho) * drive, atol=1e-8)
    a.pulse(20)  # the network stands on the same devices
    assert np.abs(xb.settle(net, clamp={"inputs": np.ones(6)}).states["outputs"] - found.states["outputs"]).max() > 1e-4


def test_a_number_of_bits_never_saturates():
    net = xb.HopfieldNetwork(symmetric(), BLOCKS, device="epiram", dac=8, adc=8)
    held = net.weights
    assert net.couplings.config.adc.high == pytest.approx(np.abs(held).sum(1).max(), rel=1e-4)
    assert (net.couplings.config.dac.low, net.couplings.config.dac.high) == (0.0, 1.0)
    xb.settle(net, clamp={"pixels": np.full(5, 9.0)}, start={"hidden": np.full(3, 9.0)})
    assert net.couplings.counters.saturated == 0


def test_batches_and_single_samples():
    net, x = xb.HopfieldNetwork(symmetric(), BLOCKS), np.random.default_rng(2).uniform(-1, 1, (3, 5))
    whole = xb.settle(net, clamp={"pixels": x}, tolerance=1e-10)
    assert whole.states["hidden"].shape == (3, 3)
    for one, row in zip(x, whole.states["hidden"], strict=True):
        np.testing.assert_allclose(xb.settle(net, {"pixels": one}, tolerance=1e-10).states["hidden"], row, atol=1e-8)


def test_nothing_clamped_settles_too():
    W = symmetric()
    found = xb.settle(xb.HopfieldNetwork(W, BLOCKS), tolerance=1e-9)
    assert found.settled
    assert residual(W, np.concatenate([found.states["pixels"], found.states["hidden"]])[None], slice(0, 8)) < 2e-9


def test_start_decides_between_two_minima():
    """Two neurons excite each other by 6 and are held down by 3.5: they rest low, or high where they began high."""
    W = np.array([[0.0, -3.5, -3.5], [-3.5, 0.0, 6.0], [-3.5, 6.0, 0.0]])
    net = xb.HopfieldNetwork(W, {"bias": 1, "pair": 2})
    high = xb.settle(net, {"bias": [9.0]}, start={"pair": [0.6, 0.6]}, tolerance=1e-9)
    low = xb.settle(net, {"bias": [9.0]}, tolerance=1e-9)
    assert high.settled
    assert low.settled
    assert high.states["pair"].min() > 0.4
    assert low.states["pair"].max() < -0.4


def test_not_settling_is_a_result_with_a_remedy():
    found = xb.settle(
        xb.HopfieldNetwork(symmetric(), BLOCKS, read_noise=0.05), clamp={"pixels": np.ones(5)}, max_sweeps=20
    )
    assert not found.settled
    assert found.outcome == (Outcome.SWEEP_LIMIT,)
    assert "raise `max_sweeps`" in repr(found)


def test_results_are_frozen():
    found = xb.settle(xb.HopfieldNetwork(symmetric(), BLOCKS))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.solver = "another"


@pytest.mark.parametrize(
    ("W", "blocks", "fields", "said"),
    [
        (np.ones((3, 2)), BLOCKS, {}, "`W` must be a square"),
        (np.eye(8), BLOCKS, {}, "diagonal"),
        (symmetric(7), BLOCKS, {}, "8 neurons in all, but W has 7"),
        (symmetric(), None, {}, "`blocks`"),
        (symmetric(), {"pixels": 5.0, "hidden": 3}, {}, "whole sizes"),
        (symmetric(), {"a": 3, "b": 2, "c": 3}, {"topology": "layered"}, "zero where the network does not couple"),
        (symmetric(), BLOCKS, {"topology": "ring"}, "`topology`"),
        (symmetric(), BLOCKS, {"gain": 0.0}, "`gain`"),
        (symmetric(), BLOCKS, {"gain": np.nan}, "`gain`"),
        (symmetric(), BLOCKS, {"device": "epirma"}, "did you mean 'epiram'"),
        (xb.Array([[1.0]]), None, {"device": "epiram"}, "leave out device"),
        (xb.Array([[1.0]]), {"a": 1, "b": 1}, {}, "leave out blocks"),
    ],
)
def test_wrong_networks_are_named(W, blocks, fields, said):
    with pytest.raises((InvalidValue, UnknownName)) as raised:
        xb.HopfieldNetwork(W, blocks, **fields)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"clamp": {"pixel": np.ones(5)}}, "did you mean 'pixels'"),
        ({"clamp": {"pixels": np.ones(4)}}, "must be (5,) or (batch, 5)"),
        ({"clamp": {"pixels": np.full(5, np.nan)}}, "finite"),
        ({"clamp": {"pixels": np.ones(5), "hidden": np.ones(3)}}, "at least one block must be free"),
        ({"clamp": {"pixels": np.ones(5)}, "start": {"pixels": np.ones(5)}}, "leave it out of `start`"),
        ({"clamp": {"pixels": np.ones((2, 5))}, "start": {"hidden": np.ones((3, 3))}}, "as many samples"),
        ({"tolerance": 0.0}, "`tolerance`"),
    ],
)
def test_wrong_settlings_are_named(words, said):
    with pytest.raises((InvalidValue, UnknownName)) as raised:
        xb.settle(xb.HopfieldNetwork(symmetric(), BLOCKS), **words)
    assert said in str(raised.value)
