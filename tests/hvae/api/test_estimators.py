"""The estimators: they learn, in the user's unit, by the steps of a run; the same seed, the same bytes."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import hvae
from crossbar.errors import DivergedError, InvalidValue, UnknownName
from hvae.learning import costs
from hvae.learning.unsettled import UnsettledError
from hvae.runs.records import RunFolder
from hvae.streams import stream

MODELS = {
    "f-vae": hvae.FeedforwardVAE, "h-vae": hvae.LayeredHopfieldVAE, "dh-vae": hvae.DenseHopfieldVAE,
    "tdh-vae": hvae.TiedHopfieldVAE,
}  # fmt: skip
SMALL = {"hidden": 8, "latent": 3, "epochs": 2, "batch_size": 32, "random_state": 0}

pytestmark = pytest.mark.needs_jit


@pytest.fixture(scope="module")
def digits():
    return hvae.load_images("mnist-5k", size=7, limit=1000)


@pytest.fixture(scope="module")
def fitted(digits):
    return hvae.TiedHopfieldVAE(**SMALL, learning_rate=0.01).fit(digits.train_images[:200])


@pytest.mark.parametrize(
    ("model", "share", "own"),
    [("f-vae", 0.7, {}), ("h-vae", 0.95, {}), ("dh-vae", 0.8, {}), ("tdh-vae", 0.7, {"sigma": 0.2})],
)
def test_reconstructions_of_unseen_digits_beat_the_mean_image(digits, model, share, own):
    """Squared error on the validation split, beside that of the trivial method: the training set's mean image."""
    vae = MODELS[model](
        hidden=24, latent=6, epochs=8, batch_size=25, beta_kl=0.02, learning_rate=0.05, random_state=0, **own
    ).fit(digits.train_images)
    unseen = digits.validation_images
    error = ((unseen - vae.inverse_transform(vae.transform(unseen))) ** 2).sum(axis=1).mean()
    trivial = ((unseen - digits.train_images.mean(axis=0)) ** 2).sum(axis=1).mean()
    assert error < share * trivial
    assert (vae.unsettled_ is None) if model == "f-vae" else (vae.unsettled_ < 0.02)
    assert vae.history_[-1]["sse_half"] < vae.history_[0]["sse_half"]


@pytest.mark.parametrize("model", MODELS)
def test_an_estimator_ends_with_the_bytes_of_a_run(tmp_path, digits, model):
    """The same seed, images and settings: one training, whether it is in memory or in a folder."""
    run = hvae.train(
        hvae.configure(
            model,
            data={"image_size": 7, "train_limit": 100},
            model={"hidden": 8, "latent": 3},
            training={"epochs": 2, "batch_size": 32, "seed": 5, "validation_samples": 0, "eigenvalue_samples": 0},
        ),
        tmp_path / "run",
    )
    ours = MODELS[model](**SMALL | {"random_state": 5}, scaling="none").fit(digits.train_images[:100])
    theirs = RunFolder.open(run.path).load()
    assert ours.n_steps_ == theirs.step
    assert ours.parameters_.keys() == theirs.parameters.keys()
    for name, weights in ours.parameters_.items():
        assert weights.tobytes() == theirs.parameters[name].tobytes()


