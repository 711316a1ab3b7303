"""Linear response: the solution of H delta = -force, sample by sample."""

from dataclasses import replace

import numpy as np
import pytest
from analytic_systems import EXACT, random_landscape

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import dac
from crossbar.arrays.read_noise import ReadNoise
from crossbar.errors import InvalidValue
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.energy import Nudge
from crossbar.hopfield.linear_response import LinearResponse, ResponseOutcome


@pytest.mark.parametrize("topology", ["dense", "layered"])
def test_response_solves_the_dense_system(rng, topology):
    landscape = random_landscape(rng, topology=topology)
    settled = EXACT.settle(landscape)
    force = rng.normal(size=settled.states.shape)
    response = LinearResponse(tolerance=1e-12).respond(landscape, settled, force)
    assert (response.outcome == ResponseOutcome.SOLVED).all()
    eye = np.eye(force.shape[1])
    for sample, state in enumerate(settled.states):
        one = landscape.select(np.full(len(eye), sample))
        hessian = one.hessian_product(np.repeat(state[None], len(eye), axis=0), eye)
        np.testing.assert_allclose(response.displacement[sample], np.linalg.solve(hessian, -force[sample]), atol=1e-9)


def test_response_is_the_derivative_of_the_nudged_equilibrium(rng):
    landscape = random_landscape(rng)
    settled = EXACT.settle(landscape)
    force, beta = rng.normal(size=settled.states.shape), 1e-4
    none = np.zeros(force.shape[1])
    moved = [EXACT.settle(landscape.nudged(Nudge(linear=sign * beta * force, quadratic=none))) for sign in (1, -1)]
    slope = (moved[0].states - moved[1].states) / (2 * beta)
    displacement = LinearResponse(tolerance=1e-10).respond(landscape, settled, force).displacement
    np.testing.assert_allclose(displacement, slope, atol=1e-6)


def test_negative_curvature_is_reported(rng):
    """State zero of strongly coupled neurons is a saddle: the response says so for the samples concerned."""
    landscape = random_landscape(rng, strength=12.0)
    states = np.zeros_like(landscape.drive)
    saddle = EXACT.settle(landscape)
    saddle = type(saddle)(
        states=states,
        pull=landscape.pull(states),
        residual=saddle.residual,
        sweeps=saddle.sweeps,
        outcome=saddle.outcome,
    )
    response = LinearResponse().respond(landscape, saddle, rng.normal(size=states.shape))
    assert (response.outcome == ResponseOutcome.NEGATIVE_CURVATURE).all()


def test_a_zero_force_moves_nothing(rng):
    landscape = random_landscape(rng)
    settled = EXACT.settle(landscape)
    response = LinearResponse().respond(landscape, settled, np.zeros_like(settled.states))
    assert not response.displacement.any()


def test_bad_tolerance_is_refused():
    with pytest.raises(InvalidValue, match="between 0 and 1"):
        LinearResponse(tolerance=1.0)


def test_no_sweeps_are_refused():
    for sweeps in (0, -5):
        with pytest.raises(InvalidValue, match="`max_sweeps` must be at least 1"):
            LinearResponse(max_sweeps=sweeps)


@pytest.mark.parametrize(
    "settings", [{"dac": dac(4)}, {"read_noise": ReadNoise(additive=0.01)}, {"symmetry": "two-device"}]
)
def test_couplings_without_an_energy_or_a_product_are_refused(rng, settings):
    landscape = random_landscape(rng)
    network = landscape.couplings.network
    weights = landscape.couplings.matrix()
    array = CrossbarArray.from_weights(network, weights, ArrayConfig(dtype="float64", **settings), rng)
    settled = EXACT.settle(landscape)
    with pytest.raises(InvalidValue, match="needs symmetric, static couplings without converters"):
        LinearResponse().respond(replace(landscape, couplings=array), settled, np.ones_like(settled.states))


def test_a_nudged_landscape_and_foreign_shapes_are_refused(rng):
    landscape = random_landscape(rng)
    settled = EXACT.settle(landscape)
    force = np.ones_like(settled.states)
    nudge = Nudge(linear=force, quadratic=np.zeros(force.shape[1]))
    with pytest.raises(InvalidValue, match="without its nudge"):
        LinearResponse().respond(landscape.nudged(nudge), settled, force)
    with pytest.raises(InvalidValue, match="`force` must be"):
        LinearResponse().respond(landscape, settled, force[:1])
    with pytest.raises(InvalidValue, match="`states` must be"):
        LinearResponse().respond(landscape, replace(settled, states=settled.states[:1]), force)


def test_states_that_are_not_at_rest_say_so(rng):
    landscape = random_landscape(rng)
    with_limit = ConjugateGradient(tolerance=1e-12, max_sweeps=2).settle(landscape)
    response = LinearResponse().respond(landscape, with_limit, np.ones_like(with_limit.states))
    assert not with_limit.settled.any()
    assert not (response.outcome == ResponseOutcome.SOLVED).any()
    assert (response.outcome == ResponseOutcome.UNSETTLED).any()


def test_the_remaining_force_is_what_the_tolerance_says(rng):
    """|r|_(1/diagonal) <= tolerance |force|_(1/diagonal): neither far above it nor far below."""
    landscape = random_landscape(rng, strength=0.5)
    settled = EXACT.settle(landscape)
    states, force = settled.states, rng.normal(size=settled.states.shape)
    diagonal = landscape.curvature(states, settled.pull)
    first = np.sqrt((force**2 / diagonal).sum(1))
    for tolerance in (1e-1, 1e-3, 1e-5):
        found = LinearResponse(tolerance=tolerance).respond(landscape, settled, force)
        rest = landscape.hessian_product(states, found.displacement, settled.pull) + force
        left = np.sqrt((rest**2 / diagonal).sum(1)) / first
        assert (left <= tolerance * (1 + 1e-6)).all()
        assert left.max() > 0.1 * tolerance
