"""Parameters of a law, with error bars, from a measured pulse curve.

The mean curve of the law, followed pulse by pulse from the first point, is fitted to the measured one by least squares.
Noise is told apart by its memory: cycle-to-cycle noise stays in the device, read noise does not, so the residuals r of
single steps have var r = c2c^2 + 2 read^2 and a lag-one covariance of -read^2. Error bars come from curves simulated
with that noise and mapped through the linearised fit, which counts the random walk that plain least squares would
overlook.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from crossbar.devices import PulsedLaw, law
from crossbar.errors import InvalidValue, unknown_name
from crossbar.measurements import PulseCurve

SIMULATED = 400

Start = dict[str, tuple[float, float, float]]
"""Free parameters: first guess, lowest, highest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A parameter and its standard error."""

    value: float
    error: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """A fitted law.

    Attributes
    ----------
    law : PulsedLaw
        In weight units; -1 and 1 are `g_min` and `g_max` of the data, so 0 is the middle of the measured range.
    parameters : dict of str to Estimate
        What was fitted, noise included.
    g_min, g_max : float
        Lowest and highest measured conductance, siemens.
    read_noise : float
        Standard deviation of a single measurement, siemens.
    residual : float
        Root mean square distance of the measured curve from the fitted one, siemens.
    r_squared : float
        Fraction of the variance explained.
    """

    law: PulsedLaw
    parameters: dict[str, Estimate]
    g_min: float
    g_max: float
    read_noise: float
    residual: float
    r_squared: float


def start(name: str, step: float, pulses: int, ground: float) -> Start:
    """Return the free parameters of the law `name`.

    Parameters
    ----------
    step : float
        Mean measured step, weight units.
    pulses : int
        Of the longer branch.
    ground : float
        The weight of zero conductance, below which no device can saturate.
    """
    bounds: Start = {"w_max": (1.2, 1.0, 20.0), "w_min": (max(-1.2, ground), ground, -1.0)}
    common: Start = {"dw_min": (step, step / 30, 30 * step), "up_down": (0.0, -0.95, 0.95)}
    free: dict[str, Start] = {
        "constant": common,
        "linear": {**common, "gamma_up": (0.3, 0.0, 0.999), "gamma_down": (0.3, 0.0, 0.999)},
        "soft-bounds": {**common, **bounds},
        "power": {**common, "pow_gamma": (1.0, 0.05, 6.0), "pow_up_down": (0.0, -0.95, 0.95), **bounds},
        "nonlinear": {
            "nl_ltp": (1.0, 0.0, 9.0), "nl_ltd": (-1.0, -9.0, 9.0), "p_max": (float(pulses), 2.0, 50.0 * pulses),
        },
    }  # fmt: skip
    if name not in free:
        raise unknown_name("law to fit", name, free)
    return free[name]


def fit(curve: PulseCurve, name: str = "nonlinear", *, seed: int = 0) -> Fit:
    """Return the law `name` fitted to `curve`.

    Parameters
    ----------
    name : str
        `constant`, `linear`, `soft-bounds`, `power` or `nonlinear`.
    seed : int
        Of the simulated curves behind the error bars.

    Raises
    ------
    UnknownName
        A law that cannot be fitted.
    InvalidValue
        Fewer points than parameters, or no step in one of the directions.
    """
    g_min, g_max = float(curve.conductance.min()), float(curve.conductance.max())
    w = 2 * (curve.conductance - g_min) / (g_max - g_min) - 1
    free = start_from(curve, name)
    guess, low, high = (np.array(column) for column in zip(*free.values(), strict=True))
    unit = np.maximum(np.abs(guess), 0.1 if name != "constant" else 1e-3)

    def residuals(x: np.ndarray) -> np.ndarray:
        return mean_curve(build(name, free, x), w[0], curve.up) - w

    found = least_squares(residuals, np.clip(guess, low, high), bounds=(low, high), x_scale=unit, max_nfev=200)
    best = build(name, free, found.x)
    step_noise, read_noise, relative = noise(best, w, curve.up)
    spread, error_of_noise = simulate(best, w[0], curve.up, step_noise, read_noise, seed)
    projected = np.linalg.pinv(found.jac) @ spread.T
    parameters = {
        key: Estimate(value=float(x), error=float(np.std(projected[k])))
        for k, (key, x) in enumerate(zip(free, found.x, strict=True))
    }
    noise_name, value = ("ctoc", step_noise / 2) if name == "nonlinear" else ("dw_min_std", relative)
    parameters[noise_name] = Estimate(value=float(value), error=float(value * error_of_noise))
    rms = float(np.sqrt(np.mean(found.fun**2)))
    return Fit(
        law=build(name, free, found.x, **{noise_name: float(value)}), parameters=parameters, g_min=g_min, g_max=g_max,
        read_noise=read_noise * (g_max - g_min) / 2, residual=rms * (g_max - g_min) / 2,
        r_squared=float(1 - rms**2 / np.var(w)),
    )  # fmt: skip


def start_from(curve: PulseCurve, name: str) -> Start:
    """Return the free parameters of the law `name`, guessed from `curve`; refuse a curve that cannot tell them."""
    g_min, g_max = float(curve.conductance.min()), float(curve.conductance.max())
    longest = max(int(curve.up.sum()), int((~curve.up).sum()))
    free = start(name, 2 / longest, longest, ground=min(-1 - 2 * g_min / (g_max - g_min), -1 - 1e-6))
    if curve.up.all() or not curve.up.any():
        missing = "down" if curve.up.all() else "up"
        raise InvalidValue(
            f"the curve has no {missing}-pulses, but the law {name!r} has parameters for both directions"
        )
    points = len(curve.conductance)
    if points <= len(free):
        raise InvalidValue(f"{points} points cannot determine {len(free)} parameters: measure more pulses")
    return free


def build(name: str, free: Start, values: np.ndarray, **more: float) -> PulsedLaw:
    """Return the law with the parameters being fitted, on the range [-1, 1] unless they say otherwise."""
    parameters = {"w_min": -1.0, "w_max": 1.0, **dict(zip(free, map(float, values), strict=True))}
    quiet = {} if name == "nonlinear" else {"dw_min_std": 0.0}
    return law(name, **{**quiet, **parameters, **more})


def mean_curve(device: PulsedLaw, begin: float, up: np.ndarray, noise: np.ndarray | None = None) -> np.ndarray:
    """Return the weights (n + 1,) or, with `noise` (n, count) added to each step, (n + 1, count)."""
    shape = (1,) if noise is None else noise.shape[1:]
    planes = device.parameters((1,), np.random.default_rng(0))
    low, high = planes["w_min"] - 1.0, planes["w_max"] + 1.0  # measured points may lie beyond: do not clip the fit
    zero = np.zeros(shape)
    w = np.full(shape, begin)
    curve = [w]
    for k, direction in enumerate(up):
        w = w + device.increment(planes, w, bool(direction), zero) + (0 if noise is None else noise[k])
        w = np.clip(w, low, high)
        curve.append(w)
    return np.array(curve)[:, 0] if noise is None else np.array(curve)


def noise(device: PulsedLaw, w: np.ndarray, up: np.ndarray) -> tuple[float, float, float]:
    """Return the noise of a step, of a reading (both weight units), and of a step relative to the step."""
    planes = device.parameters((1,), np.random.default_rng(0))
    zero = np.zeros(len(up))
    expected = np.where(up, device.increment(planes, w[:-1], True, zero), device.increment(planes, w[:-1], False, zero))
    r = np.diff(w) - expected
    r = r - r.mean()
    read_variance = max(0.0, -float(np.mean(r[1:] * r[:-1])))
    step_variance = max(0.0, float(np.mean(r**2)) - 2 * read_variance)
    relative = np.sqrt(step_variance / max(float(np.mean(expected**2)), 1e-30))
    return float(np.sqrt(step_variance)), float(np.sqrt(read_variance)), float(relative)


def simulate(
    device: PulsedLaw, begin: float, up: np.ndarray, step_noise: float, read_noise: float, seed: int
) -> tuple[np.ndarray, float]:
    """Return how simulated curves (SIMULATED, n + 1) differ from the mean one, and the relative error of the noise."""
    rng = np.random.default_rng(seed)
    walks = mean_curve(device, begin, up, step_noise * rng.standard_normal((len(up), SIMULATED)))
    readings = walks + read_noise * rng.standard_normal(walks.shape)
    return (readings - mean_curve(device, begin, up)[:, None]).T, float(1 / np.sqrt(2 * len(up)))
