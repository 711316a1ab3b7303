"""Draw docs/pictures/settling-*.png from benchmarks/results: `python benchmarks/settling_plots.py [--quick]`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

RESULTS = Path(__file__).parent / "results"
PICTURES = Path(__file__).parents[1] / "docs" / "pictures"


def curve(path: Path, pictures: Path) -> None:
    """Draw 1 - cosine against mean sweeps: ours, refined, and Euler."""
    found = json.loads(path.read_text())
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, marker in (("fast", "o"), ("refined", "s")):
        rows = sorted(found[name], key=lambda row: row["sweeps"])
        label = "conjugate gradients" + (", long contrasts refined" if name == "refined" else "")
        axes.plot([r["sweeps"] for r in rows], [1 - r["cosine"] for r in rows], marker=marker, label=label)
    for step in sorted({row["time_step"] for row in found["euler"]}):
        rows = [row for row in found["euler"] if row["time_step"] == step]
        axes.plot([r["sweeps"] for r in rows], [1 - r["cosine"] for r in rows], ":x", label=f"Euler, dt {step}")
    axes.set(xscale="log", yscale="log", xlabel="sweeps over W an example, free + nudged",
             ylabel="1 - cosine to the true EP gradient", title=f"{found['run']}: decoder")  # fmt: skip
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(pictures / f"{path.stem}.png", dpi=130)
    plt.close(figure)


def scaling(path: Path, pictures: Path) -> None:
    """Draw time and sweeps against size and batch."""
    rows = json.loads(path.read_text())["rows"]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axis, key, other, value in ((axes[0], "neurons", "batch", 128), (axes[1], "batch", "neurons", None)):
        own = rows[2]["neurons"] if value is None else value
        chosen = sorted({(r[key], r["ms_per_sample"], r["sweeps"]) for r in rows if r[other] == own})
        axis.plot([c[0] for c in chosen], [c[1] for c in chosen], "o-", label="ms a sample")
        axis.plot([c[0] for c in chosen], [c[2] for c in chosen], "s--", label="sweeps")
        axis.set(xscale="log", yscale="log", xlabel=f"{key} ({other} {own})")
        axis.set_xticks([c[0] for c in chosen], [str(c[0]) for c in chosen])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(pictures / f"{path.stem}.png", dpi=130)
    plt.close(figure)


def main() -> None:
    """Draw what there is; with `--quick` into a temporary folder."""
    pictures = Path(tempfile.mkdtemp()) if "--quick" in sys.argv[1:] else PICTURES
    pictures.mkdir(exist_ok=True)
    for path in sorted(RESULTS.glob("settling-*.json")):
        curve(path, pictures)
    for path in sorted(RESULTS.glob("scaling-*.json")):
        scaling(path, pictures)


if __name__ == "__main__":
    main()
