"""Circuit simulators behind one protocol; nothing but exporting and verifying circuits needs any of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from circuits.simulators.ngspice import Ngspice
from circuits.simulators.process import Limits
from circuits.simulators.pyspice import PySpice
from circuits.simulators.simulator import Engine
from circuits.simulators.vacask import Vacask
from crossbar.errors import unknown_name

__all__ = ["ENGINES", "Engine", "Limits", "available", "engine"]

ENGINES: dict[str, Callable[[], Engine]] = {
    "ngspice": Ngspice, "pyspice": PySpice, "inspice": partial(PySpice, package="InSpice"), "vacask": Vacask,
}  # fmt: skip


def engine(name: str) -> Engine:
    """Return the engine `name`.

    Raises
    ------
    UnknownName
        There is none of that name.
    """
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    return ENGINES[name]()


def available() -> list[tuple[str, str | None, str]]:
    """Return (name, version or None, remedy) of every engine, for `hopbar doctor`."""
    engines = [engine(name) for name in ENGINES]
    return [(one.name, one.version(), one.remedy) for one in engines]
