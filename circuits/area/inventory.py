"""The inventory of a chip: how many of each circuit it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.area.architecture import Architecture
from circuits.area.plans import Plan
from circuits.area.tiling import TileCount


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """How many of each circuit a chip, or a set of chips, holds.

    Attributes
    ----------
    tiles : TileCount
        Weights, devices, tiles and their lines.
    n_neurons, n_capacitors, n_buffers : int
        Neuron circuits, their integrating capacitors, and the buffers that drive lines.
    n_with_rho, n_with_slope : int
        Neuron circuits that make rho (a linear neuron does not), and rho' (linear and classical ones do not).
    n_driven : int
        Devices whose current output stages can carry, at both ends: out of a buffer and into a sense amplifier, or
        from buffer to buffer in the half layout.
    n_strained : int
        Those of them on a line of a linear neuron, whose voltage exceeds that of rho = 1.
    n_clamps, n_role_selects, n_multiplexers : int
        Sample-and-holds of clamped lines; switches of lines that are clamped in one role and free in another; switches
        of circuits that serve the lines of two arrays in turn.
    dac_lines, adc_lines : tuple of int
        Lines that take turns at a group of converters; lines of different groups cannot share one.
    n_remembered : int
        Neurons whose states are kept in memory.
    n_controllers, n_dies : int
    """

    tiles: TileCount
    n_neurons: int
    n_capacitors: int
    n_buffers: int
    n_with_rho: int
    n_with_slope: int
    n_driven: int
    n_strained: int
    n_clamps: int
    n_role_selects: int
    n_multiplexers: int
    dac_lines: tuple[int, ...]
    adc_lines: tuple[int, ...]
    n_remembered: int
    n_controllers: int
    n_dies: int

    @property
    def n_memristors(self) -> int:
        """Number of devices that hold weights, or a reference of weights."""
        return self.tiles.n_memristors


def n_converters(groups: tuple[int, ...], lines_per_converter: np.ndarray) -> np.ndarray:
    """Return the number of converters that groups of lines need, sum of ceil(lines / lines per converter)."""
    counts = [np.ceil(lines / lines_per_converter) for lines in groups]
    return np.sum(counts, axis=0)


def inventory(plan: Plan, architecture: Architecture) -> Inventory:
    """Return the inventory of `plan` as a die of its own."""
    copies = architecture.n_circuits
    tiles = sum((plan.tiles(architecture) for _ in range(copies)), TileCount())
    return Inventory(
        tiles=tiles,
        n_neurons=copies * plan.n_neurons(architecture),
        n_capacitors=copies * plan.n_capacitors(architecture),
        n_buffers=copies * plan.n_rails(architecture),
        n_with_rho=copies * plan.n_with_rho(architecture),
        n_with_slope=copies * plan.n_with_slope(architecture),
        n_driven=tiles.n_memristors,
        n_strained=copies * plan.n_strained(architecture, plan.columns(architecture)),
        n_clamps=copies * plan.n_clamped,
        n_role_selects=copies * plan.n_role_selects,
        n_multiplexers=0,
        dac_lines=(plan.n_clamped,),
        adc_lines=(plan.n_read(architecture),),
        n_remembered=plan.n_remembered,
        n_controllers=1,
        n_dies=1,
    )
