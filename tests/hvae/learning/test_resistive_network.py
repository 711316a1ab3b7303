"""The external check of benchmarks/: its circuit obeys Kirchhoff and its rule is the gradient."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("resistive_network", FOLDER / "resistive_network.py")
    found = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "resistive_network", found)
    spec.loader.exec_module(found)
    return found


def random_network(module, rng):
    network = module.ResistiveNetwork.random(6, 8, 10, rng)
    for name in ("first", "second", "hidden_source", "output_source"):
        setattr(network, name, rng.uniform(0.05, 1, getattr(network, name).shape))
    return network


def settled(network, inputs, beta=0.0, targets=None):
    zero = (np.zeros((len(inputs), 8)), np.zeros((len(inputs), 10)))
    return network.settle(inputs, zero, beta, targets, sweeps=400)


def test_currents_sum_to_zero_at_every_node_whose_diode_is_off(module, rng):
    network = random_network(module, rng)
    inputs = rng.normal(size=(5, 6))
    hidden, output = settled(network, inputs)
    into_hidden = np.einsum("ij,bij->bj", network.first, inputs[:, :, None] - hidden[:, None, :])
    into_hidden += np.einsum("jk,bjk->bj", network.second, output[:, None, :] - hidden[:, :, None])
    into_hidden += network.hidden_source
    free = hidden != 0
    np.testing.assert_allclose(into_hidden[free], 0, atol=1e-10)
    assert (into_hidden[:, :4][~free[:, :4]] <= 0).all()
    assert (into_hidden[:, 4:][~free[:, 4:]] >= 0).all()
    into_output = np.einsum("jk,bjk->bk", network.second, hidden[:, :, None] - output[:, None, :])
    np.testing.assert_allclose(into_output + network.output_source, 0, atol=1e-10)


def test_a_small_step_follows_the_gradient_of_the_cost(module, rng, monkeypatch):
    """The change of every parameter, at small beta, against central differences of |v_out - y|^2 / 2."""
    monkeypatch.setattr(module, "BETA", 1e-4)
    monkeypatch.setattr(module.ResistiveNetwork.settle, "__defaults__", (400,))
    network = random_network(module, rng)
    inputs, targets = rng.normal(size=(3, 6)), np.eye(10)[[1, 4, 7]]

    def cost():
        return 0.5 * ((settled(network, inputs)[1] - targets) ** 2).sum(axis=1).mean()

    for name, place in (("first", (2, 3)), ("second", (5, 1)), ("hidden_source", (6,)), ("output_source", (4,))):
        at = getattr(network, name)
        before = at[place]
        costs = []
        for step in (1e-5, -1e-5):
            at[place] = before + step
            costs.append(cost())
        at[place] = before
        exact = (costs[0] - costs[1]) / 2e-5
        saved = {key: getattr(network, key).copy() for key in ("first", "second", "hidden_source", "output_source")}
        network.learn(inputs, targets, 1e-3)
        learned = (saved[name][place] - getattr(network, name)[place]) / 1e-3
        for key, value in saved.items():
            setattr(network, key, value)
        assert learned == pytest.approx(exact, rel=1e-3, abs=1e-7)
