"""Neurons other than the paper's: their derivatives, their rests in closed form, and all laws side by side."""

from __future__ import annotations

import numpy as np
import pytest

from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights, random_weights
from crossbar.hopfield.energy import Landscape, Nudge
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Classical, Linear, Saturating, Sigmoid, named, neuron
from crossbar.hopfield.settling import Euler

LAWS = [Sigmoid(3.0), Sigmoid(0.2), Linear(), Classical(3.0), Classical(0.7), Saturating(1.6), Saturating(2.5)]
MIXTURES = [
    (Sigmoid(), Sigmoid(), Linear()),
    (Sigmoid(), Sigmoid(), Sigmoid(0.2)),
    (Sigmoid(), Classical(), Linear()),
    (Classical(2.0), Sigmoid(0.5), Linear()),
    (Linear(), Classical(), Sigmoid(0.2)),
    (Saturating(0.5), Sigmoid(), Saturating(0.3)),
    (Sigmoid(), Classical(), Saturating(0.4)),
]


def slope_of(function, at, step=1e-6):
    return (function(at + step) - function(at - step)) / (2 * step)


@pytest.mark.parametrize("law", LAWS)
def test_derivatives_are_those_of_the_energy(law):
    """phi' - rho' u is the force, its slope the curvature, and that one's the twist."""
    states, pull = np.linspace(-2, 2, 17), np.linspace(3, -3, 17)

    def energy(s):
        return law.energy(s) - law.signal(s) * pull

    def force(s):
        return law.force(s, law.signal(s), pull)

    def curvature(s):
        return law.curvature(s, law.signal(s), pull)

    signals = law.signal(states)
    np.testing.assert_allclose(force(states), slope_of(energy, states), atol=1e-8)
    np.testing.assert_allclose(curvature(states), slope_of(force, states), atol=1e-8)
    np.testing.assert_allclose(law.twist(states, signals, pull), slope_of(curvature, states), atol=1e-7)
    np.testing.assert_allclose(law.slope(signals), slope_of(law.signal, states), atol=1e-8)
    np.testing.assert_allclose(law.bend(signals), slope_of(lambda s: law.slope(law.signal(s)), states), atol=1e-8)
    np.testing.assert_allclose(law.state(signals), states, atol=1e-12)
    assert law.energy(np.zeros(1))[0] == 0


@pytest.mark.parametrize("law", LAWS)
def test_phi_is_convex_in_the_signal(law):
    signals = law.signal(np.linspace(-3, 3, 201))
    rising = np.diff(np.gradient(law.energy(law.state(signals)), signals, edge_order=2))
    assert (rising[2:-2] > -1e-6).all()


@pytest.mark.parametrize("law", LAWS)
def test_stiffness_is_the_curvature_at_rest(law):
    states = np.linspace(-1.5, 1.5, 7)
    signals = law.signal(states)
    pull = states / law.slope(signals) if isinstance(law, Sigmoid) else states
    if isinstance(law, Saturating):
        pull = states * (1 + (states / law.limit) ** 8)
    np.testing.assert_allclose(law.force(states, signals, pull), 0, atol=1e-12)
    np.testing.assert_allclose(law.stiffness(states, signals), law.curvature(states, signals, pull), rtol=1e-12)


def landscape(rng, laws, held, dtype=np.float64):
    network = Network((("pixels", 20), ("hidden", 30), ("latent", 5)), neurons=laws)
    weights = (0.6 * random_weights(network, rng, np.float64) * network.mask()).astype(dtype)
    role = network.role([held])
    inputs = rng.normal(size=(6, role.n_clamped)).astype(dtype)
    return Landscape.clamp(IdealWeights(network, weights), role, inputs)


