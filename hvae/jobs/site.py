"""What every worker of a cluster must have: this code, one shared folder, the data sets, the trained runs.

`facts` travels to workers by value, as they may have another Hopbar or none: it imports nothing of ours.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossbar.errors import EngineError, HopbarError, InvalidValue, MissingFile
from hvae.config.run import DataConfig
from hvae.data import sources
from hvae.data.sources import FOLDER_VARIABLE

PACKAGES = ("numpy", "scipy", "numba", "h5py")  # what results are computed by
Facts = dict[str, str]


class WorkerUnfit(EngineError):
    """A worker of the cluster has another Hopbar than the command, or does not see what it needs."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What the jobs of one command read and write.

    Attributes
    ----------
    out : Path
        The folder that all write to.
    data : tuple of DataConfig
    runs : tuple of Path
        Trained runs that are read.
    """

    out: Path
    data: tuple[DataConfig, ...] = ()
    runs: tuple[Path, ...] = ()

    def check_paths(self) -> None:
        """Refuse a path that means another place to each process.

        Raises
        ------
        InvalidValue
        """
        for config in self.data:
            if config.folder is not None and not Path(config.folder).is_absolute():
                raise InvalidValue(
                    f"`data.folder` must be an absolute path where others read it too, but got {config.folder!r}"
                )


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the machine of the command has, as its workers must find it."""

    needs: Needs
    token: str  # the name of a file in the folder
    facts: Facts

    def check(self, worker: str, threads: int) -> None:
        """Refuse the worker that this runs on, called `worker`, unless it has one of `threads` and sees all it needs.

        Raises
        ------
        WorkerUnfit
        """
        if threads != 1:
            raise WorkerUnfit(
                f"the worker {worker} has {threads} threads, but a process runs one job at a time: start it with "
                "--nthreads 1, and more of them with --nworkers"
            )
        try:
            self._see()
        except (HopbarError, OSError) as error:
            raise WorkerUnfit(f"the worker {worker} cannot take part: {error}") from None

    def _see(self) -> None:
        out = self.needs.out
        if not (out / self.token).is_file():
            raise MissingFile(
                f"it does not see the folder {out} of --out: name one on a disk that all machines mount at one place"
            )
        mark = out / f"{self.token}-{uuid.uuid4().hex}"
        mark.touch()  # or OSError: it may not write there
        mark.unlink()
        for run in self.needs.runs:
            if not (run / "config.toml").is_file():
                raise MissingFile(f"it does not see the run {run}: put it on a disk that all machines mount")
        for config in self.needs.data:
            _see_data(config)


def _see_data(config: DataConfig) -> None:
    if config.name == sources.EMBEDDED:
        return
    source = sources.known_sources()[config.name]
    if config.folder is not None:
        sources.find_folder(source, Path(config.folder))
    elif sources.held_folder(source) is None:
        raise MissingFile(
            f"it has no data set {config.name!r}: start it with {FOLDER_VARIABLE} set to a folder of data sets, or "
            "name one that it sees as `data.folder`"
        )


@contextmanager
def opened(needs: Needs) -> Iterator[Site]:
    """Make the folder of `needs` known to workers by a file in it, which is removed in the end."""
    needs.check_paths()
    needs.out.mkdir(parents=True, exist_ok=True)
    path = needs.out / f".cluster-{uuid.uuid4().hex}"
    path.touch()
    try:
        yield Site(needs=needs, token=path.name, facts=describing()(PACKAGES))
    finally:
        path.unlink(missing_ok=True)


def describing() -> Callable[[Iterable[str]], Facts]:
    """Return a function that tells which code its process has; made anew, so that it travels by value."""

    def facts(packages: Iterable[str]) -> Facts:
        import hashlib
        import platform
        from importlib import metadata, util
        from pathlib import Path

        found = {"Python": ".".join(platform.python_version_tuple()[:2])}
        spec = util.find_spec("hvae")
        if spec is None or not spec.submodule_search_locations:
            return found | {"hopbar": "none"}
        root = Path(next(iter(spec.submodule_search_locations))).parent
        digest = hashlib.sha256()
        for path in sorted(one for name in ("crossbar", "hvae") for one in (root / name).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
        found["hopbar"] = f"{metadata.version('hopbar')} (code {digest.hexdigest()[:8]})"
        return found | {name: metadata.version(name) for name in packages}

    return facts


def difference(here: Mapping[str, Any], there: Mapping[str, Any]) -> str | None:
    """Return in words where the code of a worker differs from that of the command; None where it does not."""
    wrong = [name for name in here if here[name] != there.get(name)]
    return ", ".join(f"{name} {there.get(name, 'none')} instead of {here[name]}" for name in wrong) or None
