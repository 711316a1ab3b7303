"""Numba kernels: arrays in, arrays out; no classes, no files, no hidden randomness."""
