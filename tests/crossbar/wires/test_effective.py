"""The matrix of a tile while its devices change, and compensation of wires."""

from __future__ import annotations

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from crossbar.wires.compensation import column_gains, compensated_conductances, order_by_sensitivity
from crossbar.wires.effective import TileMatrix, TileSnapshot, Wiring
from crossbar.wires.solver import effective_matrix, output_currents

ENDS = [("left", "bottom"), ("both", "both"), ("both", "bottom"), ("left", "both")]


def relative(matrix, reference):
    return np.linalg.norm(matrix - reference) / np.linalg.norm(reference)


@pytest.mark.parametrize("ends", ENDS)
def test_sensitivities_are_derivatives(rng, ends):
    conductances = rng.uniform(1e-6, 1e-4, (4, 3))
    wiring = Wiring(r_word_line=300.0, r_bit_line=500.0, drive=ends[0], sense=ends[1])
    snapshot = TileSnapshot.take(conductances, wiring, rng, 3)
    cell, step = (1, 2), 1e-9
    moved = conductances.copy()
    moved[cell] += step
    change = (effective_matrix(moved, **wiring.options()) - snapshot.matrix) / step
    expected = np.einsum("mp,mn,np->p", snapshot.inputs, change, snapshot.outputs)
    np.testing.assert_allclose(snapshot.sensitivities[:, *cell], expected, rtol=1e-3)


def test_matrix_is_exact_after_renewal_and_free_in_between(rng):
    conductances = rng.uniform(1e-6, 1e-4, (6, 5))
    wiring = Wiring(r_word_line=20.0, r_bit_line=20.0)
    tile = TileMatrix(wiring, 1e-2, (1,))
    np.testing.assert_allclose(tile.matrix(conductances), effective_matrix(conductances, 20.0, 20.0), rtol=1e-12)
    tile.matrix(conductances * (1 + 1e-3 * rng.normal(size=(6, 5))))
    assert tile.renewals == 1
    far = rng.uniform(1e-6, 1e-4, (6, 5)) * 4
    np.testing.assert_allclose(tile.matrix(far), effective_matrix(far, 20.0, 20.0), rtol=1e-12)
    assert tile.renewals == 2


def test_no_limit_renews_always(rng):
    tile = TileMatrix(Wiring(r_word_line=1.0, r_bit_line=1.0), 0.0, (1,), probes=1)
    conductances = rng.uniform(1e-6, 1e-4, (3, 3))
    for factor in (1.0, 1.0, 1.0001):
        tile.matrix(factor * conductances)
    assert tile.renewals == 2


@pytest.mark.needs_jit
@pytest.mark.parametrize("size", [1e-3, 1e-2])
def test_estimate_tells_the_true_error(rng, size):
    conductances = rng.uniform(1e-6, 1e-4, (40, 36))
    tile = TileMatrix(Wiring(r_word_line=10.0, r_bit_line=10.0), np.inf, (1,), probes=32)
    first = tile.matrix(conductances)
    moved = conductances * (1 + size * rng.normal(size=conductances.shape))
    exact = effective_matrix(moved, 10.0, 10.0)
    truth = relative(tile.matrix(moved), exact)
    assert truth < 0.2 * relative(first, exact)
    assert tile.estimated_error(moved) == pytest.approx(truth, rel=0.5)
    assert tile.measured_error(moved) == pytest.approx(truth, rel=0.5)


def test_gains_order_and_ends_lessen_the_loss(rng):
    rows, columns = rng.uniform(0.1, 1, (12, 1)), rng.uniform(0.1, 1, (1, 10))
    conductances = 1e-4 * rows * columns
    plain = effective_matrix(conductances, 40.0, 40.0)
    loss = relative(plain, conductances)
    assert relative(plain * column_gains(conductances, plain), conductances) < loss
    assert relative(effective_matrix(conductances, 40.0, 40.0, drive="both"), conductances) < loss
    order = order_by_sensitivity(conductances)
    ordered = order.restore(effective_matrix(order.place(conductances), 40.0, 40.0))
    assert relative(ordered, conductances) < loss


def test_order_is_a_relabelling(rng):
    conductances, voltages = rng.uniform(1e-6, 1e-4, (6, 5)), rng.uniform(-1, 1, (6, 4))
    order = order_by_sensitivity(conductances)
    np.testing.assert_array_equal(order.restore(order.place(conductances)), conductances)
    physical = output_currents(order.place(conductances), voltages[order.rows], 0.0, 0.0)
    np.testing.assert_allclose(physical, (voltages.T @ conductances)[:, order.columns], rtol=1e-12)


def test_compensated_conductances_reach_targets_within_range(rng):
    targets = rng.uniform(1e-6, 5e-5, (8, 8))
    devices = compensated_conductances(targets, 20.0, 20.0, g_min=0.0, g_max=1e-4, rounds=12)
    assert relative(effective_matrix(devices, 20.0, 20.0), targets) < 1e-3
    assert relative(effective_matrix(targets, 20.0, 20.0), targets) > 1e-2
    clipped = compensated_conductances(targets, 20.0, 20.0, g_min=0.0, g_max=2e-5, rounds=2)
    assert clipped.max() <= 2e-5


def test_refuses_what_cannot_be_meant(rng):
    wiring = Wiring(r_word_line=1.0, r_bit_line=1.0)
    with pytest.raises(InvalidValue, match="error_limit"):
        TileMatrix(wiring, -1.0, (1,))
    with pytest.raises(InvalidValue, match="probes"):
        TileMatrix(wiring, 1.0, (1,), probes=0)
    with pytest.raises(InvalidValue, match="no matrix yet"):
        TileMatrix(wiring, 1.0, (1,)).estimated_error(np.ones((2, 2)))
    with pytest.raises(InvalidValue, match="must exceed"):
        compensated_conductances(np.ones((2, 2)), 1.0, 1.0, g_min=1.0, g_max=1.0)
    with pytest.raises(InvalidValue, match="one shape"):
        column_gains(np.ones((2, 2)), np.ones((2, 3)))
    with pytest.raises(InvalidValue, match="rounds"):
        compensated_conductances(np.ones((2, 2)), 1.0, 1.0, g_min=0.0, g_max=1.0, rounds=0)
    with pytest.raises(InvalidValue, match="must be a matrix"):
        order_by_sensitivity(np.ones(3))


@pytest.mark.parametrize("bad", [-1e-9, np.nan, np.inf])
def test_a_kept_matrix_refuses_what_a_renewal_would(rng, bad):
    conductances = rng.uniform(1e-6, 1e-4, (4, 3))
    tile = TileMatrix(Wiring(r_word_line=1.0, r_bit_line=1.0), error_limit=0.5, seed=(0,))
    tile.matrix(conductances)
    conductances[1, 2] = bad
    with pytest.raises(InvalidValue, match="`conductances` must not be negative, and finite"):
        tile.matrix(conductances)
