"""The reproduced table as Markdown, made from its JSON alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hvae.scores import yardstick

_COLUMNS = {
    "SSE/2": ("sse_half", ".4g"),
    "KL (nat)": ("kl", ".3g"),
    "Frechet distance": ("frechet_distance", ".4g"),
    "KID": ("kernel_distance", ".4g"),
    "floor": ("floor", ".3g"),
    "precision": ("precision", ".2f"),
    "recall": ("recall", ".2f"),
    "unsettled": ("unsettled", ".2g"),
}
_BESIDE = {
    "SSE/2 from mu": ("sse_half_mean", ".4g"),
    "PCA": ("pca_sse_half", ".4g"),
    "reconstructions": ("reconstruction_distance", ".4g"),
    "PCA's": ("pca_reconstruction_distance", ".4g"),
    "perfect prior": ("perfect_prior_distance", ".4g"),
    "own prior": ("frechet_distance", ".4g"),
    "PCA, same prior": ("pca_distance", ".4g"),
    "kurtosis of mu": ("mu_kurtosis", ".3g"),
    "bits": ("code_bits", ".3g"),
}
_BLANK = {"mean": None, "std": None}


def markdown(table: Mapping[str, Any], command: str = "hopbar reproduce") -> str:
    """Return the page of `table` (`hvae.reproduction.rows.table`): all rows, what is compared, the rankings."""
    rows = table["rows"]
    lines = [
        "# Table 1: the four models, reproduced",
        "",
        f"Written by `{command} --report` from its JSON; edit neither. Commit {table['environment']['commit']}.",
        "",
        *(_table(rows) if rows else ["No run has a checkpoint yet."]),
        "",
        *(_notes(rows, table["shared"]) if rows else []),
        *_diverged(table.get("diverged", {})),
        *_joined(table.get("joined", [])),
        "## Ranking by Frechet distance, best first",
        "",
        f"- paper (MNIST, Inception features, test set): {_order(table['paper_ranking'])}",
        f"- here: {_order(table['ranking'])}",
        "",
        *_verdict(table),
        "",
        *_best(table),
        *_beside_pca(rows),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    heads = ["model", "z drawn from", "data", "weights", "seeds", "epochs", "training", "late", *_COLUMNS]
    lines = ["| " + " | ".join(heads) + " |", "|---" * 3 + "|--:" * (len(heads) - 3) + "|"]
    for row in rows:
        name = f"**{row['label']}**" if row["of_the_paper"] else row["label"]
        cells = [name, _prior(row["prior"]), row["dataset"], f"{row['parameters']:,}", str(row["seeds"])]
        cells += [f"{row['epochs']['mean']:.3g}", _duration(row["seconds"]), _late(row["late_progress"])]
        cells += [_number(row.get(key, _BLANK), style) for key, style in _COLUMNS.values()]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _notes(rows: Sequence[Mapping[str, Any]], shared: Sequence[str]) -> list[str]:
    features = sorted({row["features"] for row in rows})
    counts = sorted({(row["n_fake"], row["n_real"]) for row in rows})
    alike = ", ".join(f"`{change}`" for change in shared)
    bold = "Rows in bold are the paper's models at the values of its Table 3, the others variants of ours."
    if not any(row["of_the_paper"] for row in rows):
        bold = "No row is one of the paper's models at the values of its Table 3."
    return [
        bold + (f" All rows, where they do not say otherwise: {alike}." if shared else ""),
        "",
        *_variants(rows),
        f"Distances are on features of {', '.join(features)}, "
        + ", ".join(f"{fake} generated against {real} test images" for fake, real in counts)
        + ", clipped to [-1, 1]; they are not comparable to FID on Inception features. The floor is what as many "
        "training images reach. Values are means over seeds, ± their standard deviation where there are several. "
        "Training is the wall time of the steps of one run (their median times their number; in tables made before it "
        "was counted so, their mean), without evaluations, on a machine that may have had other work. "
        "Unsettled: the share of encodings and decodings that did not come to rest, blank where it was not counted or "
        "nothing has to settle. Late: the validation Frechet distance (z from the prior of the training) after "
        "three quarters of the epochs, and after the last. Nothing was selected on the test split.",
        "",
    ]


def _variants(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"- {row['label']}: {row['model']}{_changes(row)}" for row in rows if not row["of_the_paper"]]
    return [*lines, ""] if lines else []


def _changes(row: Mapping[str, Any]) -> str:
    return " with " + ", ".join(f"`{key} = {value}`" for key, value in row["changes"].items()) if row["changes"] else ""


def _diverged(runs: Mapping[str, str]) -> list[str]:
    lines = [f"- {path}: {reason}" for path, reason in runs.items()]
    return (
        ["Diverged, or did not settle, and tabulated as their last checkpoint is, or not at all:", "", *lines, ""]
        if lines
        else []
    )


def _joined(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        f"- {one['path']} (commit {one['environment']['commit']}): {'; '.join(one['labels'])}"
        for one in tables
        if one["labels"]
    ]
    noted = [f"- {note}" for note in _notes_of(tables)]
    told = ["What those tables note on how they were made:", "", *noted, ""] if noted else []
    return ["Trained and scored elsewhere, and taken from its table:", "", *lines, "", *told] if lines else []


def _notes_of(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what `tables`, and those that they joined in their turn, note by hand."""
    own = [
        note
        for one in tables
        for note in (*([one["notes"]] if "notes" in one else []), *_notes_of(one.get("joined", [])))
    ]
    return list(dict.fromkeys(own))


