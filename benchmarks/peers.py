"""Other simulators at the same work: run beside ours where they are installed and work, and quoted where not.

aihwkit is a compiled torch extension. The wheel 1.1.0 for Python 3.11 is built for an older torch than pip pairs it
with; under torch 2.13.0 its extension takes every tensor for one of another device ("x_input must be a CPU tensor"), so
nothing runs. aihwkit 1.2.0 comes as source only (a BLAS development package, a C++ tool chain, about 14 minutes).
CrossSim is not on the package index (`pip install git+https://github.com/sandialabs/cross-sim`).
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable
from typing import Any

# Secondary figures, ms: measured once, on one core of an AMD Zen 5 machine, not in the run they stand beside.
QUOTED = {
    "machine": "one core of a 2-core AMD Zen 5 virtual machine, Python 3.11; timings within 20 %",
    "aihwkit 1.2.0, read, default converters and noise": 45.0,
    "aihwkit 1.2.0, update, SoftBounds, 160 coincidences": 13900.0,
    "aihwkit 1.2.0, update, SoftBounds, 16 coincidences": 1640.0,
    "aihwkit 1.2.0, update, SoftBounds, 1.6 coincidences": 242.0,
    "CrossSim 3.2.0, read, no errors": 23.0,
    "CrossSim 3.2.0, read, programming error, 8-bit converters": 40.0,
    "CrossSim 3.2.0, read, with read noise": 42800.0,
}


def aihwkit_tile(size: int, device: str) -> tuple[Any, str]:
    """Return a square analog tile of `device` (a name in aihwkit's configs), or None, and what is to be said of it."""
    try:
        import torch
        from aihwkit.simulator import configs
        from aihwkit.simulator.tiles.analog import AnalogTile
    except ImportError as error:
        return None, f"not installed ({error})"
    said = f"{importlib.metadata.version('aihwkit')} with torch {torch.__version__}"
    torch.set_num_threads(1)
    tile = AnalogTile(size, size, configs.SingleRPUConfig(device=getattr(configs, device)()))
    try:
        tile.forward(torch.zeros(1, size))
    except RuntimeError as error:
        return None, f"{said} is installed but does not run here: {error}"
    return tile, f"{said}, measured in this run"


def crosssim_core(weights: Any) -> tuple[Any, str]:
    """Return CrossSim's core holding `weights`, without errors, or None, and what is to be said of it."""
    try:
        from simulator import AnalogCore, CrossSimParameters
    except ImportError as error:
        return None, f"not installed ({error})"
    return AnalogCore(weights, params=CrossSimParameters()), "measured in this run"


def tell(peers: dict[str, str], write: Callable[[str], object] = sys.stderr.write) -> dict[str, object]:
    """Write what became of each peer, and return what the results keep: that, and the quoted figures."""
    for name, said in peers.items():
        write(f"{name}: {said}\n")
    if any("measured" not in said for said in peers.values()):
        write(f"quoted instead, ms, measured elsewhere ({QUOTED['machine']}):\n")
        for name, value in QUOTED.items():
            if name != "machine":
                write(f"  {name}: {value:g}\n")
    return {"peers": peers, "quoted_elsewhere_ms": QUOTED}
