"""Data sets of 28 x 28 grey images, scaled to [-1, 1], with a held-out validation split of the training set.

Nothing is ever selected on the test set here: hyperparameters, recipes and checkpoints are chosen on the validation
split.  The paper (arXiv:2311.15047) keeps "the model with the best final FID score" on the test set, so its figures are
a little optimistic and ours are not comparable to the last digit.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np

from crossbar import shipped
from crossbar.errors import CorruptFile, unknown_name
from hvae.data import sources as dataset_files
from hvae.data.own import loading as own
from hvae.data.own.found import OWN
from hvae.data.own.shaping import Fit

EMBEDDED = dataset_files.EMBEDDED
VALIDATION_SIZE = 5000  # the last rows of an MNIST-like training set; its file is not ordered by class


class OwnImages(Protocol):
    """What is said of images of one's own: `hvae.config.run.DataConfig`."""

    @property
    def file(self) -> str | None: ...  # noqa: D102
    @property
    def rows(self) -> int | None: ...  # noqa: D102
    @property
    def columns(self) -> int | None: ...  # noqa: D102
    @property
    def channels(self) -> int | None: ...  # noqa: D102
    @property
    def fit(self) -> Fit: ...  # noqa: D102
    @property
    def checksum(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """Images ``(n, pixels)`` float32 in [-1, 1] and labels ``(n,)`` int64 of three disjoint splits.

    ``shape`` is that of an image: rows, columns, channels.

    Examples
    --------
    >>> import hvae
    >>> images, labels = hvae.load_images("mnist-5k").split("validation")
    >>> images.shape, labels.shape
    ((500, 784), (500,))
    """

    name: str
    source: str  # the file or folder read
    checked: str  # what was verified of it
    train_images: np.ndarray
    train_labels: np.ndarray
    validation_images: np.ndarray
    validation_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    shape: tuple[int, int, int] = (28, 28, 1)

    def split(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the images and labels of ``train``, ``validation`` or ``test``.

        Raises
        ------
        UnknownName
            If `name` is none of these.
        """
        if name not in SPLITS:
            raise unknown_name("split", name, SPLITS)
        return getattr(self, f"{name}_images"), getattr(self, f"{name}_labels")


SPLITS = ("train", "validation", "test")


def names() -> list[str]:
    """Return the names that `load` knows."""
    return list(dataset_files.names())


def load(name: str, folder: Path | str | None = None) -> Dataset:
    """Return the data set `name`.

    ``mnist-5k`` is embedded (it has no use for `folder`): 4000 training, 500 validation and 500 test digits, 400/50/50
    of each class, all taken from the MNIST *training* set.  ``mnist`` and ``fashion-mnist`` are read from `folder`, the
    folder in the environment variable HOPBAR_DATA, the user's cache, the folder of a system's package (Debian's
    dataset-fashion-mnist), or a mirror, in this order; their last 5000 training images are the validation split (55,000
    remain), and the 10,000 test images are the publisher's. ``digits`` are scikit-learn's 1,797 of 8 x 8 pixels, 0 to
    16: every tenth is a test image, and every tenth after it is for validation.

    Pixels become ``x = v / 127.5 - 1`` for a grey value v in 0..255 (paper, B.1: the range is [-1, 1]).

    Raises
    ------
    UnknownName
        If there is no such data set.
    MissingFile
        If a file is not there and cannot be fetched.
    CorruptFile
        If a file is truncated, or has not the published sum or shape.
    """
    if name == EMBEDDED:
        return _load_embedded()
    if name == dataset_files.DIGITS:
        return _load_digits()
    sources = dataset_files.known_sources()
    if name not in sources:
        raise unknown_name("data set", name, names())
    source = sources[name]
    found = dataset_files.find_folder(source, Path(folder) if folder is not None else None)
    arrays = dataset_files.read(source, found)
    return _assemble(source, found, arrays)


def scale(grey: np.ndarray) -> np.ndarray:
    """Map grey values 0..255, shape ``(n, ...)``, to float32 pixels ``(n, n_pixels)`` in [-1, 1]."""
    return grey.reshape(len(grey), -1).astype(np.float32) * np.float32(1 / 127.5) - np.float32(1)


def _assemble(source: dataset_files.Source, folder: Path, arrays: dict[str, np.ndarray]) -> Dataset:
    pixels = scale(arrays["train-images-idx3-ubyte"])
    labels = arrays["train-labels-idx1-ubyte"].astype(np.int64)
    return Dataset(
        name=source.name,
        source=str(folder),
        checked="SHA-256 of the unpacked bytes of all four files, and their shapes",
        train_images=pixels[:-VALIDATION_SIZE],
        train_labels=labels[:-VALIDATION_SIZE],
        validation_images=pixels[-VALIDATION_SIZE:],
        validation_labels=labels[-VALIDATION_SIZE:],
        test_images=scale(arrays["t10k-images-idx3-ubyte"]),
        test_labels=arrays["t10k-labels-idx1-ubyte"].astype(np.int64),
    )


def _load_embedded() -> Dataset:
    resource = shipped.folder()
    facts = tomllib.loads(resource.joinpath("embedded.toml").read_text(encoding="utf-8"))[EMBEDDED]
    path = resource.joinpath(facts["file"])
    try:
        with path.open("rb") as stream, h5py.File(stream) as file:
            grey, digits = file["images"][()], file["labels"][()]
    except (OSError, KeyError) as error:
        raise CorruptFile(f"{path} is missing or damaged ({error}). Install hopbar again.") from error
    for array, expected in ((grey, facts["images_sha256"]), (digits, facts["labels_sha256"])):
        if hashlib.sha256(array.tobytes()).hexdigest() != expected:
            raise CorruptFile(f"{path} is damaged: its content has not the SHA-256 {expected}. Install hopbar again.")
    pixels, labels = scale(grey), digits.astype(np.int64)
    return Dataset(
        name=EMBEDDED,
        source=str(path),
        checked="SHA-256 of images and labels",
        train_images=pixels[:4000],
        train_labels=labels[:4000],
        validation_images=pixels[4000:4500],
        validation_labels=labels[4000:4500],
        test_images=pixels[4500:],
        test_labels=labels[4500:],
    )


def _load_digits() -> Dataset:
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels = (found.data / 8 - 1).astype(np.float32)
    labels = found.target.astype(np.int64)
    place = np.arange(len(pixels)) % 10
    rows = {"train": place > 1, "validation": place == 1, "test": place == 0}
    splits = {f"{name}_images": pixels[own] for name, own in rows.items()}
    splits |= {f"{name}_labels": labels[own] for name, own in rows.items()}
    return Dataset(
        name=dataset_files.DIGITS, source="scikit-learn", checked="nothing: scikit-learn brings it",
        shape=(8, 8, 1), **splits,
    )  # fmt: skip


def load_own(config: OwnImages) -> Dataset:
    """Return the images that `config` names, in the shape that it says.

    Raises
    ------
    MissingFile, CorruptFile, InvalidValue
        As `hvae.data.own.loading.load`; they are not those that the run was made with.
    """
    assert config.file is not None
    found = own.load(config.file, config.rows, config.columns, config.channels, config.fit)
    if config.checksum is not None and config.checksum != found.checksum:
        raise CorruptFile(
            f"{config.file} does not hold the images that the run was made with: bring them back, or train anew"
        )
    splits = {f"{name}_images": found.images[name] for name in SPLITS}
    splits |= {f"{name}_labels": found.labels[name] for name in SPLITS}
    return Dataset(
        name=OWN, source=config.file, checked=f"SHA-256 {found.checksum}; {found.told}", shape=found.shape, **splits
    )
