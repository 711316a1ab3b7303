"""Beyond the paper: dense models thinned out to layered ones, and latents that are read with a gain."""

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from hvae import config_file, costs, learners
from hvae.streams import stream

SMALL = [
    "data.image_size=7", "model.hidden=9", "model.latent=3", "training.eigenvalue_samples=0", "training.beta_kl=0.7",
    "training.precision=float64", "settling.tolerance=1e-9", "nudging.tolerance=1e-9", "settling.max_sweeps=2000",
    "nudging.max_sweeps=500", "nudging.norm_limit=1e9",
]  # fmt: skip


def learner(*changes, model="tdh-vae"):
    return learners.make(config_file.resolve(model, [], [*SMALL, *changes]))


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
    ],
)
def test_variants_that_mean_nothing_are_refused(model, change, message):
    with pytest.raises(InvalidValue, match=message):
        learner(change, model=model)


def test_variants_are_not_for_arrays():
    for change in ("model.latent_scale=2.0", "model.density=0.5"):
        with pytest.raises(InvalidValue, match="for float weights"):
            config_file.resolve("tdh-vae", [], [*SMALL, change, "array.device=ideal"])
    with pytest.raises(InvalidValue, match="clamps z unscaled"):
        config_file.resolve("tdh-vae", [], ["model.latent_scale=2.0"])
