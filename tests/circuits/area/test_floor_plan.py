"""Floor plans: a tiny one by hand; areas, room and no overlap whatever the network; rectangles and rows."""

import doctest
import importlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.area.architecture import Architecture
from circuits.area.blocks import NEURON, tile
from circuits.area.estimate import component_areas, model_inventory, total_area
from circuits.area.floor_plan import dies
from circuits.area.networks import TABLE_3, paper_model, tied_model, untied_model
from circuits.area.packing import Rectangle, cut, rows_of
from circuits.area.sharing import SHARING
from circuits.area.technology import load_technology
from circuits.area.tiling import TileCount
from circuits.area.wire_lengths import record
from crossbar.errors import InvalidValue

TECHNOLOGY = load_technology()
TYPICAL = TECHNOLOGY.values("typical")
EDGE = 2e-6
"""mm by which width and height of a box may be off together with its block's: two grid steps."""


def boxes(die):
    """Return x, y, width and height of every block, (n, 4), nm."""
    return np.vstack(
        [
            np.column_stack([one.corners(), np.full(one.count, one.block.width), np.full(one.count, one.block.height)])
            for one in die.placements
        ]
    )


def check(die, components):
    """Assert that areas are those of `components` to the grid, that all is on the die and nothing overlaps."""
    found = die.areas()
    assert die.area == pytest.approx(float(total_area(components)), rel=1e-4)
    for name, area in components.items():
        drawn = [(one.count, box) for one in die.placements for box in one.block.parts if box.kind == name]
        grid = die.routing * sum(count * (box.width + box.height) * 1e-6 * EDGE for count, box in drawn)
        missing = 1e-6 * die.routing * len(die.placements) if not drawn else 0  # a sliver thinner than the grid
        assert found.get(name, 0.0) == pytest.approx(float(area), abs=grid + missing + 1e-15), name
    x, y, width, height = boxes(die).T
    assert min(x.min(), y.min()) >= 0
    assert (x + width).max() <= die.width
    assert (y + height).max() <= die.height
    assert n_overlaps(x, y, width, height) == 0


def n_overlaps(x, y, width, height):
    """Return how many pairs of rectangles share more than an edge."""
    across = (x[:, None] < (x + width)[None, :]) & (x[None, :] < (x + width)[:, None])
    up = (y[:, None] < (y + height)[None, :]) & (y[None, :] < (y + height)[:, None])
    return int(np.triu(across & up, 1).sum())


def plan(model, architecture, node, technology=TECHNOLOGY, sharing="shared-io"):
    (die,) = dies(model, architecture, sharing, technology, node)
    point = technology.values("typical")
    return die, component_areas(model_inventory(model, architecture, sharing), architecture, point, node)


def test_a_tiny_tile_by_hand():
    # 2 pixels, 1 hidden, 1 latent at 130 nm: 24 devices of 207 x 0.0169 = 3.4983 um2 on 4 rows and 8 columns. The
    # crossbar is twice as wide as high, 12.958 x 6.479 um. Its 12 line ends are 65.7 um2 each: 262.8 um2 of rows are
    # 40.561 um wide at that height, 525.6 um2 of columns 9.821 um high at the tile's width of 53.519 um, and below
    # them 8 partial sums of 20 um2 2.990 um.
    die, components = plan(tied_model("tiny", 1, 1, pixels=2), Architecture(tile=8), 130)
    one = die.placement("tile").block
    assert (one.width, one.height) == (53_519, 19_290)
    cells, words, sums, bits = one.parts
    assert (cells.x, cells.y, cells.width, cells.height) == (40_561, 12_810, 12_958, 6_480)
    assert (words.x, words.y, words.width, words.height) == (0, 12_810, 40_561, 6_480)
    assert (bits.y, bits.width, bits.height) == (2_990, 53_519, 9_820)
    assert (sums.y, sums.width, sums.height) == (0, 53_519, 2_990)
    assert (one.array.columns, one.array.rows) == (6, 3)  # 6.93 x 3.46 devices
    assert one.array.pitch == pytest.approx(1e3 * (207 * 0.0169) ** 0.5)
    assert [die.placement(name).count for name in ("tile", "neuron", "adc", "dac")] == [1, 4, 1, 1]
    assert die.placement("neuron").block.width == 414_200 // 4
    check(die, components)


