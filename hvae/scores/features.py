"""The features of our Frechet distance: 128 activations of a small classifier of the data set, computed in numpy.

A Frechet distance is only comparable to another of the same features, so the net has a name with a hash of its weights.
This is not the paper's FID, whose Inception features want 299 x 299 colour pictures.  The nets, one for MNIST and one
for Fashion-MNIST, are trained by data/build/train_features.py; their files have their accuracies on the test sets.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from crossbar import shipped
from crossbar.errors import CorruptFile, InvalidValue, unknown_name
from hvae.data.sets import Dataset
from hvae.scores import pixels, trained_features
from hvae.scores.distances import Extractor
from hvae.scores.trained_features import TrainedFeatures

SIDE = 28
KERNEL = 5
BATCH = 32  # its unfolded windows (10 MB) stay near the caches
LAYERS = ("convolution1", "convolution2", "features", "classes")
COMPONENTS = 64
CLASSIFIED = ("mnist-5k", "mnist", "fashion-mnist")
"""Data sets that one of our classifiers belongs to."""
FILES = {"fashion-mnist": "fashion_mnist_features.h5"}  # by data set; the net of digits serves all others


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureNet:
    """Two 5 x 5 convolutions (16, 32 channels) with ReLU and 2 x 2 maximum pooling; 128 ReLU units; 10 classes."""

    name: str  # the data set that it classifies, "-cnn128-", and eight digits of the weights' SHA-256
    test_accuracy: float  # on the 10,000 test images of that data set
    weights: dict[str, np.ndarray]  # float32; convolutions as (25 n_in, n_out), dense layers as (n_in, n_out)
    biases: dict[str, np.ndarray]

    def extract(self, images: np.ndarray) -> np.ndarray:
        """Return the features ``(n, 128)``, float32, of images ``(n, 784)`` with pixels in [-1, 1].

        Pixels beyond [-1, 1] are clipped: the raw states of a Hopfield network have no bound.

        Raises
        ------
        InvalidValue
            If the images are not ``(n, 784)`` finite numbers.
        """
        images = pixels.flat(images, SIDE * SIDE)
        parts = [_features(images[start : start + BATCH], self) for start in range(0, len(images), BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.biases["features"])), dtype=np.float32)

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Return the logits ``(n, 10)`` of the classes for images ``(n, 784)``; their argmax is the class."""
        return self.extract(images) @ self.weights["classes"] + self.biases["classes"]


def net_of(dataset: str) -> FeatureNet:
    """Return the shipped net that classifies the images of the data set named `dataset`."""
    return load_net(shipped.folder().joinpath(FILES.get(dataset, "mnist_features.h5")))


def of(dataset: Dataset, extractor: Extractor | None = None) -> Extractor:
    """Return what the images of `dataset` are judged by: `extractor` if given, else what belongs to them.

    That is our classifier for MNIST, Fashion-MNIST and reductions of them, and for all others principal components of
    their own training images. What is returned takes images as the data set has them, (n, pixels).

    Raises
    ------
    InvalidValue
        A net of 28 x 28 grey pictures for images of another kind.
    """
    if extractor is None:
        if dataset.name not in CLASSIFIED:
            return principal(dataset)
        extractor = net_of(dataset.name)
    return extractor if isinstance(extractor, Components | TrainedFeatures) else Shown(extractor, dataset.shape)


def named(name: str, dataset: Dataset) -> Extractor | None:
    """Return the features called `name`: None for those that belong to the images (``classifier``), or of a file.

    Raises
    ------
    UnknownName
        Neither a name nor a file.
    InvalidValue
        A file of features that were trained on other images.
    """
    if name == "classifier":
        return None
    if name == "pca":
        return principal(dataset)
    if not Path(name).is_file():
        raise unknown_name("features, or no file,", name, ("classifier", "pca", "inception"))
    found = trained_features.load(Path(name))
    trained_features.refuse_others(found, dataset)
    return found


@dataclass(frozen=True, slots=True)
class Shown:
    """A net of pictures that is shown images of `shape`: grey squares that divide 28 are enlarged to it."""

    net: Extractor
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        rows, columns, channels = self.shape
        if isinstance(self.net, FeatureNet) and (rows != columns or channels != 1 or SIDE % rows):
            raise InvalidValue(
                f"our classifiers see grey pictures of {SIDE} x {SIDE}, {SIDE // 2} x {SIDE // 2} or {SIDE // 4} x "
                f"{SIDE // 4}, but these are {rows} x {columns} x {channels}: leave `--features` out for principal "
                "components of the images themselves"
            )

    @property
    def name(self) -> str:
        """The net's own."""
        return self.net.name

    def extract(self, images: np.ndarray) -> np.ndarray:
        """Return the features (n, d) of images (n, pixels)."""
        rows, columns, channels = self.shape
        if channels == 1 and rows == columns and SIDE % rows == 0:
            square = SIDE // rows
            grid = np.asarray(images).reshape(-1, rows, rows)
            return self.net.extract(np.repeat(np.repeat(grid, square, 1), square, 2).reshape(len(grid), SIDE * SIDE))
        return self.net.extract(np.asarray(images).reshape(-1, rows, columns, channels))


