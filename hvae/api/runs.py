"""Runs from Python: trained into a folder, opened, asked; what `hopbar train`, `evaluate` and `sample` do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crossbar.chip import Chip, load_chip
from crossbar.errors import InvalidValue
from crossbar.numerics import checks
from hvae.api import settling
from hvae.config import plan_file, toml_file
from hvae.config.run import RunConfig, SamplingConfig
from hvae.learning.learners import Learner
from hvae.onchip.calibration import calibrated
from hvae.onchip.chip import for_array
from hvae.runs import images, loading
from hvae.runs.loading import Trained
from hvae.runs.records import RunFolder
from hvae.scores import evaluation, sampling, yardstick
from hvae.streams import stream
from hvae.training import loop

if TYPE_CHECKING:
    import pandas as pd

Change = Mapping[str, Any] | str | Path
"""Tables of keys, such as ``{"training": {"epochs": 3}}``, or the path of a TOML file of them."""


def configure(model: str, /, *changes: Change, **tables: Mapping[str, Any]) -> RunConfig:
    """Return the configuration of a run of `model`: the paper's Table 3, then each of `changes`, then `tables`.

    An ``array`` with a device makes it a training on a chip, by SGD, as `hopbar train --array` does.

    Parameters
    ----------
    model : str
        ``f-vae``, ``h-vae``, ``dh-vae`` or ``tdh-vae``.
    *changes : mapping or path
        Tables, or TOML files as `hopbar train --config` takes them.
    **tables : mapping
        Tables by name: ``model``, ``data``, ``settling``, ``nudging``, ``optimizer``, ``training``, ``array``,
        ``sampling``. `hopbar show-config MODEL` prints their keys.

    Raises
    ------
    UnknownName, InvalidValue
        An unknown model or key, a value of the wrong type or out of its range.
    MissingFile, CorruptFile
        A file that is not there, or is no TOML.

    Examples
    --------
    >>> import hvae
    >>> config = hvae.configure("tdh-vae", model={"hidden": 100, "latent": 8}, training={"epochs": 3})
    >>> config.model.hidden, config.training.epochs, config.model.sigma
    (100, 3, 0.429)
    """
    given = [change if isinstance(change, Mapping) else Path(change) for change in changes]
    return for_array(toml_file.resolve(model, [*given, tables]))


def train(config: RunConfig | Change, out: str | Path, *, verbose: bool = False) -> Run:
    """Train a run into the new folder `out`, and return it.

    Parameters
    ----------
    config : RunConfig, mapping or path
        From `configure`; or tables, or a TOML file, that name their model as ``model.name``.
    out : path
        Nothing may be there yet.
    verbose : bool
        Show progress on stderr; Ctrl-C then stops at a checkpoint, and `Run.resume` goes on.

    Raises
    ------
    UnknownName, InvalidValue, MissingFile, CorruptFile
        As `configure`.
    ExistingFile
        There is something at `out`; `open_run` opens a run.
    DivergedError
        The training diverged; the last good checkpoint is kept.

    Examples
    --------
    >>> import hvae, tempfile
    >>> config = hvae.configure(
    ...     "tdh-vae",
    ...     data={"image_size": 7, "train_limit": 128},
    ...     model={"hidden": 12, "latent": 3},
    ...     training={"epochs": 2, "validation_samples": 0, "eigenvalue_samples": 0},
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = hvae.train(config, f"{folder}/run")
    ...     run.sample(4, seed=0).shape
    (4, 49)
    """
    resolved = for_array(config if isinstance(config, RunConfig) else _resolved(config))
    folder = RunFolder.create(Path(out), calibrated(resolved, None, np.empty((0, 0))))
    return _trained(folder, verbose)


def open_run(path: str | Path) -> Run:
    """Return the run in the folder `path`, or the model of the chip file `path`.

    Raises
    ------
    MissingFile
        There is no run.

    Examples
    --------
    >>> import hvae, tempfile
    >>> config = hvae.configure(
    ...     "f-vae",
    ...     data={"image_size": 7, "train_limit": 128},
    ...     model={"hidden": 12, "latent": 3},
    ...     training={"epochs": 2, "validation_samples": 0},
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = hvae.train(config, f"{folder}/run")
    ...     hvae.open_run(f"{folder}/run").metrics["sse_half"].dropna().size
    1
    """
    path = Path(path)
    if not path.is_file():
        RunFolder.open(path)
    return Run(path)


@dataclass(frozen=True)
class Run:
    """A run folder, or a chip file, as `open_run` and `train` return it; its weights are read when they are needed.

    Examples
    --------
    >>> import hvae, tempfile
    >>> config = hvae.configure(
    ...     "f-vae",
    ...     data={"image_size": 7, "train_limit": 128},
    ...     model={"hidden": 12, "latent": 3},
    ...     training={"epochs": 2, "validation_samples": 0},
    ... )
    >>> digits = hvae.load_images("mnist-5k", size=7).test_images[:10]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = hvae.train(config, f"{folder}/run")
    ...     run.encode(digits).shape, run.reconstruct(digits).shape
    ((10, 3), (10, 49))
    """

    path: Path

    @cached_property
    def trained(self) -> Trained:
        """The model: learner, parameters, epochs made."""
        return loading.load(self.path)

    @property
    def config(self) -> RunConfig:
        """The run's resolved configuration."""
        return self.trained.config if self.path.is_file() else RunFolder.open(self.path).config()

    @property
    def metrics(self) -> pd.DataFrame:
        """The lines of metrics.jsonl, one a row: of every tenth step, and of every epoch's validation."""
        import pandas as pd

        return pd.DataFrame(RunFolder.open(self.path).metrics())

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Return mu (n, latent) of images `x` (n, pixels) in [-1, 1]."""
        rows = self._rows(x, self._pixels, "images")
        with self._counting() as learner:
            return learner.encode(self.trained.parameters, rows)[0]

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Return images (n, pixels) of latents `z` (n, latent), not clipped."""
        rows = self._rows(z, self.trained.learner.latent, "latents")
        with self._counting() as learner:
            return learner.decode(self.trained.parameters, rows)

    def reconstruct(self, x: np.ndarray, seed: int = 0) -> np.ndarray:
        """Return what images `x` (n, pixels) become, with z drawn from q(z|x), as in training and in scores.

        Not clipped. ``decode(encode(x))`` takes the means instead.
        """
        rows = self._rows(x, self._pixels, "images")
        with self._counting() as learner:
            return sampling.reconstruct(learner, self.trained.parameters, rows, stream(seed, "latent"))[0]

    def sample(self, n: int = 1, seed: int = 0, prior: str | None = None) -> np.ndarray:
        """Return `n` generated images (n, pixels) in [-1, 1], those of `hopbar sample --seed SEED`.

        `prior` is one of ``sampling.prior``; the run's own if None.
        """
        checks.at_least("n", n, 1)
        settings = self._settings(prior)
        fitted = settings.prior != "standard"
        dataset = images.load(self.config.data) if fitted else None
        density = evaluation.density(self.trained, dataset, settings, seed) if dataset is not None else None
        with self._counting() as learner:
            return sampling.generate(learner, self.trained.parameters, n, stream(seed, "sampling"), density)

    def evaluate(self, split: str = "test", seed: int = 0, prior: str | None = None) -> dict[str, object]:
        """Return losses, scores and the yardstick beside them on `split`, and keep them, as `hopbar evaluate` does."""
        settings = self._settings(prior)
        dataset = images.load(self.config.data)
        found = evaluation.evaluate_trained(self.trained, dataset, split=split, seed=seed, settings=settings)
        found |= yardstick.measure(self.trained, dataset, settings, split=split, seed=seed)
        evaluation.keep(self.path, self.trained, found)
        return found

    def chip(self) -> Chip:
        """Return the trained chip, for `circuits` and for programming.

        Raises
        ------
        InvalidValue
            An f-vae, which no crossbar network is.
        MissingFile
            The run has not reached its first checkpoint.
        """
        if self.config.model.name == "f-vae":
            raise InvalidValue("an f-vae has no chip: it is feedforward, and no Hopfield network on a crossbar")
        return load_chip(self.path if self.path.is_file() else self.path / "chip.h5")

    def resume(self, *, verbose: bool = False) -> Run:
        """Go on from the last checkpoint to the last epoch, and return the run."""
        return _trained(RunFolder.open(self.path), verbose)

    def __repr__(self) -> str:
        config = self.config
        (rows, columns, channels), model = config.data.shape, config.model
        device = "" if config.array.device is None else f", on {config.array.device}"
        colour = "" if channels == 1 else f"x{channels}"
        sizes = f"{rows}x{columns}{colour}-{model.hidden}-{model.latent}"
        return f"Run({str(self.path)!r}: {model.name} {sizes}, {config.data.name}{device}, {self._progress()})"

    def _progress(self) -> str:
        if self.path.is_file():
            return "a chip"
        if not RunFolder.open(self.path).has_checkpoint():
            return "no checkpoint yet"
        return f"{self.trained.epochs:.4g} of {self.config.training.epochs} epochs"

    def _counting(self) -> AbstractContextManager[Learner]:
        """Give the learner; refuse and warn as the commands do where samples do not settle."""
        return settling.counting(self.trained.learner, self.config.settling.max_unsettled)

    @property
    def _pixels(self) -> int:
        return self.config.data.n_pixels

    def _settings(self, prior: str | None) -> SamplingConfig:
        settings = evaluation.settings_of(self.trained, prior)
        toml_file.changed(self.config, [f"sampling.prior={settings.prior}"])  # refuses a prior that is none
        return settings

    def _rows(self, rows: np.ndarray, width: int, what: str) -> np.ndarray:
        dtype = next(iter(self.trained.parameters.values())).dtype
        rows = np.asarray(rows, dtype=dtype)
        if rows.ndim != 2 or rows.shape[1] != width or not len(rows):
            raise InvalidValue(f"{what} must be (n, {width}), but got the shape {rows.shape}")
        if not np.isfinite(rows).all():
            raise InvalidValue(f"{what} must be finite, but some numbers are not")
        return rows


def _resolved(config: Change) -> RunConfig:
    """Return the run of tables, or of a TOML file, that name their model."""
    tables = config
    if not isinstance(tables, Mapping):
        tables = plan_file.read(Path(tables), f"no config file at {tables}")
    model = tables.get("model")
    name = model.get("name") if isinstance(model, Mapping) else None
    if not isinstance(name, str):
        raise InvalidValue(
            "a configuration must name its model as `model.name`, but this does not: add it, or take "
            'hvae.configure("tdh-vae", ...)'
        )
    return toml_file.resolve(name, [tables])


def _trained(folder: RunFolder, verbose: bool) -> Run:
    if verbose:
        from hvae.training.watching import watch

        watch(folder)
    else:
        loop.train(folder)
    return Run(folder.path)
