"""A fitted prior is kept with its run, used while nothing that it follows from has changed, and never trusted."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from hvae.config import toml_file
from hvae.config.run import SamplingConfig
from hvae.learning import learners
from hvae.runs import images
from hvae.runs.loading import Trained
from hvae.scores import densities, evaluation
from hvae.streams import stream

SMALL = ["data.image_size=7", "data.train_limit=64", "model.hidden=8", "model.latent=2"]
MIXTURE = SamplingConfig(prior="mixture", components=3, fit_samples=60)


@pytest.fixture
def trained(tmp_path):
    config = toml_file.resolve("f-vae", [], SMALL)
    learner = learners.make(config)
    parameters = learner.init(stream(0, "init"), np.float32)
    return Trained(config=config, learner=learner, parameters=parameters, epochs=1.0, folder=tmp_path)


@pytest.fixture
def fits(monkeypatch):
    """How many mixtures were fitted."""
    made, fit = [], densities.fit
    monkeypatch.setattr(densities, "fit", lambda *them: made.append(1) or fit(*them))
    return made


def priors(trained):
    return sorted(trained.folder.glob("prior-*.h5"))


def test_a_prior_is_fitted_once(trained, fits):
    dataset = images.load(trained.config.data)
    first, second = (evaluation.density(trained, dataset, MIXTURE, 0) for _ in range(2))
    assert len(fits) == 1
    assert len(priors(trained)) == 1
    for name in ("weights", "means", "factors"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.covariance == second.covariance


def test_whatever_it_follows_from_makes_another(trained, fits):
    dataset = images.load(trained.config.data)
    evaluation.density(trained, dataset, MIXTURE, 0)
    evaluation.density(trained, dataset, MIXTURE, 1)
    evaluation.density(trained, dataset, replace(MIXTURE, components=2), 0)
    grown = {name: 2 * array for name, array in trained.parameters.items()}
    evaluation.density(replace(trained, parameters=grown), dataset, MIXTURE, 0)
    darker = replace(dataset, train_images=dataset.train_images * np.float32(0.5))
    evaluation.density(trained, darker, MIXTURE, 0)
    assert len(fits) == 5
    assert len(priors(trained)) == 5


def test_without_a_folder_or_a_mixture_nothing_is_kept(trained, fits):
    dataset = images.load(trained.config.data)
    evaluation.density(replace(trained, folder=None), dataset, MIXTURE, 0)
    evaluation.density(trained, dataset, replace(MIXTURE, prior="encodings"), 0)
    assert not priors(trained)


@pytest.mark.parametrize("damage", ["bytes", "shape", "number"])
def test_a_damaged_one_is_fitted_again(trained, fits, damage):
    dataset = images.load(trained.config.data)
    wanted = evaluation.density(trained, dataset, MIXTURE, 0)
    path = priors(trained)[0]
    if damage == "bytes":
        path.write_bytes(path.read_bytes()[:500])
    else:
        with h5py.File(path, "a") as file:
            if damage == "shape":
                del file["means"]
                file["means"] = np.zeros((3, 5))
            else:
                file["weights"][0] = np.nan
    np.testing.assert_array_equal(evaluation.density(trained, dataset, MIXTURE, 0).means, wanted.means)
    assert len(fits) == 2
