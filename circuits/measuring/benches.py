"""Which bench takes a memristor of one's own: the simulator of its language."""

from __future__ import annotations

from circuits.measuring.bench import LIMITS, Bench, Placed, Response
from circuits.measuring.ngspice_bench import NgspiceBench
from circuits.measuring.vacask_bench import VacaskBench
from circuits.memristors.languages import ModuleText, SpiceText
from circuits.memristors.own import OwnDevice
from circuits.simulators.process import Limits

BENCHES: dict[str, Bench] = {SpiceText.language: NgspiceBench(), ModuleText.language: VacaskBench()}
"""Benches by language."""


def run(own: OwnDevice, placed: Placed, *, seconds: float, step: float, limits: Limits = LIMITS) -> Response:
    """Return the currents into memristors `placed` on the bench of their language.

    Raises
    ------
    EngineError
        The simulator is missing, or does not run the text: the message has its words.
    """
    return BENCHES[own.text.language].run(own, placed, seconds=seconds, step=step, limits=limits)
