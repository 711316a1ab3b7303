"""Devices by name, and devices that were measured."""

from __future__ import annotations

from pathlib import Path

from crossbar.devices.fitting import Fit
from crossbar.devices.measured import read
from crossbar.devices.presets import Preset, load
from crossbar.devices.tabulating import fit_curve


def preset(name: str | Path) -> Preset:
    """Return a device by its name, or from a TOML file of your own.

    Its law is in weight units; `g_min` and `g_max` are the siemens of the law's nominal bounds. Every number carries
    its unit and source (`quantities`). `hopbar devices list` shows all names.

    Parameters
    ----------
    name : str or Path
        Such as ``"epiram"`` (case and signs do not matter), or the path of a file: see `crossbar.devices.presets`.

    Returns
    -------
    Preset
        Takes the place of the name in `Array(W, device=...)`.

    Raises
    ------
    UnknownName
        No such preset; the nearest is suggested.
    MissingFile, CorruptFile, InvalidValue
        No such file, or one that tells no device.

    Examples
    --------
    >>> import crossbar as xb
    >>> device = xb.preset("EpiRAM")
    >>> device.name, device.g_max > device.g_min > 0
    ('epiram', True)
    """
    return load(name)


def fit_device(path: str | Path, law: str = "nonlinear", *, seed: int = 0) -> Fit:
    r"""Return the `law` fitted to a measured pulse curve, with error bars: your own device.

    The mean curve of the law is fitted to the measured conductances by least squares; noise of cycles and noise of
    reading are told apart by their memory (`crossbar.devices.fitting`).

    Parameters
    ----------
    path : str or Path
        CSV with the columns `pulse`, `conductance` (S) and, optionally, `direction` (up or down).
    law : str
        `constant`, `linear`, `soft-bounds`, `power`, `exponential`, `nonlinear`, the tables `piecewise` and
        `jump-table` (`crossbar.devices.tabulating`), or a law of one's own (`crossbar.devices.own_laws`).
    seed : int
        Of the simulated curves behind the error bars.

    Returns
    -------
    Fit
        Takes the place of a preset's name in `Array(W, device=...)`; look at its `r_squared` first.

    Raises
    ------
    MissingFile, CorruptFile
        No such file, or one that is no pulse curve; the message names the line.
    InvalidValue
        Too few points, one direction only, conductances that are not positive.
    UnknownName
        A law that cannot be fitted.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import crossbar as xb
    >>> up = [1e-6 + 1e-7 * k for k in range(20)]
    >>> rows = [f"{k},{g}" for k, g in enumerate(up + up[-2::-1])]
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "mine.csv"
    >>> _ = path.write_text("\n".join(["pulse,conductance", *rows]))
    >>> found = xb.fit_device(path, "linear")
    >>> round(found.r_squared, 3)
    1.0
    >>> xb.Array([[0.5, -0.2]], device=found).shape
    (1, 2)
    """
    return fit_curve(read(path), law, seed=seed)
