"""Crossbars of cells that are not ohmic, with wires: time beside the linear solver and ngspice, and the difference.

    python benchmarks/cells.py            full, writes benchmarks/results/cells.json (about two minutes)
    python benchmarks/cells.py --quick    small sizes, a few seconds
    python benchmarks/cells.py --json     one JSON object on stdout

Conductances uniform in 1 to 100 uS, 1 ohm a segment, drivers uniform in 0 to 0.5 V, cells of 0.25 V sinh, one vector,
one thread, after compilation. Then a write pulse of 1.5 V at the far corner, all cells at 50 uS. ngspice reads a
netlist of one B card a cell, and finds its operating point; its time grows tenfold from 64 x 64 to 96 x 96, where it
ends here.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from harness import best_time, report

from crossbar.wires.cells import OhmicCell, SelectedCell, SinhCell
from crossbar.wires.nonlinear import solve_cells
from crossbar.wires.solver import solve
from crossbar.wires.writing import write_pulse

OHM = 1.0
V_0 = 0.25
SELECTED = SelectedCell(r=1e3, i_s=1e-9, v_s=0.05)
VOLTS, WRITTEN = 1.5, 5e-5  # of a write pulse; S of all cells meanwhile
TARGETS = {"largest_size": 2048.0, "difference_from_ngspice": 1e-6}


def problem(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return conductances (size, size) and voltages (size, 1)."""
    return rng.uniform(1e-6, 1e-4, (size, size)), rng.uniform(0, 0.5, (size, 1))


def ours(rng: np.random.Generator, sizes: list[int]) -> dict[str, float]:
    """Time both laws and the linear solver at every size."""
    figures: dict[str, float] = {"largest_size": float(sizes[-1])}
    for size in sizes:
        g, volts = problem(rng, size)
        repeats = 3 if size < 1024 else 1
        figures[f"linear_{size}_s"] = best_time(lambda g=g, v=volts: solve(g, v, OHM, OHM), repeats)
        for name, cell in (("sinh", SinhCell(V_0)), ("selected", SELECTED)):
            found = solve_cells(g, volts, OHM, OHM, cell)
            figures[f"{name}_{size}_s"] = best_time(
                lambda g=g, v=volts, c=cell: solve_cells(g, v, OHM, OHM, c), repeats
            )
            figures[f"{name}_{size}_steps"] = float(found.steps[0])
            figures[f"{name}_{size}_residual"] = float(found.residual[0])
    return figures


def writing(sizes: list[int]) -> dict[str, float]:
    """Write the cell that is furthest from its drivers, all cells at `WRITTEN`, of lines at half of `VOLTS`."""
    figures: dict[str, float] = {}
    for size in sizes:
        g, place = np.full((size, size), WRITTEN), (0, size - 1)
        for name, cell in (("ohmic", OhmicCell()), ("sinh", SinhCell(V_0)), ("selected", SELECTED)):
            begun = time.perf_counter()
            found = write_pulse(g, place, VOLTS, OHM, OHM, cell)
            figures[f"write_{name}_{size}_s"] = time.perf_counter() - begun
            figures |= {
                f"write_{name}_{size}_arrived_V": found.arrived, f"write_{name}_{size}_disturbed_V": found.disturbed,
                f"write_{name}_{size}_power_W": found.power, f"write_{name}_{size}_converged": float(found.converged),
            }  # fmt: skip
    return figures


def ngspice(rng: np.random.Generator, sizes: list[int]) -> dict[str, float]:
    """Time ngspice at every size, and compare its currents with ours."""
    if shutil.which("ngspice") is None:
        return {}
    figures: dict[str, float] = {}
    worst = 0.0
    for size in sizes:
        g, volts = problem(rng, size)
        figures[f"ngspice_{size}_s"], said = simulated(netlist(g, volts[:, 0]))
        theirs = np.array([float(line.split("=")[1]) for line in said.splitlines() if line.startswith("i(vg")])
        found = solve_cells(g, volts, OHM, OHM, SinhCell(V_0)).currents[0]
        worst = max(worst, float(np.abs(theirs - found).max() / np.abs(found).max()))
        mine = best_time(lambda g=g, v=volts: solve_cells(g, v, OHM, OHM, SinhCell(V_0)), 3)
        figures[f"times_ngspice_{size}"] = figures[f"ngspice_{size}_s"] / mine
    return figures | {"difference_from_ngspice": worst}


