"""Crossbars whose lines have resistance: exact currents, effective matrices, compensation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
