"""Where a flow's chip carries noise, by `crossbar` alone: what the exported circuit is held against.

Nothing of the export has a part in it. The whole chip is integrated, pixels and hidden neurons,

    slowness tau dx/dt = -x + W_xh rho(h) + W_xt tau(t),    tau dh/dt = -h + rho'(h) (W rho)_h,

from 0 to slowness tau times what the chip's readout says (`after`, 1 with a clock), by scipy's LSODA to a relative
tolerance of 1e-9.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from circuits.circuit.layout import Choices
from circuits.verification.chip_reference import realised
from crossbar.chip import Chip
from crossbar.errors import DivergedError
from crossbar.hopfield.clock import times

RELATIVE, ABSOLUTE = 1e-9, 1e-10


def carried(chip: Chip, choices: Choices, noise: np.ndarray, slowness: float) -> np.ndarray:
    """Return the states (N,) at the end of the flow that begins at `noise` (n_pixels,), hidden neurons at zero.

    Raises
    ------
    DivergedError
        The integration fails, or ends in states that are not finite.
    """
    name = chip.role("generate")[0]
    network, weights = chip.networks[name], realised(chip, choices, "generate")
    population = network.population(network.names)
    pixels, hidden = network.block("pixels"), network.block("hidden")
    time = slice(pixels.stop, hidden.start)
    assert chip.readout is not None
    duration = slowness * chip.readout.after
    pace = np.ones(network.size)
    pace[pixels] = 1 / slowness
    pace[time] = 0
    n_times = time.stop - time.start

    def whole(t: float, states: np.ndarray) -> np.ndarray:
        found = states.copy()
        found[time] = times(np.array([t / duration]), n_times)[0]
        return found

    def velocity(t: float, states: np.ndarray) -> np.ndarray:
        now = whole(t, states)[None]
        signals = population.signals(now)
        found: np.ndarray = -pace * population.forces(now, signals, signals @ weights)[0]
        return found

    start = np.zeros(network.size)
    start[pixels] = noise
    found = solve_ivp(velocity, (0.0, duration), start, method="LSODA", rtol=RELATIVE, atol=ABSOLUTE)
    if not found.success or not np.isfinite(found.y[:, -1]).all():
        raise DivergedError(f"the chip's flow cannot be followed ({found.message}); check its weights")
    return whole(duration, found.y[:, -1])
