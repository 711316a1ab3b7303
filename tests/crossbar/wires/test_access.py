"""Access devices: the two in series by hand, by a root finder and in ngspice; texts; what is refused."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from crossbar.devices.mapping import mapping_for
from crossbar.errors import InvalidValue
from crossbar.wires import Access, SelectedCell, SinhCell, access

SELECTOR = Access(SelectedCell(r=2e3, i_s=1e-8, v_s=0.03), 0.25)
KINDS = [Access(SelectedCell(r=5e4)), SELECTOR, Access(SelectedCell(i_s=1e-7, v_s=0.05), 0.05)]


@given(st.floats(1e-15, 1e-3), st.floats(0, 1e6))
def test_a_transistor_is_a_resistor_in_series(g, r):
    assert float(Access(SelectedCell(r=r)).seen(np.array(g))) == pytest.approx(g / (1 + r * g), rel=1e-12, abs=0)


@pytest.mark.parametrize("one", KINDS, ids=str)
def test_reads_find_what_a_root_finder_finds(one):
    cell = one.cell
    for g in (1e-7, 3e-6, 1e-4):

        def missing(current, g=g):
            return current / g + cell.r * current + cell.v_s * np.arcsinh(current / cell.i_s) - one.volts

        exact = brentq(missing, 0, one.volts * g, xtol=1e-25, rtol=1e-14) / one.volts
        assert float(one.seen(np.array(g))) == pytest.approx(exact, rel=1e-10, abs=0)


@pytest.mark.parametrize("one", KINDS, ids=str)
@given(g=st.floats(1e-9, 1e-3))
def test_what_is_written_reads_as_wanted(one, g):
    assert float(one.written(one.seen(np.array(g)))) == pytest.approx(g, rel=1e-6, abs=0)


@pytest.mark.parametrize("one", KINDS, ids=str)
@pytest.mark.parametrize("kind", ["pair", "reference"])
def test_devices_stand_where_reads_do_at_both_ends_of_the_range(one, kind):
    ends = one.seen(np.array([1e-6, 2e-5]))
    mapping = mapping_for(kind, g_min=ends[0], g_max=ends[1], zero=0.25, weight_limit=1.5)
    own = one.devices(mapping)
    np.testing.assert_allclose([own.g_min, own.g_max], [1e-6, 2e-5], rtol=1e-9)
    np.testing.assert_allclose([own.low, own.high], [mapping.low, mapping.high], rtol=1e-9)
    assert own.origin == pytest.approx(1e-6 + 0.25 * 1.9e-5, rel=1e-12, abs=0)


@pytest.mark.spice
@pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
def test_ngspice_reads_the_two_in_series(tmp_path):
    """A resistor, a transistor's resistor and a selector as a behavioural source of voltage, at the read voltage."""
    conductances, cell = np.array([1e-7, 2e-6, 1e-4]), SELECTOR.cell
    cards = ["* cells behind selectors"]
    for k, g in enumerate(conductances.tolist()):
        cards += [
            f"V{k} a{k} 0 {SELECTOR.volts!r}", f"R{k} a{k} b{k} {1 / g!r}",
            f"RT{k} b{k} c{k} {cell.r!r}", f"VM{k} c{k} d{k} 0",
            f"B{k} d{k} 0 V={cell.v_s!r}*asinh(i(VM{k})/{cell.i_s!r})",
        ]  # fmt: skip
    told = "\n".join(f"print i(vm{k})" for k in range(3))
    cards += [".options reltol=1e-10 abstol=1e-18 vntol=1e-12", ".op", ".control", "run", "set numdgt=15", told]
    (tmp_path / "cells.cir").write_text("\n".join([*cards, ".endc", ".end", ""]))
    said = subprocess.run(
        ["ngspice", "-n", "-b", "cells.cir"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout  # fmt: skip
    found = [float(line.split("=")[1]) for line in said.splitlines() if line.startswith("i(vm")]
    np.testing.assert_allclose(np.array(found) / SELECTOR.volts, SELECTOR.seen(conductances), rtol=1e-6)


def test_texts():
    assert access("transistor:2e3") == Access(SelectedCell(r=2e3), 0.1)
    assert access("selector:1e-9,0.05,3e2", 0.2) == Access(SelectedCell(r=300.0, i_s=1e-9, v_s=0.05), 0.2)


@pytest.mark.parametrize(
    "text", ["", "diode:1", "transistor", "transistor:", "transistor:1,2", "selector:1e-9", "selector:a,b",
             "selector:1,2,3,4", "transistor:-1", "transistor:nan", "selector:0,0.1", "selector:1e-9,inf"],
)  # fmt: skip
def test_texts_that_name_nothing(text):
    with pytest.raises(InvalidValue):
        access(text)


def test_refused():
    with pytest.raises(InvalidValue, match="`volts` must be positive"):
        Access(SelectedCell(), 0.0)
    with pytest.raises(InvalidValue, match="must be a SelectedCell"):
        Access(SinhCell(0.2))
