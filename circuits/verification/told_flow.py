"""What the netlist of a flow tells beside weights and cells: its noise, its slow capacitors and its clock."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.circuit.electrical import Electrical
from circuits.circuit.names import neuron_names
from circuits.dialects.reader import Netlist
from crossbar.chip import FLOW, Chip

ALLOWED = 1e-9  # of a frequency and of a capacitance


def start_error(chip: Chip, noise: np.ndarray, found: Netlist) -> float:
    """Return the largest difference of a first state from `noise` (n_pixels,); NaN where pixels lack one."""
    names = neuron_names(chip.networks[FLOW], chip.image_shape)[chip.networks[FLOW].block("pixels")]
    told, slow = [found.cards.get("neuron", {})], found.cards.get("start", {})
    if slow:  # without capacitors of their own, pixels start as all neurons do; `problems` misses those
        told.append(slow)
    if any(not set(names) <= set(one) for one in told) or not set(slow) <= set(names):
        return float("nan")
    return float(max(np.abs([one[name] for name in names] - noise).max() for one in told))


def problems(chip: Chip, electrical: Electrical, slowness: float, found: Netlist) -> Iterator[str]:
    """Yield what of the file's clock and capacitors is not that of the chip at `slowness`, and which neurons start."""
    network = chip.networks[FLOW]
    names = np.array(neuron_names(network, chip.image_shape))
    hertz = 1 / (2 * slowness * electrical.time_constant)
    clock = names[network.block("pixels").stop : network.block("hidden").start].tolist()
    half = len(clock) // 2
    extra = (slowness - 1) * electrical.c_state
    expected = {
        "cosine": {clock[k]: k * hertz for k in range(1, half)},
        "sine": {clock[half + k]: (k + 1) * hertz for k in range(half)},
        "clamp": dict.fromkeys(clock[:1], electrical.v_state),
        "amplitude": dict.fromkeys(clock[1:], electrical.v_state),
        "slow": dict.fromkeys(names[network.block("pixels")].tolist(), extra) if extra else {},
    }
    for kind, wanted in expected.items():
        told = found.cards.get(kind, {})
        if set(told) != set(wanted) or any(
            not abs(told[name] - value) <= ALLOWED * abs(value) for name, value in wanted.items()
        ):
            yield f"its {kind} cards are not those of a flow of {slowness:g} time constants (--slow)"
    first = found.cards.get("neuron", {})
    if any(first.get(name) for name in names[network.block("hidden")]):
        yield "its hidden neurons do not start at zero"
