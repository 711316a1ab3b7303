"""The VTEAM memristor: voltage thresholds, a power law between them and the bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from circuits.memristors.linear import state_cards
from crossbar.errors import InvalidValue

WINDOWS = {"rectangular": ("1", "1"), "linear": ("(1-v(w))", "v(w)")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Vteam:
    """VTEAM with linear resistance between its bounds.

    With w in [0, 1] the state over its length (0 is on, 1 is off):

        R(w) = r_on + (r_off - r_on) w,  r_on = 1 / g_max,  r_off = 1 / g_min
        dw/dt = (k_off / length) (V / v_off - 1)^alpha_off f_off(w)    V > v_off > 0
        dw/dt = (k_on / length) (V / v_on - 1)^alpha_on f_on(w)        V < v_on < 0
        dw/dt = 0                                                      between

    Reads below `v_off` leave the state exactly as it is, and are exactly linear.

    Model: Kvatinsky et al., IEEE TCAS-II 62(8), 2015, doi 10.1109/TCSII.2015.2433536; of it only the abstract could be
    had. Read instead, and agreeing with the equations above (rates, thresholds, linear resistance, stop at the bounds):
    MemTorch's `VTEAM` class, and the VTEAM branch of the authors' own Verilog-A (Technion, December 2015) in a copy
    that somebody trimmed (github.com/ngxx-fus/memristor, old_memristor_model.va). Both have k_on -10, k_off 5e-4 (m/s),
    alpha_on 3, alpha_off 1, v_off 0.02, length 3e-9; v_on is -0.2 in MemTorch, as here, and -0.3 in the copy, whose
    resistances were changed too. The authors' manual (Technion, November 2014) suggests length 3e-9 for VTEAM, with 50
    ohm and 1 kohm; of its table, no rates could be read. So these numbers are the authors' example, no fitted device.

    We depart in the resistances, which are those of the chip, and in a stiff clamp that keeps w within its bounds: a
    hard window alone overshoots them in SPICE. `window` "linear" (f_off = 1 - w, f_on = w) makes pulses follow soft
    bounds; "rectangular" is the codes' "no window".
    """

    g_min: float = 1e-6
    g_max: float = 1e-4
    length: float = 3e-9
    k_off: float = 5e-4
    k_on: float = -10.0
    alpha_off: float = 1.0
    alpha_on: float = 3.0
    v_off: float = 0.02
    v_on: float = -0.2
    window: str = "rectangular"
    read_voltage: ClassVar[float] = 0.01

    def __post_init__(self) -> None:
        if self.window not in WINDOWS:
            raise InvalidValue(f"`window` must be one of {', '.join(WINDOWS)}, but got {self.window!r}")
        if not (self.v_on < 0 < self.v_off and self.k_on < 0 < self.k_off and 0 < self.g_min < self.g_max):
            raise InvalidValue("VTEAM needs v_on < 0 < v_off, k_on < 0 < k_off and 0 < g_min < g_max")

    def subcircuit(self) -> str:
        """Return `memristor p q x0=`, its state w as the voltage of the internal node x."""
        f_off, f_on = WINDOWS[self.window]
        r_on, span = 1 / self.g_max, 1 / self.g_min - 1 / self.g_max
        return f"""\
.subckt memristor p q x0=0.5
.param c_w=1e-12
Cx x 0 {{c_w}} ic={{x0}}
Bclip w 0 V=min(max(v(x),0),1)
Bdevice p q I=v(p,q)/({r_on!r}+{span!r}*v(w))
Boff 0 x I=v(p,q)>{self.v_off!r} ? c_w*{self.k_off / self.length!r}*\
pow(v(p,q)/{self.v_off!r}-1,{self.alpha_off!r})*{f_off} : 0
Bon 0 x I=v(p,q)<{self.v_on!r} ? c_w*({self.k_on / self.length!r})*\
pow(v(p,q)/({self.v_on!r})-1,{self.alpha_on!r})*{f_on} : 0
Bclamp 0 x I=c_w*1e12*(v(w)-v(x))
.ends memristor
"""

    def state(self, conductance: np.ndarray) -> np.ndarray:
        """Return w of devices that read as `conductance` siemens."""
        inside = np.clip(conductance, self.g_min, self.g_max)
        return np.clip((1 / inside - 1 / self.g_max) / (1 / self.g_min - 1 / self.g_max), 0.0, 1.0)

    def cards(self, names: list[str], heads: list[str], tails: list[str], conductances: np.ndarray) -> str:
        """Return one X card per device with the state that reads as its conductance."""
        return state_cards(names, heads, tails, self.state(conductances))

    def current(self, voltage: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Return the current in ampere at `voltage` and state `w`."""
        return voltage / (1 / self.g_max + (1 / self.g_min - 1 / self.g_max) * np.clip(w, 0, 1))

    def rate(self, voltage: float, w: float) -> float:
        """Return dw/dt in 1/s."""
        linear = self.window == "linear"
        if voltage > self.v_off:
            slope = self.k_off / self.length * (voltage / self.v_off - 1) ** self.alpha_off
            return slope * ((1 - w) if linear else float(w < 1))
        if voltage < self.v_on:
            slope = self.k_on / self.length * (voltage / self.v_on - 1) ** self.alpha_on
            return slope * (w if linear else float(w > 0))
        return 0.0
