"""The images that a run sees: a data set, reduced as its configuration says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hvae.config.run import DataConfig
from hvae.data import sets
from hvae.data.own.found import OWN
from hvae.data.sets import Dataset

_SIDE = 28


def load(config: DataConfig) -> Dataset:
    """Return the data set of `config`, its images averaged down to ``image_size`` and its training set cut."""
    dataset = sets.load_own(config) if config.name == OWN else sets.load(config.name, config.folder)
    if config.train_limit is not None:
        images, labels = dataset.train_images[: config.train_limit], dataset.train_labels[: config.train_limit]
        dataset = replace(dataset, train_images=images, train_labels=labels)
    if dataset.shape == config.shape:
        return dataset
    splits = {f"{name}_images": shrink(dataset.split(name)[0], config.image_size) for name in sets.SPLITS}
    return replace(dataset, shape=config.shape, **splits)  # type: ignore[arg-type]


def picture(images: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return `images` (n, pixels) of `shape` as they are drawn: (n, rows, columns) or (n, rows, columns, 3).

    Squares that divide 28 are enlarged to that, as the paper's figures are.
    """
    rows, columns, channels = shape
    if channels == 1 and rows == columns and _SIDE % rows == 0:
        return enlarge(images).reshape(-1, _SIDE, _SIDE)
    return images.reshape(-1, rows, columns) if channels == 1 else images.reshape(-1, rows, columns, channels)


def shrink(images: np.ndarray, side: int) -> np.ndarray:
    """Return `images` (n, 784) averaged over squares, (n, side^2); `side` must divide 28."""
    square = _SIDE // side
    blocks = images.reshape(len(images), side, square, side, square)
    return np.ascontiguousarray(blocks.mean(axis=(2, 4)).reshape(len(images), side * side))


def enlarge(images: np.ndarray) -> np.ndarray:
    """Return `images` (n, side^2) with every pixel repeated to 28 x 28, (n, 784): the feature net's format."""
    side = round(images.shape[1] ** 0.5)
    square = _SIDE // side
    grid = images.reshape(len(images), side, side)
    return np.repeat(np.repeat(grid, square, axis=1), square, axis=2).reshape(len(images), _SIDE * _SIDE)
