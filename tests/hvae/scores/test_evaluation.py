"""Evaluations: what has diverged has no scores, each kind has a file of its own, and a floor needs images."""

import json
from dataclasses import replace

import numpy as np
import pytest

from crossbar.errors import CorruptFile, DivergedError
from hvae.config import toml_file
from hvae.config.run import SamplingConfig
from hvae.learning import learners
from hvae.models import latents
from hvae.reports import tables
from hvae.runs import images
from hvae.runs.loading import Trained
from hvae.scores import densities, evaluation, features, sampling
from hvae.scores.densities import StandardNormal
from hvae.streams import stream

SMALL = ["data.image_size=7", "data.train_limit=64", "model.hidden=8", "model.latent=2"]


@pytest.fixture(scope="module")
def trained():
    config = toml_file.resolve("f-vae", [], [*SMALL, "sampling.components=3"])
    learner = learners.make(config)
    parameters = learner.init(stream(0, "init"), np.float32)
    return Trained(config=config, learner=learner, parameters=parameters, epochs=1.0)


@pytest.fixture(scope="module")
def dataset(trained):
    return images.load(trained.config.data)


def scaled(trained, factor):
    grown = {name: one * np.float32(factor) for name, one in trained.parameters.items()}
    return replace(trained, parameters=grown)


def test_z_is_mean_and_noise_and_finite(rng):
    mean, log_variance, noise = rng.standard_normal((3, 4, 2))
    np.testing.assert_array_equal(latents.drawn(mean, log_variance, noise), mean + noise * np.exp(log_variance / 2))
    with pytest.raises(DivergedError, match="not finite"):
        latents.drawn(mean * np.nan, log_variance, noise)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("factor", [np.nan, np.inf, 1e30])
def test_a_diverged_model_has_no_scores(trained, dataset, factor):
    broken = scaled(trained, factor)
    with pytest.raises(DivergedError):
        evaluation.evaluate_trained(broken, dataset, count=20)
    with pytest.raises(DivergedError):
        evaluation.validation_scores(broken.learner, broken.parameters, dataset, 20, 0)
    with pytest.raises(DivergedError):
        evaluation.density(broken, dataset, SamplingConfig(prior="gaussian"), 0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_finite_images_may_have_an_infinite_loss(trained, dataset, monkeypatch):
    monkeypatch.setattr(evaluation.costs, "sse_half", lambda output, real: np.full(len(real), np.inf))
    with pytest.raises(DivergedError, match="`sse_half` is inf"):
        evaluation.evaluate_trained(trained, dataset, count=20)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_pixels_that_are_not_finite_are_not_clipped_away(trained):
    broken = scaled(trained, np.inf)
    with pytest.raises(DivergedError, match="pixels that are not finite"):
        sampling.generate(broken.learner, broken.parameters, 4, stream(0, "sampling"))


def test_a_floor_needs_as_many_training_images(trained, dataset):
    small, whole = (evaluation.evaluate_trained(trained, dataset, count=count) for count in (60, None))
    assert small["floor"] > 0
    assert (whole["n_fake"], whole["floor"]) == (500, None)  # 64 training images


def test_no_floor_is_a_blank_of_the_table(trained, dataset, capsys):
    tables.show_evaluation(evaluation.evaluate_trained(trained, dataset))
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "floor" in line)
    assert "-" in line


def test_each_kind_of_evaluation_has_a_file_of_its_own(trained, tmp_path):
    usual = {"split": "test", "features": "net", "n_real": 500, "n_fake": 500, "seed": 0}
    plain = usual | evaluation.described(trained.config.sampling)
    mixture = usual | evaluation.described(evaluation.settings_of(trained, "mixture"))
    expected = {
        "evaluation.json": plain,
        "evaluation_n50.json": plain | {"n_fake": 50},
        "evaluation_seed3.json": plain | {"seed": 3},
        "evaluation_validation_n50_seed3.json": plain | {"split": "validation", "n_fake": 50, "seed": 3},
        "evaluation_inception.json": plain | {"features": "inception 1234"},
        "evaluation_mixture.json": mixture,  # with the components of the run's own config
        "evaluation_mixture_components20.json": mixture | {"components": 20},
        "evaluation_mixture_fit_samples50.json": mixture | {"fit_samples": 50},
    }
    for name, found in expected.items():
        assert evaluation.keep(tmp_path, trained, found) == tmp_path / name
        assert evaluation.read(tmp_path / name) == found
    assert {path.name for path in tmp_path.iterdir()} == set(expected)
    (tmp_path / "chip.h5").touch()
    beside = evaluation.keep(tmp_path / "chip.h5", trained, plain | {"n_fake": 50})
    assert beside.name == "chip.evaluation_n50.json"


