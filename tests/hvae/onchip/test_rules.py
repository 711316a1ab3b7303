"""Learning rules: what each gives to the devices for a known contrast."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.devices.law import law
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from hvae.config.array import ArraySettings
from hvae.config.run import ModelConfig, OptimizerConfig, RunConfig
from hvae.learning.muon import Muon
from hvae.learning.optimizers import SGD
from hvae.onchip.chip import MEAN, RESPONSE
from hvae.onchip.pulses import give_pulses, shift_to_symmetry, wanted_change, weight_step
from hvae.onchip.rules.chip_optimizer import ChipOptimizer, make_rule
from hvae.onchip.rules.digital import Digital, FloatRule, MixedPrecision
from hvae.onchip.rules.pulsed import PulsedSGD, Sign
from hvae.onchip.rules.tiki_taka import Chopped, Dynamic, Fixed, TikiTaka

NET = Network((("pixels", 6), ("hidden", 5), ("latent", 3)))
LAYERED = Network((("pixels", 6), ("hidden", 5), ("latent", 3)), "layered")


def make(rng, network=NET, symmetry="shared", **parameters):
    device = law("soft-bounds", dw_min=0.01, dw_min_std=0.0, w_max=1.0, w_min=-1.0, **parameters)
    config = ArrayConfig(device=device, weight_limit=2.0, symmetry=symmetry, dtype="float64")
    return CrossbarArray.from_weights(network, np.zeros((14, 14)), config, rng)


def signals(rng, batch=8):
    return rng.normal(size=(batch, 14)) * 0.1, rng.uniform(size=(batch, 14))


@pytest.mark.parametrize("network", [NET, LAYERED])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_wanted_change_is_the_contrast_where_devices_are(rng, network, symmetry):
    array = make(rng, network, symmetry)
    response, mean = signals(rng)
    wanted = wanted_change(array, response, mean, 0.5)
    expected = 0.5 * (response.T @ mean + mean.T @ response) * network.mask()
    np.testing.assert_allclose(wanted, expected, atol=1e-14)


@pytest.mark.parametrize("network", [NET, LAYERED])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_one_pulse_is_one_step_of_a_weight(rng, network, symmetry):
    array = make(rng, network, symmetry)
    pulses = rng.integers(-1, 2, (14, 14)).astype(float)
    pulses = np.triu(pulses, 1) + np.triu(pulses, 1).T
    give_pulses(array, pulses, rng)
    np.testing.assert_allclose(array.weights(), pulses * network.mask() * weight_step(array), atol=1e-7)
    devices = network.mask().sum() // (2 if symmetry == "shared" else 1)
    assert 0 < array.counters.pulses <= 2 * devices


def one_sided(rng):
    device = law("exponential", dw_min=1e-4, dw_min_std=0.0, w_min=0.0, w_max=1.0, one_sided=True)
    return CrossbarArray.from_weights(NET, np.zeros((14, 14)), ArrayConfig(device=device, dtype="float64"), rng)


def test_a_pulse_down_of_one_sided_devices_is_one_up_to_the_second(rng):
    array = one_sided(rng)
    pulses = np.triu(rng.integers(-1, 2, (14, 14)).astype(float), 1)
    pulses += pulses.T
    report = give_pulses(array, pulses, rng)
    np.testing.assert_allclose(array.weights(), pulses * weight_step(array), atol=1e-9)
    assert (report.up, report.down) == (np.count_nonzero(np.triu(pulses)), 0)


def test_tiki_taka_refuses_devices_that_go_up_only(rng):
    config = RunConfig(
        model=ModelConfig(name="tdh-vae", hidden=5, latent=3, sigma=0.2),
        array=ArraySettings(device="pcm", rule="tiki-taka"),
    )
    with pytest.raises(InvalidValue, match="pulses both ways"):
        make_rule(config, one_sided(rng), 1, rng)


def test_a_chip_refreshes_its_phase_change_pairs_as_it_learns(rng):
    """The caller of `refresh_due`: both devices of every pair stand high; one step of learning later they do not."""
    array = CrossbarArray.from_weights(NET, np.zeros((14, 14)), ArrayConfig(device="pcm", weight_limit=2.0), rng)
    plus, minus = (state.hidden for state in array.cells[0].states)
    plus[...], minus[...] = 1.9, 1.2
    array.changed()
    chip = SimpleNamespace(arrays={"tied": array}, roles=1)
    response, mean = signals(rng)
    taught = ChipOptimizer(chip=chip, rules={"tied": PulsedSGD()}, seed=0)
    parameters = {"tied": np.zeros((14, 14))}
    taught.step(parameters, {RESPONSE + "tied": response, MEAN + "tied": mean}, 1e-3)
    upper = np.triu_indices(14, 1)
    assert np.median(minus[upper]) < 0.1
    assert np.median(np.abs(parameters["tied"][upper] - 0.7)) < 0.12


def test_the_first_step_of_a_warm_up_sends_nothing(rng):
    array = make(rng)
    response, mean = signals(rng)
    PulsedSGD().learn(array, response, mean, 0.0, rng)
    assert array.counters.pulses == 0
    PulsedSGD().learn(array, response, mean, 0.1, rng)
    assert array.counters.pulses > 0


def test_sign_pulses_only_what_is_large(rng):
    array = make(rng)
    response, mean = signals(rng)
    wanted = wanted_change(array, response, mean, 1.0)
    Sign(threshold=1.5).learn(array, response, mean, 1.0, rng)
    moved = array.weights() != 0
    np.testing.assert_array_equal(moved, np.abs(wanted) > 1.5 * np.sqrt(np.mean(wanted**2)))
    assert (np.sign(array.weights())[moved] == np.sign(wanted)[moved]).all()


def test_mixed_precision_forgets_nothing(rng):
    array, rule = make(rng), MixedPrecision(threshold=1.0)
    total = np.zeros((14, 14))
    for _ in range(40):
        response, mean = signals(rng)
        rule.learn(array, response, mean, 0.02, rng)
        total += wanted_change(array, response, mean, 0.02)
    sent = total - rule.chi
    np.testing.assert_allclose(sent / weight_step(array), np.rint(sent / weight_step(array)), atol=1e-9)
    assert np.abs(rule.chi).max() <= weight_step(array)
    assert np.abs(array.weights() - sent).max() < 0.2 * np.abs(sent).max()  # soft bounds shorten the steps


@pytest.mark.parametrize("optimizer", [SGD(), SGD(momentum=0.9), Muon(blocks={"w": NET.spans}, momentum=0.5)])
def test_mixed_precision_sends_what_an_optimizer_wants(rng, optimizer):
    """What is sent and what is kept make the optimizer's steps on floats, those of plain mixed precision for SGD."""
    array, plain = make(rng), MixedPrecision(threshold=1.0)
    rule = MixedPrecision(threshold=1.0, digital=Digital(optimizer=optimizer, roles=2))
    floats, twin = {"w": np.zeros((14, 14))}, copy.deepcopy(optimizer)
    sent = np.zeros((14, 14))
    for _ in range(5):
        response, mean = signals(rng)
        before = np.zeros((14, 14)) if rule.chi is None else rule.chi.copy()
        gradient = -wanted_change(array, response, mean, 2 / 8)
        wanted = {"w": np.zeros((14, 14))}
        copy.deepcopy(twin).step(wanted, {"w": gradient}, 0.02)
        twin.step(floats, {"w": gradient}, 0.02)
        rule.learn(array, response, mean, 0.02 * 2 / 8, rng)
        sent += before + wanted["w"] - rule.chi
        plain.learn(make(rng), response, mean, 0.02 * 2 / 8, rng)
    np.testing.assert_allclose(sent + rule.chi, floats["w"], atol=1e-12)
    np.testing.assert_allclose(sent / weight_step(array), np.rint(sent / weight_step(array)), atol=1e-9)
    if optimizer == SGD():
        np.testing.assert_allclose(rule.chi, plain.chi, atol=1e-12)


