"""Linear response: the solution of H delta = -force, sample by sample."""

import numpy as np
import pytest
from analytic_systems import EXACT, random_landscape

from crossbar.energy import Nudge
from crossbar.errors import InvalidValue
from crossbar.response import LinearResponse, ResponseOutcome


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
