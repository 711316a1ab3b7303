"""Rank-one contrasts as pulses on devices, by engines of different exactness and speed.

| engine | what it does | exactness | cost |
| --- | --- | --- | --- |
| `literal` | every coincidence its own pulse, slot by slot, in numpy | the reference; any law | per pulse, slow |
| `walk` | the same pulse by pulse, compiled, visiting only bits that are set | exact; any law | per pulse |
| `example` | n pulses of an example by one closed-form step | exact up to clipping; affine | device times example |
| `aggregate` | all pulses of the batch in one step, up and down mixed | forgets the order of examples | per device |

`auto` takes `walk` where pulses are rare; else `aggregate` where the batch moves a device by little of its own
nonlinearity (mean pulses times slope at most `AGGREGATE_LIMIT`); else the cheaper of `example` and `walk`. Where a
law has no closed form (exponential, power, piecewise, jump table) `example` is `walk`, and the report says so; single
devices too coarse for the series go pulse by pulse inside `example`. A law of the user's own, without a compiled
form, runs by `literal` whatever is asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.devices.law import DeviceState
from crossbar.errors import InvalidValue, unknown_name
from crossbar.hopfield.couplings import real_signals
from crossbar.numerics.mirror import mirror_upper
from crossbar.pulses import paths
from crossbar.pulses.kernels.counts import UP_FIRST
from crossbar.pulses.trains import PulseManagement, draw

AGGREGATE_LIMIT = 0.05  # expected change of w - w_inf over a batch below which the order of examples is not told apart
RARE_PULSES = 4.0  # pulses a device and batch below which `walk` costs about what `aggregate` does
WALK_DENSITY = 0.15  # pulses a device and example below which `walk` is cheaper than `example`

MAX_COUNT = 2**31 - 1  # pulses to one device at once

ENGINES = {"literal": paths.literal, "walk": paths.walked, "example": paths.by_example, "aggregate": paths.by_batch}
DEFAULT_MANAGEMENT = PulseManagement()


@dataclass(frozen=True, kw_only=True, slots=True)
class PulseReport:
    """What an update did.

    Attributes
    ----------
    up, down : int
        Pulses (coincidences) over all devices that listen; a shared device counts once.
    engine : str
        Which engine did it: `literal`, `walk`, `example`, `aggregate`, or `counts` for `apply_pulses`.
    bit_length : float
        Mean length of the trains, in slots an example; 0 where counts were given.
    clipped : float
        Fraction of lines and examples whose signal wanted a probability above 1, so that the update is too small.
    """

    up: int
    down: int
    engine: str
    bit_length: float = 0.0
    clipped: float = 0.0

    @property
    def pulses(self) -> int:
        """All pulses, both directions."""
        return self.up + self.down

    def __add__(self, other: PulseReport) -> PulseReport:
        engine = self.engine if self.engine == other.engine else f"{self.engine}, {other.engine}"
        return PulseReport(
            up=self.up + other.up, down=self.down + other.down, engine=engine,
            bit_length=max(self.bit_length, other.bit_length), clipped=max(self.clipped, other.clipped),
        )  # fmt: skip


def update(
    state: DeviceState,
    rows: np.ndarray,
    columns: np.ndarray,
    *,
    rate: float,
    rng: np.random.Generator,
    management: PulseManagement = DEFAULT_MANAGEMENT,
    engine: str = "auto",
) -> PulseReport:
    """Add sum_b rate rows_b columns_b^T to the devices by stochastic coincidence pulses, in place.

    Parameters
    ----------
    state : DeviceState
        m by n devices.
    rows, columns : ndarray (batch, m), (batch, n)
        The two sides of each rank-one pass, any sign; examples act one after another.
    rate : float
        Weight units per unit of rows times columns; positive (put signs in `rows`).
    engine : str
        See above; `auto` chooses by the number of pulses, and the report says what was chosen.

    Raises
    ------
    InvalidValue
        Wrong shapes, signals that are not finite, or a rate that is not positive and finite.
    UnknownName
        No such engine.
    """
    first = np.zeros(state.shape[0], np.int64)
    return send(state, rows, columns, first, rate=rate, rng=rng, management=management, engine=engine)


def update_shared(
    state: DeviceState,
    rows: np.ndarray,
    columns: np.ndarray,
    *,
    rate: float,
    rng: np.random.Generator,
    management: PulseManagement = DEFAULT_MANAGEMENT,
    engine: str = "auto",
) -> PulseReport:
    """Like `update`, for n by n places of which (i, j) and (j, i) are one device.

    Pulses go to the devices above the diagonal, whose new weights are then copied below; the diagonal stays. `rows` and
    `columns` must hold both orders of each pass (see `crossbar.pulses.encodings`), since only i < j listens. Counts are
    of devices, each once. Make such a state by `mirror(law.sample((n, n), rng))`.
    """
    if state.shape[0] != state.shape[1]:
        raise InvalidValue(f"shared devices form a square, but got {state.shape}; use `update` for a rectangle")
    first = np.arange(1, state.shape[0] + 1)
    report = send(state, rows, columns, first, rate=rate, rng=rng, management=management, engine=engine)
    mirror_weights(state)
    return report


def apply_pulses(
    state: DeviceState, n_up: np.ndarray | int, n_down: np.ndarray | int, rng: np.random.Generator
) -> PulseReport:
    """Give each device its own number of up-pulses, then of down-pulses, in place.

    Parameters
    ----------
    n_up, n_down : int or ndarray of int, one number or `state.shape`

    Raises
    ------
    InvalidValue
        Counts that are negative or no integers, or of another shape.
    """
    return given(
        state, checked_counts("n_up", n_up, state.shape), checked_counts("n_down", n_down, state.shape), rng
    )


def given(state: DeviceState, ups: np.ndarray, downs: np.ndarray, rng: np.random.Generator) -> PulseReport:
    """Give each device its `ups`, then its `downs`, int32 of `state.shape`, zero or more; see `apply_pulses`."""
    if state.law.kernel and len(state.shape) == 2:
        paths.give_counts(state, ups, downs, UP_FIRST, rng)
        state.law.redraw(state, (ups > 0) | (downs > 0) if state.law.marks_written else None, rng)
    else:
        state.law.apply_pulses(state, ups, downs, rng)
    return PulseReport(up=int(ups.sum()), down=int(downs.sum()), engine="counts")


def mirror(state: DeviceState) -> DeviceState:
    """Make place (j, i) the same device as (i, j), i < j, in every plane and in the weights; return `state`."""
    for plane in () if state.alike else state.stack:
        mirror_upper(plane)
    mirror_weights(state)
    return state


def mirror_weights(state: DeviceState) -> None:
    """Copy the weights above the diagonal below it."""
    mirror_upper(state.hidden)
    if state.visible is not state.hidden:
        mirror_upper(state.visible)


def send(
    state: DeviceState,
    rows: np.ndarray,
    columns: np.ndarray,
    first: np.ndarray,
    *,
    rate: float,
    rng: np.random.Generator,
    management: PulseManagement,
    engine: str,
) -> PulseReport:
    """Draw the trains, choose the engine, and give the pulses to the devices (i, j >= first[i])."""
    kind = state.hidden.dtype.type
    rows, columns = real_signals("rows", rows, kind), real_signals("columns", columns, kind)
    check(state, rows, columns, rate)
    if engine not in {"auto", *ENGINES}:
        raise unknown_name("engine", engine, ["auto", *ENGINES])
    trains = draw(rows, columns, rate=rate, dw_min=state.law.granularity, management=management, rng=rng)
    up, down = paths.count(trains, first)
    mean = (up + down) / max(int(np.maximum(state.shape[1] - first, 0).sum()), 1)
    chosen = choose(state, mean, len(rows)) if engine == "auto" else engine
    if not state.law.kernel:
        chosen = "literal"
    elif chosen == "example" and state.law.kernel != "affine":
        chosen = "walk"
    if up + down:
        ENGINES[chosen](state, trains, first, rng)
        state.law.redraw(state, paths.written(trains, first) if state.law.marks_written else None, rng)
    return PulseReport(up=up, down=down, engine=chosen, bit_length=float(trains.lengths.mean()), clipped=trains.clipped)


def choose(state: DeviceState, mean: float, batch: int) -> str:
    """Return the engine for `mean` pulses a device over `batch` examples."""
    if mean <= RARE_PULSES or state.law.kernel != "affine":
        return "walk"
    slope = max(float(np.median(np.abs(state.stack[place, 0]))) for place in (3, 5))  # one row is sample enough
    if mean * slope <= AGGREGATE_LIMIT:
        return "aggregate"
    return "walk" if mean / batch < WALK_DENSITY else "example"


def check(state: DeviceState, rows: np.ndarray, columns: np.ndarray, rate: float) -> None:
    """Raise `InvalidValue` unless the passes fit the devices."""
    m, n = state.shape
    if rows.ndim != 2 or columns.ndim != 2 or rows.shape[1] != m or columns.shape != (len(rows), n) or not len(rows):
        raise InvalidValue(
            f"`rows` and `columns` must be (batch, {m}) and (batch, {n}), but got {rows.shape} and {columns.shape}"
        )
    if not (np.isfinite(rate) and rate > 0):
        raise InvalidValue(f"`rate` must be positive and finite, but got {rate}: put signs in `rows`")
    if not (np.isfinite(rows).all() and np.isfinite(columns).all()):
        raise InvalidValue("`rows` and `columns` must be finite: did the network diverge?")


def checked_counts(name: str, given: np.ndarray | int, shape: tuple[int, ...]) -> np.ndarray:
    """Return `given` as whole numbers of pulses of `shape`."""
    array = np.asarray(given)
    if not np.issubdtype(array.dtype, np.integer) or array.min(initial=0) < 0:
        raise InvalidValue(f"`{name}` must hold whole numbers of pulses, zero or more, but got {given!r}")
    if array.max(initial=0) > MAX_COUNT:
        raise InvalidValue(
            f"`{name}` must hold at most {MAX_COUNT} pulses a device, as many as 32 bits count, but got {array.max()}"
        )
    if array.ndim and array.shape != shape:
        raise InvalidValue(f"`{name}` must be one number or {shape}, but got {array.shape}")
    return np.ascontiguousarray(np.broadcast_to(array, shape), np.int32)
