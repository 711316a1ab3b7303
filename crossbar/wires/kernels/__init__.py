"""Numba kernels of resistive lines: arrays in, arrays out."""
