"""Areas: counts in closed form, properties that any accounting must have, and the values of the research note."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.accounting import SHARING, combine
from circuits.architecture import Architecture
from circuits.area import COMPONENTS, component_areas, estimate, model_inventory, scenario, total_area
from circuits.inventory import inventory, n_converters
from circuits.models import TABLE_3, paper_model, tied_model, untied_model
from circuits.plans import HopfieldPlan
from circuits.technology import load_technology
from circuits.tiling import Rectangle, TileCount, Triangle
from circuits.wire_loss import check_tile, current_share
from crossbar.errors import InvalidValue, UnknownName
from crossbar.network import Network

TECHNOLOGY = load_technology()
TYPICAL = TECHNOLOGY.values("typical")
DEFAULT = Architecture()
KEEP = Architecture(dead_blocks="keep")
HALF = Architecture(layout="half")
P = 784


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


@pytest.mark.parametrize(("name", "mm2"), [("tdh-vae", 6.34), ("dh-vae", 19.8), ("h-vae", 14.3)])
def test_typical_totals_of_the_research_note(name, mm2):
    assert total(paper_model(name)) == pytest.approx(mm2, rel=0.02)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tdh-vae", (1.25, 1.70, 0.31, 1.21, 1.10, 0.38, 0.26)),
        ("dh-vae", (4.70, 6.14, 1.11, 3.02, 2.75, 1.15, 0.65)),
        ("h-vae", (2.03, 3.30, 0.66, 3.23, 2.94, 1.21, 0.69)),
    ],
)
def test_typical_components_of_the_research_note(name, expected):
    areas = component_areas(counts(name), DEFAULT, TYPICAL, 65)
    names = ("cells", "line_ends", "partial_sums", "neuron_cores", "capacitors", "buffers", "adcs")
    assert [float(areas[part]) for part in names] == pytest.approx(expected, rel=0.03, abs=0.006)


@pytest.mark.parametrize(
    ("node", "cell", "h", "dh", "tdh"),
    [
        (130, "1t1r", 33.0, 49.1, 15.2),
        (65, "1t1r", 15.2, 20.5, 6.6),
        (65, "1r", 13.9, 17.5, 5.9),
        (32, "1t1r", 8.8, 11.3, 3.8),
        (22, "1t1r", 7.2, 9.3, 3.1),
    ],
)
def test_medians_of_the_research_note(node, cell, h, dh, tdh):
    conditions = scenario(TECHNOLOGY, node, 4000, np.random.default_rng(0))
    for name, median in (("h-vae", h), ("dh-vae", dh), ("tdh-vae", tdh)):
        found = estimate(paper_model(name), Architecture(cell=cell), "two-chips", conditions)
        assert found.total.p50 == pytest.approx(median, rel=0.03)
        assert found.total.low < found.total.p5 < found.total.p50 < found.total.p95 < found.total.high


@pytest.mark.parametrize(("tile", "median"), [(64, 13.4), (128, 9.0), (256, 6.6), (512, 5.6), (1024, 4.9)])
def test_medians_by_tile_of_the_research_note(tile, median):
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
    # MLP_NeuroSim V3.0, one 256 x 256 1T1R array at 32 nm: 5 560 um2 of used area (cells, line switches and decoders,
    # read-out; no high-voltage switches, no partial sums). The whole tile of ours must hold it between low and high,
    # the parts that NeuroSim models too between 5 and 95 %.
    tile = TileCount(n_memristors=256 * 256, n_tiles=1, n_line_ends=512, n_tile_columns=256)
    one = replace(_empty(), tiles=tile)
    points = [
        1e6 * total_area(component_areas(one, DEFAULT, TECHNOLOGY.values(point), 32)) for point in ("low", "high")
    ]
    assert points[0] < 5560 < points[1]
    draws = TECHNOLOGY.draws(4000, np.random.default_rng(0))
    bare = TECHNOLOGY.point({**draws.values, "write_switch": np.zeros(4000), "partial_sum": np.zeros(4000)})
    low, high = np.percentile(1e6 * total_area(component_areas(one, DEFAULT, bare, 32)), [5, 95])
    assert low < 5560 < high


def _empty():
    names = (
        "n_neurons",
        "n_capacitors",
        "n_buffers",
        "n_clamps",
        "n_role_selects",
        "n_remembered",
        "n_controllers",
        "n_dies",
    )
    nothing = dict.fromkeys(names, 0)
    return replace(counts("tdh-vae"), dac_lines=(), adc_lines=(), **nothing)


@pytest.mark.parametrize("other", ["dh-vae", "h-vae"])
def test_the_neurosim_tile_ratio_lies_near_ours(other):
    # Counting NeuroSim's tiles only, without analog neurons: 98 against 340 and 222 tiles, 0.29 and 0.44.
    expected = {"dh-vae": 98 / 340, "h-vae": 98 / 222}[other]
    ours = total(paper_model("tdh-vae"), node=32) / total(paper_model(other), node=32)
    assert ours == pytest.approx(expected, abs=0.06)


def test_wire_loss_against_the_exact_solution():
    from crossbar.wires import output_currents

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
