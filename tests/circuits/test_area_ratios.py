"""What tying saves: the ratios of the research note, and what a ratio of like chips must obey."""

import numpy as np
import pytest

from circuits.architecture import Architecture
from circuits.area import component_areas, model_inventory, scenario, total_area
from circuits.area_ratios import (
    Comparison,
    accountings,
    area_ratio,
    chip_comparisons,
    equal_hidden,
    paper_comparisons,
    ratio_table,
)
from circuits.models import tied_model, untied_model
from circuits.technology import load_technology

TECHNOLOGY = load_technology()
CONDITIONS = scenario(TECHNOLOGY, 65, 4000, np.random.default_rng(0))
TABLE = ratio_table(paper_comparisons(), Architecture(), CONDITIONS)
DH, H, DENSE, WIDE, LAYERED = (comparison.name for comparison in paper_comparisons())

# Medians of the research note at 65 nm, rows as `accountings`.
NOTE = {
    "two-chips": {DH: 0.323, H: 0.437, DENSE: 0.667, WIDE: 0.597, LAYERED: 0.653},
    "shared-io": {DH: 0.331, H: 0.456, DENSE: 0.685, WIDE: 0.610, LAYERED: 0.676},
    "shared-neurons": {DH: 0.388, H: 0.581, DENSE: 0.820, WIDE: 0.718, LAYERED: 0.852},
    "two-chips+dead-blocks": {DH: 0.275, H: 0.364, DENSE: 0.517, WIDE: 0.509, LAYERED: 0.514},
    "shared-io+dead-blocks": {DH: 0.284, H: 0.380, DENSE: 0.534, WIDE: 0.522, LAYERED: 0.537},
    "shared-neurons+dead-blocks": {DH: 0.342, H: 0.500, DENSE: 0.680, WIDE: 0.632, LAYERED: 0.740},
    "two-chips+half": {DENSE: 0.611},
    "shared-io+half": {DENSE: 0.631},
    "shared-neurons+half": {DENSE: 0.767},
}
# Its 5 and 95 % points, of the rows it quotes first.
NOTE_INTERVALS = {DH: (0.310, 0.364), H: (0.426, 0.492), DENSE: (0.668, 0.724)}


@pytest.mark.parametrize("accounting", NOTE)
def test_median_ratios_of_the_research_note(accounting):
    for name, median in NOTE[accounting].items():
        assert TABLE[accounting][name].p50 == pytest.approx(median, rel=0.02), name


def test_intervals_of_the_research_note():
    for name, (low, high) in NOTE_INTERVALS.items():
        found = TABLE["shared-io"][name]
        assert (found.p5, found.p95) == (pytest.approx(low, abs=0.006), pytest.approx(high, abs=0.006))


def test_typical_ratios_of_the_research_note():
    for name, typical in ((DENSE, 0.682), (DH, 0.327), (H, 0.455)):
        assert TABLE["shared-io"][name].typical == pytest.approx(typical, rel=0.02)


def test_every_accounting_is_given_at_the_papers_sizes_and_at_equal_hidden_size():
    assert len(TABLE) == 9
    assert all(set(row) == {DH, H, DENSE, WIDE, LAYERED} for row in TABLE.values())


@pytest.mark.parametrize("accounting", NOTE)
def test_a_ratio_lies_between_those_of_its_components(accounting):
    # The mediant inequality. Role selects exist in the tied chip only, so the bound may be missed by their share.
    sharing, architecture = accountings(Architecture())[accounting]
    for comparison in paper_comparisons():
        tied, untied = (
            component_areas(model_inventory(model, architecture, sharing), architecture, CONDITIONS.draws, 65)
            for model in (comparison.tied, comparison.untied)
        )
        ratio = total_area(tied) / total_area(untied)
        parts = [tied[name] / untied[name] for name in tied if np.all(untied[name] > 0)]
        assert np.all(ratio >= np.min(np.broadcast_arrays(*parts), axis=0))
        assert np.all(ratio <= np.max(np.broadcast_arrays(*parts), axis=0) + 0.01)


@pytest.mark.parametrize("accounting", NOTE)
@pytest.mark.parametrize("model", [tied_model("t", 30, 5), untied_model("u", 30, 5)], ids=["tied", "untied"])
def test_identical_specifications_have_ratio_one(accounting, model):
    sharing, architecture = accountings(Architecture())[accounting]
    found = area_ratio(Comparison(name="same", tied=model, untied=model), sharing, architecture, CONDITIONS)
    assert (found.low, found.typical, found.high, found.p5, found.p95) == (1, 1, 1, 1, 1)


def test_both_chips_share_every_draw():
    # With draws of their own, the ratio of two chips that differ by a factor of two each way would spread like them.
    found = TABLE["two-chips"][WIDE]
    assert found.p95 - found.p5 < 0.02


def test_intervals_repeat_over_seeds():
    seeds = [scenario(TECHNOLOGY, 65, 4000, np.random.default_rng(seed)) for seed in range(3)]
    found = [area_ratio(equal_hidden(833, "dense"), "shared-io", Architecture(), conditions) for conditions in seeds]
    for point in ("p5", "p50", "p95"):
        assert np.ptp([getattr(interval, point) for interval in found]) < 0.006


def test_the_ratio_barely_moves_with_node_tile_and_cell():
    for changes in ({}, {"tile": 64}, {"tile": 512}, {"cell": "1r"}, {"weights": "reference"}):
        for node in (130, 22):
            conditions = scenario(TECHNOLOGY, node, 200, np.random.default_rng(0))
            found = area_ratio(equal_hidden(833, "dense"), "shared-io", Architecture(**changes), conditions)
            assert found.typical == pytest.approx(0.682, abs=0.03)


def test_a_tied_chip_is_compared_with_an_untied_one_of_its_own_size_and_with_untied_chips():
    chips = [tied_model("runs/a", 833, 25), untied_model("runs/b", 100, 5)]
    twin, other = chip_comparisons(chips)
    assert twin.untied.plans == untied_model("x", 833, 25).plans
    assert other.name == "runs/a / runs/b"
