"""Inception features: pixels become bytes, the net is torch-fidelity's own, and what is missing is told."""

import importlib.util

import numpy as np
import pytest

from crossbar.errors import CorruptFile, EngineError, InvalidValue, MissingFile
from hvae.scores import inception

HAS_TORCH = all(importlib.util.find_spec(package) for package in inception.PACKAGES)
needs_torch = pytest.mark.skipif(not HAS_TORCH, reason="needs torch, torchvision, torch-fidelity")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of random weights in the published format: the true ones (95 MB) are not downloaded by tests."""
    from unittest import mock

    import torch
    from torch_fidelity import feature_extractor_inceptionv3 as published

    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    net = published.FeatureExtractorInceptionV3
    with (
        mock.patch.object(published, "load_state_dict_from_url", return_value=None),
        mock.patch.object(net, "load_state_dict", lambda self, _: torch.save(self.state_dict(), path)),
    ):
        net("inception", ["2048"])
    return path


def test_pixels_become_bytes():
    images = np.array([[-1.0, 1.0, 0.0, -2.0], [3.0, 0.5, -0.5, 1.0]])
    np.testing.assert_array_equal(inception.as_bytes(images), [[[0, 255], [128, 0]], [[255, 191], [64, 255]]])


@pytest.mark.parametrize("images", [np.zeros((2, 5)), np.zeros(4), np.zeros((0, 4))])
def test_images_that_are_no_squares_are_refused(images):
    with pytest.raises(InvalidValue, match="must be squares"):
        inception.as_bytes(images)


def test_infinite_pixels_are_refused():
    with pytest.raises(InvalidValue, match="must be finite"):
        inception.as_bytes(np.full((1, 4), np.inf))


def test_without_torch_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"pip install 'hopbar\[fid\]'"):
        inception.load(tmp_path / "weights.pth")


@pytest.mark.parametrize("path", [None, "nowhere.pth"])
def test_weights_that_are_not_there_are_told_with_their_source(monkeypatch, tmp_path, path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    with pytest.raises(MissingFile, match="download https://"):
        inception.load(path and tmp_path / path)


@needs_torch
def test_a_foreign_file_is_no_inception(tmp_path):
    import torch

    (tmp_path / "text.pth").write_text("no weights")
    torch.save({"fc.weight": torch.zeros(2)}, tmp_path / "other.pth")
    for name in ("text.pth", "other.pth"):
        with pytest.raises(CorruptFile, match="no weights of Inception v3"):
            inception.load(tmp_path / name)


@needs_torch
def test_our_path_to_the_features_is_torch_fidelity_s(weights, rng):
    """The same images through torch-fidelity's own calls: the same features, and the same Frechet distance of them."""
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    from hvae.scores import distances

    net = inception.load(weights)
    assert net.name.startswith("inception-v3-2048-")
    images = rng.uniform(-1, 1, (12, 784))
    found = net.extract(images)
    assert (found.shape, found.dtype) == ((12, 2048), np.float32)
    published = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(weights))
    colour = torch.from_numpy(np.repeat(inception.as_bytes(images)[:, None], 3, axis=1))
    theirs = published(colour)[0]
    np.testing.assert_allclose(found, theirs.numpy(), rtol=1e-5, atol=1e-6)
    halves = [theirs[:6, :64], theirs[6:, :64]]
    statistics = [fid_features_to_statistics(half) for half in halves]
    fid = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert distances.frechet_distance(*(half.numpy() for half in halves)) == pytest.approx(fid, rel=1e-3)