@pytest.mark.parametrize("held", ["pixels", "latent"])
@pytest.mark.parametrize("laws", MIXTURES)
def test_the_fast_solver_rests_where_the_neurons_own_steps_do(rng, laws, held):
    land = landscape(rng, laws, held)
    fast = ConjugateGradient(tolerance=1e-10, max_sweeps=2000).settle(land)
    slow = Euler(time_step=0.1, max_sweeps=20000, tolerance=1e-10).settle(land)
    assert fast.settled.all()
    assert slow.settled.all()
    np.testing.assert_allclose(fast.states, slow.states, atol=1e-7)
    assert fast.sweeps.max() < slow.sweeps.min()


@pytest.mark.parametrize("laws", MIXTURES)
def test_both_rest_alike_under_a_nudge(rng, laws):
    """Linear and quadratic, on every neuron: the whole of eq. (4)."""
    land = landscape(rng, laws, "latent")
    n_free = land.role.n_free
    nudge = Nudge(linear=0.1 * rng.normal(size=(6, n_free)), quadratic=0.2 + 0.1 * rng.random(n_free))
    nudged = land.nudged(nudge)
    fast = ConjugateGradient(tolerance=1e-10, max_sweeps=3000).settle(nudged)
    slow = Euler(time_step=0.02, max_sweeps=40000, tolerance=1e-10).settle(nudged)
    assert fast.settled.all()
    assert slow.settled.all()
    np.testing.assert_allclose(fast.states, slow.states, atol=1e-7)
    np.testing.assert_allclose(nudged.gradient(fast.states), 0, atol=1e-9)


@pytest.mark.parametrize("laws", MIXTURES)
def test_float32_rests_where_float64_does(rng, laws):
    land = landscape(rng, laws, "latent", np.float32)
    exact = Landscape.clamp(
        IdealWeights(land.couplings.network, land.couplings.matrix().astype(np.float64)), land.role, np.zeros((6, 5))
    )
    exact = Landscape(couplings=exact.couplings, role=land.role, drive=land.drive.astype(np.float64))
    found = ConjugateGradient(tolerance=1e-5).settle(land)
    sure = ConjugateGradient(tolerance=1e-10, max_sweeps=2000).settle(exact)
    assert found.settled.all()
    np.testing.assert_allclose(found.states, sure.states, atol=2e-4)


@pytest.mark.parametrize("laws", MIXTURES)
def test_linear_response_is_the_limit_of_two_nudges(rng, laws):
    land = landscape(rng, laws, "latent")
    solver = ConjugateGradient(tolerance=1e-11, max_sweeps=3000)
    free = solver.settle(land)
    linear = rng.normal(size=free.states.shape) * (np.arange(land.role.n_free) < 20)
    response = LinearResponse(tolerance=1e-8, max_sweeps=2000).respond(land, free, linear)
    beta = 1e-4
    still = np.zeros(land.role.n_free)
    ends = [
        solver.settle(land.nudged(Nudge(linear=sign * beta * linear, quadratic=still)), free.states)
        for sign in (1, -1)
    ]
    slope = (ends[0].states - ends[1].states) / (2 * beta)
    np.testing.assert_allclose(response.displacement, slope, atol=1e-5 * np.abs(slope).max())


def test_linear_latents_are_what_they_are_pulled_to(rng):
    """mu = W rho(h) exactly, as no linear neuron sees another."""
    land = landscape(rng, (Sigmoid(), Sigmoid(), Linear()), "pixels")
    found = ConjugateGradient(tolerance=1e-11, max_sweeps=3000).settle(land)
    network, weights = land.couplings.network, land.couplings.matrix()
    assert not weights[network.block("latent"), network.block("latent")].any()
    signals = land.neurons.signals(found.states)
    hidden = signals[:, land.role.columns("hidden")] @ weights[network.block("hidden"), network.block("latent")]
    mean = found.states[:, land.role.columns("latent")]
    np.testing.assert_allclose(mean, hidden + land.drive[:, land.role.columns("latent")], atol=1e-9)


