"""Measured laws without a formula: the mean step over the state, or the whole distribution of jumps, from raw cycles.

The state's range is measured, from -1 to 1 (0 to 2 of devices that are pulsed up only), and its nodes are equally
spaced. The mean step of a direction is the piecewise linear function over the nodes that is nearest to all steps, by
least squares. What remains of each step, without the part of the read noise, has its quantiles taken at the nearest
node. So the jump table keeps the noise's shape: rare large jumps, skew, two levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar.devices import fitting
from crossbar.devices.fitting import Estimate, Fit
from crossbar.devices.law import PulsedLaw, law
from crossbar.devices.measured import PulseCurve
from crossbar.errors import InvalidValue

TABULATED = ("piecewise", "jump-table")
NODES = 16  # at most
STEPS_A_NODE = 10.0  # at least, in each direction
QUANTILES = 33  # at most


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """All steps of one direction, of all devices.

    Attributes
    ----------
    place : ndarray (n,)
        State before the step, 0 to 1 over the device's own range.
    size : ndarray (n,)
        Signed, weight units of the device's own range.
    device : ndarray of int (n,)
    """

    place: np.ndarray
    size: np.ndarray
    device: np.ndarray


def fit_curve(curve: PulseCurve, name: str = "nonlinear", *, seed: int = 0) -> Fit:
    """Return the law `name` of one device: tabulated, or fitted by least squares (`crossbar.devices.fitting.fit`).

    Raises
    ------
    UnknownName, InvalidValue
        As either of them.
    """
    return tabulate([curve], name)[0] if name in TABULATED else fitting.fit(curve, name, seed=seed)


def tabulate(curves: Sequence[PulseCurve], name: str) -> tuple[Fit, ...]:
    """Return the law `name`, `piecewise` or `jump-table`, of each device: shared tables, a step size of its own.

    Raises
    ------
    InvalidValue
        No up-pulses; too few steps for two nodes; devices of which some were pulsed up only.
    """
    ways = {bool(fitting.pulsed(curve).all()) for curve in curves}
    if len(ways) > 1:
        raise InvalidValue("some devices were pulsed both ways and others up only: fit them apart")
    one_sided = ways.pop()
    weights = [normalised(curve, 0.0 if one_sided else -1.0) for curve in curves]
    ups = steps_of(curves, weights, up=True)
    downs = ups if one_sided else steps_of(curves, weights, up=False)
    nodes = nodes_for(ups, downs)
    means = [np.linalg.lstsq(hats(one.place, nodes), one.size, rcond=None)[0] for one in (ups, downs)]
    gains, errors = device_gains((ups, downs), means, len(curves))
    nominal = float(np.abs(np.concatenate(means)).mean())
    bounds: dict[str, Any] = {"w_min": 0.0, "w_max": 2.0} if one_sided else {"w_min": -1.0, "w_max": 1.0}
    sign = 1 if one_sided else -1  # the RESET of a one-sided device is not measured: its steps mirror those up
    curve_law = law(
        "piecewise", dw_min=nominal, dw_min_std=0.0, one_sided=one_sided, **bounds,
        piecewise_up=tuple(means[0] / nominal), piecewise_down=tuple(sign * means[1] / nominal),
    )  # fmt: skip
    noises = [fitting.noise(curve_law, w[:, None], curve) for w, curve in zip(weights, curves, strict=True)]
    read = float(np.sqrt(np.mean([one[1] ** 2 for one in noises])))
    count = min(QUANTILES, *(np.bincount(nearest(one.place, nodes)).min() for one in (ups, downs)))
    tables = [jumps(one, mean, gains, read, max(count, 2)) for one, mean in zip((ups, downs), means, strict=True)]
    if one_sided:
        tables[1] = -tables[0][:, ::-1]
    relative = float(np.mean([one[2] for one in noises]))
    return tuple(
        described(curve, weights[k], curve_law, name, tables, relative, float(gains[k]), float(errors[k]), read)
        for k, curve in enumerate(curves)
    )


def described(
    curve: PulseCurve, w: np.ndarray, mean: PulsedLaw, name: str, tables: Sequence[np.ndarray], relative: float,
    gain: float, error: float, read: float,
) -> Fit:  # fmt: skip
    """Return what was found of one device, whose steps are `gain` times the common ones."""
    own = law("piecewise", **{**plain(mean), "dw_min": gain * mean.dw_min})
    followed = fitting.mean_curve(own, w[fitting.starts(curve)], curve)
    rms = float(np.sqrt(np.mean((followed - w) ** 2)))
    parameters = {"dw_min": Estimate(value=own.dw_min, error=error * mean.dw_min)}
    if name == "jump-table":
        rows = {key: tuple(map(tuple, gain * one)) for key, one in zip(("jumps_up", "jumps_down"), tables, strict=True)}
        own = law(name, dw_min=own.dw_min, w_min=own.w_min, w_max=own.w_max, one_sided=own.one_sided, **rows)
    else:
        own = law(name, **{**plain(own), "dw_min_std": relative})
        count = int((~curve.broken).sum())
        parameters["dw_min_std"] = Estimate(value=relative, error=relative / (2 * count) ** 0.5)
    g_min, g_max = float(curve.conductance.min()), float(curve.conductance.max())
    scale = (g_max - g_min) / 2
    return Fit(
        law=own, parameters=parameters, g_min=g_min, g_max=g_max, read_noise=read * scale, residual=rms * scale,
        r_squared=float(1 - rms**2 / np.var(w)),
    )  # fmt: skip


def plain(device: PulsedLaw) -> dict[str, Any]:
    """Return what a piecewise law was made of."""
    names = ("dw_min", "dw_min_std", "w_min", "w_max", "one_sided", "piecewise_up", "piecewise_down")
    return {name: getattr(device, name) for name in names}


def normalised(curve: PulseCurve, low: float) -> np.ndarray:
    """Return the conductances as weights, `low` to `low` + 2 over the measured range.

    Raises
    ------
    InvalidValue
        No up-pulses.
    """
    if not fitting.pulsed(curve).any():
        raise InvalidValue("the curve has no up-pulses, without which no law here learns: measure potentiation too")
    g_min, g_max = curve.conductance.min(), curve.conductance.max()
    return 2 * (curve.conductance - g_min) / (g_max - g_min) + low


def steps_of(curves: Sequence[PulseCurve], weights: Sequence[np.ndarray], *, up: bool) -> Steps:
    """Return all steps of one direction; what lies between two runs is none."""
    low = min(float(w.min()) for w in weights)
    chosen = [np.flatnonzero(~curve.broken & (curve.up == up)) for curve in curves]
    return Steps(
        place=np.concatenate([(w[at] - low) / 2 for w, at in zip(weights, chosen, strict=True)]),
        size=np.concatenate([np.diff(w)[at] for w, at in zip(weights, chosen, strict=True)]),
        device=np.concatenate([np.full(len(at), k) for k, at in enumerate(chosen)]),
    )


def hats(place: np.ndarray, nodes: int) -> np.ndarray:
    """Return the weights (n, nodes) of linear interpolation at `place` (n,) in [0, 1]."""
    return np.maximum(1 - np.abs(place[:, None] * (nodes - 1) - np.arange(nodes)), 0)


def nodes_for(ups: Steps, downs: Steps) -> int:
    """Return the largest number of nodes, each of which has `STEPS_A_NODE` steps of either direction.

    Raises
    ------
    InvalidValue
        Not even two have.
    """
    for nodes in range(NODES, 1, -1):
        if all((hats(one.place, nodes).sum(0) >= STEPS_A_NODE).all() for one in (ups, downs)):
            return nodes
    raise InvalidValue(
        f"{len(ups.size)} steps up and {len(downs.size)} down do not fill a table: each half of the range needs "
        f"{STEPS_A_NODE:.0f} of either. Measure more cycles, or fit a law of few parameters, such as soft-bounds"
    )


def device_gains(steps: Sequence[Steps], means: Sequence[np.ndarray], devices: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each device's steps relative to the common mean, and the standard errors: least squares through zero."""
    expected = np.concatenate([hats(one.place, len(mean)) @ mean for one, mean in zip(steps, means, strict=True)])
    size = np.concatenate([one.size for one in steps])
    device = np.concatenate([one.device for one in steps])
    power = np.bincount(device, expected**2, devices)
    gains = np.bincount(device, expected * size, devices) / power
    rest = np.bincount(device, (size - gains[device] * expected) ** 2, devices)
    count = np.maximum(np.bincount(device, minlength=devices) - 1, 1)
    return gains, np.sqrt(rest / count / power)


def nearest(place: np.ndarray, nodes: int) -> np.ndarray:
    """Return the node nearest to each `place` (n,) in [0, 1]."""
    return np.rint(place * (nodes - 1)).astype(int)


def jumps(steps: Steps, mean: np.ndarray, gains: np.ndarray, read: float, quantiles: int) -> np.ndarray:
    """Return the quantiles (nodes, quantiles) of a step at each node, for a device of gain one.

    A difference of two readings holds twice the variance of one; the deviations are scaled by what is left without it.
    """
    nodes, node = len(mean), nearest(steps.place, len(mean))
    rest = steps.size / gains[steps.device] - hats(steps.place, nodes) @ mean
    probabilities = np.linspace(0, 1, quantiles)
    rows = []
    for k, middle in enumerate(mean):
        group = rest[node == k] if (node == k).any() else rest
        variance = float(np.mean(group**2))
        kept = np.sqrt(max(1 - 2 * read**2 / variance, 0.0)) if variance > 0 else 0.0
        row = kept * np.quantile(group, probabilities)
        rows.append(row - np.trapezoid(row, probabilities) + middle)
    return np.array(rows)
