"""What tying saves: what a ratio of like chips must obey, and regression values."""

import numpy as np
import pytest

from circuits.area.architecture import Architecture
from circuits.area.estimate import component_areas, model_inventory, scenario, total_area
from circuits.area.networks import tied_model, untied_model
from circuits.area.ratios import (
    Pair,
    accountings,
    area_ratio,
    chip_comparisons,
    equal_hidden,
    paper_comparisons,
    ratio_table,
)
from circuits.area.technology import load_technology

TECHNOLOGY = load_technology()
CONDITIONS = scenario(TECHNOLOGY, 65, 4000, np.random.default_rng(0))
TABLE = ratio_table(paper_comparisons(), Architecture(), CONDITIONS)
DH, H, DENSE, WIDE, LAYERED = (comparison.name for comparison in paper_comparisons())

# Regression values: the medians that this model gives at 65 nm with the shipped numbers, rows as `accountings`.
MEDIANS = {
    "two-chips": {DH: 0.300, H: 0.489, DENSE: 0.673, WIDE: 0.602, LAYERED: 0.663},
    "shared-io": {DH: 0.304, H: 0.502, DENSE: 0.683, WIDE: 0.609, LAYERED: 0.677},
    "shared-neurons": {DH: 0.345, H: 0.607, DENSE: 0.784, WIDE: 0.690, LAYERED: 0.817},
    "two-chips+dead-blocks": {DH: 0.255, H: 0.396, DENSE: 0.517, WIDE: 0.511, LAYERED: 0.515},
    "shared-io+dead-blocks": {DH: 0.259, H: 0.407, DENSE: 0.526, WIDE: 0.517, LAYERED: 0.528},
    "shared-neurons+dead-blocks": {DH: 0.301, H: 0.504, DENSE: 0.636, WIDE: 0.601, LAYERED: 0.688},
    "two-chips+half": {DH: 0.292, H: 0.413, DENSE: 0.607, WIDE: 0.548, LAYERED: 0.584},
    "shared-io+half": {DH: 0.297, H: 0.424, DENSE: 0.619, WIDE: 0.556, LAYERED: 0.600},
    "shared-neurons+half": {DH: 0.351, H: 0.540, DENSE: 0.744, WIDE: 0.659, LAYERED: 0.761},
}
INTERVALS = {DH: (0.281, 0.340), H: (0.445, 0.561), DENSE: (0.674, 0.703)}  # 5 and 95 %, one die with shared I/O


@pytest.mark.parametrize("accounting", MEDIANS)
def test_regression_of_median_ratios(accounting):
    for name, median in MEDIANS[accounting].items():
        assert TABLE[accounting][name].p50 == pytest.approx(median, rel=0.01), name


def test_regression_of_intervals():
    for name, (low, high) in INTERVALS.items():
        found = TABLE["shared-io"][name]
        assert (found.p5, found.p95) == (pytest.approx(low, abs=0.006), pytest.approx(high, abs=0.006))


def test_regression_of_typical_ratios():
    for name, typical in ((DENSE, 0.682), (DH, 0.300), (H, 0.506)):
        assert TABLE["shared-io"][name].typical == pytest.approx(typical, rel=0.02)


def test_every_accounting_is_given_at_the_papers_sizes_and_at_equal_hidden_size():
    assert len(TABLE) == 9
    assert all(set(row) == {DH, H, DENSE, WIDE, LAYERED} for row in TABLE.values())


@pytest.mark.parametrize("accounting", MEDIANS)
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


@pytest.mark.parametrize("accounting", MEDIANS)
@pytest.mark.parametrize("model", [tied_model("t", 30, 5), untied_model("u", 30, 5)], ids=["tied", "untied"])
def test_identical_specifications_have_ratio_one(accounting, model):
    sharing, architecture = accountings(Architecture())[accounting]
    found = area_ratio(Pair(name="same", tied=model, untied=model), sharing, architecture, CONDITIONS)
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