def test_a_lone_classical_neuron_rests_at_its_drive():
    """s = u, however far, where the paper's needs a pull that grows like exp(gain s)."""
    network = Network((("in", 1), ("out", 1)), neurons=(Linear(), Classical()))
    weights = np.array([[0.0, 1.0], [1.0, 0.0]])
    drive = np.array([[-2.5], [0.0], [1.7]])
    found = ConjugateGradient(tolerance=1e-12).settle(
        Landscape.clamp(IdealWeights(network, weights), network.role(["in"]), drive)
    )
    np.testing.assert_allclose(found.states, drive, atol=1e-7)


@pytest.mark.parametrize("pull", [0.3, -0.7, 2.0, -40.0, 1e4])
@pytest.mark.parametrize("limit", [0.5, 6.0])
def test_a_lone_neuron_ends_near_its_supply(pull, limit):
    """It rests where s + s (s / limit)^8 = u, found here by bisection."""
    network = Network((("in", 1), ("out", 1)), neurons=(Linear(), Saturating(limit)))
    weights = IdealWeights(network, np.array([[0, pull], [pull, 0.0]]))
    land = Landscape.clamp(weights, network.role(["in"]), np.ones((1, 1)))
    found = ConjugateGradient(tolerance=1e-11 * max(1.0, abs(pull)), max_sweeps=200).settle(land)
    low, high = 0.0, abs(pull)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if middle * (1 + (middle / limit) ** 8) < abs(pull) else (low, middle)
    assert found.settled.all()
    np.testing.assert_allclose(found.states[0, 0], np.sign(pull) * low, rtol=1e-9)
    assert found.sweeps[0] < 30


def test_only_linear_neurons_get_a_supply():
    network = Network((("pixels", 2), ("latent", 2)), neurons=(Sigmoid(2.0), Linear()))
    assert network.limited(6.0).laws == (Sigmoid(2.0), Saturating(6.0))
    assert network.limited(6.0).limited(3.0).laws == (Sigmoid(2.0), Saturating(3.0))
    assert (network.limited(6.0).mask() == network.mask()).all()
    with pytest.raises(InvalidValue, match="network has none"):
        Network((("pixels", 2),)).limited(6.0)
    with pytest.raises(InvalidValue, match="`limit` must be positive"):
        network.limited(0.0)
    with pytest.raises(InvalidValue, match=r"give `Saturating\(limit\)`"):
        named("saturating", 3.0)
    assert named(Saturating(2.0)) == Saturating(2.0)


def test_patches_leave_the_links_within_a_linear_block_out():
    network = Network((("pixels", 4), ("hidden", 3), ("latent", 2)), neurons=(Sigmoid(), Sigmoid(), Linear()))
    within = network.role(["pixels"]).within
    reached = np.zeros((9, 9), bool)
    for patch in within:
        assert not reached[patch.sources, patch.targets].any()
        reached[patch.sources, patch.targets] = True
    expected = network.mask() | np.eye(9, dtype=bool)
    expected[:4] = expected[:, :4] = False
    expected[7:, 7:] = False
    np.testing.assert_array_equal(reached, expected)
    assert len(within) == 2


def test_what_cannot_be_is_refused():
    blocks = (("pixels", 4), ("hidden", 3), ("latent", 2))
    network = Network(blocks, neurons=(Linear(), Sigmoid(), Linear()))
    assert network.role(["latent"]).free == ("pixels", "hidden")
    with pytest.raises(InvalidValue, match=r"must not be free together.* 'pixels' and 'latent' are: clamp one"):
        network.role(["hidden"])
    with pytest.raises(InvalidValue, match="one law for each"):
        Network(blocks, neurons=(Sigmoid(),))
    with pytest.raises(UnknownName, match="unknown neuron 'tanh'"):
        neuron("tanh")


@pytest.mark.parametrize("law", [Sigmoid, Classical])
@pytest.mark.parametrize("gain", [0.0, -3.0, float("nan"), float("inf"), True, np.ones(3), "steep"])
def test_a_gain_must_be_positive(law, gain):
    with pytest.raises(InvalidValue, match="`gain` must be positive and finite"):
        law(gain)
