"""A memristor of one's own, in SPICE or Verilog-A: which state gives which conductance was measured beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from circuits.memristors.languages import ModuleText, SpiceText
from circuits.memristors.linear import state_cards
from crossbar.errors import EngineError, InvalidValue


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OwnDevice:
    """What a file says of a memristor: its text, the range of its state, and where it is read.

    Attributes
    ----------
    name : str
        What it is called in reports.
    text : SpiceText or ModuleText
        Its text in one of the languages, with the parameter that is its state.
    states : tuple of float
        From where to where the state may go.
    logarithmic : bool
        Whether states are spread by their logarithm.
    read_voltage : float
        Volts.
    """

    name: str
    text: SpiceText | ModuleText
    states: tuple[float, float]
    logarithmic: bool
    read_voltage: float

    @property
    def state(self) -> str:
        """The parameter that sets the state."""
        return self.text.state

    def spice(self) -> SpiceText:
        """Return its SPICE text.

        Raises
        ------
        EngineError
            It is given in Verilog-A, which ngspice has no loader for; the message has the remedy.
        """
        if not isinstance(self.text, SpiceText):
            raise self._elsewhere()
        return self.text

    def module(self) -> ModuleText:
        """Return its Verilog-A.

        Raises
        ------
        EngineError
            It is given as SPICE text, which VACASK does not run; the message has the remedy.
        """
        if not isinstance(self.text, ModuleText):
            raise self._elsewhere()
        return self.text

    def _elsewhere(self) -> EngineError:
        return EngineError(f"{self.name} is {self.text.elsewhere}")

    def grid(self, n: int) -> np.ndarray:
        """Return `n` states, from the first to the last."""
        return self.at(np.linspace(0, 1, n))

    def at(self, places: np.ndarray) -> np.ndarray:
        """Return the states at `places` from 0, the first, to 1, the last."""
        first, last = self.states
        return first * (last / first) ** places if self.logarithmic else first + (last - first) * places

    def subcircuit(self) -> str:
        """Return the definition of `memristor p q x0=` in SPICE."""
        return self.spice().subcircuit(self.states[0])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Table:
    """What the states of a memristor conduct at its read voltage: a cubic spline of the state over log G.

    Attributes
    ----------
    own : OwnDevice
    states, conductances : ndarray (n,)
        Conductances in S, above zero and strictly rising or falling with the state.

    Raises
    ------
    InvalidValue
        Conductances that are not.
    """

    own: OwnDevice
    states: np.ndarray
    conductances: np.ndarray

    def __post_init__(self) -> None:
        own, values = self.own, self.conductances
        if not (values > 0).all():
            raise InvalidValue(
                f"{own.name} must conduct in every state, but at {own.state} = {self.states[int(np.argmin(values))]:g} "
                f"and {own.read_voltage:g} V it has {values.min():g} S"
            )
        steps = np.sign(np.diff(values))
        if not (abs(steps.sum()) == len(steps) and steps[0]):
            turn = int(np.argmax(steps != steps[0])) if steps[0] else 0
            raise InvalidValue(
                f"the conductance of {own.name} must rise or fall with {own.state} all the way, but turns or stands "
                f"still at {self.states[turn]:g}, where it is {values[turn]:g} S: narrow `from` and `to`"
            )

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest conductance, S."""
        return float(self.conductances.min()), float(self.conductances.max())

    def state(self, conductance: np.ndarray) -> np.ndarray:
        """Return the states of devices that read as `conductance` siemens."""
        order = np.argsort(self.conductances)
        states = np.log(self.states) if self.own.logarithmic else self.states
        inside = np.log(np.clip(conductance, *self.range))
        found = CubicSpline(np.log(self.conductances[order]), states[order])(inside)
        return np.clip(np.exp(found) if self.own.logarithmic else found, min(self.own.states), max(self.own.states))

    def error(self) -> float:
        """Return the largest relative error of a conductance by the table of every second state, at the others."""
        half = Table(own=self.own, states=self.states[::2], conductances=self.conductances[::2])
        order = np.argsort(self.states)
        states = np.log(self.states) if self.own.logarithmic else self.states
        told = half.state(self.conductances[1::2])
        told = np.log(told) if self.own.logarithmic else told
        reached = CubicSpline(states[order], np.log(self.conductances[order]))(told)
        return float(np.abs(np.expm1(reached - np.log(self.conductances[1::2]))).max())


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OwnMemristor:
    """A memristor of one's own with its measured conductances, like `circuits.memristors.vteam.Vteam`.

    Attributes
    ----------
    table : Table
    error : float
        Largest relative error of a conductance between the states of a table half as fine, measured.
    bend : float
        Largest relative difference between the conductance at the read voltage and at those below it.
    asymmetry : float
        The same between the read voltage and negative ones.
    drift : float
        Largest relative change of a conductance under the read voltage, over `held` seconds.
    held : float
    """

    table: Table
    error: float
    bend: float
    asymmetry: float
    drift: float
    held: float

    def __str__(self) -> str:
        return self.own.name

    @property
    def own(self) -> OwnDevice:
        """What its file says."""
        return self.table.own

    @property
    def read_voltage(self) -> float:
        """Volts."""
        return self.own.read_voltage

    def tolerance(self, *, signs: int) -> float:
        """Return the relative error of a weight that is to be expected: of table, bend and drift.

        `signs` is 2 where it is read with voltages of both signs, which adds the asymmetry, else 1.
        """
        return self.error + self.bend + self.drift + (self.asymmetry if signs == 2 else 0.0)

    def within(self, g_min: float, g_max: float) -> OwnMemristor:
        """Return it, for conductances from `g_min` to `g_max`.

        Raises
        ------
        InvalidValue
            It does not reach them.
        """
        low, high = self.table.range
        if not (low * (1 - 1e-9) <= g_min and g_max <= high * (1 + 1e-9)):
            raise InvalidValue(
                f"the chip needs devices from {g_min:.4g} to {g_max:.4g} S, but {self.own.name} reaches {low:.4g} to "
                f"{high:.4g} S at {self.own.read_voltage:g} V: map ideal weights within them (--g-min, --g-max), or "
                "widen the states in its file"
            )
        return self

    def subcircuit(self) -> str:
        """Return the definitions that cards refer to."""
        return self.own.subcircuit()

    def cards(self, names: list[str], heads: list[str], tails: list[str], conductances: np.ndarray) -> str:
        """Return one X card per device in SPICE, with the state that reads as its conductance."""
        self.own.spice()
        return state_cards(names, heads, tails, self.table.state(conductances))

    def module_cards(self, names: list[str], heads: list[str], tails: list[str], conductances: np.ndarray) -> str:
        """Return the lines of devices in VACASK's language, with the state that reads as their conductance."""
        return self.own.module().cards(names, heads, tails, self.table.state(conductances))
