"""The yardstick: a model that is PCA scores as PCA, parts that a wrong code or prior spoils, sentences."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from hvae.baselines import pca
from hvae.commands.train import evaluate
from hvae.config import toml_file
from hvae.config.run import SamplingConfig
from hvae.learning import learners
from hvae.learning.unsettled import UnsettledError
from hvae.reports import tables
from hvae.runs import images
from hvae.runs.loading import Trained
from hvae.runs.records import RunFolder
from hvae.scores import evaluation, yardstick
from hvae.streams import stream
from hvae.training import loop

SMALL = [
    "data.image_size=7", "data.train_limit=300", "model.hidden=8", "model.latent=3", "training.epochs=1",
    "training.validation_samples=0", "training.eigenvalue_samples=0", "sampling.fit_samples=200",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained():
    config = toml_file.resolve("f-vae", [], SMALL)
    learner = learners.make(config)
    return Trained(config=config, learner=learner, parameters=learner.init(stream(0, "init"), np.float32), epochs=1.0)


@pytest.fixture(scope="module")
def dataset(trained):
    return images.load(trained.config.data)


class Linear:
    """PCA as a learner; scores of its code are multiplied by `gain`, and images shifted by `shift`."""

    def __init__(self, code, gain=1.0, shift=0.0):
        self.code, self.gain, self.shift, self.latent = code, gain, shift, code.latent

    def encode(self, parameters, some):
        mean, _ = self.code.encode(parameters, some)
        return mean * self.gain, np.full_like(mean, -30.0)  # next to no noise: a KL that is finite

    def decode(self, parameters, latents):
        return self.code.decode(parameters, latents / self.gain) + self.shift

    def counted(self, tally):
        return self


def as_model(trained, dataset, **how):
    code = pca.fit(dataset.train_images, 3)
    return replace(trained, learner=Linear(code, **how), parameters=code.parameters)


@pytest.mark.parametrize("prior", ["standard", "gaussian", "mixture", "encodings"])
def test_a_model_that_is_pca_has_the_scores_of_pca(trained, dataset, prior):
    settings = SamplingConfig(prior=prior, components=3, fit_samples=200)
    model = as_model(trained, dataset)
    found = yardstick.measure(model, dataset, settings, split="validation", count=200)
    assert found["pca_latents"] == 3
    assert found["sse_half_mean"] == pytest.approx(found["pca_sse_half"], rel=1e-9)
    assert found["reconstruction_distance"] == pytest.approx(found["pca_reconstruction_distance"], rel=1e-6)
    if prior == "encodings":
        assert found["perfect_prior_distance"] == pytest.approx(found["pca_distance"], rel=1e-4)
    assert yardstick.verdicts(found) == []
    assert list(found) == list(yardstick.KEYS)


def test_sse_half_of_pca_is_that_of_an_eigenvalue_problem_on_the_training_images(trained, dataset):
    found = yardstick.measure(trained, dataset, trained.config.sampling, count=60)
    train, test = (some.astype(np.float64) for some in (dataset.train_images, dataset.test_images))
    centred = train - train.mean(axis=0)
    kept = np.linalg.eigh(centred.T @ centred)[1][:, -3:]
    rest = (test - train.mean(axis=0)) @ (np.eye(49) - kept @ kept.T)
    assert found["pca_sse_half"] == pytest.approx(0.5 * (rest**2).sum(axis=1).mean(), rel=1e-9)


def test_a_wrong_scale_of_the_code_is_the_prior_s_fault_and_a_shift_of_images_the_decoder_s(trained, dataset):
    standard = SamplingConfig(fit_samples=200)
    scored = {}
    for name, how in {"pca": {}, "wide": {"gain": 20.0}, "shifted": {"shift": 1.5}}.items():
        model = as_model(trained, dataset, **how)
        own = evaluation.evaluate(model.learner, model.parameters, dataset, "validation", 0, 200)
        scored[name] = own | yardstick.measure(model, dataset, standard, split="validation", count=200)
    fine, wide, shifted = scored.values()
    for key in ("sse_half_mean", "reconstruction_distance", "perfect_prior_distance"):
        assert wide[key] == pytest.approx(fine[key], rel=1e-3)
        assert shifted[key] > 1.2 * fine[key]
    assert wide["frechet_distance"] > 1.5 * fine["frechet_distance"]
    assert yardstick.verdicts(wide)[0].startswith("generates worse than PCA")
    assert yardstick.verdicts(shifted)[0].startswith("reconstructs worse than PCA with as many latents: ")


def test_a_verdict_says_both_figures_and_nothing_is_said_where_nothing_is_known():
    found = {
        "sse_half_mean": 55.0, "pca_sse_half": 44.1, "reconstruction_distance": 290.4,
        "pca_reconstruction_distance": 423.0, "frechet_distance": 519.2, "pca_distance": 480.0,
    }  # fmt: skip
    assert yardstick.verdicts(found) == [
        "reconstructs worse than PCA with as many latents: 55.0 against 44.1 (SSE/2)",
        "generates worse than PCA with as many latents and the same prior: 519 against 480 (Frechet distance)",
    ]
    assert yardstick.verdicts({"sse_half_mean": 55.0, "pca_sse_half": None, "frechet_distance": 3.0}) == []


def test_the_work_is_told_and_what_does_not_settle_is_refused(dataset):
    config = toml_file.resolve("tdh-vae", [], [*SMALL, "settling.max_sweeps=2"])
    learner = learners.make(config)
    parameters = {name: 30 * one for name, one in learner.init(stream(0, "init"), np.float32).items()}
    told = []
    model = Trained(config=config, learner=learner, parameters=parameters, epochs=1.0)
    with pytest.raises(UnsettledError, match="did not settle"):
        yardstick.measure(model, dataset, config.sampling, count=20, tell=told.append)
    assert [one.split(":")[0] for one in told] == ["yardstick 1 of 4", "yardstick 2 of 4"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = RunFolder.create(tmp_path_factory.mktemp("yardstick") / "run", toml_file.resolve("f-vae", [], SMALL))
    loop.train(folder)
    return folder.path


def test_evaluate_shows_it_keeps_it_and_tells_how_it_goes_on(run, capsys):
    done = CliRunner().invoke(evaluate, [str(run), "--n", "60", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found.keys() >= yardstick.KEYS.keys()
    assert json.loads((run / "evaluation_n60.json").read_text()) == found
    assert "yardstick 4 of 4" in done.stderr
    tables.show_evaluation(found)
    printed = capsys.readouterr().out
    assert "SSE/2 of PCA" in printed
    assert f"f-vae: {yardstick.verdicts(found)[0]}." in printed  # one epoch beats nothing


def test_evaluate_does_without_it(run):
    done = CliRunner().invoke(evaluate, [str(run), "--n", "60", "--no-keep", "--yardstick", "none"])
    assert done.exit_code == 0, done.output
    assert "yardstick" not in done.stderr
    assert "PCA" not in done.stdout
