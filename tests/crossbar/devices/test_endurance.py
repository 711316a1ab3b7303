"""Devices that live a number of pulses: counted one by one, then they stay where they are."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.devices.endurance import Endurance, spend
from crossbar.devices.law import law
from crossbar.devices.nonidealities import FaultLaw
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import write_verify
from crossbar.programming.write_verify import WriteVerify
from hvae.config import toml_file
from hvae.onchip.pulses import give_pulses, weight_step
from hvae.runs import loading
from hvae.runs.records import RunFolder
from hvae.training import loop
from hvae.training.loop import Observer

NET = Network((("pixels", 5), ("hidden", 4), ("latent", 3)))


def array_of(rng, pulses, spread=0.0, symmetry="shared"):
    device = law("constant", dw_min=0.01, dw_min_std=0.0, w_max=1.0, w_min=-1.0)
    faults = FaultLaw(endurance=Endurance(pulses=pulses, spread=spread))
    config = ArrayConfig(device=device, weight_limit=2.0, symmetry=symmetry, dtype="float64", faults=faults)
    return CrossbarArray.from_weights(NET, np.zeros((12, 12)), config, rng)


def test_lives_are_log_normal(rng):
    lives = Endurance(pulses=1000, spread=0.5).sample((200, 200), rng)
    assert np.median(lives) == pytest.approx(1000, rel=0.03)
    assert np.log(lives).std() == pytest.approx(0.5, rel=0.03)
    assert np.array_equal(lives, np.rint(lives))


@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_a_device_moves_for_as_many_pulses_as_it_lives(rng, symmetry):
    array = array_of(rng, 5, symmetry=symmetry)
    step, mask = weight_step(array), NET.mask()
    for made in range(1, 4):
        give_pulses(array, 2.0 * mask, rng)
        np.testing.assert_allclose(array.weights(), min(2 * made, 5) * step * mask, atol=1e-12)
    assert (np.triu(array.cells[0].faults[0].life, 1)[np.triu_indices(12, 1)] == 0).all()
    pulses = array.counters.pulses
    give_pulses(array, -3.0 * mask, rng)
    assert array.counters.pulses == pulses  # a dead device takes none, and costs none


def test_pulses_that_a_device_does_not_live_for_are_not_given():
    life = np.array([4.0, 1.0, 0.0])
    ups, downs = spend(life, np.array([3, 0, 1], np.int32), np.array([0, 2, 0], np.int32))
    assert (ups.tolist(), downs.tolist(), life.tolist()) == ([3, 0, 0], [0, 1, 0], [1.0, 0.0, 0.0])
    assert ups.dtype == np.int32


@pytest.mark.needs_jit
def test_write_verify_spends_lives_and_tells_who_died(rng):
    weights = rng.uniform(-1, 1, (12, 12)) * NET.mask()
    weights = np.triu(weights) + np.triu(weights).T
    reports = {}
    for pulses in (10_000, 15):
        array = array_of(rng, pulses)
        reports[pulses] = write_verify(array, weights, WriteVerify(), rng)
        for fault in array.cells[0].faults:
            spent = pulses - fault.life[np.triu_indices(12, 1)]
            assert (spent >= 0).all()
            assert (spent <= pulses).all()
        total = sum(float((pulses - fault.life[np.triu_indices(12, 1)]).sum()) for fault in array.cells[0].faults)
        assert total == reports[pulses].pulses_up + reports[pulses].pulses_down
    assert reports[10_000].failed == 0
    assert reports[15].failed > 0


def test_trains_for_whole_lines_are_refused(rng):
    array = array_of(rng, 5)
    with pytest.raises(InvalidValue, match="need whole pulses"):
        array.update(rng.normal(size=(2, 12)), rng.uniform(size=(2, 12)), rate=0.1, rng=rng)
    with pytest.raises(InvalidValue, match=r"`array\.endurance` needs a rule that counts"):
        toml_file.resolve("tdh-vae", [], ["array.device=epiram", "array.endurance=100", "array.rule=pulsed-sgd"])
    with pytest.raises(InvalidValue, match="at least 1"):
        Endurance(pulses=0.5)


SMALL = (
    "data.image_size=7", "data.train_limit=60", "training.batch_size=20", "training.epochs=2", "model.hidden=8",
    "model.latent=2", "training.validation_samples=0", "training.eigenvalue_samples=0", "optimizer.name=sgd",
    "optimizer.learning_rate=0.5", "array.device=soft-bounds", "array.rule=mixed-precision", "array.endurance=4",
    "array.dw_min=0.0005",
    "array.endurance_spread=0.5",
)  # fmt: skip


@pytest.mark.needs_jit
def test_a_run_wears_its_devices_and_goes_on_with_them(tmp_path):
    config = toml_file.resolve("tdh-vae", [], SMALL)
    whole, parted = (RunFolder.create(tmp_path / name, config) for name in ("whole", "parted"))
    loop.train(whole)
    while loop.train(parted, observer=Observer(stop_requested=lambda: True)) is loop.Ending.STOPPED:
        pass
    one, other = whole.load(), parted.load()
    for name, array in one.optimizer.items():
        np.testing.assert_array_equal(other.optimizer[name], array)
    assert any(name.endswith("/life") for name in one.optimizer)
    assert all("worn" in row for row in whole.metrics() if "step" in row)
    assert 0 < loading.load(whole.path).learner.costs()["worn"] < 1
