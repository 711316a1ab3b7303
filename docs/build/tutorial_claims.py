"""What the tutorials say, held against what they found: a function for each notebook, called in its kernel at the end.

Each takes the notebook's names, and what its cells showed (`Out`), in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def crossbar_from_a_matrix(names: Mapping[str, Any], shown: list[Any]) -> None:
    """Check that reads err a little, pulses are counted, wires take current away, and the network comes to rest."""
    reads, pulsed, currents, rest = shown
    assert reads.shape == (16, 2)
    assert np.linalg.norm(reads[:, 0] - reads[:, 1]) < 0.2 * np.linalg.norm(reads[:, 1])
    assert pulsed.up == 5 * 16 * 24
    assert names["plus"].shape == names["minus"].shape == names["a"].shape == (16, 24)
    assert 0 < np.linalg.norm(currents[:, 0] - currents[:, 1]) < 0.1 * np.linalg.norm(currents[:, 1])
    assert rest.solver == "Euler"
    assert rest.settled


def fit_your_device(names: Mapping[str, Any], _: list[Any]) -> None:
    """Check that the law that made the curve explains it, and that devices made of the fit move as it does."""
    fits, found = names["fits"], names["found"]
    assert fits["constant"].poor
    assert not fits["nonlinear"].poor
    assert max(fits, key=lambda law: fits[law].r_squared) == "soft-bounds"
    low, high = found.bounds
    assert abs(low - 1e-6) < 0.5e-6
    assert abs(high - 22e-6) < 1e-6
    assert abs(found.read_noise - 0.1e-6) < 0.03e-6
    measured = np.array(names["measured"])
    assert np.abs(names["middle"] - measured).max() < 0.1 * np.ptp(measured)
    assert np.mean((names["low"] - 0.3 < measured) & (measured < names["high"] + 0.3)) > 0.9  # the meter's noise beside
    assert names["report"].failed == 0
    assert names["a"].error < 0.03
    assert Path("mine.png").stat().st_size > 1000


def train_and_draw(names: Mapping[str, Any], _: list[Any]) -> None:
    """Check that the network reconstructs better than the mean image, draws better than pixels alone, and settles."""
    assert names["error"] < 0.7 * names["trivial"]
    assert names["vae"].unsettled_ < 0.02
    assert 5 * names["floor"] < names["distance"] < 0.85 * names["pixels_alone"]
    assert Path("drawn.png").stat().st_size > 1000


def train_on_a_chip(names: Mapping[str, Any], _: list[Any]) -> None:
    """Check that mixed precision learns more, from fewer pulses."""
    last = {name: loss[-1] for name, loss in names["losses"].items()}
    assert last["ideal"] < 0.8 * names["trivial"]
    assert last["EpiRAM, mixed precision"] < 1.1 * last["ideal"]
    assert last["EpiRAM, mixed precision"] < min(last["EpiRAM"], last["ReRAM"])
    pulses = {name: run.metrics[["pulses_up", "pulses_down"]].max().sum() for name, run in names["runs"].items()}
    assert pulses["EpiRAM, mixed precision"] < min(pulses["EpiRAM"], pulses["ReRAM"])
    assert Path("chips.png").stat().st_size > 1000


def chip_to_spice(names: Mapping[str, Any], shown: list[Any]) -> None:
    """Check that both simulators find the same states, and the chip has an area."""
    path, (theirs, ours, agrees), silicon = shown
    assert Path(path).stat().st_size > 1000
    np.testing.assert_allclose(theirs, ours, atol=1e-6)
    assert agrees
    assert names["found"].engine.startswith("ngspice")
    assert silicon.total.p50 > 0


def how_much_area(names: Mapping[str, Any], shown: list[Any]) -> None:
    """Check that tying saves a third at equal size, less where neurons are shared, and never half."""
    areas, saved = names["areas"], names["saved"]
    for node in (65, 22):
        assert areas["tdh-vae", node].total.p95 < areas["dh-vae", node].total.p50
        assert 0.3 < saved[node, "two-chips"] < 0.4
        assert saved[node, "two-chips"] > saved[node, "shared-io"] > saved[node, "shared-neurons"] > 0.1
    share = {node: areas["dh-vae", node].components for node in (65, 22)}
    for part, grows in (("cells", False), ("capacitors", True)):  # of the whole, from 65 to 22 nm
        before, after = (share[node][part].typical / areas["dh-vae", node].total.typical for node in (65, 22))
        assert (after > before) == grows
    assert shown[0].n_memristors == 5_681_820
    assert Path("area.png").stat().st_size > 1000
