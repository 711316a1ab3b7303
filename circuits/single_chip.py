"""The single chip at work: an image in, its latent sampled, its reconstruction out, in one transient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from circuits import reference
from circuits.comparison import duration
from circuits.engines.engine import Engine
from circuits.engines.process import Limits
from circuits.layout import Layout
from circuits.netlist import Circuit
from circuits.waveforms import Waveforms
from crossbar.errors import InvalidValue

RESET = 2.0  # time constants that pixels and hidden neurons are held at zero


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundTrip:
    """One encode-sample-decode by an engine and by the simulator.

    Attributes
    ----------
    circuit : Circuit
    waveforms : Waveforms
    encoded, decoded : tuple of ndarray (N,)
        States at the end of each role: (simulator's, engine's).
    """

    circuit: Circuit
    waveforms: Waveforms
    encoded: tuple[np.ndarray, np.ndarray]
    decoded: tuple[np.ndarray, np.ndarray]


def timed(layout: Layout, image: np.ndarray, noise: np.ndarray) -> tuple[Circuit, np.ndarray, np.ndarray]:
    """Return the single chip with its marks set, and the simulator's states (N,) at the end of both roles."""
    encoder = layout.encode(image)
    encoded = reference.settle(encoder)
    decoder = layout.decode(layout.latents(encoded, noise))
    decoded = reference.settle(decoder)
    first = duration(reference.softest_mode(encoder, encoded))
    second = duration(reference.softest_mode(decoder, decoded))
    marks = {"encode": first, "reset": first + RESET, "decode": first + RESET + second}
    circuit = layout.both(image, noise)
    return replace(circuit, analysis=replace(circuit.analysis, marks=marks)), encoded, decoded


def round_trip(
    layout: Layout, engine: Engine, folder: Path, limits: Limits, *, image: np.ndarray, noise: np.ndarray
) -> RoundTrip:
    """Run the single chip once and return it beside the simulator.

    Raises
    ------
    EngineError, DivergedError
        The engine failed, or the simulator does not settle.
    """
    if layout.choices.wires is not None:
        raise InvalidValue("the single chip is compared without wires; leave out --wires")
    circuit, encoded, decoded = timed(layout, image, noise)
    waveforms = engine.settle(circuit, folder, limits)
    unit = circuit.electrical.time_constant
    states = [waveforms.states(circuit.names, circuit.analysis.marks[mark] * unit) for mark in ("encode", "decode")]
    return RoundTrip(circuit=circuit, waveforms=waveforms, encoded=(encoded, states[0]), decoded=(decoded, states[1]))
