"""docs/results/devices.md from benchmarks/results/devices.json: what every preset costs, and a verdict in words.

    python benchmarks/devices_page.py [--quick]

Differences to the ideal network are paired by seed: mean, and the half width of the 95 % interval of Student's t.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from harness import RESULTS
from scipy import stats

PAGE = Path(__file__).parent.parent / "docs" / "results" / "devices.md"
WAYS = ("programmed", "programmed, tuned", "aware", "aware, tuned", "on chip")
SCORES = {
    "sse_half_mean": "SSE/2 from mu",
    "perfect_prior_distance": "distance from a perfect prior",
    "frechet_distance": "distance from the run's prior",
}
HOLDS, LEARNS = 1.1, 1.25  # times the ideal network's SSE/2 from mu


def paired(rows: list[dict], device: str, way: str, score: str) -> np.ndarray:
    """Return what `way` onto `device` has more of `score` than the ideal network of the same seed, seed by seed."""
    ideal = {row["seed"]: row["ways"]["ideal"] for row in rows if row["device"] is None}
    found = {row["seed"]: row["ways"][way] for row in rows if row["device"] == device}
    both = [seed for seed in found if score in found[seed] and score in ideal.get(seed, {})]
    return np.array([found[seed][score] - ideal[seed][score] for seed in both])


def interval(differences: np.ndarray) -> str:
    """Return mean and half width of the 95 % interval, as text; of one seed the number alone."""
    if not len(differences):
        return "none"
    mean = f"{differences.mean():+.3g}"
    if len(differences) < 2:
        return mean
    half = stats.t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / np.sqrt(len(differences))
    return f"{mean} ± {half:.2g}"


def verdict(ratios: dict[str, float]) -> str:
    """Return in words what a device can do, from its SSE/2 relative to the ideal network's, by way."""
    within = {way: ratio <= HOLDS for way, ratio in ratios.items()}
    says = "does not hold"
    for way, words in (
        ("programmed", "holds"),
        ("aware", "holds what was trained for it"),
        ("programmed, tuned", "holds after tuning"),
        ("aware, tuned", "holds what was trained for it, after tuning"),
    ):  # fmt: skip
        if within.get(way):
            says = words
            break
    return f"{says}; {'learns' if ratios.get('on chip', np.inf) <= LEARNS else 'does not learn'}"


def page(found: dict) -> str:
    """Return the page in Markdown."""
    rows = found["rows"]
    devices = list(dict.fromkeys(row["device"] for row in rows if row["device"]))
    ideal = [row["ways"]["ideal"] for row in rows if row["device"] is None]
    level = {score: float(np.mean([one[score] for one in ideal])) for score in SCORES}
    lines = [
        "# What a device costs",
        "",
        f"Written by `python benchmarks/devices_page.py` from its JSON; edit neither. Commit {found['commit']}.",
        "",
        f"Tied networks of 150 hidden and 16 latent neurons, MNIST at 14 x 14, {len(ideal)} seeds. {found['notes']}.",
        "",
        "`benchmarks/devices.py` says what each way onto a device is. Every figure is a difference to the ideal "
        "network of the same seed: mean, and half width of its 95 % interval.",
        "",
        f"Verdict: a device *holds* a network if its SSE/2 is at most {HOLDS:g} times the ideal one's, and *learns* if "
        f"what it learned from random weights has at most {LEARNS:g} times.",
        "",
    ]
    for score, name in SCORES.items():
        lines += [f"## {name[0].upper()}{name[1:]}", "", f"The ideal networks have {level[score]:.4g}.", ""]
        head = [*WAYS, "verdict"] if score == "sse_half_mean" else list(WAYS)
        rule = "|---|" + "--:|" * len(WAYS) + "---|" * (len(head) - len(WAYS))
        lines += ["| device | " + " | ".join(head) + " |", rule]
        for device in devices:
            differences = {way: paired(rows, device, way, score) for way in WAYS}
            cells = [interval(one) for one in differences.values()]
            if score == "sse_half_mean":
                ratios = {way: 1 + one.mean() / level[score] for way, one in differences.items() if len(one)}
                cells.append(verdict(ratios))
            lines.append(f"| {device} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join([*lines, *_costs(rows, devices), *_failures(rows)]) + "\n"


def _costs(rows: list[dict], devices: list[str]) -> list[str]:
    head = "| device | pulses to program | on chip: pulses an image | write energy an image (J) |"
    lines = ["## What it took", "", head, "|---|--:|--:|--:|"]
    for device in devices:
        own = [row["ways"] for row in rows if row["device"] == device]
        written = [one["programmed"]["pulses"] for one in own if "pulses" in one["programmed"]]
        chips = [one["on chip"]["costs"] for one in own if "costs" in one["on chip"]]
        cells = [f"{np.mean(written):.3g}" if written else "none"]
        cells += [f"{np.mean([c[key] for c in chips]):.3g}" if chips else "none"
                  for key in ("train_pulses", "train_write_energy")]  # fmt: skip
        lines.append(f"| {device} | " + " | ".join(cells) + " |")
    return [*lines, ""]


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
    if quick:
        print(text)
    else:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
