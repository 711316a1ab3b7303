"""The measured jump table: the whole distribution of the next step, given the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import ndtr

from crossbar.devices.laws.pulsed import Planes, PulsedLaw, finite_numbers
from crossbar.errors import InvalidValue

Table = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class JumpTable(PulsedLaw):
    """Steps drawn from measured distributions, with nothing assumed about their shape.

    `jumps_up[k]` and `jumps_down[k]` hold quantiles of the signed change that one pulse makes at node k, at equally
    spaced probabilities from 0 to 1; nodes are equally spaced over the device's bounds. A pulse draws u ~ U(0, 1) and

        w += gain_d J_d(place of w, u),

    J interpolated linearly in both; gain_d = dw_d / dw_min carries the device-to-device spread and bias of `PulsedLaw`.
    `dw_min` is the nominal step for pulse management; `dw_min_std` has no meaning here and must be zero.

    In the manner of the lookup tables of CrossSim V2 (Jacobs-Gedrim et al., ICRC 2017, doi:10.1109/ICRC.2017.8123657).
    """

    name: ClassVar[str] = "jump-table"
    kernel: ClassVar[str] = "jump"
    nodes: ClassVar[tuple[str, ...]] = ("jumps_up", "jumps_down")

    dw_min_std: float = 0.0
    jumps_up: Table = ((0.001, 0.001),)
    jumps_down: Table = ((-0.001, -0.001),)

    def __post_init__(self) -> None:
        PulsedLaw.__post_init__(self)
        if self.dw_min_std != 0:
            raise InvalidValue("`dw_min_std` has no meaning for a jump table: its noise is in the table")
        for name in self.nodes:
            object.__setattr__(self, name, checked(name, getattr(self, name)))
        if len(self.jumps_up[0]) != len(self.jumps_down[0]):
            raise InvalidValue("`jumps_up` and `jumps_down` must have the same number of quantiles")

    def increment(self, planes: Planes, w: np.ndarray, up: bool, xi: np.ndarray) -> np.ndarray:
        """Return the signed change of one pulse; the draw u is Phi(xi)."""
        table = np.asarray(self.jumps_up if up else self.jumps_down)
        width = planes["w_max"] - planes["w_min"]
        place = np.clip((w - planes["w_min"]) / np.where(width > 0, width, 1), 0, 1)
        gain = planes["step_up" if up else "step_down"] / self.dw_min
        return (gain * bilinear(table, place, ndtr(xi))).astype(w.dtype)

    def mean_increment(self, planes: Planes, w: np.ndarray, up: bool) -> np.ndarray:
        """Return the mean signed change of one pulse at `w`: the integral of the quantiles, not their median."""
        rows = np.asarray(self.jumps_up if up else self.jumps_down)
        means = np.trapezoid(rows, dx=1 / (rows.shape[1] - 1), axis=1)
        width = planes["w_max"] - planes["w_min"]
        place = np.clip((w - planes["w_min"]) / np.where(width > 0, width, 1), 0, 1)
        gain = planes["step_up" if up else "step_down"] / self.dw_min
        return (gain * np.interp(place, np.linspace(0, 1, len(means)), means)).astype(w.dtype)

    def table(self) -> np.ndarray:
        """Return the quantiles of up, those of down, and a row with the number of the former and 1 / dw_min."""
        last = np.zeros(len(self.jumps_up[0]))
        last[:2] = len(self.jumps_up), 1 / self.dw_min
        return np.array([*self.jumps_up, *self.jumps_down, last], np.float32)


def checked(name: str, table: Sequence[Sequence[float]]) -> Table:
    """Return `table` as tuples of floats.

    Raises
    ------
    InvalidValue
        Something else than rows of finite numbers, rows of different length, fewer than two quantiles, or quantiles
        that do not rise.
    """
    rows = tuple(finite_numbers(f"{name}[{k}]", row) for k, row in enumerate(table))
    if not rows or len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
        raise InvalidValue(f"`{name}` must hold rows of one length, at least two quantiles each")
    if (np.diff(rows, axis=1) < 0).any():
        raise InvalidValue(f"each row of `{name}` must hold quantiles in rising order")
    return rows


def bilinear(table: np.ndarray, first: Any, second: Any) -> np.ndarray:
    """Return `table` (p, q) interpolated at `first`, `second` in [0, 1]; an axis of one node is constant."""
    value = 0.0
    corners = []
    for place, size in ((first, table.shape[0]), (second, table.shape[1])):
        scaled = np.asarray(place) * (size - 1)
        low = np.minimum(scaled.astype(int), max(size - 2, 0))
        corners.append(((low, 1 - (scaled - low)), (np.minimum(low + 1, size - 1), scaled - low)))
    for i, weight in corners[0]:
        for j, other in corners[1]:
            value = value + weight * other * table[i, j]
    return np.asarray(value)
