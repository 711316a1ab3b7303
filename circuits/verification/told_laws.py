"""Which neurons a netlist says it has, beside the chip's: the cells of each, and their gains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from circuits.dialects.reader import Netlist
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Neuron

CELLS = {
    "sigmoid": {"state": "neuron", "line": "driver"},
    "classical": {"state": "integrator", "line": "driver"},
    "linear": {"state": "integrator", "line": "follower"},
}
"""The cells that each law must have: written here once more, as the exporter's own table has no part in the proof."""
STEEP = ("neuron", "driver")
SHOWN = 3


def problems(network: Network, found: Netlist) -> Iterator[str]:
    """Yield which neurons of the file have not the cells of their law, and which cells are told a gain in vain."""
    wrong, vain, own = [], [], _own_gain(found)
    for name, law in _pairs(network, found):
        for part, (cell, gain) in found.laws.get(name, {}).items():
            if cell != CELLS[law.name][part]:
                wrong.append(f"{name} has the {part} of a {cell}, not of a {law.name} neuron")
            if gain is not None and own.get(cell) is False:
                vain.append(name)
    if wrong:
        yield f"{len(wrong)} cells are not those of the chip's neurons: {'; '.join(wrong[:SHOWN])}"
    if vain:
        yield f"{len(vain)} cards tell a gain that their cell does not take: {', '.join(vain[:SHOWN])}"


def gain_error(network: Network, found: Netlist) -> float:
    """Return the largest difference of a gain over the chip's; 0 where no cell of the file has one."""
    own, common = _own_gain(found), found.parameters.get("gain", np.nan)
    errors = [0.0]
    for name, law in _pairs(network, found):
        for cell, told in found.laws.get(name, {}).values():
            if cell in STEEP and law.name != "linear":
                gain = told if told is not None else 1.0 if own.get(cell) else common
                errors.append(abs(gain / law.gain - 1))
    steep = {law.gain for law in network.laws if law.name != "linear"}
    if len(steep) == 1:
        errors.append(abs(common / steep.pop() - 1))
    return float(np.max(errors))  # NaN stays NaN


def _own_gain(found: Netlist) -> Mapping[str, bool]:
    """Return which cells of the file take the gain that a card tells, by the definitions that it holds."""
    heads = [cell.splitlines()[0].split() for cell in found.cells if cell.startswith(".subckt ")]
    return {words[1]: any(word.startswith("gain=") for word in words) for words in heads if len(words) > 1}


def _pairs(network: Network, found: Netlist) -> Iterator[tuple[str, Neuron]]:
    laws = [law for law, (_, size) in zip(network.laws, network.blocks, strict=True) for _ in range(size)]
    return zip(found.neurons, laws, strict=True)
