"""What a machine has not compiled yet is told from what it has."""

import os
import subprocess
import sys

import pytest

ASK = """
from crossbar.hopfield.kernels import descent
from crossbar.numerics.compilation import is_cold
import numpy as np
print(is_cold(descent.respond))
arrays = [np.ones((2, 3)) for _ in range(7)]
descent.respond(*arrays, np.ones(2), np.ones(2))
print(is_cold(descent.respond))
"""


@pytest.mark.needs_jit
def test_a_kernel_is_cold_until_it_was_called_once(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    found = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "False"]


def test_without_the_compiler_nothing_is_cold():
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    found = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
