"""Tiki-Taka: a fast array learns, a digital buffer collects it line by line, whole steps go to the array that settles.

Version 2: Gokmen, Front. Artif. Intell. 4:699148 (2021), doi:10.3389/frai.2021.699148. It needs to know where its fast
devices rest, their symmetry point (zero-shifting: Kim et al. 2019, arXiv:1907.10228). Choppers and a reference that is
found on the way make it forgive what that misses: Rasch, Carta, Fagbohungbe and Gokmen, Nat. Commun. 15:7133 (2024),
arXiv:2303.04721. There each line of inputs has a chopper; here each neuron has one, and a device the product of two, as
both directions of a pair share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from crossbar.arrays.array import CrossbarArray
from hvae.onchip.arrays import FAST, below
from hvae.onchip.pulses import give_pulses, weight_step

_REFERENCE = "reference/"  # in a checkpoint


class Reference(Protocol):
    """What readings of the fast array are compared with, and by which signs its inputs are chopped."""

    @property
    def signs(self) -> np.ndarray:
        """The choppers (N,), 1 or -1."""
        ...

    def heard(self, readings: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """Return what `readings` (n, N) of the fast array's `lines` say of the contrast, choppers undone."""
        ...

    def turn(self, rng: np.random.Generator) -> None:
        """Note that all lines have been read once more."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what changes."""
        ...

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take what `arrays` once returned."""
        ...


@dataclass(kw_only=True)
class Fixed:
    """Readings less the weights `at` which the fast devices rest; no chopper."""

    at: np.ndarray

    @property
    def signs(self) -> np.ndarray:
        """Ones."""
        return np.ones(len(self.at), self.at.dtype)

    def heard(self, readings: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """Return the differences."""
        return readings - self.at[lines]

    def turn(self, rng: np.random.Generator) -> None:
        """Do nothing."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the reference."""
        return {"at": self.at}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the reference."""
        self.at = np.array(arrays["at"])


@dataclass(kw_only=True)
class Chopped:
    """The same with choppers: what the reference misses comes with both signs, and cancels in the buffer.

    Attributes
    ----------
    at : ndarray (N, N)
    every : int
        Readings of all lines after which the choppers are drawn anew.
    """

    at: np.ndarray
    every: int
    choppers: np.ndarray = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.choppers = np.ones(len(self.at), self.at.dtype)

    @property
    def signs(self) -> np.ndarray:
        """The choppers."""
        return self.choppers

    def heard(self, readings: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """Return the differences, each with the sign of its device's choppers."""
        return self.choppers[lines][:, None] * self.choppers * (readings - self.at[lines])

    def turn(self, rng: np.random.Generator) -> None:
        """Draw the choppers anew when it is time."""
        self.count += 1
        if self.count % self.every == 0:
            self.choppers = rng.choice(np.array([-1, 1], self.at.dtype), len(self.at))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return reference, choppers and count."""
        return {"at": self.at, "choppers": self.choppers, "count": np.array([self.count])}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take them."""
        self.at, self.choppers = np.array(arrays["at"]), np.array(arrays["choppers"])
        self.count = int(arrays["count"][0])


@dataclass(kw_only=True)
class Dynamic(Chopped):
    """Choppers, and a reference that is the mean reading of the time before a device's sign last turned.

    It needs no symmetry point, and two digital numbers a weight more.
    """

    mean: np.ndarray = field(init=False)
    readings: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        Chopped.__post_init__(self)
        self.mean = np.zeros_like(self.at)
        self.readings = np.zeros_like(self.at)

    def heard(self, readings: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """Return the differences, and take note of the readings."""
        found = Chopped.heard(self, readings, lines)
        self.readings[lines] += 1
        self.mean[lines] += (readings - self.mean[lines]) / self.readings[lines]
        return found

    def turn(self, rng: np.random.Generator) -> None:
        """Draw the choppers anew when it is time; where a sign turns, what was read until now is the reference."""
        before = self.choppers
        Chopped.turn(self, rng)
        turned = np.outer(before, before) != np.outer(self.choppers, self.choppers)
        self.at = np.where(turned, self.mean, self.at)
        self.mean[turned] = 0
        self.readings[turned] = 0

    def arrays(self) -> dict[str, np.ndarray]:
        """Return reference, choppers, count and what was read."""
        return Chopped.arrays(self) | {"mean": self.mean, "readings": self.readings}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take them."""
        Chopped.restore(self, arrays)
        self.mean, self.readings = np.array(arrays["mean"]), np.array(arrays["readings"])


@dataclass(kw_only=True)
class TikiTaka:
    """A fast array A takes the pulses, H += gain (A - reference) line by line, whole steps of H go to C.

    C is the array that settles. A is read without noise: its reads are single lines, which can be averaged; assumed.

    Attributes
    ----------
    fast : CrossbarArray
        A.
    gain : float
    every : int
        Batches in which every line is read once.
    reference : Reference
    buffer : ndarray (N, N)
        H, weight units.
    line : int
        Next line to read.
    """

    fast: CrossbarArray
    gain: float
    every: int
    reference: Reference
    buffer: np.ndarray = field(init=False)
    line: int = 0

    def __post_init__(self) -> None:
        self.buffer = np.zeros_like(self.fast.weights())

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Teach the fast array, read some of its lines, send what is due."""
        signs = self.reference.signs.astype(response.dtype)
        if response.any() and rate > 0:  # the first step of a warm-up asks for nothing
            self.fast.update(response * signs, mean * signs, rate=rate, rng=rng)
        size = array.network.size
        count = -(-size // self.every)
        lines = np.arange(self.line, min(self.line + count, size))
        self.line = 0 if self.line + count >= size else self.line + count
        self.fast.counters.reads += len(lines)
        heard = self.reference.heard(self.fast.weights()[lines], lines)
        self.buffer[lines] += self.buffer.dtype.type(self.gain) * heard
        if self.line == 0:
            self.reference.turn(rng)
        step = weight_step(array)
        due = np.trunc(self.buffer / step)
        if array.config.symmetry == "shared":
            due = np.triu(due, 1)
            self.buffer -= (due * step).astype(self.buffer.dtype)
            due = due + due.T
        else:
            self.buffer -= (due * step).astype(self.buffer.dtype)
        give_pulses(array, due, rng)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the fast array, its reference, the buffer and the next line."""
        own = {f"{_REFERENCE}{name}": one for name, one in self.reference.arrays().items()}
        own |= {"buffer": self.buffer, "line": np.array([self.line])}
        return own | {f"{FAST}/{name}": plane for name, plane in self.fast.state_dict().items()}

    def hardware(self) -> dict[str, CrossbarArray]:
        """Return the fast array."""
        return {FAST: self.fast}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take what `arrays` once returned."""
        held = {"at": arrays["reference"]} if "reference" in arrays else below(arrays, _REFERENCE)  # of before: fixed
        self.reference.restore(held)
        self.buffer = np.array(arrays["buffer"])
        self.line = int(np.asarray(arrays["line"])[0])
        self.fast.load_state(below(arrays, f"{FAST}/"))
