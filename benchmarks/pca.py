"""What a linear code of as many latents reconstructs: SSE/2 of principal components on MNIST's test split.

    HOPBAR_DATA=/path/to/mnist python benchmarks/pca.py --out benchmarks/results/pca.json

Components of the 55,000 training images about their mean, pixels in [-1, 1]; nothing is sampled, so that this is the
least squared error of any linear code of that many real numbers. The models' own SSE/2 is of z sampled from q(z|x).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from hvae.baselines import pca
from hvae.config.run import DataConfig
from hvae.learning import costs
from hvae.runs import images
from hvae.runs.records import environment

LATENTS = (10, 12, 16, 25, 69)  # f-vae, f-vae as swept, a round number, h-vae and dh-vae, tdh-vae


def sse_half(train: np.ndarray, test: np.ndarray, latents: int) -> float:
    """Return the mean of SSE/2 over `test` (n, pixels) after projection on `latents` components of `train`."""
    code = pca.fit(train, latents)
    output = code.decode(code.parameters, code.encode(code.parameters, test)[0])
    return float(costs.sse_half(output, test).mean())


def main() -> None:
    """Print, and keep in `--out`; with `--quick` of mnist-5k."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--quick", action="store_true", help="of mnist-5k, which is embedded")
    options = parser.parse_args()
    data = images.load(DataConfig(name="mnist-5k" if options.quick else options.dataset))
    train, test = (some.astype(np.float64) for some in (data.train_images, data.test_images))
    found = {str(latents): sse_half(train, test, latents) for latents in LATENTS}
    result = {"dataset": data.name, "n_train": len(train), "n_test": len(test), "sse_half": found}
    text = json.dumps(result | {"environment": environment()}, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
