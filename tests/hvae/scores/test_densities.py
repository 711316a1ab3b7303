"""Densities of z fitted to encoded images: moments, likelihood, known mixtures, and their way to `evaluate`."""

import json
from typing import get_args

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import multivariate_normal

from crossbar.errors import InvalidValue
from hvae.config import toml_file
from hvae.config.run import Prior
from hvae.learning import learners
from hvae.runs import images, loading
from hvae.runs.records import RunFolder
from hvae.scores import densities, sampling
from hvae.scores.densities import Mixture, StandardNormal
from hvae.streams import stream

SMALL = [
    "data.image_size=7", "data.train_limit=64", "training.batch_size=32", "training.epochs=1", "model.hidden=8",
    "model.latent=2", "training.validation_samples=0", "training.eigenvalue_samples=0", "sampling.fit_samples=60",
]  # fmt: skip


def three_clusters(rng):
    centres = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 1.0], [0.0, -7.0, 2.0]])
    shares = np.array([0.5, 0.3, 0.2])
    labels = rng.choice(3, size=4000, p=shares)
    return centres, shares, centres[labels] + rng.standard_normal((4000, 3)) @ np.diag([1.0, 0.5, 0.2])


def test_the_standard_normal_gives_what_the_paper_samples():
    drawn = StandardNormal(latent=3).sample(5, np.random.default_rng(1))
    np.testing.assert_array_equal(drawn, np.random.default_rng(1).standard_normal((5, 3)))


def test_one_gaussian_has_the_moments_of_the_samples(rng):
    latents = rng.standard_normal((500, 4)) @ rng.standard_normal((4, 4)) + 2
    found = densities.fit(latents, 1, rng)
    np.testing.assert_allclose(found.means[0], latents.mean(axis=0), rtol=1e-9)
    covariance = found.factors[0] @ found.factors[0].T
    np.testing.assert_allclose(covariance, np.cov(latents, rowvar=False, bias=True), rtol=1e-4)


def test_a_mixture_is_recovered(rng):
    centres, shares, latents = three_clusters(rng)
    found = densities.fit(latents, 3, rng)
    order = [int(np.argmin(np.linalg.norm(found.means - centre, axis=1))) for centre in centres]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(found.means[order], centres, atol=0.1)
    np.testing.assert_allclose(found.weights[order], shares, atol=0.03)
    for factor in found.factors:
        np.testing.assert_allclose(np.diag(factor @ factor.T), [1, 0.25, 0.04], rtol=0.15)


def log_density(mixture, latents):
    parts = [
        weight * multivariate_normal(mean, factor @ factor.T).pdf(latents)
        for weight, mean, factor in zip(mixture.weights, mixture.means, mixture.factors, strict=True)
    ]
    return np.log(sum(parts))


def test_more_components_make_multimodal_samples_likelier(rng):
    _, _, latents = three_clusters(rng)
    evidence = [log_density(densities.fit(latents, k, rng), latents).mean() for k in (1, 3)]
    assert evidence[1] > evidence[0] + 0.5


