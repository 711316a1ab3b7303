"""Numba kernels that several folders share: random numbers and symmetric matrices."""
