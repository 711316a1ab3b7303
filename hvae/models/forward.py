"""F-VAE, the paper's baseline: a feedforward variational autoencoder trained by backpropagation, in plain numpy.

Both networks have one sigmoid hidden layer; the encoder's outputs are linear, the decoder's pixels go through tanh
(paper, section 4).  There are no biases, as in the paper's Hopfield networks: with Table 3's sizes (784-1820-20 and
10-1820-784) that makes 2,908,360 weights.  The paper does not state whether its F-VAE has biases; this is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.numerics import checks
from hvae.models.hopfield import Parameters


@dataclass(frozen=True, kw_only=True, slots=True)
class ForwardLosses:
    """The two terms of the objective for each image, shape ``(n,)``."""

    sse_half: np.ndarray  # 1/2 sum over pixels of (y - x)^2
    kl: np.ndarray  # eq. (7)


@dataclass(frozen=True, kw_only=True, slots=True)
class ForwardVAE:
    """The sizes of an F-VAE; its weights are a dict of arrays that every method takes.

    =================== ========================== ===========================================
    weight              shape                      does
    =================== ========================== ===========================================
    ``encoder_hidden``  ``(n_pixels, n_hidden)``   a = sigmoid(x W)
    ``encoder_output``  ``(n_hidden, 2 n_latent)`` [mu, log sigma^2] = a W
    ``decoder_hidden``  ``(n_latent, n_hidden)``   b = sigmoid(z W)
    ``decoder_output``  ``(n_hidden, n_pixels)``   y = tanh(b W)
    =================== ========================== ===========================================
    """

    n_hidden: int = 1820  # Table 3
    n_latent: int = 10  # Table 3
    n_pixels: int = 784

    def __post_init__(self) -> None:
        for name in ("n_hidden", "n_latent", "n_pixels"):
            checks.at_least(name, getattr(self, name), 1)

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Return the shape of every weight matrix, ``(n_inputs, n_outputs)``."""
        return {
            "encoder_hidden": (self.n_pixels, self.n_hidden),
            "encoder_output": (self.n_hidden, 2 * self.n_latent),
            "decoder_hidden": (self.n_latent, self.n_hidden),
            "decoder_output": (self.n_hidden, self.n_pixels),
        }

    def n_weights(self) -> int:
        """Return the number of weights (2,908,360 with the default sizes)."""
        return sum(rows * columns for rows, columns in self.shapes().values())

    def init(self, rng: np.random.Generator, dtype: type = np.float32) -> Parameters:
        """Draw weights uniformly from +-sqrt(6 / (n_inputs + n_outputs)).

        The paper does not state its initialisation; this is Glorot and Bengio's (AISTATS 2010, eq. 16).
        """
        return {name: _glorot(shape, rng).astype(dtype) for name, shape in self.shapes().items()}

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mu and log sigma^2, both ``(n, n_latent)``, of q(z | x) for images ``(n, n_pixels)``."""
        hidden = sigmoid(images @ parameters["encoder_hidden"])
        output = hidden @ parameters["encoder_output"]
        return output[:, : self.n_latent], output[:, self.n_latent :]

    def decode(self, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
        """Return the pixels ``(n, n_pixels)``, in (-1, 1), for latents ``(n, n_latent)``."""
        hidden = sigmoid(latents @ parameters["decoder_hidden"])
        return np.tanh(hidden @ parameters["decoder_output"])

    def loss_and_gradients(
        self, parameters: Parameters, images: np.ndarray, noise: np.ndarray, beta_kl: float
    ) -> tuple[ForwardLosses, Parameters]:
        """Return the losses of each image and the gradient of their mean objective.

        The objective is ``mean over images of [SSE/2 + beta_kl KL]`` (eq. 6, 7 with the beta-VAE's factor), at
        ``z = mu + noise * exp(log sigma^2 / 2)``.

        Parameters
        ----------
        parameters : dict of str to ndarray
            The weights; their dtype is the precision of everything.
        images : ndarray, shape (n, n_pixels)
            Pixels in [-1, 1].
        noise : ndarray, shape (n, n_latent)
            Standard normal draws, epsilon in eq. (10).
        beta_kl : float
            Weight of the KL term.
        """
        encoder_hidden = sigmoid(images @ parameters["encoder_hidden"])
        output = encoder_hidden @ parameters["encoder_output"]
        mean, log_variance = output[:, : self.n_latent], output[:, self.n_latent :]
        deviation = np.exp(0.5 * log_variance)
        latents = mean + noise * deviation

        scale = images.dtype.type(1 / len(images))
        sse_half, to_latents, gradients = _decoder_pass(parameters, latents, images, scale)
        kl = 0.5 * np.sum(deviation**2 + mean**2 - 1 - log_variance, axis=1)
        weight = images.dtype.type(beta_kl) * scale
        to_mean = to_latents + weight * mean  # eq. (10), (11)
        to_log_variance = 0.5 * (to_latents * noise * deviation + weight * (deviation**2 - 1))
        to_output = np.concatenate([to_mean, to_log_variance], axis=1)

        gradients["encoder_output"] = encoder_hidden.T @ to_output
        to_hidden = _through_sigmoid(to_output @ parameters["encoder_output"].T, encoder_hidden)
        gradients["encoder_hidden"] = images.T @ to_hidden
        return ForwardLosses(sse_half=sse_half, kl=kl), gradients


def _decoder_pass(
    parameters: Parameters, latents: np.ndarray, images: np.ndarray, scale: np.floating
) -> tuple[np.ndarray, np.ndarray, Parameters]:
    """Return SSE/2 of each image, and the gradients of ``scale * sum(SSE/2)`` by the latents and by the weights."""
    hidden = sigmoid(latents @ parameters["decoder_hidden"])
    pixels = np.tanh(hidden @ parameters["decoder_output"])
    error = pixels - images
    sse_half = 0.5 * np.einsum("ij,ij->i", error, error)
    error *= (1 - pixels * pixels) * scale
    to_hidden = _through_sigmoid(error @ parameters["decoder_output"].T, hidden)
    gradients = {"decoder_output": hidden.T @ error, "decoder_hidden": latents.T @ to_hidden}
    return sse_half, to_hidden @ parameters["decoder_hidden"].T, gradients


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), written with tanh so that no x overflows."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def _through_sigmoid(error: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Multiply an error by the sigmoid's slope, in place: output (1 - output)."""
    error *= output
    error *= 1 - output
    return error


def _glorot(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    bound = np.sqrt(6 / sum(shape))
    return rng.uniform(-bound, bound, size=shape)
