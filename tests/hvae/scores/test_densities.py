"""Densities of z fitted to encoded images: moments, likelihood, known mixtures, and their way to `evaluate`."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import multivariate_normal

from crossbar.errors import InvalidValue
from hvae.config import toml_file
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


def test_the_density_is_scipy_s(rng):
    latents = rng.standard_normal((60, 3)) * [1, 2, 3]
    found = densities.fit(latents, 2, rng)
    parts = [
        weight * multivariate_normal(mean, factor @ factor.T).pdf(latents)
        for weight, mean, factor in zip(found.weights, found.means, found.factors, strict=True)
    ]
    np.testing.assert_allclose(found.log_density(latents), np.log(sum(parts)), rtol=1e-9)


def test_a_mixture_is_recovered(rng):
    centres, shares, latents = three_clusters(rng)
    found = densities.fit(latents, 3, rng)
    order = [int(np.argmin(np.linalg.norm(found.means - centre, axis=1))) for centre in centres]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(found.means[order], centres, atol=0.1)
    np.testing.assert_allclose(found.weights[order], shares, atol=0.03)
    for factor in found.factors:
        np.testing.assert_allclose(np.diag(factor @ factor.T), [1, 0.25, 0.04], rtol=0.15)


def test_more_components_make_multimodal_samples_likelier(rng):
    _, _, latents = three_clusters(rng)
    evidence = [densities.fit(latents, k, rng).log_density(latents).mean() for k in (1, 3)]
    assert evidence[1] > evidence[0] + 0.5


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
    for prior in ("standard", "gaussian", "mixture"):
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


def test_evaluate_takes_another_prior(tmp_path):
    from hvae.commands.train import evaluate
    from hvae.training import loop

    folder = RunFolder.create(tmp_path / "run", toml_file.resolve("f-vae", [], SMALL))
    loop.train(folder)
    found = {}
    for prior in ("standard", "mixture"):
        options = ["--split", "validation", "--n", "40", "--prior", prior, "--json"]
        done = CliRunner().invoke(evaluate, [str(folder.path), *options])
        assert done.exit_code == 0, done.output
        found[prior] = json.loads(done.stdout)
    assert {prior: one["prior"] for prior, one in found.items()} == {"standard": "standard", "mixture": "mixture"}
    assert found["standard"]["sse_half"] == found["mixture"]["sse_half"]
    assert found["standard"]["frechet_distance"] != found["mixture"]["frechet_distance"]
    assert loading.load(folder.path).config.sampling.prior == "standard"
