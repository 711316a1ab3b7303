"""The ways to give the coincidences of pulse trains to devices; `crossbar.pulses.engines` chooses among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbar.devices.law import DeviceState
from crossbar.numerics import threads
from crossbar.pulses.kernels import closed, counts, trains, walk
from crossbar.pulses.trains import PulseTrains

WALKS: dict[str, Any] = {
    "affine": walk.walk_affine,
    "exponential": walk.walk_exponential,
    "power": walk.walk_power,
    "piecewise": walk.walk_piecewise,
    "jump": walk.walk_jump,
}
GIVES: dict[str, Any] = {
    "affine": counts.give_affine,
    "exponential": counts.give_exponential,
    "power": counts.give_power,
    "piecewise": counts.give_piecewise,
    "jump": counts.give_jump,
}


def literal(state: DeviceState, pulses: PulseTrains, first: np.ndarray, rng: np.random.Generator) -> None:
    """Give every coincidence its own pulse, slot by slot, in numpy: slow, and the reference of the other paths."""
    for b, length in enumerate(pulses.lengths):
        for slot in range(length):
            bit = np.uint32(1 << slot)
            rows = np.flatnonzero(pulses.row_words[b] & bit)
            columns = np.flatnonzero(pulses.column_words[b] & bit)
            i, j = (index.ravel() for index in np.meshgrid(rows, columns, indexing="ij"))
            listens = j >= first[i]
            i, j = i[listens], j[listens]
            opposed = pulses.row_negative[b, i] != pulses.column_negative[b, j]
            state.law.pulse(state, (i[~opposed], j[~opposed]), True, rng)
            state.law.pulse(state, (i[opposed], j[opposed]), False, rng)


def walked(state: DeviceState, pulses: PulseTrains, first: np.ndarray, rng: np.random.Generator) -> None:
    """Give every coincidence its own pulse, visiting only the bits that are set."""
    lines, offsets = trains.list_slots(pulses.column_words, pulses.column_negative, pulses.lengths)
    starts = np.cumsum(pulses.lengths) - pulses.lengths
    given = (
        state.hidden, state.stack, state.law.table(), pulses.row_words, pulses.row_negative, starts, lines, offsets,
        first, new_key(rng),
    )  # fmt: skip
    _over_rows(WALKS[state.law.kernel], given, state, first)


def by_example(state: DeviceState, pulses: PulseTrains, first: np.ndarray, rng: np.random.Generator) -> None:
    """Give each example's pulses in one closed-form step (affine laws)."""
    step = closed.step_examples_product if multiplies(state) else closed.step_examples_additive
    given = (
        state.hidden, state.stack, pulses.row_words, sign_bits(pulses.row_negative),
        pulses.column_words | sign_bits(pulses.column_negative), int(pulses.lengths.max()), first, new_key(rng),
    )  # fmt: skip
    _over_rows(step, given, state, first)


def by_batch(state: DeviceState, pulses: PulseTrains, first: np.ndarray, rng: np.random.Generator) -> None:
    """Give the whole batch's pulses in one step; laws without a closed form take them evenly mixed, one by one."""
    packed = pack(pulses)
    if state.law.kernel == "affine":
        step = closed.step_batch_product if multiplies(state) else closed.step_batch_additive
        _over_rows(step, (state.hidden, state.stack, *packed, first, new_key(rng)), state, first)
    else:
        ups, downs = counts.count_devices(*packed, first)
        give_counts(state, ups, downs, counts.MIXED, rng)


def _over_rows(kernel: Any, given: tuple, state: DeviceState, first: np.ndarray) -> None:
    """Call `kernel` with what is `given` and with rows that together hold all devices (i, j >= first[i])."""
    threads.over_rows(lambda *span: kernel(*given, span), np.maximum(state.shape[1] - first, 0))


def multiplies(state: DeviceState) -> bool:
    """Return whether an affine law's noise is multiplicative."""
    return bool(state.law.table()[0, 0])


def give_counts(state: DeviceState, n_up: np.ndarray, n_down: np.ndarray, order: int, rng: np.random.Generator) -> None:
    """Give each device its own numbers of pulses (m, n) in the `order` of `kernels.counts`, without write noise."""
    given = (state.hidden, state.stack, state.law.table(), n_up, n_down, order, new_key(rng))
    _over_rows(GIVES[state.law.kernel], given, state, np.zeros(state.shape[0], np.int64))


def written(pulses: PulseTrains, first: np.ndarray) -> np.ndarray:
    """Return the mask of the devices that got a pulse."""
    row_plus, row_minus, column_plus, column_minus = pack(pulses)
    return trains.coincided(row_plus | row_minus, column_plus | column_minus, first)


def count(pulses: PulseTrains, first: np.ndarray) -> tuple[int, int]:
    """Return how many up- and down-pulses the devices (i, j >= first[i]) get."""
    up, down = trains.count_coincidences(
        pulses.row_words, pulses.row_negative, pulses.column_words, pulses.column_negative, pulses.lengths, first
    )
    return int(up), int(down)


def pack(pulses: PulseTrains) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the trains as bit strings: rows plus and minus, columns plus and minus."""
    return (
        *trains.pack(pulses.row_words, pulses.row_negative, pulses.lengths),
        *trains.pack(pulses.column_words, pulses.column_negative, pulses.lengths),
    )


def sign_bits(negative: np.ndarray) -> np.ndarray:
    """Return words with bit 31 set where `negative`."""
    return negative.astype(np.uint32) << np.uint32(31)


def new_key(rng: np.random.Generator) -> np.uint64:
    """Return the key of a kernel's random numbers."""
    return rng.integers(0, 2**64, dtype=np.uint64)
