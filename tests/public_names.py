"""What every public name owes a user: a docstring in numpy's form, with an example that runs."""

import ast
import doctest
import inspect
from pathlib import Path
from types import ModuleType


def examples(package: ModuleType, name: str) -> list[doctest.DocTest]:
    """Return the examples of a public name, its methods' included."""
    found = doctest.DocTestFinder(recurse=True).find(_documented(package, name), name, globs={})
    return [one for one in found if one.examples]


def failures(package: ModuleType, name: str) -> list[str]:
    """Run the examples of a public name and return what went wrong."""
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    for one in examples(package, name):
        runner.run(one, out=said.append)
    return said


def documented(package: ModuleType, name: str) -> str:
    """Return the docstring of a public name."""
    return inspect.getdoc(_documented(package, name)) or ""


def stub_names(package: ModuleType) -> list[str]:
    """Return the names that the package's stub exports."""
    tree = ast.parse((Path(package.__file__).parent / "__init__.pyi").read_text(encoding="utf-8"))
    exported = [node for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"]
    return list(ast.literal_eval(exported[0].value))


def _documented(package: ModuleType, name: str) -> object:
    """Return the object whose docstring counts: of a module that can be called, the function behind it."""
    found = getattr(package, name)
    if isinstance(found, ModuleType):
        import importlib

        return getattr(importlib.import_module(f"{package.__name__}.api.{name}"), name)
    return found
