"""A kernel that is compiled now and one that is loaded from numba's cache give the same bytes."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib
import numpy as np
from crossbar.devices import presets
from crossbar.pulses.engines import update
state = presets.device("reram-sb").law.sample((300, 300), np.random.default_rng(1))
signals = np.random.default_rng(2).random((2, 64, 300), np.float32)
update(state, signals[0], signals[1] - np.float32(0.5), rate=0.02, rng=np.random.default_rng(3), engine="example")
print(hashlib.sha256(state.hidden.tobytes()).hexdigest())
"""


@pytest.mark.needs_jit
@pytest.mark.slow
def test_devices_too_coarse_for_the_series_move_alike_in_a_fresh_and_a_later_process(tmp_path):
    """What a kernel calls must be inlined: of a second copy in the cache the compiler made other roundings."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    found = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True, timeout=300
        )
        found.append(done.stdout)
    assert list(tmp_path.rglob("*.nbc"))
    assert found[0] == found[1]
