"""Write-verify: targets reached within tolerance and budget, and failures told."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.construction import hardware
from crossbar.chip import Chip, load_chip
from crossbar.commands.program import program
from crossbar.devices.law import ConstantStep, SoftBounds
from crossbar.devices.nonidealities import FaultLaw, PowerLawDrift
from crossbar.devices.presets import Refresh
from crossbar.errors import ExistingFile, InvalidValue, UnknownName
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import refresh, refresh_due, write_verify
from crossbar.programming.chip import best_scale, given_scale, program_chip
from crossbar.programming.write_verify import WriteVerify

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
def test_devices_of_ten_thousand_steps_get_as_many_pulses_as_they_need(rng):
    """With 500 for all, a network on the preset `idealized` was programmed to a fifth of its quality."""
    weights, failed = random_weights(DENSE, rng), {}
    for settings in (WriteVerify(), WriteVerify(max_pulses=500)):
        array = CrossbarArray.from_weights(DENSE, weights, ArrayConfig(device="idealized"), rng)
        array.write(np.zeros_like(weights), rng)
        failed[settings.max_pulses] = write_verify(array, weights, settings, rng).failed_fraction
    assert failed[None] < 0.03  # bounds differ from device to device, and some lie below what is asked
    assert failed[500] > 0.3
    assert WriteVerify().budget(SoftBounds(dw_min=1e-4)) == 24_000
    assert WriteVerify().budget(SOFT) == 500
    assert WriteVerify(max_pulses=7).budget(SOFT) == 7


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


@pytest.mark.needs_jit
def test_weights_symmetric_but_for_rounding_can_be_programmed(rng):
    """`Chip` lets rounding pass; devices that serve both directions hold the mean."""
    chip = untied(rng)
    rounded = {name: weights.astype(np.float32) for name, weights in chip.weights.items()}
    for weights in rounded.values():
        weights[:] = np.triu(weights, 1) + np.triu(weights, 1).T * np.float32(1 + 1e-7)
        assert not np.array_equal(weights, weights.T)
    law = ConstantStep(dw_min=0.002, dw_min_std=0.1)
    settings = WriteVerify(tolerance=0.005, max_pulses=2000)
    programmed, _ = program_chip(replace(chip, weights=rounded), ArrayConfig(device=law), settings, rng)
    for name in rounded:
        made = programmed.effective_weights(name)
        np.testing.assert_array_equal(made, made.T)


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "nowhere/chip.h5"], "make it first"),
        (["--out", "."], "is a directory"),
        (["--out", "chip.h5", "--seed", "-1"], "--seed"),
    ],
)
def test_the_command_refuses_at_the_door(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("no-such-run", "--device", "ideal", "--force", *options)
    assert result.exit_code != 0
    assert message in f"{result.output}{result.exception}"


def heavy_tailed(rng, size=40):
    """Return weights of a dense network (N, N) as training leaves them: most small, a few large."""
    weights = np.triu(0.05 * rng.standard_t(3, (size, size)), 1).astype(np.float32)
    return weights + weights.T


@pytest.mark.needs_jit
@pytest.mark.parametrize("tolerance", [0.005, 0.05])
def test_the_chosen_scale_errs_least(tolerance):
    weights, settings = heavy_tailed(np.random.default_rng(2)), WriteVerify(tolerance=tolerance)
    network = Network((("pixels", 20), ("hidden", 20)))

    def error(limit):
        rng = np.random.default_rng(3)
        array = CrossbarArray.from_weights(network, weights, ArrayConfig(device=SOFT, weight_limit=limit), rng)
        array.write(np.zeros_like(weights), rng)
        return write_verify(array, weights, settings, rng)

    chosen = best_scale(weights, ArrayConfig(device=SOFT), settings, np.random.default_rng(1)).weight_limit
    largest = np.abs(weights).max()
    reports = [error(float(largest * 2.0 ** (-k / 2))) for k in range(10)]
    ours = error(chosen)
    assert ours.weight_limit == pytest.approx(chosen)
    assert ours.weight_error <= 1.25 * min(report.weight_error for report in reports)
    assert ours.weight_error <= 1.01 * reports[0].weight_error
    assert reports[0].clipping_error == 0 < reports[-1].clipping_error <= reports[-1].weight_error


@pytest.mark.needs_jit
def test_a_coarser_device_gets_a_smaller_range():
    weights = heavy_tailed(np.random.default_rng(2))
    limits = [
        best_scale(weights, ArrayConfig(device=SOFT), WriteVerify(tolerance=tolerance), np.random.default_rng(1))
        for tolerance in (0.003, 0.1)
    ]
    assert limits[1].weight_limit < limits[0].weight_limit


def test_a_scale_is_kept_where_one_is_given_or_nothing_errs(rng):
    weights, settings = heavy_tailed(rng), WriteVerify()
    given = ArrayConfig(device=SOFT, weight_limit=0.3)
    assert best_scale(weights, given, settings, rng) is given
    assert given_scale(weights, ArrayConfig(device=SOFT), settings, rng) == ArrayConfig(device=SOFT)
    assert best_scale(np.zeros((4, 4)), ArrayConfig(device=SOFT), settings, rng) == ArrayConfig(device=SOFT)
    assert best_scale(weights, ArrayConfig(), settings, rng).weight_limit == pytest.approx(np.abs(weights).max())


@pytest.mark.needs_jit
def test_the_second_device_makes_up_for_the_first():
    array, weights, rng = fresh(DENSE, weight_limit=2.0, faults=FaultLaw(stuck_high=0.05))
    stuck = np.triu((array.cells[0].faults[0].stuck != 0) & (array.cells[0].faults[1].stuck == 0), 1)
    write_verify(array, weights, WriteVerify(tolerance=0.01), rng)
    reachable = stuck & (weights >= 0) & (weights <= 2)
    assert reachable.any()
    span = array.mapping.high - array.mapping.low
    assert np.abs(array.weights() - weights)[reachable].max() <= 0.011 * span


@pytest.mark.needs_jit
@pytest.mark.parametrize("network", [DENSE, LAYERED])
def test_pairs_that_drifted_up_are_refreshed_and_keep_their_weights(network):
    array, weights, rng = fresh(network, weight_limit=2.0)
    settings = WriteVerify(tolerance=0.01)
    write_verify(array, weights, settings, rng)
    drifted = [cells.states[0].hidden.shape for cells in array.cells]
    for cells, shape in zip(array.cells, drifted, strict=True):
        up = np.triu(np.ones(shape, bool), 1) if cells.region.square else np.ones(shape, bool)
        up[::2] = False
        for state in cells.states:
            state.hidden[up] = np.minimum(state.hidden[up] + 0.8, 0.95)
        if cells.region.square:
            for state in cells.states:
                state.hidden[...] = np.triu(state.hidden, 1) + np.triu(state.hidden, 1).T
    array.changed()
    held, planes = array.weights().copy(), [cells.planes(0.0) for cells in array.cells]
    report = refresh(array, settings, rng, above=0.7)
    assert report.devices > 0 == report.failed
    assert np.abs(array.weights() - held).max() <= 0.011 * (array.mapping.high - array.mapping.low)
    level = array.mapping.low + 0.7 * (array.mapping.high - array.mapping.low)
    for cells, before in zip(array.cells, planes, strict=True):
        high = (before[0] > level) & (before[1] > level)
        assert high.any()
        assert not ((cells.planes(0.0)[0] > level) & (cells.planes(0.0)[1] > level)).any()
        for old, new in zip(before, cells.planes(0.0), strict=True):
            np.testing.assert_array_equal(old[~high], new[~high])
    assert refresh(array, settings, rng, above=0.7).devices == 0


@pytest.mark.needs_jit
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_refreshing_keeps_what_devices_hold_whatever_reads_see(symmetry):
    """Wires of 300 ohm take most of the current, which is not written back; drift has taken half of what was there."""
    drift = FaultLaw(drift=PowerLawDrift(nu=0.1))
    array, weights, rng = fresh(LAYERED, symmetry=symmetry, weight_limit=2.0, wire_resistance=300.0, faults=drift)
    settings = WriteVerify(tolerance=0.003, max_pulses=2000)
    write_verify(array, weights, settings, rng)
    array.at_time(20 * 2.0**10)
    for _ in range(4):
        for cells in array.cells:
            for state in cells.states:
                state.hidden += 0.5 * (1 - state.hidden)  # both devices up, as pulses of training do
        array.changed()
        held = [cells.weights(array.time).copy() for cells in array.cells]
        seen = array.weights().copy()
        report = refresh(array, settings, rng, above=0.3)
        assert report.devices > 0 == report.failed
        assert array.time == 20 * 2.0**10
        for cells, old in zip(array.cells, held, strict=True):
            assert np.abs(cells.weights(array.time) - old).max() <= 0.0031 * (array.mapping.high - array.mapping.low)
        assert report.weight_error == np.linalg.norm(array.weights() - seen) / np.linalg.norm(seen)


def test_only_pairs_of_devices_are_refreshed(rng):
    array = CrossbarArray.from_weights(DENSE, random_weights(DENSE, rng), ArrayConfig(), rng)
    with pytest.raises(InvalidValue, match="pairs of pulsed devices"):
        refresh(array, WriteVerify(), rng)
    array = CrossbarArray.from_weights(DENSE, random_weights(DENSE, rng), ArrayConfig(device=SOFT), rng)
    with pytest.raises(InvalidValue, match="`above`"):
        refresh(array, WriteVerify(), rng, above=1.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "epiram", "--weight-coverage", "0.5", "--weight-limit", "1"], "give at most one scale"),
        (["--device", "epiram", "--siemens-per-weight", "1e-6", "--weight-limit", "1"], "give at most one scale"),
        (["--device", "epiram", "--programming-error", "pcm"], "`--programming-error` belongs to `--device ideal`"),
        (["--device", "ideal", "--max-pulses", "9"], "`--max-pulses` belongs to devices that take pulses"),
        (["--device", "ideal", "--verify-noise", "0.1"], "`--verify-noise` belongs to devices that take pulses"),
        (["--device", "epiram", "--max-pulses", "3000000000"], "`max_pulses` must lie between 1 and 2147483647"),
    ],
)
def test_options_that_would_have_no_say_are_refused(rng, tmp_path, options, message):
    source = untied(rng).save(tmp_path / "trained.h5")
    done = run(source, "--out", tmp_path / "chip.h5", *options)
    assert isinstance(done.exception, InvalidValue)
    assert message in str(done.exception)
    assert not (tmp_path / "chip.h5").exists()


@pytest.mark.needs_jit
def test_a_law_is_a_device_here_too(rng, tmp_path):
    source = untied(rng).save(tmp_path / "trained.h5")
    done = run(source, "--out", tmp_path / "chip.h5", "--device", "constant", "--tolerance", "0.05")
    assert done.exit_code == 0, done.output
    assert load_chip(tmp_path / "chip.h5").conductances["decoder"].device == "constant"


@pytest.mark.needs_jit
def test_phase_change_pairs_are_refreshed_as_their_preset_says(rng):
    """After every update: where the larger device is above 0.75 and the smaller above 0.25 of the range, no others."""
    network = Network((("pixels", 12), ("hidden", 10)))
    array = CrossbarArray.from_weights(network, np.zeros((22, 22)), ArrayConfig(device="pcm", weight_limit=2.0), rng)
    cells = array.cells[0]
    plus, minus = (state.hidden for state in cells.states)
    plus[...], minus[...] = 1.0, 0.4
    plus[0, 1:4] = plus[1:4, 0] = 1.6  # and 0.4: the smaller is below 0.25 of 2
    plus[1, 2:] = plus[2:, 1] = 1.6
    minus[1, 2:] = minus[2:, 1] = 0.8
    array.changed()
    before = array.weights().copy()
    assert refresh_due(array, rng) is not None  # no updates yet: a multiple of one
    both = np.minimum(plus, minus)
    assert both[1, 2:].max() < 0.5 * 2 * 0.25
    np.testing.assert_array_equal(plus[0, 1:4], np.float32(1.6))
    np.testing.assert_array_equal(minus[2, 3:], np.float32(0.4))
    assert np.abs(array.weights() - before)[1, 2:].mean() < 0.1 * 2
    np.testing.assert_array_equal(array.weights(), array.weights().T)
    assert array.counters.pulses_down > 0 < array.counters.verify_steps
    assert refresh_due(array, rng) is None  # nothing stands high any more
    plus[5, 6] = minus[5, 6] = 1.9
    array.counters.updates = 3
    never = CrossbarArray.from_weights(network, np.zeros((22, 22)), ArrayConfig(device="epiram"), rng)
    assert refresh_due(never, rng) is None
    seldom = ArrayConfig(device="pcm", refresh=Refresh(every=2))
    assert refresh_due(replace(array, config=seldom), rng) is None


def test_a_bare_law_is_programmed_as_it_is_trained():
    found = hardware(ArrayConfig(device="constant"))
    assert (found.name, found.law, found.g_min, found.g_max) == ("constant", ConstantStep(), 1e-6, 1e-4)
    with pytest.raises(UnknownName, match="did you mean 'epiram'"):
        hardware(ArrayConfig(device="epirm"))


def test_errors_of_writing_stay_in_the_range_that_they_were_measured_in():
    """An ideal array begins where the law does; an array that begins lower is refused (`test_array.py`)."""
    assert hardware(ArrayConfig(programming_error="rram-milo")).g_min == pytest.approx(1e-4 * 50 / 225)
    assert hardware(ArrayConfig(programming_error="pcm-joshi")).g_min == 0
    with pytest.raises(InvalidValue, match="measured from 50 to 225 uS"):
        hardware(ArrayConfig(programming_error="rram-milo", device="epiram"))  # on/off 50
