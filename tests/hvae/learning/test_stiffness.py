"""The smallest eigenvalue, where Lanczos' method reaches its relative accuracy and where it cannot."""

import numpy as np
import pytest
from scipy.sparse.linalg import ArpackNoConvergence

from hvae.learning import stiffness


def product_of(eigenvalues, rng):
    basis, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues),) * 2))
    return lambda vector: basis @ (eigenvalues * (basis.T @ vector))


@pytest.mark.parametrize("lowest", [0.3, 1e-3, -0.2])
def test_it_is_found_to_a_hundredth(rng, lowest):
    eigenvalues = np.append(np.linspace(0.5, 2, 199), lowest)
    assert stiffness.lowest_eigenvalue(product_of(eigenvalues, rng), 200) == pytest.approx(lowest, rel=1e-2)


def test_one_that_is_nearly_zero_is_found_to_a_thousandth(rng):
    """Classical neurons at rest: no relative accuracy is reached, and a run must not die of it after an epoch."""
    eigenvalues = np.concatenate([np.geomspace(1e-13, 1e-6, 60), np.linspace(0.01, 2, 140)])
    product = product_of(eigenvalues, rng)
    with pytest.raises(ArpackNoConvergence):
        stiffness._lowest(product, 200, tolerance=1e-2)
    assert stiffness.lowest_eigenvalue(product, 200) == pytest.approx(0, abs=1e-3)
