"""Rank-one contrasts as pulses on devices, by engines of different exactness and speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.devices import DeviceState
from crossbar.errors import InvalidValue, unknown_name
from crossbar.kernels.pulses import mirror_upper
from crossbar.pulse_trains import PulseManagement, PulseTrains, draw


@dataclass(frozen=True, kw_only=True, slots=True)
class PulseReport:
    """What an update did.

    Attributes
    ----------
    up, down : int
        Pulses (coincidences) over all devices.
    engine : str
        Which engine did it: `literal`, `example`, `rare`, `aggregate` or `counts`.
    expected : float
        Expected pulses a device.
    bit_length : float
        Mean length of the trains, in slots an example; 0 where counts were given.
    clipped : float
        Fraction of the lines and examples whose signal needed a probability above 1, so that the update is too small.
    """

    up: int
    down: int
    engine: str
    expected: float = 0.0
    bit_length: float = 0.0
    clipped: float = 0.0

    @property
    def pulses(self) -> int:
        """All pulses, both directions."""
        return self.up + self.down

    def __add__(self, other: PulseReport) -> PulseReport:
        engine = self.engine if self.engine == other.engine else f"{self.engine}, {other.engine}"
        return PulseReport(
            up=self.up + other.up, down=self.down + other.down, engine=engine, expected=self.expected + other.expected,
            bit_length=max(self.bit_length, other.bit_length), clipped=max(self.clipped, other.clipped),
        )  # fmt: skip


def update(
    state: DeviceState,
    rows: np.ndarray,
    columns: np.ndarray,
    *,
    rate: float,
    rng: np.random.Generator,
    management: PulseManagement = PulseManagement(),  # noqa: B008  (frozen)
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
        `auto` chooses by the expected number of pulses a device and example; the report says what was chosen.

    Raises
    ------
    InvalidValue
        Wrong shapes, or a rate that is not positive and finite.
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
    management: PulseManagement = PulseManagement(),  # noqa: B008  (frozen)
    engine: str = "auto",
) -> PulseReport:
    """Like `update`, for n by n places of which (i, j) and (j, i) are one device.

    Pulses go to the devices above the diagonal, whose new weights are then copied below; the diagonal stays. `rows` and
    `columns` must hold both orders of each pass (see `crossbar.contrast`), since only i < j listens. Counts are of devices,
    each once. Make such a state by `mirror(law.sample((n, n), rng))`.
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
    n_up, n_down : int or ndarray of int, broadcastable to `state.shape`

    Raises
    ------
    InvalidValue
        Counts that are negative or no integers, or of another shape.
    """
    counts = []
    for name, given in (("n_up", n_up), ("n_down", n_down)):
        array = np.asarray(given)
        if not np.issubdtype(array.dtype, np.integer) or array.min(initial=0) < 0:
            raise InvalidValue(f"`{name}` must hold whole numbers of pulses, zero or more, but got {given!r}")
        if array.ndim and array.shape != state.shape:
            raise InvalidValue(f"`{name}` must be one number or {state.shape}, but got {array.shape}")
        counts.append(np.broadcast_to(array, state.shape))
    state.law.apply_pulses(state, *counts, rng)
    up, down = (int(array.sum()) for array in counts)
    return PulseReport(up=up, down=down, engine="counts", expected=(up + down) / state.hidden.size)


def mirror(state: DeviceState) -> DeviceState:
    """Make place (j, i) the same device as (i, j), i < j, in every plane and in the weights; return `state`."""
    for plane in state.planes.values():
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
    check(state, rows, columns, rate)
    if engine not in {"auto", *ENGINES}:
        raise unknown_name("engine", engine, ["auto", *ENGINES])
    trains = draw(rows, columns, rate=rate, dw_min=state.law.granularity, management=management, rng=rng)
    up, down = ENGINES["literal"](state, trains, first, rng)
    return PulseReport(up=up, down=down, engine="literal")


def check(state: DeviceState, rows: np.ndarray, columns: np.ndarray, rate: float) -> None:
    """Raise `InvalidValue` unless the passes fit the devices."""
    m, n = state.shape
    if rows.ndim != 2 or columns.ndim != 2 or rows.shape[1] != m or columns.shape != (len(rows), n):
        raise InvalidValue(
            f"`rows` and `columns` must be (batch, {m}) and (batch, {n}), but got {rows.shape} and {columns.shape}"
        )
    if not (np.isfinite(rate) and rate > 0):
        raise InvalidValue(f"`rate` must be positive and finite, but got {rate}: put signs in `rows`")


def literal(
    state: DeviceState, trains: PulseTrains, first: np.ndarray, rng: np.random.Generator
) -> tuple[int, int]:
    """Give every coincidence its own pulse, slot by slot, in numpy: slow, and the reference of the other engines.

    Returns
    -------
    (up, down) : tuple of int
        Pulses given.
    """
    up = down = 0
    touched = np.zeros(state.shape, bool)
    for b, length in enumerate(trains.lengths):
        for slot in range(length):
            bit = np.uint32(1 << slot)
            rows = np.flatnonzero(trains.row_words[b] & bit)
            columns = np.flatnonzero(trains.column_words[b] & bit)
            i, j = (index.ravel() for index in np.meshgrid(rows, columns, indexing="ij"))
            listens = j >= first[i]
            i, j = i[listens], j[listens]
            opposed = trains.row_negative[b, i] != trains.column_negative[b, j]
            state.law.pulse(state, (i[~opposed], j[~opposed]), True, rng)
            state.law.pulse(state, (i[opposed], j[opposed]), False, rng)
            touched[i, j] = True
            up += i.size - int(np.count_nonzero(opposed))
            down += int(np.count_nonzero(opposed))
    state.law.redraw(state, np.nonzero(touched), rng)
    return up, down


ENGINES = {"literal": literal}
