"""How a contrast of equilibrium propagation becomes pulses: four encodings of dW = rate sum_b (p q^T - p' q'^T).

p, q are the signals rho(s+) on the rows and the columns of an array in the nudged phase, p', q' those of the free phase
(or of the opposite nudge, when centred). With D = p - p' and S = (p + p')/2 the contrast is exactly

    p q^T - p' q'^T = D_row S_col^T + S_row D_col^T,

so it can be sent as two passes whose pulses are few, since D is small (`Factorised`, the default), or literally as an
up-pass and a down-pass that mostly cancel (`TwoPhase`). Both passes are stacked along the batch, one example's passes
in direct succession. `DigitalDifference` and `SignPulses` first sum the batch in a digital memory.

One-sided devices (phase-change memory) get only what leads up: G+ of a pair an increase of its weight, G- a decrease
(`upward`, `apply_signed`); the owner of the pair sends either device its own sign, at the full rate.

On an array of shared devices rows and columns are the same lines: p = q, and the two passes of `Factorised` are the two
orders R^T S and S^T R that the pair's one device must both receive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from crossbar.devices.law import DeviceState
from crossbar.errors import InvalidValue, unknown_name
from crossbar.numerics import checks
from crossbar.pulses.engines import (
    DEFAULT_MANAGEMENT,
    MAX_COUNT,
    PulseReport,
    given,
    mirror_weights,
    update,
    update_shared,
)
from crossbar.pulses.kernels.counts import split_signed
from crossbar.pulses.trains import PulseManagement


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """The signals of both phases on the two sides of an array.

    Attributes
    ----------
    rows, columns : ndarray (batch, m), (batch, n)
        rho(s) of the nudged phase.
    rows_free, columns_free : ndarray (batch, m), (batch, n)
        rho(s) of the phase that is subtracted.
    """

    rows: np.ndarray
    columns: np.ndarray
    rows_free: np.ndarray
    columns_free: np.ndarray

    def __post_init__(self) -> None:
        if self.rows.shape != self.rows_free.shape or self.columns.shape != self.columns_free.shape:
            raise InvalidValue(
                "both phases must have the same shape, but got rows "
                f"{self.rows.shape} and {self.rows_free.shape}, columns {self.columns.shape} and "
                f"{self.columns_free.shape}"
            )
        if self.rows.ndim != 2 or self.columns.ndim != 2 or len(self.rows) != len(self.columns):
            raise InvalidValue(
                f"signals must be (batch, lines) with one batch, but got {self.rows.shape} and {self.columns.shape}"
            )

    def matrix(self) -> np.ndarray:
        """Return sum_b (p q^T - p' q'^T), the ideal update for a rate of 1, (m, n)."""
        return self.rows.T @ self.columns - self.rows_free.T @ self.columns_free


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """The two factors of a contrast on the lines of a region, dW = rate sum_b (R_row S_col^T + S_row R_col^T).

    Attributes
    ----------
    response_rows, response_columns : ndarray (batch, n_rows), (batch, n_cols)
        R: what the nudge changed; zero on clamped lines.
    mean_rows, mean_columns : ndarray (batch, n_rows), (batch, n_cols)
        S: the mean of both phases.
    """

    response_rows: np.ndarray
    mean_rows: np.ndarray
    response_columns: np.ndarray
    mean_columns: np.ndarray

    @property
    def passes(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Rows (R, S) and columns (S, R) of the two rank-one passes."""
        return (self.response_rows, self.mean_rows), (self.mean_columns, self.response_columns)

    def contrast(self, sign: int) -> Contrast:
        """Return the signals of both phases, S +- R/2, with the phases exchanged where `sign` is -1."""
        rows, columns = self.response_rows * (sign / 2), self.response_columns * (sign / 2)
        return Contrast(
            rows=self.mean_rows + rows, columns=self.mean_columns + columns,
            rows_free=self.mean_rows - rows, columns_free=self.mean_columns - columns,
        )  # fmt: skip