def test_the_unit_of_the_data_does_not_matter(digits):
    """Grey values 0 to 8 instead of -1 to 1: the same weights to rounding, and what is drawn is grey."""
    images = digits.train_images[:100]
    grey = (images + 1) * 4
    plain, other = (hvae.TiedHopfieldVAE(**SMALL).fit(one.astype(np.float64)) for one in (images, grey))
    np.testing.assert_allclose(other.parameters_["tied"], plain.parameters_["tied"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(other.sample(20, 1), (plain.sample(20, 1) + 1) * 4, rtol=0, atol=1e-3)
    assert other.sample(20, 1).min() >= 0
    assert other.sample(20, 1).max() <= 8


def test_any_number_of_features(digits):
    columns = digits.train_images[:64, 10:23]
    vae = hvae.DenseHopfieldVAE(**SMALL).fit(columns)
    assert vae.inverse_transform(vae.transform(columns)).shape == (64, 13)
    assert vae.sample(2).shape == (2, 13)


def test_the_same_seed_the_same_bytes_and_another_seed_others(digits, fitted):
    images = digits.train_images[:200]
    again = hvae.TiedHopfieldVAE(**SMALL, learning_rate=0.01).fit(images)
    other = hvae.TiedHopfieldVAE(**SMALL | {"random_state": 1}, learning_rate=0.01).fit(images)
    assert again.parameters_["tied"].tobytes() == fitted.parameters_["tied"].tobytes()
    assert other.parameters_["tied"].tobytes() != fitted.parameters_["tied"].tobytes()
    assert fitted.sample(4, 7).tobytes() == fitted.sample(4, 7).tobytes()
    assert fitted.sample(4, 7).tobytes() != fitted.sample(4, 8).tobytes()
    assert fitted.sample(4).tobytes() != fitted.sample(4).tobytes()


def test_random_state_may_be_scikit_learns(digits):
    images = digits.train_images[:64]
    seeds = [hvae.FeedforwardVAE(**SMALL | {"random_state": state}).fit(images).seed_ for state in (
        np.random.RandomState(4), np.random.RandomState(4), None, None,
    )]  # fmt: skip
    assert seeds[0] == seeds[1]
    assert seeds[2] != seeds[3]


def test_the_score_is_the_evidence_lower_bound(digits):
    """By hand: z = mu + sigma epsilon with epsilon of the stream `validation`, -(SSE/2 + KL) in pixels."""
    images = digits.validation_images[:40]
    vae = hvae.FeedforwardVAE(**SMALL, scaling="none").fit(digits.train_images[:200])
    mean, log_variance = vae.learner_.encode(vae.parameters_, images)
    noise = stream(0, "validation").standard_normal(mean.shape)
    output = vae.inverse_transform(mean + np.exp(log_variance / 2) * noise)
    bound = -(costs.sse_half(output, images) + costs.kl_divergence(mean, log_variance)).mean()
    assert vae.score(images) == pytest.approx(bound, rel=1e-5)
    assert vae.score(images) == vae.score(images)


@pytest.mark.parametrize("prior", ["gaussian", "mixture"])
def test_z_may_be_drawn_from_what_the_data_encode_to(digits, prior):
    """Latents far from N(0, I) are met by a fitted density: its mean is that of the encoded data."""
    images = digits.train_images[:300]
    vae = hvae.TiedHopfieldVAE(**SMALL, prior=prior, components=2, beta_kl=0.01, learning_rate=0.02).fit(images)
    drawn = vae.prior_.sample(4000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean(axis=0), vae.transform(images).mean(axis=0), rtol=0, atol=0.1)
    assert np.isfinite(vae.sample(3, 0)).all()


def test_samples_that_do_not_settle_are_counted_and_told(digits):
    images = digits.train_images[:100]
    with pytest.warns(ConvergenceWarning, match=r"100 % of samples did not settle.*raise `max_sweeps`"):
        vae = hvae.TiedHopfieldVAE(**SMALL, max_sweeps=2, tolerance=1e-6, max_unsettled=1).fit(images)
    assert vae.unsettled_ == 1
    for use in (vae.transform, vae.score, lambda _: vae.sample(5, 0), lambda x: vae.inverse_transform(x[:, :3])):
        with pytest.warns(ConvergenceWarning, match="did not settle"):
            use(images)


def test_a_training_whose_samples_do_not_settle_is_refused_with_the_estimators_remedy(digits, fitted):
    images = digits.train_images[:100]
    with pytest.raises(UnsettledError, match=r"raise `max_sweeps`.*`learning_rate`.*`max_unsettled=1` allows it"):
        hvae.TiedHopfieldVAE(**SMALL, max_sweeps=2, tolerance=1e-6).fit(images)
    vae = hvae.TiedHopfieldVAE(**SMALL, max_sweeps=2, tolerance=1e-6, max_unsettled=1)
    with pytest.warns(ConvergenceWarning):
        vae.fit(images)
    with pytest.raises(UnsettledError):
        vae.set_params(max_unsettled=0.5).transform(images)


def test_samples_that_settle_are_no_warning(digits, fitted):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.score(digits.validation_images)
    assert fitted.unsettled_ == 0


def test_verbose_tells_each_epoch_on_stderr(digits, capfd):
    hvae.FeedforwardVAE(**SMALL, verbose=1).fit(digits.train_images[:64])
    told = capfd.readouterr()
    assert "FeedforwardVAE epoch 2 of 2: SSE/2" in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": 0}, "`hidden` must be at least 1"),
        ({"hidden": "many"}, "`hidden`: "),
        ({"latent": 2.5}, "`latent`: "),
        ({"learning_rate": -1.0}, "`learning_rate` must be positive"),
        ({"optimizer": "lion"}, "`optimizer`: "),
        ({"momentum": 0.5}, "`momentum` is of sgd and muon"),
        ({"sigma": None}, "`sigma` must be set"),
        ({"prior": "flat"}, "`prior`: "),
        ({"precision": "float16"}, "`precision`: "),
        ({"random_state": -1}, "`random_state` must not be negative"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_named(digits, changes, message):
    with pytest.raises(InvalidValue, match=message):
        hvae.TiedHopfieldVAE(**SMALL | changes).fit(digits.train_images[:64])


def test_what_cannot_be_taken_is_refused(digits, fitted):
    images = digits.train_images[:64]
    with pytest.raises(UnknownName, match="unknown scaling"):
        hvae.TiedHopfieldVAE(**SMALL, scaling="pixels").fit(images)
    with pytest.raises(NotFittedError):
        hvae.TiedHopfieldVAE().sample(1)
    with pytest.raises(ValueError, match="49 features"):
        fitted.transform(images[:, :40])
    with pytest.raises(InvalidValue, match=r"latents must be \(n, 3\)"):
        fitted.inverse_transform(images)
    with pytest.raises(InvalidValue, match="`n_samples` must be at least 1"):
        fitted.sample(0)
    with pytest.raises(ValueError, match="NaN"):
        fitted.transform(np.full_like(images, np.nan))


def test_a_training_that_diverges_says_so_with_the_remedy(digits):
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match="fit again with a lower `learning_rate`"):
        hvae.FeedforwardVAE(**SMALL, optimizer="sgd", learning_rate=1e30).fit(digits.train_images)
