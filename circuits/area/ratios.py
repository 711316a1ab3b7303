"""How much chip tying saves: area ratios of tied to untied chips under every accounting, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from circuits.area.architecture import Architecture
from circuits.area.estimate import Interval, Scenario, model_inventory, total_area
from circuits.area.networks import TABLE_3, Model, paper_model, tied_model, untied_model
from circuits.area.sharing import SHARING
from crossbar.errors import InvalidValue

# What a variant of the accounting changes in the architecture that was asked for.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "": {"layout": "full", "dead_blocks": "drop"},
    "+dead-blocks": {"layout": "full", "dead_blocks": "keep"},
    "+half": {"layout": "half", "dead_blocks": "drop"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A tied model against an untied one."""

    name: str
    tied: Model
    untied: Model


def paper_comparisons() -> tuple[Pair, ...]:
    """Return the comparisons at the paper's sizes and at equal hidden size (table 3 latents: 69 tied, 25 untied)."""
    tied = paper_model("tdh-vae")
    paper = tuple(
        Pair(name=f"tdh-vae / {name}", tied=tied, untied=paper_model(name)) for name in ("dh-vae", "h-vae")
    )
    return (*paper, *(equal_hidden(hidden, topology) for hidden, topology in EQUAL_SIZES))


EQUAL_SIZES = ((TABLE_3["tdh-vae"][0], "dense"), (TABLE_3["dh-vae"][0], "dense"), (TABLE_3["tdh-vae"][0], "layered"))


def equal_hidden(hidden: int, topology: str) -> Pair:
    """Return the comparison of a tied and an untied model with `hidden` hidden neurons each."""
    return Pair(
        name=f"equal hidden {hidden}, {topology}",
        tied=tied_model("tied", hidden, TABLE_3["tdh-vae"][1], topology),
        untied=untied_model("untied", hidden, TABLE_3["dh-vae"][1], topology),
    )


def chip_comparisons(chips: Sequence[Model]) -> tuple[Pair, ...]:
    """Return every tied chip against an untied one of its own size, and against every untied one of `chips`."""
    untied = [model for model in chips if not model.tied]
    return tuple(
        Pair(name=f"{one.name} / {other.name}", tied=one, untied=other)
        for one in chips
        if one.tied
        for other in (_untied_twin(one), *untied)
    )


def _untied_twin(model: Model) -> Model:
    (plan,) = model.plans
    network = plan.network  # type: ignore[attr-defined]  # a chip holds Hopfield networks only
    sizes = dict(network.blocks)
    pixels, latent = sizes.pop("pixels"), sizes.pop("latent")
    laws = network.laws if network.names == ("pixels", "hidden", "latent") else ()
    return untied_model("untied of its size", sum(sizes.values()), latent, network.topology, pixels, laws)


def accountings(architecture: Architecture) -> dict[str, tuple[str, Architecture]]:
    """Return every accounting by name: what the untied networks share, and the architecture of both chips."""
    return {
        sharing + suffix: (sharing, replace(architecture, **changes))
        for suffix, changes in VARIANTS.items()
        for sharing in SHARING
    }


def area_ratio(comparison: Pair, sharing: str, architecture: Architecture, conditions: Scenario) -> Interval:
    """Return tied area over untied area, with the same values (and the same draws) for both chips."""
    ratios = ratio_draws(comparison, sharing, architecture, conditions)
    return Interval.of(tuple(float(ratio) for ratio in ratios[:3]), ratios[3])


def ratio_draws(comparison: Pair, sharing: str, architecture: Architecture, conditions: Scenario) -> list:
    """Return the ratio at the low, typical and high point, and over the draws (n,).

    Raises
    ------
    InvalidValue
        The untied chip has no area.
    """
    totals = []
    for model in (comparison.tied, comparison.untied):
        points, draws = conditions.areas(model_inventory(model, architecture, sharing), architecture)
        totals.append([total_area(areas) for areas in (*points, draws)])
    if not all(np.all(untied > 0) for untied in totals[1]):
        raise InvalidValue(
            f"{comparison.untied.name} has no area with this technology: give its circuits areas above 0"
        )
    return [np.asarray(tied / untied) for tied, untied in zip(*totals, strict=True)]


def ratio_table(
    comparisons: Sequence[Pair], architecture: Architecture, conditions: Scenario
) -> dict[str, dict[str, Interval]]:
    """Return the ratio of every comparison under every accounting: {accounting: {comparison: interval}}."""
    return {
        name: {comparison.name: area_ratio(comparison, sharing, variant, conditions) for comparison in comparisons}
        for name, (sharing, variant) in accountings(architecture).items()
    }
