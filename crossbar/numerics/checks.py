"""What every door asks of a number, in one wording: "`name` must be positive and finite, but got ..."."""

from __future__ import annotations

import math

from crossbar.errors import InvalidValue


def positive(name: str, value: float, unit: str = "") -> None:
    """Raise `InvalidValue` unless `value` is above zero and finite.

    >>> positive("tolerance", 1e-3)
    """
    if not (math.isfinite(value) and value > 0):
        raise InvalidValue(f"`{name}` must be positive and finite, but got {value}{unit}")


def not_negative(name: str, value: float, unit: str = "") -> None:
    """Raise `InvalidValue` unless `value` is zero or more, and finite."""
    if not (math.isfinite(value) and value >= 0):
        raise InvalidValue(f"`{name}` must not be negative, but got {value}{unit}")


def at_least(name: str, value: float, least: float) -> None:
    """Raise `InvalidValue` unless `value` is `least` or more."""
    if not value >= least:
        raise InvalidValue(f"`{name}` must be at least {least}, but got {value}")
