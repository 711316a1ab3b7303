"""What a memristor of one's own conducts: measured before it is used, so that states can be chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from circuits.circuit.electrical import Electrical
from circuits.measuring import benches
from circuits.measuring.bench import Placed
from circuits.memristors import own_file, registry
from circuits.memristors.own import OwnDevice, OwnMemristor, Table
from circuits.memristors.registry import Device
from crossbar import shipped
from crossbar.errors import EngineError, unknown_name

N_COARSE, N_STATES, N_BENT = 65, 129, 9
SHARES = (0.125, 0.25, 0.5, 0.75, -1.0, -0.5)  # of the read voltage
BEGUN, HELD = 10.0, 100.0  # time constants of the netlist


def memristor(device: str | Path) -> Device:
    """Return what `device` stands for: a model by name, or one that a TOML file describes (by its path), measured.

    Raises
    ------
    UnknownName
        It is neither.
    MissingFile, CorruptFile, InvalidValue, EngineError
        As `circuits.memristors.own_file.load` and `measure` have them.

    Examples
    --------
    >>> import circuits
    >>> circuits.memristor("vteam")
    'vteam'
    >>> print(circuits.memristor("jart-vcm-1b"))  # measured in ngspice
    jart-vcm-1b
    """
    if isinstance(device, Path) or device.endswith(".toml"):
        return measure(own_file.load(device))
    shipped_names = own_file.shipped_names()
    if device in shipped_names:
        return measure(own_file.load(shipped.folder() / "memristors" / f"{device}.toml"))
    if device not in registry.MODELS:
        raise unknown_name("device", device, [*registry.MODELS, *shipped_names, "FILE.toml"])
    return device


def measure(own: OwnDevice) -> OwnMemristor:
    """Return `own` with its conductances at `N_STATES` states, and how far they hold.

    Each is G = I / V ten time constants of the netlist after the read voltage was applied; how it changes until the
    hundredth is told. States are spread by a coarse table. Every second one checks the table of the others.

    Raises
    ------
    EngineError
        The simulator of its language is missing, or does not run the text.
    InvalidValue
        It does not conduct in every state, or its conductance does not rise or fall all the way.
    """
    coarse = own.grid(N_COARSE)
    begun, _ = _conductances(own, coarse, np.ones(N_COARSE))
    states = _spread(own, Table(own=own, states=coarse, conductances=begun))
    few = states[:: (N_STATES - 1) // (N_BENT - 1)]
    all_states = np.array([*states, *np.tile(few, len(SHARES))])
    found, changed = _conductances(own, all_states, np.array([*np.ones(N_STATES), *np.repeat(SHARES, N_BENT)]))
    table = Table(own=own, states=states, conductances=found[:N_STATES])
    alike = table.conductances[:: (N_STATES - 1) // (N_BENT - 1)]
    other = np.abs(found[N_STATES:].reshape(len(SHARES), N_BENT) / alike - 1).max(axis=1)
    below = np.array(SHARES) > 0
    return OwnMemristor(
        table=table, error=table.error(), bend=float(other[below].max()), asymmetry=float(other[~below].max()),
        drift=float(changed[:N_STATES].max()), held=HELD * Electrical().time_constant,
    )  # fmt: skip


def _spread(own: OwnDevice, table: Table) -> np.ndarray:
    """Return states, from the first to the last, which are dense where log G is steep and where it is flat."""
    place, held = np.linspace(0, 1, len(table.states)), np.log(table.conductances)
    way = (place + (held - held[0]) / (held[-1] - held[0])) / 2
    return own.at(np.interp(np.linspace(0, 1, N_STATES), way, place))


def _conductances(own: OwnDevice, states: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return G of devices that begin in `states` at `shares` of the read voltage, and its relative change in time."""
    tau, volts = Electrical().time_constant, own.read_voltage * shares
    rising = tuple(((0.0, 0.0), (tau, volt)) for volt in volts.tolist())
    placed = Placed(states=tuple(states.tolist()), sources=rising)
    try:
        found = benches.run(own, placed, seconds=HELD * tau, step=HELD * tau / 50)
    except EngineError as error:
        raise EngineError(f"{own.name}: {error}") from error
    over_time = found.currents / volts
    begun = np.array([np.interp(BEGUN * tau, found.time, column) for column in over_time.T])
    with np.errstate(divide="ignore", invalid="ignore"):
        return begun, np.abs(over_time[-1] / begun - 1)
