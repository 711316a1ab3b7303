"""Hardware-aware training: weights are disturbed as a device would, and only where the gradient is taken."""

import numpy as np
import pytest
from analytic_systems import small_vae

from crossbar.arrays.config import ArrayConfig
from crossbar.chip import Chip, load_chip
from crossbar.devices.nonidealities import FaultLaw
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.network import Network
from crossbar.programming.chip import device_error, given_scale, program_chip
from crossbar.programming.write_verify import WriteVerify
from hvae.api import fitting
from hvae.config import toml_file
from hvae.learning import costs
from hvae.runs import images, loading
from hvae.runs.records import RunFolder
from hvae.training import loop
from hvae.training.disturbance import Disturbance, best_limit

SMALL = [
    "data.image_size=7", "data.train_limit=64", "model.hidden=10", "model.latent=3", "training.batch_size=16",
    "training.epochs=1", "training.validation_samples=40", "training.eigenvalue_samples=0",
]  # fmt: skip


def config(*changes):
    return toml_file.resolve("tdh-vae", [], [*SMALL, *changes])


def test_errors_are_symmetric_hollow_and_as_large_as_said(rng):
    weights = rng.normal(size=(300, 300))
    weights += weights.T
    np.fill_diagonal(weights, 0)
    weights[:20, :20] = 0
    disturbed = Disturbance(error=0.03, seed=1).at({"tied": weights}, 7)["tied"]
    limit = best_limit(weights, 0.03)
    found = disturbed - weights
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    assert not disturbed[weights == 0].any()
    assert found[weights != 0].std() == pytest.approx(0.03 * limit, rel=0.02)


def test_the_range_is_the_one_that_errs_least(rng):
    """Few large weights are clipped where the device is coarse, and held where it is fine; by brute force."""
    weights = rng.normal(0, 0.1, (100, 100))
    weights[0, :3] = weights[:3, 0] = 3.0

    def cost(limit, error):
        return (error * limit) ** 2 + np.mean(np.maximum(np.abs(weights) - limit, 0) ** 2)

    assert best_limit(weights, 1e-4) == 3.0
    for error in (0.01, 0.05, 0.2):
        limits = 3.0 * 2.0 ** (-0.5 * np.arange(16))
        allowed = limits[limits >= np.median(np.abs(weights))]
        assert cost(best_limit(weights, error), error) < 1.02 * min(cost(limit, error) for limit in allowed)
    assert best_limit(weights, 0.2) < 1
    assert best_limit(np.zeros((3, 3)), 0.1) == 0


def test_a_step_has_its_own_errors_and_the_same_each_time(rng):
    weights = {"tied": rng.normal(size=(30, 30))}
    one, again, other = (Disturbance(error=0.1, seed=0).at(weights, step)["tied"] for step in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.needs_jit
def test_the_error_is_that_of_chips_programmed_so(rng):
    """Of a whole chip's devices, written by the command's own way, in units of the range."""
    array = ArrayConfig(device="epiram", faults=FaultLaw(levels=8))
    settings = WriteVerify(tolerance=0.05)
    error = device_error(array, settings, np.random.default_rng(0))
    network_weights = rng.uniform(-1, 1, (40, 40))
    network_weights = np.triu(network_weights, 1) + np.triu(network_weights, 1).T
    network = Network((("pixels", 16), ("hidden", 20), ("latent", 4)))
    chip = Chip(model="tdh-vae", networks={"tied": network}, weights={"tied": network_weights}, image_shape=(4, 4),
                examples=np.zeros((0, 16)))  # fmt: skip
    limited = ArrayConfig(device="epiram", faults=FaultLaw(levels=8), weight_limit=1.0)
    programmed, _ = program_chip(chip, limited, settings, np.random.default_rng(1), given_scale)
    off = (programmed.effective_weights("tied") - network_weights)[network.mask()]
    assert error == pytest.approx(np.sqrt(np.mean(off**2)), rel=0.25)


def test_an_exact_device_disturbs_nothing_and_no_device_is_no_disturbance():
    assert Disturbance.of(config()) is None
    rough = Disturbance.of(config("aware.device=epiram", "aware.levels=4", "aware.tolerance=0.2"))
    fine = Disturbance.of(config("aware.device=epiram", "aware.tolerance=0.005"))
    assert 0 < fine.error < 0.02 < rough.error


def test_what_does_not_go_together_is_refused():
    with pytest.raises(InvalidValue, match=r"aware\.device"):
        config("aware.device=epiram", "array.device=ideal")
    with pytest.raises(InvalidValue, match=r"aware\.levels"):
        config("aware.device=epiram", "aware.levels=1")
    with pytest.raises(InvalidValue, match="without a device"):
        config("aware.levels=8")
    with pytest.raises(UnknownName, match="epirm"):
        Disturbance.of(config("aware.device=epirm"))


@pytest.mark.needs_jit
def test_a_run_learns_and_resumes_with_the_same_errors(tmp_path):
    plan = config("aware.device=epiram", "aware.levels=8", "aware.strength=2", "training.epochs=2")
    folders = [RunFolder.create(tmp_path / name, plan) for name in ("whole", "stopped")]
    loop.train(folders[0])
    steps = []
    stop = loop.Observer(on_step=lambda step, *_: steps.append(step), stop_requested=lambda: len(steps) == 3)
    assert loop.train(folders[1], observer=stop) is loop.Ending.STOPPED
    loop.train(folders[1])
    found = [loading.load(folder.path).parameters["tied"] for folder in folders]
    np.testing.assert_array_equal(found[0], found[1])
    plain = RunFolder.create(tmp_path / "plain", config("training.epochs=2"))
    loop.train(plain)
    assert not np.array_equal(found[0], loading.load(plain.path).parameters["tied"])
    assert load_chip(folders[0].path).networks["tied"].size == 49 + 13


@pytest.mark.needs_jit
def test_an_estimator_is_trained_for_the_device_like_a_run(tmp_path):
    plan = config("aware.device=epiram", "aware.levels=8")
    folder = RunFolder.create(tmp_path / "run", plan)
    loop.train(folder)
    fitted = fitting.fit(plan, images.load(plan.data).train_images, lambda *_: None)
    np.testing.assert_array_equal(fitted.parameters["tied"], loading.load(folder.path).parameters["tied"])


def test_the_loss_at_disturbed_weights_is_what_falls(rng):
    """The gradient is that of the loss at W', by finite differences of it."""
    learner = small_vae("tdh-vae")
    weights = learner.init(rng, np.float64)
    pictures, noise = rng.uniform(-1, 1, (4, 10)), rng.normal(size=(4, learner.latent))
    disturbed = Disturbance(error=0.2, seed=3).at(weights, 0)
    _, gradients = learner.gradients(disturbed, pictures, noise)
    change = np.triu(rng.normal(size=weights["tied"].shape) * (weights["tied"] != 0))
    change += change.T

    def loss(distance):
        at = {"tied": disturbed["tied"] + distance * change}
        mean, log_variance = learner.encode(at, pictures)
        output = learner.decode(at, mean + noise * np.exp(log_variance / 2))
        return (costs.sse_half(output, pictures) + learner.beta_kl * costs.kl_divergence(mean, log_variance)).mean()

    slope = (loss(1e-4) - loss(-1e-4)) / 2e-4
    assert (gradients["tied"] * change).sum() / 2 == pytest.approx(slope, rel=1e-5)
