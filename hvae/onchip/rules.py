"""Learning rules of a chip: from the signals R and S of a batch to pulses on devices.

The gradient that they follow is dL/dw_ij = -mean_batch (R_i S_j + S_i R_j); `rate` is the learning rate over the batch.

- ``pulsed-sgd``: the contrast sent as pulses by its encoding; no memory beside the devices. Gokmen and Vlasov, Front.
  Neurosci. 10:333 (2016), doi:10.3389/fnins.2016.00333.
- ``sign``: one pulse where the batch's wanted change exceeds a threshold, the Manhattan rule with a dead zone.
- ``mixed-precision``: changes summed digitally, whole steps sent; a number a weight. Nandakumar et al., Front.
  Neurosci. 14:406 (2020), doi:10.3389/fnins.2020.00406. The changes may be those of an optimizer (momentum, Muon),
  which keeps another number a weight.
- ``tiki-taka``: a fast array learns, a digital buffer collects it line by line, whole steps are sent; a second array
  and a number a weight. Version 2: Gokmen, Front. Artif. Intell. 4:699148 (2021), doi:10.3389/frai.2021.699148;
  reference at the symmetry point (zero-shifting): Kim et al. 2019, arXiv:1907.10228.
- ``float``: Adam or SGD on exact weights, the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.construction import hardware
from crossbar.errors import InvalidValue
from crossbar.programming.arrays import refresh_due
from hvae.config.run import RunConfig
from hvae.learning import optimizers
from hvae.models.hopfield import Parameters
from hvae.onchip.arrays import ARRAY, FAST, RULE, below, restore_arrays, second_array
from hvae.onchip.chip import MEAN, RESPONSE, OnChip
from hvae.onchip.pulses import give_pulses, shift_to_symmetry, wanted_change, weight_step
from hvae.streams import stream

MOMENTS = "moments/"  # of a digital optimizer, in a checkpoint
SIGN_THRESHOLD = 1.0  # rms of the wanted changes of the batch


class LearningRule(Protocol):
    """What turns the signals of a batch into changes of one array."""

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Add rate sum_b (R S^T + S R^T) to `array`, as well as the rule does."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what the rule remembers."""
        ...

    def hardware(self) -> dict[str, CrossbarArray]:
        """Return the arrays that the rule has beside the one it teaches: they cost devices, reads and pulses too."""
        ...

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take what `arrays` once returned."""
        ...


@dataclass(kw_only=True)
class PulsedSGD:
    """The contrast of every batch sent as it is, by the array's own encoding."""

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Send the contrast."""
        if response.any():
            array.update(response, mean, rate=rate, rng=rng)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return nothing: the devices remember."""
        return {}

    def hardware(self) -> dict[str, CrossbarArray]:
        """Return nothing: the array that learns is all."""
        return {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take nothing."""


@dataclass(kw_only=True)
class Sign(PulsedSGD):
    """One pulse, by the sign of the batch's wanted change, where that exceeds `threshold` times its own rms.

    The learning rate has no say: a pulse is a pulse. (At threshold 0 every device is pulsed in every batch.)
    """

    threshold: float

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Give at most one pulse a device."""
        wanted = wanted_change(array, response, mean, rate)
        limit = self.threshold * float(np.sqrt(np.mean(wanted**2)))
        give_pulses(array, np.sign(wanted) * (np.abs(wanted) > limit), rng)


@dataclass(frozen=True, kw_only=True)
class Digital:
    """What an optimizer in floats would change, from the signals of a batch.

    Attributes
    ----------
    optimizer : Optimizer
        Of one symmetric matrix, ``w``, in the blocks of its network.
    roles : int
        How often an example appears in the signals of a batch.
    """

    optimizer: optimizers.Optimizer
    roles: int

    @classmethod
    def of(cls, config: RunConfig, array: CrossbarArray, roles: int) -> Digital:
        """Return the optimizer that `config` names, for the weights of `array`."""
        return cls(optimizer=optimizers.make(config.optimizer, {"w": array.network.spans}), roles=roles)

    def step(
        self, weights: np.ndarray, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float
    ) -> np.ndarray:
        """Return `weights` (N, N), changed in place by one step; `rate` is the learning rate over the batch."""
        batch = len(response) / self.roles
        gradient = -wanted_change(array, response, mean, 1 / batch)
        self.optimizer.step({"w": weights}, {"w": gradient}, rate * batch)
        return weights


@dataclass(kw_only=True)
class MixedPrecision:
    """chi += wanted change, digitally; every whole `threshold` steps of chi are sent as pulses and taken off it.

    Attributes
    ----------
    threshold : float
        In steps of a weight, see `weight_step`.
    digital : Digital or None
        Makes the wanted changes; None for rate (R S^T + S R^T) itself.
    chi : ndarray (N, N) or None
        What has not been sent, weight units.
    """

    threshold: float
    digital: Digital | None = None
    chi: np.ndarray | None = None

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Collect, and send what is due."""
        if self.digital is None:
            wanted = wanted_change(array, response, mean, rate)
        else:
            wanted = self.digital.step(np.zeros_like(array.weights()), array, response, mean, rate)
        self.chi = wanted if self.chi is None else self.chi + wanted
        step = weight_step(array)
        pulses = self.chi / (self.threshold * step)
        np.trunc(pulses, out=pulses)
        pulses *= self.threshold
        np.rint(pulses, out=pulses)
        self.chi -= (pulses * step).astype(self.chi.dtype, copy=False)
        give_pulses(array, pulses, rng)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the digital memory."""
        moments = {} if self.digital is None else self.digital.optimizer.state
        own = {f"{MOMENTS}{name}": one for name, one in moments.items()}
        return own if self.chi is None else own | {"chi": self.chi}

    def hardware(self) -> dict[str, CrossbarArray]:
        """Return nothing: the memory is digital."""
        return {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the digital memory."""
        self.chi = np.array(arrays["chi"]) if "chi" in arrays else None
        if self.digital is not None:
            moments = below(arrays, MOMENTS)
            self.digital.optimizer.state.update({name: np.array(one) for name, one in moments.items()})


@dataclass(kw_only=True)
class TikiTaka:
    """Tiki-Taka v2: a fast array A takes the pulses, H += gain (A - reference) line by line, whole steps of H go to C.

    A's reference is its weights at the symmetry point of its devices, where alternating pulses bring it before the
    first batch (zero-shifting). C is the array that settles. A is read without noise: its reads are single lines, which
    can be averaged; assumed.

    Attributes
    ----------
    fast : CrossbarArray
        A.
    gain : float
    every : int
        Batches in which every line is read once.
    reference : ndarray (N, N)
    buffer : ndarray (N, N)
        H, weight units.
    line : int
        Next line to read.
    """

    fast: CrossbarArray
    gain: float
    every: int
    reference: np.ndarray = field(init=False)
    buffer: np.ndarray = field(init=False)
    line: int = 0

    def __post_init__(self) -> None:
        self.reference = np.array(self.fast.weights())
        self.buffer = np.zeros_like(self.reference)

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Teach the fast array, read some of its lines, send what is due."""
        if response.any():
            self.fast.update(response, mean, rate=rate, rng=rng)
        size = array.network.size
        count = -(-size // self.every)
        lines = np.arange(self.line, min(self.line + count, size))
        self.line = 0 if self.line + count >= size else self.line + count
        self.fast.counters.reads += len(lines)
        self.buffer[lines] += self.buffer.dtype.type(self.gain) * (self.fast.weights()[lines] - self.reference[lines])
        step = weight_step(array)
        due = np.trunc(self.buffer / step)
        if array.config.symmetry == "shared":
            due = np.triu(due, 1)
            self.buffer -= (due * step).astype(self.buffer.dtype)
            due = due + due.T
        else:
            self.buffer -= (due * step).astype(self.buffer.dtype)
        give_pulses(array, due, rng)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the fast array, its reference, the buffer and the next line."""
        own = {"reference": self.reference, "buffer": self.buffer, "line": np.array([self.line])}
        return own | {f"{FAST}/{name}": plane for name, plane in self.fast.state_dict().items()}

    def hardware(self) -> dict[str, CrossbarArray]:
        """Return the fast array."""
        return {FAST: self.fast}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take what `arrays` once returned."""
        self.reference, self.buffer = np.array(arrays["reference"]), np.array(arrays["buffer"])
        self.line = int(np.asarray(arrays["line"])[0])
        self.fast.load_state(below(arrays, f"{FAST}/"))


@dataclass(kw_only=True)
class FloatRule:
    """An optimizer in floats, whose weights are then written exactly: the baselines Adam and SGD on an ideal array."""

    digital: Digital

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Make one step of the optimizer; `rate` is the learning rate over the batch."""
        array.write(self.digital.step(np.array(array.weights()), array, response, mean, rate), rng)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the optimizer's moments."""
        return self.digital.optimizer.state

    def hardware(self) -> dict[str, CrossbarArray]:
        """Return nothing: the moments are floats."""
        return {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the optimizer's moments."""
        self.digital.optimizer.state.update(arrays)


@dataclass(kw_only=True)
class ChipOptimizer:
    """The learning rules of all arrays of a chip, as the training loop steps an optimizer.

    Attributes
    ----------
    chip : OnChip
    rules : dict of str to LearningRule
        By network.
    seed : int
    count : int
        Steps made; each draws from its own stream.
    """

    chip: OnChip
    rules: dict[str, LearningRule]
    seed: int
    count: int = 0

    @property
    def state(self) -> Parameters:
        """Everything that changes: devices, the arrays' noise, what the rules remember."""
        found: Parameters = {"count": np.array([self.count])}
        for name, array in self.chip.arrays.items():
            found |= {f"{ARRAY}{name}/{key}": plane for key, plane in array.state_dict().items()}
            found |= {f"{RULE}{name}/{key}": plane for key, plane in self.rules[name].arrays().items()}
        return found

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` once was."""
        self.count = int(np.asarray(state["count"])[0])
        restore_arrays(self.chip.arrays, state)
        for name, rule in self.rules.items():
            rule.restore(below(state, f"{RULE}{name}/"))

    def step(self, parameters: Parameters, gradients: Mapping[str, np.ndarray], learning_rate: float) -> None:
        """Let every array learn from its signals in `gradients`; `parameters` become what the devices then hold."""
        self.count += 1
        rng = stream(self.seed, "device", self.count)
        for name, array in self.chip.arrays.items():
            response, mean = gradients[RESPONSE + name], gradients[MEAN + name]
            rate = learning_rate * self.chip.roles / len(response)
            self.rules[name].learn(array, response, mean, rate, rng)
            for taught in (array, *self.rules[name].hardware().values()):
                refresh_due(taught, rng)
            parameters[name][...] = array.weights()


def make_rule(config: RunConfig, array: CrossbarArray, roles: int, rng: np.random.Generator) -> LearningRule:
    """Return the rule that `config` names, for `array`, whose signals hold every example `roles` times."""
    settings = config.array
    if settings.rule == "sign":
        return Sign(threshold=settings.threshold or SIGN_THRESHOLD)
    if settings.rule == "mixed-precision":
        plain = config.optimizer.name == "sgd" and config.optimizer.momentum == 0
        digital = None if plain else Digital.of(config, array, roles)
        return MixedPrecision(threshold=settings.threshold or 1.0, digital=digital)
    if settings.rule == "float":
        return FloatRule(digital=Digital.of(config, array, roles))
    if settings.rule == "tiki-taka":
        law = hardware(array.config).law
        if law is not None and law.one_sided:
            raise InvalidValue(
                f"`array.rule` 'tiki-taka' needs pulses both ways, but those of {settings.device!r} go up only: "
                "use 'pulsed-sgd', 'sign' or 'mixed-precision'"
            )
        fast = second_array(array, rng)
        shift_to_symmetry(fast, rng)
        return TikiTaka(fast=fast, gain=settings.transfer_gain, every=settings.transfer_every)
    return PulsedSGD()


def make_chip_optimizer(config: RunConfig, chip: OnChip) -> ChipOptimizer:
    """Return the rules of all arrays of `chip`, which from now on counts the arrays that they have of their own."""
    seed = config.training.seed
    rng = stream(seed, "device", 2**31)
    rules = {name: make_rule(config, array, chip.roles, rng) for name, array in chip.arrays.items()}
    chip.seconds = {f"{name}/{own}": array for name, rule in rules.items() for own, array in rule.hardware().items()}
    return ChipOptimizer(chip=chip, rules=rules, seed=seed)
