"""The picture of a flow's transient: noise, the way to the image, the simulator's image beside the engine's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from circuits.circuit.layout import Layout
from circuits.verification.figures import STYLE, shown_pixels
from circuits.verification.generating import Drawn
from crossbar.chip import FLOW

SHARES = (0.0, 0.4, 0.7, 0.9)  # of the flow


def draw_flow(layout: Layout, found: Sequence[Drawn], path: Path) -> Path:
    """Draw a row a sample: the engine's pixels on their way, its image, the simulator's, their difference."""
    chip, readout = layout.chip, layout.chip.readout
    assert readout is not None
    pixels = chip.networks[FLOW].block("pixels")
    titles = [f"t = {share:g} T" for share in SHARES] + ["ngspice, t = T", "simulator", "|difference|"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.4 * len(titles), 1.5 * len(found) + 0.3), layout="constrained")
        axes = np.atleast_2d(figure.subplots(len(found), len(titles)))
        for line, one in zip(axes, found, strict=True):
            names = [one.circuit.names[k] for k in range(pixels.start, pixels.stop)]
            end = one.circuit.analysis.stop * one.circuit.electrical.time_constant
            way = [readout.image(one.waveforms.states(names, share * end)) for share in SHARES]
            ours, theirs = readout.image(one.ours[pixels]), readout.image(one.theirs[pixels])
            for axis, image in zip(line, [*way, theirs, ours], strict=False):
                axis.imshow(shown_pixels(image, chip.image_shape), cmap="gray", vmin=-1, vmax=1)
            error = np.abs(theirs - ours).reshape(chip.image_shape)
            shown = line[-1].imshow(error if error.ndim == 2 else error.max(2), cmap="magma", vmin=0)
            figure.colorbar(shown, ax=line[-1], shrink=0.8)
            for axis in line:
                axis.set_axis_off()
        for axis, title in zip(axes[0], titles, strict=True):
            axis.set_title(title, fontsize=9)
        figure.savefig(path, dpi=150)
    return path
