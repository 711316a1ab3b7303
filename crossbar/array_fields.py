"""What the fields of an array are unless they are set, and what they may be: once, for every class that has them.

Those are `crossbar.arrays.config.ArrayConfig`, its `FaultLaw`, `ReadNoise` and `Converter`, whose docstrings say what
the fields mean, and the flat table `[array]` of a run, `hvae.config.array.ArraySettings`. Each class declares its
fields itself, in the order in which its files and fingerprints have them. Nothing compiled is imported here, so that
a configuration is read at once.
"""

from __future__ import annotations

from typing import Final, Literal

from crossbar.numerics.checks import Bounds

MappingName = Literal["pair", "reference"]
EncodingName = Literal["factorised", "two-phase", "digital-difference", "sign"]
EngineName = Literal["auto", "literal", "walk", "example", "aggregate"]
SpectrumName = Literal["white", "phase", "batch", "lorentzian", "pink", "telegraph"]
WireEnds = Literal["one", "both"]
DriftGains = Literal["none", "global", "lines"]
LineGains = Literal["equal", "largest", "mean-square"]
WireGains = Literal["none", "columns"]
WireOrder = Literal["given", "sensitivity"]


class ArrayFields:
    """The defaults; all are ideal."""

    mapping: Final = None
    symmetry: Final = "shared"
    encoding: Final = "factorised"
    engine: Final = "auto"

    levels: Final = None
    variation: Final = 0.0
    stuck_low: Final = 0.0
    stuck_high: Final = 0.0

    spectrum: Final = "white"
    correlation_reads: Final = 1000.0
    output_noise: Final = 0.0

    tile_size: Final = None
    wire_resistance: Final = 0.0
    wire_ends: Final = "one"
    wire_gains: Final = "none"
    wire_order: Final = "given"
    wire_error: Final = 0.0

    drift_gains: Final = "none"
    line_gains: Final = "equal"


BOUNDS: Final = {
    "levels": Bounds(2, 2**22, "a device needs at least 2, and single precision resolves no more"),
    "variation": Bounds(
        0.0, 1.0, "it is relative, and with a spread above 1 no device is left that holds what was meant"
    ),
    "stuck_low": Bounds(0.0, 1.0, "it is a fraction of the devices"),
    "stuck_high": Bounds(0.0, 1.0, "it is a fraction of the devices"),
    "correlation_reads": Bounds(1e-12, 1e12, "it counts reads, positive"),
    "tile_size": Bounds(1, 2**20, "a tile has at least 1 row"),
    "wire_resistance": Bounds(0.0, 1e4, "it is in ohm a segment; narrow copper lines have 1 to 100"),
    "wire_error": Bounds(0.0, 1.0, "it is relative"),
}
"""What each number may be, and why: beyond it no device and no wire exists."""

UNIPOLAR_BITS: Final = Bounds(1, 24, "no converter has other bits")
BIPOLAR_BITS: Final = Bounds(2, 24, "no converter has other bits")
