"""A Hopfield network as a layer of torch; it needs ``pip install 'hopbar[torch]'``.

>>> from hvae.torch import HopfieldLayer
>>> HopfieldLayer(4, 8, 2)
HopfieldLayer(4 pixels, 8 hidden, 2 latent; dense, backward='implicit')
"""

from hvae.torch.layer import HopfieldLayer

__all__ = ["HopfieldLayer"]
