"""A circuit as SPICE text, written as it is made: no netlist is ever held in memory whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from circuits.cells.driver import driver, follower, shared_driver, shared_follower, shared_rail
from circuits.cells.neuron import integrator, neuron
from circuits.cells.noise import noise
from circuits.cells.nudge import nudge
from circuits.cells.opamp import opamp
from circuits.cells.sample_hold import sample_hold
from circuits.cells.sense import sense
from circuits.cells.supply import supply
from circuits.cells.switch import switch
from circuits.circuit.circuit import Circuit
from circuits.circuit.comments import heading
from circuits.circuit.laws import CELLS, OF_AMPLIFIERS, each, gains, numbers, own_numbers, words
from circuits.circuit.schedule import schedule
from circuits.dialects.device_cards import devices

GUIDE = """\
* units: volt, ampere, second, siemens, ohm; every number a plain float. One time constant is c_state r_leak.
* nodes: s_X state of neuron X ({state}), p_X its word line at v_read rho(s), m_X its drive W rho {drive},
*   {lines}
* cards: Rp_X__Y (G+) and Rn_X__Y (G-), or Xp_, Xn_: the memristors of w_XY, {direction};
*   w_XY = (G+ - G-) / siemens_per_weight. Xneuron_X, Xdriver_X, Xsense_X: the cells of neuron X.
* run: ngspice -n -b FILE prints the end state of every neuron; the lines "expected" at the end of this file say what
*   the simulator found. With -r FILE.raw the waveforms are kept instead. -n: no .spiceinit is obeyed.
* check: hopbar netlist CHIP --check FILE compares weights, gain and clamps with the chip's, without a simulator.
"""

PLAIN = {"state": "1 V is a state of 1", "drive": "in volts"}
SUPPLIED = {"state": "v_state is a state of 1", "drive": "times v_drive"}
"""What a volt stands for, without amplifiers and between them."""


def write(circuit: Circuit, path: str | Path) -> Path:
    """Write `circuit` to `path` as one self-contained file that `ngspice -b` runs; atomically, streaming.

    Memory stays that of the conductances; the devices go out row by row.

    Raises
    ------
    EngineError
        Its memristors are given in Verilog-A.
    """
    if not isinstance(circuit.device, str):
        circuit.device.own.spice()
    return stream(pieces(circuit), Path(path))


def stream(said: Iterable[str], path: Path) -> Path:
    """Write the pieces that are `said` to `path`, atomically, as they come."""
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("w", encoding="ascii", errors="replace") as file:
            file.writelines(said)
        temporary.replace(path)
    except OSError as error:  # such as a full disk, whose error names no file
        temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
    return path


def pieces(circuit: Circuit) -> Iterator[str]:
    """Yield the netlist piece by piece."""
    yield title(circuit)
    yield parameters(circuit)
    yield cells(circuit)
    yield from neurons(circuit)
    if circuit.generation is not None:
        yield "* the pixels' large capacitors, on which they flow\n"
        yield from circuit.generation.capacitors(
            circuit.names, circuit.electrical.c_state, circuit.electrical.v_state * circuit.start
        )
    if circuit.analysis.kind == "op":
        yield from line_capacitances(circuit)
    yield from devices(circuit)
    yield from schedule(circuit)
    yield ".end\n"


def title(circuit: Circuit) -> str:
    """Return the title line and the comment block: origin, units, node map."""
    shared = circuit.array.symmetry == "shared"
    lines = "n_X its word line at -v_read rho" if shared else "qp_X and qn_X its two bit lines, at virtual ground"
    direction = "one device for w_XY and w_YX" if shared else "through which Y drives X"
    origin = heading(circuit.heading)
    return f"* Hopbar: a continuous Hopfield network in memristors\n{origin}" + GUIDE.format(
        lines=lines, direction=direction, **(SUPPLIED if circuit.amplifier == "opamp" else PLAIN)
    )


def parameters(circuit: Circuit) -> str:
    """Return the `.param` lines."""
    electrical, slopes = circuit.electrical, gains(circuit.neurons)
    values = {"gain": slopes[0]} if len(slopes) == 1 and not own_numbers(circuit.neurons)["neuron"] else {}
    values |= {
        "siemens_per_weight": circuit.array.siemens_per_weight, "v_read": electrical.v_read,
        "c_state": electrical.c_state, "r_leak": electrical.r_leak,
    }  # fmt: skip
    if circuit.amplifier == "opamp":
        values |= {"open_loop_gain": electrical.open_loop_gain, "r_feedback": electrical.r_feedback}
        values |= {"gain_bandwidth": electrical.gain_bandwidth}
        values |= {"v_supply": electrical.v_supply, "swing": electrical.swing, "slew_rate": electrical.slew_rate}
        values |= {"v_offset": electrical.v_offset, "r_out": electrical.r_out}
        values |= {"v_state": electrical.v_state, "v_drive": electrical.v_drive}
    if circuit.turn is not None:
        values |= {"sigma": circuit.turn.sigma, "c_hold": electrical.c_hold}
        values |= {"r_on": electrical.r_on, "r_off": electrical.r_off}
    return "".join(f".param {name}={float(value)!r}\n" for name, value in values.items())


def cells(circuit: Circuit) -> str:
    """Return the subcircuits that this circuit uses."""
    shared, amplifier = circuit.array.symmetry == "shared", circuit.amplifier
    own = own_numbers(circuit.neurons)
    used = [CELLS[law.name] for law in circuit.neurons.laws]
    states, lines = {cell.state for cell in used}, {cell.line for cell in used}
    of_lines = own_of_lines(circuit)
    off_line, off_sense = ((), ()) if circuit.offsets is None else OF_AMPLIFIERS[circuit.array.symmetry]
    made = (("neuron", neuron), ("integrator", integrator))
    parts = [one(own[name], amplifier) for name, one in made if name in states]
    parts += [supply(own["supply"], amplifier)] if any(cell.supply for cell in used) else []
    parts += [opamp()] if amplifier == "opamp" else []
    parts.append(circuit.memristor.subcircuit())
    if circuit.rails is not None:
        parts += [shared_rail(of_lines, amplifier)] if shared else []
    elif shared:
        parts += [shared_driver(amplifier, own["driver"] + of_lines + off_line)] if "driver" in lines else []
        parts += [shared_follower(amplifier, own["follower"] + of_lines + off_line)] if "follower" in lines else []
    else:
        parts += [driver(amplifier, own["driver"] + of_lines + off_line)] if "driver" in lines else []
        parts += [follower(amplifier, own["follower"] + of_lines + off_line)] if "follower" in lines else []
    if not shared:
        parts.append(sense(circuit.amplifier, of_lines + off_sense))
    if circuit.nudge is not None:
        parts.append(nudge(amplifier))
    if circuit.turn is not None:
        parts += [switch(), sample_hold(), noise(amplifier)]
    return "".join(parts)


def neurons(circuit: Circuit) -> Iterator[str]:
    """Yield the cells of every neuron: state or clamp, driver or rail, sense amplifier."""
    shared = circuit.array.symmetry == "shared"
    row_sums = (circuit.array.plus + circuit.array.minus).sum(axis=1)
    replicas = shared and circuit.amplifier == "opamp" and circuit.rails is None
    counts = np.maximum(2 * circuit.array.built.sum(axis=1), 1)
    signals = None if circuit.rails is None else circuit.array.driven(circuit.signals(circuit.rails))
    scales = [""] * len(circuit.names)
    if circuit.array.gains is not None:
        scales = [f" scale={gain!r}" for gain in circuit.array.gains.tolist()]
    own, told, volt = own_numbers(circuit.neurons), numbers(circuit.neurons), circuit.electrical.v_state
    amplifiers = _offsets(circuit)
    for index, (name, law) in enumerate(zip(circuit.names, each(circuit.neurons), strict=True)):
        cell = CELLS[law.name]
        of_state, of_line = (words(own[one], told[index]) for one in (cell.state, cell.line))
        if circuit.clamped[index] and circuit.generation is not None:
            yield circuit.generation.clock(index, name, circuit.electrical.time_constant, volt)
        elif circuit.clamped[index] and circuit.turn is None:
            yield f"Vclamp_{name} s_{name} 0 {volt * float(circuit.held[index])!r}\n"
        else:
            yield f"Xneuron_{name} s_{name} m_{name} {cell.state} ic={volt * float(circuit.start[index])!r}{of_state}\n"
            if cell.supply:
                yield f"Xsupply_{name} s_{name} supply{words(own[cell.supply], told[index])}\n"
        ports = f"p_{name} n_{name} m_{name}" if shared else f"p_{name}"
        total = f" s_row={float(row_sums[index])!r}" if shared else ""
        total += f" n_row={int(counts[index])}" if replicas else ""
        if signals is None:
            yield f"Xdriver_{name} s_{name} {ports} {cell.line}{total}{of_line}{scales[index]}{amplifiers[index][0]}\n"
        else:
            volts = float(circuit.electrical.v_read * signals[index])
            rail = f"Xrail_{name} {ports} rail v={volts!r}{total}{scales[index]}\n"
            yield rail if shared else f"Vrail_{name} {ports} 0 {volts!r}\n"
        if not shared:
            yield f"Xsense_{name} qp_{name} qn_{name} m_{name} sense{scales[index]}{amplifiers[index][1]}\n"


def _offsets(circuit: Circuit) -> list[tuple[str, str]]:
    """Return what the cards of each neuron's line and sense amplifier tell of their amplifiers."""
    if circuit.offsets is None:
        return [("", "")] * len(circuit.names)
    of_line, of_sense = OF_AMPLIFIERS[circuit.array.symmetry]
    rows = (dict(zip((*of_line, *of_sense), row, strict=True)) for row in circuit.offsets.tolist())
    return [(words(of_line, row), words(of_sense, row)) for row in rows]


def own_of_lines(circuit: Circuit) -> tuple[str, ...]:
    """Return the number that each card of a line tells where lines have gains of their own."""
    return () if circuit.array.gains is None else ("scale",)


def line_capacitances(circuit: Circuit) -> Iterator[str]:
    """Yield a token capacitance (10 zF) on every line, which changes no operating point but orders the matrix.

    ngspice's Sparse 1.3 keeps the matrix in sorted linked lists, and numbers nodes as it first meets them:
    capacitors before resistors, later cards before earlier ones. Lines written in reverse make every memristor's
    element the new head of its lists instead of their end, which takes the fixed-rail check from the third power of N
    to the second: measured at N = 800, 1.8 s instead of 27 s (docs/netlist.md).
    """
    kinds = "np" if circuit.array.symmetry == "shared" else ("p", "qn", "qp")
    yield "* token line capacitances: they set the order of the unknowns\n"
    for kind in kinds:
        yield from (f"Cline_{kind}_{name} {kind}_{name} 0 1e-20\n" for name in reversed(circuit.names))
