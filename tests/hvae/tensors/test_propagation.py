"""The torch engine makes the gradients of the numpy engine: three models, both precisions, one network or several."""

from dataclasses import replace

import numpy as np
import pytest

from hvae.config.run import ModelConfig, NudgingConfig, OptimizerConfig, RunConfig, SettlingConfig, TrainingConfig
from hvae.learning import learners

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


def test_samples_stop_at_the_sweeps_of_the_numpy_engine(rng):
    """At training's tolerances, with few sweeps allowed, so that some samples are cut off."""
    config = config_of("tdh-vae")
    config = replace(config, settling=SettlingConfig(max_sweeps=9), nudging=NudgingConfig(max_sweeps=5))
    case = on_arrays(config, rng, strength=2.0)
    wanted, gradients = case[0].gradients(*case[1:])
    metrics, found = on_tensors([config], [case])
    assert 0 < wanted["unconverged"] < 1
    assert 0 < wanted["failed_nudges"] < 1
    for metric, value in wanted.items():
        assert metrics[metric][0] == pytest.approx(value, rel=1e-9), metric
    assert distance(found["tied"][0], gradients["tied"]) < 1e-9


@pytest.mark.parametrize("method", ["centred", "positive", "negative"])
@pytest.mark.parametrize("name", ["dh-vae", "tdh-vae"])
def test_finite_nudges_are_those_of_the_numpy_engine(rng, name, method):
    config = config_of(name)
    config = replace(config, nudging=NudgingConfig(method=method, beta=0.02, max_sweeps=600))
    config = replace(config, settling=SettlingConfig(tolerance=1e-10, max_sweeps=600))
    case = on_arrays(config, rng)
    _, gradients = case[0].gradients(*case[1:])
    _, found = on_tensors([config], [case])
    for network, array in gradients.items():
        assert distance(found[network][0], array) < 1e-8


VARIANTS = [
    {"latent_scale": 2.0},
    {"density": 0.3},
    {"gain": 2.0},
    {"latent_gain": 0.5},
    {"latent_neuron": "linear"},
    {"pixel_neuron": "linear", "latent_neuron": "linear"},
    {"hidden_neuron": "classical", "latent_neuron": "linear"},
]


@pytest.mark.parametrize("model", VARIANTS)
def test_variants_are_those_of_the_numpy_engine(rng, model):
    config = config_of("tdh-vae", **model)
    config = replace(config, optimizer=OptimizerConfig(centring=0.9, latent_rate=0.1))
    case = on_arrays(config, rng)
    wanted, gradients = case[0].gradients(*case[1:])
    metrics, found = on_tensors([config], [case])
    assert distance(found["tied"][0], gradients["tied"]) < 1e-10
    assert metrics["kl"][0] == pytest.approx(wanted["kl"], rel=1e-9)


@pytest.mark.parametrize("name", ["h-vae", "dh-vae", "tdh-vae"])
def test_replicas_are_runs_of_their_own(rng, name):
    """Three networks with their own weights, images, beta_KL and sigma, trained at once or one by one."""
    configs = [config_of(name) for _ in range(3)]
    for k, one in enumerate(configs):
        sigma = None if one.model.sigma is None else 0.3 + 0.1 * k
        model, training = replace(one.model, sigma=sigma), replace(one.training, beta_kl=0.5 + k, seed=k)
        configs[k] = replace(one, model=model, training=training)
    cases = [on_arrays(one, rng, strength=0.8 + 0.2 * k) for k, one in enumerate(configs)]
    metrics, together = on_tensors(configs, cases)
    for k, (config, case) in enumerate(zip(configs, cases, strict=True)):
        wanted, gradients = case[0].gradients(*case[1:])
        assert metrics["sse_half"][k] == pytest.approx(wanted["sse_half"], rel=1e-9)
        for network, array in gradients.items():
            assert distance(together[network][k], array) < 1e-10
        assert config.training.seed == k


def test_a_batch_of_broken_weights_stops_and_says_so(rng):
    """One diverged network among two leaves the other as it is."""
    configs = [config_of("tdh-vae")] * 2
    cases = [on_arrays(one, rng) for one in configs]
    cases[0][1]["tied"][:] = np.nan
    metrics, found = on_tensors(configs, cases)
    assert metrics["unconverged"].tolist() == [1, 0]
    _, gradients = cases[1][0].gradients(*cases[1][1:])
    assert distance(found["tied"][1], gradients["tied"]) < 1e-10


def test_contrasts_beyond_the_limit_are_shortened_as_in_the_numpy_engine(rng):
    config = config_of("tdh-vae")
    config = replace(config, nudging=replace(config.nudging, norm_limit=1.05))
    case = on_arrays(config, rng)
    wanted, gradients = case[0].gradients(*case[1:])
    metrics, found = on_tensors([config], [case])
    assert metrics["limited"][0] == wanted["limited"] > 0
    assert distance(found["tied"][0], gradients["tied"]) < 1e-10


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"settling": SettlingConfig(solver="euler")}, "euler"),
        ({"nudging": NudgingConfig(refine_above=2.0)}, "refine_above"),
        ({"model": ModelConfig(name="f-vae", hidden=3, latent=2)}, "f-vae"),
        ({"model": ModelConfig(name="tdh-vae", hidden=3, latent=2, sigma=0.3, sigma_rule="learned")}, "learned"),
    ],
)
def test_what_the_engine_does_not_have_is_refused(changes, named):
    with pytest.raises(NotOnTensors, match=named):
        Propagation([replace(config_of("tdh-vae"), **changes)], Place.of("cpu", "float64"), n_pixels=PIXELS)
