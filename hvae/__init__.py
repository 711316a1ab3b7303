"""The learning of Hopbar: Hopfield variational autoencoders trained by equilibrium propagation.

What a user needs is here; it is imported when it is asked for. ``__init__.pyi`` says where each name comes from.

Examples
--------
>>> import hvae
>>> digits = hvae.load_images("mnist-5k", size=7).train_images[:128]
>>> vae = hvae.TiedHopfieldVAE(hidden=12, latent=3, epochs=2, random_state=0).fit(digits)
>>> vae.sample(5, random_state=0).shape
(5, 49)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
