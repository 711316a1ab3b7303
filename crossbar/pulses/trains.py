"""Stochastic pulse trains on the lines of an array: where a row's and a column's pulse coincide, the device steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.pulses.kernels.trains import draw_words

MAX_LENGTH = 31  # bit 31 of a word holds the sign


@dataclass(frozen=True, kw_only=True, slots=True)
class PulseManagement:
    """How signals become probabilities of a pulse.

    A slot fires with A |x_i| on a row and B |d_j| on a column, A B = rate / (dw_min BL), so that `bit_length` BL slots
    give rate |x_i d_j| / dw_min coincidences on average (Gokmen and Vlasov, doi:10.3389/fnins.2016.00333).

    Attributes
    ----------
    max_length : int
        Most slots an example, at most 31.
    adapt_length : bool
        Bit-length management: use ceil(rate max|x| max|d| / dw_min) slots (without `balance`, the square of the larger
        maximum), at most `max_length`; else always that many.
    balance : bool
        Update management: choose A / B = max|d| / max|x|, so that neither side saturates first; else A = B.
    """

    max_length: int = 31
    adapt_length: bool = True
    balance: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.max_length <= MAX_LENGTH:
            raise InvalidValue(f"`max_length` must lie between 1 and {MAX_LENGTH}, but got {self.max_length}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PulseTrains:
    """The trains of a batch.

    Attributes
    ----------
    row_words, column_words : ndarray of uint32 (batch, m), (batch, n)
        Bit k is slot k.
    row_negative, column_negative : ndarray of bool (batch, m), (batch, n)
        Lines whose signal is negative; a coincidence steps up where both or neither are.
    lengths : ndarray of int64 (batch,)
        Slots of each example.
    clipped : float
        Fraction of lines and examples whose probability had to be cut to 1.
    """

    row_words: np.ndarray
    column_words: np.ndarray
    row_negative: np.ndarray
    column_negative: np.ndarray
    lengths: np.ndarray
    clipped: float


def draw(
    rows: np.ndarray,
    columns: np.ndarray,
    *,
    rate: float,
    dw_min: float,
    management: PulseManagement,
    rng: np.random.Generator,
) -> PulseTrains:
    """Return trains whose coincidences realise sum_b rate rows_b columns_b^T in steps of `dw_min`, on average.

    Parameters
    ----------
    rows, columns : ndarray (batch, m), (batch, n)
    rate : float
        Weight units per unit of rows times columns.
    dw_min : float
        The law's nominal step, weight units.
    """
    row_size, column_size = np.abs(rows), np.abs(columns)
    row_max, column_max = row_size.max(1), column_size.max(1)
    largest = (row_max, column_max) if management.balance else (np.maximum(row_max, column_max),) * 2
    wanted = np.where(row_max * column_max > 0, rate * largest[0].astype(float) * largest[1] / dw_min, 0.0)
    lengths = slots(wanted, management)
    scale = np.sqrt(np.divide(rate / dw_min, lengths, out=np.zeros(len(wanted)), where=lengths > 0))
    ratio = np.ones(len(wanted))
    if management.balance:
        np.divide(column_max, row_max, out=ratio, where=wanted > 0)
    row_p = row_size * _finite(scale * np.sqrt(ratio), row_size.dtype)[:, None]
    column_p = column_size * _finite(scale / np.sqrt(ratio), column_size.dtype)[:, None]
    over = np.count_nonzero(row_p > 1.000001) + np.count_nonzero(column_p > 1.000001)
    keys = rng.integers(0, 2**64, 2, dtype=np.uint64)
    return PulseTrains(
        row_words=draw_words(np.minimum(row_p, 1, out=row_p), lengths, keys[0]),
        column_words=draw_words(np.minimum(column_p, 1, out=column_p), lengths, keys[1]),
        row_negative=rows < 0,
        column_negative=columns < 0,
        lengths=lengths,
        clipped=float(over / (row_p.size + column_p.size)),
    )


def _finite(scale: np.ndarray, kind: np.dtype) -> np.ndarray:
    """Return `scale` as `kind`, the largest number of which stands for any beyond: a silent line stays silent."""
    return np.minimum(scale, np.finfo(kind).max / 2).astype(kind)


def slots(wanted: np.ndarray, management: PulseManagement) -> np.ndarray:
    """Return the bit length of each example, given the slots that keep its strongest lines at a probability of 1."""
    if not management.adapt_length:
        return np.where(wanted > 0, management.max_length, 0).astype(np.int64)
    # a hair of tolerance keeps rounding from turning 10.0000001 into 11 slots
    return np.clip(np.ceil(wanted * (1 - 1e-6)), wanted > 0, management.max_length).astype(np.int64)
