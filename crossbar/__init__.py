"""The physics of Hopbar: networks of analog neurons, the arrays that couple them, and how they settle.

The public names below are imported when they are first used, so that ``import crossbar`` costs next to nothing; what
they are is written, typed, in ``__init__.pyi``. Everything else is reached by its folder, as `crossbar.arrays.array`.
"""

import warnings

import lazy_loader

from crossbar import neighbours

_MIXED = neighbours.warning()
if _MIXED:
    warnings.warn(_MIXED, RuntimeWarning, stacklevel=2)

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
