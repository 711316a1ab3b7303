"""One law for many devices: each fitted alone, then their mean and their spread from device to device.

Conductances of all devices are put on one scale, on which -1 and 1 (0 and 2 of one-sided ones) are the means of their
lowest and highest conductance. Steps and bounds of each device are told on that scale before they are averaged, so that
a device of twice the range spreads by that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossbar.devices.fitting import Estimate, Fit, fit
from crossbar.devices.law import PulsedLaw, law, parameter_names
from crossbar.devices.measured import PulseCurve
from crossbar.devices.tabulating import TABULATED, tabulate
from crossbar.errors import InvalidValue

RELATIVE = ("dw_min", "w_max", "w_min", "pow_gamma", "dw_min_std")
"""Parameters whose spread the laws take as a share of the parameter; of all others it is absolute."""

LEAST = 3  # devices, of which a spread says something


@dataclass(frozen=True, kw_only=True, slots=True)
class Population:
    """Many devices of one kind.

    Attributes
    ----------
    fit : Fit
        The law with spreads; parameters with the standard error of the mean of devices.
    devices : tuple of Fit
        Each alone.
    untold : dict of str to float
        Spreads (relative, or absolute) of parameters that the law gives all devices alike.
    """

    fit: Fit
    devices: tuple[Fit, ...]
    untold: dict[str, float]


def fit_population(curves: Sequence[PulseCurve], name: str = "nonlinear", *, seed: int = 0) -> Population:
    """Return the law `name` fitted to many devices, one a curve.

    Raises
    ------
    UnknownName, InvalidValue
        As `crossbar.devices.fitting.fit`; fewer than three devices; some that were pulsed both ways beside others that
        were not.
    """
    if len(curves) < LEAST:
        raise InvalidValue(f"a spread needs at least {LEAST} devices, but got {len(curves)}: fit them one by one")
    if name in TABULATED:
        fits = tabulate(curves, name)
    else:
        fits = tuple(fit(curve, name, seed=seed + k) for k, curve in enumerate(curves))
    if len({one.law.one_sided for one in fits}) > 1:
        raise InvalidValue("some devices were pulsed both ways and others up only: fit them apart")
    scales = np.array([(one.g_max - one.g_min) / 2 for one in fits])
    one_sided = fits[0].law.one_sided
    grounds = np.array([one.g_min if one_sided else (one.g_min + one.g_max) / 2 for one in fits])
    scale, ground = float(scales.mean()), float(grounds.mean())
    told = _on_one_scale(fits, scales / scale, (grounds - ground) / scale)
    means = {key: float(values.mean()) for key, values in told.items()}
    spreads, untold = _spreads(name, told, means)
    error = {key: float(values.std(ddof=1) / len(fits) ** 0.5) for key, values in told.items()}
    parameters = {key: Estimate(value=value, error=error[key]) for key, value in means.items()}
    share = 1 / (2 * (len(fits) - 1)) ** 0.5  # standard error of a standard deviation, of itself
    parameters |= {key: Estimate(value=value, error=value * share) for key, value in spreads.items()}
    quiet = {} if "ctoc" in means or "dw_min_std" in means else {"dw_min_std": 0.0}
    tables = {key: _scaled(fits[0].law, key, means["dw_min"]) for key in fits[0].law.nodes}
    low = 0.0 if one_sided else -1.0
    whole = Fit(
        law=law(name, **quiet, **means, **spreads, **tables, one_sided=one_sided), parameters=parameters,
        g_min=ground + scale * low, g_max=ground + scale * (low + 2),
        read_noise=float(np.mean([one.read_noise for one in fits])),
        residual=float(np.mean([one.residual for one in fits])), r_squared=min(one.r_squared for one in fits),
    )  # fmt: skip
    return Population(fit=whole, devices=fits, untold=untold)


def _scaled(device: PulsedLaw, key: str, dw_min: float) -> tuple:
    """Return a table of `device` for steps of `dw_min`: jumps are in weight units, what is piecewise in steps."""
    table = getattr(device, key)
    if not isinstance(table[0], tuple):
        return table
    return tuple(tuple(value * dw_min / device.dw_min for value in row) for row in table)


def _on_one_scale(fits: Sequence[Fit], wider: np.ndarray, higher: np.ndarray) -> dict[str, np.ndarray]:
    """Return every parameter of the devices, steps and bounds in the common unit of weight."""
    names = list(fits[0].parameters)
    found = {name: np.array([one.parameters[name].value for one in fits]) for name in names}
    if "dw_min" in found:
        found["dw_min"] = found["dw_min"] * wider
    for bound in ("w_max", "w_min"):
        own = np.array([getattr(one.law, bound) for one in fits])
        found[bound] = np.maximum(higher + wider * own, 1e-6) if bound == "w_max" else higher + wider * own
    if fits[0].law.one_sided:
        found["w_min"] = np.zeros(len(fits))
    return found


def _spreads(
    name: str, told: dict[str, np.ndarray], means: dict[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the spreads that the law has a place for, and those that it has not."""
    places = parameter_names(name)
    spreads, untold = {}, {}
    for key, values in told.items():
        spread = float(values.std(ddof=1))
        if key in RELATIVE:
            spread = spread / abs(means[key]) if means[key] else 0.0
        if f"{key}_dtod" in places:
            spreads[f"{key}_dtod"] = spread
        elif spread:
            untold[key] = spread
    return spreads, untold
