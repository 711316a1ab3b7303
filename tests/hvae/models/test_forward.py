"""The F-VAE baseline: its size, its gradient, and that it learns."""

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from hvae.data import sets
from hvae.models.forward import ForwardVAE, sigmoid

SMALL = ForwardVAE(n_pixels=7, n_hidden=5, n_latent=3)
BETA_KL = 1.7


def case(rng, n=4, dtype=np.float64):
    parameters = SMALL.init(rng, dtype)
    images = rng.uniform(-1, 1, size=(n, 7)).astype(dtype)
    noise = rng.standard_normal((n, 3)).astype(dtype)
    return parameters, images, noise


def objective(parameters, images, noise):
    losses, _ = SMALL.loss_and_gradients(parameters, images, noise, BETA_KL)
    return float(np.mean(losses.sse_half + BETA_KL * losses.kl))


def test_the_paper_s_size_is_the_default():
    assert ForwardVAE().n_weights() == 2_908_360
    shapes = {name: array.shape for name, array in SMALL.init(np.random.default_rng(0)).items()}
    assert shapes == SMALL.shapes()


@pytest.mark.parametrize("name", ["encoder_hidden", "encoder_output", "decoder_hidden", "decoder_output"])
def test_every_gradient_agrees_with_central_differences(rng, name):
    parameters, images, noise = case(rng)
    _, gradients = SMALL.loss_and_gradients(parameters, images, noise, BETA_KL)
    numeric = np.empty_like(parameters[name])
    step = 1e-5
    for index in np.ndindex(numeric.shape):
        sides = []
        for sign in (1, -1):
            moved = {key: array.copy() for key, array in parameters.items()}
            moved[name][index] += sign * step
            sides.append(objective(moved, images, noise))
        numeric[index] = (sides[0] - sides[1]) / (2 * step)
    np.testing.assert_allclose(gradients[name], numeric, rtol=0, atol=1e-8 * np.abs(numeric).max() + 1e-10)


def test_losses_are_the_paper_s_formulas(rng):
    parameters, images, noise = case(rng)
    losses, _ = SMALL.loss_and_gradients(parameters, images, noise, BETA_KL)
    mean, log_variance = SMALL.encode(parameters, images)
    pixels = SMALL.decode(parameters, mean + noise * np.exp(log_variance / 2))
    np.testing.assert_allclose(losses.sse_half, 0.5 * ((pixels - images) ** 2).sum(axis=1))
    variance = np.exp(log_variance)
    np.testing.assert_allclose(losses.kl, 0.5 * (-log_variance - 1 + variance + mean**2).sum(axis=1))


def test_single_precision_stays_single(rng):
    parameters, images, noise = case(rng, dtype=np.float32)
    losses, gradients = SMALL.loss_and_gradients(parameters, images, noise, BETA_KL)
    assert {array.dtype for array in gradients.values()} == {np.dtype(np.float32)}
    assert losses.sse_half.dtype == losses.kl.dtype == np.float32


def test_arguments_are_left_alone(rng):
    parameters, images, noise = case(rng)
    before = {key: array.copy() for key, array in parameters.items()} | {"images": images.copy(), "noise": noise.copy()}
    SMALL.loss_and_gradients(parameters, images, noise, BETA_KL)
    for key, array in (parameters | {"images": images, "noise": noise}).items():
        np.testing.assert_array_equal(array, before[key])


def test_descent_on_real_digits_lowers_the_loss(rng):
    images = sets.load("mnist-5k").train_images[:100]
    model = ForwardVAE(n_hidden=30, n_latent=4)
    parameters = model.init(rng)
    means = []
    for _ in range(40):
        noise = rng.standard_normal((100, 4), dtype=np.float32)
        losses, gradients = model.loss_and_gradients(parameters, images, noise, 1.0)
        means.append(losses.sse_half.mean() + losses.kl.mean())
        parameters = {name: array - np.float32(0.01) * gradients[name] for name, array in parameters.items()}
    assert means[-1] < 0.6 * means[0]


def test_sigmoid_does_not_overflow():
    np.testing.assert_allclose(sigmoid(np.array([-1000.0, 0.0, 1000.0])), [0, 0.5, 1])
    np.testing.assert_allclose(sigmoid(np.array([1.3])), 1 / (1 + np.exp(-1.3)))


def test_impossible_sizes_are_refused():
    with pytest.raises(InvalidValue, match="`n_latent` must be at least 1"):
        ForwardVAE(n_latent=0)