def test_a_digital_optimizer_s_moments_come_back(rng):
    config = RunConfig(
        model=ModelConfig(name="tdh-vae", hidden=5, latent=3, sigma=0.2),
        array=ArraySettings(device="epiram", rule="mixed-precision"),
        optimizer=OptimizerConfig(name="muon", momentum=0.9),
    )
    array = make(rng)
    rule, other = make_rule(config, array, 2, rng), make_rule(config, array, 2, rng)
    rule.learn(array, *signals(rng), 0.01, rng)
    other.restore(rule.arrays())
    batch = signals(rng)
    rule.learn(make(rng), *batch, 0.01, rng)
    other.learn(make(rng), *batch, 0.01, rng)
    np.testing.assert_array_equal(rule.chi, other.chi)


def test_tiki_taka_starts_at_the_symmetry_point_and_follows_a_steady_contrast(rng):
    array, fast = make(rng, up_down=0.3), make(rng, up_down=0.3)
    shift_to_symmetry(fast, rng)
    rule = TikiTaka(fast=fast, gain=0.5, every=2, reference=Fixed(at=np.array(fast.weights())))
    state = fast.cells[0].states[0]
    np.testing.assert_allclose(state.hidden[np.triu_indices(14, 1)], 0.3, atol=0.02)  # (a+ - a-) / (a+ + a-)
    response, mean = signals(rng)
    for _ in range(60):
        rule.learn(array, response, mean, 0.02, rng)
    wanted = wanted_change(array, response, mean, 1.0)
    cosine = (wanted * array.weights()).sum() / np.linalg.norm(wanted) / np.linalg.norm(array.weights())
    assert cosine > 0.9
    large = np.abs(wanted) > 0.5 * np.abs(wanted).max()
    np.testing.assert_array_equal(np.sign(array.weights()[large]), np.sign(wanted[large]))
    np.testing.assert_array_equal(array.weights(), array.weights().T)


