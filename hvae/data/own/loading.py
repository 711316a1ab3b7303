"""From a path to a data set: read, shaped, split, with the sum of what was read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from crossbar.errors import CorruptFile, InvalidValue, MissingFile
from hvae.data.own import arrays, pictures
from hvae.data.own.found import Found, Part
from hvae.data.own.shaping import Fit, Shape, scale_of, shape_of, shaped

LEAST = 20  # images
_SHARE, _MOST = 0.1, 5000  # of all images, that validation and test take each
_ORDER = 20231115  # seed of the order in which images without splits are dealt out


@dataclass(frozen=True, kw_only=True)
class Own:
    """Images of one's own, ready to be trained on.

    Attributes
    ----------
    shape : tuple
        Rows, columns, channels.
    images, labels : dict of str to ndarray
        By split: (n, rows * columns * channels) in [-1, 1], and (n,).
    checksum : str
        SHA-256 of all images and labels as read, before they were shaped.
    told : str
        Where they come from, in words.
    """

    shape: Shape
    images: Mapping[str, np.ndarray]
    labels: Mapping[str, np.ndarray]
    checksum: str
    told: str


@lru_cache(maxsize=2)
def load(file: str, rows: int | None, columns: int | None, channels: int | None, fit: Fit) -> Own:
    """Return the images of `file`, a folder of pictures or IDX files, .npz, .npy, HDF5 or IDX.

    Splits are those that the file names. What it does not name is a tenth of the training images each, at most 5,000,
    in an order that is the same every time.

    Raises
    ------
    MissingFile
        Nothing is there.
    CorruptFile, InvalidValue
        It cannot be read; what it holds are no images, too few, or of a size that no network here takes.
    """
    path = Path(file)
    found = read(path)
    parts = dict(found.parts)
    total = sum(len(part.images) for part in parts.values())
    if total < LEAST or any(len(part.images) == 0 for part in parts.values()):
        raise InvalidValue(f"{path} holds {total} images, but {LEAST} are needed, and some in each of its splits")
    first = parts.get("all") or parts["train"]
    shape = shape_of(first, rows, columns, channels, str(path))
    scale = scale_of(list(parts.values()), str(path))
    images = {split: shaped(part, shape, fit, scale) for split, part in parts.items()}
    labels = {split: part.labels for split, part in parts.items()}
    split_images, split_labels = _split(images, labels)
    named = ", ".join(f"{split} {len(one):,}" for split, one in split_images.items())
    told = f"{total:,} images, scaled from {scale[0]:g}..{scale[1]:g}, {fit}; {named}"
    return Own(shape=shape, images=split_images, labels=split_labels, checksum=_checksum(parts), told=told)


def read(path: Path) -> Found:
    """Return what `path` holds.

    Raises
    ------
    MissingFile, CorruptFile, InvalidValue
        As `load`.
    """
    if path.is_dir():
        return arrays.idx_folder(path) or pictures.folder(path)
    if not path.is_file():
        raise MissingFile(f"no images at {path}: give a folder of pictures, or an .npz, .npy, HDF5 or IDX file")
    if path.stat().st_size == 0:
        raise CorruptFile(f"{path} is empty")
    readers = {".npz": arrays.npz, ".npy": arrays.npy, ".h5": arrays.hdf5, ".hdf5": arrays.hdf5}
    reader = readers.get(path.suffix.lower())
    if reader is not None:
        return reader(path)
    if "idx" in path.name or path.suffix == ".gz":
        return arrays.idx_file(path)
    raise InvalidValue(
        f"{path.name!r} is none of .npz, .npy, .h5, .hdf5 or an IDX file (...-idx3-ubyte, .gz or not): convert it"
    )


def _split(
    images: dict[str, np.ndarray], labels: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return images and labels of train, validation and test."""
    source = "all" if "all" in images else "train"
    pool = len(images[source])
    wanted = [name for name in ("validation", "test") if name not in images]
    size = min(_MOST, max(4, round(pool * _SHARE)))
    order = np.random.default_rng(_ORDER).permutation(pool)
    cuts = {name: order[number * size : (number + 1) * size] for number, name in enumerate(wanted)}
    cuts["train"] = order[len(wanted) * size :]  # mixed: folders and files are often ordered by class
    found_images, found_labels = {}, {}
    for name in ("train", "validation", "test"):
        rows = cuts.get(name, slice(None))
        own = source if name in cuts else name
        found_images[name], found_labels[name] = images[own][rows], labels[own][rows]
    return found_images, found_labels


def _checksum(parts: Mapping[str, Part]) -> str:
    digest = hashlib.sha256()
    for split in sorted(parts):
        digest.update(split.encode())
        for image in parts[split].images:
            digest.update(f"{image.dtype.str}{image.shape}".encode())
            digest.update(np.ascontiguousarray(image).tobytes())
        digest.update(parts[split].labels.tobytes())
    return digest.hexdigest()
