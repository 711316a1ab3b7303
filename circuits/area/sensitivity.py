"""What moves an area or a ratio: one parameter at a time from its low to its high value, all others typical."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from circuits.area.technology import Point, Technology


@dataclass(frozen=True, kw_only=True, slots=True)
class Swing:
    """What a quantity becomes when one parameter stands at its low or its high value."""

    parameter: str
    low: float
    high: float

    @property
    def width(self) -> float:
        """Distance between the two."""
        return abs(self.high - self.low)


def swings(quantity: Callable[[Point], float], technology: Technology) -> tuple[Swing, ...]:
    """Return the swings of `quantity`, a function of the technology's point: widest first, none of idle parameters."""
    typical = technology.values("typical")
    moved = []
    for name, parameter in technology.parameters.items():
        low, high = (
            quantity(technology.point({**typical.values, name: value})) for value in (parameter.low, parameter.high)
        )
        moved.append(Swing(parameter=name, low=low, high=high))
    return tuple(sorted((swing for swing in moved if swing.width > 0), key=lambda swing: -swing.width))
