"""What read noise does to an EP gradient, by how long it lasts and by the strength of the nudge.

    OPENBLAS_NUM_THREADS=1 python benchmarks/noise_correlation.py RUN [--quick] [--json]

The trained tied network RUN, its weights exact on a quiet array except for a read noise that stands still for a batch,
for a phase, or for one read only (white). Cosine of a batch's gradient to the exact one (converged, beta -> 0,
float64): noise of a batch cancels in the contrast; noise of a phase, and white noise in the state of the last step, are
divided by beta. The last 8 of 15 states averaged are a slower sample-and-hold.
Draws docs/pictures/noise_correlation.png.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from harness import parser, report

from hvae.config.run import OptimizerConfig
from hvae.onchip.chip import make_onchip
from hvae.onchip.gradient_quality import cosine, exact_gradient, state_cause
from hvae.runs import images, loading
from hvae.streams import stream

CASES = {
    "no noise": {"read_noise": 0.0},
    "noise of a batch": {"spectrum": "batch"},
    "noise of a phase": {"spectrum": "phase"},
    "white noise": {"spectrum": "white"},
    "white, 8 states averaged": {"spectrum": "white", "average_steps": 8},
}
BETAS = (0.02, 0.05, 0.1, 0.2, 0.5)
NOISE = 0.001  # standard deviation of a device, fraction of g_max
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "noise_correlation.png"


def draw(rows: list[dict]) -> None:
    """Draw 1 - cosine over beta, a line for each spectrum."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
    for name in CASES:
        own = [row for row in rows if row["case"] == name]
        axes.plot([row["beta"] for row in own], [1 - row["cosine"] for row in own], "o-", label=name)
    axes.set(xscale="log", yscale="log", xlabel="nudge, beta", ylabel="1 - cosine to the exact gradient",
             title=f"read noise {NOISE:g} of g_max")  # fmt: skip
    axes.set_xticks(BETAS, [f"{beta:g}" for beta in BETAS])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(PICTURE, dpi=130)


def main() -> None:
    """Measure, print, and keep the result."""
    options = parser(__doc__).parse_args()
    trained = loading.load(options.run)
    batch = images.load(trained.config.data).train_images[: 8 if options.quick else 64].astype(np.float32)
    noise = stream(0, "latent").standard_normal((len(batch), trained.learner.latent)).astype(np.float32)
    rows, exact = [], None
    for beta in BETAS[::2] if options.quick else BETAS:
        for name, settings in CASES.items():
            nudging = replace(trained.config.nudging, method="centred", beta=beta, max_sweeps=200)
            array = replace(trained.config.array, device="ideal", **{"read_noise": NOISE, **settings})
            config = replace(trained.config, nudging=nudging, array=array, optimizer=OptimizerConfig(name="sgd"))
            chip = make_onchip(config, trained.parameters)
            exact = exact or exact_gradient(chip, chip.weights(), batch, noise)[0]
            found = state_cause(chip, chip.weights(), "read noise", batch, noise)
            rows.append({"case": name, "beta": beta, "cosine": cosine(found["tied"], exact["tied"]),
                         "way": chip.way_name})  # fmt: skip
    figures = {f"cosine, {row['case']}, beta {row['beta']:g}": row["cosine"] for row in rows}
    extra = {"run": options.run.name, "batch": len(batch), "read_noise": NOISE, "rows": rows}
    result = report("noise_correlation", figures, {}, seed=0, quick=options.quick, extra=extra)
    if not options.quick:
        draw(rows)
    print(json.dumps(result if options.json else figures, indent=None if options.json else 1))


if __name__ == "__main__":
    main()
