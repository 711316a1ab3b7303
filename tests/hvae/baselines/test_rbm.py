"""The Boltzmann machine: Gibbs chains have the distribution of its energy, training finds what the images are."""

import itertools
from types import SimpleNamespace

import numpy as np
from scipy.special import expit

from hvae.baselines import rbm


def machine(rng, visible=4, hidden=2):
    return rbm.BoltzmannMachine(
        fitted=SimpleNamespace(
            n_components=hidden, components_=rng.standard_normal((hidden, visible)),
            intercept_visible_=rng.standard_normal(visible), intercept_hidden_=rng.standard_normal(hidden),
        )
    )  # fmt: skip


def test_chains_come_to_the_distribution_of_the_energy(rng):
    """All 64 states of four pixels and two units, with exp(h W v + a v + b h)."""
    small = machine(rng)
    weights, a, b = small.parameters.values()
    states = [(np.array(v), np.array(h)) for v in itertools.product((0, 1), repeat=4) for h in
              itertools.product((0, 1), repeat=2)]  # fmt: skip
    chances = np.exp([h @ weights @ v + a @ v + b @ h for v, h in states])
    expected = sum(chance * v for chance, (v, _) in zip(chances / chances.sum(), states, strict=True))
    found = small.generate(20000, rng, steps=50)
    np.testing.assert_allclose((found.mean(axis=0) + 1) / 2, expected, atol=0.01)


def test_code_and_image_are_the_conditional_probabilities(rng):
    small = machine(rng)
    weights, a, b = small.parameters.values()
    images = rng.uniform(-1, 1, (5, 4))
    units, log_variance = small.encode(small.parameters, images)
    np.testing.assert_allclose(units, expit((images + 1) / 2 @ weights.T + b))
    np.testing.assert_allclose(small.decode(small.parameters, units), 2 * expit(units @ weights + a) - 1)
    assert (np.exp(log_variance) == 0).all()


def test_it_learns_two_patterns_and_generates_both(rng):
    patterns = np.array([[1.0] * 6 + [-1.0] * 6, [-1.0] * 6 + [1.0] * 6])
    images = patterns[rng.integers(2, size=400)]
    found = rbm.fit(images, 3, np.random.default_rng(1), epochs=60, learning_rate=0.1)
    np.testing.assert_allclose(found.decode(found.parameters, found.encode(found.parameters, patterns)[0]), patterns,
                               atol=0.45)  # fmt: skip
    drawn = found.generate(200, rng, steps=200)
    near = np.abs(drawn[:, None] - patterns).mean(axis=2) < 0.5
    assert near.any(axis=1).mean() > 0.8
    assert near.any(axis=0).all()
    same = rbm.fit(images, 3, np.random.default_rng(1), epochs=60, learning_rate=0.1)
    np.testing.assert_array_equal(found.fitted.components_, same.fitted.components_)
