"""The public names of `hvae`: a golden list, each with an example that runs, imported when they are asked for."""

import ast
import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import hvae

NAMES = [
    "Dataset", "DenseHopfieldVAE", "FeedforwardVAE", "LayeredHopfieldVAE", "Run", "RunConfig", "StudyResults",
    "TiedHopfieldVAE", "configure", "draw_images", "frechet_distance", "load_images", "load_study", "open_run", "train",
]  # fmt: skip
HEAVY = ("numpy", "numba", "scipy", "sklearn", "pandas", "h5py", "matplotlib", "pydantic")


def test_the_public_names_are_these():
    """A name that goes breaks programs; one that comes needs a line here."""
    assert sorted(hvae.__all__) == NAMES
    assert set(NAMES) <= set(dir(hvae))


def test_no_name_is_that_of_a_folder_or_module():
    """`import hvae.NAME` would put the module in the name's place."""
    modules = {path.stem for path in Path(hvae.__file__).parent.iterdir()}
    assert not modules & set(NAMES)


@pytest.mark.needs_jit
@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_an_example_that_runs(name):
    found = [test for test in doctest.DocTestFinder(recurse=False).find(getattr(hvae, name), name, globs={})]
    assert [test.name for test in found if test.examples] == [name]
    results = doctest.DocTestRunner(verbose=False).run(found[0])
    assert results.failed == 0


def test_the_package_shows_an_example_that_runs():
    assert doctest.testmod(hvae).failed == 0
    assert ">>> import hvae" in hvae.__doc__


def test_importing_hvae_imports_nothing_heavy():
    """`hopbar --help` answers at once, and a program that only opens a run does not wait for scikit-learn."""
    loaded = f"[name for name in {HEAVY!r} if name in sys.modules]"
    code = f"import sys, hvae; print({loaded}); hvae.open_run; print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    at_import, at_runs = map(ast.literal_eval, done.stdout.splitlines())
    assert at_import == []
    assert "sklearn" not in at_runs
    assert "pandas" not in at_runs


def test_type_checkers_see_the_same_names():
    stub = ast.parse(Path(hvae.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    assert sorted(alias.asname for node in imports for alias in node.names) == NAMES


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="TiedVAE"):
        hvae.TiedVAE  # noqa: B018
