"""Run one netlist in ngspice's shared library through PySpice: `python -m circuits.engines.pyspice_worker FILE OUT`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def run(netlist: Path, out: Path) -> int:
    """Simulate `netlist` and keep time, names and values in the .npz file `out`; return an exit code."""
    from PySpice.Spice.NgSpice.Shared import NgSpiceCommandError, NgSpiceShared

    library = NgSpiceShared(send_data=False)
    try:
        library.load_circuit(netlist.read_text())
        library.run()
    except NgSpiceCommandError as error:
        sys.stderr.write(f"error: {error}; {library.stderr[-2000:]}\n")
        return 1
    sys.stdout.write(library.stdout)
    plots = [name for name in library.plot_names if name != "const"]
    if not plots:
        sys.stderr.write(f"error: no result; {library.stdout[-2000:]}\n")
        return 1
    vectors = library.plot(None, plots[0])
    names = sorted(vectors)
    np.savez(out, names=names, values=np.stack([np.atleast_1d(vectors[name]._data) for name in names], axis=1))
    return 0


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2])))
