"""The scores against closed forms and against published implementations on the same features."""

import numpy as np
import pytest
from scipy import linalg

from crossbar.errors import InvalidValue
from hvae.data import sets
from hvae.scores import distances, features

NET = features.net_of("mnist")

# Printed by data/build/reference_scores.py, which calls torch-fidelity 0.4.0 and pytorch-fid 0.3.0 (2026-11-22).
FID, FID_OF_DIGITS = 13.163310364, 93.0179765087  # both implementations agree to all digits printed
KID, KID_OF_DIGITS = 29.5677841604, 109.315682666
PRECISION_RECALL, PRECISION_RECALL_OF_DIGITS = (0.8533333539962769, 0.7559999823570251), (0.942, 0.414)


def synthetic():
    """The two sets of data/build/reference_scores.py, which printed the published values below."""
    rng = np.random.default_rng(12)
    mix = rng.standard_normal((32, 32))
    return np.maximum(rng.standard_normal((600, 32)) @ mix, 0), np.maximum(
        rng.standard_normal((500, 32)) @ mix + 0.5, 0
    )


@pytest.fixture(scope="module")
def digits():
    data = sets.load("mnist-5k")
    noise = np.random.default_rng(5).standard_normal((500, 784), dtype=np.float32)
    return NET.extract(data.train_images[:500] + 0.3 * noise), NET.extract(data.test_images)


def gaussian(mean, covariance):
    return distances.Moments(mean=np.asarray(mean, dtype=float), covariance=np.asarray(covariance, dtype=float))


def test_gaussians_with_diagonal_covariances_have_a_closed_form():
    a = gaussian([0, 1, 2], np.diag([1, 4, 0]))
    b = gaussian([1, 1, 0], np.diag([9, 1, 25]))
    expected = (1 + 0 + 4) + ((1 - 3) ** 2 + (2 - 1) ** 2 + (0 - 5) ** 2)
    assert distances.frechet_distance_of_moments(a, b) == pytest.approx(expected, rel=1e-12)


def test_a_scaled_covariance_has_a_closed_form(rng):
    root = rng.standard_normal((6, 6))
    covariance = root @ root.T
    a, b = gaussian(np.zeros(6), covariance), gaussian(np.zeros(6), 9 * covariance)
    assert distances.frechet_distance_of_moments(a, b) == pytest.approx(4 * np.trace(covariance), rel=1e-12)


def test_the_matrix_square_root_gives_the_same(rng):
    a, b = (distances.moments(rng.standard_normal((50, 8)) @ rng.standard_normal((8, 8))) for _ in range(2))
    root = linalg.sqrtm(a.covariance @ b.covariance).real
    shift = a.mean - b.mean
    expected = shift @ shift + np.trace(a.covariance + b.covariance - 2 * root)
    assert distances.frechet_distance_of_moments(a, b) == pytest.approx(expected, rel=1e-9)


def test_singular_covariances_are_no_trouble(rng):
    few = rng.standard_normal((5, 40))
    assert distances.frechet_distance(few, few) == pytest.approx(0, abs=1e-9)
    constant = np.ones((7, 3))
    assert distances.frechet_distance(constant, constant + 2) == pytest.approx(12)


def test_the_distance_is_symmetric_and_ignores_rotations(rng):
    a, b = synthetic()
    turn = linalg.qr(rng.standard_normal((32, 32)))[0]
    distance = distances.frechet_distance(a, b)
    assert distances.frechet_distance(b, a) == pytest.approx(distance, rel=1e-10)
    assert distances.frechet_distance(a @ turn, b @ turn) == pytest.approx(distance, rel=1e-10)


def test_moments_are_numpy_s(rng):
    rows = rng.standard_normal((20, 4))
    found = distances.moments(rows)
    np.testing.assert_allclose(found.mean, rows.mean(axis=0))
    np.testing.assert_allclose(found.covariance, np.cov(rows, rowvar=False))


def test_published_implementations_agree_on_synthetic_features():
    a, b = synthetic()
    assert distances.frechet_distance(a, b) == pytest.approx(FID, rel=1e-8)
    assert distances.squared_discrepancy(a[:500], b) == pytest.approx(KID, rel=1e-9)
    assert distances.precision_recall(b, a) == pytest.approx(PRECISION_RECALL)