@pytest.mark.needs_jit
def test_pulsed_sgd_is_the_contrast_on_average(rng):
    """Pulses are drawn: the mean of many updates, small against the device's range, is the wanted change itself."""
    response, mean = signals(rng, batch=64)
    array, draws = make(rng), 400
    fresh = {name: values.copy() for name, values in array.state_dict().items()}
    found = np.zeros((14, 14))
    for _ in range(draws):
        array.load_state(fresh)
        PulsedSGD().learn(array, response, mean, 0.02, rng)
        found += array.weights() / draws
    wanted = wanted_change(array, response, mean, 0.02)
    assert (found * wanted).sum() / (wanted**2).sum() == pytest.approx(1, abs=0.06)  # soft bounds shorten the steps
    assert np.linalg.norm(found - wanted) < 0.15 * np.linalg.norm(wanted)


@pytest.mark.parametrize("roles", [1, 2])
def test_the_float_rule_is_the_optimizer_on_the_mean_gradient(rng, roles):
    array = CrossbarArray.from_weights(NET, np.zeros((14, 14)), ArrayConfig(dtype="float64"), rng)
    response, mean = signals(rng)
    rate = 0.1 * roles / len(response)  # a learning rate of 0.1 over the batch
    FloatRule(digital=Digital(optimizer=SGD(), roles=roles)).learn(array, response, mean, rate, rng)
    np.testing.assert_allclose(array.weights(), wanted_change(array, response, mean, rate), atol=1e-14)


def follower(rng, kind, error=0.0, **parameters):
    """Tiki-Taka on devices that rest at 0.3, with a reference that misses each by a spread of `error`."""
    fast = make(rng, up_down=0.3, **parameters)
    if kind is not Dynamic:
        shift_to_symmetry(fast, rng)
    missed = np.triu(error * rng.standard_normal((14, 14)), 1)
    at = np.array(fast.weights()) + missed + missed.T
    reference = Fixed(at=at) if kind is Fixed else kind(at=at, every=10)
    return TikiTaka(fast=fast, gain=0.01, every=2, reference=reference)


def cosine(rng, rule, given, steps=800):
    """Return the cosine of what the weights became to the steady contrast that was asked for."""
    array, (response, mean) = make(rng), given
    for _ in range(steps):
        rule.learn(array, response, mean, 0.1, rng)
    wanted = wanted_change(array, response, mean, 1.0)
    return (wanted * array.weights()).sum() / np.linalg.norm(wanted) / np.linalg.norm(array.weights())


@pytest.mark.needs_jit
def test_choppers_and_a_dynamic_reference_forgive_what_the_symmetry_point_is_missed_by(rng):
    """Where the fast array turns within a period of the choppers; a slow one cancels itself."""
    given = signals(rng)
    fixed, missed = (cosine(rng, follower(rng, Fixed, error), given) for error in (0.0, 0.2))
    chopped, dynamic = (cosine(rng, follower(rng, kind, 0.2), given) for kind in (Chopped, Dynamic))
    assert missed < fixed - 0.02
    assert min(chopped, dynamic) > fixed


def test_a_chopped_device_is_taught_with_its_sign_and_read_with_it(rng):
    """Without offset, noise or bounds choppers change nothing but the signs within the fast array."""
    at = np.zeros((14, 14))
    reference = Chopped(at=at, every=1)
    reference.choppers = rng.choice([-1.0, 1.0], 14)
    readings = rng.standard_normal((14, 14))
    signs = np.outer(reference.choppers, reference.choppers)
    np.testing.assert_array_equal(reference.heard(signs * readings, np.arange(14)), readings)


def test_the_dynamic_reference_is_what_was_read_before_the_sign_turned(rng):
    reference = Dynamic(at=np.zeros((4, 4)), every=2)
    lines = np.arange(4)
    for value in (1.0, 3.0):
        reference.heard(np.full((4, 4), value), lines)
        reference.turn(rng)
    turned = np.outer(reference.choppers, reference.choppers) < 0
    np.testing.assert_array_equal(reference.at, np.where(turned, 2.0, 0.0))
    np.testing.assert_array_equal(reference.readings, np.where(turned, 0, 2))


RULES = {
    "mixed": lambda rng: MixedPrecision(threshold=1.0),
    "tiki": lambda rng: follower(rng, Fixed),
    "chopped": lambda rng: follower(rng, Chopped),
    "dynamic": lambda rng: follower(rng, Dynamic),
}


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_remembers_can_be_put_back(rng, rule):
    array = make(rng)
    one, other = RULES[rule](rng), RULES[rule](rng)
    for _ in range(9):
        one.learn(array, *signals(rng), 0.01, rng)
    other.restore(one.arrays())
    for name, plane in one.arrays().items():
        np.testing.assert_array_equal(plane, other.arrays()[name])


def test_a_reference_of_before_is_a_fixed_one(rng):
    one, other = follower(rng, Fixed), follower(rng, Fixed)
    held = one.arrays()
    held["reference"] = held.pop("reference/at")
    other.restore(held)
    np.testing.assert_array_equal(other.reference.at, one.reference.at)
