"""What a file or folder of images holds, before it is brought to one shape: images, labels, splits that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from crossbar.errors import InvalidValue

OWN = "own"  # the name of a data set of one's own
LARGEST = 4 * 2**30  # bytes of images, unpacked, that are read at most
LEAST_SIDE, MOST_SIDE = 4, 64


@dataclass(frozen=True, kw_only=True)
class Part:
    """Images of one split.

    Attributes
    ----------
    images : ndarray (n, rows, columns, channels) or list of ndarray (rows, columns, channels)
        As they lie in the file; pictures of a folder may differ in size.
    labels : ndarray of int64 (n,)
        Zeros where there are none.
    """

    images: np.ndarray | list[np.ndarray]
    labels: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was read.

    Attributes
    ----------
    parts : dict of str to Part
        By split: ``all`` where the file names none, else ``train`` and perhaps ``validation`` and ``test``.
    classes : tuple of str
        Names of the labels, where they have some.
    """

    parts: Mapping[str, Part]
    classes: tuple[str, ...] = field(default=())


def as_images(array: np.ndarray, place: str) -> np.ndarray:
    """Return `array` as images (n, rows, columns, channels); rows of pixels (n, k) are squares.

    Raises
    ------
    InvalidValue
        Another shape, other numbers than reals, or numbers that are not finite.
    """
    if array.dtype.kind not in "uifb":
        raise InvalidValue(f"{place} must hold numbers, but holds {array.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidValue(f"{place} must be finite, but some pixels are NaN or infinite")
    if array.ndim == 2:
        side = round(array.shape[1] ** 0.5)
        if side * side != array.shape[1]:
            raise InvalidValue(
                f"{place} holds rows of {array.shape[1]} pixels, which is no square: give images as (n, rows, columns)"
            )
        return array.reshape(len(array), side, side, 1)
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 4 and array.shape[3] in {1, 3}:
        return array
    if array.ndim == 4 and array.shape[1] in {1, 3}:
        return array.transpose(0, 2, 3, 1)
    raise InvalidValue(
        f"{place} must be images (n, rows, columns), with 1 or 3 channels after or before, but has the shape "
        f"{array.shape}"
    )


def as_labels(array: np.ndarray | None, count: int, place: str) -> np.ndarray:
    """Return whole labels (count,); zeros where there are none.

    Raises
    ------
    InvalidValue
        As many as there are images they are not, or no whole numbers.
    """
    if array is None:
        return np.zeros(count, np.int64)
    array = np.squeeze(array)
    if array.shape != (count,) or array.dtype.kind not in "uifb" or not np.array_equal(array, np.rint(array)):
        raise InvalidValue(f"{place} must hold {count} whole numbers as labels, but holds {array.dtype} {array.shape}")
    return array.astype(np.int64)
