"""Parameters of a law, with error bars, from a measured pulse curve.

The mean curve of the law, followed pulse by pulse from the first point of each run, is fitted to the measured one by
least squares.
Noise is told apart by its memory: cycle-to-cycle noise stays in the device, read noise does not, so the residuals r of
single steps have var r = c2c^2 + 2 read^2 and a lag-one covariance of -read^2. Error bars come from curves simulated
with that noise and mapped through the linearised fit, which counts the random walk that plain least squares would
overlook.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from crossbar.devices.law import LAWS, PulsedLaw, law, law_class
from crossbar.devices.measured import PulseCurve
from crossbar.errors import InvalidValue, unknown_name

SIMULATED = 400
GOOD = 0.9  # least share of the variance that a fitted law must explain

DOWN_ONLY = ("up_down", "A_down", "gamma_down", "pow_up_down", "nl_ltd", "w_min")  # what up-pulses alone cannot tell

HELD = {"exponential": {"a": 1.0, "b": 0.0}}
"""Parameters of a law that others can stand for, and what they are held at: A exp(gamma (a w + b)) needs no a and b."""

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
        In weight units; -1 and 1 are `g_min` and `g_max` of the data, so 0 is the middle of the measured range. Of
        devices that were pulsed up only (`one_sided`) 0 and 2 are, so that a pair of them starts at the bottom.
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

    @property
    def poor(self) -> bool:
        """Whether the law leaves more than a tenth of the variance unexplained: it is not this device."""
        return self.r_squared < GOOD

    @property
    def bounds(self) -> tuple[float, float]:
        """Siemens of the law's nominal bounds `w_min` and `w_max`, which may lie beyond what was measured."""
        scale = (self.g_max - self.g_min) / 2
        ground = self.g_min if self.law.one_sided else self.g_min + scale  # of weight 0
        return max(ground + scale * self.law.w_min, 0.0), ground + scale * self.law.w_max


def start(name: str, step: float, pulses: int, ground: float, low: float) -> Start:
    """Return the free parameters of the law `name`, for pulses both ways (`low` -1) or up only (`low` 0).

    Parameters
    ----------
    step : float
        Mean measured step, weight units.
    pulses : int
        Of the longer branch.
    ground : float
        The weight of zero conductance, below which no device can saturate.
    low : float
        The weight of the lowest measured conductance.
    """
    high = low + 2
    bounds: Start = {"w_max": (high + 0.2, high, high + 19.0), "w_min": (max(low - 0.2, ground), ground, low)}
    common: Start = {"dw_min": (step, step / 30, 30 * step), "up_down": (0.0, -0.95, 0.95)}
    free: dict[str, Start] = {
        "constant": common,
        "linear": {**common, "gamma_up": (0.3, 0.0, 0.999), "gamma_down": (0.3, 0.0, 0.999)},
        "soft-bounds": {**common, **bounds},
        "exponential": {
            **common, "A_up": (0.1, 1e-6, 1.0), "A_down": (0.1, 1e-6, 1.0), "gamma_up": (2.0, 0.01, 20.0),
            "gamma_down": (2.0, 0.01, 20.0),
        },
        "power": {**common, "pow_gamma": (1.0, 0.05, 6.0), "pow_up_down": (0.0, -0.95, 0.95), **bounds},
        "nonlinear": {
            "nl_ltp": (1.0, 0.0, 9.0), "nl_ltd": (-1.0, -9.0, 9.0), "p_max": (float(pulses), 2.0, 50.0 * pulses),
        },
    }  # fmt: skip
    if name == "soft-bounds-pmax":
        raise InvalidValue("soft-bounds-pmax tells soft bounds in other numbers: fit soft-bounds")
    if name not in LAWS:
        free[name] = {**common, **law_class(name).fitted}
    if name not in free:
        raise unknown_name("law to fit", name, free)
    if low < 0:
        return free[name]
    return {key: told for key, told in free[name].items() if key not in DOWN_ONLY}


def fit(curve: PulseCurve, name: str = "nonlinear", *, seed: int = 0) -> Fit:
    """Return the law `name` fitted to `curve`; a curve of up-pulses alone makes a `one_sided` device.

    Parameters
    ----------
    name : str
        `constant`, `linear`, `soft-bounds`, `power`, `exponential`, `nonlinear`, or a law of one's own: `dw_min`,
        `up_down` and what its class names in `fitted` are free.
    seed : int
        Of the simulated curves behind the error bars.

    Raises
    ------
    UnknownName
        A law that cannot be fitted.
    InvalidValue
        Fewer points than parameters, or no up-pulses.
    """
    g_min, g_max = float(curve.conductance.min()), float(curve.conductance.max())
    low = 0.0 if pulsed(curve).all() else -1.0
    w = 2 * (curve.conductance - g_min) / (g_max - g_min) + low
    free = start_from(curve, name, low)
    guess, least, most = (np.array(column) for column in zip(*free.values(), strict=True))
    unit = np.maximum(np.abs(guess), 0.1 if name != "constant" else 1e-3)

    def residuals(x: np.ndarray) -> np.ndarray:
        return mean_curve(build(name, free, x, low), w[starts(curve)], curve) - w

    found = least_squares(residuals, np.clip(guess, least, most), bounds=(least, most), x_scale=unit, max_nfev=200)
    best = build(name, free, found.x, low)
    step_noise, read_noise, relative = (float(one[0]) for one in noise(best, w[:, None], curve))
    simulated = simulate(best, w, curve, step_noise, read_noise, seed)
    projected = np.linalg.pinv(found.jac) @ (simulated - mean_curve(best, simulated[starts(curve)], curve))
    steps, _, relatives = noise(best, simulated, curve)
    parameters = {
        key: Estimate(value=float(x), error=float(np.std(projected[k])))
        for k, (key, x) in enumerate(zip(free, found.x, strict=True))
    }
    noise_name, value, seen = "dw_min_std", relative, relatives
    if name == "nonlinear":
        noise_name, value, seen = "ctoc", step_noise / 2, steps / 2
    parameters[noise_name] = Estimate(value=value, error=float(np.std(seen)))
    parameters |= {key: Estimate(value=held, error=0.0) for key, held in HELD.get(name, {}).items()}
    rms = float(np.sqrt(np.mean(found.fun**2)))
    return Fit(
        law=build(name, free, found.x, low, **{noise_name: value}), parameters=parameters, g_min=g_min,
        g_max=g_max, read_noise=read_noise * (g_max - g_min) / 2, residual=rms * (g_max - g_min) / 2,
        r_squared=float(1 - rms**2 / np.var(w)),
    )  # fmt: skip


