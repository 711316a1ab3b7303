"""Drawings of the cells: `python docs/build/schematics.py docs/pictures`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import schemdraw
import schemdraw.elements as elm
from schemdraw import flow
from schemdraw.elements import Element

FONT = 11


def _label(text: str) -> Element:
    return elm.Label().label(text)


def neuron(drawing: schemdraw.Drawing) -> None:
    """Draw the leaky capacitor whose input is gated by rho'."""
    drawing += elm.Dot(open=True).label("m\n(volts: Wρ)", loc="left")
    drawing += elm.Line().right(1)
    box = flow.Box(w=3.2, h=1.4).anchor("W").label("×  ρ′(s) / R")
    drawing += box
    drawing += elm.Line().right(1).at(box.E).label("I", loc="top")
    node = elm.Dot().label("s", loc="top")
    drawing += node
    drawing.push()
    drawing += elm.Resistor().down(2.4).label("R  (r_leak)")
    drawing += elm.Ground()
    drawing.pop()
    drawing += elm.Line().right(2.2)
    drawing += elm.Dot()
    drawing.push()
    drawing += elm.Capacitor().down(2.4).label("C  (c_state)")
    drawing += elm.Ground()
    drawing.pop()
    drawing += elm.Line().right(1.6)
    drawing += elm.Dot(open=True).label("state of the neuron", loc="right")
    drawing += elm.Line().up(1.4).at(node.center)
    drawing += elm.Line().left(2.4)
    drawing += elm.Arrow().down(0.7)


def pair(drawing: schemdraw.Drawing) -> None:
    """Draw a differential pair between a word line and the two bit lines of a neuron, and their sensing."""
    drawing += elm.Dot(open=True).label("p_j = v_read ρ(s_j)", loc="left")
    drawing += elm.Line().right(1.2)
    first = elm.Dot()
    drawing += first
    drawing += elm.Line().right(3.4)
    second = elm.Dot()
    drawing += second
    drawing += elm.Line().right(1)
    drawing += elm.Memristor().down(2.6).at(first.center).label("G⁺_ij")
    drawing += elm.Line().down(1.2).label("qp_i", ofst=0.3)
    drawing += elm.MeterI().down(1.6).label("I⁺")
    drawing += elm.Ground()
    drawing += elm.Memristor().down(2.6).at(second.center).label("G⁻_ij")
    drawing += elm.Line().down(1.2).label("qn_i", ofst=0.3)
    drawing += elm.MeterI().down(1.6).label("I⁻")
    drawing += elm.Ground()
    drawing += _label("m_i = (I⁺ − I⁻) / (siemens_per_weight · v_read)").at((3.0, -7.2))


def shared(drawing: schemdraw.Drawing) -> None:
    """Draw one device for both directions of a pair, with drivers that sense what they deliver."""
    for row, length, name in ((0, 6.0, "p_i = +v_i"), (-2.6, 1.6, "p_j = +v_j"), (-5.2, 6.0, "n_j = −v_j")):
        drawing += elm.SourceV().right(2).at((0, row)).label("")
        drawing += elm.MeterI().right(1.6)
        drawing += elm.Line().right(length).label(name, loc="right")
        drawing += elm.Ground().at((0, row))
    drawing += elm.Memristor().at((4.6, 0)).to((4.6, -2.6)).label("G⁺_ij", loc="bottom").dot(open=False).idot()
    drawing += elm.Memristor().at((8.6, 0)).to((8.6, -5.2)).label("G⁻_ij", loc="bottom").dot(open=False).idot()
    drawing += _label("m_i = (S_i v_i − I(p_i) + I(n_i)) / (siemens_per_weight · v_read)").at((4.0, -7.0))


def opamp(drawing: schemdraw.Drawing) -> None:
    """Draw the transimpedance amplifier of `--neuron opamp`."""
    amplifier = elm.Opamp(leads=True)
    drawing += amplifier
    drawing += elm.Line().left(1.4).at(amplifier.in1)
    drawing += elm.Dot(open=True).label("qp_i", loc="left")
    drawing += elm.Line().left(0.6).at(amplifier.in2)
    drawing += elm.Ground()
    drawing += elm.Line().up(1.6).at(amplifier.in1)
    drawing += elm.Resistor().right().tox(amplifier.out).label("R_f")
    drawing += elm.Line().down().toy(amplifier.out)
    drawing += elm.Line().right(1).at(amplifier.out)
    drawing += elm.Dot(open=True).label("−I⁺ R_f", loc="right")


def sample_hold(drawing: schemdraw.Drawing) -> None:
    """Draw what keeps a latent and adds the noise while the array turns from encoder to decoder."""
    drawing += elm.Dot(open=True).label("s (latent)", loc="left")
    buffer = flow.Box(w=1.2, h=1).anchor("W").label("1")
    drawing += elm.Line().right(0.6)
    drawing += buffer
    drawing += elm.Switch().right().at(buffer.E).label("track")
    held = elm.Dot().label("h", loc="top")
    drawing += held
    drawing.push()
    drawing += elm.Capacitor().down(2.2).label("c_hold")
    drawing += elm.Ground()
    drawing.pop()
    drawing += elm.Line().right(1)
    drawing += elm.SourceV().right(2).label("σ ε")
    drawing += elm.Dot().label("z", loc="top")
    drawing += elm.Switch().right().label("decode")
    drawing += elm.Dot(open=True).label("s (latent)", loc="right")


DRAWINGS: dict[str, Callable[[schemdraw.Drawing], None]] = {
    "neuron": neuron, "pair": pair, "shared": shared, "opamp": opamp, "sample-hold": sample_hold,
}  # fmt: skip


def draw(folder: Path) -> list[Path]:
    """Draw every cell to `folder` as cell-NAME.svg and return the files."""
    schemdraw.use("svg")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, body in DRAWINGS.items():
        path = folder / f"cell-{name}.svg"
        drawing = schemdraw.Drawing(show=False)
        drawing.config(fontsize=FONT)
        body(drawing)
        drawing.save(str(path))
        paths.append(path)
    return paths


if __name__ == "__main__":
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"))
