"""How far generated images are from real ones, from images alone."""

from __future__ import annotations

import numpy as np

from crossbar.errors import unknown_name
from hvae.api.images import whole
from hvae.data import sets
from hvae.scores import distances, features


def frechet_distance(images_a: np.ndarray, images_b: np.ndarray, *, dataset: str = "mnist") -> float:
    """Return the Frechet distance of two sets of images, on the features of the classifier of `dataset`.

    What `hopbar evaluate` reports. It is biased upwards for few images: compare only at equal numbers, and with the
    floor, the distance that as many real images have (see `hvae.scores.distances`).

    Parameters
    ----------
    images_a, images_b : ndarray (n, pixels) and (m, pixels)
        Pixels in [-1, 1], of 28 x 28, 14 x 14 or 7 x 7 images; clipped.
    dataset : str
        Whose classifier: ``mnist`` (also of ``mnist-5k``) or ``fashion-mnist``.

    Raises
    ------
    InvalidValue
        Images of another size, fewer than two, or pixels that are not finite.
    UnknownName
        No such data set.

    Examples
    --------
    >>> import hvae
    >>> digits = hvae.load_images("mnist-5k")
    >>> floor = hvae.frechet_distance(digits.test_images, digits.train_images[:500])
    >>> floor < hvae.frechet_distance(digits.test_images, -digits.train_images[:500])
    True
    """
    if dataset not in sets.names():
        raise unknown_name("data set", dataset, sets.names())
    net = features.net_of(dataset)
    return distances.frechet_distance(net.extract(whole(images_a)), net.extract(whole(images_b)))