@pytest.mark.parametrize("sharing", SHARING)
@pytest.mark.parametrize("name", TABLE_3)
def test_the_papers_models_are_drawn_to_the_grid(name, sharing):
    model, architecture = paper_model(name), Architecture()
    found = dies(model, architecture, sharing, TECHNOLOGY, 65)
    total = total_area(component_areas(model_inventory(model, architecture, sharing), architecture, TYPICAL, 65))
    assert sum(die.area for die in found) == pytest.approx(float(total), rel=1e-6)
    counts = model_inventory(model, architecture, sharing)
    assert sum(die.placement("tile").count for die in found) == counts.tiles.n_tiles
    assert sum(die.placement("neuron").count for die in found) == counts.n_neurons
    for die in found:
        assert die.width == die.height
        assert n_overlaps(*boxes(die).T) == 0


def test_every_component_of_the_papers_tied_model_is_within_a_thousandth():
    die, components = plan(paper_model("tdh-vae"), Architecture(), 65)
    check(die, components)
    for name, area in die.areas().items():
        assert area == pytest.approx(float(components[name]), rel=1e-3), name


@settings(max_examples=30, deadline=None)
@given(
    hidden=st.integers(1, 120), latent=st.integers(1, 30), pixels=st.integers(1, 200),
    size=st.sampled_from([8, 16, 64, 256]), node=st.sampled_from(TECHNOLOGY.nodes), tied=st.booleans(),
    layout=st.sampled_from(["full", "half"]), weights=st.sampled_from(["pair", "reference"]),
    cell=st.sampled_from(["1t1r", "1r"]), dead=st.sampled_from(["drop", "keep"]),
    sharing=st.sampled_from(list(SHARING)),
)  # fmt: skip
def test_any_network_fits_its_die(hidden, latent, pixels, size, node, tied, layout, weights, cell, dead, sharing):
    if sharing == "two-chips" and not tied:
        sharing = "shared-io"
    model = (tied_model if tied else untied_model)("any", hidden, latent, pixels=pixels)
    architecture = Architecture(tile=size, layout=layout, weights=weights, cell=cell, dead_blocks=dead)
    check(*plan(model, architecture, node, sharing=sharing))


@pytest.mark.parametrize("n_hidden", [3, 40, 97])
def test_a_technology_without_routing_leaves_no_room_and_still_fits(n_hidden):
    tight = replace(
        TECHNOLOGY,
        parameters={
            **TECHNOLOGY.parameters, "routing": replace(TECHNOLOGY.parameter("routing"), low=1, typical=1, high=1),
        },
    )  # fmt: skip
    model, architecture = tied_model("tight", n_hidden, 5, pixels=60), Architecture(tile=16)
    die, components = plan(model, architecture, 65, tight)
    assert die.routing == 1
    assert die.area == pytest.approx(float(total_area(components)), rel=2e-3)
    x, y, width, height = boxes(die).T
    assert n_overlaps(x, y, width, height) == 0
    assert (x + width).max() <= die.width
    assert (y + height).max() <= die.height


def test_pads_have_no_routing_of_their_own():
    pads = replace(TECHNOLOGY.parameter("pads"), low=0.5, typical=0.5, high=0.5)
    own = replace(TECHNOLOGY, parameters={**TECHNOLOGY.parameters, "pads": pads})
    die, components = plan(paper_model("tdh-vae"), Architecture(), 65, own)
    assert die.areas()["pads"] == pytest.approx(0.5, rel=1e-4)
    check(die, components)


def test_parts_of_a_neuron_fill_it():
    die, _ = plan(paper_model("tdh-vae"), Architecture(), 65)
    one = die.placement("neuron").block
    assert {box.kind for box in one.parts} == set(NEURON) - {"multiplexers"}
    assert sum(box.width * box.height for box in one.parts) == one.width * one.height
    places = np.array([(box.x, box.y, box.width, box.height) for box in one.parts]).T
    assert n_overlaps(*places) == 0


def test_line_ends_that_would_stretch_a_tile_are_folded():
    # One device of 1 um2 with 80 um2 of line ends and 19 of sums: a square of 10 um. Left of the device are 9 um2 of
    # its word line's 40, and the other 31 below, on 40 of bit lines and 19 of sums: 3.1, 4 and 1.9 um high.
    raw = {"cells": 1.0, "line_ends": 80.0, "partial_sums": 19.0}
    one = tile(raw, TileCount(n_memristors=1, n_tiles=1, n_line_ends=2, n_tile_columns=1), 1000.0)
    assert [(box.kind, box.x, box.y, box.width, box.height) for box in one.parts] == [
        ("cells", 9_000, 9_000, 1_000, 1_000),
        ("line_ends", 0, 9_000, 9_000, 1_000),
        ("partial_sums", 0, 0, 10_000, 1_900),
        ("line_ends", 0, 1_900, 10_000, 4_000),
        ("line_ends", 0, 5_900, 10_000, 3_100),
    ]
    assert (one.word_ends, one.bit_ends) == (one.parts[1], one.parts[3])
    assert (one.array.columns, one.array.rows) == (1, 1)


