"""The table `[array]` says what `crossbar.arrays.config.ArrayConfig` takes: the same defaults, no other names."""

from dataclasses import MISSING, fields
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from crossbar.arrays import config as arrays
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.read_noise import SPECTRA, ReadNoise
from crossbar.devices.mapping import MAPPINGS
from crossbar.devices.nonidealities import FaultLaw
from crossbar.pulses.encodings import ENCODINGS
from crossbar.pulses.engines import ENGINES
from hvae.config.array import ArraySettings

DIFFERS = {"weight_limit", "programming_error"}  # the range of a chip that learns is given; an error is a number there
KNOWN = {
    "mapping": MAPPINGS, "symmetry": arrays.SYMMETRIES, "spectrum": SPECTRA, "encoding": tuple(ENCODINGS),
    "engine": ("auto", *ENGINES), "wire_ends": arrays.WIRE_ENDS, "wire_gains": arrays.WIRE_GAINS,
    "wire_order": arrays.WIRE_ORDERS,
}  # fmt: skip


def defaults(*classes):
    return {
        one.name: one.default for each in classes for one in fields(each) if one.default is not MISSING
    }  # those made by a factory are tables of their own


def test_what_both_name_has_one_default():
    ours, theirs = defaults(ArraySettings), defaults(ArrayConfig, ReadNoise, FaultLaw)
    shared = (set(ours) & set(theirs)) - DIFFERS
    assert len(shared) > 15
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}


@pytest.mark.parametrize("name", KNOWN)
def test_a_choice_is_one_that_arrays_know(name):
    hint = get_type_hints(ArraySettings)[name]
    options = [one for part in get_args(hint) for one in (get_args(part) if get_origin(part) is Literal else [part])]
    words = {one for one in options if isinstance(one, str)}
    assert words
    assert words <= set(KNOWN[name])
