"""A circuit in VACASK's language: its cells in Verilog-A, its memristors as resistors.

VACASK keeps a place on the diagonal of every unknown. Where that place holds a zero, as in the row of an ideal
voltage source, KLU must take its pivot elsewhere, which breaks the order it chose and fills the matrix. So the cells of
a two-device array have no ideal sources: word lines, virtual grounds and clamps end in `OUTPUT` siemens, a nano-ohm,
which moves a voltage by 1e-11 of itself, and sense amplifier and neuron are one cell, whose drive m = W rho is no node.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from circuits.circuit.circuit import Analysis, Circuit
from circuits.circuit.comments import heading
from circuits.memristors.linear import resistances
from crossbar.errors import EngineError

TIGHT = 1e-5  # of an operating point over a transient's tolerances: Newton's method stops at the first step within them
LOOSE = 1e2  # of a transient that only leads to an operating point
NOISE = 1e-11  # volts that no tolerance goes below: solutions of a full chip repeat to some 1e-14
OUTPUT = 1e9  # siemens of every output and virtual ground

CELLS = """\
`include "constants.vams"
`include "disciplines.vams"

// bit lines qp and qn at virtual ground, m = (I(qp) - I(qn)) / scale their weighted sum W rho,
// tau ds/dt = -s + rho'(s) m (eq. 2); 1 V is a state of 1
module hopbar_neuron(s, qp, qn);
  inout s, qp, qn;
  electrical s, qp, qn;
  parameter real gain = 3;
  parameter real c_state = 1e-12;
  parameter real r_leak = 1e6;
  parameter real scale = 1e-6;
  parameter real g_out = 1e9;
  real t, m;
  analog begin
    t = tanh(0.5 * gain * V(s));
    m = g_out * (V(qp) - V(qn)) / scale;
    I(qp) <+ g_out * V(qp);
    I(qn) <+ g_out * V(qn);
    I(s) <+ V(s) / r_leak + c_state * ddt(V(s)) - 0.25 * gain * (1 - t * t) * m / r_leak;
  end
endmodule

// word line at v_read rho(s)
module hopbar_driver(s, p);
  inout s, p;
  electrical s, p;
  parameter real gain = 3;
  parameter real v_read = 0.1;
  parameter real g_out = 1e9;
  analog I(p) <+ g_out * (V(p) - v_read * 0.5 * (1 + tanh(0.5 * gain * V(s))));
endmodule

// a node held at a voltage: a clamped state, a fixed word line, an idle bit line at 0
module hopbar_hold(x);
  inout x;
  electrical x;
  parameter real g_out = 1e9;
  (* type="instance" *) parameter real volts = 0;
  analog I(x) <+ g_out * (V(x) - volts);
endmodule

// the neuron of a shared array, which has its drive as a node
module hopbar_gate(s, m);
  inout s, m;
  electrical s, m;
  parameter real gain = 3;
  parameter real c_state = 1e-12;
  parameter real r_leak = 1e6;
  real t;
  analog begin
    t = tanh(0.5 * gain * V(s));
    I(s) <+ V(s) / r_leak + c_state * ddt(V(s)) - 0.25 * gain * (1 - t * t) * V(m) / r_leak;
  end
endmodule

// both polarities of a shared array, driving and sensing at once
module hopbar_shared(s, p, n, m);
  inout s, p, n, m;
  electrical s, p, n, m;
  parameter real gain = 3;
  parameter real v_read = 0.1;
  (* type="instance" *) parameter real s_row = 0;
  parameter real scale = 1e-6;
  real v;
  analog begin
    v = v_read * 0.5 * (1 + tanh(0.5 * gain * V(s)));
    V(p) <+ v;
    V(n) <+ -v;
    V(m) <+ (s_row * v + I(p) - I(n)) / scale;
  end
