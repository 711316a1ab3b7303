"""Numba kernels of the learning: arrays in, arrays out."""
