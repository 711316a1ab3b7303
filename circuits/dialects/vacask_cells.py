"""The cells of a circuit in Verilog-A, as VACASK compiles them."""

from __future__ import annotations

from circuits.dialects.vacask_unlike_cells import UNLIKE_CELLS
from crossbar.hopfield.neurons import Saturating, Sigmoid
from crossbar.hopfield.population import Population

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

OF_OTHER_LAWS = """\

// a linear or classical neuron: tau ds/dt = -s + m, without a multiplier
module hopbar_integrator(s, qp, qn);
  inout s, qp, qn;
  electrical s, qp, qn;
  parameter real c_state = 1e-12;
  parameter real r_leak = 1e6;
  parameter real scale = 1e-6;
  parameter real g_out = 1e9;
  analog begin
    I(qp) <+ g_out * V(qp);
    I(qn) <+ g_out * V(qn);
    I(s) <+ V(s) / r_leak + c_state * ddt(V(s)) - g_out * (V(qp) - V(qn)) / scale / r_leak;
  end
endmodule

// word line of a linear neuron at v_read s
module hopbar_follower(s, p);
  inout s, p;
  electrical s, p;
  parameter real v_read = 0.1;
  parameter real g_out = 1e9;
  analog I(p) <+ g_out * (V(p) - v_read * V(s));
endmodule

// the integrator of a shared array, which has its drive as a node
module hopbar_plain(s, m);
  inout s, m;
  electrical s, m;
  parameter real c_state = 1e-12;
  parameter real r_leak = 1e6;
  analog I(s) <+ V(s) / r_leak + c_state * ddt(V(s)) - V(m) / r_leak;
endmodule

// both polarities of a linear neuron of a shared array
module hopbar_both(s, p, n, m);
  inout s, p, n, m;
  electrical s, p, n, m;
  parameter real v_read = 0.1;
  (* type="instance" *) parameter real s_row = 0;
  parameter real scale = 1e-6;
  real v;
  analog begin
    v = v_read * V(s);
    V(p) <+ v;
    V(n) <+ -v;
    V(m) <+ (s_row * v + I(p) - I(n)) / scale;
  end
endmodule
"""


SUPPLY = """\

// what holds the state of a linear neuron between its rails: the leak doubles at ceiling
module hopbar_supply(s);
  inout s;
  electrical s;
  (* type="instance" *) parameter real gain = 1;
  (* type="instance" *) parameter real offset = 0;
  (* type="instance" *) parameter real ceiling = 1;
  parameter real r_leak = 1e6;
  real x, square, fourth;
  analog begin
    x = gain * (V(s) - offset);
    square = x * x / (ceiling * ceiling);
    fourth = square * square;
    I(s) <+ gain * x * fourth * fourth / r_leak;
  end
endmodule
"""

LINE = '(* type="instance" *) parameter real line = 1;'


def cells_of(neurons: Population, *, lined: bool = False) -> str:
    """Return the cells that `neurons` need: the paper's alone, linear and classical ones too, or those not alike.

    With `lined` they take the gain of their line (`crossbar.devices.line_gains`).
    """
    plain = CELLS if all(law.name == Sigmoid.name for law in neurons.laws) else CELLS + OF_OTHER_LAWS
    cells = plain if neurons.mismatch is None else UNLIKE_CELLS
    if any(law.name == Saturating.name for law in neurons.laws):
        cells += SUPPLY
    return with_line_gains(cells) if lined else cells


def with_line_gains(cells: str) -> str:
    """Return `cells` whose lines are driven at `line` v_read, and whose sums are multiplied by `line`."""
    return "endmodule".join(_lined(module) for module in cells.split("endmodule"))


def _lined(module: str) -> str:
    told = next((word for word in ("  parameter real v_read", "  parameter real scale") if word in module), None)
    if told is None:
        return module
    module = module.replace(told, f"  {LINE}\n{told}", 1)
    return module.replace("v_read *", "line * v_read *").replace("/ scale", "* line / scale")
