"""Update laws of memristors by name, and the interface that arrays use.

An array owner needs four calls::

    law = crossbar.devices.law("soft-bounds", dw_min=0.002)      # or crossbar.presets.load("epiram").law
    state = law.sample((n_rows, n_cols), rng)                    # DeviceState: planes, hidden, visible (weight units)
    apply_pulses(state, n_up, n_down, rng)                       # integer counts per device: write-verify, digital encodings
    report = update(state, rows, columns, rate=..., rng=rng)     # crossbar.pulse_engines: rank-one contrasts as pulse trains

A read uses `state.visible`; what acts on the devices in time (drift, decay, diffusion) changes `state.hidden` and then
calls `law.redraw(state, None, rng)`.

Notes
-----
One device for W_ij and W_ji (`shared`): the contrast dW = R^T S + S^T R of a factorised encoding is symmetric, and the
pair's one device must receive R_i S_j + S_i R_j. So both orders are sent, one after the other, as two rank-one passes on
the same plane: line i carries R and line j carries S, then line i carries S and line j carries R.
`crossbar.contrast` stacks the two passes along the batch axis, (2 batch, n). For a rectangle of devices between two
blocks, `update` takes them as they are; for the square of a dense network `crossbar.pulse_engines.update_shared` gives
the pulses to the devices above the diagonal only and mirrors them, so that `visible` is symmetric bit for bit and reads
need no second copy.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from crossbar.errors import InvalidValue, unknown_name
from crossbar.laws.curved import ExponentialStep, PiecewiseStep, PowerStep
from crossbar.laws.jump_table import JumpTable
from crossbar.laws.linear import AffineLaw, ConstantStep, LinearStep, SoftBounds, SoftBoundsPmax
from crossbar.laws.neurosim import NonlinearStep
from crossbar.laws.pulsed import DeviceState, PulsedLaw

__all__ = [
    "LAWS", "AffineLaw", "ConstantStep", "DeviceState", "ExponentialStep", "JumpTable", "LinearStep", "NonlinearStep",
    "PiecewiseStep", "PowerStep", "PulsedLaw", "SoftBounds", "SoftBoundsPmax", "law", "parameter_names",
]  # fmt: skip

LAWS: dict[str, type[PulsedLaw]] = {
    cls.name: cls
    for cls in (
        ConstantStep, LinearStep, SoftBounds, SoftBoundsPmax, NonlinearStep, ExponentialStep, PowerStep, PiecewiseStep,
        JumpTable,
    )
}  # fmt: skip


def law(name: str, **parameters: Any) -> PulsedLaw:
    """Return the law `name` with `parameters`; what is not given keeps the law's default, spreads zero.

    Raises
    ------
    UnknownName
        No such law, or no such parameter of it (the nearest is suggested).
    InvalidValue
        A parameter that cannot be meant.
    """
    if name not in LAWS:
        raise unknown_name("law", name, LAWS)
    known = parameter_names(name)
    for key, value in parameters.items():
        if key not in known:
            raise unknown_name(f"parameter of the law {name!r}", key, known)
        if isinstance(value, str) and known[key] is not str:
            raise InvalidValue(f"`{key}` must be a number, but got {value!r}")
    return LAWS[name](**parameters)


def parameter_names(name: str) -> dict[str, Any]:
    """Return the parameters that the law `name` takes, each with its type."""
    return {field.name: type(field.default) for field in fields(LAWS[name]) if field.init}
