"""Numba functions of the learning: arrays in, arrays out."""
