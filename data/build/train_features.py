"""Train the classifiers whose 128 penultimate activations are the features of our Frechet distance, one a data set.

    python -m venv /tmp/torch && /tmp/torch/bin/pip install torch==2.13.0 numpy h5py pooch
    export HOPBAR_DATA=FOLDER_WITH_THE_FILES PYTHONPATH=.
    /tmp/torch/bin/python data/build/train_features.py mnist data/mnist_features.h5
    /tmp/torch/bin/python data/build/train_features.py fashion-mnist data/fashion_mnist_features.h5

It takes some minutes on one core.  Training uses MNIST training images 5848 to 54,999 only: neither the digits of
mnist-5k (all among the first 5848) nor the validation split (the last 5000) nor the test set has been seen by the net;
of Fashion-MNIST it uses all but the validation split.
The weights are rounded to float16 before the accuracy is measured and the golden features are stored.
"""

import argparse
import hashlib
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import nn

from hvae.data import sets, sources

FIRST_ROW = {"mnist": 5848, "fashion-mnist": 0}  # the digits of mnist-5k lie before it
SEED, EPOCHS, BATCH, PEAK_RATE, SHIFT = 7, 8, 128, 2e-3, 2
N_FEATURES, N_GOLDEN = 128, 8


def build_net() -> nn.Sequential:
    """Two 5 x 5 convolutions with pooling, then 128 features and 10 classes."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(32 * 7 * 7, N_FEATURES), nn.ReLU(), nn.Linear(N_FEATURES, 10)),
    )


def shifted(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Move a batch ``(n, 1, 28, 28)`` by up to two pixels each way, filling with the background (-1)."""
    padded = nn.functional.pad(images, (SHIFT,) * 4, value=-1.0)
    row, column = torch.randint(0, 2 * SHIFT + 1, (2,), generator=generator).tolist()
    return padded[:, :, row : row + 28, column : column + 28]


def train(net: nn.Sequential, images: torch.Tensor, labels: torch.Tensor) -> None:
    """Adam with a one-cycle learning rate on the cross entropy."""
    generator = torch.Generator().manual_seed(SEED)
    n_batches = len(images) // BATCH
    optimizer = torch.optim.Adam(net.parameters(), lr=PEAK_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=EPOCHS * n_batches)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(images), generator=generator)
        total = 0.0
        for rows in order[: n_batches * BATCH].split(BATCH):
            loss = nn.functional.cross_entropy(net(shifted(images[rows], generator)), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{EPOCHS}: cross entropy {total / n_batches:.4f}", flush=True)


def round_weights(net: nn.Sequential) -> None:
    """Replace every weight by its float16 value, the one that is shipped."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(parameter.half().float())


def accuracy(net: nn.Sequential, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the fraction of images whose class is right."""
    with torch.no_grad():
        guesses = torch.cat([net(part).argmax(1) for part in as_batch(images).split(1000)])
    return float((guesses.numpy() == labels).mean())


def as_batch(images: np.ndarray) -> torch.Tensor:
    """Turn ``(n, 784)`` pixels into a torch batch ``(n, 1, 28, 28)``."""
    return torch.from_numpy(np.ascontiguousarray(images)).reshape(-1, 1, 28, 28)


def write(path: Path, net: nn.Sequential, golden_images: np.ndarray, attributes: dict[str, object]) -> None:
    """Write the float16 weights, the golden images with their features, and the provenance."""
    names = ["convolution1", "convolution2", "features", "classes"]
    layers = [layer for layer in net if isinstance(layer, nn.Conv2d | nn.Linear)]
    digest = hashlib.sha256()
    with h5py.File(path, "w") as file, torch.no_grad():
        for name, layer in zip(names, layers, strict=True):
            for kind, tensor in (("weight", layer.weight), ("bias", layer.bias)):
                values = tensor.numpy().astype(np.float16)
                file.create_dataset(f"{name}/{kind}", data=values)
                digest.update(values.tobytes())
        file.create_dataset("golden/images", data=np.rint((golden_images + 1) * 127.5).astype(np.uint8))
        file.create_dataset("golden/features", data=net[:9](as_batch(golden_images)).numpy())
        file.create_dataset("golden/logits", data=net(as_batch(golden_images)).numpy())
        file.attrs["weights_sha256"] = digest.hexdigest()
        file.attrs.update(attributes)
    print("weights_sha256", digest.hexdigest())


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=FIRST_ROW)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    source, first = sources.known_sources()[arguments.dataset], FIRST_ROW[arguments.dataset]
    data = sets.load(arguments.dataset)
    net = build_net()
    train(net, as_batch(data.train_images[first:]), torch.from_numpy(data.train_labels[first:]))
    round_weights(net)
    scores = {split: accuracy(net, *data.split(split)) for split in ("validation", "test")}
    print(scores)
    attributes = {f"{split}_accuracy": value for split, value in scores.items()}
    trained_on = f"training images {first} to {len(data.train_images) - 1}, shifted by up to {SHIFT} pixels"
    provenance = {"data_set": source.name, "trained_on": trained_on, "data": source.source, "seed": SEED}
    versions = {"epochs": EPOCHS, "torch": str(torch.__version__), "numpy": np.__version__}
    golden = sets.load("mnist-5k") if source.name == "mnist" else data
    write(arguments.out, net, golden.test_images[:N_GOLDEN], {**attributes, **provenance, **versions})


if __name__ == "__main__":
    main()
