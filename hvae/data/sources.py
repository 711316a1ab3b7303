"""The four IDX files of an MNIST-like data set: where they are sought, how they are fetched and checked."""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from crossbar import shipped
from crossbar.errors import CorruptFile, MissingFile
from hvae.data import idx

EMBEDDED = "mnist-5k"
DIGITS = "digits"  # scikit-learn's, 8 x 8
FOLDER_VARIABLE = "HOPBAR_DATA"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRecord:
    """What one unpacked IDX file must be."""

    name: str  # without .gz
    shape: tuple[int, ...]
    sha256: str  # of the unpacked bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A data set as its publisher describes it (an entry of data/checksums.toml)."""

    name: str
    source: str
    licence: str
    mirrors: tuple[str, ...]
    files: tuple[FileRecord, ...]
    folders: tuple[Path, ...] = ()  # where a system's package puts them
    package: str | None = None  # Debian's name of it


@cache
def names() -> tuple[str, ...]:
    """Return the names of all data sets, the embedded one first."""
    return (EMBEDDED, *known_sources(), DIGITS)


def known_sources() -> dict[str, Source]:
    """Return the sources listed in data/checksums.toml, by name."""
    text = shipped.folder().joinpath("checksums.toml").read_text(encoding="utf-8")
    return {name: _source(name, entry) for name, entry in tomllib.loads(text).items()}


def _source(name: str, entry: Mapping) -> Source:
    files = tuple(
        FileRecord(name=key, **{**fact, "shape": tuple(fact["shape"])}) for key, fact in entry["files"].items()
    )
    return Source(
        name=name,
        source=entry["source"],
        licence=entry["licence"],
        mirrors=tuple(entry["mirrors"]),
        files=files,
        folders=tuple(Path(one) for one in entry.get("folders", ())),
        package=entry.get("package"),
    )


def find_folder(source: Source, folder: Path | None = None) -> Path:
    """Return the folder that holds the files of `source`, fetching them into the user's cache if they are nowhere.

    Sought in this order: `folder` (and nowhere else if it is given), the folder in ``HOPBAR_DATA``, the user's cache,
    the folder of a system's package, the mirrors.  The first two may hold the files themselves or in a sub-folder named
    after the data set.

    Raises
    ------
    MissingFile
        If a folder has some but not all of the files, `folder` has none, HOPBAR_DATA names no folder of data sets, or
        no mirror can be reached.
    """
    if folder is not None:
        return _holding(source, folder) or _refuse(source, folder)
    found = held_folder(source)
    if found is not None:
        return found
    cached = cache_folder() / source.name
    fetch(source, cached)
    return cached


def held_folder(source: Source) -> Path | None:
    """Return the folder that holds all files of `source` already, or None; mirrors are not asked."""
    variable = os.environ.get(FOLDER_VARIABLE)
    found = _holding(source, _named(Path(variable))) if variable else None
    if found is not None:
        return found
    for folder in (cache_folder() / source.name, *source.folders):
        if all(locate(folder, record) is not None for record in source.files):
            return folder
    return None


def _named(folder: Path) -> Path:
    """Return the folder in HOPBAR_DATA, or say that it is none, before a mirror is asked for what it should hold."""
    wrong = None
    if not folder.exists():
        wrong = "does not exist"
    elif not folder.is_dir():
        wrong = "is a file"
    elif not any(
        locate(place, record)
        for source in known_sources().values()
        for record in source.files
        for place in (folder, folder / source.name)
    ):
        wrong = "holds no file of a known data set, in itself or in a sub-folder named after one"
    if wrong is not None:
        raise MissingFile(
            f"{FOLDER_VARIABLE} is {str(folder)!r}, which {wrong}: correct it, or unset it to have files fetched"
        )
    return folder


def cache_folder() -> Path:
    """Return the user's cache folder of Hopbar (it may not exist yet)."""
    import pooch

    return Path(pooch.os_cache("hopbar"))


def _holding(source: Source, folder: Path) -> Path | None:
    """Return `folder`, or its sub-folder named after the data set, if it holds files of `source`."""
    own = folder / source.name
    for candidate in (own, folder):
        held = any(locate(candidate, record) for record in source.files)
        if held and (candidate == own or _other_owner(source, folder) is None):
            return _complete(source, candidate)
    return None


def _other_owner(source: Source, folder: Path) -> str | None:
    """Return the name of another data set whose files `folder` holds: all MNIST-like sets use the same file names."""
    others = (name for name, other in known_sources().items() if name != source.name and _is_file_of(other, folder))
    return next(others, None)


