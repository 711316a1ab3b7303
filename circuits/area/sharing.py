"""What two networks share when they become silicon: nothing, the die with its converters, or the neurons too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from circuits.area.inventory import Inventory
from circuits.area.tiling import TileCount
from crossbar.errors import unknown_name


def two_chips(parts: Sequence[Inventory]) -> Inventory:
    """Return the inventory of networks that are a chip each."""
    return Inventory(
        tiles=sum((part.tiles for part in parts), TileCount()),
        n_neurons=sum(part.n_neurons for part in parts),
        n_capacitors=sum(part.n_capacitors for part in parts),
        n_buffers=sum(part.n_buffers for part in parts),
        n_with_rho=sum(part.n_with_rho for part in parts),
        n_with_slope=sum(part.n_with_slope for part in parts),
        n_driven=sum(part.n_driven for part in parts),
        n_strained=sum(part.n_strained for part in parts),
        n_clamps=sum(part.n_clamps for part in parts),
        n_role_selects=sum(part.n_role_selects for part in parts),
        n_multiplexers=sum(part.n_multiplexers for part in parts),
        dac_lines=sum((part.dac_lines for part in parts), ()),
        adc_lines=sum((part.adc_lines for part in parts), ()),
        n_remembered=sum(part.n_remembered for part in parts),
        n_controllers=sum(part.n_controllers for part in parts),
        n_dies=sum(part.n_dies for part in parts),
    )


def shared_io(parts: Sequence[Inventory]) -> Inventory:
    """Return the inventory of one die: converters, memory, control and pads serve one network at a time.

    The ADCs and the memory are those of the larger network; every clamped line still hangs on a DAC.
    """
    return replace(
        two_chips(parts),
        dac_lines=(sum(sum(part.dac_lines) for part in parts),),
        adc_lines=(max(sum(part.adc_lines) for part in parts),),
        n_remembered=max(part.n_remembered for part in parts),
        n_controllers=1,
        n_dies=1,
    )


def shared_neurons(parts: Sequence[Inventory]) -> Inventory:
    """Return the inventory of one die on which neurons, capacitors and buffers are time-shared too.

    Every line of every array then needs a switch to its circuit: one a buffer, one a neuron for its bit lines.
    """
    if len(parts) == 1:
        return shared_io(parts)
    return replace(
        shared_io(parts),
        n_neurons=max(part.n_neurons for part in parts),
        n_capacitors=max(part.n_capacitors for part in parts),
        n_buffers=max(part.n_buffers for part in parts),
        n_with_rho=max(part.n_with_rho for part in parts),
        n_with_slope=max(part.n_with_slope for part in parts),
        n_driven=max(part.n_driven for part in parts),
        n_strained=max(part.n_strained for part in parts),
        n_multiplexers=sum(part.n_buffers + part.n_neurons for part in parts),
    )


SHARING = {"two-chips": two_chips, "shared-io": shared_io, "shared-neurons": shared_neurons}


def combine(parts: Sequence[Inventory], sharing: str) -> Inventory:
    """Return the inventory of networks `parts` under `sharing` ("two-chips", "shared-io", "shared-neurons").

    Raises
    ------
    UnknownName
        For any other word.
    """
    if sharing not in SHARING:
        raise unknown_name("accounting of untied networks", sharing, SHARING)
    return SHARING[sharing](parts)
