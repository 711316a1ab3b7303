"""What the pixel neurons of a chip that generates stand for, an image is mean + scale * state, and when it is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.chip_checks import check_numbers, check_positive
from crossbar.errors import InvalidValue


@dataclass(frozen=True, kw_only=True)
class Readout:
    """Origin and unit of each pixel of a chip that generates, and when they are read.

    Attributes
    ----------
    mean, scale : ndarray (pixels,)
        Pixels in [-1, 1]; scales are positive.
    after : float
        Time constants of the pixels after which they are read: 1 where neurons tell the time from 0 to 1.

    Raises
    ------
    InvalidValue
        They are not two rows of finite numbers of one length; a scale or the time is not positive.
    """

    mean: np.ndarray
    scale: np.ndarray
    after: float = 1.0

    def __post_init__(self) -> None:
        for name in ("mean", "scale"):
            check_numbers(f"`{name}` of the readout", getattr(self, name))
        if self.mean.ndim != 1 or self.mean.shape != self.scale.shape:
            raise InvalidValue(
                f"`mean` and `scale` of a readout must be (pixels,), but got {self.mean.shape} and {self.scale.shape}"
            )
        if not (self.scale > 0).all():
            raise InvalidValue(f"`scale` of a readout must be positive, but goes down to {self.scale.min():g}")
        check_positive("`after` of a readout", self.after)

    def image(self, states: np.ndarray) -> np.ndarray:
        """Return the images (n, pixels), float64, that the `states` of pixels stand for, in [-1, 1]."""
        found: np.ndarray = np.clip(self.mean + self.scale * states.astype(np.float64), -1, 1)
        return found
