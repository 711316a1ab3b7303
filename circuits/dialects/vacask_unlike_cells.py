"""The cells of a circuit whose neurons are not alike, in Verilog-A: each instance tells its own numbers."""

from __future__ import annotations

UNLIKE_CELLS = """\
`include "constants.vams"
`include "disciplines.vams"

// bit lines qp and qn at virtual ground, m = (I(qp) - I(qn)) / scale their weighted sum W rho,
// tau ds/dt = -leak s + rho'(s - offset) m (eq. 2); 1 V is a state of 1
module hopbar_neuron(s, qp, qn);
  inout s, qp, qn;
  electrical s, qp, qn;
  (* type="instance" *) parameter real gain = 1;
  (* type="instance" *) parameter real offset = 0;
  (* type="instance" *) parameter real leak = 1;
  (* type="instance" *) parameter real pull = 0;
  parameter real c_state = 1e-12;
  parameter real r_leak = 1e6;
  parameter real scale = 1e-6;
  parameter real g_out = 1e9;
  real t, m;
  analog begin
    t = tanh(0.5 * gain * (V(s) - offset));
    m = g_out * (V(qp) - V(qn)) / scale + pull;
    I(qp) <+ g_out * V(qp);
    I(qn) <+ g_out * V(qn);
    I(s) <+ leak * V(s) / r_leak + c_state * ddt(V(s)) - 0.25 * gain * (1 - t * t) * m / r_leak;
  end
endmodule

// word line at v_read rho(s - offset)
module hopbar_driver(s, p);
  inout s, p;
  electrical s, p;
  (* type="instance" *) parameter real gain = 1;
  (* type="instance" *) parameter real offset = 0;
  parameter real v_read = 0.1;
  parameter real g_out = 1e9;
  analog I(p) <+ g_out * (V(p) - v_read * 0.5 * (1 + tanh(0.5 * gain * (V(s) - offset))));
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
  (* type="instance" *) parameter real gain = 1;
  (* type="instance" *) parameter real offset = 0;
  (* type="instance" *) parameter real leak = 1;
  (* type="instance" *) parameter real pull = 0;
  parameter real c_state = 1e-12;
  parameter real r_leak = 1e6;
  real t;
  analog begin
    t = tanh(0.5 * gain * (V(s) - offset));
    I(s) <+ leak * V(s) / r_leak + c_state * ddt(V(s)) - 0.25 * gain * (1 - t * t) * (V(m) + pull) / r_leak;
  end
endmodule

// both polarities of a shared array, driving and sensing at once
module hopbar_shared(s, p, n, m);
  inout s, p, n, m;
  electrical s, p, n, m;
  (* type="instance" *) parameter real gain = 1;
  (* type="instance" *) parameter real offset = 0;
  parameter real v_read = 0.1;
  (* type="instance" *) parameter real s_row = 0;
  parameter real scale = 1e-6;
  real v;
  analog begin
    v = v_read * 0.5 * (1 + tanh(0.5 * gain * (V(s) - offset)));
    V(p) <+ v;
    V(n) <+ -v;
    V(m) <+ (s_row * v + I(p) - I(n)) / scale;
  end
endmodule

// a linear neuron: tau ds/dt = -leak s + gain m, without a multiplier
module hopbar_integrator(s, qp, qn);
  inout s, qp, qn;
  electrical s, qp, qn;
  (* type="instance" *) parameter real gain = 1;
  (* type="instance" *) parameter real leak = 1;
  (* type="instance" *) parameter real pull = 0;
  parameter real c_state = 1e-12;
  parameter real r_leak = 1e6;
  parameter real scale = 1e-6;
  parameter real g_out = 1e9;
  analog begin
    I(qp) <+ g_out * V(qp);
    I(qn) <+ g_out * V(qn);
    I(s) <+ leak * V(s) / r_leak + c_state * ddt(V(s)) - gain * (g_out * (V(qp) - V(qn)) / scale + pull) / r_leak;
  end
endmodule

// word line of a linear neuron at v_read gain (s - offset)
module hopbar_follower(s, p);
  inout s, p;
  electrical s, p;
  (* type="instance" *) parameter real gain = 1;
  (* type="instance" *) parameter real offset = 0;
  parameter real v_read = 0.1;
  parameter real g_out = 1e9;
  analog I(p) <+ g_out * (V(p) - v_read * gain * (V(s) - offset));
endmodule

// the integrator of a shared array, which has its drive as a node
module hopbar_plain(s, m);
  inout s, m;
  electrical s, m;
  (* type="instance" *) parameter real gain = 1;
  (* type="instance" *) parameter real leak = 1;
  (* type="instance" *) parameter real pull = 0;
  parameter real c_state = 1e-12;
  parameter real r_leak = 1e6;
  analog I(s) <+ leak * V(s) / r_leak + c_state * ddt(V(s)) - gain * (V(m) + pull) / r_leak;
endmodule

// both polarities of a linear neuron of a shared array
module hopbar_both(s, p, n, m);
  inout s, p, n, m;
  electrical s, p, n, m;
  (* type="instance" *) parameter real gain = 1;
  (* type="instance" *) parameter real offset = 0;
  parameter real v_read = 0.1;
  (* type="instance" *) parameter real s_row = 0;
  parameter real scale = 1e-6;
  real v;
  analog begin
    v = v_read * gain * (V(s) - offset);
    V(p) <+ v;
    V(n) <+ -v;
    V(m) <+ (s_row * v + I(p) - I(n)) / scale;
  end
endmodule
"""
"""Where a card tells no number, the neuron has that of a perfect one, of gain 1."""
