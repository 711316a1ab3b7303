"""What is measured beside the curves: every part of a neuron's surroundings and the neuron, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from circuits.silicon import biasing, followers, holding, lines, resting
from circuits.silicon.bench import Conditions

Measure = Callable[[Conditions, int, int], Any]

PARTS: dict[str, Measure] = {
    "follower": lambda conditions, draws, seed: followers.measure_follower(conditions, draws=draws, seed=seed),
    "word-driver": lambda conditions, _draws, _seed: followers.measure_driver(conditions),
    "conveyor": lambda conditions, draws, seed: lines.measure(conditions, draws=draws, seed=seed),
    "neuron": lambda conditions, draws, seed: resting.measure(conditions, draws=draws, seed=seed),
    "switch": lambda conditions, _draws, _seed: holding.measure_switch(conditions),
    "sample-hold": lambda conditions, _draws, _seed: holding.measure_sample_hold(conditions),
    "bias": lambda conditions, draws, seed: biasing.measure(conditions, draws=draws, seed=seed),
}
"""Each takes conditions, draws and seed; those without mismatch leave the last two alone."""


def measure(name: str, conditions: Conditions, *, draws: int, seed: int) -> dict[str, object]:
    """Return what was measured of the part `name`, as JSON takes it: volts, amperes, ohms, seconds, watts, um2.

    Raises
    ------
    MissingFile, EngineError, InvalidValue
        As in `circuits.silicon.bench.simulate`.
    """
    return PARTS[name](conditions, draws, seed).record()
