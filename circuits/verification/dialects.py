"""A chip's circuits in the dialects: written, those that run nowhere here read back and compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from circuits.circuit.circuit import Circuit
from circuits.dialects import others, spice, vacask
from circuits.dialects.dialect import UNRUN
from crossbar.errors import CorruptFile, InvalidValue, MissingFile, unknown_name

DIALECTS = ("ngspice", "ltspice", "xyce", "spectre", "hspice", "vacask")
"""What `hopbar netlist --dialect` takes; ngspice and VACASK are run by `hopbar verify`."""

SEED = 0  # of the states at which expressions are compared


def write_as(circuit: Circuit, folder: Path, stem: str, dialect: str) -> tuple[Path, dict]:
    """Write `circuit` to `folder` and return the file, and what is to be told of its dialect.

    Raises
    ------
    UnknownName
        No such dialect.
    EngineError, InvalidValue
        The dialect does not describe this circuit, or does not have one of its names.
    CorruptFile
        What was written is not the ngspice netlist: an error of ours.
    """
    if dialect == "ngspice":
        return spice.write(circuit, folder / f"{stem}.cir"), {}
    if dialect == "vacask":
        vacask.check(circuit)
        place = folder / f"{stem}.vacask"
        place.mkdir(parents=True, exist_ok=True)
        return vacask.write(circuit, place), {"dialect": dialect}
    if dialect not in others.OTHERS:
        raise unknown_name("dialect", dialect, DIALECTS)
    chosen = others.OTHERS[dialect]
    path = others.write(circuit, folder / f"{stem}{chosen.suffix}", chosen)
    compared = circuit.array.n_memristors <= others.READ_BACK
    if compared:
        found = others.compare(circuit, path, chosen, np.random.default_rng(SEED))
        if found:
            raise CorruptFile(f"{path} is not the ngspice netlist: {'; '.join(found[:3])}; please report this")
    return path, {"dialect": dialect, "compared": compared, "run": UNRUN}


def check_as(circuits: Mapping[str, Circuit], path: Path, dialect: str) -> list[str]:
    """Return how the netlist at `path` is not the ngspice netlist of the one circuit of `circuits`.

    Raises
    ------
    MissingFile, CorruptFile
        There is no such file, or it has a line that no netlist of ours has.
    InvalidValue
        There are several circuits, so that it is not known which one the file should be.
    """
    if len(circuits) != 1:
        raise InvalidValue(f"give --role {' or '.join(circuits)}: which circuit is {path}?")
    if not path.is_file():
        raise MissingFile(f"no netlist at {path}; write one with `hopbar netlist --dialect {dialect}`")
    (circuit,) = circuits.values()
    return others.compare(circuit, path, others.OTHERS[dialect], np.random.default_rng(SEED))
