"""The settings that area and energy assume beside those of the exported netlist: both name the same four numbers."""

from __future__ import annotations

from circuits.area.architecture import Architecture
from circuits.area.technology import Point, Technology
from circuits.circuit.electrical import Electrical, Wires
from circuits.circuit.layout import Choices
from circuits.memristors import registry


def netlist_point(technology: Technology) -> Point:
    """Return the typical point with time constant, read voltage and conductance range of `hopbar netlist`."""
    electrical, choices = _exported()
    return technology.point(
        {
            **technology.values("typical").values,
            "time_constant": electrical.time_constant,
            "read_voltage": electrical.v_read,
            "conductance_max": choices.g_max,
            "on_off_ratio": choices.g_max / choices.g_min,
        }
    )


def settings_table(technology: Technology, architecture: Architecture) -> dict[str, tuple[float, float]]:
    """Return by name what the typical energy and what `hopbar netlist` (ideal weights, linear devices) take."""
    typical = technology.values("typical")
    electrical, choices = _exported()
    g_max = float(typical["conductance_max"])
    return {
        "time constant (s)": (float(typical["time_constant"]), electrical.time_constant),
        "read voltage (V)": (float(typical["read_voltage"]), electrical.v_read),
        "largest conductance (S)": (g_max, choices.g_max),
        "smallest conductance (S)": (g_max / float(typical["on_off_ratio"]), choices.g_min),
        "tile (lines)": (architecture.tile, Wires().tile),
    }


def _exported() -> tuple[Electrical, Choices]:
    choices = Choices()
    return Electrical(v_read=registry.read_voltage(choices.device)), choices
