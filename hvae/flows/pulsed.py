"""A flow that is taught on a crossbar: the field is that of its devices, and what is learned reaches them as pulses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.construction import hardware
from crossbar.chip import FLOW, Conductances
from crossbar.errors import InvalidValue
from crossbar.programming.arrays import refresh_due
from hvae.config.array import ArraySettings
from hvae.config.flow import Teaching
from hvae.config.run import OptimizerConfig
from hvae.flows.course import MOMENTUM, Course, Taught
from hvae.flows.field import Field
from hvae.learning import optimizers
from hvae.models.hopfield import Parameters
from hvae.onchip.arrays import ARRAY, RULE, array_config, below
from hvae.onchip.rules.digital import Digital, MixedPrecision
from hvae.streams import stream


@dataclass(kw_only=True)
class PulsedCourse(Taught):
    """A flow that is being learned on an array.

    Every step settles on what the devices hold; R and S of the batch go to the rule, Muon sums what they ask for
    digitally, and whole steps of it are sent as pulses (`hvae.onchip.rules.digital.MixedPrecision`).

    Attributes
    ----------
    array : CrossbarArray
    rule : MixedPrecision
    parameters : dict
        What the devices hold now, ``flow``.
    """

    field: Field
    array: CrossbarArray
    rule: MixedPrecision

    @classmethod
    def begin(cls, samples: np.ndarray, teaching: Teaching, settings: ArraySettings, seed: int) -> PulsedCourse:
        """Return the course of `teaching` on the array of `settings` before its first step.

        Raises
        ------
        InvalidValue
            An array whose reads are noisy, not symmetric or converted, or another rule than mixed-precision.
        """
        check(settings)
        plain = Course.begin(samples, teaching, seed)
        assert isinstance(plain.field, Field)
        network, rng = plain.field.network, stream(seed, "device")
        config = array_config(settings)
        array = CrossbarArray.from_weights(network, plain.parameters[FLOW], config, rng)
        muon = OptimizerConfig(name="muon", learning_rate=teaching.rate, momentum=MOMENTUM)
        digital = Digital(optimizer=optimizers.make(muon, {"w": network.spans}), roles=1)
        rule = MixedPrecision(threshold=settings.threshold or 1.0, digital=digital)
        held = {FLOW: np.array(array.weights())}
        return cls(lessons=plain.lessons, field=plain.field, array=array, rule=rule, parameters=held)

    @property
    def memory(self) -> Parameters:
        """What a checkpoint keeps beside the weights: devices and the rule's digital memory."""
        devices = {f"{ARRAY}{FLOW}/{name}": plane for name, plane in self.array.state_dict().items()}
        return devices | {f"{RULE}{FLOW}/{name}": plane for name, plane in self.rule.arrays().items()}

    def restore(self, step: int, parameters: Parameters, memory: Mapping[str, np.ndarray]) -> None:
        """Go on from what a checkpoint holds."""
        self.step, self.parameters = step, parameters
        self.array.load_state(below(memory, f"{ARRAY}{FLOW}/"))
        self.rule.restore(below(memory, f"{RULE}{FLOW}/"))

    def conductances(self) -> dict[str, Conductances]:
        """Return the devices as they are now, for a chip."""
        plus, minus = self.array.conductances()
        return {
            FLOW: Conductances(
                plus=plus, minus=minus, siemens_per_weight=self.array.mapping.siemens_per_weight,
                device=hardware(self.array.config).name, report={"learned_here_steps": float(self.step)},
                gains=self.array.gains,
            )
        }  # fmt: skip

    def advance(self) -> float:
        """Make one step; return the loss |v - u|^2 / 2 of its batch before it.

        Raises
        ------
        DivergedError
            The loss is no longer finite.
        """
        lesson = self.lessons.at(self.step)
        now = self.field.with_weights(self.parameters[FLOW])
        rest = now.rest(lesson.x, lesson.t)
        residual = now.at_rest(rest) - lesson.target
        loss = self.checked(float((residual**2).sum(1).mean() / 2))
        moved, signals = now.contrast(rest, residual)
        rate = self.rate / self.lessons.teaching.batch
        rng = stream(self.lessons.seed, "device", self.step + 1)
        self.rule.learn(self.array, -moved, signals, rate, rng)
        refresh_due(self.array, rng)
        self.parameters = {FLOW: np.array(self.array.weights())}
        self.step += 1
        return loss


def check(settings: ArraySettings) -> None:
    """Refuse an array on which no flow is taught yet.

    Raises
    ------
    InvalidValue
    """
    if settings.rule != "mixed-precision":
        raise InvalidValue(f"a flow learns by array.rule mixed-precision, but got {settings.rule!r}: leave it out")
    if settings.symmetry != "shared":
        raise InvalidValue("a field is the slope of an energy, which needs W = W^T: leave `array.symmetry` at shared")
    noisy = ("read_noise", "read_noise_relative", "output_noise", "dac_bits", "adc_bits", "wire_resistance",
             "wire_node", "cell_v0")  # fmt: skip
    for name in noisy:
        if getattr(settings, name):
            raise InvalidValue(f"a flow is taught with exact reads so far: leave out `array.{name}`")
