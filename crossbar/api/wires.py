"""Lines with resistance, as `Array.currents` takes them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from crossbar.errors import InvalidValue, unknown_name
from crossbar.wires.resistance import line_resistance

ENDS = ("one", "both")


@dataclass(frozen=True, slots=True)
class Wires:
    """The resistance of the lines of a crossbar, a segment being the way from one cell to the next.

    Attributes
    ----------
    word_line : float
        Of a segment of the lines that are driven, ohm; 0 is an ideal line.
    bit_line : float or None
        Of a segment of the lines that are sensed, ohm; None: as `word_line`.
    ends : {"one", "both"}
        Whether lines are driven and held at ground at one end or at both.

    Raises
    ------
    InvalidValue
        A resistance that is negative or not finite.
    UnknownName
        Other ends.

    Examples
    --------
    >>> import crossbar as xb
    >>> xb.Wires(2.5)
    Wires(word_line=2.5, bit_line=2.5, ends='one')
    >>> round(xb.Wires.at_node(65).word_line, 3) > 0
    True
    """

    word_line: float
    bit_line: float | None = None
    ends: str = "one"

    def __post_init__(self) -> None:
        if self.bit_line is None:
            object.__setattr__(self, "bit_line", self.word_line)
        for name in ("word_line", "bit_line"):
            ohm = getattr(self, name)
            if isinstance(ohm, bool) or not isinstance(ohm, int | float) or not (math.isfinite(ohm) and ohm >= 0):
                raise InvalidValue(f"`{name}` must be a resistance of zero or more ohm, but got {ohm!r}")
        if self.ends not in ENDS:
            raise unknown_name("ends", self.ends, ENDS)

    @classmethod
    def at_node(cls, node: int, *, cell: str = "1t1r", point: str = "typical", ends: str = "one") -> Wires:
        """Return the lines of a technology `node` (nm), from the sourced numbers of data/technology/wires.toml.

        See `crossbar.wires.resistance.line_resistance` for `cell` and `point`, and for the errors.
        """
        return cls(line_resistance(node, cell, point).ohm, ends=ends)