class Encoding(Protocol):
    """A way to send a contrast to devices."""

    def send(
        self, state: DeviceState, contrast: Contrast, *, rate: float, rng: np.random.Generator, engine: str = "auto"
    ) -> PulseReport:
        """Add rate times the contrast to an array of separate devices."""
        ...

    def send_shared(
        self, state: DeviceState, contrast: Contrast, *, rate: float, rng: np.random.Generator, engine: str = "auto"
    ) -> PulseReport:
        """Add rate times the contrast to an array whose places (i, j) and (j, i) are one device."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RankOneEncoding:
    """An encoding that sends passes of rows and columns as stochastic trains."""

    management: PulseManagement = DEFAULT_MANAGEMENT

    def passes(self, contrast: Contrast) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns of the passes, (2 batch, m) and (2 batch, n), an example's two in succession."""
        raise NotImplementedError

    def lines(self, state: DeviceState, contrast: Contrast) -> tuple[np.ndarray, np.ndarray]:
        """Return the passes that `state` gets: all, or of one-sided devices those that lead up."""
        rows, columns = self.passes(contrast)
        return upward(rows, columns) if state.law.one_sided else (rows, columns)

    def send(
        self, state: DeviceState, contrast: Contrast, *, rate: float, rng: np.random.Generator, engine: str = "auto"
    ) -> PulseReport:
        """Add rate times the contrast to an array of separate devices."""
        rows, columns = self.lines(state, contrast)
        return update(state, rows, columns, rate=rate, rng=rng, management=self.management, engine=engine)

    def send_shared(
        self, state: DeviceState, contrast: Contrast, *, rate: float, rng: np.random.Generator, engine: str = "auto"
    ) -> PulseReport:
        """Add rate times the contrast to an array of shared devices."""
        rows, columns = self.lines(state, contrast)
        return update_shared(state, rows, columns, rate=rate, rng=rng, management=self.management, engine=engine)


@dataclass(frozen=True, kw_only=True, slots=True)
class Factorised(RankOneEncoding):
    """Two small passes, D S^T and S D^T: the default (exact identity; few cancelling pulses)."""

    name: ClassVar[str] = "factorised"

    def passes(self, contrast: Contrast) -> tuple[np.ndarray, np.ndarray]:
        """Return [D_row; S_row] and [S_col; D_col]."""
        d_rows, d_columns = contrast.rows - contrast.rows_free, contrast.columns - contrast.columns_free
        s_rows, s_columns = (contrast.rows + contrast.rows_free) / 2, (contrast.columns + contrast.columns_free) / 2
        return interleave(d_rows, s_rows), interleave(s_columns, d_columns)


@dataclass(frozen=True, kw_only=True, slots=True)
class TwoPhase(RankOneEncoding):
    """The literal local rule: an up-pass with the nudged signals, a down-pass with the free ones.

    Nearly all pulses cancel; on devices with asymmetric steps the cancelling pairs pull the weight to its symmetry
    point.
    """

    name: ClassVar[str] = "two-phase"

    def passes(self, contrast: Contrast) -> tuple[np.ndarray, np.ndarray]:
        """Return [p; -p'] and [q; q']."""
        return interleave(contrast.rows, -contrast.rows_free), interleave(contrast.columns, contrast.columns_free)


@dataclass(frozen=True, kw_only=True, slots=True)
class DigitalDifference:
    """The batch's contrast summed digitally, each device then given the nearest number of pulses.

    The fraction of a pulse that remains is rounded stochastically, so the mean is exact. Costs an (m, n) digital
    memory.
    """

    name: ClassVar[str] = "digital-difference"

    def send(
        self,
        state: DeviceState,
        contrast: Contrast,
        *,
        rate: float,
        rng: np.random.Generator,
        engine: str = "auto",  # noqa: ARG002
    ) -> PulseReport:
        """Add rate times the contrast; `engine` has no say, since counts are given device by device."""
        pulses = rate / state.law.granularity * contrast.matrix()
        return apply_signed(state, np.floor(pulses + rng.random(pulses.shape, dtype=np.float32)), rng)

    def send_shared(
        self,
        state: DeviceState,
        contrast: Contrast,
        *,
        rate: float,
        rng: np.random.Generator,
        engine: str = "auto",  # noqa: ARG002
    ) -> PulseReport:
        """Add rate times the contrast to an array of shared devices."""
        pulses = rate / state.law.granularity * contrast.matrix()
        rounded = np.triu(np.floor(pulses + rng.random(pulses.shape, dtype=np.float32)), 1)
        report = apply_signed(state, rounded, rng)
        mirror_weights(state)
        return report


