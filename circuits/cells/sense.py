"""The sense amplifier: turns the currents of a neuron's two bit lines into the voltage W rho."""

from __future__ import annotations

from circuits.cells.neuron import told
from circuits.cells.opamp import offset
from circuits.cells.units import drive


def sense(amplifier: str, own: tuple[str, ...] = ()) -> str:
    """Return the subcircuit `sense qp qn m`: v(m) = (I(qp) - I(qn)) / (siemens_per_weight v_read).

    With `opamp` times `v_drive`; times the gain of the line, `scale`, where that is its `own`
    (`crossbar.devices.line_gains`).

    The bit lines end at virtual grounds: ideal ones, or (`opamp`) transimpedance amplifiers of finite open-loop gain
    A, whose inputs sit at I R_f / A instead of 0 V. The relative error is about (1 + S R_f) / A with S the sum of the
    conductances on the bit line.
    """
    scale = "scale*" if "scale" in own else ""
    if amplifier == "opamp":
        sensed = f"{scale}(v(on)-v(op))/(r_feedback*siemens_per_weight*v_read)"
        body = f"""\
Xplus 0 qp op opamp{offset("off_p", own)}
Rplus qp op {{r_feedback}}
Xminus 0 qn on opamp{offset("off_n", own)}
Rminus qn on {{r_feedback}}
Bsum m 0 V={drive(amplifier, sensed)}
"""
    else:
        body = f"Vplus qp 0 0\nVminus qn 0 0\nBsum m 0 V={scale}(i(Vplus)-i(Vminus))/(siemens_per_weight*v_read)\n"
    return f".subckt sense qp qn m{told(own)}\n{body}.ends sense\n"
