"""Features of a classifier that is trained on one's own images: 128 rectified units of a small perceptron.

`hopbar features` trains it, by scikit-learn, and keeps it in a file; `hopbar evaluate --features FILE` uses it.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossbar import input_files
from crossbar.errors import CorruptFile, InvalidValue
from crossbar.output_files import hdf5_image, write_atomically
from hvae.data.sets import Dataset
from hvae.scores import pixels

SCHEMA = "hopbar-features/1"
UNITS = 128
_AGAIN = "make it again with `hopbar features`"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedFeatures:
    """The hidden layer of a perceptron.

    Attributes
    ----------
    name : str
        ``mlp128-`` and eight digits of the SHA-256 of the weights.
    weights : ndarray (pixels, 128)
    bias : ndarray (128,)
    accuracy : float
        Of the whole perceptron, on the test split.
    checksum : str
        Of the images it was trained on: those of another set are refused.
    """

    name: str
    weights: np.ndarray
    bias: np.ndarray
    accuracy: float
    checksum: str

    def extract(self, images: np.ndarray) -> np.ndarray:
        """Return the activations (n, 128), float32, of images (n, pixels), clipped to [-1, 1].

        Raises
        ------
        InvalidValue
            Images of another size, or pixels that are not finite.
        """
        found: np.ndarray = np.maximum(pixels.flat(images, len(self.weights)) @ self.weights + self.bias, 0)
        return found.astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the file."""
        facts = {"schema": SCHEMA, "accuracy": self.accuracy, "checksum": self.checksum}

        def fill(file: object) -> None:
            file.attrs["facts"] = json.dumps(facts)  # type: ignore[attr-defined]
            file.create_dataset("weights", data=self.weights)  # type: ignore[attr-defined]
            file.create_dataset("bias", data=self.bias)  # type: ignore[attr-defined]

        write_atomically(path, hdf5_image(fill))


def train(dataset: Dataset, seed: int = 0) -> TrainedFeatures:
    """Return features of a classifier of `dataset`, trained on its training split.

    Raises
    ------
    InvalidValue
        Images of fewer than two classes.
    """
    from sklearn.neural_network import MLPClassifier

    if len(np.unique(dataset.train_labels)) < 2:
        raise InvalidValue(
            f"{dataset.source} has images of one class, and a classifier needs two: leave `--features` out for "
            "principal components"
        )
    model = MLPClassifier((UNITS,), batch_size=min(200, len(dataset.train_images)), random_state=seed, max_iter=60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it stopped before it converged: features need no more
        model.fit(dataset.train_images, dataset.train_labels)
    accuracy = float(model.score(dataset.test_images, dataset.test_labels))
    return _made(model.coefs_[0], model.intercepts_[0], accuracy, checksum(dataset))


def load(path: Path) -> TrainedFeatures:
    """Return the features in the file at `path`.

    Raises
    ------
    CorruptFile, MissingFile
        It is no such file.
    """
    with input_files.hdf5(path, "a file of features", _AGAIN) as file:
        facts = json.loads(file.attrs["facts"])
        if facts.get("schema") != SCHEMA:
            raise CorruptFile(f"{path} is no file of features: {_AGAIN}")
        weights, bias = input_files.array(file["weights"]), input_files.array(file["bias"])
    return _made(weights, bias, float(facts["accuracy"]), str(facts["checksum"]))


def checksum(dataset: Dataset) -> str:
    """Return the SHA-256 of the training images."""
    return hashlib.sha256(np.ascontiguousarray(dataset.train_images).tobytes()).hexdigest()


def refuse_others(features: TrainedFeatures, dataset: Dataset) -> None:
    """Raise `InvalidValue` unless `features` were trained on the images of `dataset`."""
    if features.checksum != checksum(dataset):
        raise InvalidValue(
            "these features were trained on other images than the run's: make them with `hopbar features` from the run"
        )


def _made(weights: np.ndarray, bias: np.ndarray, accuracy: float, told: str) -> TrainedFeatures:
    weights, bias = np.asarray(weights, np.float32), np.asarray(bias, np.float32)
    digest = hashlib.sha256(weights.tobytes() + bias.tobytes()).hexdigest()[:8]
    name = f"mlp{len(bias)}-{digest}"
    return TrainedFeatures(name=name, weights=weights, bias=bias, accuracy=accuracy, checksum=told)
