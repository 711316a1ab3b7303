"""Write pulses: Kirchhoff's law by hand and by a general root finder, ngspice, schemes, what is refused."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import root

from crossbar.errors import InvalidValue, UnknownName
from crossbar.wires import OhmicCell, SelectedCell, SinhCell, solve_cells, write_pulse, write_volts

SELECTED = SelectedCell(r=1e3, i_s=1e-9, v_s=0.05)
LAWS = [OhmicCell(), SinhCell(0.3), SELECTED]


def ends(shape, place, volts, of_words, of_bits):
    """Voltages of word and bit lines, by hand."""
    words, bits = np.full(shape[0], of_words * volts), np.full(shape[1], of_bits * volts)
    words[place[0]], bits[place[1]] = volts, 0.0
    return words, bits


@pytest.mark.parametrize(("scheme", "of_words", "of_bits"), [("half", 1 / 2, 1 / 2), ("third", 1 / 3, 2 / 3)])
@pytest.mark.parametrize("cell", LAWS, ids=str)
def test_a_general_root_finder_agrees(cell, scheme, of_words, of_bits, rng):
    """All 24 nodes by Kirchhoff's law with held ends, which knows nothing of shifts."""
    held, ohm, place = rng.uniform(1e-6, 1e-4, (4, 3)), 500.0, (1, 2)
    words, bits = ends((4, 3), place, 1.2, of_words, of_bits)

    def missing(nodes):
        above, below = nodes.reshape(2, 4, 3)
        through = cell.current(held, above - below)
        right = -np.diff(np.hstack([words[:, None], above]), axis=1) / ohm
        down = -np.diff(np.vstack([below, bits[None]]), axis=0) / ohm
        at_words = right - np.hstack([right[:, 1:], np.zeros((4, 1))]) - through
        at_bits = np.vstack([np.zeros((1, 3)), down[:-1]]) - down + through
        return 1e5 * np.concatenate([at_words.ravel(), at_bits.ravel()])

    exact = root(missing, np.full(24, 0.5), tol=1e-13)
    assert np.abs(exact.fun).max() < 1e-8
    found = write_pulse(held, place, 1.2, ohm, ohm, cell, scheme=scheme)
    assert found.converged
    above, below = exact.x.reshape(2, 4, 3)
    np.testing.assert_allclose(found.solution.word_voltages[0], above, atol=1e-9)
    np.testing.assert_allclose(found.solution.bit_voltages[0], below, atol=1e-9)
    through = cell.current(held, above - below)
    assert found.word_current == pytest.approx(through[1].sum(), rel=1e-8)
    lines = (words[:, None] - above)[:, 0] / ohm @ words - (below - bits)[-1] / ohm @ bits
    assert found.power == pytest.approx(lines, rel=1e-8)


@pytest.mark.parametrize("cell", LAWS, ids=str)
def test_without_resistance_schemes_are_what_they_are_called(cell, rng):
    held = rng.uniform(1e-6, 1e-4, (6, 5))
    for scheme, share, other in (("half", 1 / 2, 0.0), ("third", 1 / 3, -1 / 3)):
        found = write_pulse(held, (2, 3), -1.5, 0.0, 0.0, cell, scheme=scheme)
        across = found.solution.cell_voltages[0] / -1.5
        assert found.arrived == pytest.approx(-1.5)
        assert found.disturbed == pytest.approx(1.5 * share)
        np.testing.assert_allclose(np.delete(across[2], 3), share)
        np.testing.assert_allclose(np.delete(across[:, 3], 2), share)
        np.testing.assert_allclose(np.delete(np.delete(across, 2, 0), 3, 1), other, atol=1e-12)


def test_ends_at_ground_change_nothing(rng):
    held, volts = rng.uniform(1e-6, 1e-4, (5, 4)), rng.uniform(-1, 1, (5, 3))
    for cell in LAWS:
        plain, ended = (solve_cells(held, volts, 50.0, 20.0, cell, bit_ends=one) for one in (None, np.zeros((4, 3))))
        np.testing.assert_array_equal(plain.currents, ended.currents)
        np.testing.assert_array_equal(plain.bit_voltages, ended.bit_voltages)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1.0, 1.0))
def test_all_ends_may_move_together(seed, shift):
    """A voltage added to every driver and every ground is added to every node, and to no current."""
    rng = np.random.default_rng(seed)
    held, volts, cell = rng.uniform(1e-6, 1e-4, (4, 6)), rng.uniform(-1, 1, 4), LAWS[seed % len(LAWS)]
    grounds = rng.uniform(-1, 1, 6)
    one = solve_cells(held, volts, 80.0, 30.0, cell, bit_ends=grounds, sense="both", drive="both")
    other = solve_cells(held, volts + shift, 80.0, 30.0, cell, bit_ends=grounds + shift, sense="both", drive="both")
    np.testing.assert_allclose(other.currents, one.currents, rtol=1e-7, atol=1e-9 * np.abs(one.currents).max())
    np.testing.assert_allclose(other.word_voltages, one.word_voltages + shift, atol=1e-8)


