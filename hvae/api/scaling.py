"""Between a user's numbers and pixels in [-1, 1], the range of the networks (paper, appendix B.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.errors import unknown_name

SCALINGS = ("global", "feature", "none")


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """pixel = (value - centre) / half_range, for each feature.

    Attributes
    ----------
    centre, half_range : ndarray (features,)
        In the user's unit; the half range of what does not vary is 1.
    """

    centre: np.ndarray
    half_range: np.ndarray

    @classmethod
    def learned(cls, kind: str, values: np.ndarray) -> Scaling:
        """Return the scaling that takes the range of `values` (n, features) to [-1, 1].

        ``global``: one range for all features, as of the pixels of images; ``feature``: a range for each, as of the
        columns of a table; ``none``: `values` are in [-1, 1] already.

        Raises
        ------
        UnknownName
            Another kind.
        """
        if kind not in SCALINGS:
            raise unknown_name("scaling", kind, SCALINGS)
        if kind == "none":
            low, high = -np.ones(values.shape[1]), np.ones(values.shape[1])
        else:
            low, high = values.min(axis=0).astype(np.float64), values.max(axis=0).astype(np.float64)
        if kind == "global":
            low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
        half_range = high / 2 - low / 2  # halved first: the range of the largest floats is none
        return cls(centre=low / 2 + high / 2, half_range=np.where(half_range > 0, half_range, 1.0))

    def pixels(self, values: np.ndarray, dtype: type) -> np.ndarray:
        """Return `values` (n, features) as pixels; those beyond the learned range are beyond [-1, 1]."""
        return ((values - self.centre) / self.half_range).astype(dtype)

    def values(self, pixels: np.ndarray) -> np.ndarray:
        """Return `pixels` (n, features) in the user's unit, in the precision of `pixels`."""
        return (pixels * self.half_range + self.centre).astype(pixels.dtype)
