"""What every door asks of a number, in one wording: "`name` must be positive and finite, but got ..."."""

from __future__ import annotations

import math
from dataclasses import dataclass

from crossbar.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number may be, both ends included, and why.

    >>> Bounds(1, 24, "no converter has other bits").check("bits", 7)
    """

    low: float
    high: float
    reason: str

    def check(self, name: str, value: float | None) -> None:
        """Raise `InvalidValue` unless `value` lies within; none, of a field that needs no number, does."""
        if value is not None and not self.low <= value <= self.high:
            raise InvalidValue(
                f"`{name}` must be from {self.low:g} to {self.high:g}, but got {value:g}: {self.reason}"
            )


def positive(name: str, value: float, unit: str = "") -> None:
    """Raise `InvalidValue` unless `value` is above zero and finite.

    >>> positive("tolerance", 1e-3)
    """
    if not (math.isfinite(value) and value > 0):
        raise InvalidValue(f"`{name}` must be positive and finite, but got {value}{unit}")


def finite(name: str, value: float, unit: str = "") -> None:
    """Raise `InvalidValue` unless `value` is a finite number."""
    if not math.isfinite(value):
        raise InvalidValue(f"`{name}` must be finite, but got {value}{unit}")


def not_negative(name: str, value: float, unit: str = "") -> None:
    """Raise `InvalidValue` unless `value` is zero or more, and finite."""
    if not (math.isfinite(value) and value >= 0):
        raise InvalidValue(f"`{name}` must not be negative, but got {value}{unit}")


def at_least(name: str, value: float, least: float) -> None:
    """Raise `InvalidValue` unless `value` is `least` or more."""
    if not value >= least:
        raise InvalidValue(f"`{name}` must be at least {least}, but got {value}")