def test_a_selector_brings_more_to_a_far_cell_than_ohm_does():
    """Half-selected cells load the lines: in the far corner, less is left, the more they conduct."""
    held, place = np.full((64, 64), 5e-5), (0, 63)
    ohmic, selected = (write_pulse(held, place, 2.0, 5.0, 5.0, one) for one in (OhmicCell(), SELECTED))
    near = write_pulse(held, (63, 0), 2.0, 5.0, 5.0, OhmicCell())
    assert ohmic.arrived < near.arrived < 2.0
    assert ohmic.arrived < selected.arrived
    assert selected.power < ohmic.power


@pytest.mark.parametrize("wanted", [1.5, -0.7])
@pytest.mark.parametrize("cell", LAWS, ids=str)
def test_the_driver_that_brings_what_is_wanted(cell, wanted):
    held, place = np.full((24, 24), 5e-5), (0, 23)
    found = write_volts(held, place, wanted, 20.0, 20.0, cell)
    assert found.arrived == pytest.approx(wanted, rel=1e-7)
    assert abs(found.volts) > abs(wanted)
    again = write_pulse(held, place, found.volts, 20.0, 20.0, cell)
    assert again.arrived == found.arrived
    ideal = write_volts(held, place, wanted, 0.0, 0.0, cell)
    assert ideal.volts == pytest.approx(wanted)


def test_what_cannot_be_is_refused():
    held = np.full((8, 8), 1e-4)
    for place in ((8, 0), (0, -1), (0,)):
        with pytest.raises(InvalidValue, match="`place` must be a word and a bit line"):
            write_pulse(held, place, 1.0, 1.0, 1.0, OhmicCell())
    for volts in (0.0, np.nan, np.inf):
        with pytest.raises(InvalidValue, match="`volts` must be finite and not zero"):
            write_pulse(held, (0, 0), volts, 1.0, 1.0, OhmicCell())
    with pytest.raises(UnknownName, match="scheme"):
        write_pulse(held, (0, 0), 1.0, 1.0, 1.0, OhmicCell(), scheme="halves")
    with pytest.raises(InvalidValue, match=r"a driver of 2 V brings .* but 1\.9 are wanted"):
        write_volts(held, (0, 7), 1.9, 1000.0, 1000.0, OhmicCell(), most=2.0)
    with pytest.raises(InvalidValue, match="`wanted` must be finite"):
        write_volts(held, (0, 7), 11.0, 1.0, 1.0, OhmicCell())
    with pytest.raises(InvalidValue, match="`bit_ends` must be"):
        solve_cells(held, np.ones(8), 1.0, 1.0, OhmicCell(), bit_ends=np.ones(7))


@pytest.mark.spice
@pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
def test_ngspice_agrees(tmp_path, rng):
    held, ohm, place, v_0 = rng.uniform(1e-6, 1e-4, (6, 6)), 50.0, (0, 5), 0.3
    words, bits = ends((6, 6), place, 1.5, 1 / 2, 1 / 2)
    cards = ["* a write pulse", *(f"Vw{i} d{i} 0 {one!r}" for i, one in enumerate(words.tolist())),
             *(f"Vb{j} g{j} 0 {one!r}" for j, one in enumerate(bits.tolist()))]  # fmt: skip
    for i in range(6):
        for j in range(6):
            before, below = f"w{i}_{j - 1}" if j else f"d{i}", f"b{i + 1}_{j}" if i < 5 else f"g{j}"
            cards += [f"Rw{i}_{j} {before} w{i}_{j} {ohm}", f"Rb{i}_{j} b{i}_{j} {below} {ohm}"]
            cards += [f"B{i}_{j} w{i}_{j} b{i}_{j} I={float(held[i, j]) * v_0!r}*sinh(v(w{i}_{j},b{i}_{j})/{v_0})"]
    cards += [".options reltol=1e-9 abstol=1e-18 vntol=1e-12 gmin=1e-18", ".op", ".control", "run", "set numdgt=15",
              "print v(w0_5)-v(b0_5)", ".endc", ".end", ""]  # fmt: skip
    (tmp_path / "write.cir").write_text("\n".join(cards))
    command = ["ngspice", "-n", "-b", "write.cir"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    theirs = next(float(line.split("=")[1]) for line in said.splitlines() if line.startswith("v(w0_5)-v(b0_5)"))
    assert write_pulse(held, place, 1.5, ohm, ohm, SinhCell(v_0)).arrived == pytest.approx(theirs, rel=1e-8)