def _is_file_of(source: Source, folder: Path) -> bool:
    """Return whether the smallest file in `folder` (the test labels) has the sum of `source`."""
    record = min(source.files, key=lambda one: int(np.prod(one.shape)))
    path = locate(folder, record)
    if path is None:
        return False
    try:
        return hashlib.sha256(idx.unpack(path)).hexdigest() == record.sha256
    except CorruptFile:
        return False  # the full check, made when the file is read, says what is wrong with it


def _complete(source: Source, folder: Path) -> Path:
    missing = [record.name for record in source.files if locate(folder, record) is None]
    if missing:
        raise MissingFile(
            f"{folder} lacks {', '.join(missing)} (each may also end in .gz) of the data set {source.name!r}. "
            "Copy them there, name another folder, or move this one away to have all four fetched."
        )
    return folder


def _refuse(source: Source, folder: Path) -> Path:
    owner = _other_owner(source, folder)
    holds = f"holds the data set {owner!r}" if owner else "holds no such file"
    names = ", ".join(record.name for record in source.files)
    raise MissingFile(
        f"{folder} {holds}, but {source.name!r} needs {names}, plain or .gz, there or in {folder / source.name}. "
        "Copy them there, or leave the folder out to have them fetched into the user's cache."
    )


def locate(folder: Path, record: FileRecord) -> Path | None:
    """Return the file of `record` in `folder`, packed or not, or None."""
    for path in (folder / f"{record.name}.gz", folder / record.name):
        if path.is_file():
            return path
    return None


def fetch(source: Source, folder: Path) -> None:
    """Download the files of `source` that `folder` lacks, packed, with pooch, trying each mirror in turn.

    Raises
    ------
    MissingFile
        If no mirror gives a file.
    """
    for record in source.files:
        if locate(folder, record) is None:
            _fetch_one(source, record, folder)


def _fetch_one(source: Source, record: FileRecord, folder: Path) -> None:
    errors = []
    for mirror in source.mirrors:
        error = _failure(mirror, source, record, folder)
        if error is None:
            return
        errors.append(f"{mirror}: {error}")
    install = f", install Debian's package {source.package}" if source.package else ""
    raise MissingFile(
        f"could not download {record.name}.gz of {source.name!r}. Copy the four .gz files into a folder and name it "
        f"with {FOLDER_VARIABLE}=FOLDER{install}, or use the embedded data set mnist-5k. "
        f"What was tried: {'; '.join(errors)}"
    )


def _failure(mirror: str, source: Source, record: FileRecord, folder: Path) -> Exception | None:
    """Fetch one file and check it; return what went wrong, or None.  A file that is not the right one is not kept."""
    import pooch

    packed = f"{record.name}.gz"
    try:
        pooch.retrieve(mirror + packed, known_hash=None, fname=packed, path=folder)
        _read(source, record, folder / packed)
    except CorruptFile as error:
        (folder / packed).unlink()
        return error
    except (OSError, ValueError) as error:  # no network, or no such address
        return error
    return None


def read(source: Source, folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of the four files by name, each checked for its sum and its shape.

    Raises
    ------
    MissingFile
        If one is not there.
    CorruptFile
        If one is truncated, foreign, or not what its publisher released.
    """
    _complete(source, folder)
    return {record.name: _read(source, record, locate(folder, record) or folder) for record in source.files}


def _read(source: Source, record: FileRecord, path: Path) -> np.ndarray:
    remedy = _remedy(source, path)
    try:
        content = idx.unpack(path)
        array = idx.parse(content, str(path))
    except CorruptFile as error:
        raise CorruptFile(f"{error}, so it is not the file that {source.name!r} needs. {remedy}") from error
    if array.shape != record.shape:
        raise CorruptFile(
            f"{path} holds an array of shape {array.shape}, but {source.name!r} needs {record.shape}. {remedy}"
        )
    got = hashlib.sha256(content).hexdigest()
    if got != record.sha256:
        raise CorruptFile(
            f"{path} is not the file that {source.name!r} needs: its shape is right, but its checksum is {got}, "
            f"expected {record.sha256}. {remedy}"
        )
    return array


def _remedy(source: Source, path: Path) -> str:
    """Return what to do about a file that is not the published one; nobody is told to remove what may be their own."""
    if path.parent == cache_folder() / source.name:
        return "It lies in Hopbar's own cache: remove it there, and it is fetched again."
    return (
        f"Leave it where it is if it is your own: {source.name!r} means the published files alone. Name a folder that "
        f"holds those (data.folder or {FOLDER_VARIABLE}), or name none to have them fetched into the user's cache."
    )
