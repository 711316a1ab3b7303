"""Principal components: the least squared error of a linear code, whitened scores, images that they span."""

import numpy as np

from hvae.baselines import pca


def test_the_squared_error_is_what_the_left_out_eigenvalues_sum_to(rng):
    images = rng.standard_normal((300, 9)) @ np.diag(np.arange(1.0, 10.0)) @ rng.standard_normal((9, 9))
    found = pca.fit(images, 4)
    decoded = found.decode(found.parameters, found.encode(found.parameters, images)[0])
    centred = images - images.mean(axis=0)
    least = np.sort(np.linalg.eigvalsh(centred.T @ centred / len(images)))[:5].sum()
    np.testing.assert_allclose(((decoded - images) ** 2).sum(axis=1).mean(), least, rtol=1e-9)


def test_scores_are_white_and_have_no_noise(rng):
    images = rng.standard_normal((300, 6)) @ rng.standard_normal((6, 6)) + 3
    found = pca.fit(images, 3)
    scores, log_variance = found.encode(found.parameters, images)
    np.testing.assert_allclose(np.cov(scores, rowvar=False), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-9)
    assert (np.exp(log_variance / 2) == 0).all()


def test_there_are_no_more_components_than_pixels_or_images(rng):
    assert pca.fit(rng.standard_normal((50, 6)), 9).latent == 6
    assert pca.fit(rng.standard_normal((5, 6)), 9).latent == 5
    images = rng.standard_normal((50, 6)).astype(np.float32)
    images[:, 0] = -1.0  # a pixel that never changes, as MNIST's corners
    whole = pca.fit(images, 6)
    scores, _ = whole.encode(whole.parameters, images)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(whole.decode(whole.parameters, scores), images, atol=1e-5)
