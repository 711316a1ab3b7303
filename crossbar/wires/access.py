"""The access device of a cell: the transistor or the selector that a memristor stands behind (1T1R, 1S1R).

Reads, and the verifying reads of programming, find the two in series: I / V at the read voltage, less than the device's
own conductance. Pulses, faults and time act on the device itself. So an array of such cells holds

    G_seen = I(G, V_read) / V_read,    from G_seen(g_min) to G_seen(g_max),

and what is to be written so that a cell reads as wanted is `SelectedCell.written`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossbar.devices.mapping import Mapping
from crossbar.errors import InvalidValue
from crossbar.numerics import checks
from crossbar.wires.cells import SelectedCell

KINDS = {"transistor": ("R",), "selector": ("I_S", "V_S", "R")}
LEAST = {"transistor": 1, "selector": 2}  # numbers that a text must give


@dataclass(frozen=True, slots=True)
class Access:
    """What stands in series with every device of an array, and the voltage that cells are read at.

    A transistor is ohmic, so that such an array reads alike at every voltage. Behind a selector conductances are those
    at `volts`, and so are all reads: that smaller signals find less is left out.

    Attributes
    ----------
    cell : SelectedCell
    volts : float
        Of a read, V.

    Raises
    ------
    InvalidValue
        A voltage that is not positive, a law of another kind.

    Examples
    --------
    A device of 100 uS behind a transistor of 10 kilohm reads as one of 50 uS:

    >>> import numpy as np
    >>> from crossbar.wires import Access, SelectedCell
    >>> access = Access(SelectedCell(r=1e4))
    >>> access.seen(np.array([1e-4])).tolist(), access.written(np.array([5e-5])).tolist()
    ([5e-05], [0.0001])
    """

    cell: SelectedCell
    volts: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(self.cell, SelectedCell):
            raise InvalidValue(f"`cell` must be a SelectedCell, but got {self.cell!r}")
        checks.positive("volts", self.volts)

    def seen(self, conductances: np.ndarray) -> np.ndarray:
        """Return what reads find of devices of `conductances` (S), S."""
        return self.cell.current(conductances, np.asarray(self.volts)) / self.volts

    def written(self, seen: np.ndarray) -> np.ndarray:
        """Return the conductances (S) of the devices that reads find as `seen` (S).

        Raises
        ------
        InvalidValue
            More than any device reads as.
        """
        return self.cell.written(seen * self.volts, np.asarray(self.volts))

    def devices(self, mapping: Mapping) -> Mapping:
        """Return the mapping of the devices themselves, where `mapping` is that of reads.

        Both put g_min and g_max at the same places of a plane.
        """
        low, high = self.written(np.array([mapping.g_min, mapping.g_max])).tolist()
        scale = (high - low) / (mapping.g_max - mapping.g_min)
        origin = min(max(low + scale * (mapping.origin - mapping.g_min), low), high)
        return replace(
            mapping, g_min=low, g_max=high, origin=origin, siemens_per_weight=scale * mapping.siemens_per_weight
        )


def access(text: str, volts: float = 0.1) -> Access:
    """Return the access device that `text` names: ``transistor:R`` or ``selector:I_S,V_S[,R]``, in ohm, A and V.

    Raises
    ------
    InvalidValue
        Another name, numbers that are none, too many or too few.

    Examples
    --------
    >>> access("transistor:1e4").cell.r
    10000.0
    >>> access("selector:1e-9,0.06", volts=0.3).cell.v_s
    0.06
    """
    kind, _, rest = text.partition(":")
    known = " or ".join(f"{name}:{','.join(numbers)}" for name, numbers in KINDS.items())
    try:
        given = [float(one) for one in rest.split(",")]
    except ValueError:
        given = []
    if kind not in KINDS or not LEAST[kind] <= len(given) <= len(KINDS[kind]):
        raise InvalidValue(f"an access device is {known} (ohm, A, V; the last R may be left out), but got {text!r}")
    if kind == "transistor":
        return Access(SelectedCell(r=given[0]), volts)
    i_s, v_s, *r = given
    return Access(SelectedCell(r=r[0] if r else 0.0, i_s=i_s, v_s=v_s), volts)
