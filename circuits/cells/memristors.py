"""The memristor models by name."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from circuits.cells.linear import LinearMemristor
from circuits.cells.stanford import StanfordPku
from circuits.cells.vteam import Vteam
from circuits.cells.yakopcic import Yakopcic
from crossbar.errors import unknown_name


class MemristorModel(Protocol):
    """A memristor as SPICE text.

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
