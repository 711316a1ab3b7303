"""Learning on the array: exact without devices, right on average with them, and resumed bit for bit."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.construction import hardware
from crossbar.arrays.converters import adc, dac
from crossbar.arrays.energy_meter import PulseShape
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices.law import ConstantStep, SoftBounds
from crossbar.devices.nonidealities import FaultLaw, PcmDrift
from crossbar.devices.presets import load
from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import write_verify
from crossbar.programming.write_verify import WriteVerify
from crossbar.pulses.engines import apply_pulses

DENSE = Network((("pixels", 5), ("hidden", 4), ("latent", 2)))
LAYERED = Network((("pixels", 5), ("hidden", 4), ("latent", 2)), "layered")


def make(rng, network=DENSE, dtype="float64", **settings):
    weights = random_weights(network, rng, np.dtype(dtype).type)
    return CrossbarArray.from_weights(network, weights, ArrayConfig(dtype=dtype, **settings), rng), weights


def contrast(rng, network, batch=6):
    response, mean = 0.1 * rng.normal(size=(batch, network.size)), rng.random((batch, network.size))
    response[:, network.block("pixels")] = 0
    return response, mean


def steady(rng, network):
    """Return a contrast whose examples agree."""
    response, mean = rng.random((100, network.size)), rng.random((100, network.size))
    return response * 0.1 * np.sign(rng.normal(size=network.size)), mean


@pytest.mark.parametrize("mapping", ["pair", "reference"])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("network", [DENSE, LAYERED])
def test_without_devices_an_update_is_the_float_update(rng, network, symmetry, mapping):
    scale = {"weight_limit": 9.0} if mapping == "reference" else {}  # a reference has a range, pairs of floats none
    array, weights = make(rng, network, mapping=mapping, symmetry=symmetry, **scale)
    response, mean = contrast(rng, network)
    report = array.update(response, mean, rate=0.3, rng=rng)
    expected = weights + 0.3 * (response.T @ mean + mean.T @ response) * network.mask()
    np.testing.assert_allclose(array.matrix(), expected, atol=1e-14)
    assert array.asymmetry() < 1e-15 * (symmetry == "two-device") + 1e-300
    assert report.pulses == 0
    assert array.counters.updates == 1


def test_clamped_neurons_learn_by_their_mean_signals(rng):
    array, weights = make(rng, LAYERED)
    response, mean = contrast(rng, LAYERED)
    array.update(response, mean, rate=1.0, rng=rng)
    change = (array.matrix() - weights)[LAYERED.block("pixels"), LAYERED.block("hidden")]
    np.testing.assert_allclose(change, mean[:, :5].T @ response[:, 5:9], atol=1e-14)


def test_bad_contrasts_are_refused(rng):
    array, _ = make(rng)
    response, mean = contrast(rng, DENSE)
    for bad in ((response[:, 1:], mean), (response, mean[1:]), (response * np.nan, mean)):
        with pytest.raises(InvalidValue, match=r"`(response|mean)` must be"):
            array.update(*bad, rate=0.1, rng=rng)
    for rate in (0.0, -1.0, np.inf):
        with pytest.raises(InvalidValue, match="`rate`"):
            array.update(response, mean, rate=rate, rng=rng)


SOFT = SoftBounds(dw_min=1e-4, dw_min_std=0.3, dw_min_dtod=0.3, w_max=1.0, w_min=-1.0, w_max_dtod=0.1, w_min_dtod=0.1)


@pytest.mark.needs_jit
@pytest.mark.parametrize("mapping", ["pair", "reference"])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("network", [DENSE, LAYERED])
def test_pulses_move_the_weights_by_the_contrast(network, symmetry, mapping):
    """Constant steps of no spread: the weights move by rate times the contrast, and shared ones stay shared."""
    rng = np.random.default_rng(5)
    law = ConstantStep(dw_min=1e-4, dw_min_std=0.0, w_max=1.0, w_min=-1.0)
    array, weights = make(rng, network, device=law, symmetry=symmetry, mapping=mapping, weight_limit=2.0)
    np.testing.assert_allclose(array.matrix(), weights, atol=1e-6)
    response, mean = steady(rng, network)
    report = array.update(response, mean, rate=0.01, rng=rng)
    expected = 0.01 * (response.T @ mean + mean.T @ response) * network.mask()
    step = array.cells[0].scale * 1e-4
    trains = 0.01 * (np.abs(response).T @ mean + mean.T @ np.abs(response))
    assert (np.abs(array.matrix() - weights - expected) < 5 * np.sqrt(trains * step) + 1e-6).all()
    assert np.abs(expected).max() > 10 * np.sqrt(trains.max() * step)
    assert report.clipped == 0
    assert (array.asymmetry() == 0) == (symmetry == "shared")
    assert report.pulses == array.counters.pulses > 1000


@pytest.mark.needs_jit
@pytest.mark.parametrize("encoding", ["factorised", "two-phase", "digital-difference", "sign"])
def test_every_encoding_goes_the_way_of_the_contrast(encoding):
    rng = np.random.default_rng(6)
    array, weights = make(rng, device=ConstantStep(dw_min=1e-4), weight_limit=2.0, encoding=encoding)
    response, mean = steady(rng, DENSE)
    array.update(response, mean, rate=0.002, rng=rng)
    wanted = ((response.T @ mean + mean.T @ response) * DENSE.mask()).ravel()
    change = (array.matrix() - weights).ravel()
    assert wanted @ change / np.linalg.norm(wanted) / np.linalg.norm(change) > 0.6
    np.testing.assert_array_equal(array.matrix(), array.matrix().T)


def busy(rng):
    """Return an array with everything on, after some use."""
    array, _ = make(
        rng, LAYERED, device=SOFT, weight_limit=2.0, dac=dac(6), adc=adc(8, high=3.0), output_noise=0.01, tile_size=4,
        read_noise=ReadNoise(relative=0.05, spectrum="pink", correlation_reads=1000),
        faults=FaultLaw(variation=0.05, stuck_low=0.05, drift=PcmDrift()),
    )  # fmt: skip
    array.at_time(100.0)
    return array


def use(array, seed):
    """Return what two batches of reads and updates give."""
    rng = np.random.default_rng(seed)
    found = []
    role = LAYERED.role(["latent"])
    for _ in range(2):
        array.new_batch()
        for _ in range(2):
            array.new_phase()
            out = np.empty((3, role.n_free))
            array.multiply(rng.random((3, role.n_free)), role.within, out)
            found.append(out.copy())
        array.update(*contrast(rng, LAYERED), rate=0.01, rng=rng)
    return [*found, array.matrix().copy(), array.counted().array()]


@pytest.mark.needs_jit
def test_a_resumed_array_goes_on_bit_for_bit(tmp_path):
    array = busy(np.random.default_rng(8))
    use(array, 1)
    np.savez(tmp_path / "state.npz", **{name.replace("/", "|"): a for name, a in array.state_dict().items()})
    expected = use(array, 2)
    again = busy(np.random.default_rng(99))
    with np.load(tmp_path / "state.npz") as stored:
        again.load_state({name.replace("|", "/"): stored[name] for name in stored})
    for ours, theirs in zip(use(again, 2), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.needs_jit
def test_same_seed_same_bytes_and_another_seed_others():
    first, second, other = (use(busy(np.random.default_rng(seed)), 1) for seed in (8, 8, 9))
    for one, two, three in zip(first[:-1], second[:-1], other[:-1], strict=True):
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, three)


def test_a_foreign_state_is_refused(rng):
    array, _ = make(rng)
    other, _ = make(rng, LAYERED)
    with pytest.raises(InvalidValue, match="does not fit"):
        array.load_state(other.state_dict())


@pytest.mark.parametrize(
    "changes",
    [
        {"device": "ag-a-si"}, {"dtype": "float32"}, {"faults": FaultLaw(drift=PcmDrift())}, {"weight_limit": 1.0},
        {"g_max": 2e-5}, {"dac": dac(6)}, {"device": SoftBounds(dw_min=0.01)}, {"mapping": "reference"},
    ],
)  # fmt: skip
def test_the_state_of_other_devices_or_settings_is_refused(rng, changes):
    """Names and shapes alone agree: the state would put EpiRAM's planes under another device's step."""
    array, _ = make(rng, device="epiram", weight_limit=2.0)
    other, _ = make(rng, **({"device": "epiram", "weight_limit": 2.0} | changes))
    for one, two in ((array, other), (other, array)):
        with pytest.raises(InvalidValue, match="does not fit"):
            one.load_state(two.state_dict())
    again, _ = make(rng, device="EpiRAM", weight_limit=2.0)
    again.load_state(array.state_dict())
    np.testing.assert_array_equal(again.matrix(), array.matrix())


@pytest.mark.parametrize("device", [None, "epiram"])
def test_a_scale_that_followed_from_the_weights_is_in_the_state(rng, device):
    """Where the first weights chose the scale, an array made of others takes it over, siemens, noise and all."""
    array, weights = make(rng, device=device, read_noise=ReadNoise(additive=0.01))
    config = array.config
    again = CrossbarArray.from_weights(DENSE, np.zeros_like(weights), config, rng)
    assert again.mapping != array.mapping
    again.load_state(array.state_dict())
    for ours, theirs in zip(again.conductances(), array.conductances(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    np.testing.assert_allclose(again.matrix(), array.matrix(), rtol=1e-12)
    assert again.reader.additive == pytest.approx(array.reader.additive)


@pytest.mark.parametrize("device", [None, "epiram"])
@pytest.mark.parametrize("large", [1e30, 1e300])
def test_weights_beyond_the_type_of_the_array_are_refused(rng, device, large):
    """1e300 is no float32, and the square of 1e30 is none: noise and norms would be infinite."""
    weights = random_weights(DENSE, rng, np.float64) * large
    with pytest.raises(InvalidValue, match="squares that float32 holds"):
        CrossbarArray.from_weights(DENSE, weights, ArrayConfig(device=device), rng)
    with pytest.raises(InvalidValue, match="squares float32 holds"):
        CrossbarArray.from_weights(DENSE, weights / large, ArrayConfig(device=device, weight_limit=large), rng)


def test_bounds_beyond_the_type_of_the_array_are_refused(rng):
    law = ConstantStep(dw_min=1e36, w_max=1e39, w_min=-1e39)
    with pytest.raises(InvalidValue, match="of the devices must be finite in float32"):
        make(rng, dtype="float32", device=law, weight_limit=2.0)


@pytest.mark.needs_jit
@pytest.mark.parametrize("mapping", ["pair", "reference"])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("network", [DENSE, LAYERED])
def test_energy_is_that_of_the_devices_there_are(rng, network, symmetry, mapping):
    """V^2 G t: pulses meet the mean conductance of all devices, reads that of a line; the diagonal is empty."""
    faults = FaultLaw(variation=0.3, stuck_high=0.1)
    array, _ = make(rng, network, device="ag-a-si", symmetry=symmetry, mapping=mapping, weight_limit=2.0, faults=faults)
    array.update(*steady(rng, network), rate=0.02, rng=rng)  # of two devices, those of the diagonal get pulses too
    wanted = np.stack(array.conductances()[: array.mapping.n_planes])
    spent = array.counted().write_energy
    report = array.update(*steady(rng, network), rate=0.02, rng=rng)
    per_siemens = array.pulses.energy(report.up, report.down, 1.0)
    met = wanted[:, network.mask()].mean()
    assert array.counters.write_energy - spent == pytest.approx(per_siemens * met, rel=1e-6)
    spent, x = array.counted().read_energy, rng.random((3, network.size))
    array.multiply(x, network.patches(network.names, network.names), np.empty_like(x))
    lines = np.stack(array.conductances()[: array.mapping.n_planes]).sum((0, 2))
    assert array.counted().read_energy - spent == pytest.approx(array.meter.joule * (x**2).sum(0) @ lines, rel=1e-6)


@pytest.mark.needs_jit
@pytest.mark.parametrize("device", ["epiram", "hzo-fefet", "taox-hfox", "reram-sb", "ecram", "gst-pcm"])
def test_presets_learn_and_cost_energy(device):
    rng = np.random.default_rng(7)
    mapping = "reference" if hardware(ArrayConfig(device=device)).zero > 0.1 else "pair"
    array, _ = make(rng, device=device, mapping=mapping, weight_limit=2.0)
    response, mean = steady(rng, DENSE)
    before = array.matrix().copy()
    report = array.update(response, mean, rate=0.02, rng=rng)
    wanted = ((response.T @ mean + mean.T @ response) * DENSE.mask()).ravel()
    assert wanted @ (array.matrix() - before).ravel() > 0
    per_siemens = array.pulses.energy(report.up, report.down, 1.0)
    assert (array.counters.write_energy > 0) == (per_siemens > 0)
    assert np.isfinite(array.matrix()).all()


@pytest.mark.needs_jit
@pytest.mark.parametrize("kind", [bool, int, np.uint8])
@pytest.mark.parametrize("device", [None, ConstantStep(dw_min=1e-3, dw_min_std=0.0)])
@pytest.mark.parametrize("encoding", ["factorised", "digital-difference"])
def test_whole_signals_teach_what_floats_teach(kind, device, encoding):
    changes = []
    for cast in (kind, float):
        rng = np.random.default_rng(3)
        array, weights = make(rng, device=device, weight_limit=4.0, encoding=encoding)
        response, mean = rng.random((20, DENSE.size)) < 0.3, rng.random((20, DENSE.size)) < 0.5
        array.update(response.astype(cast), mean.astype(cast), rate=0.01, rng=rng)
        changes.append(array.matrix() - weights)
    np.testing.assert_array_equal(*changes)
    assert np.abs(changes[0]).max() > 0.05


@pytest.mark.parametrize("signals", [np.zeros((2, 11), complex), np.zeros((2, 11)).tolist(), np.ma.zeros((2, 11))])
def test_signals_that_are_no_real_numbers_are_refused(rng, signals):
    array, _ = make(rng)
    with pytest.raises(InvalidValue, match="`response` must"):
        array.update(signals, np.ones((2, 11)), rate=0.1, rng=rng)
    with pytest.raises(InvalidValue, match="`signals` must"):
        array.multiply(signals, DENSE.patches(DENSE.names, DENSE.names), np.empty((2, 11)))
    with pytest.raises(InvalidValue, match="at least one example"):
        array.update(np.ones((0, 11)), np.ones((0, 11)), rate=0.1, rng=rng)


@pytest.mark.needs_jit
def test_changes_beyond_32_bits_of_pulses_are_refused(rng):
    array, _ = make(rng, device=ConstantStep(dw_min=1e-4), weight_limit=2.0, encoding="digital-difference")
    before = array.matrix().copy()
    with pytest.raises(InvalidValue, match="at most 2147483647 pulses"):
        array.update(*contrast(rng, DENSE), rate=1e9, rng=rng)
    np.testing.assert_array_equal(array.matrix(), before)
    for count in (2**31, 2**32 + 5):
        with pytest.raises(InvalidValue, match="at most 2147483647 pulses"):
            apply_pulses(array.cells[0].states[0], count, 0, rng)


def test_a_pulse_budget_is_a_whole_number_that_32_bits_count():
    for budget in (0, 3_000_000_000, 2.5, True):
        with pytest.raises(InvalidValue, match="`max_pulses`"):
            WriteVerify(max_pulses=budget)


def test_pulses_of_both_directions_cost_their_own_energy():
    """V^2 G t: 5 pulses of 2 V and 1 us, 7 of -3 V and 10 us, on 1 uS."""
    shape = PulseShape(voltage_up=2.0, width_up=1e-6, voltage_down=-3.0, width_down=1e-5)
    assert shape.energy(5, 7, 1e-6) == pytest.approx((5 * 4e-6 + 7 * 9e-5) * 1e-6, rel=1e-12)


@pytest.mark.needs_jit
def test_write_energy_counts_pulses_up_and_down_at_the_presets_own_amplitudes(rng):
    array, _ = make(rng, device="ag-a-si", weight_limit=2.0)
    pulse = {name: one.value for name, one in load("ag-a-si").quantities["pulse"].items()}
    plus, minus = array.conductances()
    mean = (plus + minus)[DENSE.mask()].mean() / 2
    report = array.update(*steady(rng, DENSE), rate=0.02, rng=rng)
    assert min(report.up, report.down) > 30
    up, down = (pulse[f"v_{way}"] ** 2 * pulse[f"t_{way}"] for way in ("up", "down"))
    assert array.counters.write_energy == pytest.approx((report.up * up + report.down * down) * mean, rel=1e-6)
    before = array.counters.write_energy
    write_verify(array, np.zeros_like(array.weights()), WriteVerify(tolerance=0.005), rng)
    downs = array.counters.pulses_down - report.down
    assert downs > 0
    assert array.counters.write_energy - before > downs * down * array.mapping.g_min
