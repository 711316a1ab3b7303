"""What a circuit simulator returns: signals over time, or one operating point."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossbar.errors import CorruptFile, InvalidValue


@dataclass(frozen=True, kw_only=True, slots=True)
class Waveforms:
    """Signals of a simulation.

    Attributes
    ----------
    time : ndarray (n_times,)
        Seconds; one zero for an operating point.
    names : tuple of str
        Signals, lower case, such as ``v(s_hidden_3)`` or ``s_hidden_3``.
    values : ndarray (n_times, n_signals)
    volt : float
        Volts of a state of 1.
    seconds, processor_seconds, megabytes : float
        Wall time, processor time and peak memory of the run; 0 where unknown.
    """

    time: np.ndarray
    names: tuple[str, ...]
    values: np.ndarray
    volt: float = 1.0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    megabytes: float = 0.0

    def states(self, neurons: Sequence[str], at: float | None = None) -> np.ndarray:
        """Return the states (n_neurons,) of `neurons`, at the end or at time `at` in seconds.

        Raises
        ------
        InvalidValue
            A neuron's state was not saved.
        """
        values = self.traces(neurons)
        if at is None or len(self.time) == 1:
            return values[-1]
        after = min(int(np.searchsorted(self.time, at)), len(self.time) - 1)
        before = max(after - 1, 0)
        span = self.time[after] - self.time[before]
        share = 1.0 if span == 0 else float(np.clip((at - self.time[before]) / span, 0, 1))
        return (1 - share) * values[before] + share * values[after]

    def traces(self, neurons: Sequence[str]) -> np.ndarray:
        """Return the states (n_times, n_neurons) of `neurons` over time."""
        columns = {name.removeprefix("v(").removesuffix(")"): column for column, name in enumerate(self.names)}
        missing = [name for name in neurons if f"s_{name}" not in columns]
        if missing:
            raise InvalidValue(f"the simulation kept no state of {missing[0]} ({len(missing)} missing)")
        values: np.ndarray = self.values[:, [columns[f"s_{name}"] for name in neurons]] / self.volt
        return values

    def largest(self, node: str) -> float:
        """Return the largest voltage, of either sign, on nodes ``NODE_X``; 0 where none was kept."""
        columns = [column for column, name in enumerate(self.names) if name.removeprefix("v(").startswith(f"{node}_")]
        return float(np.abs(self.values[:, columns]).max(initial=0.0))


def read_raw(path: str | Path, used: Mapping[str, float] | None = None) -> Waveforms:
    """Read the first plot of a binary SPICE raw file (real numbers), as ngspice and VACASK write it.

    `used` are times and memory of the run, fields of `Waveforms`.

    Raises
    ------
    CorruptFile
        It is empty, truncated, or in another format.
    """
    data = Path(path).read_bytes()
    head, mark, body = data.partition(b"Binary:\n")
    if not mark:
        raise CorruptFile(f"{path} is no binary raw file; the simulation did not finish")
    fields, names = {}, []
    for line in head.decode("utf-8", "replace").splitlines():
        if line.startswith("\t"):
            names.append([*line.split(), "", ""][1].lower())
        elif ":" in line:
            key, _, value = line.partition(":")
            fields[key.strip().lower()] = value.strip()
    count, points = (_count(fields.get(key, ""), path) for key in ("no. variables", "no. points"))
    needed = count * points
    if not needed or len(body) < 8 * needed or "complex" in fields.get("flags", ""):
        raise CorruptFile(f"{path} holds {len(body)} bytes, too few for {points} points of {count} signals")
    if len(names) != count or not all(names):
        raise CorruptFile(f"{path} names {len(names)} signals, but says that it has {count}")
    values = np.frombuffer(body, np.float64, needed).reshape(points, count)
    return _wave(names, values, used or {})


def _count(text: str, path: str | Path) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise CorruptFile(f"{path} has a damaged head: {text[:40]!r} is no count of signals or points")
    return int(text)


def _wave(names: list[str], values: np.ndarray, used: Mapping[str, float]) -> Waveforms:
    if names[0] == "time":
        time, names, values = values[:, 0].copy(), names[1:], values[:, 1:]
    else:
        time = np.zeros(len(values))
    return Waveforms(time=time, names=tuple(names), values=values, **used)
