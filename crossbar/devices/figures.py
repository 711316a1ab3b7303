"""The picture of a device: conductance after each pulse, with its spread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crossbar.devices.characterisation import PulseStatistics
from crossbar.devices.presets import Preset
from crossbar.output_files import check_picture


def draw(preset: Preset, curves: PulseStatistics, n_up: int, path: Path) -> None:
    """Write the potentiation and depression curves of `preset` to `path` (PNG, PDF or SVG), in siemens.

    Parameters
    ----------
    curves : PulseStatistics
        Of `n_up` up-pulses followed by down-pulses; the band is the 5th to the 95th percentile of the devices.

    Raises
    ------
    InvalidValue
        A file type that cannot be drawn, or a folder that does not exist.
    """
    check_picture(path, "--out")
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    pulses = np.arange(1, len(curves.mean) + 1)
    parts = (("potentiation", slice(0, n_up), "tab:red"), ("depression", slice(n_up, None), "tab:blue"))
    for label, part, color in parts:
        low, middle, high = (preset.siemens(values[part]) for values in (curves.p5, curves.mean, curves.p95))
        axes.fill_between(pulses[part], low, high, color=color, alpha=0.2, linewidth=0)
        axes.plot(pulses[part], middle, color=color, label=label)
    axes.set(xlabel="pulse", ylabel="conductance [S]", title=f"{preset.title}: mean, and 5 to 95 % of devices")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
