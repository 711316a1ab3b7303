"""What a study says of a chip beside its ideal run: paired intervals, and verdicts that know what is open."""

import numpy as np
import pytest
from scipy import stats

from hvae.studies import differences
from hvae.studies.differences import Interval


def test_the_interval_is_that_of_students_t():
    values = np.random.default_rng(0).normal(3, 2, 7)
    low, high = stats.t.interval(0.95, 6, values.mean(), stats.sem(values))
    assert Interval.of(list(values)).bounds == pytest.approx((low, high), rel=1e-12)
    assert Interval.of([5.0]) == Interval(mean=5.0, half=None)


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(1)
    bounds = [Interval.of(list(rng.normal(0, 1, 3))).bounds for _ in range(4000)]
    covered = np.mean([low <= 0 <= high for low, high in bounds])
    assert covered == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 4000))


def test_pairs_are_of_the_same_model_and_seed():
    ideal = {("t", 0): {"x": 1.0}, ("t", 1): {"x": 2.0}, ("d", 0): {}}
    own = [{"model": m, "seed": s, "x": x} for m, s, x in (("t", 1, 2.5), ("t", 0, 4.0), ("d", 0, 9.0), ("t", 5, 9.0))]
    assert differences.paired(own, ideal, "x") == [(2.5, 2.0), (4.0, 1.0)]


def test_what_the_difference_of_pairs_gains_over_that_of_means():
    """Seeds that differ more among themselves than a device changes them."""
    rng = np.random.default_rng(2)
    ideal = rng.normal(100, 20, 5)
    pairs = list(zip(ideal + 3 + rng.normal(0, 0.1, 5), ideal, strict=True))
    found = differences.difference(pairs)
    assert found.half < 0.5
    assert found.mean == pytest.approx(3, abs=0.3)
    assert differences.difference([]) is None


@pytest.mark.parametrize(
    ("ratios", "programmed", "says"),
    [
        ((1.01, 1.02, 1.03), True, "holds"),
        ((1.2, 1.21, 1.22), True, "does not hold"),
        ((1.0, 1.1, 1.2), True, "may hold: more seeds would tell"),
        ((1.2, 1.21, 1.22), False, "learns"),
        ((2.0, 2.1, 2.2), False, "does not learn"),
        ((1.2,), False, "learns (one seed)"),
        ((), False, "no scores"),
    ],
)
def test_the_verdict_says_what_the_interval_allows(ratios, programmed, says):
    assert differences.verdict([(10 * ratio, 10) for ratio in ratios], programmed=programmed) == says
