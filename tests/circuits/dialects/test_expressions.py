"""Expressions of behavioural sources, against Python's own reading of the same text."""

import math

import numpy as np
import pytest

from circuits.cells.neuron import rho, slope
from circuits.dialects.equality import same
from circuits.dialects.expressions import evaluate, leaves, read
from crossbar.errors import CorruptFile
from crossbar.hopfield.neurons import Sigmoid

VALUES = {"a": 1.7, "b": -0.6, "c": 0.3, "gain": 3.0}


@pytest.mark.parametrize("text", [
    "a-b-c", "a/b/c", "a-b*c", "-a*b", "a*-b", "(a-b)*c", "1+tanh(0.5*gain*(a-b))", "max(min(a,b),c)", "2e-3*a+.5",
    "exp(-a)*sinh(b)", "abs(b)-a",
])  # fmt: skip
def test_they_are_read_as_python_reads_them(text):
    known = {"tanh": math.tanh, "exp": math.exp, "sinh": math.sinh}
    expected = eval(text, known, VALUES)
    assert evaluate(read(text), VALUES) == pytest.approx(expected, rel=1e-15)


def test_choices_of_both_kinds_nest():
    for text in ("a>b ? (c>b ? 1 : 2) : 3", "if(a>b,if(c>b,1,2),3)"):
        assert [evaluate(read(text), {"a": a, "b": 0.0, "c": c}) for a, c in ((1, 1), (1, -1), (-1, 1))] == [1, 2, 3]


@pytest.mark.parametrize("state", [-2.0, -0.1, 0.0, 0.7])
def test_the_neurons_functions_are_the_simulators(state):
    values = {"gain": 3.0, "v(s)": state}
    signal = Sigmoid(3.0).signal(np.array([state]))
    assert evaluate(read(rho(())), values) == pytest.approx(signal[0], rel=1e-12)
    assert evaluate(read(slope(())), values) == pytest.approx(Sigmoid(3.0).slope(signal)[0], rel=1e-12)


def test_leaves_are_parameters_voltages_and_currents():
    assert leaves(read("(s_row*v(r)-i(Vp)+v(a,b))/gain")) == {"s_row", "v(r)", "i(vp)", "v(a,b)", "gain"}


@pytest.mark.parametrize("text", ["a^2", "a+", "(a", "a b", "`date`", "a ? b", ""])
def test_what_no_cell_of_ours_has_is_refused(text):
    with pytest.raises(CorruptFile):
        read(text)


@pytest.mark.parametrize(("one", "other"), [
    ("0.5*a", "a*0.50000001"), ("a-b", "b-a"), ("v(x)", "v(y)"), ("a", "a+0*b"), ("a>0.5 ? 1 : 2", "a>0.6 ? 1 : 2.1"),
])  # fmt: skip
def test_functions_that_are_not_the_same_are_told(one, other, rng):
    assert same(read(one), read(one), rng)
    assert not same(read(one), read(other), rng)


@pytest.mark.parametrize("text", [
    "(" * 400 + "1", "(" * 20_000, "-" * 20_000 + "1", "1?" * 9_000 + "1", "1+" * 600 + "1",
])  # fmt: skip
def test_expressions_longer_or_deeper_than_ours_are_refused(text):
    with pytest.raises(CorruptFile, match=r"no expression of ours"):
        read(text)


@pytest.mark.parametrize("text", ["tanh(1,2)", "min(1)", "pow(2)", "exp(1,2,3)"])
def test_functions_of_another_number_of_arguments_are_refused(text):
    with pytest.raises(CorruptFile, match="arguments"):
        evaluate(read(text), {})


def test_the_longest_that_is_read_can_be_evaluated():
    assert evaluate(read("1+" * 499 + "1"), {}) == 500
