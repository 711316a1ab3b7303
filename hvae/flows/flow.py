"""A flow from N(0, I) to samples: learned by flow matching, drawn from by Heun's steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as field_

import numpy as np

from crossbar.errors import DivergedError, InvalidValue
from crossbar.hopfield.couplings import random_weights
from crossbar.numerics import checks
from hvae.config.run import OptimizerConfig
from hvae.flows import field
from hvae.flows.field import Field
from hvae.flows.pairing import Nearest, Pairing
from hvae.learning import optimizers

STEPS = 30  # of Heun's method, two settlings each
_PORTION = 2000
_START = 0.7  # of the usual spread of first weights: the energy has one minimum then


@dataclass(frozen=True, kw_only=True)
class Teaching:
    """How a flow is learned.

    Attributes
    ----------
    hidden : int
        Hidden neurons.
    steps, batch : int
    pairing : Pairing
    rate : float
        Of Muon; it rises over the first twentieth and falls to zero from a third on.
    """

    hidden: int = 512
    steps: int = 3000
    batch: int = 256
    rate: float = 3e-3
    pairing: Pairing = field_(default_factory=Nearest)

    def __post_init__(self) -> None:
        for name in ("hidden", "steps", "batch"):
            checks.at_least(name, getattr(self, name), 1)
        checks.positive("rate", self.rate)


@dataclass(frozen=True, kw_only=True)
class Units:
    """What flows is (sample - mean) / scale; arrays (d,), or numbers for all coordinates."""

    mean: np.ndarray | float = 0.0
    scale: np.ndarray | float = 1.0


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A generator: noise that follows a field from t = 0 to 1.

    Attributes
    ----------
    field : Field
    units : Units
    """

    field: Field
    units: Units

    @property
    def devices(self) -> int:
        """Pairs of devices that a chip holds for it."""
        return self.field.devices

    def sample(self, count: int, rng: np.random.Generator, steps: int = STEPS) -> np.ndarray:
        """Return samples (count, d), float64, by `steps` of Heun's method."""
        noise = rng.standard_normal((count, dict(self.field.network.blocks)["state"])).astype(self.field.weights.dtype)
        parts = [self._follow(noise[first : first + _PORTION], steps) for first in range(0, count, _PORTION)]
        return np.concatenate(parts).astype(np.float64) * self.units.scale + self.units.mean

    def _follow(self, x: np.ndarray, steps: int) -> np.ndarray:
        size = x.dtype.type(1 / steps)
        for step in range(steps):
            now, then = (np.full(len(x), (step + k) / steps, x.dtype) for k in (0, 1))
            first = self.field.velocity(x, now)
            second = self.field.velocity(x + size * first, then)
            x = x + size * (first + second) / 2
        return x


def learn(
    samples: np.ndarray,
    teaching: Teaching,
    rng: np.random.Generator,
    spread: np.ndarray | float = 0.0,
    units: Units | None = None,
    tell: Callable[[int, float], object] = lambda *_: None,
) -> Flow:
    """Return the flow that flow matching teaches to make `samples` (n, d).

    Parameters
    ----------
    spread : float or ndarray (d,)
        Standard deviation of noise that is added to every sample drawn, as q(z|x) has.
    units : Units or None
        Origin and unit of what flows; those in which every coordinate has mean 0 and variance 1 if None.
    tell : callable
        Hears each step and its loss.

    Raises
    ------
    InvalidValue
        Fewer than two samples, or numbers that are not finite.
    DivergedError
        The loss is no longer finite.
    """
    samples = np.asarray(samples, np.float32)
    if samples.ndim != 2 or len(samples) < 2 or not np.isfinite(samples).all():
        raise InvalidValue(f"`samples` must be at least two rows of finite numbers, but got {samples.shape}")
    units = units or Units(mean=samples.mean(0), scale=np.maximum(samples.std(0), 1e-6))
    whole = field.network(samples.shape[1], teaching.hidden)
    first = _START * random_weights(whole, rng, np.float32) * whole.mask()
    flow = Field(network=whole, weights=first.astype(np.float32))
    muon = OptimizerConfig(name="muon", learning_rate=teaching.rate, momentum=0.9)
    optimizer, weights = optimizers.make(muon, {"w": whole.spans}), {"w": flow.weights.copy()}
    for step in range(teaching.steps):
        x, t, target = drawn(samples, spread, units, teaching, rng)
        gradient, loss = flow.with_weights(weights["w"]).gradient(x, t, target)
        if not np.isfinite(loss):
            raise DivergedError(f"the flow diverged at step {step + 1}: lower its rate, {teaching.rate:g}")
        optimizer.step(weights, {"w": gradient}, teaching.rate * _schedule(step / teaching.steps))
        tell(step + 1, loss)
    return Flow(field=flow.with_weights(weights["w"]), units=units)


def drawn(
    samples: np.ndarray, spread: np.ndarray | float, units: Units, teaching: Teaching, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, t and u = x_1 - x_0 of a batch: x_1 a sample in `units`, x_0 noise, x between them at t."""
    chosen = samples[rng.integers(len(samples), size=teaching.batch)]
    noisy = chosen + spread * rng.standard_normal(chosen.shape)
    end = ((noisy - units.mean) / units.scale).astype(np.float32)
    start = rng.standard_normal(end.shape, dtype=np.float32)
    start = teaching.pairing.paired(start, end)
    t = rng.random(teaching.batch, dtype=np.float32)
    return (1 - t)[:, None] * start + t[:, None] * end, t, end - start


def _schedule(share: float) -> float:
    """Return the rate at a share of the steps, relative to its height."""
    return min(1.0, 20 * share + 0.02) * min(1.0, (1 - share) * 1.5)
