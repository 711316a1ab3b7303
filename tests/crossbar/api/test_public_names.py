"""`import crossbar`: which names there are, what importing costs, and that every example runs."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from public_names import documented, examples, failures, stub_names

import crossbar
import crossbar.wires

GOLDEN = [
    "Array", "Chip", "Equilibrium", "FaultLaw", "HopfieldNetwork", "PowerLawDrift", "ReadNoise", "Wires", "WriteVerify",
    "adc", "dac", "fit_device", "load_chip", "output_currents", "preset", "settle",
]  # fmt: skip


def test_the_names_are_these():
    """A name that goes breaks someone's program: change this list only with a line in the changelog."""
    assert crossbar.__all__ == GOLDEN
    assert sorted(dir(crossbar)) == GOLDEN
    assert stub_names(crossbar) == GOLDEN


@pytest.mark.parametrize("name", GOLDEN)
def test_every_name_has_an_example_that_runs(name):
    assert documented(crossbar, name).count("\n") >= 3
    assert examples(crossbar, name)
    assert not failures(crossbar, name)


def test_importing_the_package_imports_nothing_heavy():
    heavy = ("numba", "h5py", "scipy", "numpy")
    code = f"import crossbar, crossbar.wires, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_wires_keep_their_names():
    from crossbar.wires.solver import output_currents

    assert crossbar.wires.output_currents is output_currents is crossbar.output_currents
    assert stub_names(crossbar.wires) == sorted(crossbar.wires.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError):
        crossbar.Arrray  # noqa: B018


@pytest.mark.parametrize("package", ["crossbar", "circuits", "hvae"])
def test_types_are_shipped(package):
    folder = Path(importlib.import_module(package).__file__).parent
    assert (folder / "py.typed").exists()
