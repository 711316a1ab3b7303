"""Beyond the paper: dense models thinned out to layered ones, and latents that are read with a gain."""

import numpy as np
import pytest

from crossbar.chip import load_chip
from crossbar.errors import InvalidValue
from hvae.config import toml_file
from hvae.learning import costs, learners
from hvae.learning.stiffness import smallest_eigenvalues
from hvae.runs import loading
from hvae.runs.records import RunFolder
from hvae.streams import stream
from hvae.training.loop import train

SMALL = [
    "data.image_size=7", "model.hidden=9", "model.latent=3", "training.eigenvalue_samples=0", "training.beta_kl=0.7",
    "training.precision=float64", "settling.tolerance=1e-9", "nudging.tolerance=1e-9", "settling.max_sweeps=2000",
    "nudging.max_sweeps=500", "nudging.norm_limit=1e9",
]  # fmt: skip


def learner(*changes, model="tdh-vae"):
    return learners.make(toml_file.resolve(model, [], [*SMALL, *changes]))


@pytest.mark.parametrize("model", ["dh-vae", "tdh-vae"])
def test_density_runs_from_layered_to_dense(model):
    counts = []
    for density in (0.0, 0.4):
        one = learner(f"model.density={density}", model=model)
        for name, network in one.vae.networks.items():
            links = one.links[name]
            assert (links == links.T).all()
            assert not links.diagonal().any()
            counts.append(links.sum() / network.mask().sum())
            layered = links[network.block("pixels"), network.block("hidden")]
            assert layered.all()
            if density == 0:
                assert not links[network.block("pixels"), network.block("pixels")].any()
                assert not links[network.block("pixels"), network.block("latent")].any()
            else:
                assert links[network.block("pixels"), network.block("pixels")].mean() == pytest.approx(0.4, abs=0.08)
    assert min(counts[len(counts) // 2 :]) > max(counts[: len(counts) // 2])
    assert learner("model.density=1.0", model=model).links is None


def test_a_missing_link_stays_missing(rng):
    one = learner("model.density=0.3")
    parameters = one.init(stream(0, "init"), np.float64)
    _, gradients = one.gradients(parameters, rng.uniform(-1, 1, (4, 49)), rng.standard_normal((4, 3)))
    for arrays in (parameters, gradients):
        assert not arrays["tied"][~one.links["tied"]].any()
        assert arrays["tied"][one.links["tied"]].all()
    again = learner("model.density=0.3")
    np.testing.assert_array_equal(again.links["tied"], one.links["tied"])
    other = learner("model.density=0.3", "training.seed=1")
    assert (other.links["tied"] != one.links["tied"]).any()


@pytest.mark.needs_jit
def test_the_gradient_with_scaled_latents_is_that_of_the_loss_in_units_of_z(rng):
    """Against finite differences of SSE/2 + beta_KL KL, with encode, decode and the noise in units of z."""
    one = learner("model.latent_scale=2.5")
    parameters = one.init(stream(0, "init"), np.float64)
    images, noise = rng.uniform(-1, 1, (3, 49)), rng.standard_normal((3, 3))

    def loss(weights):
        mean, log_variance = one.encode({"tied": weights}, images)
        np.testing.assert_allclose(log_variance, 2 * np.log(0.429))
        output = one.decode({"tied": weights}, mean + noise * np.exp(log_variance / 2))
        return costs.sse_half(output, images).mean(), costs.kl_divergence(mean, log_variance).mean()

    metrics, gradients = one.gradients(parameters, images, noise)
    assert (metrics["sse_half"], metrics["kl"]) == pytest.approx(loss(parameters["tied"]), rel=1e-6)
    step = 1e-5
    for i, j in ((0, 3), (10, 52), (51, 59), (58, 60)):
        change = np.zeros_like(parameters["tied"])
        change[i, j] = change[j, i] = step
        plus, minus = (np.dot([1, 0.7], loss(parameters["tied"] + sign * change)) for sign in (1, -1))
        assert gradients["tied"][i, j] == pytest.approx((plus - minus) / (2 * step), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(
    ("model", "change", "message"),
    [
        ("h-vae", "model.density=0.5", "is layered"),
        ("dh-vae", "model.density=1.5", "must be in"),
        ("dh-vae", "model.latent_scale=2.0", "belongs to tdh-vae alone"),
        ("tdh-vae", "model.latent_scale=0", "must be positive"),
        ("dh-vae", 'model.sigma_rule="learned"', "is for tdh-vae"),
    ],
)
def test_variants_that_mean_nothing_are_refused(model, change, message):
    with pytest.raises(InvalidValue, match=message):
        learner(change, model=model)


@pytest.mark.needs_jit
def test_the_stiffness_with_scaled_latents_is_that_of_the_same_network_without(rng):
    images = rng.uniform(-1, 1, (2, 49))
    plain, scaled = learner("model.sigma=0.2"), learner("model.sigma=0.4", "model.latent_scale=2.0")
    parameters = plain.init(stream(0, "init"), np.float64)
    np.testing.assert_allclose(*(smallest_eigenvalues(one, parameters, images) for one in (plain, scaled)))


def test_variants_are_not_for_arrays():
    for change in ("model.latent_scale=2.0", "model.density=0.5", 'model.sigma_rule="learned"'):
        with pytest.raises(InvalidValue, match="for float weights"):
            toml_file.resolve("tdh-vae", [], [*SMALL, change, "array.device=ideal"])


@pytest.mark.needs_jit
def test_the_gradient_by_a_learned_sigma_is_that_of_the_loss(rng):
    """Against finite differences of SSE/2 + beta_KL KL, by theta and by a weight."""
    one = learner('model.sigma_rule="learned"')
    parameters = one.init(stream(0, "init"), np.float64)
    parameters["log_sigma"][:] = (0.5, -1.0, 2.0)
    images, noise = rng.uniform(-1, 1, (3, 49)), rng.standard_normal((3, 3))

    def loss(weights, spread):
        at = {"tied": weights, "log_sigma": spread}
        mean, log_variance = one.encode(at, images)
        output = one.decode(at, mean + noise * np.exp(log_variance / 2))
        return costs.sse_half(output, images).mean() + 0.7 * costs.kl_divergence(mean, log_variance).mean()

    metrics, gradients = one.gradients(parameters, images, noise)
    assert metrics["mean_sigma"] == pytest.approx(0.429 * np.exp(0.3 * parameters["log_sigma"]).mean())
    for k in range(3):
        change = np.eye(3)[k] * 1e-5
        plus, minus = (loss(parameters["tied"], parameters["log_sigma"] + sign * change) for sign in (1, -1))
        assert gradients["log_sigma"][k] == pytest.approx((plus - minus) / 2e-5, rel=1e-4, abs=1e-6)
    change = np.zeros_like(parameters["tied"])
    change[10, 52] = change[52, 10] = 1e-5
    plus, minus = (loss(parameters["tied"] + sign * change, parameters["log_sigma"]) for sign in (1, -1))
    assert gradients["tied"][10, 52] == pytest.approx((plus - minus) / 2e-5, rel=1e-3, abs=1e-5)


def test_a_learned_sigma_goes_into_the_chip_and_back(tmp_path):
    """Through a run of one step, its chip file, and the loader: the same sigma for each latent."""
    small = ["data.image_size=7", "model.hidden=9", "model.latent=3", 'model.sigma_rule="learned"', "training.epochs=1"]
    limits = ["data.train_limit=64", "training.batch_size=32", "training.validation_samples=0",
              "training.eigenvalue_samples=1"]  # fmt: skip
    folder = RunFolder.create(tmp_path / "run", toml_file.resolve("tdh-vae", [], [*small, *limits]))
    train(folder)
    trained, chip = loading.load(folder.path), loading.load(folder.path / "chip.h5")
    learned = trained.parameters["log_sigma"]
    assert (learned != 0).all()
    np.testing.assert_allclose(chip.parameters["log_sigma"], learned, atol=1e-6)
    np.testing.assert_array_equal(chip.parameters["tied"], trained.parameters["tied"])
    assert load_chip(folder.path).sigma == pytest.approx(0.429 * np.exp(0.3 * learned), rel=1e-6)
