"""Rows that stop one by one end as they would alone, whatever the arrays they are worked on in."""

import pytest

torch = pytest.importorskip("torch", reason="the torch engine needs torch: pip install hopbar[torch]")

from hvae.tensors.rows import Iteration, Pace, Rows  # noqa: E402


def halving(rows):
    """Halve what moves, until it is below 1, at most 40 times; count each."""
    moves = rows.moving.clone()
    rows.sweeps.add_(moves)
    rows.matrices.mul_(torch.where(moves == 1, 0.5, 1.0)[..., None])
    rows.vectors.add_(moves)
    rows.moving.mul_((rows.matrices[0, ..., 0] >= 1) & (rows.sweeps < 40))


@pytest.mark.parametrize("pace", [Pace(1, 1, 2), Pace(3, 2, 2), Pace(8, 8, 4), Pace(5, 1, 1)])
def test_each_row_takes_the_sweeps_that_it_needs(pace):
    lengths = torch.tensor([[0, 3, 30, 1, 7, 7, 19], [2, 2, 2, 2, 2, 2, 60]])
    rows = Rows.empty((2, 1), (2, 7, 3), torch.device("cpu"), torch.float64)
    rows.matrices[:] = (2.0 ** (lengths - 1))[None, :, :, None]
    rows.moving.copy_(lengths > 0)
    iteration = Iteration(rows, halving, 40, pace)
    iteration.run()
    assert rows.sweeps.tolist() == torch.clamp(lengths, max=40).tolist()
    assert torch.equal(rows.vectors[0], rows.sweeps.to(torch.float64))
    assert not rows.moving.any()
    assert torch.equal(rows.matrices[1, 0], torch.full((7, 3), 0.5, dtype=torch.float64))
    assert float(rows.matrices[1, 1, 6, 0]) == 2.0**19


def test_few_rows_are_worked_on_in_small_arrays():
    rows = Rows.empty((1, 1), (1, 64, 1), torch.device("cpu"), torch.float64)
    rows.matrices.fill_(2.0)
    rows.matrices[0, 0, 5] = 2.0**31
    rows.moving.fill_(1)
    iteration = Iteration(rows, halving, 40, Pace(4, 1, 4))
    iteration.run()
    assert iteration.worked == 4 * 64 + 28
