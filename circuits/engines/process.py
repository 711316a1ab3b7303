"""One simulation in a process of its own, with limits, whose end is always told in words."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossbar.errors import EngineError, InvalidValue


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a simulation may use.

    Attributes
    ----------
    seconds : float
        Wall time.
    gigabytes : float
        Address space (RLIMIT_AS). Only Linux limits a process that runs already; elsewhere memory is not limited.
    """

    seconds: float = 600.0
    gigabytes: float = 8.0

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.gigabytes > 0):
            raise InvalidValue(f"limits must be positive, but got {self.seconds} s and {self.gigabytes} GiB")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a process ended: its log, wall and processor time in seconds, peak memory in megabytes."""

    log: str
    seconds: float
    processor_seconds: float
    megabytes: float

    @property
    def used(self) -> dict[str, float]:
        """Times and memory by name."""
        return {
            "seconds": self.seconds,
            "processor_seconds": self.processor_seconds,
            "megabytes": self.megabytes,
        }


def run_limited(
    engine: str, command: Sequence[str], folder: Path, limits: Limits, environment: Mapping[str, str] | None = None
) -> Outcome:
    """Run `command` in `folder` under `limits` and return how it ended.

    Raises
    ------
    EngineError
        It could not start, ran out of time or memory, or crashed; the message ends with the remedy.
    """
    log_path = folder / f"{engine}.log"
    started = time.perf_counter()
    with log_path.open("wb") as log:
        try:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
            )  # fmt: skip
        except OSError as error:
            raise EngineError(f"{engine} does not start ({error}); install it again") from error
        code, usage = _wait(process, engine, limits, started)
    text = log_path.read_text(errors="replace")
    seconds = time.perf_counter() - started
    if code != 0:
        raise EngineError(_last_words(engine, code, text, limits))
    used = usage.ru_utime + usage.ru_stime
    return Outcome(log=text, seconds=seconds, processor_seconds=used, megabytes=usage.ru_maxrss / 1024)


def _limit_memory(process_id: int, engine: str, gigabytes: float) -> None:
    if not hasattr(resource, "prlimit"):
        return
    size = int(gigabytes * 2**30)
    try:
        resource.prlimit(process_id, resource.RLIMIT_AS, (size, size))
    except ProcessLookupError:  # it has ended already
        return
    except (OSError, ValueError) as error:
        raise EngineError(
            f"the memory of {engine} cannot be limited to {gigabytes:g} GiB ({error}); allow less with --memory"
        ) from error


def _wait(process: subprocess.Popen, engine: str, limits: Limits, started: float) -> tuple[int, resource.struct_rusage]:
    """Limit memory; return exit code and what was used; kill the process group when its time is over."""
    pause = 0.002
    try:
        _limit_memory(process.pid, engine, limits.gigabytes)
        while time.perf_counter() - started <= limits.seconds:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode, usage
            time.sleep(pause)
            pause = min(2 * pause, 0.1)
    finally:
        if process.returncode is None:  # too late, not to be limited, or interrupted: leave nothing behind
            os.killpg(process.pid, signal.SIGKILL)
            os.wait4(process.pid, 0)
            process.returncode = -signal.SIGKILL
    raise EngineError(
        f"{engine} did not finish within {limits.seconds:g} s and was stopped; give it more with --timeout, "
        "a smaller chip, or --mode fixed-rail"
    )


def _last_words(engine: str, code: int, log: str, limits: Limits) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()] or lines
    said = "; ".join(telling[-3:]) or "without a word"
    if code < 0:
        name = signal.Signals(-code).name
        return f"{engine} crashed ({name}): {said}. If memory ran out, allow more than {limits.gigabytes:g} GiB"
    return f"{engine} failed with exit code {code}: {said}. The netlist and its log tell more (--keep FOLDER)"
