"""The memristor models by name, and those of one's own."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from circuits.memristors.linear import LinearMemristor
from circuits.memristors.own import OwnMemristor
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

    @property
    def read_voltage(self) -> float:
        """Volts at which it is read."""
        ...

    def subcircuit(self) -> str:
        """Return the definition that the cards refer to."""
        ...

    def cards(self, names: list[str], heads: list[str], tails: list[str], conductances: np.ndarray) -> str:
        """Return one line per device, in order."""
        ...


MODELS: dict[str, type[LinearMemristor | Vteam | Yakopcic | StanfordPku]] = {
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


Device = str | OwnMemristor
"""A name in `MODELS`, or a memristor of one's own."""


def check(device: Device) -> None:
    """Raise `UnknownName` where `device` names no model."""
    if isinstance(device, str) and device not in MODELS:
        raise unknown_name("device", device, MODELS)


def read_voltage(device: Device) -> float:
    """Return the volts at which `device` is read."""
    return MODELS[device].read_voltage if isinstance(device, str) else device.read_voltage


def memristor(device: Device, *, g_min: float, g_max: float) -> MemristorModel:
    """Return the model `device` for devices between `g_min` and `g_max` siemens.

    Raises
    ------
    UnknownName
        No such model.
    InvalidValue
        A memristor of one's own that does not reach them.
    """
    check(device)
    return MODELS[device](g_min=g_min, g_max=g_max) if isinstance(device, str) else device.within(g_min, g_max)
