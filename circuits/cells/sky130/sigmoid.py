"""rho: a differential pair below threshold splits its tail current by a logistic, as exactly as exp is exp.

    I_out = I rho(k (v_s - v_ref)),   k = 1 / (n U_T), 28.4 per volt at 27 C (n = 1.36)

So one pair is rho, and its scale a ratio of voltages: rho(s) = 1 / (1 + exp(-3 s)) asks for 3 / k volts per unit of the
state. At 0.107 V the gains of this cell and of those of rho' lie 1 % below and above 3. States of -3 to 3 (what latents
use) are then 0.64 V of the supply of 1.8 V, from 0.48 to 1.12 V.

Sizes. A gate of 10 um over 1 um stays below threshold up to a tenth of 2 n mu C U_T^2 W / L = 5 uA. The tail, 10 nA by
default, is the level that rho' shares with the bit lines' scaled currents (`circuits.cells.sky130.slope`): a memristor
of 10 nS read at 0.1 V carries 1 nA, one of 1 uS 0.1 uA. The tail's mirror, 2 um over 16 um, is long: the pair's common
node moves by a quarter of a volt over the range, and its current must not.
"""

from __future__ import annotations

from circuits.cells.sky130.cell import Cell, rho
from circuits.cells.sky130.transistor import Transistor


def tail() -> Transistor:
    """Return the mirror that sinks the tail current."""
    return Transistor(
        name="tail", kind="nfet_01v8", drain="t", gate="bias", source="0", bulk="0", width=2, length=16
    )


def pair(name: str, gates: tuple[str, str], drains: tuple[str, str], source: str, width: float, length: float) -> tuple:
    """Return the two transistors of a differential pair, `name`1 and `name`2."""
    return tuple(
        Transistor(
            name=f"{name}{number}", kind="nfet_01v8", drain=drain, gate=gate, source=source, bulk="0", width=width,
            length=length,
        )
        for number, gate, drain in zip((1, 2), gates, drains, strict=True)
    )  # fmt: skip


def sigmoid(width: float = 10.0, length: float = 1.0) -> Cell:
    """Return the pair with its tail; `width` and `length` of the pair in micrometres."""
    both = pair("low", ("s", "ref"), ("out", "rest"), "t", width, length)
    return Cell(name="sigmoid", transistors=(tail(), *both), law=rho, share=1.0, peak=1.0)
