"""What memristors that are no resistors add to the error of a state, by model or as measured of one's own."""

from __future__ import annotations

from circuits.circuit.layout import Layout
from circuits.memristors.own import OwnMemristor

LARGEST = 1e-2  # of a memristor of one's own, however far its curves bend
TOLERANCES = {"linear": 0.0, "vteam": 0.0, "yakopcic": 1e-4, "stanford": 1e-2}  # their curves bend at v_read


def tolerance(layout: Layout) -> float:
    """Return the error of a state that the memristors of `layout` are allowed."""
    device = layout.choices.device
    if isinstance(device, str):
        return TOLERANCES[device]
    return min(device.tolerance(signs=2 if _both_signs(layout) else 1), LARGEST)


def reasons(layout: Layout) -> list[str]:
    """Return why a memristor of one's own may not hold the chip: what was measured of it that is not allowed."""
    device = layout.choices.device
    if isinstance(device, str):
        return []
    said = []
    if _both_signs(layout) and device.asymmetry > LARGEST:
        said.append(
            f"{device} conducts up to {device.asymmetry:.0%} more or less at negative voltages; a shared array and "
            "linear neurons read both ways: take --symmetry two-device, and neurons of the paper"
        )
    for value, what in ((device.bend, "below its read voltage"), (device.drift, f"over {device.held:g} s of reading")):
        if value > LARGEST:
            said.append(f"the conductance of {device} changes by up to {value:.1%} {what}: lower `read_voltage`")
    return said


def measured(device: str | OwnMemristor) -> dict[str, float] | None:
    """Return what was measured of a memristor of one's own, in plain numbers."""
    if isinstance(device, str):
        return None
    low, high = device.table.range
    return {
        "g_min": low, "g_max": high, "read_voltage": device.read_voltage, "table_error": device.error,
        "bend": device.bend, "asymmetry": device.asymmetry, "drift": device.drift, "held": device.held,
    }  # fmt: skip


def _both_signs(layout: Layout) -> bool:
    shared = any(array.symmetry == "shared" for array in layout.arrays.values())
    return shared or any(law.follows for network in layout.chip.networks.values() for law in network.laws)