def _best(table: Mapping[str, Any]) -> list[str]:
    """Return the row of the least distance on each data set, of all rows; a searched row is not one at given values."""
    rows = {row["label"]: row for row in table["rows"]}
    found = [
        f"- {dataset}: {label}, {rows[label]['frechet_distance']['mean']:.4g}"
        for dataset, label in table["best"].items()
    ]
    return (
        ["Least Frechet distance of all rows, whatever was searched or fitted for them:", "", *found] if found else []
    )


def _beside_pca(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the yardstick of the rows that have one, and in which of them a linear code is better."""
    measured = [row for row in rows if row.get("pca_sse_half", _BLANK)["mean"] is not None]
    if not measured:
        return []
    heads = ["model", "z drawn from", *_BESIDE]
    lines = ["| " + " | ".join(heads) + " |", "|---" * 2 + "|--:" * len(_BESIDE) + "|"]
    for row in measured:
        cells = [row["label"], _prior(row["prior"])]
        cells += [_number(row.get(key, _BLANK), style) for key, style in _BESIDE.values()]
        lines.append("| " + " | ".join(cells) + " |")
    told = [
        f"- {row['label']}: {sentence}"
        for row in measured
        for sentence in yardstick.verdicts({key: row[key]["mean"] for key in (*yardstick.KEYS, "frechet_distance")})
    ]
    return [
        "",
        "## Beside principal components of as many latents",
        "",
        *lines,
        "",
        "Distances: of reconstructions from mu, of images decoded from encodings of training images (a perfect prior), "
        "and of the row's own samples. PCA is fitted to the same training images, the same prior to its scores. "
        "Kurtosis: 1 where mu has two values, 1.8 where it is uniform, 3 where it is Gaussian. Bits: what the latents "
        "tell of an image at most.",
        "",
        *(told or ["None of these rows is worse than PCA."]),
    ]


def _verdict(table: Mapping[str, Any]) -> list[str]:
    if table["ranking_reproduced"] is None:
        return ["No verdict on the paper's ranking:", "", *(f"- {reason}" for reason in table["no_verdict"])]
    if table["ranking_reproduced"]:
        return ["The paper's ranking is reproduced."]
    return ["The paper's ranking is **not** reproduced at these values."]


def _order(labels: Sequence[str]) -> str:
    return " < ".join(labels) or "(none)"


def _number(value: Mapping[str, Any], style: str) -> str:
    if value["mean"] is None:
        return ""
    text = format(value["mean"], style)
    return text if value["std"] is None else f"{text} ± {value['std']:.2g}"


def _late(progress: Sequence[float] | None) -> str:
    return "" if progress is None else f"{progress[0]:.4g} → {progress[1]:.4g}"


def _prior(name: str) -> str:
    return {
        "standard": "N(0, I)",
        "gaussian": "Gaussian, ex post",
        "mixture": "mixture, ex post",
        "mixture-heldout": "mixture, its size by held-out likelihood",
        "encodings": "training images, encoded",
        "gibbs": "Gibbs sampling",
    }[name]


def _duration(seconds: Mapping[str, Any]) -> str:
    if not seconds["mean"]:
        return "?"
    size, unit = (60, "min") if seconds["mean"] < 90 * 60 else (3600, "h")
    spread = "" if seconds["std"] is None else f" ± {seconds['std'] / size:.2g}"
    return f"{seconds['mean'] / size:.1f}{spread} {unit}"
