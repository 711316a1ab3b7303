"""Numba functions of the learning: arrays in, arrays out."""

import os

from crossbar import caches

caches.use_writable(os.environ)  # before numba, which fails where it can keep no machine code
