"""The feature net: the same numbers as torch gave, and classes that are right."""

import shutil

import h5py
import numpy as np
import pytest

from crossbar import shipped
from crossbar.errors import CorruptFile, InvalidValue
from hvae.data import sets
from hvae.scores import features

DATA = shipped.folder()
NET_FILE = DATA.joinpath("mnist_features.h5")


@pytest.fixture(scope="module")
def net():
    return features.net_of("mnist-5k")


@pytest.fixture(scope="module")
def digits():
    return sets.load("mnist-5k")


def test_features_and_logits_are_torch_s(net, digits):
    with h5py.File(NET_FILE) as file:
        golden_features, golden_logits = file["golden/features"][()], file["golden/logits"][()]
    images = digits.test_images[: len(golden_features)]
    np.testing.assert_allclose(net.extract(images), golden_features, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(net.classify(images), golden_logits, rtol=1e-4, atol=1e-4)


def test_fashion_mnist_has_a_net_of_its_own_and_other_sets_share_the_one_of_digits(net):
    fashion = features.net_of("fashion-mnist")
    with h5py.File(DATA.joinpath("fashion_mnist_features.h5")) as file:
        golden = {name: values[()] for name, values in file["golden"].items()}
    images = sets.scale(golden["images"].reshape(-1, 28, 28))
    np.testing.assert_allclose(fashion.extract(images), golden["features"], rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(fashion.classify(images), golden["logits"], rtol=1e-4, atol=1e-4)
    assert fashion.name.startswith("fashion-mnist-cnn128-")
    assert features.net_of("mnist").name == net.name


def test_the_net_says_its_name_and_its_accuracy(net):
    assert net.name.startswith("mnist-cnn128-")
    assert len(net.name) == len("mnist-cnn128-") + 8
    assert net.test_accuracy >= 0.99


def test_digits_it_never_saw_are_classified(net, digits):
    guesses = net.classify(digits.test_images).argmax(axis=1)
    assert (guesses == digits.test_labels).mean() >= 0.98


def test_batches_do_not_change_the_features(net, digits, monkeypatch):
    images = digits.test_images[:23]
    whole = net.extract(images)
    assert whole.shape == (23, 128)
    assert whole.dtype == np.float32
    monkeypatch.setattr(features, "BATCH", 7)
    np.testing.assert_allclose(net.extract(images), whole, rtol=1e-5, atol=1e-5)
    assert net.extract(images[:0]).shape == (0, 128)


def test_pixels_are_clipped(net, digits):
    images = digits.test_images[:5]
    np.testing.assert_array_equal(net.extract(3 * images), net.extract(np.clip(3 * images, -1, 1)))


def test_images_that_are_none_are_refused(net, digits):
    with pytest.raises(InvalidValue, match=r"shape \(n, 784\), but got \(2, 28, 28\)"):
        net.extract(np.zeros((2, 28, 28)))
    images = digits.test_images[:2].copy()
    images[1, 3] = np.nan
    with pytest.raises(InvalidValue, match="must be finite"):
        net.extract(images)


def test_changed_weights_are_found(tmp_path):
    path = tmp_path / "net.h5"
    shutil.copy(NET_FILE, path)
    with h5py.File(path, "r+") as file:
        file["classes/bias"][0] += 1
    with pytest.raises(CorruptFile, match="not the SHA-256"):
        features.load_net(path)
    path.write_bytes(b"nothing")
    with pytest.raises(CorruptFile, match="not a feature net"):
        features.load_net(path)
