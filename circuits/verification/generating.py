"""Does the circuit draw what the chip draws? One transient from noise to image, in an engine and by `crossbar`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from circuits.circuit.circuit import Circuit
from circuits.circuit.layout import Layout
from circuits.simulators.process import Limits
from circuits.simulators.simulator import Engine
from circuits.simulators.waveforms import Waveforms
from circuits.verification import within_supply
from circuits.verification.chip_reference import Sample
from circuits.verification.flow_reference import carried
from circuits.verification.read_back import ReadBack, read_back
from circuits.verification.verdict import OPAMP_TOLERANCE, place
from crossbar.chip import FLOW
from crossbar.errors import EngineError, InvalidValue

TOLERANCE = 1e-3  # volts, of states that reach a few: a transient's own error adds up along the flow


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """One image from noise, by the chip (`ours`) and by the engine (`theirs`): states (N,) at the end of the flow."""

    circuit: Circuit
    waveforms: Waveforms
    ours: np.ndarray
    theirs: np.ndarray


def draw(
    layout: Layout, noise: np.ndarray, slowness: float, engine: Engine, folder: Path, limits: Limits
) -> tuple[Drawn, ReadBack]:
    """Run one transient from `noise` (n_pixels,), and read its netlist back.

    Raises
    ------
    EngineError, DivergedError
    """
    circuit = layout.generate(noise, slowness)
    ours = carried(layout.chip, layout.choices, noise, slowness)
    waveforms = engine.settle(circuit, folder, limits)
    assert circuit.generation is not None
    free = np.flatnonzero(~circuit.clamped)
    theirs = ours.copy()
    end = circuit.generation.duration * circuit.electrical.time_constant
    theirs[free] = waveforms.states([circuit.names[k] for k in free], end)
    if not np.isfinite(theirs).all():
        raise EngineError(f"{engine.name} returned states that are not finite; try another --slow")
    text = read_back(layout, folder / engine.netlist, Sample(inputs={}, rests={}), noise, slowness)
    return Drawn(circuit=circuit, waveforms=waveforms, ours=ours, theirs=theirs), text


def verify(
    layout: Layout, engine: Engine, keep: Path | None, limits: Limits, *, slowness: float, n_samples: int, seed: int
) -> tuple[list[Drawn], dict[str, object]]:
    """Draw `n_samples` images in the circuit of `layout`; return them, and the verdict in plain numbers.

    Raises
    ------
    InvalidValue
        Another engine than ngspice, no samples.
    EngineError, DivergedError
    """
    if engine.name != "ngspice":
        raise InvalidValue(f"a flow's transient runs in ngspice, but got {engine.name}; leave out --engine")
    if n_samples < 1:
        raise InvalidValue(f"`n_samples` must be at least 1, but got {n_samples}")
    found: list[Drawn] = []
    texts: list[ReadBack] = []
    for index in range(n_samples):
        with place(keep, index, "generate") as folder:
            one, text = draw(layout, layout.noise(seed, index), slowness, engine, folder, limits)
        found.append(one)
        texts.append(text)
    return found, summarise(layout, engine, found, texts, slowness)


def summarise(
    layout: Layout, engine: Engine, found: Sequence[Drawn], texts: Sequence[ReadBack], slowness: float
) -> dict[str, object]:
    """Return the verdict in plain numbers."""
    chip, circuit = layout.chip, found[0].circuit
    network = chip.networks[FLOW]
    errors = np.stack([one.theirs - one.ours for one in found])
    blocks = {
        f"generate.{name}": {
            "max": float(np.abs(errors[:, network.block(name)]).max()),
            "rms": float(np.sqrt(np.mean(errors[:, network.block(name)] ** 2))),
        }
        for name in ("pixels", "hidden")
    }
    largest = float(np.max([entry["max"] for entry in blocks.values()]))  # NaN stays NaN
    tolerance = max(TOLERANCE, OPAMP_TOLERANCE if layout.choices.amplifier == "opamp" else 0.0)
    reasons = [] if largest <= tolerance else [f"the circuit is not the chip: {largest:.1e} apart"]
    for index, text in enumerate(texts):
        reasons += [f"the netlist of sample {index} is not the chip: {problem}" for problem in text.problems]
    waves = [one.waveforms for one in found]
    volts = within_supply.volts(layout, waves)
    reasons += within_supply.reasons(volts)
    assert circuit.generation is not None
    seconds = circuit.generation.duration * circuit.electrical.time_constant
    return {
        "engine": engine.name, "engine_version": engine.version(), "mode": "coupled", "analysis": "tran",
        "symmetry": circuit.array.symmetry, "device": "linear", "neuron": layout.choices.amplifier,
        "n_samples": len(found), "n_neurons": len(circuit.names), "n_memristors": circuit.array.n_memristors,
        "simulated": "generate", "slowness": slowness, "flow_seconds": seconds,
        "max_abs_error": largest, "rms_error": float(np.sqrt(np.mean(errors**2))), "blocks": blocks,
        "image_error": image_error(layout, found), "tolerance": tolerance,
        "largest_pixel_state": float(max(np.abs(one.ours[network.block("pixels")]).max() for one in found)),
        "read_back": [text.summary() for text in texts], "passed": not reasons, "reasons": reasons, **volts,
        "seconds": sum(wave.seconds for wave in waves),
        "processor_seconds": sum(wave.processor_seconds for wave in waves),
        "megabytes": max(wave.megabytes for wave in waves),
    }  # fmt: skip


def image_error(layout: Layout, found: Sequence[Drawn]) -> float:
    """Return the largest difference of a pixel of the images, as a share of the range from -1 to 1."""
    pixels, readout = layout.chip.networks[FLOW].block("pixels"), layout.chip.readout
    assert readout is not None
    pairs = [(readout.image(one.ours[pixels]), readout.image(one.theirs[pixels])) for one in found]
    return float(max(np.abs(ours - theirs).max() for ours, theirs in pairs)) / 2
