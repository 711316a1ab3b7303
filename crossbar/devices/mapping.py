"""Weights as conductances: differential pairs, or single devices against a reference column."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

import numpy as np

from crossbar.array_fields import MappingName
from crossbar.errors import InvalidValue, unknown_name
from crossbar.numerics import checks

MAPPINGS = get_args(MappingName)
REFERENCES = ("zero", "symmetry-point")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapping:
    """How much conductance stands for how much weight.

    A plane holds, device by device, p = (G - `origin`) / `siemens_per_weight`, in weight units; so the ideal array
    gives back its weights bit for bit. A weight is

        pair:        w = p+ - p-,    G+- = origin + siemens_per_weight p+-
        reference:   w = p,          G- = origin, one device that a whole column shares

    Attributes
    ----------
    kind : {"pair", "reference"}
    g_min, g_max : float
        Range of a device, S.
    origin : float
        Conductance that stands for zero, S: `g_min` for one-sided devices, the middle of the range, or where the
        device's own law has its zero.
    siemens_per_weight : float
        Conductance that stands for a weight of 1, S.

    Raises
    ------
    InvalidValue
        ``g_max <= g_min``, a negative `g_min`, an origin outside the range, a scale that is not positive.
    UnknownName
        No such mapping.
    """

    kind: str
    g_min: float
    g_max: float
    origin: float
    siemens_per_weight: float

    def __post_init__(self) -> None:
        if self.kind not in MAPPINGS:
            raise unknown_name("mapping", self.kind, MAPPINGS)
        check_range(self.g_min, self.g_max)
        if not self.g_min <= self.origin <= self.g_max:
            raise InvalidValue(
                f"`origin` must lie in [g_min, g_max] = [{self.g_min}, {self.g_max}] S, but got {self.origin} S"
            )
        checks.positive("siemens_per_weight", self.siemens_per_weight)

    @property
    def n_planes(self) -> int:
        """How many devices hold a weight."""
        return 2 if self.kind == "pair" else 1

    @property
    def low(self) -> float:
        """What a plane holds at `g_min`, weight units."""
        return (self.g_min - self.origin) / self.siemens_per_weight

    @property
    def high(self) -> float:
        """What a plane holds at `g_max`, weight units."""
        return (self.g_max - self.origin) / self.siemens_per_weight

    @property
    def zero(self) -> float:
        """Conductance of the origin, weight units."""
        return self.origin / self.siemens_per_weight

    @property
    def floor(self) -> float:
        """What a plane holds at 0 S, weight units: nothing conducts less."""
        return -self.zero

    @property
    def weight_limit(self) -> float:
        """Largest magnitude that both signs of a weight can have."""
        return self.high - self.low if self.kind == "pair" else min(-self.low, self.high)

    def split(self, weights: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the planes that stand for `weights`, not yet clipped to the range.

        A pair whose devices start at zero puts the weight on one of the two; any other pair shares it evenly.
        """
        if self.kind == "reference":
            return (weights,)
        if self.low == 0:
            return np.maximum(weights, 0), np.maximum(-weights, 0)
        half = weights / 2
        return half, -half

    def join(self, planes: tuple[np.ndarray, ...]) -> np.ndarray:
        """Return the weights that `planes` stand for."""
        return planes[0] if len(planes) == 1 else planes[0] - planes[1]

    def clip(self, plane: np.ndarray) -> np.ndarray:
        """Return `plane` kept within the range of the device."""
        return np.clip(plane, self.low, self.high)

    def siemens(self, plane: np.ndarray) -> np.ndarray:
        """Return the conductances of `plane`, S; rounding takes none below zero."""
        return np.maximum(self.origin + self.siemens_per_weight * plane, 0)

    def plane(self, conductances: np.ndarray) -> np.ndarray:
        """Return what a plane holds of `conductances` (S)."""
        return (conductances - self.origin) / self.siemens_per_weight


def check_range(g_min: float, g_max: float) -> None:
    """Raise `InvalidValue` unless 0 <= `g_min` < `g_max` < infinity (S)."""
    if not (math.isfinite(g_min) and math.isfinite(g_max)):
        raise InvalidValue(f"`g_min` and `g_max` must be finite, but got {g_min} and {g_max} S")
    checks.not_negative("g_min", g_min, " S")
    if g_max <= g_min:
        raise InvalidValue(f"`g_max` must exceed `g_min`, but got g_max={g_max} S and g_min={g_min} S")


def mapping_for(
    kind: str,
    *,
    g_min: float,
    g_max: float,
    zero: float | None = None,
    weight_limit: float | None = None,
    siemens_per_weight: float | None = None,
) -> Mapping:
    """Return the mapping in which the range holds weights up to `weight_limit`, or of a given scale.

    Parameters
    ----------
    kind : {"pair", "reference"}
    g_min, g_max : float
        Range of a device, S.
    zero : float, optional
        Where in the range, from 0 (`g_min`) to 1 (`g_max`), the origin lies; 0 for a pair, 0.5 for a reference.
    weight_limit : float, optional
        Largest magnitude of a weight; needed unless `siemens_per_weight` is given.
    siemens_per_weight : float, optional
        The scale itself, S.
    """
    if kind not in MAPPINGS:
        raise unknown_name("mapping", kind, MAPPINGS)
    check_range(g_min, g_max)
    if (weight_limit is None) == (siemens_per_weight is None):
        raise InvalidValue("give one of `weight_limit` and `siemens_per_weight`, not both and not neither")
    if zero is None:
        zero = 0.0 if kind == "pair" else 0.5
    if not 0 <= zero <= 1 or (kind == "reference" and zero in {0, 1}):
        raise InvalidValue(f"`zero` must lie in the range, from 0 to 1 (inside it for a reference), but got {zero}")
    if siemens_per_weight is None:
        if not (math.isfinite(weight_limit) and weight_limit > 0):  # type: ignore[arg-type, operator]
            raise InvalidValue(f"`weight_limit` must be positive and finite, but got {weight_limit}")
        usable = 1.0 if kind == "pair" else min(zero, 1 - zero)
        siemens_per_weight = usable * (g_max - g_min) / weight_limit  # type: ignore[operator]
    origin = g_min + zero * (g_max - g_min)
    return Mapping(kind=kind, g_min=g_min, g_max=g_max, origin=origin, siemens_per_weight=siemens_per_weight)
