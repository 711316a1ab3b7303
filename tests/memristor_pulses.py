"""A memristor cell under voltage pulses, in a circuit of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from circuits.simulators.ngspice import Ngspice
from circuits.simulators.process import Limits
from circuits.simulators.workplace import workplace
from crossbar.errors import InvalidValue


class PulsedMemristor(Protocol):
    """A memristor model with a state that pulses move."""

    def subcircuit(self) -> str:
        """Return the definition of `memristor p q x0=`, its state the voltage of the internal node x."""
        ...


def pulse_train(voltages: np.ndarray, width: float, gap: float) -> str:
    """Return a SPICE piecewise-linear waveform: one pulse of `width` seconds per voltage, `gap` seconds apart.

    Edges take a thousandth of the width.
    """
    edge, time = 1e-3 * width, gap
    points = ["0 0"]
    for voltage in np.asarray(voltages, float).tolist():
        points += [f"{time!r} 0", f"{time + edge!r} {voltage!r}", f"{time + width!r} {voltage!r}"]
        points.append(f"{time + width + edge!r} 0")
        time += width + edge + gap
    return "PWL(" + " ".join(points) + ")"


def states_after_pulses(
    model: PulsedMemristor, start: float, voltages: np.ndarray, *, width: float, folder: Path, limits: Limits
) -> np.ndarray:
    """Return the state after each of `voltages` (n_pulses,), simulated by ngspice from `start`.

    Raises
    ------
    InvalidValue
        No pulses, or a width that is not positive.
    EngineError
        ngspice is missing or failed.
    """
    if not len(voltages) or not width > 0:
        raise InvalidValue("give at least one pulse, and a positive width in seconds")
    Ngspice().check()
    gap = width
    period = width * 1.001 + gap
    stop = period * len(voltages) + gap
    lines = [
        "* a memristor under pulses\n", model.subcircuit(), f"Vpulse p 0 {pulse_train(voltages, width, gap)}\n",
        f"Xdevice p 0 memristor x0={float(start)!r}\n", "Ecopy s_device 0 xdevice.x 0 1\n",
        ".options method=gear reltol=1e-5 abstol=1e-15 vntol=1e-10 chgtol=1e-18 gmin=1e-18\n", ".save v(s_device)\n",
        f".tran {width / 100!r} {stop!r} 0 {width / 50!r} uic\n", ".end\n",
    ]  # fmt: skip
    with workplace(folder) as private:
        path = private / "pulses.cir"
        path.write_text("".join(lines))
        waveforms = Ngspice().run(path, limits)
    ends = [period * (index + 1) + 0.5 * gap for index in range(len(voltages))]
    return np.array([float(waveforms.states(["device"], end)[0]) for end in ends])
