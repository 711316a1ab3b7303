"""The four models of the paper as scikit-learn estimators: numbers in, numbers out, no folder.

Their defaults are those of the paper's Table 3; parameters that are not told here are `hvae.api.base.VAE`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hvae.api.base import VAE, HopfieldEstimator


@dataclass(eq=False, repr=False, kw_only=True)
class FeedforwardVAE(VAE):
    """F-VAE, the paper's baseline: a feedforward VAE trained by backpropagation.

    Encoder and decoder have one layer of `hidden` sigmoid neurons each, and no biases. Every other parameter, and what
    `fit` leaves, is told in `hvae.api.base.VAE`.

    Examples
    --------
    >>> import hvae
    >>> digits = hvae.load_images("mnist-5k", size=7).train_images[:256]
    >>> vae = hvae.FeedforwardVAE(hidden=32, latent=4, epochs=5, random_state=0).fit(digits)
    >>> vae.inverse_transform(vae.transform(digits)).shape
    (256, 49)
    """

    MODEL: ClassVar[str] = "f-vae"
    hidden: int = 1820
    latent: int = 10
    beta_kl: float = 5.55
    learning_rate: float = 9.91e-4


@dataclass(eq=False, repr=False, kw_only=True)
class LayeredHopfieldVAE(HopfieldEstimator):
    """H-VAE: encoder and decoder are layered Hopfield networks, which settle and learn by equilibrium propagation.

    Every other parameter, and what `fit` leaves, is told in `hvae.api.base`, `VAE` and `HopfieldEstimator`.

    Examples
    --------
    >>> import hvae
    >>> digits = hvae.load_images("mnist-5k", size=7).train_images[:128]
    >>> vae = hvae.LayeredHopfieldVAE(hidden=12, latent=3, learning_rate=0.01, epochs=2, random_state=0)
    >>> vae.fit_transform(digits).shape
    (128, 3)
    """

    MODEL: ClassVar[str] = "h-vae"
    hidden: int = 1842
    latent: int = 25
    beta_kl: float = 0.517
    learning_rate: float = 6.68e-5


@dataclass(eq=False, repr=False, kw_only=True)
class DenseHopfieldVAE(HopfieldEstimator):
    """DH-VAE: as the layered one, but every neuron couples to every other of its network.

    Every other parameter, and what `fit` leaves, is told in `hvae.api.base`, `VAE` and `HopfieldEstimator`.

    Parameters
    ----------
    density : float
        Share of the links kept, chosen by chance, that a layered network has not; 0 leaves its links alone.

    Examples
    --------
    >>> import hvae
    >>> digits = hvae.load_images("mnist-5k", size=7).train_images[:128]
    >>> vae = hvae.DenseHopfieldVAE(hidden=12, latent=3, epochs=2, random_state=0).fit(digits)
    >>> vae.n_features_in_, vae.n_iter_, vae.unsettled_ < 0.02
    (49, 2, True)
    """

    MODEL: ClassVar[str] = "dh-vae"
    hidden: int = 1696
    latent: int = 25
    beta_kl: float = 0.556
    learning_rate: float = 9.41e-4
    density: float = 1.0


@dataclass(eq=False, repr=False, kw_only=True)
class TiedHopfieldVAE(HopfieldEstimator):
    """TDH-VAE: one dense Hopfield network is both encoder and decoder.

    Every other parameter, and what `fit` leaves, is told in `hvae.api.base`, `VAE` and `HopfieldEstimator`.

    Parameters
    ----------
    sigma : float
        Standard deviation of q(z|x), which this encoder does not predict.
    density : float
        Share of the links kept, chosen by chance, that a layered network has not; 0 leaves its links alone.

    Examples
    --------
    >>> import hvae
    >>> digits = hvae.load_images("mnist-5k", size=7).train_images[:256]
    >>> vae = hvae.TiedHopfieldVAE(hidden=24, latent=4, learning_rate=0.01, epochs=5, random_state=0).fit(digits)
    >>> vae.sample(3, random_state=1).shape, bool(vae.score(digits) > vae.score(-digits))
    ((3, 49), True)
    """

    MODEL: ClassVar[str] = "tdh-vae"
    hidden: int = 833
    latent: int = 69
    beta_kl: float = 1.90
    learning_rate: float = 9.55e-4
    sigma: float = 0.429
    density: float = 1.0
