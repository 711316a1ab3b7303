"""Fitted mixtures, kept in the run's folder: two hundred Gaussians take minutes to fit, and each command needs them.

The name of a file is a digest of all that its mixture follows from: weights, configuration, settings, data and seed. So
one that was trained on, or asked for otherwise, is fitted anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np

from crossbar import input_files
from crossbar.errors import CorruptFile
from crossbar.output_files import hdf5_image, write_atomically
from hvae.config import toml_file
from hvae.config.run import SamplingConfig
from hvae.data.sets import Dataset
from hvae.runs.loading import Trained
from hvae.scores.densities import LatentDensity, Mixture

SCHEMA = "hopbar-prior/1"


def kept_or(
    fit: Callable[[], LatentDensity], trained: Trained, dataset: Dataset, settings: SamplingConfig, seed: int
) -> LatentDensity:
    """Return the mixture that lies in the folder of `trained`, or else what `fit` gives, and keep that.

    What cannot be kept, as in a folder that is read-only, is fitted again the next time.
    """
    if trained.folder is None:
        return fit()
    path = trained.folder / f"prior-{_digest(trained, dataset, settings, seed)}.h5"
    if path.exists():
        try:
            return _read(path, trained.learner.latent)
        except CorruptFile:
            path.unlink(missing_ok=True)
    found = fit()
    if isinstance(found, Mixture):
        _keep(found, path)
    return found


def _digest(trained: Trained, dataset: Dataset, settings: SamplingConfig, seed: int) -> str:
    said = [toml_file.dump(trained.config), sorted(asdict(settings).items()), seed, dataset.name]
    found = hashlib.sha256(repr(said).encode())
    found.update(np.ascontiguousarray(dataset.train_images[: settings.fit_samples]).tobytes())
    for name in sorted(trained.parameters):
        found.update(np.ascontiguousarray(trained.parameters[name]).tobytes())
    return found.hexdigest()[:16]


def _keep(mixture: Mixture, path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file.attrs.update(schema=SCHEMA, covariance=mixture.covariance)
        for name in ("weights", "means", "factors"):
            file.create_dataset(name, data=getattr(mixture, name))

    try:
        write_atomically(path, hdf5_image(fill))
    except OSError:
        return  # it only saves time


def _read(path: Path, latent: int) -> Mixture:
    with input_files.hdf5(path, "a fitted prior", "remove it") as file:
        if file.attrs.get("schema") != SCHEMA:
            raise CorruptFile(f"{path} is not a fitted prior of schema {SCHEMA!r}: remove it")
        arrays = {name: input_files.array(file[name]) for name in ("weights", "means", "factors")}
        found = Mixture(**arrays, covariance=str(file.attrs["covariance"]))
    count = len(found.weights)
    whole = found.means.shape == (count, latent) and found.factors.shape == (count, latent, latent)
    if not whole or not all(np.isfinite(array).all() for array in arrays.values()) or (found.weights < 0).any():
        raise CorruptFile(f"{path} holds no mixture of {latent} dimensions: remove it")
    return found
