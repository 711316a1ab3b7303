"""Results as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from crossbar import console
from hvae.scores import codes, yardstick

_NAMES = {
    "sse_half": "SSE/2 (pixels in [-1, 1])",
    "kl": "KL divergence (nat)",
    "elbo": "ELBO = -(SSE/2 + KL)",
    **codes.KEYS,
    "aggregate_variance": "aggregate posterior variance (prior: 1)",
    "frechet_distance": "Frechet distance",
    "floor": "  its floor, train against split",
    "kernel_distance": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "unsettled": "share of samples that did not settle",
}


def show_evaluation(found: Mapping[str, object]) -> None:
    """Print the scores of one model on stdout."""
    printed = console.stdout()
    epochs = "" if found["epochs"] is None else f" after {found['epochs']:.4g} epochs"
    title = f"{found['model']} on {found['dataset']} ({found['split']} split){epochs}"
    table = Table(title=title, title_justify="left", show_header=False)
    for key, label in {**_NAMES, **(yardstick.KEYS if yardstick.KEYS.keys() <= found.keys() else {})}.items():
        table.add_row(label, "-" if found[key] is None else f"{found[key]:.4g}")
    printed.print(table)
    counts = f"{found['n_fake']} generated, {found['n_real']} real images"
    for sentence in [*codes.verdicts(found), *yardstick.verdicts(found)]:
        printed.print(f"{found['model']}: {sentence}.")
    printed.print(f"Distances on features of {found['features']}: {counts}.")
