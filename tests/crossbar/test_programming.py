"""Write-verify: targets reached within tolerance and budget, and failures told."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.array import CrossbarArray
from crossbar.array_commands import program
from crossbar.array_config import ArrayConfig
from crossbar.chip import Chip, load_chip
from crossbar.couplings import random_weights
from crossbar.devices import ConstantStep, SoftBounds
from crossbar.errors import ExistingFile, InvalidValue
from crossbar.network import Network
from crossbar.nonidealities import FaultLaw
from crossbar.programming import WriteVerify, program_chip, write_verify

DENSE = Network((("pixels", 12), ("hidden", 9), ("latent", 3)))
LAYERED = Network((("pixels", 12), ("hidden", 9), ("latent", 3)), "layered")
SOFT = SoftBounds(dw_min=0.01, dw_min_std=0.3, dw_min_dtod=0.1, w_max=1.0, w_min=-1.0)


def fresh(network, seed=4, **settings):
    """Return an array whose devices stand at zero, the weights it shall hold, and the generator."""
    rng = np.random.default_rng(seed)
    weights = random_weights(network, rng)
    array = CrossbarArray.from_weights(network, weights, ArrayConfig(device=SOFT, **settings), rng)
    array.write(np.zeros_like(weights), rng)
    return array, weights, rng


@pytest.mark.needs_jit
@pytest.mark.parametrize("mapping", ["pair", "reference"])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("network", [DENSE, LAYERED])
def test_targets_are_reached(network, symmetry, mapping):
    array, weights, rng = fresh(network, symmetry=symmetry, mapping=mapping, weight_limit=2.0)
    report = write_verify(array, weights, WriteVerify(tolerance=0.01, max_pulses=500), rng)
    assert report.failed == 0
    assert report.worst_error <= 0.01
    planes = 2 if mapping == "pair" else 1
    per_weight = 1 if symmetry == "two-device" else 2
    assert report.devices == planes * network.mask().sum() // per_weight
    assert np.abs(array.matrix() - weights).max() <= 0.01 * planes * (array.mapping.high - array.mapping.low) + 1e-6
    assert report.rms_error < 0.01
    assert report.pulses_up > 0 < report.pulses_down
    assert report.verify_steps >= report.devices
    assert array.counters.pulses == report.pulses_up + report.pulses_down
    assert (array.asymmetry() == 0) == (symmetry == "shared")


@pytest.mark.needs_jit
def test_a_finer_tolerance_costs_more_and_errs_less():
    reports = []
    for tolerance in (0.05, 0.01, 0.003):
        array, weights, rng = fresh(DENSE, weight_limit=2.0)
        reports.append(write_verify(array, weights, WriteVerify(tolerance=tolerance), rng))
    assert reports[0].rms_error > reports[1].rms_error > reports[2].rms_error
    assert reports[0].verify_steps < reports[1].verify_steps < reports[2].verify_steps


@pytest.mark.needs_jit
def test_the_budget_is_kept_and_failures_are_told():
    array, weights, rng = fresh(DENSE, weight_limit=0.5, faults=FaultLaw(stuck_high=0.1))
    stuck = sum(np.triu(fault.stuck != 0, 1).sum() for fault in array.cells[0].faults)
    report = write_verify(array, weights, WriteVerify(tolerance=0.01, max_pulses=60), rng)
    assert report.failed >= 0.8 * stuck > 0
    assert report.pulses_up + report.pulses_down <= 60 * report.devices
    assert report.out_of_range == (np.abs(weights) > 0.5).sum()
    assert report.failed_fraction == report.failed / report.devices
    short, weights, rng = fresh(DENSE, weight_limit=0.5)
    assert write_verify(short, weights, WriteVerify(max_pulses=3), rng).failed_fraction > 0.5


@pytest.mark.needs_jit
def test_noisy_verification_leaves_its_error():
    array, weights, rng = fresh(DENSE, weight_limit=2.0)
    report = write_verify(array, weights, WriteVerify(tolerance=0.005, verify_noise=0.03), rng)
    assert 0.01 < report.rms_error < 0.06


def test_floats_are_written_in_one_go(rng):
    weights = random_weights(DENSE, rng)
    array = CrossbarArray.from_weights(DENSE, weights, ArrayConfig(programming_error="rram-wan"), rng)
    report = write_verify(array, weights, WriteVerify(tolerance=0.01), rng)
    assert report.pulses_up == 0
    assert 0.01 < report.rms_error < 0.1
    assert report.failed > 0
    ideal = CrossbarArray.from_weights(DENSE, weights, ArrayConfig(), rng)
    report = write_verify(ideal, weights, WriteVerify(), rng)
    assert report.weight_error == report.worst_error == 0


def untied(rng):
    """Return a small chip with two networks."""
    networks = {"encoder": LAYERED, "decoder": DENSE}
    weights = {name: random_weights(network, rng) for name, network in networks.items()}
    return Chip(model="dh-vae", networks=networks, weights=weights, image_shape=(3, 4), examples=np.zeros((1, 12)))


@pytest.mark.needs_jit
def test_a_programmed_chip_computes_with_its_devices(rng, tmp_path):
    chip = untied(rng)
    law = ConstantStep(dw_min=0.002, dw_min_std=0.1)
    settings = WriteVerify(tolerance=0.005, max_pulses=2000)
    programmed, reports = program_chip(chip, ArrayConfig(device=law), settings, rng)
    assert set(reports) == {"encoder", "decoder"}
    back = load_chip(programmed.save(tmp_path / "chip.h5"))
    for name, network in chip.networks.items():
        devices = back.conductances[name]
        assert devices.device == "constant"
        assert devices.report["failed"] == reports[name].failed == 0
        realised = back.effective_weights(name)
        error = np.linalg.norm(realised - chip.weights[name]) / np.linalg.norm(chip.weights[name])
        assert error == pytest.approx(reports[name].weight_error, rel=1e-3)
        assert not devices.plus[~network.mask()].any()
        assert devices.plus[network.mask()].min() >= 0.99e-6
    assert not chip.conductances


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tolerance": 0.0}, "`tolerance`"), ({"tolerance": 1.5}, "`tolerance`"),
        ({"max_pulses": 0}, "`max_pulses`"), ({"verify_noise": -1.0}, "`verify_noise`"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused(values, message):
    with pytest.raises(InvalidValue, match=message):
        WriteVerify(**values)


def run(*arguments):
    return CliRunner().invoke(program, [str(argument) for argument in arguments])


def test_the_command_programs_a_chip(rng, tmp_path):
    source, out = untied(rng).save(tmp_path / "trained.h5"), tmp_path / "programmed.h5"
    result = run(source, "--device", "ideal", "--programming-error", "pcm", "--out", out, "--seed", 3, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert set(report["networks"]) == {"encoder", "decoder"}
    assert report["networks"]["encoder"]["rms_error"] > 0
    first = load_chip(out)
    assert first.provenance["programmed_on"] == "ideal"
    assert isinstance(run(source, "--device", "ideal", "--out", out).exception, ExistingFile)
    again = run(source, "--device", "ideal", "--programming-error", "pcm", "--out", out, "--seed", 3, "--force")
    assert "encoder" in again.output
    np.testing.assert_array_equal(load_chip(out).conductances["encoder"].plus, first.conductances["encoder"].plus)
