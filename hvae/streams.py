"""Named random streams: every use of chance in a run has its own, derived from the run's one seed.

A stream is derived anew for each step, so that a run resumed at step k draws what the uninterrupted run draws there.
"""

from __future__ import annotations

import numpy as np

STREAMS = ("init", "data", "latent", "device", "read noise", "sampling", "validation", "neurons", "gradient")
"""A stream's place here is part of its seed. Nothing draws from "read noise": arrays have keys for their own."""


def stream(seed: int, name: str, index: int = 0) -> np.random.Generator:
    """Return the generator of stream `name` at step or epoch `index`.

    Examples
    --------
    >>> a, b = stream(1, "latent", 7), stream(1, "latent", 7)
    >>> bool(a.normal() == b.normal())
    True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(STREAMS.index(name), index)))
