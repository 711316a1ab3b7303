"""Crossbars whose lines have resistance: exact currents, effective matrices, compensation."""
