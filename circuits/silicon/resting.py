"""A neuron of transistors beside eq. (2): where it rests under many pulls, and how it gets there.

Its two currents are ideal here, as conveyors would sink them; the leak is a resistor and the state a capacitor. The
other side is eq. (2) with the paper's gain 3, and nothing fitted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from circuits.cells.sky130.cell import Subcircuit, slope
from circuits.cells.sky130.neuron import neuron
from circuits.silicon.bench import Conditions, Signals, head, simulate
from circuits.silicon.neuron import GAIN
from circuits.silicon.spread import draw

LEAK, CAPACITANCE = 10e6, 10e-12  # ohm, F
COMMON = 50e-9  # A; of the two currents together at a pull of 0
PULLS = tuple(round(-45e-9 + 5e-9 * number, 12) for number in range(19))  # A; half of I_plus - I_minus
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
        Largest difference on the way, from 0 under the largest pull, by the clock of R C.
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
    found = _rest(cell, conditions, [None] * len(PULLS), PULLS)
    states = _states(found, conditions, len(PULLS))
    should = np.array([equilibrium(pull, conditions) for pull in PULLS])
    return Resting(
        largest=float(np.abs(should).max()), error=float(np.abs(states - should).max()),
        path_error=_path(cell, conditions), spread=_spread(cell, conditions, draws, seed), nodes=found.swing,
        transistors=len(cell.transistors), gate_area=cell.gate_area,
    )  # fmt: skip


def drift(state: float | np.ndarray, pull: float, conditions: Conditions) -> float | np.ndarray:
    """Return R C ds/dt of eq. (2) in units of the state, for half a difference of currents `pull` (A)."""
    return -state + 4 * LEAK * pull / conditions.scale * slope(GAIN * np.asarray(state))


def equilibrium(pull: float, conditions: Conditions) -> float:
    """Return where eq. (2) rests; it has one rest point, as rho' falls on both sides of 0."""
    bound = 1 + abs(LEAK * pull / conditions.scale)
    return float(brentq(drift, -bound, bound, args=(pull, conditions), xtol=1e-12))


def _rest(cell: Subcircuit, conditions: Conditions, errors: list, pulls: tuple[float, ...]) -> Signals:
    cards = [_instance(str(k), cell, one, pull) for k, (one, pull) in enumerate(zip(errors, pulls, strict=True))]
    text = cell.text() if errors[0] is None else cell.uneven_text()
    return simulate(_netlist(conditions, text, cards, ".op\n.save all"), conditions)


def _netlist(conditions: Conditions, text: str, cards: list[str], analysis: str) -> str:
    bias = [
        f"Vref ref 0 {conditions.middle:.9g}", f"Ipbias pbias 0 {conditions.current:.9g}",
        "Mpbias pbias pbias vdd vdd sky130_fd_pr__pfet_01v8__model w=2u l=16u",
    ]  # fmt: skip
    return "\n".join([*head(conditions, analysis), text, *bias, *cards, analysis, ".end"]) + "\n"


def _instance(name: str, cell: Subcircuit, errors: dict[str, float] | None, pull: float) -> str:
    told = "" if errors is None else "".join(f" e_{key}={value:.9g}" for key, value in errors.items())
    return (
        f"X{name} s{name} ref plus{name} minus{name} pbias vdd {cell.subcircuit}{told}\n"
        f"Rleak{name} s{name} ref {LEAK:g}\nCstate{name} s{name} 0 {CAPACITANCE:g}\n"
        f"Iplus{name} plus{name} 0 {COMMON + pull:.9g}\nIminus{name} minus{name} 0 {COMMON - pull:.9g}"
    )


def _states(found: Signals, conditions: Conditions, count: int) -> np.ndarray:
    return np.array([(found[f"v(s{k})"][-1] - conditions.middle) / conditions.scale for k in range(count)])


def _path(cell: Subcircuit, conditions: Conditions) -> float:
    """Return the largest difference on the way from a pull of 0 to the largest."""
    clock, pull = LEAK * CAPACITANCE, max(PULLS)
    begin = 0.5 * clock
    steps = f"{COMMON:.9g} {COMMON + pull:.9g} {begin:.6g} 1e-9 1e-9 1 2"
    falls = f"{COMMON:.9g} {COMMON - pull:.9g} {begin:.6g} 1e-9 1e-9 1 2"
    kept = _instance("0", cell, None, pull).splitlines()[:3]
    card = "\n".join([*kept, f"Iplus0 plus0 0 pulse({steps})", f"Iminus0 minus0 0 pulse({falls})"])
    analysis = f".tran {SPAN * clock / STEPS:.6g} {SPAN * clock:.6g} 0 {SPAN * clock / STEPS:.6g}\n.save all"
    found = simulate(_netlist(conditions, cell.text(), [card], analysis), conditions)
    state, time = (found["v(s0)"] - conditions.middle) / conditions.scale, found.time
    after = time > begin
    span = (begin / clock, time[-1] / clock)
    ours = solve_ivp(
        lambda _, s: drift(s, pull, conditions), span, [0.0], t_eval=time[after] / clock, rtol=1e-9, atol=1e-12
    )
    return float(np.abs(state[after] - ours.y[0]).max())


def _spread(cell: Subcircuit, conditions: Conditions, draws: int, seed: int) -> float:
    errors = draw(cell, draws, np.random.default_rng(seed))
    pulls = (min(PULLS), 0.0, max(PULLS))
    chunks = [errors[first : first + AT_ONCE] for first in range(0, draws, AT_ONCE)]
    rests = [
        [_states(_rest(cell, conditions, one, (pull,) * len(one)), conditions, len(one)) for one in chunks]
        for pull in pulls
    ]
    return float(max(np.std(np.concatenate(one), ddof=1) for one in rests))
