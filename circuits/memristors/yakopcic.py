"""The Yakopcic memristor: hyperbolic current, exponential motion above thresholds, motion that dies at the bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from circuits.memristors.linear import state_cards
from crossbar.errors import InvalidValue


@dataclass(frozen=True, kw_only=True, slots=True)
class Yakopcic:
    """The generalized model with state x in [0, 1].

        I = a x sinh(b V)
        dx/dt = eta g(V) f(V, x)
        g(V) = A_p (exp(V) - exp(V_p))      V > V_p
        g(V) = -A_n (exp(-V) - exp(V_n))    V < -V_n
        f = exp(-alpha_p (x - x_p)) (1 - x) / (1 - x_p)      eta V > 0 and x >= x_p, else 1
        f = exp(alpha_n (x + x_n - 1)) x / (1 - x_n)         eta V < 0 and x <= 1 - x_n, else 1

    Model: Yakopcic et al., IEEE TCAD 32(8), 2013, doi 10.1109/TCAD.2013.2252057; its text could not be had. Read
    instead, and agreeing with the equations above: Xyce's N_DEV_MemristorYakopcic.C (its comments number them as the
    paper's equations 1 and 3 to 6), and the model's SPICE listing with `wp`, `wn`, `G`, `F` and `IVRel` in two
    repositories. The numbers are the fit to the Ag chalcogenide device of Oblea et al. driven by a sine, as
    github.com/thomastiotto/Memristor-Models has it (`oblea_sine`: a 0.17, b 0.05, A 4000, V_p 0.16, V_n 0.15, x_p 0.3,
    x_n 0.5, eta 1; alpha_p 1 and alpha_n 5 stand in its `oblea_pulsed`, which differs in a only), and Xyce's regression
    tests. A listing with V_p 0.65 and V_n 0.56 exists too, without its source.

    We depart in `a`, set so that x = 1 conducts g_max of the chip, and in a stiff clamp of x within its bounds.
    """

    g_min: float = 1e-6
    g_max: float = 1e-4
    b: float = 0.05
    v_p: float = 0.16
    v_n: float = 0.15
    a_p: float = 4000.0
    a_n: float = 4000.0
    x_p: float = 0.3
    x_n: float = 0.5
    alpha_p: float = 1.0
    alpha_n: float = 5.0
    read_voltage: ClassVar[float] = 0.1

    def __post_init__(self) -> None:
        if not (0 < self.g_min < self.g_max and self.b > 0 and self.v_p > 0 and self.v_n > 0):
            raise InvalidValue("Yakopcic's model needs 0 < g_min < g_max and positive b, v_p and v_n")

    @property
    def amplitude(self) -> float:
        """The factor a in ampere, from g_max = a b."""
        return self.g_max / self.b

    def subcircuit(self) -> str:
        """Return `memristor p q x0=`, its state as the voltage of the internal node x."""
        up = f"(exp(-{self.alpha_p!r}*(v(w)-{self.x_p!r}))*(1-v(w))/{1 - self.x_p!r})"
        down = f"(exp({self.alpha_n!r}*(v(w)+{self.x_n!r}-1))*v(w)/{1 - self.x_n!r})"
        return f"""\
.subckt memristor p q x0=0.5
.param c_x=1e-12
Cx x 0 {{c_x}} ic={{x0}}
Bclip w 0 V=min(max(v(x),0),1)
Bdevice p q I={self.amplitude!r}*v(w)*sinh({self.b!r}*v(p,q))
Bup 0 x I=v(p,q)>{self.v_p!r} ? c_x*{self.a_p!r}*(exp(v(p,q))-exp({self.v_p!r}))*(v(w)<{self.x_p!r} ? 1 : {up}) : 0
Bdown x 0 I=v(p,q)<{-self.v_n!r} ? c_x*{self.a_n!r}*(exp(-v(p,q))-exp({self.v_n!r}))\
*(v(w)>{1 - self.x_n!r} ? 1 : {down}) : 0
Bclamp 0 x I=c_x*1e9*(v(w)-v(x))
.ends memristor
"""

    def state(self, conductance: np.ndarray) -> np.ndarray:
        """Return x of devices whose small-signal conductance is `conductance` siemens."""
        return np.clip(np.asarray(conductance) / self.g_max, 0.0, 1.0)

    def cards(self, names: list[str], heads: list[str], tails: list[str], conductances: np.ndarray) -> str:
        """Return one X card per device with the state that reads as its conductance."""
        return state_cards(names, heads, tails, self.state(conductances))

    def current(self, voltage: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return the current in ampere at `voltage` and state `x`."""
        return self.amplitude * np.clip(x, 0, 1) * np.sinh(self.b * voltage)

    def rate(self, voltage: float, x: float) -> float:
        """Return dx/dt in 1/s."""
        if voltage > self.v_p:
            slow = np.exp(-self.alpha_p * (x - self.x_p)) * (1 - x) / (1 - self.x_p)
            return float(self.a_p * (np.exp(voltage) - np.exp(self.v_p)) * (slow if x >= self.x_p else 1.0))
        if voltage < -self.v_n:
            slow = np.exp(self.alpha_n * (x + self.x_n - 1)) * x / (1 - self.x_n)
            return float(-self.a_n * (np.exp(-voltage) - np.exp(self.v_n)) * (slow if x <= 1 - self.x_n else 1.0))
        return 0.0
