"""Areas: counts and square micrometres by hand, properties that any accounting must have, and regression values."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.area.architecture import Architecture
from circuits.area.estimate import COMPONENTS, component_areas, estimate, model_inventory, scenario, total_area
from circuits.area.inventory import inventory, n_converters
from circuits.area.networks import TABLE_3, paper_model, tied_model, untied_model
from circuits.area.plans import HopfieldPlan
from circuits.area.sharing import SHARING, combine
from circuits.area.technology import load_technology
from circuits.area.tiling import Rectangle, TileCount, Triangle
from circuits.area.wire_loss import check_tile, current_share
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.network import Network

TECHNOLOGY = load_technology()
TYPICAL = TECHNOLOGY.values("typical")
DEFAULT = Architecture()
KEEP = Architecture(dead_blocks="keep")
HALF = Architecture(layout="half")
P = 784
TINY = tied_model("tiny", 1, 1, pixels=2)


def total(model, architecture=DEFAULT, sharing="two-chips", point=TYPICAL, node=65):
    return total_area(component_areas(model_inventory(model, architecture, sharing), architecture, point, node))


def counts(name, architecture=DEFAULT):
    return model_inventory(paper_model(name), architecture, "two-chips")


def test_memristors_of_the_papers_models_in_closed_form():
    def dense(n):
        return 2 * n * (n - 1)

    assert counts("tdh-vae").n_memristors == dense(1686) == 5_681_820
    assert counts("dh-vae", KEEP).n_memristors == dense(2530) + dense(2505)
    encoder = 2 * (P * 1746 + 1746 * 1745)  # rows of all lines, columns of hidden and latent neurons only
    assert counts("dh-vae").n_memristors == encoder + dense(2505)
    assert counts("h-vae", KEEP).n_memristors == 4 * 1842 * (P + 50) + 4 * 1842 * (P + 25)
    assert counts("h-vae").n_memristors == 2 * 1842 * (P + 2 * 50) + 4 * 1842 * (P + 25)
    assert counts("f-vae").n_memristors == 2 * (785 * 1820 + 1821 * 20 + 11 * 1820 + 1821 * P)


def test_half_layout_has_one_device_pair_for_each_coupled_pair():
    assert counts("tdh-vae", HALF).n_memristors == 1686 * 1685
    assert counts("h-vae", HALF).n_memristors * 2 == counts("h-vae", KEEP).n_memristors
    expected = 2 * (P * 1746 + 1746 * 1745 // 2) + 2505 * 2504
    assert counts("dh-vae", HALF).n_memristors == expected


def test_tiles_and_line_ends_as_counted_by_hand():
    for name, tiles, line_ends in (("h-vae", 222, 91_807), ("dh-vae", 340, 170_540), ("tdh-vae", 98, 47_208)):
        assert (counts(name).tiles.n_tiles, counts(name).tiles.n_line_ends) == (tiles, line_ends)


@pytest.mark.parametrize(
    ("name", "neurons", "lines"), [("h-vae", 4518, 5327), ("dh-vae", 4226, 5035), ("tdh-vae", 1686, 1686)]
)
def test_neurons_and_lines(name, neurons, lines):
    assert (counts(name).n_neurons, counts(name).n_buffers) == (neurons, lines)
    assert counts(name).n_capacitors == neurons


def test_clamped_lines_and_converters():
    assert counts("tdh-vae").n_clamps == counts("tdh-vae").n_role_selects == P + 69
    assert counts("dh-vae").n_clamps == P + 25
    assert counts("dh-vae").n_role_selects == 0
    assert n_converters((784, 25), np.array([64.0, 8.0])).tolist() == [14, 98 + 4]


@pytest.mark.parametrize("tile", [8, 64, 256])
@pytest.mark.parametrize("size", [1, 7, 8, 100])
def test_a_triangle_and_its_mirror_are_a_square_without_diagonal(size, tile):
    architecture = Architecture(tile=tile)
    square = Rectangle(rows=size, columns=size, n_absent=size).count(architecture)
    triangle = Triangle(size=size).count(architecture)
    assert 2 * triangle.n_weights == square.n_weights
    assert triangle.n_tiles <= square.n_tiles


def test_a_triangle_uses_the_tiles_that_hold_a_pair():
    found = Triangle(size=20).count(Architecture(tile=8))  # tiles of 8 rows and 4 weights
    pairs = {(row // 8, column // 4) for row in range(20) for column in range(row + 1, 20)}
    assert found.n_tiles == len(pairs)


def test_a_reference_column_halves_the_devices_but_for_itself():
    found = Rectangle(rows=100, columns=300).count(Architecture(weights="reference", tile=128))
    assert found.n_memristors == 100 * 300 + 100 * 3  # three tiles side by side: 127 weights each
    assert found.n_tile_columns == 303


def test_devices_of_a_plan_are_the_mask_of_its_network():
    for topology in ("dense", "layered"):
        network = Network((("pixels", 9), ("hidden", 7), ("latent", 4)), topology)
        plan = HopfieldPlan(name="tied", network=network, roles=("encode", "decode"))
        mask = network.mask()
        assert plan.tiles(DEFAULT).n_weights == mask.sum()
        assert plan.tiles(HALF).n_weights == np.triu(mask).sum()
        encoder = HopfieldPlan(name="encoder", network=network, roles=("encode",))
        assert encoder.tiles(DEFAULT).n_weights == mask[:, 9:].sum()
        assert encoder.tiles(HALF).n_weights == np.triu(mask)[:, 9:].sum()
        assert encoder.tiles(KEEP).n_weights == mask.sum()


def test_two_circuits_double_cells_and_neurons_but_not_converters():
    one, two = (
        inventory(paper_model("tdh-vae").plans[0], Architecture(phases=phases))
        for phases in ("sequential", "two-circuits")
    )
    assert (two.n_memristors, two.n_neurons, two.n_buffers) == (
        2 * one.n_memristors,
        2 * one.n_neurons,
        2 * one.n_buffers,
    )
    assert (two.adc_lines, two.n_remembered, two.n_controllers) == (one.adc_lines, one.n_remembered, one.n_controllers)


def test_square_micrometres_of_a_tiny_chip_by_hand():
    # 2 pixels, 1 hidden, 1 latent, tied and dense, at 130 nm: 4 neurons and 24 devices on one tile of 8 lines, of which
    # 4 rows and 8 columns are used; F2 = 0.0169 um2; 24 devices of 5 uS at 0.2 V carry 24 uA, at either end.
    architecture = Architecture(tile=8)
    areas = component_areas(model_inventory(TINY, architecture, "two-chips"), architecture, TYPICAL, 130)
    expected = {
        "cells": 24 * 207 * 0.0169,
        "line_ends": (4 + 8) * (3000 * 0.0169 + 15),
        "partial_sums": 8 * 20,
        "neuron_cores": 4 * 1850,
        "capacitors": 4 * 1000 / 2,
        "buffers": 4 * 350,
        "output_stages": 2 * 0.024 * 50,
        "clamps": (2 + 1) * 45,
        "role_selects": (2 + 1) * 1500 * 0.0169,
        "multiplexers": 0,
        "dacs": 3200,
        "adcs": 15000,
        "memory": 4 * 16 * 300 * 0.0169,
        "control": 20000 * 300 * 0.0169,
        "pads": 0,
    }
    assert {name: 1e6 / 1.3 * float(area) for name, area in areas.items()} == pytest.approx(expected)
    assert total_area(areas) == pytest.approx(1.3e-6 * 131_970.29, rel=1e-6)


def test_the_half_layout_has_two_rails_a_neuron_and_replicas_by_hand():
    # The same chip: 6 pairs of neurons, so 12 devices on 4 rows and 8 columns; a device that holds the mean of its line
    # on each of these 12, on one row and one column more; p and n of every neuron.
    found = model_inventory(TINY, Architecture(tile=8, layout="half"), "two-chips")
    assert (found.n_memristors, found.tiles.n_replicas, found.n_buffers) == (12, 12, 8)
    assert (found.tiles.n_line_ends, found.tiles.n_tile_columns) == (12 + 2, 8 + 1)
    assert found.n_driven == 12
    full = model_inventory(TINY, Architecture(tile=8), "two-chips")
    assert (full.tiles.n_replicas, full.n_buffers, full.n_driven) == (0, 4, 24)
    single = model_inventory(TINY, Architecture(tile=8, layout="half", weights="reference"), "two-chips")
    assert single.n_buffers == 4  # G alone is read as s v_i - I: no line of the opposite sign


def test_a_forward_network_has_no_second_rail_and_no_replica():
    full, half = (counts("f-vae", architecture) for architecture in (DEFAULT, HALF))
    assert full == half


def test_output_stages_grow_with_the_current_of_the_lines():
    # TDH-VAE: 5,681,820 devices of 5 uS at 0.2 V carry 5.68 A, out of the buffers and into the sense amplifiers; one
    # word line of 3,370 devices 3.4 mA.
    areas = component_areas(counts("tdh-vae"), DEFAULT, TYPICAL, 130)
    assert areas["output_stages"] == pytest.approx(1.3e-6 * 2 * 5681.82 * 50)
    twice = TECHNOLOGY.point({**TYPICAL.values, "read_voltage": 0.4})
    assert component_areas(counts("tdh-vae"), DEFAULT, twice, 130)["output_stages"] == 2 * areas["output_stages"]
    single = Architecture(weights="reference")
    middle = component_areas(counts("tdh-vae", single), single, TYPICAL, 130)["output_stages"]
    n_single = counts("tdh-vae", single).n_memristors
    assert middle == pytest.approx(1.3e-6 * 2 * 1e3 * n_single * 27.5e-6 * 0.2 * 50)  # zero in mid range


def test_shared_neurons_pay_for_their_multiplexers():
    for name in ("h-vae", "dh-vae"):
        parts = [inventory(plan, DEFAULT) for plan in paper_model(name).plans]
        shared = combine(parts, "shared-neurons")
        assert shared.n_multiplexers == sum(part.n_buffers + part.n_neurons for part in parts)
        assert combine(parts, "shared-io").n_multiplexers == 0
        areas = component_areas(shared, DEFAULT, TYPICAL, 65)
        assert areas["multiplexers"] == pytest.approx(1.3e-6 * shared.n_multiplexers * 1500 * 0.065**2)
    assert model_inventory(paper_model("tdh-vae"), DEFAULT, "shared-neurons").n_multiplexers == 0


# Regression values: what this model says with the shipped numbers. They hold the model still; they prove nothing.
@pytest.mark.parametrize(("name", "mm2"), [("tdh-vae", 12.74), ("dh-vae", 42.82), ("h-vae", 25.58)])
def test_regression_of_typical_totals(name, mm2):
    assert total(paper_model(name)) == pytest.approx(mm2, rel=0.001)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tdh-vae", (6.460, 1.698, 0.307, 2.027, 1.096, 0.384, 0.369, 0.263)),
        ("dh-vae", (24.304, 6.136, 1.105, 5.082, 2.747, 1.145, 1.389, 0.663)),
        ("h-vae", (10.480, 3.303, 0.658, 5.433, 2.937, 1.212, 0.599, 0.702)),
    ],
)
def test_regression_of_typical_components(name, expected):
    areas = component_areas(counts(name), DEFAULT, TYPICAL, 65)
    names = (
        "cells", "line_ends", "partial_sums", "neuron_cores", "capacitors", "buffers", "output_stages", "adcs",
    )  # fmt: skip
    assert [float(areas[part]) for part in names] == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(
    ("node", "cell", "h", "dh", "tdh"),
    [
        (130, "1t1r", 69.4, 123.9, 36.1),
        (65, "1t1r", 26.8, 42.8, 12.9),
        (65, "1r", 17.3, 22.2, 7.4),
        (32, "1t1r", 12.8, 18.5, 5.9),
        (22, "1t1r", 9.5, 13.3, 4.3),
    ],
)
def test_regression_of_medians(node, cell, h, dh, tdh):
    conditions = scenario(TECHNOLOGY, node, 4000, np.random.default_rng(0))
    for name, median in (("h-vae", h), ("dh-vae", dh), ("tdh-vae", tdh)):
        found = estimate(paper_model(name), Architecture(cell=cell), "two-chips", conditions)
        assert found.total.p50 == pytest.approx(median, rel=0.02)
        assert found.total.low < found.total.p5 < found.total.p50 < found.total.p95 < found.total.high


@pytest.mark.parametrize(("tile", "median"), [(64, 20.0), (128, 15.4), (256, 12.9), (512, 11.8)])
def test_regression_of_medians_by_tile(tile, median):
    conditions = scenario(TECHNOLOGY, 65, 4000, np.random.default_rng(0))
    found = estimate(paper_model("tdh-vae"), Architecture(tile=tile), "two-chips", conditions)
    assert found.total.p50 == pytest.approx(median, rel=0.02)


@pytest.mark.parametrize("name", TABLE_3)
def test_area_falls_with_tile_size_and_with_the_node(name):
    model = paper_model(name)
    by_tile = [total(model, Architecture(tile=tile)) for tile in (64, 128, 256, 512, 1024)]
    by_node = [total(model, node=node) for node in (130, 65, 32, 22)]
    assert np.all(np.diff(by_tile) < 0)
    assert np.all(np.diff(by_node) < 0)


@pytest.mark.parametrize(
    "architecture", [DEFAULT, KEEP, HALF, Architecture(weights="reference"), Architecture(cell="1r")]
)
@pytest.mark.parametrize("name", ["f-vae", "h-vae", "dh-vae"])
def test_sharing_more_never_takes_more_area(name, architecture):
    draws = TECHNOLOGY.draws(200, np.random.default_rng(1))
    two, io, neurons = (total(paper_model(name), architecture, sharing, draws) for sharing in SHARING)
    assert np.all(two >= io)
    assert np.all(io >= neurons)


def test_a_tied_model_is_one_chip_under_every_accounting():
    assert len({float(total(paper_model("tdh-vae"), sharing=sharing)) for sharing in SHARING}) == 1


def test_the_feature_part_scales_with_the_node_squared():
    coarse, fine = (component_areas(counts("dh-vae"), DEFAULT, TYPICAL, node) for node in (130, 65))
    for name in ("cells", "memory", "control"):
        assert coarse[name] / fine[name] == pytest.approx(4)
    assert coarse["capacitors"] == fine["capacitors"]


def test_components_are_all_there_and_sum_to_the_total():
    areas = component_areas(counts("tdh-vae"), DEFAULT, TYPICAL, 65)
    assert tuple(areas) == COMPONENTS
    assert total_area(areas) == pytest.approx(sum(float(area) for area in areas.values()))


def test_the_neurosim_tile_lies_in_the_stated_interval():
    # MLP_NeuroSim V3.0, one 256 x 256 1T1R array at 32 nm: 5 560 um2 of used area, of which cells, line switches,
    # decoders and multiplexers are 3 593, read and subtraction circuits of its digital neurons the rest. The whole tile
    # of ours must hold it between low and high, cells and line ends without high-voltage switches, with NeuroSim's cell
    # of 16 F2, their 3 593 between 5 and 95 %.
    tile = TileCount(n_memristors=256 * 256, n_tiles=1, n_line_ends=512, n_tile_columns=256)
    one = replace(_empty(), tiles=tile)
    points = [
        1e6 * total_area(component_areas(one, DEFAULT, TECHNOLOGY.values(point), 32)) for point in ("low", "high")
    ]
    assert points[0] < 5560 < points[1]
    draws = TECHNOLOGY.draws(4000, np.random.default_rng(0))
    nothing = np.zeros(4000)
    bare = TECHNOLOGY.point(
        {**draws.values, "write_switch": nothing, "partial_sum": nothing, "cell_1t1r": np.full(4000, 16.0)}
    )
    low, high = np.percentile(1e6 * total_area(component_areas(one, DEFAULT, bare, 32)), [5, 95])
    assert low < 3593 < high


def _empty():
    names = (
        "n_neurons",
        "n_capacitors",
        "n_buffers",
        "n_with_rho",
        "n_with_slope",
        "n_driven",
        "n_strained",
        "n_clamps",
        "n_role_selects",
        "n_multiplexers",
        "n_remembered",
        "n_controllers",
        "n_dies",
    )
    nothing = dict.fromkeys(names, 0)
    return replace(counts("tdh-vae"), dac_lines=(), adc_lines=(), **nothing)


@pytest.mark.parametrize("other", ["dh-vae", "h-vae"])
def test_the_area_ratio_lies_near_the_ratio_of_tiles(other):
    # Counting equal tiles only, without analog neurons: 98 against 340 and 222, 0.29 and 0.44.
    expected = {"dh-vae": 98 / 340, "h-vae": 98 / 222}[other]
    ours = total(paper_model("tdh-vae"), node=32) / total(paper_model(other), node=32)
    assert ours == pytest.approx(expected, abs=0.06)


def test_wire_loss_against_the_exact_solution():
    from crossbar.wires.solver import output_currents

    for size, conductance in ((16, 5e-5), (48, 5e-5)):
        exact = output_currents(np.full((size, size), conductance), np.ones(size), 1.0, 1.0).mean() / (
            size * conductance
        )
        assert current_share(size, conductance, 1.0) == pytest.approx(exact, abs=0.005)


def test_a_tile_that_loses_its_current_in_the_wires_is_refused(tmp_path):
    check_tile(512, TECHNOLOGY)
    with pytest.raises(InvalidValue, match=r"choose `--tile 512` or smaller"):
        check_tile(1024, TECHNOLOGY)
    own = tmp_path / "copper.toml"
    own.write_text(
        '[wire_resistance]\nlow=0.1\ntypical=0.1\nhigh=0.1\nunit="ohm"\nscaling="none"\nsource="test"\nstatus="assumed"\n'
    )
    check_tile(1024, load_technology(own))


@pytest.mark.parametrize("changes", [{"tile": 7}, {"tile": 9}, {"tile": 10**6}, {"layout": "third"}, {"cell": "2r"}])
def test_impossible_architectures(changes):
    with pytest.raises(InvalidValue, match="must be"):
        Architecture(**changes)


def test_unknown_words():
    with pytest.raises(UnknownName, match="did you mean 'tdh-vae'"):
        paper_model("tdh-vea")
    with pytest.raises(UnknownName, match="two-chips"):
        combine([], "three-chips")
    with pytest.raises(InvalidValue, match="`roles`"):
        HopfieldPlan(name="tied", network=tied_model("t", 3, 2).plans[0].network, roles=("dream",))


def test_an_untied_models_encoder_gives_means_and_log_variances():
    encoder, decoder = untied_model("u", 5, 3, pixels=9).plans
    assert (encoder.network.size, decoder.network.size) == (9 + 5 + 6, 9 + 5 + 3)