endmodule
"""


def write(circuit: Circuit, folder: Path) -> Path:
    """Write `circuit` to `folder` as circuit.sim and cells.va, streaming.

    Raises
    ------
    EngineError
        The circuit has parts that this dialect does not describe.
    """
    extras = (circuit.nudge, circuit.turn, circuit.wires)
    if any(part is not None for part in extras) or circuit.device != "linear" or circuit.amplifier != "behavioural":
        raise EngineError(
            "VACASK runs settled roles of linear devices and behavioural neurons only; take --engine ngspice"
        )
    (folder / "cells.va").write_text(CELLS)
    path = folder / "circuit.sim"
    with path.open("w", encoding="ascii", errors="replace") as file:
        file.writelines(pieces(circuit))
    return path


def pieces(circuit: Circuit) -> Iterator[str]:
    """Yield the netlist piece by piece."""
    electrical, gain = circuit.electrical, float(circuit.gain)
    scale = circuit.array.siemens_per_weight * electrical.v_read
    yield "Hopbar: a continuous Hopfield network in memristors\n"
    yield heading(circuit.heading, "//")
    yield 'ground 0\nload "resistor.osdi"\nload "cells.va"\nmodel r resistor\n'
    drives = f"gain={gain!r} v_read={electrical.v_read!r}"
    states = f"gain={gain!r} c_state={electrical.c_state!r} r_leak={electrical.r_leak!r}"
    if circuit.array.symmetry == "shared":
        yield f"model source vsource\nmodel gate hopbar_gate {states}\n"
        yield f"model shared hopbar_shared {drives} scale={scale!r}\n"
        yield from shared_neurons(circuit)
    else:
        yield f"model neuron hopbar_neuron {states} scale={scale!r} g_out={OUTPUT!r}\n"
        yield f"model driver hopbar_driver {drives} g_out={OUTPUT!r}\nmodel hold hopbar_hold g_out={OUTPUT!r}\n"
        yield from neurons(circuit)
    yield from devices(circuit)
    yield from control(circuit)


def neurons(circuit: Circuit) -> Iterator[str]:
    """Yield the cells of every neuron of a two-device array; bit lines without devices are left out."""
    signals = None if circuit.rails is None else circuit.electrical.v_read * circuit.signals(circuit.rails)
    for index, name in enumerate(circuit.names):
        if circuit.clamped[index]:
            yield f"clamp_{name} (s_{name}) hold volts={float(circuit.held[index])!r}\n"
            if circuit.array.built[index].any():
                yield from (f"idle{sign}_{name} (q{sign}_{name}) hold\n" for sign in "pn")
        else:
            yield f"neuron_{name} (s_{name} qp_{name} qn_{name}) neuron\n"
        if signals is None:
            yield f"driver_{name} (s_{name} p_{name}) driver\n"
        else:
            yield f"rail_{name} (p_{name}) hold volts={float(signals[index])!r}\n"


def shared_neurons(circuit: Circuit) -> Iterator[str]:
    """Yield the cells of every neuron of a shared array.

    Its drivers sense what they deliver, a difference of large currents: their sources must be ideal.
    """
    if circuit.rails is not None:
        raise EngineError("VACASK needs --symmetry two-device for the fixed-rail check, or --mode coupled")
    row_sums = (circuit.array.plus + circuit.array.minus).sum(axis=1)
    for index, name in enumerate(circuit.names):
        if circuit.clamped[index]:
            yield f"clamp_{name} (s_{name} 0) source dc={float(circuit.held[index])!r}\n"
        else:
            yield f"neuron_{name} (s_{name} m_{name}) gate\n"
        yield f"driver_{name} (s_{name} p_{name} n_{name} m_{name}) shared s_row={float(row_sums[index])!r}\n"


def devices(circuit: Circuit) -> Iterator[str]:
    """Yield one resistor per memristor, named as in the SPICE netlist."""
    shared = circuit.array.symmetry == "shared"
    names = circuit.names
    for target, name in enumerate(names):
        first = target + 1 if shared else 0
        held = np.flatnonzero(circuit.array.built[target, first:]) + first
        for sign, matrix in (("p", circuit.array.plus), ("n", circuit.array.minus)):
            stem, tail = f"r{sign}_{name}__", f"p_{name}" if shared else f"q{sign}_{name}"
            head = "n_" if shared and sign == "n" else "p_"
            values = resistances(matrix[target, held]).tolist()
            yield "".join(
                [
                    f"{stem}{names[source]} ({head}{names[source]} {tail}) r r={value!r}\n"
                    for source, value in zip(held.tolist(), values, strict=True)
                ]
            )


def control(circuit: Circuit) -> Iterator[str]:
    """Yield the options and the analysis."""
    asked = circuit.analysis
    yield "control\n"
    residuals = int(circuit.array.symmetry == "shared")  # at nano-ohms residuals are rounding, not error
    yield f'  options tran_method="gear2" nr_residualcheck={residuals}\n'
    if asked.kind == "tran":
        yield tolerances(asked, 1.0)
        yield f"  analysis circuit {transient(circuit)}\nendc\n"
        return
    start = "{" + ", ".join(f'"{node}", {volts!r}' for node, volts in guessed(circuit).items()) + "}"
    if asked.kind == "tran-op":
        yield f"{tolerances(asked, LOOSE)}  options tran_minpts=0\n"
        yield f'  analysis way {transient(circuit)} store="end" write=0\n'
        start = '"end"'
    yield tolerances(asked, TIGHT)
    yield f"  analysis circuit op{'' if start == '{}' else f' nodeset={start}'}\nendc\n"


def tolerances(asked: Analysis, factor: float) -> str:
    """Return the options that set the tolerances of `asked`, times `factor`."""
    values = {name: factor * getattr(asked, name) for name in ("reltol", "abstol", "vntol")}
    values["vntol"] = max(values["vntol"], NOISE)
    return "  options " + " ".join(f"{name}={value!r}" for name, value in values.items()) + "\n"


def transient(circuit: Circuit) -> str:
    """Return the transient from state zero."""
    unit, asked = circuit.electrical.time_constant, circuit.analysis
    times = f"step={0.01 * unit!r} stop={asked.stop * unit!r} maxstep={asked.max_step * unit!r}"
    return f'tran {times} icmode="uic"'


def guessed(circuit: Circuit) -> dict[str, float]:
    """Return the nodesets: a two-device array has no nodes m_X."""
    shared = circuit.array.symmetry == "shared"
    return {node: volts for node, volts in circuit.guessed().items() if shared or not node.startswith("m_")}
