"""The picture of a series: readings with their lines of drift, and the noise of every device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crossbar.devices.series.read_noise import Fluctuation
from crossbar.devices.series.reading import Series
from crossbar.devices.series.retention import Retention


def draw(series: Series, drift: Retention, noise: Fluctuation, path: Path) -> None:
    """Write two panels to `path`: conductances over time, and noise over conductance with what was fitted."""
    canvas = Figure(figsize=(9, 3.8), layout="constrained")
    FigureCanvasAgg(canvas)
    over_time, over_size = canvas.subplots(1, 2)
    over_time.loglog(series.time, series.conductances * 1e6, ".", markersize=2, color="tab:blue", alpha=0.4)
    over_time.loglog(series.time, drift.line(series.time) * 1e6, color="tab:red", linewidth=0.8)
    over_time.set(xlabel="time [s]", ylabel="conductance [uS]", title=f"drift, nu = {drift.mean:.3g}")
    sizes = np.linspace(0, noise.means.max(), 50)
    fitted = np.hypot(noise.additive * noise.g_max, noise.relative * sizes)
    over_size.plot(noise.means * 1e6, noise.deviations * 1e6, ".", color="tab:blue")
    over_size.plot(sizes * 1e6, fitted * 1e6, color="tab:red", linewidth=0.8)
    over_size.set(xlabel="mean conductance [uS]", ylabel="read noise [uS]", title="noise about it", ylim=(0, None))
    canvas.savefig(path, dpi=150)
