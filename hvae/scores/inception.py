"""The features of the paper's FID: 2048 activations of Inception v3, by torch-fidelity, with weights from a path.

An extra: ``pip install 'hopbar[fid]'``. The distance itself is ours (`hvae.scores.distances`), which gives
torch-fidelity's and pytorch-fid's numbers on the same features (tests/hvae/scores/test_distances.py).
"""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossbar.errors import CorruptFile, EngineError, InvalidValue, MissingFile

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"
SOURCE = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{WEIGHTS}"
FEATURES = "2048"
BATCH = 32
PACKAGES = ("torch", "torchvision", "torch_fidelity")  # torch-fidelity imports torchvision but does not ask for it


@dataclass(frozen=True, kw_only=True)
class Inception:
    """Inception v3 of 2015 (TensorFlow's weights), as FID has been computed with since Heusel et al., arXiv:1706.08500.

    Attributes
    ----------
    name : str
        "inception-v3-2048-" and eight digits of the SHA-256 of the weights' file; the published one gives 6726825d.
    net : torch_fidelity.feature_extractor_inceptionv3.FeatureExtractorInceptionV3
    """

    name: str
    net: Any

    def extract(self, images: np.ndarray) -> np.ndarray:
        """Return the features (n, 2048), float32, of grey images (n, side^2) with pixels in [-1, 1].

        Pixels are clipped and rounded to 0..255, repeated over three channels, and enlarged to 299 x 299 as TensorFlow
        1 does it (inside torch-fidelity).

        Raises
        ------
        InvalidValue
            The images are no squares of finite numbers.
        """
        import torch

        pixels = as_bytes(images)
        pixels = pixels[..., None] if pixels.ndim == 3 else pixels
        parts = []
        for first in range(0, len(pixels), BATCH):
            batch = torch.from_numpy(pixels[first : first + BATCH]).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
            parts.append(self.net(batch)[0].numpy())
        return np.concatenate(parts).astype(np.float32)


def load(weights: Path | None) -> Inception:
    """Return Inception with the weights in the file `weights`.

    Raises
    ------
    EngineError
        torch, torchvision or torch-fidelity is not installed.
    MissingFile, CorruptFile
        No weights are named or there; the file is not of Inception v3.
    """
    missing = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        raise EngineError(
            f"Inception features need {' and '.join(missing)}: pip install 'hopbar[fid]', or leave out "
            "`--features inception` for the features that Hopbar brings along"
        )
    if weights is None or not weights.is_file():
        where = "`--weights` names none" if weights is None else f"there is no file {weights}"
        raise MissingFile(f"Inception features need the net's weights, but {where}: download {SOURCE}")
    return Inception(name=f"inception-v3-{FEATURES}-{_digest(weights)}", net=_net(weights))


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Return images in [-1, 1] as bytes: x -> round(127.5 (x + 1)), clipped.

    Squares (n, side^2) become (n, side, side), images (n, rows, columns, 1 or 3) stay so.
    """
    images = np.asarray(images)
    square = images.ndim == 2 and round(images.shape[1] ** 0.5) ** 2 == images.shape[1]
    if not (square or (images.ndim == 4 and images.shape[3] in {1, 3})) or len(images) == 0:
        raise InvalidValue(f"`images` must be squares (n, side^2), at least one, but got the shape {images.shape}")
    if not np.isfinite(images).all():
        raise InvalidValue("`images` must be finite, but some pixels are NaN or infinite: did the model diverge?")
    grey = np.rint((np.clip(images, -1, 1) + 1) * 127.5).astype(np.uint8)
    side = round(images.shape[1] ** 0.5)
    return grey.reshape(-1, side, side) if square else grey


def _net(weights: Path) -> Any:
    import torch
    from torch_fidelity import feature_extractor_inceptionv3 as published

    try:
        torch.load(weights, weights_only=True)  # numbers only: torch-fidelity itself would run code from the file
        return published.FeatureExtractorInceptionV3(
            "inception", [FEATURES], feature_extractor_weights_path=str(weights)
        )
    except (RuntimeError, pickle.UnpicklingError, EOFError, AttributeError, TypeError, KeyError) as error:
        raise CorruptFile(f"{weights} holds no weights of Inception v3: download {SOURCE}") from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]
