"""Principal components as a code of images: what a linear projection on as many numbers can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.decomposition import PCA


@dataclass(frozen=True, kw_only=True)
class PrincipalComponents:
    """An encoder and a decoder like those of a VAE, by scikit-learn's PCA: z has unit variance, and no noise.

    Attributes
    ----------
    fitted : sklearn.decomposition.PCA
        With ``whiten=True``, so that N(0, I) is a prior of z as of a VAE's.
    """

    fitted: PCA

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        return int(self.fitted.n_components_)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Its weights, by name."""
        return {"components": self.fitted.components_, "mean": self.fitted.mean_}

    def encode(self, parameters: dict[str, np.ndarray], images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002
        """Return the whitened scores of images (batch, pixels) and -inf, the log variance of no noise."""
        scores = self.fitted.transform(images)
        return scores, np.full_like(scores, -np.inf)

    def decode(self, parameters: dict[str, np.ndarray], latents: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return images (batch, pixels), not clipped."""
        return self.fitted.inverse_transform(latents)


def fit(images: np.ndarray, latent: int) -> PrincipalComponents:
    """Return the first `latent` principal components of images (n, pixels), in float64.

    Of all linear codes of so many numbers they have the least squared error on `images` (Eckart and Young,
    doi:10.1007/BF02288367). There are at most as many as images or pixels.
    """
    from sklearn.decomposition import PCA

    components = min(latent, *images.shape)
    model = PCA(components, whiten=True, svd_solver="covariance_eigh")
    return PrincipalComponents(fitted=model.fit(images.astype(np.float64)))
