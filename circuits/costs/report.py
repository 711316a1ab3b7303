"""The report of an area study: docs/results/area.md and its pictures, all from the study's own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from circuits.area.estimate import Interval
from circuits.area.networks import TABLE_3
from circuits.area.technology import Technology
from circuits.costs import figures as area_figures
from circuits.costs.energy_report import energy_section
from circuits.costs.merits import find_runs, read_evaluation
from circuits.costs.study import AreaStudy, area_swings, merits, ratio_swings
from circuits.costs.tables import cell, interval_text
from crossbar.errors import MissingFile

QUOTED = "shared-io"  # the accounting of the sensitivity picture: one die, which is how an untied chip would be built
NEAR_HALF = 0.55  # a ratio below it counts as one half
_NAMES = {
    "": "sensible design: no devices into clamped neurons",
    "+dead-blocks": "whole networks, dead blocks built too",
    "+half": "sensible design, one device a pair (half matrix)",
}


def write_pictures(study: AreaStudy, folder: Path, runs: Sequence[Path] = ()) -> list[Path]:
    """Write the pictures of `study` to `folder`, with Frechet distance against area if `runs` holds evaluated runs.

    Raises
    ------
    MissingFile
        `runs` is given but no folder there has an evaluation and a chip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    conditions = study.conditions
    title = f"{conditions.node} nm, untied: {study.sharing}"
    figures = {
        "area-components": area_figures.component_bars(study.estimates, title),
        "area-ratios": area_figures.ratio_intervals(study.ratios),
        "area-floor-plan": area_figures.floor_plans(study.plans),
        "area-sensitivity": area_figures.tornado(_tornado_panels(study)),
    }
    if runs:
        figures["area-pareto"] = area_figures.pareto(_merits(study, runs))
    return [area_figures.save(figure, folder / f"{name}.png") for name, figure in figures.items()]


def write_report(study: AreaStudy, folder: Path, runs: Sequence[Path] = ()) -> Path:
    """Write area.md and its pictures to `folder`; returns the report's path."""
    pictures = write_pictures(study, folder, runs)
    path = folder / "area.md"
    path.write_text("\n".join([*_report(study, pictures), ""]), encoding="utf-8")
    return path


def _tornado_panels(study: AreaStudy) -> dict:
    last = list(study.estimates.values())[-1]
    area = area_swings(last.model, study.architecture, study.sharing, study.conditions)
    comparison = next(found for found in study.comparisons if found.name.startswith("equal hidden"))
    ratio = ratio_swings(comparison, QUOTED, study.architecture, study.conditions)
    return {
        f"area of {last.model.name} (mm²)": (last.total.typical, area),
        f"tied / untied, {comparison.name} ({QUOTED})": (study.ratios[QUOTED][comparison.name].typical, ratio),
    }


def _merits(study: AreaStudy, runs: Sequence[Path]) -> list:
    folders = find_runs(runs)
    if not folders:
        searched = ", ".join(str(path) for path in runs)
        raise MissingFile(f"no run folder with evaluation.json and chip.h5 in {searched}: evaluate a run first")
    evaluations = [read_evaluation(folder) for folder in folders]
    return merits(evaluations, study.architecture, study.sharing, study.conditions)


def _report(study: AreaStudy, pictures: Sequence[Path]) -> Iterator[str]:
    conditions = study.conditions
    yield "# Does tying halve the chip?"
    yield ""
    yield (
        f"Made by `hopbar area --report` ({conditions.node} nm, tiles of {study.architecture.tile}, "
        f"{study.architecture.cell} cells, {study.architecture.weights} weights, {len(conditions.draws['routing'])} "
        f'draws, seed {study.seed}). The claim under test: one network for both roles "could effectively halve the '
        'required chip size" (arXiv:2311.15047, abstract).'
    )
    if note := conditions.technology.note(conditions.node):
        yield f"**Note: {note}.**"
    yield ""
    yield from _verdict(study)
    yield from _ratio_rows(study)
    yield ""
    yield f"![Tied over untied area under every accounting]({pictures[1].name})"
    yield ""
    yield from _areas(study, pictures)
    yield from energy_section(study)
    yield from _sources(conditions.technology)


