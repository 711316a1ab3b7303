"""Silicon area of a chip by component: an inventory times what each circuit measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from circuits.area.architecture import Architecture
from circuits.area.inventory import Inventory, inventory, n_converters
from circuits.area.networks import Model
from circuits.area.sharing import combine
from circuits.area.technology import POINTS, Point, Technology

COMPONENTS = (
    "cells",
    "line_ends",
    "partial_sums",
    "neuron_cores",
    "capacitors",
    "buffers",
    "output_stages",
    "clamps",
    "role_selects",
    "multiplexers",
    "dacs",
    "adcs",
    "memory",
    "control",
    "pads",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A quantity at the low, typical and high point of a technology, and its percentiles over draws of it."""

    low: float
    typical: float
    high: float
    p5: float
    p50: float
    p95: float

    @classmethod
    def of(cls, points: tuple[float, ...], draws: np.ndarray) -> Interval:
        """Return the interval of values at the three `points` and over `draws` (n,)."""
        p5, p50, p95 = (float(value) for value in np.percentile(draws, [5, 50, 95]))
        low, typical, high = (float(point) for point in points)
        return cls(low=low, typical=typical, high=high, p5=p5, p50=p50, p95=p95)


def model_inventory(model: Model, architecture: Architecture, sharing: str) -> Inventory:
    """Return the inventory of `model`; `sharing` is what its networks share, if it has two."""
    return combine([inventory(plan, architecture) for plan in model.plans], sharing)


def rest_conductance(point: Point, level: float) -> np.ndarray:
    """Return the conductance in siemens of a device that holds a weight of zero, `level` of the way up its range."""
    g_max = point["conductance_max"]
    g_min = g_max / point["on_off_ratio"]
    return g_min + level * (g_max - g_min)


def output_current(n_driven: int, n_strained: int, point: Point, level: float) -> np.ndarray:
    """Return the largest current (A) that all output stages deliver together: both ends of a device, all at rho = 1.

    Devices are taken at a weight of zero. `n_strained` of the `n_driven` are on lines of linear neurons, which go to
    `linear_swing` times that voltage.
    """
    conducting = n_driven + n_strained * (point["linear_swing"] - 1)
    return 2 * conducting * point["read_voltage"] * rest_conductance(point, level)


def neuron_cores(counts: Inventory, point: Point) -> np.ndarray:
    """Return the neuron circuits as so many of the paper's: one without rho, or without rho', lacks its share."""
    spared = point["rho_share"] * (counts.n_neurons - counts.n_with_rho)
    return counts.n_neurons - spared - point["slope_share"] * (counts.n_neurons - counts.n_with_slope)


def component_areas(counts: Inventory, architecture: Architecture, point: Point, node: int) -> dict[str, np.ndarray]:
    """Return the area of each component in mm2, routing included, with the shape of the values of `point`."""
    both_ways = point["bidirectional"] if architecture.layout == "half" else np.asarray(1.0)
    line_end = both_ways * (point.area("line_switch", node) + point.area("write_switch", node))
    blocks = {
        "cells": (counts.n_memristors + counts.tiles.n_replicas) * point.area(f"cell_{architecture.cell}", node),
        "line_ends": counts.tiles.n_line_ends * line_end,
        "partial_sums": counts.tiles.n_tile_columns * both_ways * point.area("partial_sum", node),
        "neuron_cores": neuron_cores(counts, point) * point.area("neuron_core", node),
        "capacitors": counts.n_capacitors * point["integrator_capacitance"] / point["capacitor_density"],
        "buffers": counts.n_buffers * point.area("line_buffer", node),
        "output_stages": 1e3
        * output_current(counts.n_driven, counts.n_strained, point, architecture.rest_level)
        * point.scaled("output_stage", node),  # um2/mA
        "clamps": counts.n_clamps * point.area("clamp", node),
        "role_selects": counts.n_role_selects * point.area("role_select", node),
        "multiplexers": counts.n_multiplexers * point.area("role_select", node),
        "dacs": n_converters(counts.dac_lines, point["lines_per_dac"]) * point.area("dac", node),
        "adcs": n_converters(counts.adc_lines, point["lines_per_adc"]) * point.area("adc", node),
        "memory": counts.n_remembered * point["bits_per_line"] * point.area("memory_bit", node),
        "control": counts.n_controllers * point["control_gates"] * point.area("gate", node),
    }
    areas = {name: 1e-6 * point["routing"] * area for name, area in blocks.items()}
    return {**areas, "pads": 1e-6 * counts.n_dies * point.area("pads", node)}


def total_area(areas: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the sum of component areas."""
    return np.sum([np.asarray(area) for area in np.broadcast_arrays(*areas.values())], axis=0)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The conditions under which areas are estimated, with one set of draws that all chips share.

    Attributes
    ----------
    technology : Technology
    node : int
        In nm.
    draws : Point
        Drawn values of every parameter.
    """

    technology: Technology
    node: int
    draws: Point

    def areas(self, counts: Inventory, architecture: Architecture) -> tuple[list[dict[str, np.ndarray]], dict]:
        """Return component areas (mm2) at the low, typical and high point, and over the draws."""
        points = [component_areas(counts, architecture, self.technology.values(point), self.node) for point in POINTS]
        return points, component_areas(counts, architecture, self.draws, self.node)


def scenario(technology: Technology, node: int, n_draws: int, rng: np.random.Generator) -> Scenario:
    """Return a scenario with `n_draws` draws from `rng`.

    Raises
    ------
    InvalidValue
        The technology does not know `node`.
    """
    technology.check_node(node)
    return Scenario(technology=technology, node=node, draws=technology.draws(n_draws, rng))


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaEstimate:
    """The inventory and the area of one model."""

    model: Model
    inventory: Inventory
    total: Interval
    components: Mapping[str, Interval]


def estimate(model: Model, architecture: Architecture, sharing: str, conditions: Scenario) -> AreaEstimate:
    """Return inventory and area of `model` under `conditions`."""
    counts = model_inventory(model, architecture, sharing)
    points, draws = conditions.areas(counts, architecture)
    size = conditions.draws["routing"].shape
    components = {
        name: Interval.of(tuple(float(point[name]) for point in points), np.broadcast_to(draws[name], size))
        for name in COMPONENTS
    }
    total = Interval.of(tuple(float(total_area(point)) for point in points), total_area(draws))
    return AreaEstimate(model=model, inventory=counts, total=total, components=components)
