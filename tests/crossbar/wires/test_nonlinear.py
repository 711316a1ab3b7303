"""Crossbars of cells that are not ohmic: closed forms, Kirchhoff by hand, the linear solver, SciPy's roots, ngspice."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, root

from crossbar.errors import InvalidValue
from crossbar.wires import nonlinear
from crossbar.wires.cells import OhmicCell, PolynomialCell, SelectedCell, SinhCell
from crossbar.wires.nonlinear import solve_cells
from crossbar.wires.solver import solve

LAWS = [
    SinhCell(0.25), SinhCell(0.05), PolynomialCell(0.0, 5.0), PolynomialCell(0.5, 5.0), SelectedCell(r=1e4),
    SelectedCell(r=1e3, i_s=1e-9, v_s=0.05),
]  # fmt: skip
ENDS = [("left", "bottom"), ("both", "bottom"), ("left", "both"), ("both", "both")]


def problem(rng, m=7, n=5, volts=0.5):
    return rng.uniform(1e-6, 1e-4, (m, n)), rng.uniform(-volts, volts, (m, 2))


def imbalance(conductances, volts, found, ohm, cell, drive, sense):
    """Largest current that a node is given and does not pass on, as a share of the largest of a cell."""
    worst, (m, n) = 0.0, conductances.shape
    for q in range(volts.shape[1]):
        words, bits = found.word_voltages[q], found.bit_voltages[q]
        through = cell.current(conductances, words - bits)
        ends = volts[:, q : q + 1]
        right = -np.diff(np.hstack([ends, words, *([ends] if drive == "both" else [])]), axis=1) / ohm
        right = right if drive == "both" else np.hstack([right, np.zeros((m, 1))])
        ground = np.zeros((1, n))
        down = -np.diff(np.vstack([*([ground] if sense == "both" else []), bits, ground]), axis=0) / ohm
        down = down if sense == "both" else np.vstack([ground, down])
        at_words, at_bits = right[:, :-1] - right[:, 1:] - through, down[:-1] - down[1:] + through
        worst = max(worst, max(np.abs(at_words).max(), np.abs(at_bits).max()) / np.abs(through).max())
    return worst


@pytest.mark.parametrize(("drive", "sense"), ENDS)
@pytest.mark.parametrize("cell", LAWS, ids=str)
def test_kirchhoff_holds_at_every_node(cell, drive, sense, rng):
    conductances, volts = problem(rng, 17, 11)
    found = solve_cells(conductances, volts, 20.0, 20.0, cell, drive=drive, sense=sense)
    assert found.converged.all()
    assert (found.residual <= nonlinear.TOLERANCE).all()
    assert imbalance(conductances, volts, found, 20.0, cell, drive, sense) < 1e-9
    np.testing.assert_allclose(
        found.currents, cell.current(conductances, found.cell_voltages).sum(axis=1), rtol=1e-14, atol=0
    )


@pytest.mark.parametrize(("drive", "sense"), ENDS)
def test_ohmic_cells_are_the_linear_crossbar(drive, sense, rng):
    conductances, volts = problem(rng)
    found = solve_cells(conductances, volts, 30.0, 50.0, OhmicCell(), drive=drive, sense=sense)
    linear = solve(conductances, volts, 30.0, 50.0, drive=drive, sense=sense)
    np.testing.assert_allclose(found.currents, linear.currents, rtol=1e-9)
    np.testing.assert_allclose(found.word_voltages, linear.word_voltages, atol=1e-11)
    behind = solve_cells(conductances, volts, 30.0, 50.0, SelectedCell(r=1e4), drive=drive, sense=sense)
    series = solve(1 / (1 / conductances + 1e4), volts, 30.0, 50.0, drive=drive, sense=sense)
    np.testing.assert_allclose(behind.currents, series.currents, rtol=1e-9)


@pytest.mark.parametrize("cell", LAWS, ids=str)
def test_one_cell_behind_two_segments(cell):
    def missing(volts):
        return float(cell.current(np.array(1e-4), np.array(volts))) * 3000.0 - (0.7 - volts)

    expected = brentq(missing, 0, 0.7, xtol=1e-15)
    found = solve_cells([[1e-4]], [0.7], 1000.0, 2000.0, cell)
    assert found.cell_voltages[0, 0, 0] == pytest.approx(expected, rel=1e-10)
    assert found.currents[0, 0] == pytest.approx((0.7 - expected) / 3000.0, rel=1e-10)


@pytest.mark.parametrize("cell", LAWS, ids=str)
def test_without_wires_every_cell_sees_its_driver(cell, rng):
    conductances, volts = problem(rng)
    found = solve_cells(conductances, volts, 0.0, 0.0, cell)
    expected = cell.current(conductances[None], volts.T[:, :, None]).sum(axis=1)
    np.testing.assert_allclose(found.currents, expected, rtol=1e-12)


@pytest.mark.parametrize("cell", [SinhCell(0.1), SelectedCell(r=1e3, i_s=1e-7, v_s=0.05)], ids=str)
def test_a_general_root_finder_agrees(cell, rng):
    conductances, volts = problem(rng, 4, 3)
    ohm = 500.0

    def missing(nodes):
        words, bits = nodes.reshape(2, 4, 3)
        through = cell.current(conductances, words - bits)
        right = -np.diff(np.hstack([volts[:, :1], words]), axis=1) / ohm
        down = -np.diff(np.vstack([bits, np.zeros((1, 3))]), axis=0) / ohm
        at_words = right - np.hstack([right[:, 1:], np.zeros((4, 1))]) - through
        at_bits = np.vstack([np.zeros((1, 3)), down[:-1]]) - down + through
        return 1e5 * np.concatenate([at_words.ravel(), at_bits.ravel()])

    exact = root(missing, np.zeros(24), tol=1e-13)
    assert exact.success
    found = solve_cells(conductances, volts[:, :1], ohm, ohm, cell)
    np.testing.assert_allclose(
        np.concatenate([found.word_voltages[0].ravel(), found.bit_voltages[0].ravel()]), exact.x, atol=1e-9
    )


@pytest.mark.parametrize("cell", LAWS, ids=str)
def test_slopes_are_derivatives_and_laws_are_ohm_s_at_small_voltages(cell):
    volts, step = np.linspace(-0.6, 0.6, 25), 1e-6
    held = np.full(25, 2e-5)
    numeric = (cell.current(held, volts + step) - cell.current(held, volts - step)) / (2 * step)
    np.testing.assert_allclose(cell.slope(held, volts), numeric, rtol=2e-6)
    assert (cell.slope(held, volts) > 0).all()
    assert float(cell.current(np.array(0.0), np.array(0.5))) == 0.0
    if not isinstance(cell, SelectedCell):
        assert float(cell.current(np.array(1e-5), np.array(1e-7))) == pytest.approx(1e-12, rel=1e-5)


@pytest.mark.parametrize("cell", [*LAWS, OhmicCell()], ids=str)
def test_what_is_written_reads_as_was_wanted(cell, rng):
    """Programming through the cell: `current` knows nothing of `written`."""
    volts = rng.uniform(1.0, 1.5, 50) * rng.choice([-1, 1], 50)
    wanted = 10 ** rng.uniform(-7, -5, 50) * volts
    held = cell.written(wanted, volts)
    assert (held > 0).all()
    np.testing.assert_allclose(cell.current(held, volts), wanted, rtol=1e-9)
    assert cell.written(np.zeros(3), np.ones(3)).tolist() == [0, 0, 0]


def test_a_current_that_a_selector_lets_through_for_no_device_is_refused():
    cell = SelectedCell(r=1e4)
    with pytest.raises(InvalidValue, match=r"no device carries up to 0\.0001 A at this voltage"):
        cell.written(np.array([1e-6, 1e-4]), np.array([1.0, 1.0]))
    for other in (OhmicCell(), SinhCell(0.1)):
        with pytest.raises(InvalidValue, match="no device carries"):
            other.written(np.array([1e-6]), np.array([-1.0]))


def test_a_selected_cell_obeys_its_equation(rng):
    cell = SelectedCell(r=2e3, i_s=1e-10, v_s=0.06)
    held, volts = 10 ** rng.uniform(-9, -3, 200), rng.uniform(-3, 3, 200)
    current = cell.current(held, volts)
    np.testing.assert_allclose(current / held + cell.r * current + cell.v_s * np.arcsinh(current / cell.i_s), volts)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3), st.floats(0.01, 0.5))
def test_more_voltage_on_a_line_never_lowers_a_current(seed, line, more):
    rng = np.random.default_rng(seed)
    conductances, volts = problem(rng, 4, 3)
    cell = LAWS[seed % len(LAWS)]
    before = solve_cells(conductances, volts[:, 0], 100.0, 100.0, cell).currents
    volts[line, 0] += more
    after = solve_cells(conductances, volts[:, 0], 100.0, 100.0, cell).currents
    assert (after - before > -1e-9 * np.abs(before).max()).all()


def test_hard_cells_converge_from_far(rng):
    conductances, volts = problem(rng, 24, 24, volts=2.0)
    found = solve_cells(conductances, volts, 5.0, 5.0, SinhCell(0.03))
    assert found.converged.all()
    assert (found.steps < nonlinear.MAX_STEPS).all()
    assert imbalance(conductances, volts, found, 5.0, SinhCell(0.03), "left", "bottom") < 1e-8


def test_what_does_not_converge_is_told(rng):
    conductances, volts = problem(rng)
    found = solve_cells(conductances, volts, 100.0, 100.0, SinhCell(0.05), max_steps=2)
    assert not found.converged.any()
    assert (found.residual > nonlinear.TOLERANCE).all()
    assert (found.steps == 2).all()


@pytest.mark.parametrize(("make", "says"), [
    (lambda: SinhCell(0.0), "`v_0`"), (lambda: SinhCell(float("nan")), "`v_0`"),
    (lambda: PolynomialCell(3.0, 1.0), "must rise"), (lambda: PolynomialCell(0.0, -1.0), "must rise"),
    (lambda: SelectedCell(r=-1.0), "`r`"), (lambda: SelectedCell(i_s=0.0), "`i_s`"),
    (lambda: solve_cells([[1.0]], [1.0], 1.0, 1.0, OhmicCell(), tolerance=0.0), "`tolerance`"),
    (lambda: solve_cells([[-1.0]], [1.0], 1.0, 1.0, OhmicCell()), "conductances"),
])  # fmt: skip
def test_what_is_no_cell_is_refused(make, says):
    with pytest.raises(InvalidValue, match=says):
        make()


@pytest.mark.spice
def test_ngspice_finds_the_same_currents(tmp_path, rng):
    if shutil.which("ngspice") is None:
        pytest.skip("ngspice is not installed")
    conductances, volts = problem(rng, 6, 5)
    v_0, ohm, volts = 0.1, 300.0, volts[:, :1]
    lines = ["* cells of v_0 sinh"]
    for i in range(6):
        lines.append(f"Vin{i} d{i} 0 {float(volts[i, 0])!r}")
        for j in range(5):
            before = f"w{i}_{j - 1}" if j else f"d{i}"
            after = f"b{i + 1}_{j}" if i < 5 else f"g{j}"
            lines += [
                f"Rw{i}_{j} {before} w{i}_{j} {ohm!r}", f"Rb{i}_{j} b{i}_{j} {after} {ohm!r}",
                f"B{i}_{j} w{i}_{j} b{i}_{j} I={float(conductances[i, j] * v_0)!r}*sinh(v(w{i}_{j},b{i}_{j})/{v_0})",
            ]  # fmt: skip
    lines += [f"Vg{j} g{j} 0 0" for j in range(5)]
    lines += [".options reltol=1e-9 abstol=1e-18 vntol=1e-12 gmin=1e-18", ".op", ".control", "run", "set numdgt=15"]
    lines += [*(f"print i(vg{j})" for j in range(5)), ".endc", ".end"]
    (tmp_path / "cells.cir").write_text("\n".join(lines) + "\n")
    said = subprocess.run(
        ["ngspice", "-n", "-b", "cells.cir"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout  # fmt: skip
    theirs = [float(line.split("=")[1]) for line in said.splitlines() if line.startswith("i(vg")]
    found = solve_cells(conductances, volts, ohm, ohm, SinhCell(v_0))
    np.testing.assert_allclose(found.currents[0], theirs, rtol=1e-8)


@pytest.mark.parametrize("cell", [*LAWS, OhmicCell(), PolynomialCell(0.0, 0.0)], ids=str)
def test_volts_are_the_inverse_of_the_current(cell):
    volts, held = np.linspace(-1.5, 1.5, 31), np.full(31, 3e-5)
    np.testing.assert_allclose(cell.volts(held, cell.current(held, volts)), volts, atol=1e-12)
    assert abs(float(cell.volts(np.array(0.0), np.array(0.0)))) < 1e-15
