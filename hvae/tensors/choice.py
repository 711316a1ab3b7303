"""Which form of the passes is taken: plain torch operations, or kernels of Triton."""

from __future__ import annotations

import torch

from crossbar.errors import HopbarError, unknown_name
from hvae.tensors.passes import Passes
from hvae.tensors.plain import Plain

NAMES = ("auto", "plain", "fused")


class NoTriton(HopbarError, RuntimeError):
    """Fused passes were asked for where Triton is not."""


def choose(name: str, device: torch.device) -> Passes:
    """Return the passes that `name` says; "auto" takes the fused ones on a GPU with Triton.

    Raises
    ------
    UnknownName
    NoTriton
        "fused" without Triton.
    """
    if name not in NAMES:
        raise unknown_name("kind of passes", name, NAMES)
    if name == "plain" or (name == "auto" and device.type != "cuda"):
        return Plain()
    try:
        from hvae.tensors.fused import Fused
    except ImportError as error:
        if name == "auto":
            return Plain()
        raise NoTriton(f"fused passes need Triton, which is not here ({error}): take plain ones") from error
    return Fused()
