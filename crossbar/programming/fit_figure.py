"""The picture of a fitted device: what was measured, what the law says, what it misses, and the device in use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crossbar.devices import fitting
from crossbar.devices.fitting import Fit
from crossbar.devices.measured import PulseCurve
from crossbar.programming.trial import Trial


def draw(curves: Sequence[PulseCurve], fits: Sequence[Fit], trial: Trial, path: Path) -> None:
    """Write four panels to `path`: curves and fits, residuals, an array programmed, an array that learns.

    Parameters
    ----------
    curves, fits : sequence
        Every measured device, and what was found of it alone.
    trial : Trial
        Of the device that they make together.
    """
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 2)
    for curve, found in zip(curves, fits, strict=True):
        followed = followed_curve(curve, found)
        panels[0, 0].plot(curve.conductance * 1e6, ".", markersize=2, color="tab:blue", alpha=0.5)
        panels[0, 0].plot(followed * 1e6, color="tab:red", linewidth=1)
        panels[0, 1].plot((curve.conductance - followed) * 1e6, linewidth=0.8)
    panels[0, 0].set(xlabel="pulse", ylabel="conductance [uS]", title=f"measured, and the law {fits[0].law.name!r}")
    panels[0, 1].set(xlabel="pulse", ylabel="measured less fitted [uS]", title="residuals")
    panels[0, 1].axhline(0, color="black", linewidth=0.5)
    draw_programmed(panels[1, 0], trial)
    draw_taught(panels[1, 1], trial)
    figure.savefig(path, dpi=150)


def followed_curve(curve: PulseCurve, found: Fit) -> np.ndarray:
    """Return what the law of `found` makes of the pulses of `curve`, S, every run from its own first point."""
    low = 0.0 if found.law.one_sided else -1.0
    scale = (found.g_max - found.g_min) / 2
    weights = (curve.conductance - found.g_min) / scale + low
    return found.g_min + scale * (fitting.mean_curve(found.law, weights[fitting.starts(curve)], curve) - low)


def draw_programmed(axes: Axes, trial: Trial) -> None:
    """Draw what an array holds against what it should."""
    axes.plot(trial.wanted.ravel(), trial.written.ravel(), ".", markersize=3)
    axes.plot([-0.5, 0.5], [-0.5, 0.5], color="black", linewidth=0.5)
    words = f"write-verify: {trial.pulses:.3g} pulses a device, error {trial.programming_error:.2g} rms"
    axes.set(xlabel="weight wanted", ylabel="weight held", title=words)


def draw_taught(axes: Axes, trial: Trial) -> None:
    """Draw how an array learns a linear map, and how floats do."""
    axes.semilogy(trial.taught, label="this device", color="tab:red")
    axes.semilogy(np.maximum(trial.ideal, 1e-5), label="floats", color="black", linewidth=0.8)
    words = f"learning a linear map: {trial.taught[0]:.2g} falls to {trial.floor:.2g}"
    axes.set(xlabel="update of 8 examples", ylabel="distance of the weights, rms", title=words, ylim=(1e-3, 0.6))
    axes.legend(frameon=False)