def pulsed(curve: PulseCurve) -> np.ndarray:
    """Return the directions of the pulses, without what lies between two runs."""
    return curve.up[~curve.broken]


def starts(curve: PulseCurve) -> np.ndarray:
    """Return the places of the first point of every run."""
    return np.concatenate([[0], np.flatnonzero(curve.broken) + 1])


def start_from(curve: PulseCurve, name: str, low: float) -> Start:
    """Return the free parameters of the law `name`, guessed from `curve`; refuse a curve that cannot tell them."""
    g_min, g_max = float(curve.conductance.min()), float(curve.conductance.max())
    up = pulsed(curve)
    if not up.any():
        raise InvalidValue(
            "the curve has no up-pulses, without which no law here learns: measure potentiation too, or name the "
            "directions in a column `direction`"
        )
    turns = np.flatnonzero((np.diff(curve.up.astype(int)) != 0) | curve.broken[1:] | curve.broken[:-1]) + 1
    longest = int(np.diff([0, *turns, len(curve.up)]).max())
    ground = min(low - 2 * g_min / (g_max - g_min), low - 1e-6)
    free = start(name, 2 / longest, longest, ground, low)
    points = len(curve.conductance)
    if points <= len(free):
        raise InvalidValue(f"{points} points cannot determine {len(free)} parameters: measure more pulses")
    return free


def build(name: str, free: Start, values: np.ndarray, low: float, **more: float) -> PulsedLaw:
    """Return the law with the parameters being fitted, on the range [low, low + 2] unless they say otherwise."""
    found = dict(zip(free, map(float, values), strict=True))
    parameters = {"w_min": low, "w_max": low + 2, **HELD.get(name, {}), **found}
    quiet = {} if name == "nonlinear" else {"dw_min_std": 0.0}
    return law(name, **{**quiet, **parameters, **more}, one_sided=low == 0)


def mean_curve(device: PulsedLaw, begin: np.ndarray, curve: PulseCurve, noise: np.ndarray | None = None) -> np.ndarray:
    """Return the weights (n + 1,), every run from its own `begin` (runs,); or of many curves, (n + 1, count).

    Parameters
    ----------
    begin : ndarray (runs,) or (runs, count)
    noise : ndarray (n, count), optional
        Added to each step.
    """
    planes = device.parameters((1,), np.random.default_rng(0))
    low, high = planes["w_min"] - 1.0, planes["w_max"] + 1.0  # measured points may lie beyond: do not clip the fit
    first = np.atleast_2d(begin.T).T  # (runs, count)
    w, run, points = first[0], 0, [first[0]]
    for k, direction in enumerate(curve.up):
        if curve.broken[k]:
            run += 1
            w = first[run]
        else:
            w = w + device.mean_increment(planes, w, bool(direction)) + (0 if noise is None else noise[k])
            w = np.clip(w, low, high)
        points.append(w)
    return np.array(points)[:, 0] if begin.ndim == 1 else np.array(points)


def noise(device: PulsedLaw, w: np.ndarray, curve: PulseCurve) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the noise of a step, of a reading (both weight units), and of a step relative to the step.

    Parameters
    ----------
    w : ndarray (n + 1, count)
        Readings; each result is (count,).
    """
    planes = device.parameters((1,), np.random.default_rng(0))
    real, zero = ~curve.broken, np.zeros_like(w[:-1])
    up, down = (device.increment(planes, w[:-1], way, zero) for way in (True, False))
    expected = np.where(curve.up[:, None], up, down)
    r = np.diff(w, axis=0) - expected
    r -= r[real].mean(0)
    pairs = real[1:] & real[:-1]
    zeros = np.zeros(w.shape[1])
    read_variance = np.maximum(zeros, -np.mean((r[1:] * r[:-1])[pairs], axis=0)) if pairs.any() else zeros
    step_variance = np.maximum(zeros, np.mean(r[real] ** 2, axis=0) - 2 * read_variance)
    relative = np.sqrt(step_variance / np.maximum(np.mean(expected[real] ** 2, axis=0), 1e-30))
    return np.sqrt(step_variance), np.sqrt(read_variance), relative


def simulate(
    device: PulsedLaw, w: np.ndarray, curve: PulseCurve, step_noise: float, read_noise: float, seed: int
) -> np.ndarray:
    """Return simulated curves (n + 1, SIMULATED) of a device with that noise.

    They begin where the measured runs do. Weight units run over the range of each curve's own readings, as in the fit.
    """
    rng = np.random.default_rng(seed)
    begin = np.repeat(w[starts(curve)][:, None], SIMULATED, axis=1)
    walks = mean_curve(device, begin, curve, step_noise * rng.standard_normal((len(curve.up), SIMULATED)))
    readings = walks + read_noise * rng.standard_normal(walks.shape)
    return w.min() + np.ptp(w) * (readings - readings.min(0)) / np.ptp(readings, axis=0)
