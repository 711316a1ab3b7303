"""Solvers: they find minima, never climb, and say what became of each sample."""

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from analytic_systems import EXACT, random_landscape, random_network
from hypothesis import given, settings

from crossbar.errors import InvalidValue
from crossbar.hopfield.asymmetric import HeldAntisymmetry
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape, Nudge
from crossbar.hopfield.settling import Euler, Outcome

SLOW_EULER = Euler(time_step=0.1, max_sweeps=3000, tolerance=1e-10)


def hessian(landscape, states, sample):
    eye = np.eye(states.shape[1])
    one = landscape.select(np.full(len(eye), sample))
    return one.hessian_product(np.repeat(states[[sample]], len(eye), axis=0), eye)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["dense", "layered"]), st.floats(0.2, 2.5))
def test_energy_never_rises_along_stable_euler_steps(seed, topology, strength):
    """Test (a) of research/ep.md: no rise above 1e-12 for dt <= 1.9 / lambda_max of the Hessian along the way."""
    landscape = random_landscape(np.random.default_rng(seed), batch=1, topology=topology, strength=strength)
    states = np.zeros_like(landscape.drive)
    energy = landscape.energy(states)
    for _ in range(60):
        largest = np.linalg.eigvalsh(hessian(landscape, states, 0))[-1]
        dt = min(0.95, 1.0 / max(largest, 1))  # half of the bound: lambda_max may grow within a step
        states = Euler(time_step=dt, max_sweeps=1).settle(landscape, states).states
        lower = landscape.energy(states)
        assert lower <= energy + 1e-12
        energy = lower


def test_euler_is_equation_3(rng):
    landscape = random_landscape(rng)
    states = rng.normal(size=landscape.drive.shape)
    expected = states - 0.3 * landscape.gradient(states)
    got = Euler(time_step=0.3, max_sweeps=1).settle(landscape, states)
    np.testing.assert_allclose(got.states, expected, atol=1e-14)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["dense", "layered"]), st.floats(0.2, 2.5))
def test_conjugate_gradient_finds_a_minimum_and_never_climbs(seed, topology, strength):
    landscape = random_landscape(np.random.default_rng(seed), topology=topology, strength=strength)
    energies = [landscape.energy(np.zeros_like(landscape.drive))]
    for sweeps in (2, 3, 5, 8):
        energies.append(landscape.energy(ConjugateGradient(tolerance=1e-9, max_sweeps=sweeps).settle(landscape).states))
    assert (np.diff(energies, axis=0) <= 1e-12 * np.abs(energies[0])).all()
    settled = ConjugateGradient(tolerance=1e-9, max_sweeps=3000).settle(landscape)
    assert settled.settled.all()
    assert np.abs(landscape.gradient(settled.states)).max() < 1.1e-9
    for sample in range(len(settled.states)):
        assert np.linalg.eigvalsh(hessian(landscape, settled.states, sample))[0] > -1e-6


@pytest.mark.parametrize("topology", ["dense", "layered"])
def test_conjugate_gradient_reaches_eulers_equilibrium(rng, topology):
    landscape = random_landscape(rng, batch=8, topology=topology)
    fast, slow = EXACT.settle(landscape), SLOW_EULER.settle(landscape)
    np.testing.assert_allclose(fast.states, slow.states, atol=1e-8)
    np.testing.assert_allclose(fast.pull, landscape.pull(fast.states), atol=1e-10)
    assert fast.sweeps.max() < slow.sweeps.max() / 5


def test_nudged_equilibria_agree_too(rng):
    landscape = random_landscape(rng)
    linear, quadratic = 0.1 * rng.normal(size=landscape.drive.shape), np.full(landscape.drive.shape[1], -0.1)
    nudged = landscape.nudged(Nudge(linear=linear, quadratic=quadratic))
    np.testing.assert_allclose(EXACT.settle(nudged).states, SLOW_EULER.settle(nudged).states, atol=1e-8)


def test_samples_do_not_disturb_each_other(rng):
    """A sample settles to the same state alone and in a batch, whatever order its neighbours retire in."""
    landscape = random_landscape(rng, batch=6)
    together = EXACT.settle(landscape)
    for sample in range(6):
        alone = EXACT.settle(landscape.select(np.array([sample])))
        np.testing.assert_allclose(alone.states[0], together.states[sample], atol=1e-10)


