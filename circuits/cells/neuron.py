"""The neuron: a leaky capacitor whose input current is gated by rho', or enters as it is.

Numbers that neurons do not share are told by each card: the gain where blocks have several; gain, offset and leak where
the chip's neurons are not alike (`crossbar.hopfield.mismatch`). A cell is written for the numbers that are its `own`.
"""

from __future__ import annotations

from circuits.cells.units import DRIVE, STATE

PERFECT = {"gain": "1", "offset": "0", "leak": "1", "pull": "0", "scale": "1", "ceiling": "1", "off": "0", "off_p": "0",
           "off_n": "0", "off_t": "0"}  # fmt: skip
"""What a cell takes its own numbers for where a card tells none."""


def level(own: tuple[str, ...], amplifier: str = "behavioural") -> str:
    """Return the state that rho is taken at: s, or s - offset."""
    state = STATE[amplifier]
    return f"({state}-offset)" if "offset" in own else state if amplifier == "behavioural" else f"({state})"


def rho(own: tuple[str, ...], amplifier: str = "behavioural") -> str:
    """Return rho(s) = 1 / (1 + exp(-gain s)) as (1 + tanh(gain s / 2)) / 2, the same number without overflow."""
    return f"0.5*(1+tanh(0.5*gain*{level(own, amplifier)}))"


def slope(own: tuple[str, ...], amplifier: str = "behavioural") -> str:
    """Return rho'(s); a square is written as a product, since to LTspice `^` is an exclusive or."""
    bent = f"tanh(0.5*gain*{level(own, amplifier)})"
    return f"0.25*gain*(1-{bent}*{bent})"


def drive(own: tuple[str, ...], amplifier: str) -> str:
    """Return the drive W rho in volts of a state, with the neuron's own pull."""
    if "pull" not in own:
        return DRIVE[amplifier]
    return "(v(m)+pull)" if amplifier == "behavioural" else "v_state*(v(m)/v_drive+pull)"


def told(own: tuple[str, ...]) -> str:
    """Return the parameters of a subcircuit with numbers of its own."""
    return "".join(f" {name}={PERFECT[name]}" for name in own)


def neuron(own: tuple[str, ...] = (), amplifier: str = "behavioural") -> str:
    """Return the subcircuit `neuron s m`: eq. (2) as a circuit.

    ::

        m (volts = W rho) --> [ x rho'(s) / r_leak ] --> s --+--[ r_leak ]-- 0
                                                             +--[ c_state ]- 0

    C ds/dt = -s/R + rho'(s) m / R, so that tau ds/dt = -s + rho'(s) (W rho(s)); 1 V is a state of 1, or `v_state`
    (`circuits.cells.units`). The multiplier is behavioural in every variant: rho' is what the paper's dynamics ask for,
    whatever transistors would make it. The gain is the netlist's, or the neuron's `own`. With offset o and leak l of
    its own, tau ds/dt = -l s + rho'(s - o) m: the resistor is R / l.
    """
    return _state("neuron", "Bgate", f"{slope(own, amplifier)}*{drive(own, amplifier)}", own)


def integrator(own: tuple[str, ...] = (), amplifier: str = "behavioural") -> str:
    """Return the subcircuit `integrator s m`: the neuron without a multiplier, tau ds/dt = -s + W rho(s).

    It is the state of a linear neuron and of a classical one, Hopfield's of 1984: m drives s through r_leak, an RC node
    that rests at W rho. With gain a and leak l of its `own` tau ds/dt = -l s + a W rho(s).
    """
    return _state("integrator", "Bdrive", f"{'gain*' if 'gain' in own else ''}{drive(own, amplifier)}", own)


def _state(name: str, source: str, volts: str, own: tuple[str, ...]) -> str:
    leak = "r_leak/leak" if "leak" in own else "r_leak"
    return f"""\
.subckt {name} s m ic=0{told(own)}
Cstate s 0 {{c_state}} ic={{ic}}
Rleak s 0 {{{leak}}}
{source} 0 s I={volts}/r_leak
.ends {name}
"""
