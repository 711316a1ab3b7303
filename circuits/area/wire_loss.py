"""How much of a column's current the wires of a tile lose, and which tiles are therefore too large to build."""

from __future__ import annotations

import numpy as np

from circuits.area.technology import Technology
from crossbar.errors import InvalidValue


def current_share(tile: int, conductance: float, wire_resistance: float) -> float:
    r"""Return the share of the ideal column current that arrives in a tile whose devices are all alike.

    A line of n segments r that leaks g a cell is a ladder; its mean voltage, and by reciprocity the mean share of a
    current that reaches its end, is

    .. math:: a(n) = \tanh(k n) / (k n), \qquad k = \sqrt{r g},

    and word and bit line together give a(n)^2. This continuum estimate neglects that the two lines interact; the tests
    hold it against the exact solution of `crossbar.wires.solver`.

    Parameters
    ----------
    tile : int
        Rows and columns n.
    conductance : float
        Mean conductance g of a device, in siemens.
    wire_resistance : float
        Resistance r of one segment, in ohm.
    """
    length = tile * np.sqrt(wire_resistance * conductance)
    return 1.0 if length == 0 else float((np.tanh(length) / length) ** 2)


def check_tile(tile: int, technology: Technology) -> None:
    """Raise InvalidValue if a tile loses more in its wires than `technology` allows, at its typical values."""
    point = technology.values("typical")
    conductance = float(point["conductance_max"] / point["on_off_ratio"])
    resistance, limit = float(point["wire_resistance"]), float(point["wire_loss_limit"])
    loss = 1 - current_share(tile, conductance, resistance)
    if loss <= limit:
        return
    powers = [2**power for power in range(12, 2, -1)]
    sizes = [size for size in powers if 1 - current_share(size, conductance, resistance) <= limit]
    advice = f"choose `--tile {sizes[0]}` or smaller" if sizes else "lower `wire_resistance`"
    raise InvalidValue(
        f"`tile` must lose at most {limit:.0%} of a column's current in its wires, but {tile} loses {loss:.0%} at "
        f"{resistance:g} ohm a segment and {conductance * 1e6:g} uS a device: {advice}, or give other values "
        "with --technology"
    )
