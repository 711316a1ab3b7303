"""Pictures of a verification: the engine's image beside ours with the error map, and waveforms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from circuits.circuit.circuit import Circuit
from circuits.circuit.layout import Layout
from circuits.simulators.waveforms import Waveforms
from circuits.verification.verdict import Verification

SHOWN = 8  # waveforms of a block
COLOURS = {"pixels": "#4477aa", "hidden": "#999933", "latent": "#cc3311"}
STYLE: dict[Any, Any] = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "hopbar"}


def draw_images(layout: Layout, verification: Verification, path: Path) -> Path | None:
    """Draw input, simulator's image, engine's image and their difference, a row a sample; None without a decoder."""
    rows = _decoded(layout, verification)
    if not rows:
        return None
    shape: tuple[int, ...] = layout.chip.image_shape
    if np.prod(shape) != len(rows[0][1]):
        shape = (1, len(rows[0][1]))  # pixels of no known place: one row
    engine = str(verification.summary["engine"])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 1.9 * len(rows) + 0.3), layout="constrained")
        axes = np.atleast_2d(figure.subplots(len(rows), 4))
        for line, (sample, ours, theirs) in zip(axes, rows, strict=True):
            for axis, image in zip(line[:3], (layout.image(sample), ours, theirs), strict=True):
                axis.imshow(shown_pixels(image, shape), cmap="gray", vmin=-1, vmax=1)
            error = np.abs(theirs - ours).reshape(shape)
            error = error if error.ndim == 2 else error.max(2)
            drawn = line[3].imshow(error, cmap="magma", vmin=0)
            figure.colorbar(drawn, ax=line[3], shrink=0.8).ax.set_title("V", fontsize=8)
            for axis in line:
                axis.set_axis_off()
        for axis, title in zip(axes[0], ("image in", "simulator", engine, "|difference|"), strict=True):
            axis.set_title(title, fontsize=9)
        figure.savefig(path, dpi=150)
    return path


def shown_pixels(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return pixels in [-1, 1] as matplotlib draws them: grey as they are, colours from 0 to 1."""
    pixels = image.reshape(shape)
    return pixels if pixels.ndim == 2 else np.clip((pixels + 1) / 2, 0, 1)


def _decoded(layout: Layout, verification: Verification) -> list[tuple[int, np.ndarray, np.ndarray]]:
    network = layout.chip.networks[layout.chip.role("decode")[0]]
    pixels = network.block("pixels")
    rows = [
        (sample, one.ours[pixels], one.theirs[pixels])
        for role, sample, one in verification.comparisons
        if role == "decode"
    ]
    return rows + [(sample, trip.decoded[0][pixels], trip.decoded[1][pixels]) for sample, trip in verification.trips]


def draw_waveforms(layout: Layout, circuit: Circuit, waveforms: Waveforms, path: Path) -> Path | None:
    """Draw states over time, some of each block, with the simulator's clock in time constants; None without time."""
    if len(waveforms.time) < 2:
        return None
    network = layout.chip.networks["tied" if layout.chip.tied else layout.chip.role(_role(circuit, layout))[0]]
    saved = [name for index, name in enumerate(circuit.names) if circuit.turn is not None or not circuit.clamped[index]]
    traces = dict(zip(saved, waveforms.traces(saved).T, strict=True))
    time = waveforms.time / circuit.electrical.time_constant
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2 * len(network.names)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(len(network.names), 1, sharex=True))
        for axis, block in zip(axes, network.names, strict=True):
            names = [name for name in circuit.names[network.block(block)] if name in traces]
            for name in names[:: max(1, len(names) // SHOWN)][:SHOWN]:
                axis.plot(time, traces[name], lw=1, color=COLOURS.get(block, "0.3"), alpha=0.7)
            for mark in circuit.analysis.marks.values():
                axis.axvline(mark, color="0.8", lw=0.8, zorder=0)
            axis.set_ylabel(f"{block}\nstate (V)")
        axes[-1].set_xlabel("time (neuron time constants)")
        figure.savefig(path, dpi=150)
    return path


def _role(circuit: Circuit, layout: Layout) -> str:
    network = layout.chip.networks[layout.chip.role("encode")[0]]
    same = len(circuit.names) == network.size and circuit.clamped[network.block("pixels")].all()
    return "encode" if same else "decode"
