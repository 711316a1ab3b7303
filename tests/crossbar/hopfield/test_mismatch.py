"""Neurons that are not alike: rests, energies, Hessians and gradients are those of the neurons that there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.errors import InvalidValue
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights, random_weights
from crossbar.hopfield.energy import Landscape, Nudge
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.mismatch import Mismatch, Spread
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Classical, Linear, Saturating, Sigmoid
from crossbar.hopfield.newton import hessian, newton
from crossbar.hopfield.settling import Euler

BLOCKS = (("pixels", 6), ("hidden", 8), ("latent", 3))
LAWS = (Sigmoid(), Sigmoid(2.0), Linear())
SUPPLIED = (Sigmoid(), Sigmoid(2.0), Saturating(1.0))
BOTH = pytest.mark.parametrize("laws", [LAWS, SUPPLIED], ids=["linear", "saturating"])
WIDE = Spread(gain=0.2, offset=0.15, leak=0.2, pull=0.3)
TIGHT = ConjugateGradient(tolerance=1e-10, max_sweeps=2000)


def imperfect(rng, spread=WIDE, laws=LAWS):
    size = sum(count for _, count in BLOCKS)
    return Network(BLOCKS, neurons=laws, mismatch=spread.draw(size, rng))


def landscape_of(network, rng, clamped="pixels", batch=4, scale=3.0):
    role = network.role([clamped])
    weights = scale * random_weights(network, rng, np.float64)
    return Landscape.clamp(IdealWeights(network, weights), role, rng.uniform(-1, 1, (batch, role.n_clamped)))


def test_one_neuron_alone_rests_where_its_equation_says():
    """l s = a rho'(a (s - o)) (u + p), solved by bisection of that equation as it stands."""
    network = Network(
        (("in", 1), ("out", 1)), "layered",
        mismatch=Mismatch(
            gain=np.array([1.0, 1.3]), offset=np.array([0.0, 0.2]), leak=np.array([1.0, 0.8]),
            pull=np.array([7.0, 0.4]),  # of a neuron that is held it does nothing
        ),
    )  # fmt: skip
    weights = np.array([[0, 2.5], [2.5, 0]])
    held = np.array([[0.7]])
    landscape = Landscape.clamp(IdealWeights(network, weights), network.role(["in"]), held)
    pull = 0.4 + 2.5 / (1 + np.exp(-3 * 0.7))

    def off(s):
        r = 1 / (1 + np.exp(-3 * 1.3 * (s - 0.2)))
        return 0.8 * s - 1.3 * 3 * r * (1 - r) * pull

    low, high = 0.0, 5.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if off(middle) < 0 else (low, middle)
    assert TIGHT.settle(landscape).states[0, 0] == pytest.approx(low, abs=1e-9)


def test_one_neuron_with_a_supply_rests_where_its_equation_says():
    """l s + a x (x / limit)^8 = a u with x = a (s - o)."""
    network = Network(
        (("in", 1), ("out", 1)), "layered", (Linear(), Saturating(0.9)),
        mismatch=Mismatch(gain=np.array([1.0, 1.3]), offset=np.array([0.0, 0.2]), leak=np.array([1.0, 0.8])),
    )  # fmt: skip
    landscape = Landscape.clamp(
        IdealWeights(network, np.array([[0, 2.5], [2.5, 0]])), network.role(["in"]), np.array([[0.7]])
    )
    rest = TIGHT.settle(landscape).states[0, 0]
    x = 1.3 * (rest - 0.2)
    assert 0.8 * rest + 1.3 * x * (x / 0.9) ** 8 == pytest.approx(1.3 * 2.5 * 0.7, abs=1e-9)
    assert x > 0.9  # beyond the limit, where it bends


@BOTH
@pytest.mark.parametrize("clamped", ["pixels", "latent"])
def test_all_ways_to_settle_find_one_rest(rng, clamped, laws):
    landscape = landscape_of(imperfect(rng, laws=laws), rng, clamped)
    fast = TIGHT.settle(landscape)
    assert fast.settled.all()
    slow = Euler(time_step=0.1, max_sweeps=6000).settle(landscape, start=fast.states + 1e-3)
    np.testing.assert_allclose(slow.states, fast.states, atol=1e-8)
    np.testing.assert_allclose(landscape.gradient(fast.states), 0, atol=1e-9)
    one = landscape.select(np.array([0]))
    np.testing.assert_allclose(newton(one, fast.states[:1]), fast.states[:1], atol=1e-9)


