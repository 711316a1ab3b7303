"""docs/results/devices.md from benchmarks/results/devices.json: what every preset costs, and a verdict in words.

    python benchmarks/devices_page.py [--quick]

Differences to the ideal network are paired by seed and machine (`machine` of a row, where it is not the file's), as
networks of one seed differ from machine to machine by rounding that grows: mean, and the half width of the 95 %
interval of Student's t (`hvae.studies.differences`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from harness import RESULTS

from hvae.studies import differences

PAGE = Path(__file__).parent.parent / "docs" / "results" / "devices.md"
WAYS = ("programmed", "with gains", "with gains, tuned", "aware, with gains", "aware, with gains, tuned", "on chip")
SCORES = {
    "sse_half_mean": "SSE/2 from mu",
    "perfect_prior_distance": "distance from a perfect prior",
    "frechet_distance": "distance from the run's prior",
}
HOW = {
    "programmed": "holds",
    "with gains": "holds with gains of lines",
    "aware, with gains": "holds with gains what was trained for it",
    "with gains, tuned": "holds with gains, after tuning",
    "aware, with gains, tuned": "holds with gains what was trained for it, after tuning",
}
"""What holds by each way, from the least that is asked of a device."""


def paired(rows: list[dict], device: str, way: str, score: str) -> list[tuple[float, float]]:
    """Return `score` of `way` onto `device` and of the ideal network of the same seed, seed by seed."""
    ideal = {(_machine(row), row["seed"]): row["ways"]["ideal"] for row in rows if row["device"] is None}
    own = [
        {"model": _machine(row), "seed": row["seed"], **row["ways"][way]} for row in rows if row["device"] == device
    ]
    return differences.paired(own, ideal, score)


def _machine(row: dict) -> str:
    return str(row.get("machine", ""))


def _level(rows: list[dict], score: str) -> str:
    """Return what the ideal networks have, by machine."""
    found = {}
    for row in rows:
        if row["device"] is None:
            found.setdefault(_machine(row), []).append(row["ways"]["ideal"][score])
    first, *others = (f"{np.mean(values):.4g}" for values in found.values())
    return first + "".join(f" ({one} on the other machine)" for one in others)


def told(pairs: list[tuple[float, float]]) -> str:
    """Return mean and half width of the 95 % interval of the difference, as text; of one seed the number alone."""
    found = differences.difference(pairs)
    if found is None:
        return "none"
    return f"{found.mean:+.3g}" + ("" if found.half is None else f" ± {found.half:.2g}")


def verdict(rows: list[dict], device: str) -> str:
    """Return in words what a device can do, by SSE/2 from mu, as `hvae.studies.differences` says it."""
    found = {way: paired(rows, device, way, "sse_half_mean") for way in WAYS}
    says = {way: differences.verdict(found[way], programmed=way != "on chip") for way in WAYS}
    holds = next((words for way, words in HOW.items() if says[way].startswith("holds")), None)
    holds = holds or next((f"may hold{words[5:]}" for way, words in HOW.items() if says[way].startswith("may")), None)
    return f"{holds or 'does not hold'}; {says['on chip']}"


def page(found: dict) -> str:
    """Return the page in Markdown."""
    rows = found["rows"]
    devices = list(dict.fromkeys(row["device"] for row in rows if row["device"]))
    seeds = len({row["seed"] for row in rows if row["device"] is None})
    elsewhere = list(dict.fromkeys(row["device"] for row in rows if row["device"] and _machine(row)))
    lines = [
        "# What a device costs",
        "",
        f"Written by `python benchmarks/devices_page.py` from its JSON; edit neither. Commit {found['commit']}.",
        "",
        *([f"{found['joined']}", ""] if "joined" in found else []),
        f"Tied networks of 150 hidden and 16 latent neurons, MNIST at 14 x 14, {seeds} seeds; {found['notes']}.",
        "",
        "`benchmarks/devices.py` says what each way onto a device is; [gains](../array.md#gains-of-lines) are of "
        "lines. Every figure is a difference to the ideal network of the same seed: mean, and half width of its 95 % "
        "interval.",
        "",
        *([f"{', '.join(elsewhere)} were run on another machine, beside ideal networks of that machine.", ""]
          if elsewhere else []),
        f"Verdict: a device *holds* a network if its SSE/2 from mu is at most {differences.HOLDS:g} times the ideal "
        f"one's, and *learns* if what it learned from random weights has at most {differences.LEARNS:g} times: the "
        "whole 95 % interval of that ratio. Where the interval crosses the limit, it *may*.",
        "",
    ]
    for score, name in SCORES.items():
        lines += [f"## {name[0].upper()}{name[1:]}", "", f"The ideal networks have {_level(rows, score)}.", ""]
        head = [*WAYS, "verdict"] if score == "sse_half_mean" else list(WAYS)
        rule = "|---|" + "--:|" * len(WAYS) + "---|" * (len(head) - len(WAYS))
        lines += ["| device | " + " | ".join(head) + " |", rule]
        for device in devices:
            cells = [told(paired(rows, device, way, score)) for way in WAYS]
            if score == "sse_half_mean":
                cells.append(verdict(rows, device))
            lines.append(f"| {device} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join([*lines, *_costs(rows, devices), *_failures(rows)]) + "\n"


def _costs(rows: list[dict], devices: list[str]) -> list[str]:
    head = (
        "| device | pulses to program | with gains | energy to generate an image (J) | with gains "
        "| on chip: pulses an image | write energy an image (J) |"
    )
    lines = ["## What it took", "", head, "|---|--:|--:|--:|--:|--:|--:|"]
    for device in devices:
        own = [row["ways"] for row in rows if row["device"] == device]
        chips = [one["on chip"]["costs"] for one in own if "costs" in one["on chip"]]
        made = {way: [one[way] for one in own if "pulses" in one[way]] for way in WAYS[:2]}
        cells = [_mean([one["pulses"] for one in ones]) for ones in made.values()]
        cells += [_mean([one["costs"]["generate_read_energy"][1] for one in ones]) for ones in made.values()]
        cells += [f"{np.mean([c[key] for c in chips]):.3g}" if chips else "none"
                  for key in ("train_pulses", "train_write_energy")]  # fmt: skip
        lines.append(f"| {device} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _mean(values: list[float]) -> str:
    return f"{np.mean(values):.3g}" if values else "none"


LARGE = ("reconstruction_distance", "perfect_prior_distance", "frechet_distance", "recall")


def full_size(found: dict) -> str:
    """Return the section of a network of full size, programmed onto some of the devices."""
    rows, commands = found["rows"], "`, `".join(found["commands"])
    lines = [
        "## At full size", "",
        f"{found['note'][0].upper()}{found['note'][1:]}. Commit {found['commit']}: `{commands}`.", "",
        "| device | SSE/2 from mu | of floats | reconstructions | perfect prior | generated | recall |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    ideal = rows["floats"]["sse_half_mean"]
    for device, row in rows.items():
        cells = [f"{row['sse_half_mean']:.3g}", f"{row['sse_half_mean'] / ideal:.2f}"]
        cells += [f"{row[one]:.3g}" for one in LARGE]
        lines.append(f"| {device} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def longer(found: dict) -> str:
    """Return the section of trainings that went on: SSE/2 by epochs, and differences to ideal networks as long."""
    rows = found["rows"]
    epochs = sorted({row["epochs"] for row in rows})
    devices = list(dict.fromkeys(row["device"] for row in rows if row["device"]))
    ideal = {(str(row["epochs"]), row["seed"]): row for row in rows if row["device"] is None}
    lines = [
        "## Trained longer", "",
        f"On chip, {len({row['seed'] for row in rows})} seeds, the rate falling to zero by the last epoch of each "
        f"(`python benchmarks/devices_longer.py`, commit {found['commit']}): SSE/2 from mu of ideal networks, and "
        "differences to those of as many epochs and the same seed.", "",
        "| | " + " | ".join(f"{many} epochs" for many in epochs) + " | verdict, longest |",
        "|---|" + "--:|" * len(epochs) + "---|",
        "| ideal | " + " | ".join(_mean_of(rows, None, many) for many in epochs) + " | |",
    ]  # fmt: skip
    for device in devices:
        cells = []
        for many in epochs:
            own = [{"model": str(many), **row} for row in rows if (row["device"], row["epochs"]) == (device, many)]
            pairs = differences.paired(own, ideal, "sse_half_mean")
            cells.append(told(pairs))
        lines.append(f"| {device} | " + " | ".join(cells) + f" | {differences.verdict(pairs, programmed=False)} |")
    return "\n".join([*lines, ""])


def _mean_of(rows: list[dict], device: str | None, epochs: int) -> str:
    own = [row["sse_half_mean"] for row in rows if (row["device"], row["epochs"]) == (device, epochs)]
    return f"{np.mean(own):.4g}"


def full_size_learned(found: dict) -> str:
    """Return the section of networks of full size that learned on devices."""
    commands = "`, `".join(found["commands"])
    lines = [
        "## At full size, learned on the chip", "",
        f"{found['note']} Commit {found['commit']}: `{commands}`.", "",
        "| device | SSE/2 from mu | of floats | reconstructions | perfect prior | generated | recall "
        "| pulses an image |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    ideal = found["rows"]["floats"]["sse_half_mean"]
    for device, row in found["rows"].items():
        cells = [f"{row['sse_half_mean']:.3g}", f"{row['sse_half_mean'] / ideal:.2f}"]
        cells += [f"{row[one]:.3g}" for one in LARGE]
        cells.append(f"{row['train_pulses']:.3g}" if "train_pulses" in row else "")
        lines.append(f"| {device} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _failures(rows: list[dict]) -> list[str]:
    lines = []
    for row in rows:
        for way, scores in row["ways"].items():
            if isinstance(scores, dict) and "failed" in scores:
                lines.append(f"- {row['device']}, {way}, seed {row['seed']}: {scores['failed']}")
    return ["## What has no scores", "", *lines, ""] if lines else []


def main(quick: bool) -> None:
    """Write the page; with `quick` print it."""
    kept = RESULTS / "devices.json"
    if quick and not kept.exists():
        print("no results are kept yet: python benchmarks/devices.py")
        return
    text = page(json.loads(kept.read_text(encoding="utf-8")))
    sections = {
        "devices_longer": longer, "full_size_programmed": full_size, "full_size_onchip": full_size_learned,
    }  # fmt: skip
    for name, section in sections.items():
        own = RESULTS / f"{name}.json"
        if own.exists():
            text += "\n" + section(json.loads(own.read_text(encoding="utf-8")))
    if quick:
        print(text)
    else:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
