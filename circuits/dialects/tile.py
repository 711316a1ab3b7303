"""Memristors in tiles whose word and bit lines have resistance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.circuit.electrical import Wires
from circuits.circuit.memristor_array import MemristorArray
from circuits.circuit.names import device_name
from circuits.circuit.wired import tiles
from circuits.memristors.registry import MemristorModel, memristor_cards


def tiled_devices(array: MemristorArray, names: tuple[str, ...], wires: Wires, model: MemristorModel) -> Iterator[str]:
    """Yield the cards of a two-device array cut into tiles of at most `wires.tile` rows and columns.

    A tile's rows are the word lines of its sources, each driven at the left end; its columns are the bit lines of
    its targets, G+ and G- side by side, each sensed at the bottom end. A segment of `r_word_line` ohm lies before
    every cell of a row, one of `r_bit_line` after every cell of a column: the convention of `crossbar.wires.solver`.
    """
    for sources, lines in tiles(array, wires):
        yield from _tile(array, names, wires, model, sources, [("pn"[line % 2], line // 2) for line in lines])


def _tile(
    array: MemristorArray, names: tuple[str, ...], wires: Wires, model: MemristorModel,
    sources: range, columns: list[tuple[str, int]],
) -> Iterator[str]:  # fmt: skip
    corner = f"{sources.start}_{columns[0][1]}{columns[0][0]}"
    for row, source in enumerate(sources):
        held = np.array([(array.plus if sign == "p" else array.minus)[target, source] for sign, target in columns])
        words = [f"w_{corner}_{row}_{column}" for column in range(len(columns))]
        bits = [f"b_{corner}_{row}_{column}" for column in range(len(columns))]
        starts = [f"p_{names[source]}", *words[:-1]]
        yield "".join(
            [f"R{end} {start} {end} {wires.r_word_line!r}\n" for start, end in zip(starts, words, strict=True)]
        )
        labels = [device_name(sign, names[target], names[source]) for sign, target in columns]
        there = [column for column, (_, target) in enumerate(columns) if array.built[target, source]]
        called, heads, tails = ([column[k] for k in there] for column in (labels, words, bits))
        yield memristor_cards(model, called, heads, tails, held[there])
        last = source == sources[-1]
        ends = [
            f"q{sign}_{names[target]}" if last else f"b_{corner}_{row + 1}_{column}"
            for column, (sign, target) in enumerate(columns)
        ]
        yield segments(bits, bits, ends, wires.r_bit_line)


def segments(names: list[str], starts: list[str], ends: list[str], resistance: float) -> str:
    """Return one R card per piece of line, of `resistance` ohm."""
    rows = zip(names, starts, ends, strict=True)
    return "".join([f"R{name} {start} {end} {resistance!r}\n" for name, start, end in rows])
