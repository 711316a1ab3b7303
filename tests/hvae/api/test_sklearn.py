"""scikit-learn's own checks of an estimator, and the tools that rely on its manners."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import hvae

MODELS = [hvae.FeedforwardVAE, hvae.LayeredHopfieldVAE, hvae.DenseHopfieldVAE, hvae.TiedHopfieldVAE]
SMALL = {"hidden": 4, "latent": 2, "epochs": 2, "batch_size": 16}
EXCEPTIONS: dict[str, str] = {}
"""Checks that an estimator of ours may fail, and why: none. They are made in float64: in float32 the last bit of a
matrix product depends on the order of a batch, which scikit-learn allows 1e-7 (`sample_order_invariance`)."""

pytestmark = pytest.mark.needs_jit


@pytest.fixture(scope="module")
def table():
    return np.random.default_rng(1).normal(size=(60, 3)) * [1, 10, 100]


@parametrize_with_checks(
    [model(precision="float64", **SMALL) for model in MODELS], expected_failed_checks=lambda _: EXCEPTIONS
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", MODELS)
def test_float32_depends_on_the_order_of_a_batch_by_rounding_alone(model, table):
    vae = model(**SMALL, random_state=0).fit(table)
    order = np.random.default_rng(2).permutation(len(table))
    assert vae.transform(table).dtype == np.float32
    np.testing.assert_allclose(vae.transform(table)[order], vae.transform(table[order]), atol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_a_copy_by_pickle_gives_the_same_bytes(model, table):
    """In memory, as joblib sends estimators to its workers; Hopbar itself loads no pickles."""
    vae = model(**SMALL, random_state=0).fit(table)
    copy = pickle.loads(pickle.dumps(vae))
    assert copy.transform(table).tobytes() == vae.transform(table).tobytes()
    assert copy.sample(3, random_state=0).tobytes() == vae.sample(3, random_state=0).tobytes()


def test_a_clone_is_not_fitted_and_fits_to_the_same_bytes(table):
    vae = hvae.TiedHopfieldVAE(**SMALL, random_state=3).fit(table)
    copy = clone(vae)
    assert not hasattr(copy, "parameters_")
    assert copy.get_params() == vae.get_params()
    assert copy.fit(table).parameters_["tied"].tobytes() == vae.parameters_["tied"].tobytes()


def test_tables_keep_their_names(table):
    frame = pd.DataFrame(table, columns=["length", "mass", "charge"])
    vae = hvae.TiedHopfieldVAE(**SMALL, scaling="feature", random_state=0).set_output(transform="pandas")
    found = vae.fit(frame).transform(frame)
    assert vae.feature_names_in_.tolist() == ["length", "mass", "charge"]
    assert found.columns.tolist() == vae.get_feature_names_out().tolist() == ["tiedhopfieldvae0", "tiedhopfieldvae1"]


@pytest.mark.slow
def test_a_search_in_two_processes_finds_what_one_finds(table):
    """Numpy's integers, as a grid of `np.arange` holds them, are taken as integers."""
    grid = {"feedforwardvae__latent": np.arange(1, 3)}
    found = []
    for jobs in (1, 2):
        pipeline = make_pipeline(StandardScaler(), hvae.FeedforwardVAE(**SMALL, optimizer="sgd", random_state=0))
        search = GridSearchCV(pipeline, grid, cv=2, n_jobs=jobs).fit(table)
        found.append(search.cv_results_["mean_test_score"].tolist())
    assert found[0] == found[1]
    assert np.isfinite(found[0]).all()
