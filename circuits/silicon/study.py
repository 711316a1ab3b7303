"""Everything that is measured of cells: curves by corner, temperature and current, spread, speed, noise and power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from circuits.cells.sky130 import cell as named
from circuits.cells.sky130.cell import rho
from circuits.cells.sky130.process import SUPPLY
from circuits.silicon import neuron
from circuits.silicon.bench import Conditions, Instance
from circuits.silicon.dynamics import Dynamics, dynamics
from circuits.silicon.spread import Spread, spread
from circuits.silicon.transfer import Curve, curves, sweep
from crossbar.hopfield import mismatch

LEVELS = (1e-10, 1e-9, 1e-8, 1e-7, 1e-6)


@dataclass(frozen=True, kw_only=True, eq=False)
class Corner:
    """The curves of all cells under one set of conditions, and between what voltages their nodes were."""

    conditions: Conditions
    curves: dict[str, Curve]
    swing: tuple[float, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """What was measured.

    Attributes
    ----------
    conditions : Conditions
        The nominal ones.
    corners : list of Corner
        The first is nominal.
    levels : list of Corner
        By current.
    spreads : dict of str to Spread
    dynamics : dict of str to Dynamics
    seed : int
    """

    conditions: Conditions
    corners: list[Corner]
    levels: list[Corner]
    spreads: dict[str, Spread]
    dynamics: dict[str, Dynamics]
    seed: int

    @property
    def neurons(self) -> mismatch.Spread | None:
        """Return the spread of neurons of these cells, or None where one of rho or one of rho' is missing."""
        laws = {name: curve.cell.law is rho for one in self.corners[:1] for name, curve in one.curves.items()}
        of_rho = [name for name, is_rho in laws.items() if is_rho]
        of_slope = [name for name, is_rho in laws.items() if not is_rho]
        if not (of_rho and of_slope):
            return None
        best = min(of_slope, key=lambda name: self.spreads[name].of_leak)
        return neuron.neurons(self.spreads[of_rho[0]], self.spreads[best], self.conditions)


def measure(names: Sequence[str], conditions: Conditions) -> Corner:
    """Return the curves of the cells `names`, in one simulation."""
    instances = [Instance(name=one.subcircuit, cell=one) for one in map(named, names)]
    found = sweep(instances, conditions)
    fits = curves(instances, conditions, found).values()
    return Corner(conditions=conditions, curves=dict(zip(names, fits, strict=True)), swing=found.swing)


def study(
    names: Sequence[str], conditions: Conditions, *, corners: Sequence[str], temperatures: Sequence[float], draws: int,
    seed: int, levels: Sequence[float] = LEVELS,
) -> Study:  # fmt: skip
    """Measure the cells `names`; every corner at every temperature, after the nominal one.

    Raises
    ------
    UnknownName, InvalidValue, MissingFile, EngineError
        As in `circuits.silicon.bench.run` and `circuits.silicon.spread.spread`.
    """
    if not names:
        return Study(conditions=conditions, corners=[], levels=[], spreads={}, dynamics={}, seed=seed)
    others = [replace(conditions, corner=corner, temperature=celsius) for corner in corners for celsius in temperatures]
    rng = np.random.default_rng(seed)
    return Study(
        conditions=conditions,
        corners=[measure(names, one) for one in dict.fromkeys([conditions, *others])],
        levels=[measure(names, replace(conditions, current=current)) for current in levels],
        spreads={name: spread(named(name), conditions, draws, rng) for name in names},
        dynamics={name: dynamics(named(name), conditions) for name in names},
        seed=seed,
    )


def record(found: Study) -> dict[str, Any]:
    """Return a study as JSON takes it: SI units, gains as errors of the paper's 3 per unit of the state."""
    conditions = found.conditions
    cells = {
        name: {
            **_curve(curve, conditions),
            "gate_area_um2": curve.cell.gate_area,
            "transistors": len(curve.cell.transistors),
            "spread": _spread(found.spreads[name], conditions),
            "settling_s": found.dynamics[name].settling,
            "power_W": found.dynamics[name].power,
            "noise_of_full_scale": found.dynamics[name].noise,
        }
        for one in found.corners[:1]
        for name, curve in one.curves.items()
    }
    spread = found.neurons
    neurons = None if spread is None else {"gain": spread.gain, "offset": spread.offset, "leak": spread.leak}
    return {
        "supply_V": SUPPLY, "scale_V": conditions.scale, "middle_V": conditions.middle,
        "reach": conditions.reach, "current_A": conditions.current, "seed": found.seed, "cells": cells,
        "corners": [_corner(one) for one in found.corners], "levels": [_corner(one) for one in found.levels],
        "neurons": neurons, "options": None if spread is None else neuron.options(spread),
    }  # fmt: skip


def _corner(one: Corner) -> dict[str, Any]:
    told = {
        "corner": one.conditions.corner, "temperature_C": one.conditions.temperature,
        "current_A": one.conditions.current, "nodes_V": list(one.swing),
    }  # fmt: skip
    return {**told, "cells": {name: _curve(curve, one.conditions) for name, curve in one.curves.items()}}


def _curve(curve: Curve, conditions: Conditions) -> dict[str, float]:
    return {
        "amplitude": curve.amplitude, "gain_per_V": curve.gain,
        "gain_error": neuron.gain_error(curve.gain, conditions), "offset": curve.offset / conditions.scale,
        "largest_error": curve.largest_error,
    }  # fmt: skip


def _spread(spread: Spread, conditions: Conditions) -> dict[str, float]:
    return {
        "draws": len(spread.gain), "gain": spread.of_gain, "offset": spread.of_offset / conditions.scale,
        "amplitude": spread.of_amplitude, "leak": spread.of_leak,
    }  # fmt: skip
