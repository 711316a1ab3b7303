"""Lengths of wires, measured on a floor plan, and the resistances that they give: what `crossbar.wires` takes.

A segment is as long as memory cells are apart. A route goes from the middle of a tile's line ends to the middle of a
neuron, first across and then up (Manhattan): |x_tile - x_neuron| + |y_tile - y_neuron|. Which neuron a line belongs to
is no part of the plan. So the mean is over all pairs of a tile and a neuron, which is what an assignment without order
has, and the longest pair is a bound for every assignment.

    R_segment = R' p,   R_route = R' l / n

with R' of data/technology/wires.toml (ohm/um of a line), p the pitch of cells, l the mean route and n `route_width`,
how many lines wide a route is: an assumption (data/technology/layout.toml). Low, typical and high are those of R' and
n; the plan is drawn at typical areas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from circuits.area.blocks import Box
from circuits.area.floor_plan import Die, Placement
from circuits.area.technology import Technology
from crossbar.technology_parameters import POINTS
from crossbar.wires.routes import RoutedLines

UM = 1e-3  # nm


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Lengths of the ways from tiles' line ends to neurons, um."""

    mean: float
    longest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WireLengths:
    """What was measured on a die: pitch of cells, routes of word and of bit lines, um."""

    pitch: float
    word: Route
    bit: Route


def measure(die: Die) -> WireLengths | None:
    """Return the lengths of the wires of `die`; None where it has no crossbar or no neuron.

    Examples
    --------
    >>> from circuits.area.architecture import Architecture
    >>> from circuits.area.floor_plan import dies
    >>> from circuits.area.networks import paper_model
    >>> from circuits.area.technology import load_technology
    >>> from circuits.area.wire_lengths import measure
    >>> (die,) = dies(paper_model("tdh-vae"), Architecture(), "two-chips", load_technology(), 65)
    >>> found = measure(die)
    >>> round(found.pitch, 3), found.word.mean < found.word.longest
    (0.935, True)
    """
    by_name = {one.block.name: one for one in die.placements}
    tiles, neurons = by_name.get("tile"), by_name.get("neuron")
    if tiles is None or neurons is None:
        return None
    array, words, bits = tiles.block.array, tiles.block.word_ends, tiles.block.bit_ends
    if array is None or words is None or bits is None:
        return None
    whole = Box(x=0, y=0, width=neurons.block.width, height=neurons.block.height, kind="neuron")
    there = _middles(neurons, whole)
    word, bit = (_route(_middles(tiles, ends), there) for ends in (words, bits))
    return WireLengths(pitch=array.pitch * UM, word=word, bit=bit)


def lines(found: WireLengths, technology: Technology, node: int) -> dict[str, RoutedLines] | None:
    """Return the resistances of lines with the lengths `found`, by point; None where the node's lines are not known."""
    name = f"line_{node}"
    if name not in technology.parameters:
        return None
    per_um, width = technology.parameter(name), technology.parameter("route_width")
    told = {}
    for point in POINTS:
        ohm, lines_wide = getattr(per_um, point), getattr(width, point)
        told[point] = RoutedLines(
            segment=ohm * found.pitch, word_route=ohm * found.word.mean / lines_wide,
            bit_route=ohm * found.bit.mean / lines_wide,
        )  # fmt: skip
    return told


def longest_of(dies: Sequence[Die]) -> WireLengths | None:
    """Return the lengths of the die whose routes are longest on the mean, of those that have some."""
    measured = [found for found in map(measure, dies) if found is not None]
    return max(measured, key=lambda found: found.word.mean + found.bit.mean, default=None)


def record(dies: Sequence[Die], technology: Technology, node: int) -> Mapping[str, object]:
    """Return the floor plan as plain data: sizes of dies and blocks, lengths of wires, resistances of lines."""
    found = longest_of(dies)
    told = None if found is None else lines(found, technology, node)
    return {
        "dies": [_die(die) for die in dies],
        "wires_um": None if found is None else _lengths(found),
        "lines": None if told is None else {point: _ohms(one) for point, one in told.items()},
    }


def _route(ends: np.ndarray, neurons: np.ndarray) -> Route:
    across, up = (_mean_distance(ends[:, axis], neurons[:, axis]) for axis in (0, 1))
    turned = [(places[:, 0] + places[:, 1], places[:, 0] - places[:, 1]) for places in (ends, neurons)]
    longest = max(max(a.max() - b.min(), b.max() - a.min()) for a, b in zip(*turned, strict=True))
    return Route(mean=UM * (across + up), longest=UM * float(longest))


def _mean_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean of |a - b| over all pairs; places in rows share few coordinates, and are counted by these."""
    (a, many), (b, more) = (np.unique(values, return_counts=True) for values in (one, other))
    return float(many @ np.abs(a[:, None] - b[None, :]) @ more) / (len(one) * len(other))


def _middles(placement: Placement, box: Box) -> np.ndarray:
    return placement.corners() + np.array([box.x + box.width / 2, box.y + box.height / 2])


def _die(die: Die) -> dict[str, object]:
    blocks = {
        one.block.name: {"count": one.count, "width_um": one.block.width * UM, "height_um": one.block.height * UM}
        for one in die.placements
    }
    return {"name": die.name, "width_mm": die.width * 1e-6, "height_mm": die.height * 1e-6, "blocks": blocks}


def _lengths(found: WireLengths) -> dict[str, object]:
    routes = {"word": found.word, "bit": found.bit}
    return {
        "segment": found.pitch,
        **{f"{name}_route": {"mean": one.mean, "longest": one.longest} for name, one in routes.items()},
    }


def _ohms(one: RoutedLines) -> dict[str, float]:
    return {"segment_ohm": one.segment, "word_route_ohm": one.word_route, "bit_route_ohm": one.bit_route}