def test_a_fit_follows_from_its_generator_alone(rng):
    _, _, latents = three_clusters(rng)
    first, same, other = (densities.fit(latents, 3, np.random.default_rng(seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.means, same.means)
    assert (first.means != other.means).any()


def test_held_out_likelihood_finds_as_many_gaussians_as_there_are(rng):
    _, _, latents = three_clusters(rng)
    assert densities.n_components(densities.fit_held_out(latents, rng, (1, 2, 3, 40, 200))) == 3
    one = rng.standard_normal((400, 3))
    assert densities.n_components(densities.fit_held_out(one, rng, (1, 5, 20, 50))) == 1


def test_numbers_that_the_samples_do_not_suffice_for_are_not_tried(rng, monkeypatch):
    tried, fitted = [], densities._fitted
    monkeypatch.setattr(densities, "_fitted", lambda z, k, *more: tried.append((len(z), k)) or fitted(z, k, *more))
    found = densities.fit_held_out(rng.standard_normal((22, 2)), rng)
    assert tried == [(20, 1), (20, 2), (20, 5), (20, 10), (22, densities.n_components(found))]
    with pytest.raises(InvalidValue, match="at least 4 encoded images"):
        densities.fit_held_out(np.zeros((3, 2)), rng)
    with pytest.raises(InvalidValue, match="did the model diverge"):
        densities.fit_held_out(np.full((40, 2), np.inf), rng)


@pytest.mark.parametrize(
    ("covariance", "devices"), [("full", 3 * 3 + 3 * 6), ("tied", 3 * 3 + 6), ("diag", 3 * 3 + 3 * 3)]
)
def test_covariances_are_what_they_are_called_and_cost_devices(rng, covariance, devices):
    _, _, latents = three_clusters(rng)
    mixture = densities.fit(latents, 3, rng, covariance)
    assert mixture.devices == devices
    first, second, _ = mixture.factors
    if covariance == "tied":
        np.testing.assert_array_equal(first, second)
    elif covariance == "diag":
        assert first[1, 0] == 0
    drawn = mixture.sample(40000, rng)
    np.testing.assert_allclose(drawn.mean(axis=0), latents.mean(axis=0), atol=0.15)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(latents.T), rtol=0.1, atol=0.2)


def test_a_perfect_prior_draws_q_of_an_image_chosen_by_chance(rng):
    """Two images: z has half its samples around each mu, with that image's variance; without noise it is mu."""
    means = np.array([[-10.0, 0.0], [10.0, 1.0]])
    noisy = densities.Encodings(means=means, log_variances=np.log([[0.25, 0.01], [1.0, 4.0]])).sample(20000, rng)
    first = noisy[:, 0] < 0
    assert first.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(noisy[first].mean(axis=0), means[0], atol=0.02)
    np.testing.assert_allclose(noisy[first].var(axis=0), [0.25, 0.01], rtol=0.06)
    plain = densities.Encodings(means=means, log_variances=np.full((2, 2), -np.inf)).sample(50, rng)
    assert {tuple(z) for z in plain} == {tuple(mean) for mean in means}


def test_samples_have_the_density_s_moments_and_repeat(rng):
    _, _, latents = three_clusters(rng)
    found = densities.fit(latents, 3, rng)
    drawn = found.sample(20000, np.random.default_rng(4))
    np.testing.assert_allclose(drawn.mean(axis=0), latents.mean(axis=0), atol=0.15)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), np.cov(latents, rowvar=False), atol=0.5)
    np.testing.assert_array_equal(drawn, found.sample(20000, np.random.default_rng(4)))


def test_degenerate_samples_still_have_a_density(rng):
    latents = np.repeat(rng.standard_normal((4, 3)), 5, axis=0)
    latents[:, 2] = 1.0  # a latent that encodes nothing and has no noise
    found = densities.fit(latents, 2, rng)
    assert np.isfinite(found.sample(10, rng)).all()


def test_too_few_or_infinite_samples_are_refused(rng):
    with pytest.raises(InvalidValue, match="at least 20 encoded images"):
        densities.fit(np.zeros((19, 2)), 10, rng)
    with pytest.raises(InvalidValue, match="did the model diverge"):
        densities.fit(np.full((40, 2), np.nan), 1, rng)


def test_each_prior_of_the_config_is_made(rng):
    kinds = {}
    for prior in get_args(Prior):
        config = toml_file.resolve("f-vae", [], [*SMALL, f"sampling.prior={prior}", "sampling.components=3"])
        learner = learners.make(config)
        parameters = learner.init(stream(0, "init"), np.float32)
        encoded = images.load(config.data).train_images
        density = densities.of_model(config.sampling, learner, parameters, encoded, rng)
        kinds[prior] = density
        generated = sampling.generate(learner, parameters, 6, rng, density)
        assert (generated.shape, generated.dtype) == ((6, 49), np.float32)
    assert isinstance(kinds["standard"], StandardNormal)
    assert isinstance(kinds["gaussian"], Mixture)
    assert (len(kinds["gaussian"].weights), len(kinds["mixture"].weights)) == (1, 3)
    assert densities.n_components(kinds["mixture-heldout"]) in densities.COMPONENTS
    assert kinds["encodings"].means.shape == (60, 2)
    assert densities.n_components(kinds["encodings"]) is densities.n_components(kinds["standard"]) is None


def test_the_commands_offer_every_prior():
    from hvae.commands.train import PRIORS

    assert get_args(Prior) == PRIORS


def test_evaluate_takes_another_prior(tmp_path):
    from hvae.commands.train import evaluate
    from hvae.training import loop

    folder = RunFolder.create(tmp_path / "run", toml_file.resolve("f-vae", [], SMALL))
    loop.train(folder)
    found = {}
    for prior in ("standard", "mixture", "mixture-heldout"):
        options = ["--split", "validation", "--n", "40", "--prior", prior, "--json"]
        done = CliRunner().invoke(evaluate, [str(folder.path), *options])
        assert done.exit_code == 0, done.output
        found[prior] = json.loads(done.stdout)
    assert [one["prior"] for one in found.values()] == list(found)
    assert (found["standard"]["fitted_components"], found["mixture"]["fitted_components"]) == (None, 10)
    assert found["mixture-heldout"]["fitted_components"] in (1, 2, 5, 10, 20)
    assert found["standard"]["sse_half"] == found["mixture"]["sse_half"]
    assert found["standard"]["frechet_distance"] != found["mixture"]["frechet_distance"]
    assert loading.load(folder.path).config.sampling.prior == "standard"
