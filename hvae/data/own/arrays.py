"""Images in files of arrays: .npy, .npz, HDF5 and IDX. Nothing in them is unpickled."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np

from crossbar import input_files
from crossbar.errors import InvalidValue
from hvae.data import idx
from hvae.data.own.found import LARGEST, Found, Part, as_images, as_labels

SPLITS = {
    "train": ("train_images", "x_train", "images_train", "train"),
    "validation": ("validation_images", "val_images", "x_validation", "x_val", "validation", "val"),
    "test": ("test_images", "x_test", "images_test", "test"),
    "all": ("images", "x", "data", "arr_0"),
}
"""Names of the images in a file of several arrays, by split; labels are told by theirs (`_labels_of`)."""

_IDX_IMAGES = re.compile(r"(?P<stem>.*?)(?P<kind>-?images[-.]idx3-ubyte|-images)(?P<end>(?:\.gz)?)$")
_AGAIN = "write it again, as npz with an array `images` (n, rows, columns)"


def npy(path: Path) -> Found:
    """Return the one array of a .npy file."""
    images = as_images(input_files.npy(path, LARGEST, _AGAIN), str(path))
    return Found(parts={"all": Part(images=images, labels=as_labels(None, len(images), str(path)))})


def npz(path: Path) -> Found:
    """Return the arrays of a .npz file, by their names."""
    with input_files.npz(path, LARGEST, _AGAIN) as file:
        return _by_name(path, list(file), lambda name: file[name])


def hdf5(path: Path) -> Found:
    """Return the data sets at the top of an HDF5 file, by their names."""
    with input_files.hdf5(path, "a file of images", _AGAIN) as file:
        named = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
        input_files.check_size(path, sum(int(item.nbytes) for item in named.values()), LARGEST)
        return _by_name(path, list(named), lambda name: input_files.array(named[name]))


def idx_file(path: Path) -> Found:
    """Return the images of one IDX file, with the labels beside it if there are some."""
    return Found(parts={"all": _idx_part(path)})


def idx_folder(folder: Path) -> Found | None:
    """Return the IDX files of `folder`: MNIST's, KMNIST's or EMNIST's names; None where there is none."""
    images = sorted(path for path in folder.iterdir() if _IDX_IMAGES.match(path.name) and path.is_file())
    parts = {}
    for path in images:
        split = "train" if "train" in path.name else "test" if re.search("t10k|test", path.name) else "all"
        if split in parts:
            raise InvalidValue(f"{folder} holds several data sets, such as {path.name}: give a folder of one")
        parts[split] = _idx_part(path)
    if "all" in parts and len(parts) > 1:
        raise InvalidValue(f"{folder} holds several data sets: give a folder of one, or one file")
    return Found(parts=parts) if parts else None


def _idx_part(path: Path) -> Part:
    content = idx.parse(idx.unpack(path, LARGEST), str(path))
    if content.ndim != 3:
        raise InvalidValue(f"{path} must hold images (n, rows, columns), but has the shape {content.shape}")
    images, labels, told = as_images(content, str(path)), None, ""
    matched = _IDX_IMAGES.match(path.name)
    if matched:
        kind = matched["kind"].replace("images", "labels").replace("idx3", "idx1")
        for end in (matched["end"], "", ".gz"):
            beside = path.with_name(f"{matched['stem']}{kind}{end}")
            if beside.is_file():
                labels, told = idx.parse(idx.unpack(beside, LARGEST), str(beside)), str(beside)
                break
    return Part(images=images, labels=as_labels(labels, len(images), told))


def _by_name(path: Path, names: list[str], read: Callable[[str], np.ndarray]) -> Found:
    known = {name.lower(): name for name in names}
    chosen: dict[str, str] = {}
    for split, spellings in SPLITS.items():
        found = next((known[one] for one in spellings if one in known), None)
        if found is not None:
            chosen[split] = found
    if "train" in chosen:
        chosen.pop("all", None)
    elif "all" in chosen:
        chosen = {"all": chosen["all"]}
    else:
        raise InvalidValue(
            f"{path} holds {', '.join(names[:8]) or 'nothing'}, and none of it is called `images`, `x_train` or "
            "`train_images`: name the images so"
        )
    parts = {}
    for split, name in chosen.items():
        images = as_images(np.asarray(read(name)), f"{path}: {name}")
        label = _labels_of(name, known)
        labels = None if label is None else np.asarray(read(label))
        parts[split] = Part(images=images, labels=as_labels(labels, len(images), f"{path}: {label}"))
    return Found(parts=parts)


def _labels_of(images: str, known: Mapping[str, str]) -> str | None:
    name = images.lower()
    spellings = (
        name.replace("images", "labels"), re.sub(r"^x", "y", name), f"{name}_labels", f"{name}_targets",
        {"data": "target", "images": "targets", "x": "labels"}.get(name, ""),
    )  # fmt: skip
    return next((known[one] for one in spellings if one != name and one in known), None)
