"""A stand-in for numba where a machine has none that fits its numpy: decorators that leave functions as they are.

The torch engine calls no function of numba's, but modules beside it are decorated with it when they are imported.
"""

from __future__ import annotations

import sys
from types import ModuleType


class _Anything:
    """A decorator, with or without options, and a type, whatever is asked."""

    def __call__(self, *given, **_):
        """Return the function that is decorated, or what decorates it."""
        return given[0] if len(given) == 1 and callable(given[0]) else self

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _):
        return self


def _overload(*_, **__):
    """Return a decorator: what is overloaded is no function to decorate."""
    return lambda function: function


class _Stand(ModuleType):
    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return _overload if name == "overload" else _Anything()


def install() -> str:
    """Put the stand-in where numba cannot be imported; return why, or nothing where it can."""
    try:
        import numba  # noqa: F401
    except Exception as error:  # numba raises what it likes where numpy is too new
        for name in ("numba", "numba.core", "numba.extending", "numba.types"):
            sys.modules[name] = _Stand(name)
            sys.modules[name].__path__ = []  # type: ignore[attr-defined]
        sys.modules["numba"].__version__ = "none: a stand-in"  # type: ignore[attr-defined]
        return repr(error)
    return ""
