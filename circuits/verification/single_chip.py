"""The single chip at work: an image in, its latent sampled, its reconstruction out, in one transient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from circuits.circuit.circuit import Circuit
from circuits.circuit.layout import Layout
from circuits.simulators.process import Limits
from circuits.simulators.simulator import Engine
from circuits.simulators.waveforms import Waveforms
from circuits.verification.chip_reference import Sample
from circuits.verification.settled import duration
from crossbar.errors import EngineError, InvalidValue

RESET = 2.0  # time constants that pixels and hidden neurons are held at zero


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundTrip:
    """One encode-sample-decode by an engine and by `crossbar`.

    Attributes
    ----------
    circuit : Circuit
    waveforms : Waveforms
    encoded, decoded : tuple of ndarray (N,)
        States at the end of each role: (the chip's by `crossbar`, the engine's).
    softest : float
        Of both roles.
    """

    circuit: Circuit
    waveforms: Waveforms
    encoded: tuple[np.ndarray, np.ndarray]
    decoded: tuple[np.ndarray, np.ndarray]
    softest: float


def timed(
    layout: Layout, sample: Sample, image: np.ndarray, noise: np.ndarray, length: Callable[[float], float] = duration
) -> Circuit:
    """Return the single chip with its marks set: each role lasts `length` of its softest mode in `sample`."""
    first, second = (length(sample.rests[role].softest) for role in ("encode", "decode"))
    marks = {"encode": first, "reset": first + RESET, "decode": first + RESET + second}
    circuit = layout.both(image, noise)
    return replace(circuit, analysis=replace(circuit.analysis, marks=marks))


def round_trip(
    layout: Layout, sample: Sample, engine: Engine, folder: Path, limits: Limits, *, image: np.ndarray,
    noise: np.ndarray,
) -> RoundTrip:  # fmt: skip
    """Run the single chip once and return it beside the chip's own states, `sample`.

    Raises
    ------
    EngineError
        The engine failed.
    """
    if layout.choices.wires is not None:
        raise InvalidValue("the single chip is compared without wires; leave out --wires")
    circuit = timed(layout, sample, image, noise)
    waveforms = engine.settle(circuit, folder, limits)
    unit = circuit.electrical.time_constant
    states = [waveforms.states(circuit.names, circuit.analysis.marks[mark] * unit) for mark in ("encode", "decode")]
    if not np.isfinite(states).all():
        raise EngineError(f"{engine.name} returned states that are not finite; try another --engine")
    encoded, decoded = (sample.rests[role] for role in ("encode", "decode"))
    return RoundTrip(
        circuit=circuit, waveforms=waveforms, encoded=(encoded.states, states[0]), decoded=(decoded.states, states[1]),
        softest=min(encoded.softest, decoded.softest),
    )  # fmt: skip
