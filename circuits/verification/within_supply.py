"""Whether states and drives stayed within the supply of the amplifiers, in every simulation: looked at, not assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from circuits.circuit.electrical import Electrical
from circuits.circuit.layout import Layout
from circuits.simulators.waveforms import Waveforms


def volts(layout: Layout, waves: Sequence[Waveforms]) -> dict[str, float]:
    """Return the largest volts of a state and of a drive, of any time, and the supply; empty without amplifiers."""
    if layout.choices.amplifier != "opamp":
        return {}
    return {
        "largest_state_volts": max(wave.largest("s") for wave in waves),
        "largest_drive_volts": max(wave.largest("m") for wave in waves),
        "v_supply": Electrical().v_supply,
    }


def reasons(found: Mapping[str, float]) -> list[str]:
    """Return which nodes of `volts` left the supply, and the remedy."""
    return [
        f"a {kind} reaches {found[f'largest_{kind}_volts']:.2f} V, beyond the supply of {found['v_supply']:g} V: its "
        "image goes further than the chip's examples"
        for kind in ("state", "drive")
        if found and not found[f"largest_{kind}_volts"] <= found["v_supply"]
    ]