def test_a_write_that_fails_leaves_the_old_evaluation(trained, tmp_path):
    found = {"split": "test", "features": "net", "n_real": 5, "n_fake": 5, "seed": 0}
    found |= evaluation.described(trained.config.sampling)
    path = evaluation.keep(tmp_path, trained, found)
    with pytest.raises(TypeError):
        evaluation.keep(tmp_path, trained, found | {"broken": object()})
    assert json.loads(path.read_text()) == found


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_damaged_evaluation_is_named(tmp_path, text):
    (tmp_path / "evaluation.json").write_text(text)
    with pytest.raises(CorruptFile, match=r"evaluation\.json is no"):
        evaluation.read(tmp_path / "evaluation.json")


@pytest.fixture
def by_split(dataset):
    """The data set with splits that a score can tell apart: all pixels -0.5, 0 and 0.5."""
    return replace(
        dataset,
        train_images=np.full_like(dataset.train_images, -0.5),
        validation_images=np.full_like(dataset.validation_images, 0.0),
        test_images=np.full_like(dataset.test_images, 0.5),
    )


@pytest.mark.parametrize(("split", "level"), [("validation", 0.0), ("test", 0.5)])
def test_scores_are_those_of_the_split_that_is_named(trained, by_split, monkeypatch, split, level):
    """What a sweep selects on must not see the test split."""
    seen = []
    compare = evaluation.distances.compare
    monkeypatch.setattr(evaluation.distances, "compare", lambda *them: seen.append(them[2]) or compare(*them))
    found = evaluation.evaluate_trained(trained, by_split, split=split, count=20)
    assert found["n_real"] == len(by_split.split(split)[0])
    assert np.unique(seen[0]) == [level]
    output, _, _ = sampling.reconstruct(
        trained.learner, trained.parameters, by_split.split(split)[0],
        stream(0, "latent", 2**31 + ("train", "validation", "test").index(split)),
    )  # fmt: skip
    assert found["sse_half"] == pytest.approx(0.5 * ((output - level) ** 2).sum(axis=1).mean(), rel=1e-5)


def test_the_scores_of_an_epoch_are_those_of_validation_images(trained, by_split, monkeypatch):
    seen, extract = [], features.Shown.extract
    monkeypatch.setattr(features.Shown, "extract", lambda self, some: seen.append(some) or extract(self, some))
    found = evaluation.validation_scores(trained.learner, trained.parameters, by_split, 20, 0)
    assert len(seen) == 2
    np.testing.assert_array_equal(seen[1], np.zeros((20, 49)))
    output, _, _ = sampling.reconstruct(
        trained.learner, trained.parameters, by_split.validation_images[:20], stream(0, "validation")
    )
    assert found["validation_sse_half"] == pytest.approx(0.5 * (output**2).sum(axis=1).mean(), rel=1e-5)


def test_the_images_of_an_epoch_come_from_the_runs_prior(trained, by_split, monkeypatch):
    """The density that decodes them is fitted to encodings of training images, unlike N(0, I)."""
    seen = []
    generate = sampling.generate
    monkeypatch.setattr(sampling, "generate", lambda *them: seen.append(them[-1]) or generate(*them))
    mixture = SamplingConfig(prior="mixture-heldout", components=200, fit_samples=55000)
    for settings in (None, mixture):
        evaluation.validation_scores(trained.learner, trained.parameters, by_split, 20, 0, settings)
    assert seen[0] == StandardNormal(latent=trained.learner.latent)
    encodings = densities.encode(trained.learner, trained.parameters, by_split.train_images)
    middle = seen[1].weights @ seen[1].means
    assert len(seen[1].weights) == 10
    assert np.abs(middle - encodings.means.mean(0)).max() < 4 * np.exp(0.5 * encodings.log_variances).max()
    assert np.abs(middle).max() > 0


def test_reconstructions_decode_samples_of_q_and_not_its_mean(trained):
    """Over many draws the z that is decoded has the mean mu and the variance exp(log sigma^2)."""
    seen = []

    class Spy:
        def encode(self, parameters, images):
            return np.full((len(images), 2), [1.0, -2.0]), np.full((len(images), 2), np.log([0.25, 4.0]))

        def decode(self, parameters, z):
            seen.append(z)
            return np.zeros((len(z), 49))

    sampling.reconstruct(Spy(), trained.parameters, np.zeros((4000, 49)), stream(0, "latent"))
    drawn = np.concatenate(seen)
    assert drawn.mean(axis=0) == pytest.approx([1.0, -2.0], abs=0.15)
    assert drawn.var(axis=0) == pytest.approx([0.25, 4.0], rel=0.1)
