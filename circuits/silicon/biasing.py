"""The bias network measured: its current by corner and temperature, and that it starts by itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from circuits.cells.sky130.bias import bias_network
from circuits.cells.sky130.process import SUPPLY
from circuits.silicon.bench import Conditions, Signals, head, simulate
from circuits.silicon.dynamics import settled_after
from circuits.silicon.spread import draw

RESISTOR = 6.4e6  # ohm, for 10 nA at 27 C
OUT = 0.9  # V at full supply
RAMP, SPAN, GATES = 1e-3, 20e-3, 1e-12  # s, s, F at each gate
WITHIN = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Bias:
    """What was measured of a bias network.

    Attributes
    ----------
    sunk, given : float
        Amperes of an n and of a p transistor at its gates.
    celsius : tuple of float
        Two temperatures, and
    at_celsius : tuple of float
        what is sunk at them.
    starts : float
        Seconds from the end of a supply's ramp of 1 ms to 2 % of its current.
    power : float
        Watts.
    spread : float
        Standard deviation of log current over networks with mismatch.
    nodes : tuple of float
        The lowest and highest voltage of any node while it starts.
    gate_area : float
        um2.
    transistors : int
    """

    sunk: float
    given: float
    celsius: tuple[float, float]
    at_celsius: tuple[float, float]
    starts: float
    power: float
    spread: float
    nodes: tuple[float, float]
    gate_area: float
    transistors: int

    def record(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return asdict(self)


def measure(conditions: Conditions, *, draws: int, seed: int) -> Bias:
    """Measure a bias network; errors as `circuits.silicon.bench.simulate`."""
    cell, cold, hot = bias_network(), 0.0, 70.0
    found = rest(conditions)
    cards = [_instance(f"n{k}", one) for k, one in enumerate(draw(cell, draws, np.random.default_rng(seed)))]
    unlike = _simulate(conditions, cell.uneven_text(), cards, ".op\n.save all", f"Vdd vdd 0 {SUPPLY}")
    ramp = f"Vdd vdd 0 pwl(0 0 {RAMP:g} {SUPPLY})"
    gates = f"{_instance('n')}\nCbias bias_n 0 {GATES:g}\nCpbias pbias_n vdd {GATES:g}"
    begun = _simulate(conditions, cell.text(), [gates], f".tran 1e-5 {SPAN:g} 0 1e-4 uic\n.save all", ramp)
    after = begun.time > RAMP
    output = begun["i(vsunk_n)"][after]
    return Bias(
        sunk=float(found["i(vsunk_n)"][-1]), given=-float(found["i(vgiven_n)"][-1]), celsius=(cold, hot),
        at_celsius=(_sunk(conditions, cold), _sunk(conditions, hot)),
        starts=settled_after(RAMP, begun.time[after], output, WITHIN * float(output[-1])),
        power=SUPPLY * float(found["i(vsupply_n)"][-1]),
        spread=float(np.std([np.log(unlike[f"i(vsunk_n{k})"][-1]) for k in range(draws)], ddof=1)),
        nodes=begun.swing, gate_area=cell.gate_area, transistors=len(cell.transistors),
    )  # fmt: skip


def rest(conditions: Conditions) -> Signals:
    """Return the signals of one network at rest; it is sought with its supply on."""
    return _simulate(conditions, bias_network().text(), [_instance("n")], ".op\n.save all", f"Vdd vdd 0 {SUPPLY}")


def _sunk(conditions: Conditions, celsius: float) -> float:
    return float(rest(replace(conditions, temperature=celsius))["i(vsunk_n)"][-1])


def _instance(name: str, errors: dict[str, float] | None = None) -> str:
    """Return a network, an n transistor at its one gate and a p transistor at its other, both ending at `OUT`."""
    told = "" if errors is None else "".join(f" e_{key}={value:.9g}" for key, value in errors.items())
    kinds = (("sunk", "nfet_01v8", "0", "bias"), ("given", "pfet_01v8", "vdd", "pbias"))
    outputs = [
        f"M{what}_{name} {what}_{name} {gate}_{name} {rail} {rail} sky130_fd_pr__{kind}__model w=2u l=16u\n"
        f"V{what}_{name} out {what}_{name} 0"
        for what, kind, rail, gate in kinds
    ]
    nodes = f"low_{name} bias_{name} pbias_{name} vdd_{name}"
    cards = [
        f"Vsupply_{name} vdd vdd_{name} 0", f"Rlow_{name} low_{name} 0 {RESISTOR:g}",
        f"X{name} {nodes} bias_network{told}", *outputs,
    ]  # fmt: skip
    return "\n".join(cards)


def _simulate(conditions: Conditions, text: str, cards: list[str], analysis: str, supply: str) -> Signals:
    out = f"Eout out 0 vdd 0 {OUT / SUPPLY:.9g}"
    kept = [*head(conditions, analysis)[:-1], supply, text, out, *cards, analysis, ".end"]
    return simulate("\n".join(kept) + "\n", conditions)
