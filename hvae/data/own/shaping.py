"""Images of any size brought to one shape and to pixels in [-1, 1]."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PIL import Image

from crossbar.errors import InvalidValue
from hvae.data.own.found import LEAST_SIDE, MOST_SIDE, Part

Fit = Literal["resize", "crop"]
Shape = tuple[int, int, int]
"""Rows, columns, channels."""

_GREY = np.array([0.299, 0.587, 0.114])  # of red, green and blue: ITU-R BT.601


def shape_of(part: Part, rows: int | None, columns: int | None, channels: int | None, place: str) -> Shape:
    """Return the shape that images are brought to: what is given, else that of the first image.

    Raises
    ------
    InvalidValue
        A side below 4 or above 64.
    """
    first = part.images[0]
    found = (rows or first.shape[0], columns or first.shape[1], channels or first.shape[2])
    if not all(LEAST_SIDE <= side <= MOST_SIDE for side in found[:2]):
        raise InvalidValue(
            f"images of {place} are {found[0]} x {found[1]}, but networks here take {LEAST_SIDE} x {LEAST_SIDE} to "
            f"{MOST_SIDE} x {MOST_SIDE}: set `data.rows` and `data.columns`, such as data.rows=28 data.columns=28"
        )
    return found


def shaped(part: Part, shape: Shape, fit: Fit, scale: tuple[float, float]) -> np.ndarray:
    """Return the images of `part` as float32 (n, rows * columns * channels) in [-1, 1].

    `scale` holds the values that become -1 and 1. ``resize`` brings a whole image to the shape; ``crop`` cuts it around
    its middle to the ratio of the sides first.
    """
    low, high = scale
    found = np.empty((len(part.images), *shape), np.float32)
    for number, image in enumerate(part.images):
        found[number] = _sized(_coloured(image, shape[2]), shape, fit)
    found -= np.float32((low + high) / 2)
    found *= np.float32(2 / (high - low))
    return np.clip(found, -1, 1, out=found).reshape(len(found), -1)


def scale_of(parts: list[Part], place: str) -> tuple[float, float]:
    """Return which values stand for black and white, from the type and the range of the numbers.

    Bytes: 0 and 255. 16 bits: 0 and 65535. Other numbers: 0 and 1, -1 and 1, or 0 and 255, by where they lie.

    Raises
    ------
    InvalidValue
        Numbers that lie in none of these ranges.
    """
    kinds = {image.dtype for part in parts for image in part.images}
    if kinds <= {np.dtype(np.uint8)}:
        return 0.0, 255.0
    if kinds <= {np.dtype(np.uint8), np.dtype(np.uint16)} and np.dtype(np.uint16) in kinds:
        return 0.0, 65535.0
    low = min(float(image.min()) for part in parts for image in part.images)
    high = max(float(image.max()) for part in parts for image in part.images)
    if kinds == {np.dtype(bool)} or (low >= 0 and high <= 1):
        return 0.0, 1.0
    if low >= -1 and high <= 1:
        return -1.0, 1.0
    if low >= 0 and high <= 255:
        return 0.0, 255.0
    raise InvalidValue(
        f"pixels of {place} go from {low:g} to {high:g}, but must lie in 0 to 1, -1 to 1 or 0 to 255: scale them first"
    )


def _coloured(image: np.ndarray, channels: int) -> np.ndarray:
    """Return `image` (rows, columns, any) as float32 with so many channels."""
    image = image.astype(np.float32)
    if image.shape[2] == channels:
        return image
    if channels == 1:
        return (image @ _GREY.astype(np.float32))[..., None]
    return np.repeat(image, channels, axis=2)


def _sized(image: np.ndarray, shape: Shape, fit: Fit) -> np.ndarray:
    rows, columns = shape[:2]
    if fit == "crop":
        image = _cropped(image, rows / columns)
    if image.shape[:2] == (rows, columns):
        return image
    planes = [Image.fromarray(np.ascontiguousarray(image[..., k]), mode="F") for k in range(image.shape[2])]
    return np.stack([np.asarray(one.resize((columns, rows), Image.Resampling.BOX)) for one in planes], axis=2)


def _cropped(image: np.ndarray, ratio: float) -> np.ndarray:
    rows, columns = image.shape[:2]
    tall, wide = min(rows, round(columns * ratio)), min(columns, round(rows / ratio))
    top, left = (rows - max(1, tall)) // 2, (columns - max(1, wide)) // 2
    return image[top : top + max(1, tall), left : left + max(1, wide)]
