"""Currents with wire resistance, against an independent dense nodal solution, closed forms and badcrossbar."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.errors import InvalidValue
from crossbar.wires.solver import effective_matrix, output_currents, solve

ENDS = [("left", "bottom"), ("both", "bottom"), ("left", "both"), ("both", "both")]


class Dense:
    """Modified nodal analysis in the plainest form: unknowns are node voltages and the currents of all wire segments.

    A segment's equation is V_a - V_b - r I = 0, so that r = 0 is no special case; nothing is shared with the package.
    """

    def __init__(self, conductances, voltages, words, bits, drive, sense):
        m, n = conductances.shape
        wires = []  # (node or None, node or None, ohm, voltage of the terminal, bit line of a ground)
        word, bit = (lambda i, j: i * n + j), (lambda i, j: m * n + i * n + j)
        for i in range(m):
            for j in range(n):
                wires.append((word(i, j - 1) if j else None, word(i, j), words[i, j], i if j == 0 else None, None))
                wires.append(
                    (bit(i, j), bit(i + 1, j) if i < m - 1 else None, bits[i, j], None, j if i == m - 1 else None)
                )
            if drive == "both":
                wires.append((None, word(i, n - 1), words[i, n], i, None))
        if sense == "both":
            wires.extend((bit(0, j), None, bits[m, j], None, j) for j in range(n))
        nodes = 2 * m * n
        matrix, right = np.zeros((nodes + len(wires),) * 2), np.zeros((nodes + len(wires), voltages.shape[1]))
        for i in range(m):
            for j in range(n):
                pair = np.ix_([word(i, j), bit(i, j)], [word(i, j), bit(i, j)])
                matrix[pair] += conductances[i, j] * np.array([[1, -1], [-1, 1]])
        for at, (a, b, ohm, source, _) in enumerate(wires, nodes):
            for node, sign in ((a, 1), (b, -1)):
                if node is not None:
                    matrix[node, at] += sign
                    matrix[at, node] += sign
            matrix[at, at] = -ohm
            if source is not None:
                right[at] -= voltages[source]
        unknowns = np.linalg.solve(matrix, right)
        unknowns += np.linalg.solve(matrix, right - matrix @ unknowns)
        self.words = unknowns[: m * n].T.reshape(-1, m, n)
        self.bits = unknowns[m * n : nodes].T.reshape(-1, m, n)
        self.currents = np.zeros((voltages.shape[1], n))
        for at, (*_, ground) in enumerate(wires, nodes):
            if ground is not None:
                self.currents[:, ground] += unknowns[at]


def arranged(conductances, words, bits, drive, sense):
    """Full arrays for `Dense` (the extra segments last) and for the package (an extra top segment first)."""
    m, n = conductances.shape
    words = np.broadcast_to(words, (m, n + 1)).copy()
    bits = np.broadcast_to(bits, (m + 1, n)).copy()
    ours = words if drive == "both" else words[:, :n]
    ours_bits = np.vstack([bits[m:], bits[:m]]) if sense == "both" else bits[:m]
    return words, bits, ours, ours_bits


def deviation(values, reference):
    """Largest deviation relative to the largest number of each vector."""
    scale = np.abs(reference).reshape(len(reference), -1).max(axis=1)
    difference = np.abs(values - reference).reshape(len(reference), -1).max(axis=1)
    return (difference / np.where(scale > 0, scale, 1)).max()


PATTERNS = {
    "uniform": lambda rng, shape: rng.uniform(1e-6, 1e-4, shape),
    "log-uniform": lambda rng, shape: 10 ** rng.uniform(-8, -3, shape),
    "open cells": lambda rng, shape: rng.uniform(1e-6, 1e-4, shape) * (rng.random(shape) < 0.5),
    "half rows off": lambda rng, shape: rng.uniform(1e-6, 1e-4, shape) * (np.arange(shape[0]) % 2)[:, np.newaxis],
    "one device": lambda rng, shape: np.where(np.arange(shape[0] * shape[1]).reshape(shape) == 0, 1e-4, 0.0),
    "all open": lambda rng, shape: np.zeros(shape),
}


@settings(max_examples=40, deadline=None)
@given(
    m=st.integers(1, 7), n=st.integers(1, 7), k=st.integers(1, 6), seed=st.integers(0, 2**32 - 1),
    pattern=st.sampled_from(sorted(PATTERNS)), ends=st.sampled_from(ENDS),
    word=st.sampled_from([0.0, 1e-3, 1.0, 30.0, 1e4]), bit=st.sampled_from([0.0, 1e-3, 1.0, 30.0, 1e4]),
    spread=st.sampled_from(["equal", "varied", "some zero"]),
)  # fmt: skip
def test_equals_a_dense_nodal_solution(m, n, k, seed, pattern, ends, word, bit, spread):
    rng = np.random.default_rng(seed)
    conductances = PATTERNS[pattern](rng, (m, n))
    voltages = rng.uniform(-1, 1, (m, k))
    words, bits = np.full((m, n + 1), word), np.full((m + 1, n), bit)
    if spread != "equal":
        words, bits = words * rng.uniform(0.2, 5, words.shape), bits * rng.uniform(0.2, 5, bits.shape)
    if spread == "some zero":
        words, bits = words * (rng.random(words.shape) < 0.6), bits * (rng.random(bits.shape) < 0.6)
        words[:, 0], bits[m - 1] = np.maximum(words[:, 0], word), np.maximum(bits[m - 1], bit)
    # a loop of zero resistance has no unique branch currents: the reference needs one segment with some
    words[:, 0] = np.where(words.sum(axis=1) == 0, 1e-9 * (ends[0] == "both"), words[:, 0])
    bits[m - 1] = np.where(bits.sum(axis=0) == 0, 1e-9 * (ends[1] == "both"), bits[m - 1])
    words, bits, ours, ours_bits = arranged(conductances, words, bits, *ends)
    reference = Dense(conductances, voltages, words, bits, *ends)
    options = {"drive": ends[0], "sense": ends[1]}
    currents = output_currents(conductances, voltages, ours, ours_bits, **options)
    assert currents.shape == (k, n)
    assert deviation(currents, reference.currents) < 1e-9
    solution = solve(conductances, voltages, ours, ours_bits, **options)
    assert deviation(solution.currents, reference.currents) < 1e-9
    np.testing.assert_allclose(solution.word_voltages, reference.words, rtol=0, atol=1e-9)
    np.testing.assert_allclose(solution.bit_voltages, reference.bits, rtol=0, atol=1e-9)
    matrix = effective_matrix(conductances, ours, ours_bits, **options)
    assert deviation(voltages.T @ matrix, reference.currents) < 1e-9


@pytest.mark.parametrize("ends", ENDS)
def test_direct_fallback_agrees(rng, ends):
    conductances, voltages = rng.uniform(1e-6, 1e-4, (5, 4)), rng.uniform(-1, 1, (5, 4))
    options = {"drive": ends[0], "sense": ends[1]}
    iterated = output_currents(conductances, voltages, 40.0, 25.0, **options)
    direct = output_currents(conductances, voltages, 40.0, 25.0, max_iterations=0, **options)
    np.testing.assert_allclose(direct, iterated, rtol=1e-10)
    assert (solve(conductances, voltages, 40.0, 25.0, max_iterations=0, **options).iterations == 0).all()


@pytest.mark.needs_jit
@pytest.mark.parametrize("ohm", [0.1, 10.0, 1e3])
def test_kirchhoff_holds_to_rounding(rng, ohm):
    conductances, voltages = rng.uniform(1e-6, 1e-4, (60, 70)), rng.uniform(-1, 1, (60, 2))
    solution = solve(conductances, voltages, ohm, ohm)
    words, bits = solution.word_voltages, solution.bit_voltages
    into_words = np.diff(np.concatenate([voltages.T[:, :, np.newaxis], words], axis=2), axis=2) / -ohm
    word_out = np.concatenate([into_words[:, :, 1:], np.zeros((2, 60, 1))], axis=2)
    out_of_bits = np.diff(np.concatenate([bits, np.zeros((2, 1, 70))], axis=1), axis=1) / -ohm
    bit_in = np.concatenate([np.zeros((2, 1, 70)), out_of_bits[:, :-1]], axis=1)
    devices = conductances * solution.device_voltages
    rounding = 1e-15 / ohm + 1e-14 * np.abs(devices).max()
    assert np.abs(into_words - word_out - devices).max() < rounding
    assert np.abs(bit_in + devices - out_of_bits).max() < rounding
    np.testing.assert_allclose(out_of_bits[:, -1], solution.currents, rtol=0, atol=70 * rounding)


def test_ideal_wires_multiply(rng):
    conductances, voltages = rng.uniform(0, 1e-4, (6, 5)), rng.uniform(-1, 1, (6, 4))
    np.testing.assert_allclose(output_currents(conductances, voltages, 0, 0), voltages.T @ conductances, rtol=1e-13)
    np.testing.assert_allclose(
        output_currents(conductances, voltages, 0, 0, drive="both", sense="both"), voltages.T @ conductances, rtol=1e-13
    )


def test_one_word_line_is_a_ladder():
    """With r on the word line only, u_{j-1} - (2 + r G) u_j + u_{j+1} = 0, u_0 = V, u_{n+1} = u_n.

    Hence u_j = V cosh((n - j + 1/2) a) / cosh((n + 1/2) a) with 2 cosh a = 2 + r G.
    """
    n, ohm, siemens, volts = 9, 120.0, 2e-4, 0.7
    a = np.arccosh(1 + ohm * siemens / 2)
    expected = siemens * volts * np.cosh((n - np.arange(1, n + 1) + 0.5) * a) / np.cosh((n + 0.5) * a)
    currents = output_currents(np.full((1, n), siemens), np.array([volts]), ohm, 0.0)
    np.testing.assert_allclose(currents[0], expected, rtol=1e-12)


def test_one_cell_is_a_series():
    assert output_currents([[1e-3]], [0.5], 200.0, 300.0)[0, 0] == pytest.approx(0.5 / (200 + 1000 + 300), rel=1e-14)


def test_reciprocity_and_shapes(rng):
    conductances = rng.uniform(1e-6, 1e-4, (9, 4))
    tall = effective_matrix(conductances, 20.0, 30.0)
    units = output_currents(conductances, np.eye(9), 20.0, 30.0)
    np.testing.assert_allclose(tall, units, rtol=1e-10)
    assert output_currents(conductances, np.zeros((9, 0)), 1.0, 1.0).shape == (0, 4)
    assert not output_currents(conductances, np.zeros((9, 5)), 1.0, 1.0).any()


def test_scale_of_the_inputs_does_not_matter(rng):
    conductances, voltages = rng.uniform(1e-6, 1e-4, (5, 5)), rng.uniform(-1, 1, (5, 4))
    tiny = output_currents(conductances, 1e-200 * voltages, 5.0, 5.0)
    np.testing.assert_allclose(tiny * 1e200, output_currents(conductances, voltages, 5.0, 5.0), rtol=1e-12)


@pytest.mark.needs_jit
def test_hard_wires_still_solve(rng):
    """Megaohm segments: hundreds of iterations, refinement, and agreement with the direct solution."""
    conductances, voltages = 10 ** rng.uniform(-9, -3, (24, 24)), rng.uniform(-1, 1, (24, 3))
    currents = output_currents(conductances, voltages, 1e6, 1e6)
    direct = output_currents(conductances, voltages, 1e6, 1e6, max_iterations=0)
    assert deviation(currents, direct) < 1e-9


@pytest.mark.needs_jit
@pytest.mark.parametrize("vectors", [1, 5])
def test_agrees_with_badcrossbar(rng, vectors):
    badcrossbar = pytest.importorskip("badcrossbar")
    conductances, voltages = rng.uniform(1e-6, 1e-4, (40, 32)), rng.uniform(-1, 1, (40, vectors))
    peer = badcrossbar.compute(voltages, 1 / conductances, r_i_word_line=1.0, r_i_bit_line=2.0)
    ours = output_currents(conductances, voltages, 1.0, 2.0)
    np.testing.assert_allclose(ours, np.atleast_2d(peer.currents.output), rtol=1e-9, atol=1e-9 * np.abs(ours).max())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conductances": np.ones(3)}, "must be a matrix"),
        ({"conductances": -np.ones((3, 2))}, "must not be negative"),
        ({"conductances": np.full((3, 2), np.nan)}, "must be finite"),
        ({"conductances": [["a", "b"]] * 3}, "real numbers"),
        ({"voltages": np.ones((2, 4))}, "m = 3"),
        ({"voltages": np.full((3, 1), np.inf)}, "must be finite"),
        ({"r_word_line": -1.0}, "r_word_line` must not be negative"),
        ({"r_bit_line": np.inf}, "r_bit_line` must be finite"),
        ({"r_word_line": np.ones(3)}, "one a segment"),
        ({"r_bit_line": np.ones((2, 3))}, "one a segment"),
        ({"drive": "right"}, "`drive` must be"),
        ({"sense": "top"}, "`sense` must be"),
        ({"tolerance": 0.0}, "`tolerance`"),
        ({"max_iterations": -1}, "`max_iterations`"),
    ],
)
def test_refuses_what_cannot_be_meant(change, message):
    arguments = {"conductances": np.ones((3, 2)), "voltages": np.ones((3, 1)), "r_word_line": 1.0, "r_bit_line": 1.0}
    with pytest.raises(InvalidValue, match=message):
        output_currents(**{**arguments, **change})
