"""One step of training: its batch and noise follow from seed and step alone, and what is not finite is refused."""

from dataclasses import replace

import numpy as np
import pytest

from crossbar.errors import DivergedError
from hvae.config.run import TrainingConfig
from hvae.learning.learners import Backpropagation
from hvae.learning.optimizers import SGD
from hvae.models.forward import ForwardVAE
from hvae.training import step

TRAINING = TrainingConfig(batch_size=4, seed=3, precision="float64")
IMAGES = np.arange(12.0).reshape(12, 1)


def test_an_epoch_takes_every_image_once_and_the_next_in_another_order():
    epochs = [[step.draw(IMAGES, TRAINING, number, 2)[0].ravel() for number in range(3 * k, 3 * k + 3)] for k in (0, 1)]
    first, second = (np.concatenate(epoch) for epoch in epochs)
    assert sorted(first) == sorted(second) == IMAGES.ravel().tolist()
    assert (first != second).any()


def test_a_step_draws_the_same_whatever_was_drawn_before():
    alone = step.draw(IMAGES, TRAINING, 7, 2)
    step.draw(IMAGES, TRAINING, 2, 2)
    again = step.draw(IMAGES, TRAINING, 7, 2)
    other = step.draw(IMAGES, replace(TRAINING, seed=4), 7, 2)
    assert [one.tobytes() for one in alone] == [one.tobytes() for one in again]
    assert alone[1].tobytes() != other[1].tobytes()


def test_fewer_images_than_a_batch_make_one_step():
    assert step.per_epoch(3, 4) == 1
    batch, noise = step.draw(IMAGES[:3], TRAINING, 0, 2)
    assert sorted(batch.ravel()) == [0, 1, 2]
    assert noise.shape == (3, 2)


def test_a_step_is_gradient_descent(rng):
    """By SGD without momentum: w - rate dL/dw."""
    learner = Backpropagation(vae=ForwardVAE(n_hidden=3, n_latent=2, n_pixels=4), beta_kl=1.0)
    before = learner.init(rng, np.float64)
    batch, noise = rng.uniform(-1, 1, (5, 4)), rng.normal(size=(5, 2))
    metrics, gradients = learner.gradients(before, batch, noise)
    after = {name: weights.copy() for name, weights in before.items()}
    found = step.advance(learner, SGD(), after, batch, noise, 0.1)
    for name, weights in after.items():
        np.testing.assert_allclose(weights, before[name] - 0.1 * gradients[name], rtol=1e-12)
    assert found == metrics | {"largest_weight": max(np.abs(weights).max() for weights in after.values())}


@pytest.mark.parametrize("broken", ["batch", "rate"])
def test_what_is_not_finite_is_refused(rng, broken):
    learner = Backpropagation(vae=ForwardVAE(n_hidden=3, n_latent=2, n_pixels=4), beta_kl=1.0)
    batch = np.full((5, 4), np.nan if broken == "batch" else 0.5)
    with (
        np.errstate(all="ignore"),
        pytest.raises(DivergedError, match="the metrics are" if broken == "batch" else "a weight"),
    ):
        step.advance(learner, SGD(), learner.init(rng, np.float64), batch, np.zeros((5, 2)), np.inf)
