"""What a field is taught, and that one without time relaxes downhill to what it was taught."""

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from hvae.config.flow import Teaching
from hvae.flows import field, matching
from hvae.flows.course import learn
from hvae.flows.field import Field
from hvae.flows.lessons import lesson
from hvae.flows.matching import EquilibriumMatching, FlowMatching
from hvae.flows.ways import Heun, Relaxation


def test_equilibrium_matching_teaches_the_way_to_the_sample_where_the_relaxation_will_be():
    rng = np.random.default_rng(0)
    start, end, drawn = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), rng.uniform(size=6)
    found = lesson(start, end, drawn, EquilibriumMatching(length=5.0))
    np.testing.assert_allclose(found.target, end - found.x, atol=1e-12)
    np.testing.assert_allclose(found.x, end + np.exp(-5.0 * drawn)[:, None] * (start - end), atol=1e-12)
    plain = lesson(start, end, drawn, FlowMatching())
    np.testing.assert_array_equal(plain.t, drawn)
    np.testing.assert_array_equal(plain.target, end - start)


def test_the_matching_of_a_teaching_is_the_one_that_it_names():
    assert matching.of(Teaching()) == FlowMatching()
    timeless = Teaching(matching="equilibrium", length=3.0)
    assert matching.of(timeless) == EquilibriumMatching(length=3.0)
    assert (Teaching().n_times, timeless.n_times) == (8, 0)
    assert matching.of(timeless).way() == Relaxation(length=3.0, steps=6)
    assert FlowMatching().way(7) == Heun(steps=7)
    with pytest.raises(InvalidValue, match="`steps` must be at least 3, the time constants"):
        matching.of(timeless).way(2)
    with pytest.raises(InvalidValue, match=r"`teaching.length` must be"):
        Teaching(length=0.0)


def timeless(strength, n_states=4, n_hidden=9):
    """A field without time of random weights."""
    rng = np.random.default_rng(3)
    net = field.network(n_states, n_hidden, 0)
    weights = np.triu(rng.normal(0, strength, (net.size,) * 2), 1) * net.mask()
    return Field(network=net, weights=weights + weights.T, solver=ConjugateGradient(tolerance=1e-10, max_sweeps=4000))


@pytest.mark.parametrize("strength", [0.5, 2.0])
@pytest.mark.parametrize("size", [0.1, 0.5, 1.0])
def test_the_energy_falls_along_a_relaxation_by_what_its_curvature_leaves(strength, size):
    """d^2 E*/dx^2 <= 1: a step a v lowers E* by a (1 - a / 2) |v|^2 at least."""
    flow = timeless(strength)
    x, hidden, t = 2 * np.random.default_rng(1).normal(size=(50, 4)), None, np.zeros(50)
    before, least, fallen = None, None, []
    for _ in range(30):
        rest = flow.rest(x, t, hidden)
        energy, v, hidden = flow.energy(rest), flow.at_rest(rest), rest.settled.states
        if before is not None:
            assert (energy <= before - least + 1e-7).all()
            fallen.append((before - energy).sum())
        before, least = energy, size * (1 - size / 2) * (v * v).sum(1)
        x = x + size * v
    assert fallen[0] > 1


def test_a_long_relaxation_ends_where_the_field_vanishes():
    flow = timeless(0.5)
    x = np.random.default_rng(1).normal(size=(50, 4))
    ends = Relaxation(length=60.0, steps=120).follow(flow, x, np.random.default_rng(0))
    assert np.abs(flow.velocity(ends, np.zeros(50))).max() < 1e-6


@pytest.mark.needs_jit
@pytest.mark.slow
def test_a_field_without_time_relaxes_to_a_gaussians_mean_and_to_two_humps_support():
    """What the hidden neurons bring is a mean of samples, so that what is left of x_0 is exp(-length), no more."""
    rng = np.random.default_rng(3)
    factor = np.array([[1.0, 0.0], [0.8, 0.3]])
    gaussian = rng.normal(size=(4000, 2)) @ factor.T + [2.0, -1.0]
    teaching = Teaching(matching="equilibrium", length=5.0, hidden=40, steps=300, batch=128, pool=128, rate=5e-3)
    found = learn(gaussian, teaching, rng).sample(4000, rng)
    np.testing.assert_allclose(found.mean(0), [2.0, -1.0], atol=0.15)
    assert np.corrcoef(found.T)[0, 1] > 0.8  # 0.94 of the samples, none of the noise
    humps = np.where(rng.random((4000, 1)) < 0.5, -3.0, 3.0) + 0.3 * rng.uniform(-1, 1, size=(4000, 1))
    found = learn(humps, teaching, rng).sample(2000, rng)
    reach = np.exp(-5.0) * 3.0 * 4  # of noise as wide as the humps, four deviations
    inside = (np.abs(found) > 2.7 - reach - 0.3) & (np.abs(found) < 3.3 + reach + 0.3)
    assert inside.mean() > 0.95
    assert np.mean(found > 0) == pytest.approx(0.5, abs=0.1)
