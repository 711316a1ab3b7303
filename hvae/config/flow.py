"""The configuration of a flow (`hvae.flows`): which images, how it is taught, on which array."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from crossbar import input_files
from crossbar.errors import InvalidValue
from crossbar.numerics import checks
from hvae.config import plan_file, toml_file
from hvae.config.array import ArraySettings
from hvae.config.own_images import looked_up
from hvae.config.run import DataConfig

TIMES = 8
LENGTH = 8.0
GAIN = 3.0


@dataclass(frozen=True, kw_only=True)
class Teaching:
    """How a flow is learned.

    Attributes
    ----------
    hidden : int
        Hidden neurons.
    matching : {"flow", "equilibrium", "denoiser"}
        What the field is taught to be, `hvae.flows.matching`: that of the time, one without time, or the clean sample
        at neurons of their own (no images: a prior of latents).
    times : int
        Neurons that hold the time, an even number; a field without time has none.
    length : float
        Of a field without time: time constants of the pixels until they are read.
    gain : float
        Of the hidden neurons.
    steps, batch : int
    pool : int
        Samples that are paired with noise at once, a few batches: at least `batch`.
    pairing : {"nearest", "independent"}
        Which noise flows to which sample, `hvae.flows.pairing`.
    margin : float
        Samples at -1 and at 1, or beyond, are moved outward by so much of half-normal noise; 0 for samples that are
        no pixels. Clipping takes it back: a pixel that is black for sure needs no exact target then.
    rate : float
        Of Muon; it rises over the first twentieth and falls to zero from a third on.
    seed : int
        Of a run; `hvae.flows.course.learn` takes its own.
    """

    hidden: int = 160
    matching: Literal["flow", "equilibrium", "denoiser"] = "flow"
    times: int = TIMES
    length: float = LENGTH
    gain: float = GAIN
    steps: int = 3000
    batch: int = 256
    pool: int = 1024
    pairing: Literal["nearest", "independent"] = "nearest"
    margin: float = 0.0
    rate: float = 5e-3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("hidden", "steps", "batch"):
            checks.at_least(f"teaching.{name}", getattr(self, name), 1)
        for name in ("rate", "gain", "length"):
            checks.positive(f"teaching.{name}", getattr(self, name))
        checks.at_least("teaching.times", self.times, 2)
        checks.at_least("teaching.margin", self.margin, 0)
        checks.at_least("teaching.seed", self.seed, 0)
        if self.times % 2:
            raise InvalidValue(f"`teaching.times` must be even, a cosine and a sine each, but got {self.times}")
        if self.pool < self.batch:
            raise InvalidValue(
                f"`teaching.pool` must be at least `teaching.batch`, {self.batch}, but got {self.pool}: raise it"
            )

    @property
    def n_times(self) -> int:
        """Time neurons that the network has."""
        return 0 if self.matching == "equilibrium" else self.times


@dataclass(frozen=True, kw_only=True)
class FlowConfig:
    """A run that learns a flow; on devices where `array.device` names some (`hvae.flows.pulsed`)."""

    data: DataConfig = field(default_factory=lambda: DataConfig(name="digits"))
    teaching: Teaching = field(default_factory=Teaching)  # of pixels `PIXELS` is, where a run is made
    array: ArraySettings = field(default_factory=lambda: ArraySettings(rule="mixed-precision", weight_limit=3.0))


PIXELS = Teaching(margin=0.3)
"""How a flow of images is learned unless a run says otherwise."""
_ADAPTER = TypeAdapter(FlowConfig)


def resolve(files: Iterable[Path] = (), overrides: Iterable[str] = ()) -> FlowConfig:
    """Return the defaults, changed by each of `files` and then by each `key=value`; own images are looked up.

    Raises
    ------
    UnknownName, InvalidValue
        An unknown key, a value of the wrong type or out of its range.
    MissingFile, CorruptFile
        A file that is not there, or is no TOML.
    """
    tables = asdict(FlowConfig(teaching=PIXELS))
    for path in files:
        toml_file.merge(tables, input_files.toml(path, f"no config file at {path}"))
    for override in overrides:
        toml_file.set_key(tables, override)
    config = plan_file.check(_ADAPTER, tables, "the configuration of the flow")
    return replace(config, data=looked_up(config.data))


def differences(one: FlowConfig, other: FlowConfig) -> list[str]:
    """Return of every key in which two configurations differ, in words, what it is in each."""
    before, after = asdict(one), asdict(other)
    return [
        f"{table}.{key} is {value!r}, not {after[table][key]!r}"
        for table, keys in before.items()
        for key, value in keys.items()
        if after[table][key] != value
    ]


def loads(text: str, place: str) -> FlowConfig:
    """Return the configuration in `text`, TOML as `dump` writes it, which lies at `place`."""
    return plan_file.check(_ADAPTER, input_files.toml_text(text, place), place)


def dump(config: FlowConfig) -> str:
    """Return `config` as TOML, every key resolved; keys without a value are left out.

    Examples
    --------
    >>> dump(FlowConfig()).splitlines()[:2]
    ['[data]', 'name = "digits"']
    """
    tables = asdict(config)
    if config.array.device is None:
        del tables["array"]  # floats have no chip
    return toml_file.written(tables)
