"""Numbers of a technology with a low, a typical and a high value, each with its source (data/technology/*.toml)."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossbar import shipped
from crossbar.errors import CorruptFile, InvalidValue, MissingFile, unknown_name

SCALINGS = ("feature", "analog", "none")
STATUSES = ("measured", "published", "secondary", "assumed")
POINTS = ("low", "typical", "high")
SMALLEST, LARGEST = 1e-30, 1e30  # between which a number lies that is not 0, so that no product of a few overflows
_FIELDS = (*POINTS, "unit", "scaling", "source", "status")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One number of a technology, with where it comes from.

    Attributes
    ----------
    name : str
    low, typical, high : float
        The values that make the smallest (most frugal), the likely and the largest chip; a density falls from low to
        high.
    unit : str
        Such as ``"um2"``, ``"F2"`` (squares of the feature size), ``"J"``.
    scaling : {"feature", "analog", "none"}
        ``feature``: value F^2; ``analog``: value (node / reference node)^a; ``none``: as it stands.
    source : str
        Never empty.
    status : {"measured", "published", "secondary", "assumed"}
        ``secondary`` is a paper's number read in somebody else's code.

    Raises
    ------
    InvalidValue
        A missing source or unit, a value that is neither 0 nor between 1e-30 and 1e30, a typical value outside low to
        high, an unknown word.
    """

    name: str
    low: float
    typical: float
    high: float
    unit: str
    scaling: str
    source: str
    status: str

    def __post_init__(self) -> None:
        if not isinstance(self.source, str) or not self.source.strip():
            raise InvalidValue(f"parameter `{self.name}` must have a source, but has none: say where it is from")
        if not isinstance(self.unit, str) or not self.unit.strip():
            raise InvalidValue(f"`unit` of parameter `{self.name}` must be a word such as 'um2', but got {self.unit!r}")
        for point in POINTS:
            value = getattr(self, point)
            if isinstance(value, bool) or not isinstance(value, int | float) or not _sane(value):
                raise InvalidValue(
                    f"`{point}` of parameter `{self.name}` must be a number >= 0, either 0 or from {SMALLEST:g} to "
                    f"{LARGEST:g}, but got {repr(value)[:40]}"
                )
        if not min(self.low, self.high) <= self.typical <= max(self.low, self.high):
            raise InvalidValue(
                f"`typical` of parameter `{self.name}` must lie between `low` and `high`, but got "
                f"{self.low:g}, {self.typical:g}, {self.high:g}"
            )
        _check_word(self.name, "scaling", self.scaling, SCALINGS)
        _check_word(self.name, "status", self.status, STATUSES)

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return `count` values (count,): log-triangular about `typical`, or triangular where an end is zero."""
        low, high = sorted((self.low, self.high))
        if low == high:
            return np.full(count, float(low))
        if low == 0:
            return rng.triangular(low, self.typical, high, count)
        return np.exp(rng.triangular(math.log(low), math.log(self.typical), math.log(high), count))


def shipped_tables(name: str) -> dict[str, dict]:
    """Return the tables of the shipped file data/technology/`name`."""
    text = shipped.folder().joinpath("technology", name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def read_tables(path: Path) -> dict[str, dict]:
    """Return the tables of a TOML file."""
    if not path.is_file():
        raise MissingFile(f"no technology file at {path}")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # bad syntax, no UTF-8, a number of thousands of digits, deep nests
        raise CorruptFile(f"{path} must be a TOML file, but: {error}") from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise CorruptFile(f"`{name}` in {path} must be a table with {', '.join(_FIELDS)}, but got {table!r}")
    return tables


def read_parameter(name: str, entry: Mapping, path: str | Path) -> Parameter:
    """Return the parameter that the table `entry` of the file `path` describes, or say what is wrong with it."""
    for key in entry:
        if key not in _FIELDS:
            raise unknown_name(f"field of parameter `{name}` in {path}:", key, _FIELDS)
    if "source" not in entry:
        raise InvalidValue(f"parameter `{name}` in {path} must have a source, but has none: say where it is from")
    missing = [key for key in _FIELDS if key not in entry]
    if missing:
        raise InvalidValue(f"parameter `{name}` in {path} lacks {', '.join(missing)}: give {', '.join(_FIELDS)}")
    return Parameter(name=name, **entry)


def _sane(value: float) -> bool:
    return value == 0 or SMALLEST <= value <= LARGEST


def _check_word(name: str, key: str, word: str, known: Iterable[str]) -> None:
    if word not in known:
        raise InvalidValue(f"`{key}` of parameter `{name}` must be one of {', '.join(known)}, but got {word!r}")
