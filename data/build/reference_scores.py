"""Print what torch-fidelity 0.4.0 and pytorch-fid 0.3.0 give for the features of tests/hvae/scores/test_distances.py.

    python -m venv /tmp/torch && /tmp/torch/bin/pip install torch==2.13.0 scipy h5py
    /tmp/torch/bin/pip install --no-deps torch-fidelity==0.4.0 pytorch-fid==0.3.0 tqdm pillow
    PYTHONPATH=. /tmp/torch/bin/python data/build/reference_scores.py

Only their formulas are called, on our features; torchvision, which they import for their networks, is not needed.
"""

import sys
from unittest import mock

import numpy as np
import torch

PARTS = (
    "",
    ".datasets",
    ".models",
    ".models.inception",
    ".models.feature_extraction",
    ".transforms",
    ".transforms.functional",
)
for part in PARTS:
    sys.modules[f"torchvision{part}"] = mock.MagicMock()

from pytorch_fid import fid_score  # noqa: E402
from torch_fidelity import metric_fid, metric_kid, metric_prc  # noqa: E402

from hvae.data import sets  # noqa: E402
from hvae.scores import features  # noqa: E402


def synthetic() -> tuple[np.ndarray, np.ndarray]:
    """Two sets of skewed, correlated features: 600 and 500 rows of 32."""
    rng = np.random.default_rng(12)
    mix = rng.standard_normal((32, 32))
    return np.maximum(rng.standard_normal((600, 32)) @ mix, 0), np.maximum(
        rng.standard_normal((500, 32)) @ mix + 0.5, 0
    )


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Features of 500 training digits of mnist-5k with some noise, and of its 500 test digits."""
    data, net = sets.load("mnist-5k"), features.net_of("mnist-5k")
    noise = np.random.default_rng(5).standard_normal((500, 784), dtype=np.float32)
    return net.extract(data.train_images[:500] + 0.3 * noise), net.extract(data.test_images)


def report(name: str, first: np.ndarray, second: np.ndarray) -> None:
    """Print each published value for two feature sets."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    tensors = torch.from_numpy(a), torch.from_numpy(b)
    first_moments, second_moments = (metric_fid.fid_features_to_statistics(tensor) for tensor in tensors)
    fid = metric_fid.fid_statistics_to_metric(first_moments, second_moments, verbose=False)
    moments = [(np.mean(x, axis=0), np.cov(x, rowvar=False)) for x in (a, b)]
    size = min(len(a), len(b))
    whole = tuple(tensor[:size] for tensor in tensors)
    kid = metric_kid.kid_features_to_metric(*whole, kid_subsets=1, kid_subset_size=size, verbose=False)
    print(f"{name}: torch-fidelity FID {fid['frechet_inception_distance']:.12g}")
    print(f"{name}: pytorch-fid FID {fid_score.calculate_frechet_distance(*moments[0], *moments[1]):.12g}")
    print(f"{name}: torch-fidelity KID of the first {size} rows {kid['kernel_inception_distance_mean']:.12g}")
    print(f"{name}: torch-fidelity precision, recall {metric_prc.calculate_precision_recall_full(*tensors)}")


if __name__ == "__main__":
    report("synthetic", *synthetic())
    report("digits", *digits())
