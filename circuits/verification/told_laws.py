"""Which neurons a netlist says it has, beside the chip's: the cells of each; gains, offsets, leaks and limits."""

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
    "saturating": {"state": "integrator", "line": "follower", "supply": "supply"},
}
"""The cells that each law must have: written here once more, as the exporter's own table has no part in the proof."""
STEEP = ("neuron", "driver")
HAVE = {"gain": ("neuron", "driver", "integrator", "follower", "supply"),
        "offset": ("neuron", "driver", "follower", "supply"), "leak": ("neuron", "integrator"),
        "pull": ("neuron", "integrator"), "ceiling": ("supply",)}  # fmt: skip
"""The cells in which each number of a neuron acts, once more too."""
SHOWN = 3


def problems(network: Network, found: Netlist) -> Iterator[str]:
    """Yield which neurons of the file have not the cells of their law, and which cells are told a number in vain."""
    wrong: list[str] = []
    vain: dict[str, list[str]] = {}
    taken = _taken(found)
    for name, law in _pairs(network, found):
        for part, (cell, told) in found.laws.get(name, {}).items():
            if cell != CELLS[law.name].get(part):
                wrong.append(f"{name} has the {part} of a {cell}, not of a {law.name} neuron")
            for number in told:
                if cell not in HAVE[number] or number not in taken.get(cell, HAVE):
                    vain.setdefault(number, []).append(name)
    if wrong:
        yield f"{len(wrong)} cells are not those of the chip's neurons: {'; '.join(wrong[:SHOWN])}"
    for number, names in vain.items():
        yield f"{len(names)} cards tell a number, {number}, that their cell does not take: {', '.join(names[:SHOWN])}"


def gain_error(network: Network, found: Netlist) -> float:
    """Return the largest difference of a gain over the chip's: the law's times the neuron's own where rho is."""
    common = found.parameters.get("gain", np.nan)
    own = dict(zip(found.neurons, _own(network, "gain", len(found.neurons)), strict=True))
    laws = {name: law.gain for name, law in _pairs(network, found)}
    errors = [0.0]
    for name, cell, told in _told(found, "gain", common):
        errors.append(abs(told / (own[name] * (laws[name] if cell in STEEP else 1.0)) - 1))
    steep = {law.gain for law in network.laws if not law.follows}
    if len(steep) == 1 and network.mismatch is None and "gain" in found.parameters:
        errors.append(abs(common / steep.pop() - 1))
    return float(np.max(errors))  # NaN stays NaN


def offset_error(network: Network, found: Netlist) -> float:
    """Return the largest difference of an offset from the chip's, in units of the state."""
    expected = dict(zip(found.neurons, _own(network, "offset", len(found.neurons)), strict=True))
    return float(np.max([0.0, *(abs(told - expected[name]) for name, _, told in _told(found, "offset", 0.0))]))


def leak_error(network: Network, found: Netlist) -> float:
    """Return the largest difference of a leak over the chip's."""
    expected = dict(zip(found.neurons, _own(network, "leak", len(found.neurons)), strict=True))
    return float(np.max([0.0, *(abs(told / expected[name] - 1) for name, _, told in _told(found, "leak", 1.0))]))


def pull_error(network: Network, found: Netlist) -> float:
    """Return the largest difference of a pull from the chip's, in units of the drive."""
    expected = dict(zip(found.neurons, _own(network, "pull", len(found.neurons)), strict=True))
    return float(np.max([0.0, *(abs(told - expected[name]) for name, _, told in _told(found, "pull", 0.0))]))


def limit_error(network: Network, found: Netlist) -> float:
    """Return the largest difference of a supply over the chip's; NaN where a free neuron has none that should."""
    errors = [0.0]
    for name, law in _pairs(network, found):
        cells = found.laws.get(name, {})
        if law.name == "saturating" and "state" in cells:
            told = cells["supply"].numbers.get("ceiling", np.nan) if "supply" in cells else np.nan
            errors.append(abs(told / law.number - 1))
    return float(np.max(errors))  # NaN stays NaN


def _own(network: Network, number: str, size: int) -> list[float]:
    """Return what the chip's neurons have of their own of `number`: of perfect ones 1, offsets 0."""
    if network.mismatch is None:
        return [0.0 if number in ("offset", "pull") else 1.0] * size
    return np.asarray(getattr(network.mismatch, number), np.float64).tolist()


def _told(found: Netlist, number: str, common: float) -> Iterator[tuple[str, str, float]]:
    """Yield a neuron, its cell and the `number` that this has, for each of its cells in which that acts.

    Its card tells it, or the cell's definition, or it is `common` to the file: a gain to cells with rho alone.
    """
    taken = _taken(found)
    for name in found.neurons:
        for cell, told in found.laws.get(name, {}).values():
            if cell in HAVE[number]:
                shared = 1.0 if number == "gain" and cell not in STEEP else common
                yield name, cell, told.get(number, taken.get(cell, {}).get(number, shared))


def _taken(found: Netlist) -> Mapping[str, Mapping[str, float]]:
    """Return which numbers the cells of the file take from a card, with what they are where it tells none."""
    heads = [cell.splitlines()[0].split() for cell in found.cells if cell.startswith(".subckt ")]
    return {words[1]: dict(_defaults(words[2:])) for words in heads if len(words) > 1}


def _defaults(words: list[str]) -> Iterator[tuple[str, float]]:
    for name, _, text in (word.partition("=") for word in words):
        if name in HAVE:
            try:
                yield name, float(text)
            except ValueError:  # of a cell that is not ours, and is told to be foreign
                yield name, np.nan


def _pairs(network: Network, found: Netlist) -> Iterator[tuple[str, Neuron]]:
    laws = [law for law, (_, size) in zip(network.laws, network.blocks, strict=True) for _ in range(size)]
    return zip(found.neurons, laws, strict=True)
