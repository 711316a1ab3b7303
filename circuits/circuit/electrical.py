"""The electrical scale of an exported chip: which volt, ohm and farad stands for which number of the equations."""

from __future__ import annotations

from dataclasses import dataclass, fields

from crossbar.numerics import checks


@dataclass(frozen=True, kw_only=True, slots=True)
class Electrical:
    """What the `.param` lines at the top of a netlist say.

    The values are design choices of ours, assumed and not measured: a state of 1 is 1 V on a capacitor of 1 pF that
    leaks through 1 Mohm (time constant 1 us), and rho = 1 is `v_read` on a word line.

    Attributes
    ----------
    v_read : float
        Volts on a word line at rho = 1; below the thresholds of the memristors, so that reading does not write.
    c_state, r_leak : float
        Farad and ohm of a neuron's state; their product is the time constant of eq. (2).
    open_loop_gain, r_feedback : float
        Of the operational amplifiers (`--neuron opamp`); ohm.
    gain_bandwidth, v_supply, swing, slew_rate, v_offset, r_out : float
        Of the same (`circuits.cells.opamp`): hertz; volts of either supply against ground; the share of it that an
        output reaches; volts a second; volts, of any sign; ohm.
    v_state, v_drive : float
        Volts of a state of 1 and of a drive W rho of 1 between amplifiers (`circuits.circuit.units`); without, both 1.
    r_on, r_off : float
        Ohm of a switch, closed and open.
    c_hold : float
        Farad of a sample-and-hold.
    """

    v_read: float = 0.1
    c_state: float = 1e-12
    r_leak: float = 1e6
    open_loop_gain: float = 1e5
    r_feedback: float = 1e3
    gain_bandwidth: float = 1e8
    v_supply: float = 2.5
    swing: float = 0.9
    slew_rate: float = 1e8
    v_offset: float = 0.0
    r_out: float = 100.0
    v_state: float = 1.0
    v_drive: float = 1.0
    r_on: float = 1.0
    r_off: float = 1e15
    c_hold: float = 1e-12

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            (checks.finite if field.name == "v_offset" else checks.positive)(field.name, value)

    @property
    def time_constant(self) -> float:
        """Time constant of a neuron in seconds."""
        return self.c_state * self.r_leak


@dataclass(frozen=True, kw_only=True, slots=True)
class Wires:
    """Line resistance of the tiles that the array is cut into.

    Attributes
    ----------
    r_word_line, r_bit_line : float
        Ohm per segment between neighbouring cells.
    tile : int
        Rows and columns of a tile at most.

    Examples
    --------
    >>> import circuits
    >>> circuits.Wires(r_word_line=2.0, r_bit_line=2.0).tile
    128
    """

    r_word_line: float = 1.0
    r_bit_line: float = 1.0
    tile: int = 128

    def __post_init__(self) -> None:
        for name in ("r_word_line", "r_bit_line"):
            checks.positive(name, getattr(self, name))
        checks.at_least("tile", self.tile, 1)
