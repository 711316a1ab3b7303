"""One simulation in a process of its own, with limits, whose end is always told in words."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from circuits.simulators.workplace import environment
from crossbar.errors import EngineError, InvalidValue

LOG_END = 2**18  # bytes
LINE = 200  # characters of a log's line that are told
TELLING = ("error", "fatal", "undefined", "unknown", "aborted", "too small", "not found", "failed", "out of")
BANNER = "This is vacask"  # ... unknown, of a build without a number
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LARGEST = 2.0**33  # GiB: beyond, RLIMIT_AS has no number for it


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a simulation may use.

    Attributes
    ----------
    seconds : float
        Wall time; processor time is limited to as much of each processor, so that a simulation ends whose caller was
        killed.
    gigabytes : float
        Address space (RLIMIT_AS). Only Linux limits a process that runs already; elsewhere memory is not limited.
    """

    seconds: float = 600.0
    gigabytes: float = 8.0

    def __post_init__(self) -> None:
        if not (0 < self.seconds < float("inf") and 0 < self.gigabytes < LARGEST):
            raise InvalidValue(
                f"limits must be positive and finite, but got {self.seconds} s (--timeout) and {self.gigabytes} GiB "
                "(--memory)"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a process ended: its log (its ends, if long), wall and processor seconds, peak megabytes while watched."""

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
    engine: str, command: Sequence[str], private: Path, limits: Limits, extra: Mapping[str, str] | None = None
) -> Outcome:
    """Run `command` in the `private` folder of a `workplace` under `limits` and return how it ended.

    Its environment is `circuits.simulators.workplace.environment`, with `extra`.

    Raises
    ------
    EngineError
        It could not start, ran out of time or memory, or crashed; the message ends with the remedy.
    """
    log_path = private / f"{engine}.log"
    started = time.perf_counter()
    with log_path.open("wb") as log:
        try:
            process = subprocess.Popen(
                command, cwd=private, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, env=environment(private, extra),
            )  # fmt: skip
        except OSError as error:
            raise EngineError(f"{engine} does not start ({error}); install it again") from error
        code, usage, megabytes = _wait(process, engine, limits, started)
    text = read_log(log_path)
    seconds = time.perf_counter() - started
    if code != 0:
        raise EngineError(_last_words(engine, code, text, limits))
    used = usage.ru_utime + usage.ru_stime
    return Outcome(log=text, seconds=seconds, processor_seconds=used, megabytes=megabytes)


def read_log(path: Path) -> str:
    """Return a log without its colours, or the first and last `LOG_END` bytes of one that is longer than both."""
    with path.open("rb") as file:
        head = file.read(2 * LOG_END)
        if path.stat().st_size > 2 * LOG_END:
            file.seek(-LOG_END, os.SEEK_END)
            head = head[:LOG_END] + b"\n...\n" + file.read()
    return COLOUR.sub("", head.decode("utf-8", "replace"))


def _resident(process_id: int) -> float:
    """Return the peak memory of a running process in megabytes (VmHWM), 0 where the system does not tell.

    `ru_maxrss` of a child counts what its parent held when it forked.
    """
    try:
        status = Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    return int(found.group(1)) / 1024 if found else 0.0


def _limit(process_id: int, engine: str, limits: Limits) -> None:
    """Limit memory, and processor time to what all processors give in the wall time: an orphan ends by itself."""
    if not hasattr(resource, "prlimit"):
        return
    gigabytes = limits.gigabytes
    size = int(gigabytes * 2**30)
    seconds = min(ceil(limits.seconds * (os.cpu_count() or 1)) + 1, 2**31)
    try:
        resource.prlimit(process_id, resource.RLIMIT_CPU, (seconds, seconds))
        resource.prlimit(process_id, resource.RLIMIT_AS, (size, size))
    except ProcessLookupError:  # it has ended already
        return
    except (OSError, ValueError) as error:
        raise EngineError(
            f"the memory of {engine} cannot be limited to {gigabytes:g} GiB ({error}); allow less with --memory"
        ) from error


def _wait(
    process: subprocess.Popen, engine: str, limits: Limits, started: float
) -> tuple[int, resource.struct_rusage, float]:
    """Limit the process; return exit code, times and peak megabytes; kill its group when the time is over."""
    pause, megabytes = 0.002, 0.0
    try:
        _limit(process.pid, engine, limits)
        while time.perf_counter() - started <= limits.seconds:
            megabytes = max(megabytes, _resident(process.pid))
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode, usage, megabytes
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
    lines = [line.strip()[:LINE] for line in log.splitlines() if line.strip() and BANNER not in line]
    telling = [line for line in lines if any(word in line.lower() for word in TELLING)] or lines
    telling = [line for line in telling if "fatal error in ngspice" not in line] or telling
    said = "; ".join(telling[-3:]) or "without a word"
    if code < 0:
        name = signal.Signals(-code).name
        return f"{engine} crashed ({name}): {said}. If memory ran out, allow more than {limits.gigabytes:g} GiB"
    return f"{engine} failed with exit code {code}: {said}. `hopbar verify --keep FOLDER` keeps netlist and log"
