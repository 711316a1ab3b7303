"""Laws of one's own: classes that installed packages register, used by name wherever our laws are.

A package names its class under the group of entry points `hopbar.laws`::

    [project.entry-points."hopbar.laws"]
    cubic = "my_oxide:Cubic"

and the class is a frozen dataclass of `PulsedLaw` that says what one pulse does. Ten lines of Python::

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Cubic(PulsedLaw):
        name: ClassVar[str] = "cubic"
        fitted: ClassVar = {"bend": (0.5, 0.0, 1.0)}  # free in `hopbar devices fit`: guess, lowest, highest
        bend: float = 0.5

        def increment(self, planes, w, up, xi):
            place = 2 * (w - planes["w_min"]) / (planes["w_max"] - planes["w_min"]) - 1
            step = planes["step_up"] if up else -planes["step_down"]
            return step * (1 - self.bend * (place if up else -place) ** 3) * (1 + planes["noise"] * xi)

Such a law has no compiled kernel; the literal engine of `crossbar.pulses.engines` follows it pulse by pulse. No package
is imported before a law of it is asked for.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from crossbar.devices.laws.pulsed import PulsedLaw
from crossbar.errors import InvalidValue

GROUP = "hopbar.laws"
KINDS = (bool, float, str, tuple)  # of parameters


@lru_cache(maxsize=1)
def found() -> dict[str, EntryPoint]:
    """Return the registered laws by name; nothing is imported.

    Raises
    ------
    InvalidValue
        Two packages that register one name.
    """
    laws: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        name = point.name.lower().replace("_", "-")
        if name in laws and laws[name].value != point.value:
            raise InvalidValue(
                f"the law {name!r} is registered twice, as {laws[name].value} and as {point.value}: uninstall one of "
                "the packages"
            )
        laws[name] = point
    return laws


@lru_cache(maxsize=64)
def load(name: str) -> type[PulsedLaw]:
    """Return the class that is registered under `name`.

    Raises
    ------
    InvalidValue
        It cannot be imported; it is no frozen dataclass of `PulsedLaw`, has another name, does not say what a pulse
        does, or has parameters that a file cannot hold.
    """
    point = found()[name]
    what = f"the law {name!r}, registered as {point.value},"
    try:
        law = point.load()
    except (ImportError, AttributeError) as error:
        raise InvalidValue(f"{what} cannot be imported: {error}") from error
    if not (isinstance(law, type) and issubclass(law, PulsedLaw) and is_dataclass(law)):
        raise InvalidValue(f"{what} must be a frozen dataclass of `PulsedLaw`, but is {law!r}")
    if not law.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise InvalidValue(f"{what} must be frozen: @dataclass(frozen=True, kw_only=True, slots=True)")
    if law.name != name:
        raise InvalidValue(f"{what} calls itself {law.name!r}: give both the same name")
    if law.increment is PulsedLaw.increment:
        raise InvalidValue(f"{what} has no method `increment`, which says what one pulse does")
    for field in fields(law):
        if field.init and type(field.default) not in KINDS:
            raise InvalidValue(
                f"`{field.name}` of {what} must have a default that is a float, a bool, a text or a tuple of numbers, "
                f"but has {field.default!r}"
            )
    return law
