"""The laws of neurons, column by column, against closed forms and differences of the energy."""

import numpy as np
import pytest
from scipy.integrate import simpson

from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Classical, Linear, Sigmoid

torch = pytest.importorskip("torch", reason="the torch engine needs torch: pip install hopbar[torch]")

from hvae.tensors import neurons, plain  # noqa: E402
from hvae.tensors.neurons import CLASSICAL, LINEAR, SIGMOID, Columns  # noqa: E402
from hvae.tensors.passes import Rules, Walking  # noqa: E402

KINDS = np.array([SIGMOID] * 3 + [LINEAR] * 3 + [CLASSICAL] * 3)
GAINS = np.array([0.7, 3.0, 5.0, 1.0, 1.0, 1.0, 0.7, 3.0, 5.0])
STATES = torch.tensor([-0.9, 0.2, 1.1] * 3, dtype=torch.float64)
CPU = torch.device("cpu")


@pytest.fixture
def columns():
    return Columns.of(KINDS, GAINS, CPU, torch.float64)


def at_rest(columns, signals, pull, linear=None, quadratic=None):
    """One row in the matrices of a settling, without couplings."""
    zero = torch.zeros_like(signals)
    linear, quadratic = (zero if one is None else one for one in (linear, quadratic))
    return Walking(signals, pull, zero, zero, zero, linear, quadratic)


def energy(columns, signals, pull, linear, quadratic):
    """The part of each neuron in phi + nudge - r u."""
    states = columns.states(signals)
    return columns.energy(states, signals) + 0.5 * quadratic * states**2 + linear * states - signals * pull


def test_signals_and_states_are_inverse_and_slopes_are_their_derivative(columns):
    signals = columns.signals(STATES)
    torch.testing.assert_close(columns.states(signals), STATES)
    torch.testing.assert_close(columns.at(signals).states, STATES)
    step = 1e-6
    slope = (columns.signals(STATES + step) - columns.signals(STATES - step)) / (2 * step)
    torch.testing.assert_close(columns.slopes(signals), slope, rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(columns.at(signals).steep, 1 / slope, rtol=1e-8, atol=1e-9)
    assert torch.equal(signals[3:6], STATES[3:6])
    wanted = 1 / (1 + np.exp(-GAINS[:3] * STATES[:3].numpy()))
    np.testing.assert_allclose(signals[:3], wanted, rtol=1e-14)


def test_energies_are_the_closed_forms(columns):
    """s^2 / 2, and of classical neurons the integral of s dr, by Simpson's rule over a fine grid."""
    found = columns.energy(STATES, columns.signals(STATES))
    torch.testing.assert_close(found[:6], 0.5 * STATES[:6] ** 2)
    for k in range(6, 9):
        s = np.linspace(0, float(STATES[k]), 2001)
        r = 1 / (1 + np.exp(-GAINS[k] * s))
        integrand = s * GAINS[k] * r * (1 - r)
        assert float(found[k]) == pytest.approx(simpson(integrand, x=s), rel=1e-10)


@pytest.mark.parametrize("nudged", [False, True])
def test_gradient_and_hessian_are_differences_of_the_energy(columns, nudged):
    signals = columns.signals(STATES)
    pull = torch.linspace(-1.3, 0.8, 9, dtype=torch.float64)
    linear, quadratic = (torch.full_like(signals, value * nudged) for value in (0.3, 0.2))
    at = at_rest(columns, signals, pull, linear, quadratic)
    found = plain.probe(at, torch.ones_like(signals), torch.zeros((), dtype=torch.float64), columns)
    step = 3e-4 * columns.slopes(signals)
    near = [energy(columns, signals + k * step, pull, linear, quadratic) for k in (-1, 0, 1)]
    torch.testing.assert_close(found.gradient, (near[2] - near[0]) / (2 * step), rtol=1e-5, atol=1e-5)
    bends = (near[2] - 2 * near[1] + near[0]) / step**2
    torch.testing.assert_close(plain.bends(signals, at, columns), bends, rtol=1e-4, atol=1e-4)
    assert float(found.own) == pytest.approx(float((near[1] + signals * pull).sum()), rel=1e-12)


def test_stiffness_is_the_hessian_in_s_at_rest(columns):
    """Where dE/ds = 0 the Hessian in s is rho'^2 times that in r."""
    signals = columns.signals(STATES)
    slope = columns.slopes(signals)
    at = at_rest(columns, signals, torch.zeros_like(signals))
    rest = plain.probe(at, torch.zeros_like(signals), torch.zeros((), dtype=torch.float64), columns).gradient
    at = at_rest(columns, signals, rest)  # the pull under which these states rest
    torch.testing.assert_close(columns.stiffness(STATES, signals), slope**2 * plain.bends(signals, at, columns))


def test_lone_minima_are_where_a_neuron_rests(columns):
    """u for a linear neuron, sigmoid(gain u) for a classical one, the fitted polynomial for the paper's."""
    rules = Rules.of(columns, tolerance=1e-6, max_sweeps=10, nudged=False)
    pull = torch.tensor([-2.0, 0.4, 3.0] * 3, dtype=torch.float64)
    lone = plain.lone(pull, rules)
    for k in range(3):
        s = np.linspace(-3, 3, 600001)
        r = 1 / (1 + np.exp(-GAINS[k] * s))
        assert float(lone[k]) == pytest.approx(r[np.argmin(s**2 / 2 - r * float(pull[k]))], abs=1e-3)
    np.testing.assert_allclose(lone[6:], 1 / (1 + np.exp(-GAINS[6:] * pull[6:].numpy())), rtol=1e-12)
    signals = columns.signals(STATES)
    at = at_rest(columns, signals, pull)
    gradient = plain.probe(at, torch.zeros_like(signals), torch.zeros((), dtype=torch.float64), columns).gradient
    z = plain.precondition(signals, pull, gradient, at, rules)
    torch.testing.assert_close((signals - z)[3:6], pull[3:6])


def test_padding_is_of_linear_neurons_that_stay_at_zero(columns):
    padded = columns.padded(16)
    assert padded.kind[9:].tolist() == [LINEAR] * 7
    assert padded.rest.tolist() == [0.5] * 3 + [0] * 3 + [0.5] * 3 + [0] * 7


def test_columns_of_a_role_follow_the_laws_of_its_blocks():
    network = Network((("a", 2), ("b", 1), ("c", 3)), neurons=(Sigmoid(2.0), Classical(0.5), Linear()))
    role = network.role(["b"])
    free, held = (neurons.of_population(some, CPU, torch.float64) for some in (role.free_neurons, role.held_neurons))
    assert free.kind.tolist() == [SIGMOID] * 2 + [LINEAR] * 3
    assert free.gain.tolist() == [2.0] * 2 + [1.0] * 3
    assert (held.kind.tolist(), held.gain.tolist()) == ([CLASSICAL], [0.5])
