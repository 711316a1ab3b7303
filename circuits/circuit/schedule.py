"""What happens when: clamps that open, nudges that come on, and the analysis that is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.circuit.circuit import Circuit, NudgeSource, Turn
from circuits.circuit.comments import comment

RISE = 0.01  # of a time constant: how long a control voltage takes to change


def schedule(circuit: Circuit) -> Iterator[str]:
    """Yield the control sources and the analysis of `circuit`."""
    if circuit.nudge is not None:
        yield from nudging(circuit, circuit.nudge)
    if circuit.turn is not None:
        yield from turning(circuit, circuit.turn)
    yield from analysis(circuit)


def nudging(circuit: Circuit, nudge: NudgeSource) -> Iterator[str]:
    """Yield the nudge of every free neuron that has one: free until mark 1, +beta until 2, -beta until 3."""
    unit = circuit.electrical.time_constant
    free, plus, _ = (mark * unit for mark in circuit.analysis.marks.values())
    rise, beta = RISE * unit, float(nudge.beta)
    levels = [(0.0, 0.0), (free, 0.0), (free + rise, beta), (plus, beta), (plus + rise, -beta)]
    yield "Vbeta beta 0 PWL(" + " ".join(f"{time!r} {level!r}" for time, level in levels) + ")\n"
    rows = np.stack([nudge.offset, nudge.linear, nudge.exponential])
    for index in np.flatnonzero(~circuit.clamped & rows.any(axis=0)):
        name = circuit.names[index]
        offset, linear, exponential = rows[:, index].tolist()
        yield (f"Xnudge_{name} s_{name} beta nudge offset={offset!r} linear={linear!r} exponential={exponential!r}\n")


def turning(circuit: Circuit, turn: Turn) -> Iterator[str]:
    """Yield the switches of the single chip.

    Until mark "encode" the pixels are clamped and the latents tracked. Then the latents are held and clamped to
    their samples, and the pixels and hidden neurons are reset to 0 (the initial state of decoding) until mark
    "reset"; from there on they settle.
    """
    unit, volt = circuit.electrical.time_constant, circuit.electrical.v_state
    encode, reset = circuit.analysis.marks["encode"] * unit, circuit.analysis.marks["reset"] * unit
    rise = RISE * unit
    apart = 2 * rise
    yield f"Vtrack track 0 PWL(0 1 {encode!r} 1 {encode + rise!r} 0)\n"
    yield f"Vencode encode 0 PWL(0 1 {encode + apart!r} 1 {encode + apart + rise!r} 0)\n"
    on = f"0 0 {encode + 2 * apart!r} 0 {encode + 2 * apart + rise!r} 1"
    yield f"Vdecode decode 0 PWL({on})\n"
    yield f"Vreset reset 0 PWL({on} {reset!r} 1 {reset + rise!r} 0)\n"
    latents = set(turn.latents.tolist())
    for index, name in enumerate(circuit.names):
        if circuit.clamped[index]:
            yield f"Vinput_{name} x_{name} 0 {volt * float(circuit.held[index])!r}\n"
            yield f"Sencode_{name} s_{name} x_{name} encode 0 gate\n"
        if index not in latents:
            yield f"Sreset_{name} s_{name} 0 reset 0 gate\n"
    for index, draw in zip(turn.latents.tolist(), turn.noise.tolist(), strict=True):
        name = circuit.names[index]
        yield f"Xhold_{name} s_{name} h_{name} track sample_hold\n"
        yield f"Xnoise_{name} h_{name} z_{name} noise eps={float(draw)!r}\n"
        yield f"Sdecode_{name} s_{name} z_{name} decode 0 gate\n"


def analysis(circuit: Circuit) -> Iterator[str]:
    """Yield the options, what is kept, and the analysis; a measurement of the last state of every free neuron."""
    asked = circuit.analysis
    free = [name for index, name in enumerate(circuit.names) if circuit.turn is not None or not circuit.clamped[index]]
    smallest = asked.vntol * circuit.electrical.v_state
    yield (
        f".options method=gear reltol={asked.reltol!r} abstol={asked.abstol!r} vntol={smallest!r} "
        f"chgtol={asked.chgtol!r} gmin=1e-18 itl1=60 itl4=60\n"
    )
    for name in free:
        yield f".save v(s_{name})\n"
    if circuit.amplifier == "opamp":
        yield from (f".save v(m_{name})\n" for name in circuit.names)
    if asked.kind == "op":
        yield from (f".nodeset v({node})={volts!r}\n" for node, volts in circuit.guessed().items())
        yield ".op\n"
        return
    unit = circuit.electrical.time_constant
    stop = asked.stop * unit
    at = 0.999 * stop
    if circuit.generation is not None:
        stop, at = circuit.generation.stop() * unit, stop
    yield f".tran {0.01 * unit!r} {stop!r} 0 {asked.max_step * unit!r} uic\n"
    for name in free:
        yield f".meas tran {name} find v(s_{name}) at={at!r}\n"
    if circuit.expected is not None:
        yield comment("expected by the simulator of Hopbar, with the chip's own weights:")
        places = {name: index for index, name in enumerate(circuit.names)}
        for name in free:
            yield comment(f"expected {name} = {float(circuit.expected[places[name]]):.9e}")
