"""Numba kernels of reads: arrays in, arrays out."""
