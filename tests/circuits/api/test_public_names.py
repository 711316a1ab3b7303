"""`import circuits`: which names there are, what importing costs, and that every example runs."""

import subprocess
import sys

import pytest
from public_names import documented, examples, failures, stub_names

import circuits

GOLDEN = ["AreaResult", "Circuit", "CircuitStates", "Verdict", "Wires", "area", "memristor", "verify"]
IN_SPICE = {"Circuit", "memristor", "verify"}


def test_the_names_are_these():
    """A name that goes breaks someone's program: change this list only with a line in the changelog."""
    assert sorted(circuits.__all__) == GOLDEN
    assert sorted(dir(circuits)) == GOLDEN
    assert sorted(stub_names(circuits)) == GOLDEN


@pytest.mark.parametrize("name", GOLDEN)
def test_every_name_has_an_example_that_runs(name, request):
    if name in IN_SPICE:
        request.getfixturevalue("needs_ngspice")
    assert documented(circuits, name).count("\n") >= 3
    assert examples(circuits, name)
    assert not failures(circuits, name)


def test_importing_the_package_imports_nothing_heavy():
    code = "import circuits, sys; print([m for m in ('numba', 'h5py', 'scipy', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("first", ["import circuits.area.estimate as first", "import circuits; circuits.Circuit"])
def test_area_is_a_folder_and_a_function(first):
    code = (
        f"{first}\nimport circuits, circuits.area.networks as networks\n"
        "from circuits.area.estimate import estimate\n"
        "assert networks.TABLE_3 and callable(estimate)\n"
        "print(circuits.area('tdh-vae', node=65, draws=10).n_neurons)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1686"
