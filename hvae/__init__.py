"""The learning of Hopbar: Hopfield variational autoencoders trained by equilibrium propagation."""
