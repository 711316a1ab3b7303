"""What the four estimators share: scikit-learn's manners around the learners, steps and streams of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from crossbar import console
from crossbar.errors import HopbarError, InvalidValue
from crossbar.numerics import checks
from hvae.api import fitting, settling
from hvae.api.scaling import Scaling
from hvae.config import toml_file
from hvae.config.run import RunConfig
from hvae.learning import costs
from hvae.scores import densities, sampling
from hvae.streams import stream

_PORTION = 500
_FIT = 2**30  # index of the stream that a density of z is fitted with, as of a run
_KEYS = {
    "hidden": "model.hidden", "latent": "model.latent", "sigma": "model.sigma", "gain": "model.gain",
    "pixel_neuron": "model.pixel_neuron", "hidden_neuron": "model.hidden_neuron",
    "latent_neuron": "model.latent_neuron", "latent_gain": "model.latent_gain",
    "centring": "optimizer.centring", "latent_rate": "optimizer.latent_rate",
    "density": "model.density", "epochs": "training.epochs", "batch_size": "training.batch_size",
    "beta_kl": "training.beta_kl", "precision": "training.precision", "optimizer": "optimizer.name",
    "learning_rate": "optimizer.learning_rate", "schedule": "optimizer.schedule", "momentum": "optimizer.momentum",
    "warmup": "optimizer.warmup",
    "solver": "settling.solver", "tolerance": "settling.tolerance", "max_sweeps": "settling.max_sweeps",
    "max_unsettled": "settling.max_unsettled",
    "nudging": "nudging.method", "beta": "nudging.beta", "prior": "sampling.prior",
    "components": "sampling.components",
}  # fmt: skip
"""The key of a run's configuration that each parameter of an estimator sets."""


@dataclass(eq=False, repr=False, kw_only=True)
class VAE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A variational autoencoder as a scikit-learn transformer; make one of `hvae.TiedHopfieldVAE` and its like.

    (A dataclass, which writes the signature that scikit-learn reads.)

    Parameters
    ----------
    hidden, latent : int
        Hidden neurons of each network; dimensions of z.
    beta_kl : float
        Weight of the KL term against SSE/2, which is summed over features in [-1, 1].
    learning_rate : float
    epochs, batch_size : int
        Passes over the data, and samples a step.
    optimizer : {"adam", "sgd", "muon"}
        `momentum` is of sgd and muon; `schedule` is "linear" or "cosine" (to zero at the end), or "constant". Over the
        share `warmup` of the steps the rate rises from zero.
    scaling : {"global", "feature", "none"}
        How data come to [-1, 1]: one range for all features (images), one for each (tables), or as they are.
    prior : {"standard", "gaussian", "mixture", "mixture-heldout", "encodings"}
        Where `sample` draws z from: N(0, I); one Gaussian, `components` of them, or as many as held-out likelihood asks
        for, fitted to the encoded data; or these encodings themselves.
    precision : {"float32", "float64"}
        Of weights and states, and of what is returned.
    random_state : int, RandomState or None
        An int is a run's seed: the same gives the same bytes. None takes another each time.
    verbose : int
        Above 0: a line on stderr after every epoch.

    Attributes
    ----------
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.
    n_iter_, n_steps_ : int
        Epochs and steps made.
    history_ : list of dict
        Means of each epoch's metrics: ``sse_half``, ``kl``, and how its phases went.
    unsettled_ : float or None
        Share of the samples of the last epoch that did not settle; above 2 % `fit` warns. None where nothing settles.
    learner_, parameters_, scaling_, prior_, seed_
        The trained model, its weights by name, the learned scaling, the density of z, the seed.
    """

    hidden: int
    latent: int
    beta_kl: float
    learning_rate: float
    epochs: int = 10
    batch_size: int = 128
    optimizer: str = "adam"
    schedule: str = "linear"
    momentum: float = 0.0
    warmup: float = 0.0
    scaling: str = "global"
    prior: str = "standard"
    components: int = 10
    precision: str = "float32"
    random_state: Any = None
    verbose: int = 0

    MODEL: ClassVar[str]

    def fit(self, X: Any, y: Any = None) -> VAE:  # noqa: ARG002
        """Train on `X` (n, features) and return self; `y` is not used.

        Raises
        ------
        InvalidValue, UnknownName
            A parameter that cannot be meant.
        DivergedError
            The training diverged.
        UnsettledError
            More samples of an epoch than `max_unsettled` did not settle.

        Warns
        -----
        ConvergenceWarning
            More than 2 % of the samples did not settle in the last epoch, or of their nudged phases.
        """
        values = validate_data(self, X, dtype=[np.float64, np.float32])
        config = self._config(_seed(self.random_state))
        scaling = Scaling.learned(self.scaling, values)
        images = scaling.pixels(values, np.dtype(self.precision).type)
        with _own_names():
            fitted = fitting.fit(config, images, self._tell)
        last = fitted.history[-1]
        self.scaling_, self.learner_, self.parameters_ = scaling, fitted.learner, fitted.parameters
        self.history_, self.n_iter_, self.n_steps_ = fitted.history, self.epochs, fitted.steps
        self.seed_, self.unsettled_ = config.training.seed, last.get("unconverged")
        settling.judge(fitting.shares(last), config.settling.max_unsettled)
        chance = stream(self.seed_, "sampling", _FIT)
        self.prior_ = densities.of_model(config.sampling, self.learner_, self.parameters_, images, chance)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return mu (n, latent), the means of q(z|x)."""
        images = self._pixels(X)
        return self._portions(images, lambda learner, part: learner.encode(self.parameters_, part)[0])

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return what latents `X` (n, latent) decode to, (n, features), in the unit of the data; not clipped.

        Raises
        ------
        InvalidValue
            Another number of latents.
        """
        check_is_fitted(self)
        latents = check_array(X, dtype=self._dtype)
        if latents.shape[1] != self._n_features_out:
            raise InvalidValue(f"latents must be (n, {self._n_features_out}), but got the shape {latents.shape}")
        return self.scaling_.values(
            self._portions(latents, lambda learner, part: learner.decode(self.parameters_, part))
        )

    def sample(self, n_samples: int = 1, random_state: Any = None) -> np.ndarray:
        """Return `n_samples` generated samples (n_samples, features), decoded from z ~ `prior`.

        Clipped to the range of the data, as the networks' pixels have no hard bound. An int as `random_state` repeats
        them; None draws others each time.
        """
        check_is_fitted(self)
        checks.at_least("n_samples", n_samples, 1)
        chance = stream(_seed(random_state), "sampling")
        with _own_names(), settling.counting(self.learner_, self._limit) as learner:
            pixels = sampling.generate(learner, self.parameters_, n_samples, chance, self.prior_)
        return self.scaling_.values(pixels)

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002
        """Return the mean evidence lower bound -(SSE/2 + KL) of `X`, in nats; higher is better.

        With pixels in [-1, 1] of unit variance, up to a constant, as `hopbar evaluate` has it. z is drawn from q(z|x),
        the same at every call.
        """
        images = self._pixels(X)
        with _own_names(), settling.counting(self.learner_, self._limit) as learner:
            chance = stream(self.seed_, "validation")
            output, mean, log_variance = sampling.reconstruct(learner, self.parameters_, images, chance)
        losses = costs.sse_half(output, images) + costs.kl_divergence(mean, log_variance)
        return -float(losses.mean(dtype=np.float64))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = [self.precision]  # the networks' own, whatever goes in
        return tags

    @property
    def _limit(self) -> float:
        return 1.0  # nothing settles

    @property
    def _n_features_out(self) -> int:
        return self.learner_.latent

    @property
    def _dtype(self) -> type:
        return next(iter(self.parameters_.values())).dtype.type

    def _pixels(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        values = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return self.scaling_.pixels(values, self._dtype)

    def _portions(self, rows: np.ndarray, function: Callable[[Any, np.ndarray], np.ndarray]) -> np.ndarray:
        with _own_names(), settling.counting(self.learner_, self._limit) as learner:
            parts = [function(learner, rows[first : first + _PORTION]) for first in range(0, len(rows), _PORTION)]
        return np.concatenate(parts)

    def _config(self, seed: int) -> RunConfig:
        """Return the run whose training this is (its data set is not used), with errors in the estimator's names."""
        tables: dict[str, dict[str, Any]] = {"training": {"seed": seed}}
        for name, value in self.get_params(deep=False).items():
            if name in _KEYS:
                table, _, key = _KEYS[name].partition(".")
                tables.setdefault(table, {})[key] = value.item() if isinstance(value, np.generic) else value
        with _own_names():
            return toml_file.resolve(self.MODEL, [tables])

    def _tell(self, epoch: int, metrics: Mapping[str, float]) -> None:
        if self.verbose:
            losses = f"SSE/2 {metrics['sse_half']:.4g}  KL {metrics['kl']:.4g}"
            console.stderr().print(f"{type(self).__name__} epoch {epoch} of {self.epochs}: {losses}")


