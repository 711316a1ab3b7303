"""How far generated images are from real ones: Frechet distance, kernel distance, precision and recall of features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import linalg

from crossbar.errors import InvalidValue


class Extractor(Protocol):
    """A net whose activations are compared: `hvae.scores.features.FeatureNet` or `hvae.scores.inception.Inception`."""

    @property
    def name(self) -> str:
        """Name of the net, with a hash of its weights."""
        ...

    def extract(self, images: np.ndarray) -> np.ndarray:
        """Return the features (n, d) of images (n, 784)."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """How generated images compare with real ones, by their features."""

    frechet_distance: float
    kernel_distance: float
    kernel_distance_std: float  # over subsets
    precision: float
    recall: float
    floor: float | None  # the Frechet distance that as many training images reach; None where there are fewer
    n_real: int
    n_fake: int
    features: str  # the name of the net


def compare(
    extractor: Extractor, fake: np.ndarray, real: np.ndarray, train: np.ndarray, rng: np.random.Generator
) -> Scores:
    """Return all scores of generated images against real ones.

    Parameters
    ----------
    extractor : Extractor
        The net of the features.
    fake, real : ndarray, shape (n_fake, 784) and (n_real, 784)
        Pixels; clipped to [-1, 1].
    train : ndarray, shape (n, 784)
        Training images; the first n_fake of them make the floor: what a generator as good as the data itself would get.
        The distance of fewer is larger, and no floor.
    rng : Generator
        Draws the subsets of the kernel distance.

    Raises
    ------
    InvalidValue
        If a set has the wrong shape, fewer than four images, or pixels that are not finite.
    """
    fakes, reals, trained = (extractor.extract(images) for images in (fake, real, train[: len(fake)]))
    distance, deviation = kernel_distance(fakes, reals, rng)
    precision, recall = precision_recall(reals, fakes)
    return Scores(
        frechet_distance=frechet_distance(fakes, reals),
        kernel_distance=distance,
        kernel_distance_std=deviation,
        precision=precision,
        recall=recall,
        floor=frechet_distance(trained, reals) if len(trained) == len(fakes) else None,
        n_real=len(reals),
        n_fake=len(fakes),
        features=extractor.name,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Moments:
    """The mean ``(d,)`` and unbiased covariance ``(d, d)`` of features, float64."""

    mean: np.ndarray
    covariance: np.ndarray


def moments(features: np.ndarray) -> Moments:
    """Return mean and covariance (with n - 1) of features ``(n, d)``.

    Raises
    ------
    InvalidValue
        If there are fewer than two rows, or a number is not finite.
    """
    features = _checked(features)
    mean = features.mean(axis=0)
    centred = features - mean
    return Moments(mean=mean, covariance=centred.T @ centred / (len(features) - 1))


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray) -> float:
    """Return the Frechet distance of two feature sets ``(n, d)`` and ``(m, d)``, as Gaussians.

    ``|mu_a - mu_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2))`` (Dowson and Landau, doi:10.1016/0047-259X(82)90077-X; as
    a score of images Heusel et al., arXiv:1706.08500).  It is biased upwards for small n: compare only at equal n.

    Raises
    ------
    InvalidValue
        If the two have not the same number of features, fewer than two rows, or numbers that are not finite.
    """
    return frechet_distance_of_moments(moments(features_a), moments(features_b))


def frechet_distance_of_moments(a: Moments, b: Moments) -> float:
    """Return the Frechet distance of two Gaussians from their moments.

    trace (C_a C_b)^(1/2) is the nuclear norm of L_a^T L_b for any factors C = L L^T.  Taken from symmetric
    eigendecompositions it needs no square root of an unsymmetric matrix, is real, and allows singular covariances.
    """
    if a.mean.shape != b.mean.shape:
        raise InvalidValue(f"features must have equal widths, but got {a.mean.size} and {b.mean.size}")
    overlap = linalg.svdvals(_factor(a.covariance).T @ _factor(b.covariance)).sum()
    shift = a.mean - b.mean
    spread = np.trace(a.covariance) + np.trace(b.covariance) - 2 * overlap
    return max(0.0, float(shift @ shift + spread))


def _factor(covariance: np.ndarray) -> np.ndarray:
    """Return L with L L^T = C for a symmetric positive semi-definite C, singular or not."""
    values, vectors = linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0))


def kernel_distance(
    features_a: np.ndarray,
    features_b: np.ndarray,
    rng: np.random.Generator,
    n_subsets: int = 100,
    subset_size: int = 1000,
) -> tuple[float, float]:
    """Return the kernel distance (KID) of two feature sets and its standard deviation over subsets.

    The unbiased squared maximum mean discrepancy with the kernel ``k(x, y) = (x . y / d + 1)^3``, averaged over random
    subsets (Binkowski et al., arXiv:1801.01401).  Its expectation does not depend on n; it can be negative.

    Parameters
    ----------
    features_a, features_b : ndarray, shape (n, d) and (m, d)
        The features.
    rng : Generator
        Draws the subsets.
    n_subsets : int
        How many subsets.
    subset_size : int
        Rows of each subset; at most half of each set is used, so that the subsets differ.

    Raises
    ------
    InvalidValue
        If a number is not finite, the widths differ, or the subsets are impossible.
    """
    a, b = _checked(features_a), _checked(features_b)
    if a.shape[1] != b.shape[1]:
        raise InvalidValue(f"features must have equal widths, but got {a.shape[1]} and {b.shape[1]}")
    size = min(subset_size, len(a) // 2, len(b) // 2)
    if size < 2 or n_subsets < 1:
        raise InvalidValue("a kernel distance needs four rows a set, and `n_subsets` of at least 1")
    values = [
        squared_discrepancy(a[rng.choice(len(a), size, replace=False)], b[rng.choice(len(b), size, replace=False)])
        for _ in range(n_subsets)
    ]
    return float(np.mean(values)), float(np.std(values))


def squared_discrepancy(a: np.ndarray, b: np.ndarray) -> float:
    """Return the unbiased squared MMD of ``(n, d)`` and ``(m, d)`` under the kernel of `kernel_distance`."""
    n, m, width = len(a), len(b), a.shape[1]
    own_a, own_b, cross = ((x @ y.T / width + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))
    within_a = (own_a.sum() - np.trace(own_a)) / (n * (n - 1))
    within_b = (own_b.sum() - np.trace(own_b)) / (m * (m - 1))
    return float(within_a + within_b - 2 * cross.mean())


def precision_recall(real: np.ndarray, fake: np.ndarray, n_neighbours: int = 3) -> tuple[float, float]:
    """Return how much of `fake` lies among `real` (precision) and of `real` among `fake` (recall), each 0 to 1.

    A point lies among a set if it is within the distance of some member to that member's k-th nearest neighbour
    (Kynkaanniemi et al., arXiv:1904.06991).

    Raises
    ------
    InvalidValue
        If a number is not finite, or a set has not more than `n_neighbours` rows.
    """
    real, fake = _checked(real), _checked(fake)
    if min(len(real), len(fake)) <= n_neighbours:
        raise InvalidValue(f"each set must have more than {n_neighbours} rows, but got {len(real)} and {len(fake)}")
    return _covered(fake, real, n_neighbours), _covered(real, fake, n_neighbours)


def _covered(points: np.ndarray, members: np.ndarray, n_neighbours: int) -> float:
    """Return the fraction of `points` inside the union of balls around `members`."""
    radii = np.concatenate(
        [np.partition(part, n_neighbours, axis=1)[:, n_neighbours] for part in _squared_distances(members, members)]
    )
    inside = [(part <= radii).any(axis=1) for part in _squared_distances(points, members)]
    return float(np.concatenate(inside).mean())


def _squared_distances(a: np.ndarray, b: np.ndarray, rows: int = 1000) -> Iterator[np.ndarray]:
    """Yield the squared distances of `rows` rows of `a` at a time to all of `b`, in float32."""
    a, b = a.astype(np.float32), b.astype(np.float32)
    b_norm = np.einsum("ij,ij->i", b, b)
    for start in range(0, len(a), rows):
        part = a[start : start + rows]
        norm = np.einsum("ij,ij->i", part, part)[:, None]
        yield np.maximum(norm + b_norm - 2 * (part @ b.T), 0)


def _checked(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or len(features) < 2:
        raise InvalidValue(f"features must be (n, d) with n of at least 2, but got the shape {features.shape}")
    if not np.isfinite(features).all():
        raise InvalidValue("features must be finite, but some are NaN or infinite: did the model diverge?")
    return features
