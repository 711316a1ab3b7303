"""Numba kernels of the solvers: arrays in, arrays out."""