@dataclass(frozen=True, kw_only=True, slots=True)
class SignPulses:
    """One pulse a device, by the sign of the batch's contrast: the Manhattan rule.

    Attributes
    ----------
    threshold : float
        Devices whose wanted change |rate dW| is at most `threshold` nominal steps get no pulse. At 0 the rate has no
        say.
    """

    name: ClassVar[str] = "sign"

    threshold: float = 0.0

    def __post_init__(self) -> None:
        checks.not_negative("threshold", self.threshold)

    def send(
        self,
        state: DeviceState,
        contrast: Contrast,
        *,
        rate: float,
        rng: np.random.Generator,
        engine: str = "auto",  # noqa: ARG002
    ) -> PulseReport:
        """Give every device at most one pulse."""
        return apply_signed(state, self.signs(state, contrast, rate), rng)

    def send_shared(
        self,
        state: DeviceState,
        contrast: Contrast,
        *,
        rate: float,
        rng: np.random.Generator,
        engine: str = "auto",  # noqa: ARG002
    ) -> PulseReport:
        """Give every shared device at most one pulse."""
        report = apply_signed(state, np.triu(self.signs(state, contrast, rate), 1), rng)
        mirror_weights(state)
        return report

    def signs(self, state: DeviceState, contrast: Contrast, rate: float) -> np.ndarray:
        """Return -1, 0 or 1 a device."""
        pulses = rate / state.law.granularity * contrast.matrix()
        return np.sign(pulses) * (np.abs(pulses) > self.threshold)


ENCODINGS: dict[str, type[Encoding]] = {
    cls.name: cls
    for cls in (Factorised, TwoPhase, DigitalDifference, SignPulses)  # type: ignore[attr-defined]
}


def encoding(name: str) -> Encoding:
    """Return the encoding `name` with its default settings.

    Raises
    ------
    UnknownName
        No such encoding; the nearest is suggested.
    """
    if name not in ENCODINGS:
        raise unknown_name("contrast encoding", name, ENCODINGS)
    return ENCODINGS[name]()


def interleave(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return rows of `first` and `second` in turn, (2 batch, lines)."""
    return np.stack([first, second], axis=1).reshape(2 * len(first), -1)


def upward(rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the passes of which every coincidence leads up, (2 batch, lines): both sides positive, then both negative.

    What leads down in `rows` and `columns` is left out; the second device of a pair gets it, as up-pulses, from the
    contrast with the phases exchanged.
    """
    return (
        interleave(np.maximum(rows, 0), np.maximum(-rows, 0)),
        interleave(np.maximum(columns, 0), np.maximum(-columns, 0)),
    )


def apply_signed(state: DeviceState, pulses: np.ndarray, rng: np.random.Generator) -> PulseReport:
    """Give each device `pulses` (whole numbers, down where negative; one-sided devices get no down-pulses).

    Raises
    ------
    InvalidValue
        More pulses than 32 bits count, or a number that is not finite.
    """
    return apply_split(state, *split(pulses), rng)


def apply_split(state: DeviceState, ups: np.ndarray, downs: np.ndarray, rng: np.random.Generator) -> PulseReport:
    """Give each device what `split` made of its pulses; exchanged, the second device of a pair gets the opposite."""
    return given(state, ups, np.zeros_like(downs) if state.law.one_sided else downs, rng)


def split(pulses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the up- and the down-pulses (m, n), int32, of signed `pulses`; errors are those of `apply_signed`."""
    ups, downs = np.empty(pulses.shape, np.int32), np.empty(pulses.shape, np.int32)
    if split_signed(pulses, ups, downs, pulses.dtype.type(MAX_COUNT + 1)):
        most = float(np.abs(pulses).max())
        raise InvalidValue(
            f"a change must take at most {MAX_COUNT} pulses of a device, but one takes {most:.3g}; lower the rate"
        )
    return ups, downs
