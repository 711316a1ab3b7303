"""The picture of a memristor of one's own: what its states conduct, and its loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from circuits.measuring.loop import Loop
from circuits.memristors.own import OwnMemristor


def draw(memristor: OwnMemristor, loop: Loop, path: Path) -> None:
    """Write two panels to `path`: conductance over states at the read voltage, and |I| over V of `loop`."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    states, pinched = figure.subplots(1, 2)
    states.plot(memristor.table.states, memristor.table.conductances * 1e6, color="tab:blue")
    states.set(
        xlabel=f"{memristor.own.state}, the state", ylabel="conductance [uS]", yscale="log",
        xscale="log" if memristor.own.logarithmic else "linear", title=f"{memristor} at {memristor.read_voltage:g} V",
    )  # fmt: skip
    size = np.abs(loop.current)
    floor = size.max() * 1e-5
    pinched.plot(loop.voltage, np.maximum(size, floor) * 1e6, color="tab:red", linewidth=1)
    pinched.set(
        xlabel="voltage [V]", ylabel="|current| [uA]", yscale="log",
        title=f"{loop.volts:g} V in {loop.seconds:g} s, from {memristor.own.state} = {loop.state:.3g}",
    )  # fmt: skip
    figure.savefig(path, dpi=150)
