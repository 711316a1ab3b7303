"""Runs trained together are the runs trained alone."""

from dataclasses import replace

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from hvae.config import toml_file
from hvae.learning import learners, optimizers
from hvae.training import step

torch = pytest.importorskip("torch", reason="the torch engine needs torch: pip install hopbar[torch]")

from hvae.tensors.propagation import Place  # noqa: E402
from hvae.training.replicas import Replicas, initial, numbers  # noqa: E402

SMALL = [
    "model.hidden=12", "model.latent=3", "training.batch_size=8", "training.epochs=3", "training.precision=float64",
    "settling.tolerance=1e-9", "nudging.tolerance=1e-9", "settling.max_sweeps=500", "nudging.max_sweeps=200",
]  # fmt: skip


@pytest.fixture
def images(rng):
    return rng.uniform(-1, 1, (29, 16)).astype(np.float32)


def config_of(model="tdh-vae", *changes):
    return toml_file.resolve(model, [], [*SMALL, *changes])


def alone(config, images, count):
    """Weights after `count` steps of the numpy engine, and the last metrics."""
    learner = learners.make(config, images.shape[1])
    optimizer = optimizers.make(config.optimizer, learner.blocks())
    parameters = initial(config, images.shape[1])
    total = step.per_epoch(len(images), config.training.batch_size) * config.training.epochs
    for number in range(count):
        batch, noise = step.draw(images, config.training, number, learner.latent)
        rate = optimizers.learning_rate(config.optimizer, number / total)
        metrics = step.advance(learner, optimizer, parameters, batch, noise, rate)
    return parameters, optimizer.state, metrics


OPTIMIZERS = [
    ["optimizer.name=adam"],
    ["optimizer.name=adam", "optimizer.weight_decay=0.1"],
    ["optimizer.name=sgd", "optimizer.learning_rate=0.05"],
    ["optimizer.name=sgd", "optimizer.momentum=0.9", "optimizer.weight_decay=0.01"],
    ["optimizer.name=muon", "optimizer.momentum=0.9", "optimizer.weight_decay=0.01"],
]


@pytest.mark.parametrize("changes", OPTIMIZERS)
@pytest.mark.parametrize("model", ["dh-vae", "tdh-vae"])
def test_a_training_is_that_of_the_numpy_engine(images, model, changes):
    """Seven steps over three epochs: the same batches, noise, rates and steps."""
    config = config_of(model, *changes)
    together = Replicas([config], images, Place.of("cpu", "float64"))
    for _ in range(7):
        metrics = numbers(together.advance())
    parameters, state, wanted = alone(config, images, 7)
    for name, array in parameters.items():
        np.testing.assert_allclose(together.parameters(0)[name], array, rtol=0, atol=1e-8)
    found = together.state(0)
    assert set(found) == set(state)
    for name, array in state.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-7)
    assert set(metrics[0]) == set(wanted)
    assert metrics[0]["sse_half"] == pytest.approx(wanted["sse_half"], rel=1e-6)
    assert metrics[0]["largest_weight"] == pytest.approx(wanted["largest_weight"], rel=1e-6)


def test_each_replica_has_its_seed_rate_beta_and_sigma(images):
    base = config_of()
    configs = [
        replace(
            base,
            model=replace(base.model, sigma=0.2 + 0.1 * k),
            training=replace(base.training, seed=k, beta_kl=0.5 + k),
            optimizer=replace(base.optimizer, learning_rate=1e-3 * (1 + k)),
        )
        for k in range(3)
    ]
    together = Replicas(configs, images, Place.of("cpu", "float64"))
    for _ in range(4):
        metrics = numbers(together.advance())
    for k, config in enumerate(configs):
        parameters, _, wanted = alone(config, images, 4)
        np.testing.assert_allclose(together.parameters(k)["tied"], parameters["tied"], rtol=0, atol=1e-8)
        assert metrics[k]["kl"] == pytest.approx(wanted["kl"], rel=1e-6)


@pytest.mark.parametrize("changes", OPTIMIZERS[1:])
def test_a_training_that_is_restored_goes_on_with_the_same_bits(images, changes):
    """Through arrays, as a checkpoint keeps them, in the middle of an epoch."""
    config = config_of("tdh-vae", *changes, "training.precision=float32", "settling.tolerance=1e-3")
    whole, before, after = (Replicas([config], images, Place.of("cpu", "float32")) for _ in range(3))
    for _ in range(7):
        whole.advance()
    for _ in range(5):
        before.advance()
    after.restore([before.parameters(0)], [before.state(0)], before.step)
    for _ in range(2):
        after.advance()
    assert after.step == whole.step
    assert after.parameters(0)["tied"].tobytes() == whole.parameters(0)["tied"].tobytes()


def test_runs_of_different_shape_are_refused(images):
    with pytest.raises(InvalidValue, match=r"model\.hidden"):
        Replicas([config_of(), config_of("tdh-vae", "model.hidden=13")], images, Place.of("cpu", "float64"))
    with pytest.raises(InvalidValue, match="at least one"):
        Replicas([], images, Place.of("cpu", "float64"))


def test_centring_takes_the_mean_out_of_the_gradient(images):
    """At share 0 all is as without; near 1 the gradient has lost what all samples share."""
    config = config_of()
    runs = [Replicas([config], images, Place.of("cpu", "float64")) for _ in range(3)]
    for run, strength in zip(runs, (None, 0.0, 0.99), strict=True):
        run.propagation.centres = strength is not None
        run.propagation.centring = torch.tensor([[[strength or 0.0]]], dtype=torch.float64)
        run.advance()
    plain, still, centred = (run.parameters(0)["tied"] for run in runs)
    np.testing.assert_allclose(still, plain, rtol=0, atol=1e-12)
    assert np.abs(centred - plain).max() > 1e-5
