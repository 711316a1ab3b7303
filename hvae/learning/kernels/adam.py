"""One pass of Adam: seven arrays cross the memory once, where array expressions take them through it twenty times."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy")
def step(weights, gradient, mean, square, first, second, keep, rate, bias, epsilon):
    """Change the flat arrays `weights`, `mean` and `square` in place.

    mean <- mean + first (g - mean); square <- square + second (g^2 - square);
    w <- keep w - rate mean / (bias sqrt(square) + epsilon). Numbers have the type of the arrays.
    """
    for i in range(weights.shape[0]):
        mean[i] += first * (gradient[i] - mean[i])
        square[i] += second * (gradient[i] * gradient[i] - square[i])
        weights[i] = keep * weights[i] - rate * mean[i] / (bias * np.sqrt(square[i]) + epsilon)
