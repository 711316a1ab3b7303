"""Images as features take them."""

from __future__ import annotations

import numpy as np

from crossbar.errors import InvalidValue


def flat(images: np.ndarray, pixels: int) -> np.ndarray:
    """Return `images` (n, pixels) clipped to [-1, 1]: the raw states of a Hopfield network have no bound.

    Raises
    ------
    InvalidValue
        Images of another size, or pixels that are not finite.

    Examples
    --------
    >>> flat([[-3.0, 0.5]], 2).tolist()
    [[-1.0, 0.5]]
    """
    found = np.asarray(images)
    if found.ndim != 2 or found.shape[1] != pixels:
        raise InvalidValue(f"`images` must have the shape (n, {pixels}), but got {found.shape}")
    if not np.isfinite(found).all():
        raise InvalidValue("`images` must be finite, but some pixels are NaN or infinite: did the model diverge?")
    clipped: np.ndarray = np.clip(found, -1, 1)
    return clipped