@BOTH
def test_a_nudge_of_the_state_is_one_of_the_physical_state(rng, laws):
    landscape = landscape_of(imperfect(rng, laws=laws), rng)
    n = landscape.role.n_free
    nudged = landscape.nudged(Nudge(linear=rng.normal(0, 0.1, (4, n)), quadratic=rng.uniform(0, 0.3, n)))
    fast = TIGHT.settle(nudged)
    assert fast.settled.all()
    np.testing.assert_allclose(nudged.gradient(fast.states), 0, atol=1e-9)
    slow = Euler(time_step=0.1, max_sweeps=6000).settle(nudged, start=fast.states)
    np.testing.assert_allclose(slow.states, fast.states, atol=1e-8)


@BOTH
def test_force_curvature_and_twist_are_derivatives_of_the_energy(rng, laws):
    landscape = landscape_of(imperfect(rng, laws=laws), rng, batch=1)
    states, step = rng.normal(0, 0.5, (1, landscape.role.n_free)), 1e-5
    pull = landscape.pull(states)
    found = landscape.gradient(states)[0]
    neurons = landscape.neurons
    for i in range(states.shape[1]):
        moved = np.zeros_like(states)
        moved[0, i] = step
        rise = landscape.energy(states + moved) - landscape.energy(states - moved)
        assert rise[0] / (2 * step) == pytest.approx(found[i], abs=1e-7)
        column = (landscape.gradient(states + moved) - landscape.gradient(states - moved))[0] / (2 * step)
        np.testing.assert_allclose(column, hessian(landscape, states)[i], atol=1e-7)
        ends = [neurons.curvatures(s, neurons.signals(s), pull)[0, i] for s in (states - moved, states + moved)]
        assert neurons.twists(states, neurons.signals(states), pull)[0, i] == pytest.approx(
            (ends[1] - ends[0]) / (2 * step), abs=1e-5
        )
        bent = [neurons.slopes(neurons.signals(s))[0, i] for s in (states - moved, states + moved)]
        assert neurons.bends(neurons.signals(states))[0, i] == pytest.approx((bent[1] - bent[0]) / (2 * step), abs=1e-6)


@BOTH
def test_linear_response_is_how_the_rest_moves(rng, laws):
    landscape = landscape_of(imperfect(rng, laws=laws), rng)
    rest = TIGHT.settle(landscape)
    force = rng.normal(0, 1, rest.states.shape)
    response = LinearResponse(tolerance=1e-10, max_sweeps=500).respond(landscape, rest, force)
    beta = 1e-5
    ends = [
        TIGHT.settle(landscape.nudged(Nudge(linear=b * force, quadratic=np.zeros(force.shape[1]))), rest.states).states
        for b in (beta, -beta)
    ]
    np.testing.assert_allclose(response.displacement, (ends[0] - ends[1]) / (2 * beta), atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_without_errors_they_are_the_law_itself(seed):
    rng = np.random.default_rng(seed)
    perfect = Network(BLOCKS, neurons=LAWS)
    same = imperfect(rng, Spread())
    landscape = landscape_of(perfect, np.random.default_rng(seed), scale=1.0)  # with one minimum
    twin = landscape_of(same, np.random.default_rng(seed), scale=1.0)
    np.testing.assert_allclose(TIGHT.settle(twin).states, TIGHT.settle(landscape).states, atol=1e-8)


def test_states_and_signals_are_inverse(rng):
    neurons = imperfect(rng).population(["hidden", "latent"])
    states = rng.normal(0, 1, (3, 11))
    np.testing.assert_allclose(neurons.states(neurons.signals(states)), states, atol=1e-12)


def test_a_spread_is_that_of_the_neurons_drawn(rng):
    drawn = Spread(gain=0.1, offset=0.02, leak=0.05, pull=2.0).draw(20000, rng)
    assert np.log(drawn.gain).std() == pytest.approx(0.1, rel=0.03)
    assert drawn.offset.std() == pytest.approx(0.02, rel=0.03)
    assert drawn.pull.std() == pytest.approx(2.0, rel=0.03)
    still = Spread(gain=0.1).draw(5, np.random.default_rng(0))
    again = Spread(gain=0.1, pull=1.0).draw(5, np.random.default_rng(0))
    np.testing.assert_array_equal(still.gain, again.gain)  # chips drawn before are what they were
    assert np.log(drawn.leak).std() == pytest.approx(0.05, rel=0.03)


def test_what_cannot_be_is_refused(rng):
    with pytest.raises(InvalidValue, match="classical"):
        imperfect(rng, laws=(Sigmoid(), Classical(), Linear()))
    with pytest.raises(InvalidValue, match="all 17 neurons"):
        Network(BLOCKS, mismatch=WIDE.draw(5, rng))
    with pytest.raises(InvalidValue, match=r"`gain`.*at most 1"):
        Spread(gain=1.5)
    with pytest.raises(InvalidValue, match="leak"):
        Spread(leak=-0.1)
    with pytest.raises(InvalidValue, match="positive"):
        Mismatch(gain=np.array([0.0]), offset=np.zeros(1), leak=np.ones(1))
