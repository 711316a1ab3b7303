"""What the time neurons of a flow hold."""

from __future__ import annotations

import numpy as np


def times(t: np.ndarray, n_times: int) -> np.ndarray:
    """Return what the time neurons hold at `t` (n,) in [0, 1]: cos(pi k t), k from 0, and sin(pi k t), k from 1.

    >>> times(np.array([0.0, 0.5]), 4).round(3).tolist()
    [[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0]]
    """
    k = np.arange(n_times // 2)
    return np.concatenate([np.cos(np.pi * np.outer(t, k)), np.sin(np.pi * np.outer(t, k + 1))], axis=1)
