"""The memristor models by name."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from circuits.memristors.linear import LinearMemristor
from circuits.memristors.stanford import StanfordPku
from circuits.memristors.vteam import Vteam
from circuits.memristors.yakopcic import Yakopcic
from crossbar.errors import unknown_name


class MemristorModel(Protocol):
    """A memristor as SPICE text.

    Cards are written by `memristor_cards`, since no state of a device reads as 0 S.

    Attributes
    ----------
    read_voltage : float
        Volts at which reads neither move the state nor leave its linear range by much.
    """

    read_voltage: ClassVar[float]

    def __init__(self, *, g_min: float, g_max: float) -> None: ...

    def subcircuit(self) -> str:
        """Return the definition that the cards refer to."""
        ...

    def cards(self, names: list[str], heads: list[str], tails: list[str], conductances: np.ndarray) -> str:
        """Return one line per device, in order."""
        ...


MODELS: dict[str, type[MemristorModel]] = {
    "linear": LinearMemristor,
    "vteam": Vteam,
    "yakopcic": Yakopcic,
    "stanford": StanfordPku,
}


def memristor_cards(
    model: MemristorModel, names: list[str], heads: list[str], tails: list[str], conductances: np.ndarray
) -> str:
    """Return one line per device: those that conduct by `model`, those of 0 S as open resistors."""
    if conductances.all():
        return model.cards(names, heads, tails, conductances)
    parts = []
    for one, chosen in ((model, conductances > 0), (LinearMemristor(), conductances == 0)):
        there = np.flatnonzero(chosen).tolist()
        called, starts, ends = ([column[k] for k in there] for column in (names, heads, tails))
        parts.append(one.cards(called, starts, ends, conductances[there]))
    return "".join(parts)


def memristor(name: str, *, g_min: float, g_max: float) -> MemristorModel:
    """Return the model `name` for devices between `g_min` and `g_max` siemens.

    Raises
    ------
    UnknownName
        No such model.
    """
    if name not in MODELS:
        raise unknown_name("device", name, MODELS)
    return MODELS[name](g_min=g_min, g_max=g_max)