def test_start_from_the_equilibrium_takes_one_sweep(rng):
    landscape = random_landscape(rng)
    settled = EXACT.settle(landscape)
    again = ConjugateGradient(tolerance=1e-9).settle(landscape, settled.states)
    assert (again.sweeps == 1).all()


def test_not_settling_is_a_result(rng):
    settled = ConjugateGradient(tolerance=1e-12, max_sweeps=3).settle(random_landscape(rng))
    assert (settled.outcome == Outcome.SWEEP_LIMIT).all()
    assert "0 of 3 samples settled" in repr(settled)
    assert "; 3 not settled: the sweep limit was reached; raise `max_sweeps`" in repr(settled)
    assert "diverged" not in repr(settled)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("solver", [ConjugateGradient(), Euler()], ids=["conjugate-gradient", "euler"])
def test_numbers_that_are_not_finite_end_as_diverged(rng, solver):
    couplings = random_network(rng)
    couplings.weights[20, 25] = couplings.weights[25, 20] = np.nan
    landscape = Landscape.clamp(couplings, couplings.network.role(["latent"]), rng.normal(size=(2, 6)))
    assert (solver.settle(landscape).outcome == Outcome.DIVERGED).all()


def test_asymmetric_couplings_are_refused(rng):
    couplings = random_network(rng)
    lopsided = IdealWeights(couplings.network, np.triu(couplings.weights), symmetric=False)
    landscape = Landscape.clamp(lopsided, lopsided.network.role(["latent"]), rng.normal(size=(2, 6)))
    with pytest.raises(InvalidValue, match="symmetric, static"):
        ConjugateGradient().settle(landscape)


def test_bad_settings_are_refused():
    with pytest.raises(InvalidValue, match=r"`time_step` must be in \(0, 1\]"):
        Euler(time_step=1.5)
    with pytest.raises(InvalidValue, match="`tolerance` must be positive"):
        ConjugateGradient(tolerance=0)
    with pytest.raises(InvalidValue, match="`max_sweeps`"):
        Euler(max_sweeps=0)


def test_float32_settles_like_float64(rng):
    landscape = random_landscape(rng)
    single = IdealWeights(landscape.couplings.network, landscape.couplings.weights.astype(np.float32))
    low = Landscape(couplings=single, role=landscape.role, drive=landscape.drive.astype(np.float32))
    settled = ConjugateGradient(tolerance=1e-4).settle(low)
    assert settled.states.dtype == np.float32
    assert settled.settled.all()
    np.testing.assert_allclose(settled.states, EXACT.settle(landscape).states, atol=1e-3)


@pytest.mark.parametrize("solver", [Euler(), ConjugateGradient(), HeldAntisymmetry()])
def test_foreign_shapes_are_refused_before_a_kernel_sees_them(rng, solver):
    landscape = random_landscape(rng)
    batch, size = landscape.drive.shape
    for linear, quadratic in (((1, size), size), ((batch, 1), size), ((batch, size), 1), ((size,), size)):
        nudge = Nudge(linear=np.zeros(linear), quadratic=np.zeros(quadratic))
        with pytest.raises(InvalidValue, match="of a nudge must be"):
            solver.settle(landscape.nudged(nudge))
    for shape in ((1, size), (batch, size - 1), (size,)):
        with pytest.raises(InvalidValue, match="`start` must be"):
            solver.settle(landscape, np.zeros(shape))
    with pytest.raises(InvalidValue, match="`start` must be an array of real numbers"):
        solver.settle(landscape, np.zeros((batch, size), complex))
    with pytest.raises(InvalidValue, match="`drive` must be"):
        replace(landscape, drive=np.zeros((batch, size + 1)))


def test_whole_numbers_and_booleans_clamp_as_floats_do(rng):
    landscape = random_landscape(rng)
    ones = rng.random((3, landscape.role.n_clamped)) < 0.5
    couplings, role = landscape.couplings, landscape.role
    expected = Landscape.clamp(couplings, role, ones.astype(float)).drive
    for kind in (bool, int, np.uint8):
        found = Landscape.clamp(couplings, role, ones.astype(kind)).drive
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


@pytest.mark.parametrize("solver", [Euler(), ConjugateGradient(), HeldAntisymmetry()])
def test_a_batch_of_none_settles_and_prints(rng, solver):
    landscape = random_landscape(rng).select(np.arange(0))
    found = solver.settle(landscape)
    assert found.states.shape == landscape.drive.shape
    assert "0 of 0" in repr(found)
