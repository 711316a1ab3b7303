"""The neuron's nonlinearity rho(s) = sigmoid(gain s) of appendix B.1, with its derivatives and its inverse."""

from __future__ import annotations

import numpy as np

from crossbar.numerics import checks

GAIN = 3.0
"""Slope parameter of the paper's compressed sigmoid (appendix B.1), without unit."""

REACH = 4.0
"""Largest |s| that the fast solvers consider: at gain 3 it takes a pull of 2e5, far beyond any trained weights."""


def check_gain(gain: float) -> None:
    """Raise `InvalidValue` unless `gain` is positive and finite."""
    checks.positive("gain", gain)


def rho(states: np.ndarray, gain: float = GAIN) -> np.ndarray:
    """Return the signals rho(s) = 1 / (1 + exp(-gain s)), elementwise, without overflow.

    Examples
    --------
    >>> float(rho(np.array(0.0)))
    0.5
    """
    half = states.dtype.type(0.5)
    signals = np.multiply(states, half * states.dtype.type(gain))
    np.tanh(signals, out=signals)
    signals *= half
    signals += half
    return signals


def rho_slope(signals: np.ndarray, gain: float = GAIN) -> np.ndarray:
    """Return rho'(s) = gain rho (1 - rho), from the signals rho(s)."""
    return signals.dtype.type(gain) * signals * (1 - signals)


def state_of(signals: np.ndarray, gain: float = GAIN) -> np.ndarray:
    """Return the states s = log(rho / (1 - rho)) / gain that give `signals`."""
    return np.log(signals / (1 - signals)) / signals.dtype.type(gain)
