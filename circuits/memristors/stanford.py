"""The Stanford-PKU memristor: a tunnelling gap that field and heat open and close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from circuits.memristors.linear import state_cards
from crossbar.errors import InvalidValue

ELECTRON_CHARGE = 1.602176634e-19  # C
BOLTZMANN = 1.380649e-23  # J / K


@dataclass(frozen=True, kw_only=True, slots=True)
class StanfordPku:
    """The compact model with state gap (in nm), without its random walk.

        I = i_0 exp(-gap / g_0) sinh(V / v_0)
        T = t_ambient + |V I| r_thermal
        gamma = gamma_0 - beta (gap / 1 nm)^3, and 0 where gamma |V| / t_ox < f_min
        dgap/dt = -velocity exp(-E_a q / (k T)) sinh(gamma a_0 q V / (t_ox k T))

    Model: Jiang et al., IEEE TED 63(5), 2016, doi 10.1109/TED.2016.2545412; its text could not be had. Read instead:
    the Verilog-A module `rram_v_1_0_0` of the Stanford-PKU release, in a copy with two lines marked as added (they set
    gamma_0 to 16 for negative voltages, which it is already), and MemTorch's `Stanford_PKU` class. Both have the
    equations above and every number below, with the charge rounded to 1.6e-19 C.

    We depart in the bounds of the gap, which are those of the chip's conductances at the read voltage (1 to 100 uS at
    0.02 V: 2.07 to 0.92 nm), where the release has 0.2 to 1.7 nm: below 4.5 uS we go beyond the range it was made for.
    Further in the clamp of the gap within them, and in leaving out the random term (model_switch 0, the default).
    """

    g_min: float = 1e-6
    g_max: float = 1e-4
    g_0: float = 0.25
    v_0: float = 0.25
    i_0: float = 1e-3
    t_ambient: float = 298.0
    r_thermal: float = 2.1e3
    gamma_0: float = 16.0
    beta: float = 0.8
    t_ox: float = 12e-9
    f_min: float = 1.4e9
    velocity: float = 10.0
    activation_energy: float = 0.6
    a_0: float = 0.25e-9
    read_voltage: ClassVar[float] = 0.02

    def __post_init__(self) -> None:
        if not 0 < self.g_min < self.g_max < self.i_0 / self.v_0:
            raise InvalidValue(f"Stanford-PKU needs 0 < g_min < g_max < {self.i_0 / self.v_0} S (a closed gap)")
        widest = (self.gamma_0 / self.beta) ** (1 / 3)
        if not self.bounds[1] < widest:
            raise InvalidValue(
                f"Stanford-PKU's field vanishes at a gap of {widest:.2f} nm, but `g_min` of {self.g_min:g} S asks for "
                f"{self.bounds[1]:.2f} nm; raise `g_min`"
            )

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest gap in nm, those of g_max and g_min."""
        largest, smallest = (float(self._gap(np.asarray(g))) for g in (self.g_min, self.g_max))
        return smallest, largest

    def _gap(self, conductance: np.ndarray) -> np.ndarray:
        at_read = self.i_0 * np.sinh(self.read_voltage / self.v_0) / self.read_voltage
        return self.g_0 * np.log(at_read / conductance)

    def subcircuit(self) -> str:
        """Return `memristor p q x0=`, its gap in nm as the voltage of the internal node x."""
        low, high = self.bounds
        charge_over_k = ELECTRON_CHARGE / BOLTZMANN
        gamma = f"({self.gamma_0!r}-{self.beta!r}*v(w)*v(w)*v(w))"
        current = f"{self.i_0!r}*exp(-v(w)/{self.g_0!r})*sinh(v(p,q)/{self.v_0!r})"
        field = self.a_0 / self.t_ox * charge_over_k
        return f"""\
.subckt memristor p q x0={low!r}
.param c_x=1e-12
Cx x 0 {{c_x}} ic={{x0}}
Bclip w 0 V=min(max(v(x),{low!r}),{high!r})
Bdevice p q I={current}
Btemperature t 0 V={self.t_ambient!r}+{self.r_thermal!r}*abs(v(p,q)*{current})
Bgap 0 x I={gamma}*abs(v(p,q))<{self.f_min * self.t_ox!r} ? 0 : \
-c_x*{self.velocity * 1e9!r}*exp(-{self.activation_energy * charge_over_k!r}/v(t))*sinh({gamma}*{field!r}*v(p,q)/v(t))
Bclamp 0 x I=c_x*1e12*(v(w)-v(x))
.ends memristor
"""

    def state(self, conductance: np.ndarray) -> np.ndarray:
        """Return the gap in nm of devices that read as `conductance` siemens at the read voltage."""
        return np.clip(self._gap(np.asarray(conductance)), *self.bounds)

    def cards(self, names: list[str], heads: list[str], tails: list[str], conductances: np.ndarray) -> str:
        """Return one X card per device with the gap that reads as its conductance."""
        return state_cards(names, heads, tails, self.state(conductances))

    def current(self, voltage: np.ndarray | float, gap: np.ndarray | float) -> np.ndarray:
        """Return the current in ampere at `voltage` and `gap` in nm."""
        return np.asarray(self.i_0 * np.exp(-np.asarray(gap) / self.g_0) * np.sinh(np.asarray(voltage) / self.v_0))

    def rate(self, voltage: float, gap: float) -> float:
        """Return dgap/dt in nm/s."""
        gamma = self.gamma_0 - self.beta * gap**3
        if gamma * abs(voltage) < self.f_min * self.t_ox:
            return 0.0
        heat = ELECTRON_CHARGE / (
            BOLTZMANN * (self.t_ambient + abs(voltage * float(self.current(voltage, gap))) * self.r_thermal)
        )
        drift = np.sinh(gamma * self.a_0 / self.t_ox * voltage * heat)
        return float(-self.velocity * 1e9 * np.exp(-self.activation_energy * heat) * drift)
