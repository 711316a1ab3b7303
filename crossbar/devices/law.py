"""Update laws of memristors by name, and the interface that arrays use.

An array owner needs four calls::

    law = crossbar.devices.law.law("soft-bounds", dw_min=0.002)      # or crossbar.devices.presets.load("epiram").law
    state = law.sample((n_rows, n_cols), rng)                    # DeviceState: planes, hidden, visible (weight units)
    report = update(state, rows, columns, rate=..., rng=rng)     # rank-one contrasts as pulse trains
    report = apply_pulses(state, n_up, n_down, rng)              # whole numbers of pulses, device by device

The last two are of `crossbar.pulses.engines`; write-verify and the digital encodings of a contrast use `apply_pulses`.
A read uses `state.visible`; what acts on the devices in time (drift, decay, diffusion) changes `state.hidden` and then
calls `law.redraw(state, None, rng)`.

Notes
-----
One device for W_ij and W_ji (`shared`): the contrast dW = R^T S + S^T R of a factorised encoding is symmetric, and the
pair's one device must receive R_i S_j + S_i R_j. So both orders are sent, one after the other, as two rank-one passes
on the same plane: line i carries R and line j carries S, then line i carries S and line j carries R.
`crossbar.pulses.encodings` stacks the two passes along the batch axis, (2 batch, n). For a rectangle of devices between
two blocks, `update` takes them as they are; for the square of a dense network `crossbar.pulses.engines.update_shared`
gives the pulses to the devices above the diagonal only and mirrors them, so that `visible` is symmetric bit for bit
and reads need no second copy.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from crossbar.devices import own_laws
from crossbar.devices.laws.curved import ExponentialStep, PiecewiseStep, PowerStep
from crossbar.devices.laws.jump_table import JumpTable
from crossbar.devices.laws.linear import AffineLaw, ConstantStep, LinearStep, SoftBounds, SoftBoundsPmax
from crossbar.devices.laws.neurosim import NonlinearStep
from crossbar.devices.laws.pulsed import DeviceState, PulsedLaw
from crossbar.errors import InvalidValue, unknown_name

__all__ = [
    "LAWS", "AffineLaw", "ConstantStep", "DeviceState", "ExponentialStep", "JumpTable", "LinearStep", "NonlinearStep",
    "PiecewiseStep", "PowerStep", "PulsedLaw", "SoftBounds", "SoftBoundsPmax", "law", "law_class", "names",
    "parameter_names",
]  # fmt: skip

LAWS: dict[str, type[PulsedLaw]] = {
    cls.name: cls
    for cls in (
        ConstantStep, LinearStep, SoftBounds, SoftBoundsPmax, NonlinearStep, ExponentialStep, PowerStep, PiecewiseStep,
        JumpTable,
    )
}  # fmt: skip


LAW_ALIASES = {"exp": "exponential", "pow": "power", "neurosim": "nonlinear", "pmax": "soft-bounds-pmax"}
PARAMETER_ALIASES = {
    "r_min": "range_min",
    "r_max": "range_max",
    "s_add": "dw_min_std_add",
    "s_slope": "dw_min_std_slope",
}


def law(name: str, **parameters: Any) -> PulsedLaw:
    """Return the law `name` with `parameters`; what is not given keeps the law's default, spreads zero.

    Spaces and underscores in `name` count as hyphens; `exp`, `pow`, `neurosim` and `pmax` are understood, as are the
    parameters `r_min`, `r_max`, `s_add` and `s_slope` of the literature.

    Raises
    ------
    UnknownName
        No such law, or no such parameter of it (the nearest is suggested).
    InvalidValue
        A parameter that cannot be meant.
    """
    name = canonical(name)
    known = parameter_names(name)
    given: dict[str, Any] = {}
    for key, value in parameters.items():
        full = key if key in known else PARAMETER_ALIASES.get(key, key)
        if full not in known:
            raise unknown_name(f"parameter of the law {name!r}", key, known)
        given[full] = checked(full, value, known[full])
    return law_class(name)(**given)


def names() -> list[str]:
    """Return the names of all laws, those of installed packages included (`crossbar.devices.own_laws`)."""
    return sorted({*LAWS, *own_laws.found()})


def law_class(name: str) -> type[PulsedLaw]:
    """Return the class of the law `name`, ours or one that an installed package registers.

    Raises
    ------
    UnknownName
        No such law; the nearest is suggested.
    InvalidValue
        A registered law that cannot be loaded or is none.
    """
    name = canonical(name)
    return LAWS[name] if name in LAWS else own_laws.load(name)


def canonical(name: str) -> str:
    """Return the law's own name for `name`.

    Raises
    ------
    UnknownName
        No such law; the nearest is suggested.
    """
    plain = name.strip().lower().replace("_", "-").replace(" ", "-")
    plain = LAW_ALIASES.get(plain, plain)
    if plain not in LAWS and plain not in own_laws.found():
        raise unknown_name("law", name, names())
    return plain


def parameter_names(name: str) -> dict[str, Any]:
    """Return the parameters that the law `name` takes, each with its type."""
    return {field.name: type(field.default) for field in fields(law_class(name)) if field.init}


def checked(name: str, value: Any, kind: type) -> Any:
    """Return `value` as the parameter's type.

    Raises
    ------
    InvalidValue
        Another type.
    """
    if kind is bool and value in (0, 1):
        return bool(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if (kind is str and isinstance(value, str)) or (kind is tuple and isinstance(value, list | tuple)):
        return value
    wanted = {bool: "true or false", float: "a number", str: "a name", tuple: "a list of numbers"}[kind]
    raise InvalidValue(f"`{name}` must be {wanted}, but got {value!r}")
