"""An area study as plain data, for ``hopbar area --json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from circuits.area import transistor_neuron, wire_lengths
from circuits.area.estimate import AreaEstimate
from circuits.area.inventory import n_converters
from circuits.area.sensitivity import Swing
from circuits.area.technology import Technology, load_technology
from circuits.costs.study import AreaStudy, EnergyEstimate, area_swings, ratio_swings
from circuits.energy.cost import Cost

DECIMALS = 6  # significant digits of what is printed


def study_record(study: AreaStudy) -> dict:
    """Return `study` as nested dicts of numbers: ``models`` by name, ``ratios`` by accounting."""
    conditions = study.conditions
    record = {
        "node": conditions.node,
        "note": conditions.technology.note(conditions.node),
        **asdict(study.architecture),
        "untied": study.sharing,
        "neuron": neuron_record(study),
        "seed": study.seed,
        "draws": len(conditions.draws["routing"]),
        "models": {name: _model(study, found) for name, found in study.estimates.items()},
        "ratios": {
            accounting: {name: asdict(interval) for name, interval in row.items()}
            for accounting, row in study.ratios.items()
        },
        "sensitivity": _sensitivity(study),
        "parameters": _parameters(conditions.technology),
    }
    return {key: _rounded(value) for key, value in record.items()}


def neuron_record(study: AreaStudy) -> dict[str, object]:
    """Return which neuron was counted, and what sky130's takes beside the one that the shipped tables assume, um2."""
    beside = transistor_neuron.record(load_technology(), study.architecture, study.matching)
    return {"name": study.neuron, **beside}


def _model(study: AreaStudy, found: AreaEstimate) -> dict:
    record = {
        "tied": found.model.tied,
        "n_memristors": found.inventory.n_memristors,
        "n_neurons": found.inventory.n_neurons,
        "area_mm2": asdict(found.total),
        "components": {name: asdict(interval) for name, interval in found.components.items()},
        "inventory": inventory_record(study, found),
        "floor_plan": wire_lengths.record(
            study.plans[found.model.name], study.conditions.technology, study.conditions.node
        ),
    }
    if found.model.name in study.energies:
        record["energy"] = energy_record(study.energies[found.model.name])
    return record


def inventory_record(study: AreaStudy, found: AreaEstimate) -> dict[str, int]:
    """Return how many of each circuit a model has; converters at the typical number of lines each."""
    counts = found.inventory
    typical = study.conditions.technology.values("typical")
    return {
        "memristors": counts.n_memristors,
        "replicas": counts.tiles.n_replicas,
        "weights": counts.tiles.n_weights,
        "tiles": counts.tiles.n_tiles,
        "line_ends": counts.tiles.n_line_ends,
        "tile_columns": counts.tiles.n_tile_columns,
        "neurons": counts.n_neurons,
        "neurons_with_rho": counts.n_with_rho,
        "neurons_with_slope": counts.n_with_slope,
        "capacitors": counts.n_capacitors,
        "buffers": counts.n_buffers,
        "clamps": counts.n_clamps,
        "role_selects": counts.n_role_selects,
        "multiplexers": counts.n_multiplexers,
        "dacs": int(n_converters(counts.dac_lines, typical["lines_per_dac"])),
        "adcs": int(n_converters(counts.adc_lines, typical["lines_per_adc"])),
        "memory_bits": int(counts.n_remembered * typical["bits_per_line"]),
        "controllers": counts.n_controllers,
        "dies": counts.n_dies,
    }


def energy_record(found: EnergyEstimate) -> dict:
    """Return the costs of every task: latency in s, energy in J, settle time in time constants."""
    record: dict = {name: _cost(cost, found.drivers[name]) for name, cost in found.costs.items()}
    for name, cost in found.idle_off.items():
        record[name]["energy_j_idle_off"] = asdict(cost.energy)
        record[name]["typical_energy_j_as_exported"] = found.as_exported[name]
    return {"settling": "simulated" if found.simulated else "assumed", **record}


def _cost(cost: Cost, drivers: Sequence[Swing]) -> dict:
    return {
        "latency_s": asdict(cost.latency),
        "energy_j": asdict(cost.energy),
        "array_dissipation_j": asdict(cost.dissipated),
        "settling_power_w": asdict(cost.power),
        "parts_j": {name: asdict(interval) for name, interval in cost.parts.items()},
        "settle_time_constants": asdict(cost.settle),
        "n_simulated": cost.n_simulated,
        "n_unsettled": cost.n_unsettled,
        "drivers_j": _swings(drivers),
    }


def _sensitivity(study: AreaStudy) -> dict:
    conditions = study.conditions
    areas = {
        name: _swings(area_swings(found.model, study.architecture, study.sharing, conditions))
        for name, found in study.estimates.items()
    }
    ratios = {
        comparison.name: _swings(ratio_swings(comparison, "shared-io", study.architecture, conditions))
        for comparison in study.comparisons
    }
    return {"area_mm2": areas, "ratio_shared_io": ratios}


def _swings(found: Sequence[Swing]) -> dict[str, dict[str, float]]:
    return {swing.parameter: {"low": swing.low, "high": swing.high} for swing in found}


def _parameters(technology: Technology) -> dict:
    return {
        name: {key: value for key, value in asdict(parameter).items() if key != "name"}
        for name, parameter in technology.parameters.items()
    }


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    return float(f"{value:.{DECIMALS}g}") if isinstance(value, float) else value
