"""How much area: what a chip holds and what that measures; as a function, ``circuits.area(chip, node=65)``.

The name is that of a folder and of a public function both, so this module can be called: `circuits.api.area.area`
tells its parameters and errors.

Examples
--------
>>> import circuits
>>> result = circuits.area("tdh-vae", node=65)
>>> result.n_neurons < result.n_memristors
True
"""

import importlib
import sys
import types
from typing import Any


class _Callable(types.ModuleType):
    def __call__(self, *arguments: Any, **words: Any) -> Any:
        return importlib.import_module("circuits.api.area").area(*arguments, **words)


sys.modules[__name__].__class__ = _Callable
