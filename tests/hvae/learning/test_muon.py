"""Orthogonalised momentum against singular value decompositions, and what it leaves alone."""

import numpy as np
import pytest
from scipy import optimize

from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Linear, Sigmoid
from hvae.learning.muon import POLYNOMIALS, Muon, orthogonalised


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4), (1, 5)])
def test_singular_vectors_stay_and_singular_values_come_near_one(rng, shape):
    u, s, vt = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    for values in (s, np.geomspace(1, 0.004, len(s))):
        found = u.T @ orthogonalised((u * values) @ vt) @ vt.T
        np.testing.assert_allclose(found - np.diag(np.diag(found)), 0, atol=1e-12)
        assert np.all((np.diag(found) > 0.8) & (np.diag(found) < 1.21))


def test_no_odd_quintic_is_nearer_one_than_each_polynomial():
    """The first's error is that of the linear program on [0.003, 1]; each next one's, on what is left."""
    low, high = 0.003, 1.0
    for polynomial in POLYNOMIALS:
        values = np.concatenate([np.geomspace(low, high, 500), np.linspace(low, high, 500)])
        powers = np.stack([values, values**3, values**5], axis=1)
        ones = np.ones((len(values), 1))
        least = optimize.linprog(
            [0, 0, 0, 1], A_ub=np.block([[powers, -ones], [-powers, -ones]]), b_ub=np.repeat([1, -1], len(values)),
            bounds=[(None, None)] * 3 + [(0, None)],
        ).fun  # fmt: skip
        made = powers @ polynomial
        assert np.abs(made - 1).max() == pytest.approx(least, abs=6e-3)  # they have four digits
        low, high = made.min(), made.max()


def test_small_singular_values_and_zeros_stay_small():
    found = np.diag(orthogonalised(np.diag([1.0, 1e-5, 0.0])))
    assert 0 < found[1] < 0.01
    assert found[2] == 0
    assert not orthogonalised(np.zeros((3, 2))).any()


def test_a_step_is_that_of_each_block_and_symmetric_to_the_last_bit(rng):
    blocks = (slice(0, 5), slice(5, 8))
    weights = rng.normal(size=(8, 8)).astype(np.float32)
    weights += weights.T
    np.fill_diagonal(weights, 0)
    gradient = rng.normal(size=(8, 8)).astype(np.float32)
    gradient += gradient.T
    np.fill_diagonal(gradient, 0)
    parameters = {"w": weights.copy()}
    Muon(blocks={"w": blocks}).step(parameters, {"w": gradient}, 0.1)
    change = weights - parameters["w"]
    assert np.array_equal(parameters["w"], parameters["w"].T)
    assert not np.diag(parameters["w"]).any()
    np.testing.assert_allclose(change[:5, 5:], 0.1 * 5**0.5 * orthogonalised(gradient[:5, 5:]), atol=1e-6)
    among = 0.1 * 5**0.5 * orthogonalised(gradient[:5, :5])
    np.testing.assert_allclose(change[:5, :5], among - np.diag(np.diag(among)), atol=1e-6)


@pytest.mark.parametrize("topology", ["dense", "layered"])
def test_weights_that_no_pair_has_stay_zero(rng, topology):
    net = Network((("pixels", 4), ("hidden", 3), ("latent", 2)), topology, (Sigmoid(), Sigmoid(), Linear()))
    gradient = rng.normal(size=(9, 9)) * net.mask()
    gradient += gradient.T
    parameters = {"w": np.zeros((9, 9))}
    Muon(blocks={"w": net.spans}).step(parameters, {"w": gradient}, 0.1)
    assert np.array_equal(parameters["w"] != 0, net.mask())


def test_a_step_does_not_know_the_scale_of_the_gradient(rng):
    gradient = rng.normal(size=(4, 6))
    steps = []
    for scale in (1e-6, 1, 1e6):
        parameters = {"w": np.zeros((4, 6))}
        Muon(blocks={}).step(parameters, {"w": scale * gradient}, 0.1)
        steps.append(parameters["w"])
    np.testing.assert_allclose(steps[0], steps[1], rtol=1e-9)
    np.testing.assert_allclose(steps[2], steps[1], rtol=1e-9)
    assert np.sqrt(np.mean(steps[1] ** 2)) == pytest.approx(0.1, rel=0.3)  # 4 of 6 directions, each near 1


def test_momentum_and_decay_are_those_of_the_formula(rng):
    first, second, start = (rng.normal(size=(3, 3)) for _ in range(3))
    parameters = {"w": start.copy()}
    muon = Muon(blocks={}, momentum=0.5, weight_decay=0.2)
    muon.step(parameters, {"w": first}, 0.1)
    expected = 0.98 * start - 0.1 * 3**0.5 * orthogonalised(1.5 * first)
    np.testing.assert_allclose(parameters["w"], expected, rtol=1e-12)
    muon.step(parameters, {"w": second}, 0.1)
    velocity = 0.5 * first + second
    expected = 0.98 * expected - 0.1 * 3**0.5 * orthogonalised(second + 0.5 * velocity)
    np.testing.assert_allclose(parameters["w"], expected, rtol=1e-12)
    np.testing.assert_array_equal(muon.state["velocity/w"], velocity)


def test_a_vector_is_a_matrix_of_one_row():
    parameters = {"theta": np.zeros(4)}
    Muon(blocks={}).step(parameters, {"theta": np.array([3.0, 0, 0, 4])}, 0.1)
    step = -parameters["theta"]
    np.testing.assert_allclose(step / np.linalg.norm(step), [0.6, 0, 0, 0.8], atol=1e-12)
    assert 0.65 < np.linalg.norm(step) / 0.2 < 1.25
