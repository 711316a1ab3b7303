"""A neuron of transistors beside eq. (2): where it rests under many pulls, and how it gets there.

Its bit line has two resistors, G+ and G-, from two word lines that followers hold at their ends, so that conveyor, core
and the current common to G+ and G- are in it. The other side is eq. (2) with the paper's gain 3, and nothing fitted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from circuits.cells.sky130.cell import Subcircuit, slope
from circuits.cells.sky130.follower import follower
from circuits.cells.sky130.neuron import neuron
from circuits.silicon.bench import HOLD, Conditions, Signals, head, simulate
from circuits.silicon.level import Level, mounted, rails, state
from circuits.silicon.neuron import GAIN
from circuits.silicon.spread import draw

LEVEL = Level()
COMMON = 50e-9  # A; through each of G+ and G- at a pull of 0
PULLS = tuple(round(-45e-9 + 5e-9 * number, 12) for number in range(19))  # A; of the bit line
AT_ONCE = 25  # neurons of one simulation
SPAN, STEPS = 8.0, 800  # time constants


@dataclass(frozen=True, kw_only=True, slots=True)
class Resting:
    """What was measured of a neuron; states in units.

    Attributes
    ----------
    largest : float
        The largest state that eq. (2) rests at under these pulls.
    error : float
        Largest difference to eq. (2) at rest.
    path_error : float
        Largest difference on the way, from no pull to the largest, by the clock of R C.
    spread : float
        Standard deviation of the state at rest over neurons with mismatch, at the pull where it is largest.
    nodes : tuple of float
        The lowest and highest voltage of any node.
    transistors : int
    gate_area : float
        um2.
    """

    largest: float
    error: float
    path_error: float
    spread: float
    nodes: tuple[float, float]
    transistors: int
    gate_area: float

    def record(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return asdict(self)


def measure(conditions: Conditions, *, draws: int, seed: int) -> Resting:
    """Measure a neuron at rest under all `PULLS`, and on its way under the largest.

    Raises
    ------
    MissingFile, EngineError, InvalidValue
        As in `circuits.silicon.bench.simulate`.
    """
    cell = neuron()
    found = rest(cell, conditions, [None] * len(PULLS), PULLS)
    should = np.array([equilibrium(pull, conditions) for pull in PULLS])
    return Resting(
        largest=float(np.abs(should).max()), error=float(np.abs(states(found, conditions, len(PULLS)) - should).max()),
        path_error=_path(cell, conditions), spread=_spread(cell, conditions, draws, seed),
        nodes=found.swing, transistors=len(cell.transistors), gate_area=cell.gate_area,
    )  # fmt: skip


def drift(state: float | np.ndarray, pull: float, conditions: Conditions) -> float | np.ndarray:
    """Return R C ds/dt of eq. (2) in units of the state, for a current `pull` (A) of the bit line."""
    return -state + 2 * LEVEL.leak * pull / conditions.scale * slope(GAIN * np.asarray(state))


def equilibrium(pull: float, conditions: Conditions) -> float:
    """Return where eq. (2) rests; it has one rest point, as rho' falls on both sides of 0."""
    bound = 1 + abs(LEVEL.leak * pull / conditions.scale)
    return float(brentq(drift, -bound, bound, args=(pull, conditions), xtol=1e-12))


def rest(cell: Subcircuit, conditions: Conditions, errors: list, pulls: tuple[float, ...]) -> Signals:
    """Return all signals of neurons at rest, the k-th with `errors[k]` (volts by transistor, or None), `pulls[k]`."""
    cards = [_instance(str(k), conditions, *both) for k, both in enumerate(zip(errors, pulls, strict=True))]
    text = cell.text() if errors[0] is None else cell.uneven_text()
    return simulate(_netlist(conditions, text, cards, ".op\n.save all"), conditions)


def states(found: Signals, conditions: Conditions, count: int) -> np.ndarray:
    """Return the states (count,) in units at the end of `found`."""
    return np.array([(found[f"v(s_{k})"][-1] - conditions.middle) / conditions.scale for k in range(count)])


def _netlist(conditions: Conditions, text: str, cards: list[str], analysis: str) -> str:
    ends = [f"Vup up 0 {HOLD + LEVEL.read:.9g}", f"Vdown down 0 {HOLD - LEVEL.read:.9g}"]
    kept = [*head(conditions, analysis), text, follower().text(), *rails(conditions), *ends, *cards, analysis, ".end"]
    return "\n".join(kept) + "\n"


def _instance(name: str, conditions: Conditions, errors: dict[str, float] | None, pull: float) -> str:
    """Return a neuron and its line; G+ and G- differ by what makes the current `pull`."""
    plus, minus = ((COMMON + sign * pull / 2) / LEVEL.read for sign in (1, -1))
    lines = [
        f"Xup_{name} up word_{name} bias pbias vdd follower", f"Rplus_{name} word_{name} line_{name} {1 / plus:.9g}",
        f"Xdown_{name} down sink_{name} bias pbias vdd follower",
        f"Rminus_{name} sink_{name} line_{name} {1 / minus:.9g}",
    ]  # fmt: skip
    return "\n".join([*mounted(name, conditions, LEVEL, errors), *state(name, LEVEL), *lines])


def _path(cell: Subcircuit, conditions: Conditions) -> float:
    """Return the largest difference on the way from no pull to the largest."""
    clock, pull = LEVEL.time_constant, max(PULLS)
    begin = 0.5 * clock
    card = f"{_instance('0', conditions, None, 0.0)}\nIpull vdd line_0 pulse(0 {pull:.9g} {begin:.6g} 1e-6 1e-6 1 2)"
    analysis = f".tran {SPAN * clock / STEPS:.6g} {SPAN * clock:.6g} 0 {SPAN * clock / STEPS:.6g}\n.save all"
    found = simulate(_netlist(conditions, cell.text(), [card], analysis), conditions)
    reached, time = (found["v(s_0)"] - conditions.middle) / conditions.scale, found.time
    after = time > begin
    span, first = (begin / clock, time[-1] / clock), float(reached[~after][-1])
    ours = solve_ivp(
        lambda _, s: drift(s, pull, conditions), span, [first], t_eval=time[after] / clock, rtol=1e-9, atol=1e-12
    )
    return float(np.abs(reached[after] - ours.y[0]).max())


def _spread(cell: Subcircuit, conditions: Conditions, draws: int, seed: int) -> float:
    errors = draw(cell, draws, np.random.default_rng(seed))
    chunks = [errors[first : first + AT_ONCE] for first in range(0, draws, AT_ONCE)]
    rests = [
        [states(rest(cell, conditions, one, (pull,) * len(one)), conditions, len(one)) for one in chunks]
        for pull in (min(PULLS), 0.0, max(PULLS))
    ]
    return float(max(np.std(np.concatenate(one), ddof=1) for one in rests))