@dataclass(eq=False, repr=False, kw_only=True)
class HopfieldEstimator(VAE):
    """A VAE whose networks settle: trained by equilibrium propagation.

    Parameters
    ----------
    gain : float
        Of rho(s) = sigmoid(gain s), appendix B.1.
    pixel_neuron, hidden_neuron, latent_neuron : {"sigmoid", "linear", "classical"}
        Laws of the blocks' neurons, `crossbar.hopfield.neurons`; hidden ones are not linear, the others not classical.
        Linear latents hold numbers where the paper's saturate; `latent_gain` is of sigmoid ones, `gain` if None.
    centring, latent_rate : float
        Of the gradient, `hvae.learning.preconditioning`.
    solver : {"conjugate-gradient", "euler"}
        Of the free phase: settled when no component of grad E exceeds `tolerance`; given up after `max_sweeps`.
    max_unsettled : float
        With a larger share of samples that did not settle, an epoch, an encoding or a decoding is refused; 1: never.
    nudging : {"linear-response", "centred", "positive", "negative"}
        How contrasts are made; `beta` is the strength of the last three.
    """

    gain: float = 3.0
    pixel_neuron: str = "sigmoid"
    hidden_neuron: str = "sigmoid"
    latent_neuron: str = "sigmoid"
    latent_gain: float | None = None
    centring: float = 0.0
    latent_rate: float = 1.0
    solver: str = "conjugate-gradient"
    tolerance: float = 1e-3
    max_sweeps: int = 200
    max_unsettled: float = 0.5
    nudging: str = "linear-response"
    beta: float = 0.05

    @property
    def _limit(self) -> float:
        return self.max_unsettled


@contextmanager
def _own_names() -> Iterator[None]:
    """Let errors speak of an estimator's parameters where they speak of a configuration's keys."""
    try:
        yield
    except HopbarError as error:
        message = str(error)
        for name, key in _KEYS.items():
            message = message.replace(f"`{key}", f"`{name}")
        raise type(error)(message) from error


def _seed(random_state: Any) -> int:
    """Return the seed that scikit-learn's `random_state` means: an int itself, else one that is drawn.

    Raises
    ------
    InvalidValue
        A negative int.
    """
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        checks.not_negative("random_state", int(random_state))
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
