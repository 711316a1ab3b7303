"""The steps of eq. (3) as a noisy chip makes them: one read each, with the last states averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.settling import Settled, nudge_arrays, outcomes, step


@dataclass(frozen=True, kw_only=True)
class ChipSteps:
    """The steps of eq. (3) as the chip makes them, one read each, the last `average` states averaged.

    Attributes
    ----------
    time_step : float
        dt, in time constants.
    steps : int
    average : int
    tolerance : float
        Repeatable reads stop once every sample has max |grad E| below it; noisy ones make all steps.
    """

    time_step: float
    steps: int
    average: int = 1
    tolerance: float = 0.0

    def settle(self, landscape: Landscape, start: np.ndarray | None = None) -> Settled:
        """Make the steps from `start` (batch, n_free), or from zero."""
        drive = landscape.drive
        number = drive.dtype.type
        states = np.zeros_like(drive) if start is None else start.astype(drive.dtype, copy=True)
        linear, quadratic = nudge_arrays(landscape)
        product, total = np.empty_like(drive), np.zeros_like(drive)
        residual = np.empty(len(drive), drive.dtype)
        limit = self.tolerance if landscape.couplings.static else 0.0
        made = averaged = 0
        while made < self.steps:
            signals = landscape.neurons.signals(states)
            landscape.couplings.multiply(signals, landscape.role.within, product)
            step(landscape.neurons, states, signals, (product, drive), (linear, quadratic), self.time_step, residual)
            made += 1
            if made > self.steps - self.average:
                total += states
                averaged += 1
            if residual.max() < limit or not np.isfinite(residual).all():
                break
        states = states if averaged < 2 else total / number(averaged)
        return Settled(
            states=states, pull=product + drive, residual=residual,
            sweeps=np.full(len(drive), made), outcome=outcomes(residual, limit or np.inf),
        )  # fmt: skip
