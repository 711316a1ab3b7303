"""Numba kernels of pulses: arrays in, arrays out."""
