"""Numba kernels: arrays in, arrays out; no classes, no files, no hidden randomness."""

import os

from crossbar import caches

caches.use_writable(os.environ)  # before numba, which fails where it can keep no machine code
