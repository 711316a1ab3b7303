"""The learning rules of all arrays of a chip, chosen by name, as the training loop steps an optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.construction import hardware
from crossbar.errors import InvalidValue
from crossbar.programming.arrays import refresh_due
from hvae.config.array import ArraySettings
from hvae.config.run import RunConfig
from hvae.models.hopfield import Parameters
from hvae.onchip.arrays import ARRAY, RULE, below, restore_arrays, second_array
from hvae.onchip.chip import MEAN, RESPONSE, OnChip
from hvae.onchip.pulses import shift_to_symmetry
from hvae.onchip.rules.digital import Digital, FloatRule, MixedPrecision
from hvae.onchip.rules.pulsed import PulsedSGD, Sign
from hvae.onchip.rules.rule import LearningRule
from hvae.onchip.rules.tiki_taka import Chopped, Dynamic, Fixed, Reference, TikiTaka
from hvae.streams import stream

SIGN_THRESHOLD = 1.0  # rms of the wanted changes of the batch


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
        reference = _reference(settings, fast, rng)
        return TikiTaka(
            fast=fast, gain=settings.transfer_gain, every=settings.transfer_every, reference=reference
        )
    return PulsedSGD()


def _reference(settings: ArraySettings, fast: CrossbarArray, rng: np.random.Generator) -> Reference:
    """Return what `fast` is compared with; devices that need to stand at their symmetry point are brought there."""
    if settings.transfer_reference == "dynamic":
        return Dynamic(at=np.array(fast.weights()), every=settings.chop_every)
    shift_to_symmetry(fast, rng)
    at = np.array(fast.weights())
    if settings.transfer_error:
        missed = settings.transfer_error * 2 * settings.weight_limit * rng.standard_normal(at.shape)
        at = (at + np.triu(missed, 1) + np.triu(missed, 1).T).astype(at.dtype)
    if settings.transfer_reference == "symmetry-point":
        return Fixed(at=at)
    return Chopped(at=at, every=settings.chop_every)


def make_chip_optimizer(config: RunConfig, chip: OnChip) -> ChipOptimizer:
    """Return the rules of all arrays of `chip`, which from now on counts the arrays that they have of their own."""
    seed = config.training.seed
    rng = stream(seed, "device", 2**31)
    rules = {name: make_rule(config, array, chip.roles, rng) for name, array in chip.arrays.items()}
    chip.seconds = {f"{name}/{own}": array for name, rule in rules.items() for own, array in rule.hardware().items()}
    return ChipOptimizer(chip=chip, rules=rules, seed=seed)
