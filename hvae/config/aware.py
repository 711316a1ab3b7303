"""The table `[aware]` of a run: the device that its weights are trained for, with the errors that it would make."""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.numerics import checks


@dataclass(frozen=True, kw_only=True)
class AwareSettings:
    """Which device, and how it would be written; the same names as the options of `hopbar program`.

    Raises
    ------
    InvalidValue
        A tolerance or spread that is out of its range, levels below two.
    """

    device: str | None = None  # preset, law or TOML file; none: weights are exact
    tolerance: float = 0.01  # accepted miss of a device, fraction of its range
    levels: int | None = None  # conductances that a device can hold
    variation: float = 0.0  # relative device-to-device spread
    strength: float = 1.0  # of the disturbance, in those that the device makes

    def __post_init__(self) -> None:
        checks.positive("aware.tolerance", self.tolerance)
        checks.not_negative("aware.variation", self.variation)
        checks.positive("aware.strength", self.strength)
        if self.levels is not None:
            checks.at_least("aware.levels", self.levels, 2)
