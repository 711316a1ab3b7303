"""A folder of pictures: PNG, JPEG, TIFF and others that Pillow reads; folders within are classes."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from crossbar.errors import CorruptFile, InvalidValue
from hvae.data.own.found import LARGEST, Found, Part

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".pgm", ".ppm")
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM")
MOST_PIXELS = 2**26  # of one picture, before it is read
_SPLITS = {"train": "train", "training": "train", "validation": "validation", "val": "validation", "test": "test"}
_GREY = {"1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L"}


def folder(path: Path) -> Found:
    """Return the pictures below `path`: of folders called train, validation and test if there are such, else all.

    Raises
    ------
    InvalidValue
        No pictures; more than are read.
    CorruptFile
        A file with the name of a picture that is none.
    """
    below = {one.name.lower(): one for one in sorted(path.iterdir()) if one.is_dir()}
    splits = {_SPLITS[name]: one for name, one in below.items() if name in _SPLITS}
    roots = splits if "train" in splits else {"all": path}
    classes = sorted({name for root in roots.values() for name in _classes(root)})
    parts = {split: _part(root, classes) for split, root in roots.items()}
    return Found(parts=parts, classes=tuple(classes))


def _classes(root: Path) -> list[str]:
    return [one.name for one in root.iterdir() if one.is_dir() and not one.name.startswith(".")]


def _part(root: Path, classes: list[str]) -> Part:
    files = sorted(one for one in root.rglob("*") if one.suffix.lower() in SUFFIXES and one.is_file())
    if not files:
        raise InvalidValue(f"{root} holds no pictures ({', '.join(SUFFIXES[:5])} ...) and no IDX files")
    images, total = [], 0
    for file in files:
        images.append(picture(file))
        total += images[-1].nbytes
        if total > LARGEST:
            raise InvalidValue(f"{root} holds more than {LARGEST >> 30} GiB of pictures: make them smaller, or fewer")
    places = {name: number for number, name in enumerate(classes)}
    labels = [places.get(file.relative_to(root).parts[0], 0) for file in files]
    return Part(images=images, labels=np.array(labels, np.int64))


def picture(path: Path) -> np.ndarray:
    """Return one picture (rows, columns, 1 or 3): bytes, or 16 bits where it has them; transparent parts are black.

    Raises
    ------
    CorruptFile
        It is no picture, cut short, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise CorruptFile(f"{path} has {opened.width} x {opened.height} pixels: make it smaller")
                return _pixels(opened)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombWarning) as error:
        if isinstance(error, CorruptFile):
            raise
        raise CorruptFile(f"{path} is no picture that can be read ({' '.join(str(error).split())[:100]})") from error
    except Image.DecompressionBombError as error:
        raise CorruptFile(f"{path} is larger than a picture should be: make it smaller") from error


def _pixels(opened: Image.Image) -> np.ndarray:
    if opened.mode.startswith("I;16") or opened.mode == "I":
        return np.clip(np.asarray(opened.convert("I")), 0, 65535).astype(np.uint16)[..., None]
    if opened.mode in {"RGBA", "LA", "PA"} or "transparency" in opened.info:
        layered = opened.convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", layered.size, (0, 0, 0, 255)), layered)
        return np.asarray(flat.convert("L"))[..., None] if opened.mode == "LA" else np.asarray(flat.convert("RGB"))
    if opened.mode in _GREY:
        return np.asarray(opened.convert("L"))[..., None]
    return np.asarray(opened.convert("RGB"))