def ngspice_writing(sizes: list[int]) -> dict[str, float]:
    """Time ngspice on the write pulse of sinh cells, and compare what arrives with ours."""
    if shutil.which("ngspice") is None:
        return {}
    figures: dict[str, float] = {}
    worst = 0.0
    for size in sizes:
        g, place = np.full((size, size), WRITTEN), (0, size - 1)
        words, bits = np.full(size, VOLTS / 2), np.full(size, VOLTS / 2)
        words[place[0]], bits[place[1]] = VOLTS, 0.0
        across = f"v(w{place[0]}_{place[1]},b{place[0]}_{place[1]})"
        figures[f"ngspice_write_{size}_s"], said = simulated(netlist(g, words, bits, [across]))
        theirs = next(float(line.split("=")[1]) for line in said.splitlines() if line.startswith("v(w"))
        cell = SinhCell(V_0)
        worst = max(worst, abs(theirs - write_pulse(g, place, VOLTS, OHM, OHM, cell).arrived) / VOLTS)
        mine = best_time(lambda g=g, at=place, c=cell: write_pulse(g, at, VOLTS, OHM, OHM, c), 3)
        figures[f"times_ngspice_write_{size}"] = figures[f"ngspice_write_{size}_s"] / mine
    return figures | {"write_difference_from_ngspice": worst}


def simulated(text: str) -> tuple[float, str]:
    """Return the seconds that ngspice took for a netlist, and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "cells.cir").write_text(text)
        begun = time.perf_counter()
        done = subprocess.run(
            ["ngspice", "-n", "-b", "cells.cir"], cwd=folder, capture_output=True, text=True, check=True
        )  # fmt: skip
        return time.perf_counter() - begun, done.stdout


def netlist(g: np.ndarray, volts: np.ndarray, ends: np.ndarray | None = None, asked: list[str] | None = None) -> str:
    """Return the crossbar as ngspice reads it: drivers at `volts`, bit lines that end at `ends`; prints `asked`."""
    size = len(volts)
    bits = [0.0] * size if ends is None else ends.tolist()
    lines = ["* a crossbar of cells of v_0 sinh", *(f"Vd{i} d{i} 0 {volt!r}" for i, volt in enumerate(volts.tolist()))]
    for i, row in enumerate(g.tolist()):
        for j, one in enumerate(row):
            before = f"w{i}_{j - 1}" if j else f"d{i}"
            below = f"b{i + 1}_{j}" if i < size - 1 else f"g{j}"
            lines += [
                f"Rw{i}_{j} {before} w{i}_{j} {OHM}", f"Rb{i}_{j} b{i}_{j} {below} {OHM}",
                f"B{i}_{j} w{i}_{j} b{i}_{j} I={one * V_0!r}*sinh(v(w{i}_{j},b{i}_{j})/{V_0})",
            ]  # fmt: skip
    lines += [f"Vg{j} g{j} 0 {bits[j]!r}" for j in range(size)]
    told = [f"i(vg{j})" for j in range(size)] if asked is None else asked
    lines += [".options reltol=1e-9 abstol=1e-18 vntol=1e-12 gmin=1e-18", ".op", ".control", "run", "set numdgt=15"]
    return "\n".join([*lines, *(f"print {one}" for one in told), ".endc", ".end", ""])


def main() -> None:
    """Run, print, and keep the result."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    rng = np.random.default_rng(options.seed)
    figures = ours(rng, [32, 64] if options.quick else [128, 256, 512, 1024, 2048])
    figures |= writing([16, 32] if options.quick else [64, 256, 1024, 2048])
    figures |= ngspice(rng, [16] if options.quick else [32, 64, 96])
    figures |= ngspice_writing([16] if options.quick else [32, 64, 96])
    targets = {name: value for name, value in TARGETS.items() if not options.quick or name != "largest_size"}
    notes = "sinh: I = G v_0 sinh(V / v_0), v_0 = 0.25 V; selected: 1 kohm and a selector of 50 mV, 1 nA, in series"
    result = report("cells", figures, targets, seed=options.seed, quick=options.quick, notes=notes)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in figures.items():
            print(f"{name:<28} {value:.4g}")


if __name__ == "__main__":
    main()
