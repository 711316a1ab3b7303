"""The part of the area report on energy and latency: what the supply delivers, and what that means on the die."""

from __future__ import annotations

from collections.abc import Iterator

from circuits.area.estimate import Interval, total_area
from circuits.area.networks import Model
from circuits.costs.study import AreaStudy, EnergyEstimate
from circuits.costs.tables import cell, interval_text
from circuits.energy.cost import energy_parts
from circuits.energy.settings import settings_table
from circuits.energy.tasks import IDLE, assumed_tasks


def energy_section(study: AreaStudy) -> Iterator[str]:
    """Yield the lines of the section on energy and latency; none where no energy was estimated."""
    if not study.energies:
        return
    yield "## Energy and latency"
    yield ""
    yield "What the supply delivers, V_DD times the current of the lines, with buffers, neurons, converters and pulses;"
    yield "beside it what the devices of the arrays dissipate while they are read, a part of it."
    yield ""
    yield "| model | settling | task | time constants | latency (us) | energy (uJ) | in the devices (uJ) | driven by |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, found in study.energies.items():
        for task, cost in found.costs.items():
            drivers = ", ".join(swing.parameter.replace("_", " ") for swing in found.drivers[task][:3])
            kind = "simulated" if found.simulated else "assumed"
            yield (
                f"| {cell(name)} | {kind} | {task} | {interval_text(cost.settle, '.0f')} | {_scaled(cost.latency)} | "
                f"{_scaled(cost.energy)} | {_scaled(cost.dissipated)} | {drivers} |"
            )
    yield ""
    yield from _chip_notes(study)
    yield _round_trips(study)
    yield ""
    yield from _power_densities(study)
    yield from _settings(study)
    yield "Median [5-95 %] for one image. Energies span decades, so they are ranges and never points; the share of"
    yield "writing in `train` rests on the assumed pulses per update. Time constant, neuron power and conductances are"
    yield "drawn apart, though an amplifier that is fast on a heavy line needs power: the frugal end cannot be reached."
    yield ""


def _round_trips(study: AreaStudy) -> str:
    equal = next(comparison for comparison in study.comparisons if comparison.name.startswith("equal hidden"))
    typical = study.conditions.technology.values("typical")

    def joules(model: Model, idle: str) -> float:
        tasks = assumed_tasks(model, study.architecture, idle=idle)
        return sum(float(total_area(energy_parts(tasks[name], typical))) for name in ("encode", "generate"))

    on, off = (joules(equal.tied, idle) / joules(equal.untied, idle) for idle in IDLE)
    return (
        f"Tying {'saves energy too' if max(on, off) < 1 else 'does not save energy'}: at equal settle times (typical "
        f"values, {equal.name}), encoding and generating one image takes the tied chip **{on:.2f}** times what it "
        "takes the untied ones if its encoding drives the columns and neurons that only decoding needs, and "
        f"**{off:.2f}** times if the columns into clamped neurons and the circuits of these are off meanwhile, by the "
        "switches that the lines' ends have anyway."
    )


def _power_densities(study: AreaStudy) -> Iterator[str]:
    """Yield what the power of a settling chip means on its area: 1 W on 1 mm2 are 100 W/cm2."""
    yield "Power while settling, at the typical point, spread over all dies of a model:"
    yield ""
    yield "| model | encode (W) | generate (W) | on (mm²) | W/cm², the larger |"
    yield "|---|---|---|---|---|"
    for name, found in study.energies.items():
        encode, generate = (found.costs[task].power.typical for task in ("encode", "generate"))
        area = study.estimates[name].total.typical
        density = 100 * max(encode, generate) / area
        yield f"| {cell(name)} | {encode:.2f} | {generate:.2f} | {area:.1f} | {density:.0f} |"
    yield ""
    yield "Untied networks settle in turn, so the die that works bears more than this mean. The package has to bear it"
    yield "unless the chip settles in bursts, or with smaller conductances or voltages."
    yield ""


def _settings(study: AreaStudy) -> Iterator[str]:
    """Yield the settings of the energy beside those that `hopbar netlist` writes, and the energy at the latter."""
    table = settings_table(study.conditions.technology, study.architecture)
    yield "The exported netlist has settings of its own (docs/netlist.md), which the energies above do not take:"
    yield ""
    yield "| setting | here, typical | `hopbar netlist` |"
    yield "|---|---|---|"
    for name, (here, exported) in table.items():
        yield f"| {name} | {here:g} | {exported:g} |"
    for name, found in study.energies.items():
        encode, generate = (found.as_exported[task] * 1e6 for task in ("encode", "generate"))
        row = f"typical energy of {cell(name)}: encode, generate (uJ)"
        yield f"| {row} | {_typical(found)} | {encode:.3g}, {generate:.3g} |"
    yield ""


def _typical(found: EnergyEstimate) -> str:
    return ", ".join(f"{found.costs[task].energy.typical * 1e6:.3g}" for task in ("encode", "generate"))


def _chip_notes(study: AreaStudy) -> Iterator[str]:
    for name, found in study.energies.items():
        if not found.simulated:
            continue
        images, stuck = found.costs["encode"].n_simulated, found.costs["train"].n_unsettled
        phases = found.costs["train"].n_simulated
        origin = ", ".join(f"{key} {found.origin[key]}" for key in ("step", "seed", "commit") if key in found.origin)
        quiet = found.idle_off
        yield (
            f"- {cell(name)} ({cell(origin) or 'no provenance'}): trajectories of eq. (3) for {images} images, of "
            f"whose {phases} phases {stuck} had not settled within the simulated time. With the columns into clamped "
            f"neurons and the circuits of these switched off, encoding takes {_scaled(quiet['encode'].energy)} uJ and "
            f"generating {_scaled(quiet['generate'].energy)} uJ."
        )
    yield ""


def _scaled(interval: Interval) -> str:
    return f"{interval.p50 * 1e6:.2g} [{interval.p5 * 1e6:.2g}-{interval.p95 * 1e6:.2g}]"
