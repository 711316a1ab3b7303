"""Gains of lines: what they balance, what they leave as it is, and what they are worth to devices."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crossbar as xb
from crossbar.arrays.config import ArrayConfig
from crossbar.chip import Chip, Conductances
from crossbar.devices.line_gains import KINDS, gains_of
from crossbar.devices.nonidealities import FaultLaw
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.network import Network
from crossbar.programming.chip import program_chip
from crossbar.programming.write_verify import WriteVerify


def uneven_chip(rng, size=(9, 20, 3)):
    """Weights whose lines differ a hundredfold, as some neurons matter more than others."""
    network = Network(tuple(zip(("pixels", "hidden", "latent"), size, strict=True)))
    strength = 10 ** rng.uniform(-1, 0, network.size)
    weights = rng.normal(size=(network.size,) * 2) * np.outer(strength, strength)
    weights = np.where(network.mask(), weights + weights.T, 0)
    return Chip(model="tdh-vae", networks={"tied": network}, weights={"tied": weights}, sigma=0.3, image_shape=(3, 3),
                examples=rng.uniform(-1, 1, (2, 9)))  # fmt: skip


def programmed(chip, line_gains, seed=0, **config):
    made, reports = program_chip(
        chip, ArrayConfig(**{"dtype": "float64", **config}), WriteVerify(), np.random.default_rng(seed),
        line_gains=line_gains,
    )  # fmt: skip
    return made, reports["tied"]


@given(st.integers(0, 2**31), st.sampled_from(["largest", "mean-square"]))
def test_lines_are_balanced_and_none_is_driven_higher(seed, kind):
    chip = uneven_chip(np.random.default_rng(seed))
    weights = chip.weights["tied"]
    gains = gains_of(kind)(weights)
    held = np.abs(weights) / np.outer(gains, gains)
    level = held.max(axis=1) if kind == "largest" else (held**2).mean(axis=1)
    assert gains.max() == 1
    np.testing.assert_allclose(level, level.max(), rtol=1e-6)


def test_a_line_without_weights_has_a_gain_too():
    weights = np.zeros((4, 4))
    weights[0, 1] = weights[1, 0] = 2
    for way in KINDS.values():
        assert np.isfinite(way(weights)).all()
        assert (way(weights) > 0).all()
        np.testing.assert_array_equal(way(np.zeros((3, 3))), 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_ideal_devices_hold_the_same_weights_whatever_the_gains(rng, kind, symmetry):
    chip = uneven_chip(rng)
    made, _ = programmed(chip, kind, symmetry=symmetry)
    weights = made.effective_weights("tied")
    np.testing.assert_allclose(weights, chip.weights["tied"], atol=1e-12)
    assert np.array_equal(weights, weights.T)


@pytest.mark.parametrize("device", [None, pytest.param("epiram", marks=pytest.mark.needs_jit)])
def test_devices_of_few_levels_miss_less(rng, device):
    """Sixty-four levels, alike on all lines: balanced lines use them all, and "best" finds out."""
    chip = uneven_chip(rng)
    few = {"faults": FaultLaw(levels=64), "device": device, "dtype": "float32"}
    missed = {kind: programmed(chip, kind, **few)[1].weight_error for kind in (*KINDS, "best")}
    assert missed["largest"] < 0.4 * missed["equal"]
    assert missed["best"] <= 1.1 * min(missed.values())


@pytest.mark.needs_jit
def test_the_report_s_error_is_that_of_the_weights(rng):
    chip = uneven_chip(rng)
    made, report = programmed(chip, "largest", device="epiram", dtype="float32")
    apart = np.linalg.norm(made.effective_weights("tied") - chip.weights["tied"]) / np.linalg.norm(chip.weights["tied"])
    assert report.weight_error == pytest.approx(apart, rel=1e-4)
    assert made.conductances["tied"].report["weight_error"] == report.weight_error


def test_a_chip_keeps_its_gains_and_says_so_to_older_readers(rng, tmp_path):
    made, _ = programmed(uneven_chip(rng), "largest")
    again = xb.load_chip(made.save(tmp_path / "chip.h5"))
    np.testing.assert_array_equal(again.conductances["tied"].gains, made.conductances["tied"].gains)
    np.testing.assert_array_equal(again.effective_weights("tied"), made.effective_weights("tied"))
    import h5py

    with h5py.File(tmp_path / "chip.h5") as file:
        assert file.attrs["schema"] == "hopbar-chip/4"
    plain, _ = programmed(uneven_chip(rng), "equal")
    assert plain.conductances["tied"].gains is None


def test_gains_that_can_be_none_are_refused(rng):
    made, _ = programmed(uneven_chip(rng), "largest")
    devices = made.conductances["tied"]
    for wrong in (devices.gains[:-1], -devices.gains, np.where(devices.gains == 1, np.nan, devices.gains)):
        with pytest.raises(InvalidValue, match="gains"):
            replace(devices, gains=wrong)
    with pytest.raises(InvalidValue, match="gains"):
        Conductances(plus=np.zeros((2, 2)), minus=np.zeros((2, 2)), siemens_per_weight=1.0, device="x", gains=2.0)
    with pytest.raises(UnknownName, match="line gains"):
        gains_of("largets")