def _verdict(study: AreaStudy) -> Iterator[str]:
    paper = [comparison for comparison in study.comparisons if comparison.name.startswith("tdh-vae /")]
    equal = next(comparison.name for comparison in study.comparisons if comparison.name.startswith("equal hidden"))
    rows = study.ratios
    whole, sensible, shared = (rows[key][equal] for key in ("two-chips+dead-blocks", QUOTED, "shared-neurons"))
    saved = {name: 1 - rows[QUOTED][name].p50 for name in (equal, *(comparison.name for comparison in paper))}
    halved = ", ".join(f"`{accounting}`" for accounting, row in rows.items() if row[equal].p50 < NEAR_HALF)
    tied, *untied = (TABLE_3[model.name][0] for model in (paper[0].tied, *(comparison.untied for comparison in paper)))
    yield (
        f"**As a count of networks: {'yes' if whole.p50 < NEAR_HALF else 'no'}. As a statement about tying: "
        f"{'no' if sensible.p5 > 0.5 else 'yes'}, it saves {saved[equal]:.0%} of the area at equal hidden size. At the "
        f"paper's own sizes it saves {' and '.join(f'{saved[comparison.name]:.0%}' for comparison in paper)}.** "
        f"Equal is the hidden size only: as in the paper's table 3 the tied networks have {TABLE_3['tdh-vae'][1]} "
        f"latents, the untied ones {TABLE_3['dh-vae'][1]}, of which the encoder gives mean and log variance each."
    )
    yield ""
    yield (
        f"- Two complete networks against one ({equal}, dead blocks built too, two chips): {_ratio(whole)}. At "
        f"equal hidden size the ratio is below {NEAR_HALF} under: {halved or 'no accounting'}."
    )
    yield (
        f"- Built sensibly on one die that shares converters, memory and control: {_ratio(sensible)}; if analog "
        f"neurons are time-shared too: {_ratio(shared)}. An encoder's pixels are clamped, so it needs no neurons and "
        "no weights into them; tying saves no more than such an encoder."
    )
    yield (
        "- At the paper's own sizes (one die, shared converters): "
        + " and ".join(f"{comparison.name} = {_ratio(rows[QUOTED][comparison.name])}" for comparison in paper)
        + f". At equal hidden size tying saves {saved[equal]:.0%}; what differs from that comes from the searched "
        + f"hidden sizes, {tied} against {' and '.join(str(size) for size in untied)}."
    )
    yield ""


def _ratio(interval: Interval) -> str:
    return f"**{interval.p50:.2f}** [{interval.p5:.2f}-{interval.p95:.2f}]"


def _ratio_rows(study: AreaStudy) -> Iterator[str]:
    names = [comparison.name for comparison in study.comparisons]
    yield "Tied area / untied area, median [5-95 %]; both chips share every draw:"
    yield ""
    yield f"| accounting | {' | '.join(cell(name) for name in names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for accounting, row in study.ratios.items():
        yield f"| `{accounting}` | " + " | ".join(interval_text(row[name], ".2f") for name in names) + " |"
    yield ""
    yield "`two-chips`: encoder and decoder are a chip each. `shared-io`: one die, converters, memory and control serve"
    yield "both in turn. `shared-neurons`: analog neurons and line buffers too, through multiplexers. Suffix none:"
    yield _NAMES[""] + ";"
    yield "; ".join(f"`{suffix}`: {text}" for suffix, text in _NAMES.items() if suffix) + "."


def _areas(study: AreaStudy, pictures: Sequence[Path]) -> Iterator[str]:
    yield "## Areas behind the ratios"
    yield ""
    yield f"Untied models as {study.sharing}; mm² at {study.conditions.node} nm."
    yield ""
    yield "| model | memristors | neurons | tiles | line ends | low / typical / high | median [5-95 %] |"
    yield "|---|---|---|---|---|---|---|"
    for name, found in study.estimates.items():
        counts, total = found.inventory, found.total
        yield (
            f"| {cell(name)} | {counts.n_memristors:,} | {counts.n_neurons:,} | {counts.tiles.n_tiles} | "
            f"{counts.tiles.n_line_ends:,} | {total.low:.2f} / {total.typical:.2f} / {total.high:.1f} | "
            f"{interval_text(total, '.1f')} |"
        )
    yield ""
    for picture, caption in zip(pictures, ("Area by component", "", *_CAPTIONS), strict=False):
        if caption:
            yield f"![{caption}]({picture.name})"
            yield ""
    areas = [found.total for found in study.estimates.values()]
    ratios = [ratio for row in study.ratios.values() for ratio in row.values()]
    factor = max(max(area.p95 / area.p50, area.p50 / area.p5) for area in areas)
    spread = max(max(ratio.p95 - ratio.p50, ratio.p50 - ratio.p5) for ratio in ratios)
    yield f"Nine tenths of the draws of an area lie within a factor of {factor:.1f} of their median, those of a ratio"
    yield f"within {spread:.2f}: both its chips are made of the same circuits. The area says nothing about quality:"
    yield "read it beside each model's Frechet distance."
    yield ""


_CAPTIONS = ("Floor plans to one scale", "What moves the area and the ratio", "Frechet distance against area")


def _sources(technology: Technology) -> Iterator[str]:
    yield "## Parameters"
    yield ""
    yield "| parameter | low / typical / high | unit | status | source |"
    yield "|---|---|---|---|---|"
    for name, parameter in technology.parameters.items():
        values = f"{parameter.low:g} / {parameter.typical:g} / {parameter.high:g}"
        yield f"| {name} | {values} | {cell(parameter.unit)} | {parameter.status} | {cell(parameter.source)} |"
    yield ""
    yield "Override any of them with `--technology FILE`. Not modelled: spare rows, calibration, charge pumps for"
    yield "forming, pitch matching, arrays stacked over CMOS, yield."
