"""Images for users: loaded as a run loads them, and drawn in a grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crossbar.errors import InvalidValue
from hvae.config import own_images, toml_file
from hvae.data.sets import Dataset
from hvae.runs import images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDES = (28, 14, 7)


def load_images(
    name: str = "mnist-5k", *, size: int | None = None, limit: int | None = None, folder: str | Path | None = None
) -> Dataset:
    """Return the data set `name`: images (n, pixels) in [-1, 1] and labels of three splits.

    Parameters
    ----------
    name : str
        ``mnist-5k`` (comes with Hopbar), ``mnist``, ``fashion-mnist`` or ``digits``; or the path of your own: a folder
        of pictures or IDX files, .npz, .npy, HDF5 or IDX.
    size : int or None
        Pixels a side of the first three: 28 if None, or 14 or 7, means over squares of pixels.
    limit : int or None
        Keep only so many training images.
    folder : path or None
        Where the files lie; else HOPBAR_DATA, the cache, or a download.

    Raises
    ------
    InvalidValue, UnknownName
        Another size, or a limit below 1; no such data set.
    MissingFile, CorruptFile
        The files are not there and cannot be fetched, or are damaged.

    Examples
    --------
    >>> import hvae
    >>> digits = hvae.load_images("mnist-5k", size=7)
    >>> digits.train_images.shape, digits.test_labels[:5].tolist()
    ((4000, 49), [0, 1, 2, 3, 4])
    """
    data = {"train_limit": limit, "folder": None if folder is None else str(folder)}
    data |= {} if size is None else {"image_size": size}
    return images.load(toml_file.resolve("f-vae", [{"data": data}], own_images.settings(name)).data)


def draw_images(drawn: np.ndarray, *, title: str = "", n_columns: int = 10) -> Figure:
    """Return a matplotlib figure of images (n, pixels) in a grid, clipped to [-1, 1]; ``figure.savefig`` writes it.

    Raises
    ------
    InvalidValue
        Images that are not 28 x 28, 14 x 14 or 7 x 7.

    Examples
    --------
    >>> import hvae
    >>> figure = hvae.draw_images(hvae.load_images(size=14).test_images[:20], title="digits")
    >>> figure.axes[0].get_title()
    'digits'
    """
    from hvae.reports import figures

    return figures.samples(whole(drawn), title, n_columns)


def whole(small: np.ndarray) -> np.ndarray:
    """Return square images (n, pixels) at 28 x 28, (n, 784): every pixel repeated.

    Raises
    ------
    InvalidValue
        They are not 28 x 28, 14 x 14 or 7 x 7, none at all, or not finite.
    """
    small = np.asarray(small)
    known = [side**2 for side in SIDES]
    if small.ndim != 2 or small.shape[1] not in known or not len(small):
        raise InvalidValue(f"images must be (n, pixels) with 784, 196 or 49 pixels, but got the shape {small.shape}")
    if not np.isfinite(small).all():
        raise InvalidValue("images must be finite, but some pixels are not: did the model diverge?")
    return images.enlarge(small)
