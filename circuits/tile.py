"""Memristors in tiles whose word and bit lines have resistance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.cells.memristors import MemristorModel
from circuits.electrical import Wires
from circuits.memristor_array import MemristorArray
from circuits.names import device_name


def tiled_devices(array: MemristorArray, names: tuple[str, ...], wires: Wires, model: MemristorModel) -> Iterator[str]:
    """Yield the cards of a two-device array cut into tiles of at most `wires.tile` rows and columns.

    A tile's rows are the word lines of its sources, each driven at the left end; its columns are the bit lines of
    its targets, G+ and G- side by side, each sensed at the bottom end. A segment of `r_word_line` ohm lies before
    every cell of a row, one of `r_bit_line` after every cell of a column: the convention of `crossbar.wires`.
    """
    for first in range(0, array.size, wires.tile):
        sources = range(first, min(first + wires.tile, array.size))
        for second in range(0, 2 * array.size, wires.tile):
            columns = [
                (index // 2, "pn"[index % 2]) for index in range(second, min(second + wires.tile, 2 * array.size))
            ]
            yield from _tile(array, names, wires, model, sources, columns)


def _tile(
    array: MemristorArray, names: tuple[str, ...], wires: Wires, model: MemristorModel,
    sources: range, columns: list[tuple[int, str]],
) -> Iterator[str]:  # fmt: skip
    corner = f"{sources.start}_{columns[0][0]}{columns[0][1]}"
    for row, source in enumerate(sources):
        held = np.array([(array.plus if sign == "p" else array.minus)[target, source] for target, sign in columns])
        words = [f"w_{corner}_{row}_{column}" for column in range(len(columns))]
        bits = [f"b_{corner}_{row}_{column}" for column in range(len(columns))]
        starts = [f"p_{names[source]}", *words[:-1]]
        yield "".join(
            [f"R{end} {start} {end} {wires.r_word_line!r}\n" for start, end in zip(starts, words, strict=True)]
        )
        labels = [device_name(sign, names[target], names[source]) for target, sign in columns]
        there = np.flatnonzero(held).tolist()
        if there:
            yield model.cards(
                [labels[k] for k in there], [words[k] for k in there], [bits[k] for k in there], held[there]
            )
        last = source == sources[-1]
        ends = [
            f"q{sign}_{names[target]}" if last else f"b_{corner}_{row + 1}_{column}"
            for column, (target, sign) in enumerate(columns)
        ]
        yield segments(bits, bits, ends, wires.r_bit_line)


def segments(names: list[str], starts: list[str], ends: list[str], resistance: float) -> str:
    """Return one R card per piece of line, of `resistance` ohm."""
    rows = zip(names, starts, ends, strict=True)
    return "".join([f"R{name} {start} {end} {resistance!r}\n" for name, start, end in rows])
