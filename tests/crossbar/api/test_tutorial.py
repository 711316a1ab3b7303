"""The journey matrix, read, pulse, conductances, currents, settle takes at most eight statements."""

import numpy as np
from tutorials import run, statements

import crossbar as xb

MOST = 8


def test_the_journey_is_short_and_runs():
    assert len(statements("crossbar_from_a_matrix")) <= MOST
    names, shown = run("crossbar_from_a_matrix")
    reads, pulsed, currents, rest = shown
    a = names["a"]
    assert reads.shape == (16, 2)
    assert np.linalg.norm(reads[:, 0] - reads[:, 1]) < 0.2 * np.linalg.norm(reads[:, 1])
    assert pulsed.up == 5 * 16 * 24
    assert names["plus"].shape == names["minus"].shape == a.shape == (16, 24)
    assert 0 < np.linalg.norm(currents[:, 0] - currents[:, 1]) < 0.1 * np.linalg.norm(currents[:, 1])
    assert isinstance(rest, xb.Equilibrium)
    assert rest.solver == "Euler"
    assert rest.settled
