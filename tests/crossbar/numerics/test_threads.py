"""Work in parts: as many threads as BLAS may use, every part once, errors told."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from crossbar.numerics import threads
from crossbar.numerics.mirror import mirror_upper


@pytest.fixture(params=[1, 2, 3])
def several(request, monkeypatch):
    """As many threads, however small the work; inside a part one."""
    monkeypatch.setattr(threads, "LEAST", 1)
    own = threads.count
    monkeypatch.setattr(threads, "count", lambda: own() if getattr(threads._place, "inside", False) else request.param)
    return request.param


def test_the_limit_is_that_of_the_matrix_product():
    with threadpool_limits(1, "blas"):
        assert threads.count() == 1


def test_parts_come_back_in_order_and_may_not_take_threads_of_their_own(several):
    found = threads.each(lambda k: (k, threads.count()), range(20))
    assert [k for k, _ in found] == list(range(20))
    assert several == 1 or {inside for _, inside in found} == {1}
    assert threads.each(lambda k: k, range(2)) == [0, 1]  # and the place is as it was


def test_helpers_do_take_parts(monkeypatch):
    monkeypatch.setattr(threads, "count", lambda: 2)
    both = threading.Barrier(2, timeout=20)
    assert len(set(threads.each(lambda _: (both.wait() and 0) or threading.get_ident(), range(2)))) == 2


def test_an_error_of_a_part_is_raised(several):
    def broken(k):
        if k == 7:
            raise ZeroDivisionError
        return k

    with pytest.raises(ZeroDivisionError):
        threads.each(broken, range(20))
    assert threads.each(lambda k: k, range(3)) == [0, 1, 2]


@pytest.mark.parametrize("work", [np.ones(13), np.arange(13), np.r_[1000, np.zeros(5)], np.zeros(4), np.ones(1)])
def test_stretches_cover_every_row_once(several, work):
    spans = threads.over_rows(lambda begin, end: (begin, end), work)
    rows = [row for begin, end in spans for row in range(begin, end)]
    assert rows == list(range(len(work)))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 7, 8, 33])
def test_what_lies_above_the_diagonal_is_copied_below(rng, several, size, kind):
    plane = rng.standard_normal((size, size)).astype(kind)
    expected = np.triu(plane) + np.triu(plane, 1).T
    mirror_upper(plane)
    np.testing.assert_array_equal(plane, expected)
