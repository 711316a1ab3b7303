"""The rule by which a solver is chosen, for every kind of couplings."""

from dataclasses import dataclass

import pytest

from crossbar.errors import InvalidValue
from crossbar.hopfield.choice import SWEEPS, choose_solver


@dataclass(frozen=True)
class Kind:
    """Couplings of which only the kind is known."""

    symmetric: bool
    static: bool
    linear: bool


@pytest.mark.parametrize(
    ("kind", "name", "word"),
    [
        (Kind(True, True, True), "ConjugateGradient", "energy"),
        (Kind(False, True, True), "HeldAntisymmetry", "antisymmetric"),
        (Kind(True, True, False), "Euler", "converters"),
        (Kind(False, True, False), "Euler", "converters"),
        (Kind(True, False, True), "Euler", "noise"),
        (Kind(False, False, True), "Euler", "noise"),
        (Kind(True, False, False), "Euler", "noise and converters"),
        (Kind(False, False, False), "Euler", "noise and converters"),
    ],
)
def test_every_kind_has_its_solver(kind, name, word):
    chosen = choose_solver(kind, tolerance=1e-5)
    assert chosen.name == name
    assert word in chosen.reason
    assert chosen.solver.tolerance == 1e-5
    assert chosen.solver.max_sweeps == SWEEPS[name]
    assert choose_solver(kind, tolerance=1e-5, max_sweeps=77).solver.max_sweeps == 77


def test_what_a_solver_refuses_is_refused():
    with pytest.raises(InvalidValue, match="`tolerance`"):
        choose_solver(Kind(True, True, True), tolerance=0.0)