def test_published_implementations_agree_on_features_of_digits(digits):
    noisy, real = digits
    assert distances.frechet_distance(noisy, real) == pytest.approx(FID_OF_DIGITS, rel=1e-5)
    exact = (x.astype(np.float64) for x in digits)
    assert distances.squared_discrepancy(*exact) == pytest.approx(KID_OF_DIGITS, rel=1e-5)
    assert distances.precision_recall(real, noisy) == pytest.approx(PRECISION_RECALL_OF_DIGITS, abs=0.0041)


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 0.0), (1.0, 26 / 3)])
def test_squared_discrepancy_has_the_expectation_of_its_kernel(rng, shift, expected):
    """N(0, I) against N(m, I) in d dimensions, with q = |m|^2: E k = 1 + 3/d, 1 + 3 (d + q)/d^2 for the cross terms.

    Within the second it is (1 + q/d)^3 + 3 (1 + q/d) (2 q + d)/d^2 + 6 q/d^3; for d = 6 and m = 1 they make 26/3. An
    estimate with the diagonals of its kernels is off by 0.1 and more.
    """
    found = np.array([
        distances.squared_discrepancy(rng.standard_normal((60, 6)), rng.standard_normal((60, 6)) + shift)
        for _ in range(400)
    ])  # fmt: skip
    error = found.std() / len(found) ** 0.5
    assert error < (0.01 if shift == 0 else 0.15)
    assert found.mean() == pytest.approx(expected, abs=4 * error)


def test_subsets_of_a_kernel_distance_hold_no_row_twice(rng, monkeypatch):
    """The unbiased estimate leaves out k(x, x): a row drawn twice would put it back."""
    seen = []
    monkeypatch.setattr(distances, "squared_discrepancy", lambda a, b: seen.extend([a, b]) or 0.0)
    distances.kernel_distance(rng.random((40, 3)), rng.random((40, 3)), rng, n_subsets=20, subset_size=20)
    assert len(seen) == 40
    assert all(len(np.unique(one, axis=0)) == 20 for one in seen)


def test_kernel_distance_is_repeatable_and_tells_sets_apart(rng):
    a, b = rng.standard_normal((2, 400, 6))
    mean, deviation = distances.kernel_distance(a, b, np.random.default_rng(1), n_subsets=50, subset_size=100)
    again = distances.kernel_distance(a, b, np.random.default_rng(1), n_subsets=50, subset_size=100)
    assert again == (mean, deviation)
    far, _ = distances.kernel_distance(a, b + 1, np.random.default_rng(1), n_subsets=5, subset_size=100)
    assert far > 10 * deviation


def test_precision_and_recall_tell_apart_copies_modes_and_noise(rng):
    real = rng.standard_normal((200, 3))
    assert distances.precision_recall(real, real) == (1.0, 1.0)
    collapsed = real[:1] + 1e-3 * rng.standard_normal((200, 3))
    precision, recall = distances.precision_recall(real, collapsed)
    assert precision == 1.0
    assert recall < 0.05
    assert distances.precision_recall(real, real + 100) == (0.0, 0.0)


def test_worse_images_score_worse(digits):
    data = sets.load("mnist-5k")
    noise = np.random.default_rng(3).standard_normal((500, 784), dtype=np.float32)
    ladder = [
        distances.frechet_distance(NET.extract(data.train_images[:500] + level * noise), digits[1])
        for level in (0.0, 0.3, 0.6)
    ]
    assert ladder[0] < ladder[1] < ladder[2]


def test_compare_prints_what_an_evaluation_needs(rng):
    data = sets.load("mnist-5k")
    found = distances.compare(NET, data.train_images[300:400], data.test_images[:120], data.train_images, rng)
    assert (found.n_fake, found.n_real) == (100, 120)
    assert found.features == NET.name
    assert 0.5 * found.floor < found.frechet_distance < 2 * found.floor
    assert 0 <= found.precision <= 1
    few = distances.compare(NET, data.train_images[300:400], data.test_images[:120], data.train_images[:99], rng)
    assert few.floor is None


def test_features_that_are_none_are_refused(rng):
    good = rng.standard_normal((5, 3))
    with pytest.raises(InvalidValue, match="equal widths"):
        distances.frechet_distance(good, good[:, :2])
    with pytest.raises(InvalidValue, match="must be finite"):
        distances.frechet_distance(good, good * np.nan)
    with pytest.raises(InvalidValue, match="n of at least 2"):
        distances.frechet_distance(good, good[:1])
    with pytest.raises(InvalidValue, match="more than 3 rows"):
        distances.precision_recall(good, good[:3])
    with pytest.raises(InvalidValue, match="`n_subsets` of at least 1"):
        distances.kernel_distance(good, good, rng, n_subsets=0)