@given(
    cells=st.floats(0, 100), ends=st.floats(0.1, 100), sums=st.floats(0, 100), rows=st.integers(1, 300),
    columns=st.integers(1, 300),
)  # fmt: skip
def test_a_tile_has_its_areas_whatever_its_shape(cells, ends, sums, rows, columns):
    raw = {"cells": 1e3 * cells, "line_ends": 1e3 * ends, "partial_sums": 1e3 * sums}
    counts = TileCount(n_memristors=rows * columns, n_tiles=1, n_line_ends=rows + columns, n_tile_columns=columns)
    one = tile(raw, counts, 1e3 * (1e3 * cells / (rows * columns)) ** 0.5)
    for name, area in raw.items():
        drawn = [box for box in one.parts if box.kind == name]
        grid = 2e-3 * (one.width + one.height) * 1e-3 + 1e-2
        assert sum(box.width * box.height for box in drawn) * 1e-6 == pytest.approx(area, abs=grid), name
    places = np.array([(box.x, box.y, box.width, box.height) for box in one.parts]).T
    assert n_overlaps(*places) == 0
    x, y, width, height = places
    assert min(x.min(), y.min()) == 0
    assert ((x + width).max(), (y + height).max()) == (one.width, one.height)


def test_cells_without_area_leave_a_tile_of_line_ends():
    raw = {"cells": 0.0, "line_ends": 80.0, "partial_sums": 20.0}
    one = tile(raw, TileCount(n_memristors=4, n_tiles=1, n_line_ends=4, n_tile_columns=2), 0.0)
    assert one.array is None
    assert one.width * one.height == pytest.approx(100e6, rel=1e-3)


def test_a_die_without_any_area_is_refused():
    nothing = {
        name: replace(parameter, low=0, typical=0, high=0)
        if parameter.unit in ("um2", "F2", "mm2", "um2/mA", "fF") else parameter
        for name, parameter in TECHNOLOGY.parameters.items()
    }  # fmt: skip
    with pytest.raises(InvalidValue, match="blocks with an area"):
        plan(tied_model("t", 3, 2, pixels=4), Architecture(), 65, replace(TECHNOLOGY, parameters=nothing))


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e-3, 1e6, 1e30])
def test_whatever_a_technology_may_say_a_plan_is_drawn_or_refused(value):
    drawn = 0
    for name, parameter in TECHNOLOGY.parameters.items():
        try:
            extreme = replace(parameter, low=value, typical=value, high=value)
            own = replace(TECHNOLOGY, parameters={**TECHNOLOGY.parameters, name: extreme})
            (die,) = dies(tied_model("t", 9, 2, pixels=13), Architecture(tile=8), "two-chips", own, 65)
        except InvalidValue:
            continue
        drawn += 1
        assert n_overlaps(*boxes(die).T) == 0, name
        assert record([die], own, 65)["dies"]
    assert drawn >= 20  # what no area depends on, at the least


@pytest.mark.parametrize("name", ["packing", "floor_plan", "wire_lengths", "transistor_neuron"])
def test_examples_run(name):
    found = doctest.testmod(importlib.import_module(f"circuits.area.{name}"))
    assert (found.failed, found.attempted > 1) == (0, True)


def test_cut_keeps_areas_and_covers_the_room():
    areas = {"a": 5.0, "b": 3.0, "c": 0.0, "d": 0.5}
    found = cut(areas, Rectangle(x=1, y=2, width=17, height=3))
    assert set(found) == {"a", "b", "d"}
    for name, one in found.items():
        assert one.width * one.height == pytest.approx(areas[name] * 51 / 8.5)


@pytest.mark.parametrize(
    ("count", "aspect", "empty", "expected"),
    [(1, 9.0, 0.05, (1, 1)), (12, 1.0, 0.0, (4, 3)), (97, 1.0, 0.0, (1, 97)), (97, 1.0, 0.05, (10, 10))],
)
def test_rows_are_square_and_nearly_full(count, aspect, empty, expected):
    assert sorted(rows_of(count, aspect, empty)) == sorted(expected)
