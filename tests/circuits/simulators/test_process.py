"""A simulator that nobody waits for any more ends by itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from circuits.simulators import Limits, process

SPINNING = "while True: pass"
CALLER = f"""
import sys
from pathlib import Path
from circuits.simulators import Limits, process
process.run_limited("spin", [sys.executable, "-c", {SPINNING!r}], Path(sys.argv[1]), Limits(seconds=0.5))
"""


def test_processor_time_is_limited_to_what_the_wall_time_gives(tmp_path):
    tell = "import resource, time; time.sleep(0.3); print(resource.getrlimit(resource.RLIMIT_CPU)[0])"
    ended = process.run_limited("tell", [sys.executable, "-c", tell], tmp_path, Limits(seconds=20))
    assert int(ended.log) == 20 * os.cpu_count() + 1


def test_an_orphan_ends(tmp_path):
    """Its caller is killed at once; within its processor time it is gone."""
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(tmp_path)]
    )
    children = Path(f"/proc/{caller.pid}/task/{caller.pid}/children")
    while not (found := children.read_text().split()):
        time.sleep(0.02)
    orphan = Path("/proc", found[0])
    time.sleep(0.1)
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and orphan.exists():
        time.sleep(0.1)
    assert not orphan.exists()