@dataclass(frozen=True, kw_only=True, slots=True)
class Components:
    """Principal components of images: features that belong to them, and are comparable within one data set only.

    Attributes
    ----------
    name : str
        ``pca64-`` and eight digits of the SHA-256 of the training images that they were fitted to.
    mean : ndarray (pixels,)
    axes : ndarray (pixels, d)
    """

    name: str
    mean: np.ndarray
    axes: np.ndarray

    def extract(self, images: np.ndarray) -> np.ndarray:
        """Return the scores (n, d), float32, of images (n, pixels), clipped to [-1, 1].

        Raises
        ------
        InvalidValue
            Images of another size, or pixels that are not finite.
        """
        found: np.ndarray = (pixels.flat(images, len(self.mean)) - self.mean) @ self.axes
        return found.astype(np.float32)


def principal(dataset: Dataset) -> Components:
    """Return up to 64 principal components of the training images of `dataset`."""
    from sklearn.decomposition import PCA

    images = dataset.train_images
    count = min(COMPONENTS, images.shape[1], len(images) - 1)
    fitted = PCA(count, svd_solver="randomized", random_state=0).fit(images)
    digest = trained_features.checksum(dataset)[:8]
    return Components(name=f"pca{count}-{digest}", mean=fitted.mean_, axes=np.ascontiguousarray(fitted.components_.T))


def load_net(source: Path) -> FeatureNet:
    """Return the net in the HDF5 file `source`.

    Raises
    ------
    CorruptFile
        If the file is no such net or its weights have not the SHA-256 it states.
    """
    try:
        with source.open("rb") as stream, h5py.File(stream) as file:
            stored = {f"{layer}/{kind}": file[layer][kind][()] for layer in LAYERS for kind in ("weight", "bias")}
            digest, accuracy = str(file.attrs["weights_sha256"]), float(file.attrs["test_accuracy"])
            dataset = str(file.attrs.get("data_set", "mnist"))
    except (OSError, KeyError) as error:
        raise CorruptFile(f"{source} is not a feature net ({error}). Install hopbar again.") from error
    if hashlib.sha256(b"".join(array.tobytes() for array in stored.values())).hexdigest() != digest:
        raise CorruptFile(f"{source} is damaged: its weights have not the SHA-256 {digest}. Install hopbar again.")
    return FeatureNet(
        name=f"{dataset}-cnn128-{digest[:8]}",
        test_accuracy=accuracy,
        weights={layer: _as_matrix(layer, stored[f"{layer}/weight"].astype(np.float32)) for layer in LAYERS},
        biases={layer: stored[f"{layer}/bias"].astype(np.float32) for layer in LAYERS},
    )


def _as_matrix(layer: str, weight: np.ndarray) -> np.ndarray:
    """Reorder a torch weight for channel-last images: rows are inputs, columns are outputs."""
    if weight.ndim == 4:  # (out, in, row, column) -> (row, column, in; out)
        return np.ascontiguousarray(weight.transpose(2, 3, 1, 0).reshape(-1, len(weight)))
    if layer == "features":  # its inputs are (channel, row, column)
        weight = weight.reshape(len(weight), -1, 7, 7).transpose(0, 2, 3, 1).reshape(len(weight), -1)
    return np.ascontiguousarray(weight.T)


def _features(images: np.ndarray, net: FeatureNet) -> np.ndarray:
    x = images.astype(np.float32).reshape(-1, SIDE, SIDE, 1)
    for layer in ("convolution1", "convolution2"):
        x = _pool(_convolve(x, net.weights[layer]))
        x += net.biases[layer]  # the same before or after a maximum, and four times less work after
        np.maximum(x, 0, out=x)
    x = x.reshape(len(x), -1) @ net.weights["features"] + net.biases["features"]
    return np.maximum(x, 0, out=x)


def _convolve(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Convolve ``(n, side, side, n_in)``, zero-padded, with a kernel ``(25 n_in, n_out)``: one matrix product."""
    n, side, _, n_in = x.shape
    border = KERNEL // 2
    padded = np.zeros((n, side + 2 * border, side + 2 * border, n_in), dtype=x.dtype)
    padded[:, border:-border, border:-border] = x
    windows = np.lib.stride_tricks.sliding_window_view(padded, (KERNEL, KERNEL), axis=(1, 2))
    columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(n * side * side, KERNEL * KERNEL * n_in)
    return (columns @ weight).reshape(n, side, side, -1)


def _pool(x: np.ndarray) -> np.ndarray:
    """Return the maximum of each 2 x 2 square of ``(n, side, side, n_channels)``."""
    rows = np.maximum(x[:, ::2], x[:, 1::2])
    return np.maximum(rows[:, :, ::2], rows[:, :, 1::2])
