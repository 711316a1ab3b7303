"""Jobs that workers can find: they kill, return, or go on."""

import os
import signal
import time


def deadly(*, on_step):
    """Kill the process that does this."""
    os.kill(os.getpid(), signal.SIGKILL)


def harmless(number, *, on_step):
    """Return a number."""
    return number


def endless(path, *, on_step):
    """Write on and on to a file, for a minute."""
    for step in range(600):
        with path.open("a") as file:
            file.write(".")
        on_step(step, 600, {})
        time.sleep(0.1)
