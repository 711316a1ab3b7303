"""What a learning rule of a chip is: from the signals R and S of a batch to pulses on devices.

The gradient that rules follow is dL/dw_ij = -mean_batch (R_i S_j + S_i R_j); `rate` is the learning rate over the
batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from crossbar.arrays.array import CrossbarArray


class LearningRule(Protocol):
    """What turns the signals of a batch into changes of one array."""

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Add rate sum_b (R S^T + S R^T) to `array`, as well as the rule does."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what the rule remembers."""
        ...

    def hardware(self) -> dict[str, CrossbarArray]:
        """Return the arrays that the rule has beside the one it teaches: they cost devices, reads and pulses too."""
        ...

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take what `arrays` once returned."""
        ...
