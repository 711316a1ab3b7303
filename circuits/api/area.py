"""How many mm2: the area of a chip or of one of the paper's models, with its interval and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from circuits.area.architecture import Architecture
from circuits.area.estimate import Interval, estimate, scenario
from circuits.area.networks import TABLE_3, Model, chip_model, paper_model
from circuits.area.sharing import SHARING
from circuits.area.technology import load_technology
from circuits.area.transistor_neuron import with_neuron
from crossbar.chip import Chip, load_chip
from crossbar.errors import InvalidValue, unknown_name


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class AreaResult:
    """The area of one chip.

    Attributes
    ----------
    name : str
    node : int
        nm.
    architecture : Architecture
        Tiles, cells and layout it was counted with.
    sharing : str
        What encoder and decoder share, where they are two networks.
    total : Interval
        mm2: `low`, `typical` and `high` of the sourced numbers, `p5`, `p50` and `p95` over draws of them.
    components : mapping of str to Interval
        mm2 of each part; their typical values add up to the total's.
    n_memristors, n_neurons : int

    Examples
    --------
    >>> import circuits
    >>> result = circuits.area("tdh-vae", node=65)
    >>> result.total.p5 < result.total.p50 < result.total.p95
    True
    """

    name: str
    node: int
    architecture: Architecture
    sharing: str
    total: Interval
    components: Mapping[str, Interval]
    n_memristors: int
    n_neurons: int

    def __repr__(self) -> str:
        parts = sorted(self.components.items(), key=lambda item: -item[1].p50)
        largest = ", ".join(f"{name} {part.p50:.3g}" for name, part in parts[:3])
        return (
            f"AreaResult({self.name} at {self.node} nm: {self.total.p50:.3g} mm2, 90 % of draws in "
            f"[{self.total.p5:.3g}, {self.total.p95:.3g}]; largest parts (mm2): {largest}; "
            f"{self.n_memristors:,} memristors, {self.n_neurons:,} neurons)"
        )


def area(
    chip: Chip | str | Path,
    node: int = 65,
    *,
    sharing: str = "two-chips",
    neuron: str = "assumed",
    matching: float = 1.0,
    technology: str | Path | None = None,
    draws: int = 4000,
    seed: int = 0,
    **architecture: Any,
) -> AreaResult:
    """Return how much silicon a chip takes: an inventory of its circuits times what each measures.

    A = routing sum_k n_k a_k(node) + pads, with a_k from sourced tables of low, typical and high values
    (data/technology/area.toml); docs/area.md has the floor plan and what is left out. Neurons that are not alike
    measure what perfect ones do: what it takes to make them alike is `matching`.

    Parameters
    ----------
    chip : Chip, str or Path
        A chip, its file or run folder, or a model of the paper's table 3: f-vae, h-vae, dh-vae, tdh-vae.
    node : int
        Technology node, nm: 130, 65, 32 or 22.
    sharing : {"two-chips", "shared-io", "shared-neurons"}
        What encoder and decoder share, where they are two networks.
    neuron : {"assumed", "sky130"}
        As the technology assumes it, or of sky130's transistors by SkyWater's design rules, at 130 nm alone.
    matching : float
        How many times less these transistors differ than those drawn: their gates are as much larger, squared.
    technology : str or Path, optional
        TOML file whose parameters replace the shipped ones.
    draws, seed : int
        Of the Monte Carlo percentiles.
    **architecture
        Fields of `circuits.area.architecture.Architecture`: `tile`, `layout`, `weights`, `cell` ...

    Returns
    -------
    AreaResult

    Raises
    ------
    UnknownName
        No such model, sharing or neuron, and no such file.
    InvalidValue
        A node that is not known, or a layout that cannot be meant.

    Examples
    --------
    >>> import circuits
    >>> tied, untied = circuits.area("tdh-vae"), circuits.area("dh-vae")
    >>> tied.total.p50 < untied.total.p50
    True
    """
    if sharing not in SHARING:
        raise unknown_name("sharing", sharing, SHARING)
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 10:
        raise InvalidValue(f"`draws` must be at least 10, but got {draws!r}")
    known = Architecture.__dataclass_fields__
    for word in architecture:
        if word not in known:
            raise unknown_name("field of the architecture", word, known)
    layout = Architecture(**architecture)
    model = _model(chip)
    known_technology = load_technology(None if technology is None else Path(technology))
    conditions = scenario(
        with_neuron(neuron, known_technology, layout, node, matching), node, draws,
        np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[0]),
    )  # fmt: skip
    found = estimate(model, layout, sharing, conditions)
    return AreaResult(
        name=model.name, node=node, architecture=layout, sharing=sharing, total=found.total,
        components=found.components, n_memristors=found.inventory.n_memristors, n_neurons=found.inventory.n_neurons,
    )  # fmt: skip


def _model(chip: Chip | str | Path) -> Model:
    if isinstance(chip, Chip):
        return chip_model(chip)
    if str(chip) in TABLE_3:
        return paper_model(str(chip))
    if not Path(chip).exists():
        raise unknown_name("model, run folder or chip file", str(chip), TABLE_3)
    return chip_model(load_chip(chip), name=str(chip))
