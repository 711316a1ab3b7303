"""The driver: holds a neuron's word line at v_read rho(s), and in a shared array senses the current it delivers."""

from __future__ import annotations

from circuits.cells.neuron import RHO

SIGNAL = "Brho r 0 V=v_read*" + RHO.format(node="s")


def driver(amplifier: str) -> str:
    """Return the subcircuit `driver s p`: an ideal source, or an op-amp follower of finite gain."""
    if amplifier == "opamp":
        body = f"{SIGNAL}\nEfollow p 0 r p {{open_loop_gain}}\n"
    else:
        body = SIGNAL.replace(" r ", " p ") + "\n"
    return f".subckt driver s p\n{body}.ends driver\n"


def shared_driver(amplifier: str) -> str:
    """Return `driver s p n m`: both polarities of a neuron of a shared array, which drive and sense at once.

    One device serves W_ij and W_ji: G+ lies between the rails p_i and p_j, G- between p_i and n_j, with p at
    v_read rho and n at -v_read rho. The currents out of the two drivers then give

        s_row v_i - I(p_i) + I(n_i) = v_read sum_j (G+_ij - G-_ij) rho_j,

    where s_row, the sum of all G+ and G- of neuron i, would be a replica row in hardware. Two large currents are
    subtracted: their difference inherits the precision of the replica.
    """
    if amplifier == "opamp":
        rails = "Ep op 0 r p {open_loop_gain}\nVp op p 0\nEn on 0 rn n {open_loop_gain}\nVn on n 0\n"
    else:
        rails = "Vp r p 0\nVn rn n 0\n"
    return f"""\
.subckt driver s p n m s_row=0
{SIGNAL}
Binvert rn 0 V=-v(r)
{rails}Bsum m 0 V=(s_row*v(r)-i(Vp)+i(Vn))/(siemens_per_weight*v_read)
.ends driver
"""


def shared_rail() -> str:
    """Return `rail p n m`: the shared driver with its voltage fixed, for the fixed-rail check."""
    return """\
.subckt rail p n m v=0 s_row=0
Vp p 0 {v}
Bneg rn 0 V=-v
Vn rn n 0
Bsum m 0 V=(s_row*v+i(Vp)+i(Vn))/(siemens_per_weight*v_read)
.ends rail
"""
