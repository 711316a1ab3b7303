"""A circuit in VACASK's language: its cells in Verilog-A, its memristors as resistors or modules of one's own.

VACASK keeps a place on the diagonal of every unknown. Where that place holds a zero, as in the row of an ideal
voltage source, KLU must take its pivot elsewhere, which breaks the order it chose and fills the matrix. So the cells of
a two-device array have no ideal sources: word lines, virtual grounds and clamps end in `OUTPUT` siemens, a nano-ohm,
which moves a voltage by 1e-11 of itself, and sense amplifier and neuron are one cell, whose drive m = W rho is no node.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from circuits.circuit.circuit import Analysis, Circuit
from circuits.circuit.comments import heading
from circuits.circuit.laws import ALIKE, CELLS, STEEP, each, gains, numbers, own_numbers, words
from circuits.dialects.vacask_cells import cells_of
from circuits.dialects.vacask_devices import begun, check_device, devices, load, saved, write_own
from crossbar.errors import EngineError
from crossbar.hopfield.neurons import Neuron

TIGHT = 1e-5  # of an operating point over a transient's tolerances: Newton's method stops at the first step within them
LOOSE = 1e2  # of a transient that only leads to an operating point
NOISE = 1e-11  # volts that no tolerance goes below: solutions of a full chip repeat to some 1e-14
OUTPUT = 1e9  # siemens of every output and virtual ground


def write(circuit: Circuit, folder: Path) -> Path:
    """Write `circuit` to `folder` as circuit.sim and cells.va, streaming; with memristors of one's own also own.va.

    Raises
    ------
    EngineError
        The circuit has parts that this dialect does not describe.
    """
    check(circuit)
    write_own(circuit, folder)
    (folder / "cells.va").write_text(cells_of(circuit.neurons, lined=circuit.array.gains is not None))
    path = folder / "circuit.sim"
    with path.open("w", encoding="ascii", errors="replace") as file:
        file.writelines(pieces(circuit))
    return path


def check(circuit: Circuit) -> None:
    """Raise an EngineError with the remedy where `circuit` has parts that this dialect does not describe."""
    extras = (circuit.nudge, circuit.turn, circuit.wires)
    if any(part is not None for part in extras) or circuit.amplifier != "behavioural":
        raise EngineError(
            "VACASK runs settled roles (--role encode or decode) of behavioural neurons, without wires and nudges; ask "
            "for no others, or take --engine ngspice"
        )
    if circuit.array.gains is not None and circuit.rails is not None:
        raise EngineError(
            "VACASK's fixed rails do not tell the gains of idle lines; take --mode coupled, or --engine ngspice"
        )
    check_device(circuit.device)


def pieces(circuit: Circuit) -> Iterator[str]:
    """Yield the netlist piece by piece."""
    yield "Hopbar: a continuous Hopfield network in memristors\n"
    yield heading(circuit.heading, "//")
    yield 'ground 0\nload "resistor.osdi"\nload "cells.va"\nmodel r resistor\n'
    yield load(circuit)
    yield from models(circuit)
    yield from shared_neurons(circuit) if circuit.array.symmetry == "shared" else neurons(circuit)
    yield from supplies(circuit)
    yield from devices(circuit)
    yield from control(circuit)


SHARED_CELLS = {"neuron": "gate", "integrator": "plain", "driver": "shared", "follower": "both"}
"""What the cells of a neuron are called in a shared array."""


def called(circuit: Circuit, cell: str) -> str:
    """Return what `cell` is called in the array of `circuit`."""
    return SHARED_CELLS[cell] if circuit.array.symmetry == "shared" else cell


def model_of(circuit: Circuit, cell: str, law: Neuron) -> str:
    """Return the name of the model of `cell` for neurons of `law`: one for each gain, unless cards tell the gains."""
    place = gains(circuit.neurons).index(law.gain) if _of_a_gain(circuit, cell) else 0
    return called(circuit, cell) if place == 0 else f"{called(circuit, cell)}_{place + 1}"


def _of_a_gain(circuit: Circuit, cell: str) -> bool:
    return cell in STEEP and circuit.neurons.mismatch is None


def cards(circuit: Circuit) -> Iterator[tuple[str, str, str]]:
    """Yield each neuron's name, and the models of its state and of its line with the numbers that a card tells.

    The gain of a line is told where it is driven and where it is sensed: by a state's cell of two-device arrays.
    """
    shared = circuit.array.symmetry == "shared"
    gains_ = [None] * len(circuit.names) if circuit.array.gains is None else circuit.array.gains.tolist()
    own = ALIKE if circuit.neurons.mismatch is None else own_numbers(circuit.neurons)  # gains are the models'
    told = numbers(circuit.neurons)
    for name, law, values, gain in zip(circuit.names, each(circuit.neurons), told, gains_, strict=True):
        state, line = (model_of(circuit, cell, law) + words(own[cell], values) for cell in CELLS[law.name][:2])
        of_line = "" if gain is None else f" line={gain!r}"
        yield name, state if shared else state + of_line, line + of_line


def models(circuit: Circuit) -> Iterator[str]:
    """Yield the models of the cells: those of a circuit of sigmoids of one gain, or one for each law and gain."""
    electrical = circuit.electrical
    scale = circuit.array.siemens_per_weight * electrical.v_read
    shared = circuit.array.symmetry == "shared"
    size = f"c_state={electrical.c_state!r} r_leak={electrical.r_leak!r}"
    read, sensed = f"v_read={electrical.v_read!r}", f"scale={scale!r}"
    held = "" if shared else f" g_out={OUTPUT!r}"
    said = {}
    for part in ("state", "line"):
        for law in circuit.neurons.laws:
            cell = getattr(CELLS[law.name], part)
            values = [f"gain={float(law.gain)!r}"] if _of_a_gain(circuit, cell) else []
            values.append(size if part == "state" else read)
            values += [sensed] if (part == "line") == shared else []
            name = model_of(circuit, cell, law)
            said[name] = f"model {name} hopbar_{called(circuit, cell)} {' '.join(values)}{held}\n"
    yield "model source vsource\n" if shared else ""
    yield from said.values()
    yield "" if shared else f"model hold hopbar_hold g_out={OUTPUT!r}\n"


def neurons(circuit: Circuit) -> Iterator[str]:
    """Yield the cells of every neuron of a two-device array; bit lines without devices are left out."""
    signals = None if circuit.rails is None else circuit.electrical.v_read * circuit.signals(circuit.rails)
    for index, (name, state, line) in enumerate(cards(circuit)):
        if circuit.clamped[index]:
            yield f"clamp_{name} (s_{name}) hold volts={float(circuit.held[index])!r}\n"
            if circuit.array.built[index].any():
                yield from (f"idle{sign}_{name} (q{sign}_{name}) hold\n" for sign in "pn")
        else:
            yield f"neuron_{name} (s_{name} qp_{name} qn_{name}) {state}\n"
        if signals is None:
            yield f"driver_{name} (s_{name} p_{name}) {line}\n"
        else:
            yield f"rail_{name} (p_{name}) hold volts={float(signals[index])!r}\n"


def shared_neurons(circuit: Circuit) -> Iterator[str]:
    """Yield the cells of every neuron of a shared array.

    Its drivers sense what they deliver, a difference of large currents: their sources must be ideal.
    """
    if circuit.rails is not None:
        raise EngineError("VACASK needs --symmetry two-device for the fixed-rail check, or --mode coupled")
    row_sums = (circuit.array.plus + circuit.array.minus).sum(axis=1)
    for index, (name, state, line) in enumerate(cards(circuit)):
        if circuit.clamped[index]:
            yield f"clamp_{name} (s_{name} 0) source dc={float(circuit.held[index])!r}\n"
        else:
            yield f"neuron_{name} (s_{name} m_{name}) {state}\n"
        yield f"driver_{name} (s_{name} p_{name} n_{name} m_{name}) {line} s_row={float(row_sums[index])!r}\n"


def supplies(circuit: Circuit) -> Iterator[str]:
    """Yield the supplies of the neurons that have one, and their model."""
    own, told, laws = own_numbers(circuit.neurons), numbers(circuit.neurons), each(circuit.neurons)
    held = [index for index, law in enumerate(laws) if CELLS[law.name].supply and not circuit.clamped[index]]
    yield f"model supply hopbar_supply r_leak={circuit.electrical.r_leak!r}\n" if held else ""
    for index in held:
        yield f"supply_{circuit.names[index]} (s_{circuit.names[index]}) supply{words(own['supply'], told[index])}\n"


def control(circuit: Circuit) -> Iterator[str]:
    """Yield the options and the analysis."""
    asked = circuit.analysis
    yield "control\n"
    residuals = int(circuit.array.symmetry == "shared")  # at nano-ohms residuals are rounding, not error
    yield f'  options tran_method="gear2" nr_residualcheck={residuals}\n'
    yield saved(circuit)
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
    """Return the transient from state zero, or from the circuit's start where devices have a state."""
    unit, asked = circuit.electrical.time_constant, circuit.analysis
    times = f"step={0.01 * unit!r} stop={asked.stop * unit!r} maxstep={asked.max_step * unit!r}"
    return f"tran {times} {begun(circuit)}"


def guessed(circuit: Circuit) -> dict[str, float]:
    """Return the nodesets: a two-device array has no nodes m_X."""
    shared = circuit.array.symmetry == "shared"
    return {node: volts for node, volts in circuit.guessed().items() if shared or not node.startswith("m_")}
