"""The driver: holds a neuron's word line at v_read rho(s), and in a shared array senses the current it delivers.

A linear neuron has a follower in its place, at v_read s: its line goes as far below zero as above, and beyond v_read.
Resistors take that, and give the right current. The follower needs two supplies and their swing, v_read max |s| with
the headroom of its output stage; a memristor with thresholds must stay below them at that voltage.
"""

from __future__ import annotations

from circuits.cells.neuron import level, rho, told
from circuits.cells.opamp import offset
from circuits.cells.units import drive


def _signal(own: tuple[str, ...], amplifier: str) -> str:
    return f"Brho r 0 V=v_read*{_scale(own)}{rho(own, amplifier)}"


def _copy(own: tuple[str, ...], amplifier: str) -> str:
    gain = "gain*" if "gain" in own else ""
    return f"Bstate r 0 V=v_read*{_scale(own)}{gain}{level(own, amplifier)}"


def _scale(own: tuple[str, ...]) -> str:
    """Return the factor of a line with a gain of its own (`crossbar.devices.line_gains`)."""
    return "scale*" if "scale" in own else ""


def driver(amplifier: str, own: tuple[str, ...] = ()) -> str:
    """Return the subcircuit `driver s p`: an ideal source, or an op-amp follower of finite gain.

    It has the gain and the offset of its `own` that the card tells, see `circuits.cells.neuron`.
    """
    return _line("driver", _signal(own, amplifier), amplifier, own)


def follower(amplifier: str, own: tuple[str, ...] = ()) -> str:
    """Return the subcircuit `follower s p`, the line of a linear neuron, at v_read s; v_read a (s - o) of its `own`."""
    return _line("follower", _copy(own, amplifier), amplifier, own)


def _line(name: str, signal: str, amplifier: str, own: tuple[str, ...]) -> str:
    ideal = signal.replace(" r ", " p ") + "\n"
    body = f"{signal}\nXfollow r p p opamp{offset('off', own)}\n" if amplifier == "opamp" else ideal
    return f".subckt {name} s p{told(own)}\n{body}.ends {name}\n"


def shared_driver(amplifier: str, own: tuple[str, ...] = ()) -> str:
    """Return `driver s p n m`: both polarities of a neuron of a shared array, which drive and sense at once.

    One device serves W_ij and W_ji: G+ lies between the rails p_i and p_j, G- between p_i and n_j, with p at
    v_read rho and n at -v_read rho. The currents out of the two drivers then give

        s_row v_i - I(p_i) + I(n_i) = v_read sum_j (G+_ij - G-_ij) rho_j,

    where s_row is the sum of all G+ and G- of neuron i. Between amplifiers it is a replica's current: a device of the
    mean conductance, driven by an amplifier of its own and mirrored up `n_row` times; behavioural drivers know it. Two
    large currents are subtracted: their difference inherits the precision of the replica.
    """
    return _rails("driver", _signal(own, amplifier), amplifier, own)


def shared_follower(amplifier: str, own: tuple[str, ...] = ()) -> str:
    """Return `follower s p n m`: `shared_driver` of a linear neuron, p at v_read s and n at -v_read s."""
    return _rails("follower", _copy(own, amplifier), amplifier, own)


REPLICA = "Vs ot t 0\nBreplica t 0 I=v(t)*s_row/n_row\n"
"""A device of the mean conductance of the line's `n_row`, driven as the line is; its current is mirrored up."""


def _rails(name: str, signal: str, amplifier: str, own: tuple[str, ...]) -> str:
    if amplifier == "opamp":
        plus, minus, third = (offset(name, own) for name in ("off_p", "off_n", "off_t"))
        rails = f"Xp r p op opamp{plus}\nVp op p 0\nXn rn n on opamp{minus}\nVn on n 0\n"
        rails += f"Xs r t ot opamp{third}\n{REPLICA}"
        whole, numbers = "n_row*i(Vs)", "s_row=0 n_row=1"
    else:
        rails = "Vp r p 0\nVn rn n 0\n"
        whole, numbers = "s_row*v(r)", "s_row=0"
    sensed = f"{_scale(own)}({whole}-i(Vp)+i(Vn))/(siemens_per_weight*v_read)"
    return f"""\
.subckt {name} s p n m {numbers}{told(own)}
{signal}
Binvert rn 0 V=-v(r)
{rails}Bsum m 0 V={drive(amplifier, sensed)}
.ends {name}
"""


def shared_rail(own: tuple[str, ...] = (), amplifier: str = "behavioural") -> str:
    """Return `rail p n m`: the shared driver with its voltage fixed, for the fixed-rail check."""
    sensed = f"{_scale(own)}(s_row*v+i(Vp)+i(Vn))/(siemens_per_weight*v_read)"
    return f"""\
.subckt rail p n m v=0 s_row=0{told(own)}
Vp p 0 {{v}}
Bneg rn 0 V=-v
Vn rn n 0
Bsum m 0 V={drive(amplifier, sensed)}
.ends rail
"""
