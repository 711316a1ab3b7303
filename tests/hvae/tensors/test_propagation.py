"""The torch engine makes the gradients of the numpy engine: three models, both precisions, one network or several."""

from dataclasses import replace

import numpy as np
import pytest

from hvae.config.run import ModelConfig, NudgingConfig, RunConfig, SettlingConfig, TrainingConfig
from hvae.learning import learners
from hvae.streams import stream

torch = pytest.importorskip("torch", reason="the torch engine needs torch: pip install hopbar[torch]")

from hvae.tensors.propagation import NotOnTensors, Place, Propagation  # noqa: E402

PIXELS, BATCH = 49, 7


def config_of(name, precision="float64", **model):
    sizes = {"hidden": 14, "latent": 3, "sigma": 0.5 if name == "tdh-vae" else None} | model
    tight = 1e-11 if precision == "float64" else 1e-6
    return RunConfig(
        model=ModelConfig(name=name, **sizes),
        settling=SettlingConfig(tolerance=tight, max_sweeps=600),
        nudging=NudgingConfig(tolerance=tight, max_sweeps=300),
        training=TrainingConfig(batch_size=BATCH, beta_kl=0.7, precision=precision),
    )


def on_arrays(config, rng, strength=1.0):
    """A learner, weights, images and noise."""
    learner = learners.make(config, PIXELS)
    dtype = np.dtype(config.training.precision).type
    weights = {name: strength * array for name, array in learner.init(rng, dtype).items()}
    images = rng.uniform(-1, 1, (BATCH, PIXELS)).astype(dtype)
    return learner, weights, images, rng.normal(size=(BATCH, learner.latent)).astype(dtype)


def on_tensors(configs, cases, **options):
    """Metrics and gradients of several cases at once, as arrays."""
    place = Place.of("cpu", configs[0].training.precision, **options)
    propagation = Propagation(configs, place, n_pixels=PIXELS)
    weights = {name: torch.as_tensor(np.stack([one[1][name] for one in cases])) for name in cases[0][1]}
    images, noise = (torch.as_tensor(np.stack([one[k] for one in cases])) for k in (2, 3))
    metrics, gradients = propagation.gradients(weights, images, noise)
    return {k: v.numpy() for k, v in metrics.items()}, {k: v.numpy() for k, v in gradients.items()}


def distance(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


@pytest.mark.parametrize(("precision", "limit"), [("float64", 1e-10), ("float32", 1e-5)])
@pytest.mark.parametrize("name", ["h-vae", "dh-vae", "tdh-vae"])
def test_gradients_are_those_of_the_numpy_engine(rng, name, precision, limit):
    config = config_of(name, precision)
    case = on_arrays(config, rng)
    wanted, gradients = case[0].gradients(*case[1:])
    metrics, found = on_tensors([config], [case])
    for network, array in gradients.items():
        assert distance(found[network][0], array) < limit
        assert found[network].dtype == array.dtype
    for metric in ("sse_half", "kl", "latent_variance", "largest_state"):
        assert metrics[metric][0] == pytest.approx(wanted[metric], rel=100 * limit)
    assert set(metrics) == set(wanted)
