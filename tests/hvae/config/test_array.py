"""The table `[array]`: what it says reaches the arrays, what it leaves out is their default; files stay as they are."""

import subprocess
import sys
from dataclasses import fields
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from crossbar.array_fields import BOUNDS, ArrayFields
from crossbar.arrays.checkpoint import written
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices.nonidealities import FaultLaw
from crossbar.errors import InvalidValue
from crossbar.pulses.encodings import ENCODINGS
from crossbar.pulses.engines import ENGINES
from hvae.config import toml_file
from hvae.config.array import ArraySettings
from hvae.onchip.arrays import array_config

FIELDS = sorted(name for name in vars(ArrayFields) if not name.startswith("_"))
OTHER = {"levels": 64, "variation": 0.1, "stuck_low": 0.01, "stuck_high": 0.02, "correlation_reads": 50.0,
         "output_noise": 0.3, "tile_size": 32, "wire_resistance": 2.5, "wire_error": 0.05}  # fmt: skip
PARTS = {name: "faults" for name in ("levels", "variation", "stuck_low", "stuck_high")} | {
    name: "read_noise" for name in ("spectrum", "correlation_reads")
}  # where in an `ArrayConfig` a key of the flat table stands

FILE = """\
[array]
device = "ideal"
rule = "pulsed-sgd"
encoding = "factorised"
engine = "auto"
transfer_every = 10
transfer_gain = 0.2
symmetry = "shared"
weight_limit = 1.5
variation = 0.0
stuck_low = 0.0
stuck_high = 0.0
programming_error = 0.0
drift_nu = 0.0
drift_nu_std = 0.0
age_seconds = 0.0
read_noise = 0.0
read_noise_relative = 0.0
spectrum = "white"
correlation_reads = 1000.0
output_noise = 0.0
adc_range = 12.0
wire_resistance = 0.0
wire_ends = "one"
wire_gains = "none"
wire_order = "given"
wire_error = 0.0
drift_gains = "none"
noisy_phases = "auto"
noisy_steps = 15
average_steps = 1
"""


def choices(name):
    hint = get_type_hints(ArraySettings)[name]
    return [one for part in (hint, *get_args(hint)) if get_origin(part) is Literal for one in get_args(part)]


def read(config, name):
    return getattr(getattr(config, PARTS[name]) if name in PARTS else config, name)


CASES = [(name, one) for name in FIELDS for one in choices(name) or [OTHER[name]]]


@pytest.mark.parametrize(("name", "value"), CASES)
def test_what_the_table_says_reaches_the_array_and_nothing_else_changes(name, value):
    plain = array_config(ArraySettings(device="constant"))
    found = array_config(ArraySettings(device="constant", **{name: value}))
    assert read(found, name) == value
    assert {one: read(found, one) for one in FIELDS if one != name} == {
        one: read(plain, one) for one in FIELDS if one != name
    }


def test_what_the_table_leaves_out_is_what_arrays_default_to():
    assert array_config(ArraySettings(device="ideal")) == ArrayConfig()


def test_the_names_of_encodings_and_engines_are_those_that_exist():
    assert set(choices("encoding")) == set(ENCODINGS)
    assert set(choices("engine")) == {"auto", *ENGINES}


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("end", ["low", "high"])
def test_table_and_array_refuse_the_same_numbers_with_the_same_reason(name, end):
    owner = next(kind for kind in (ArrayConfig, FaultLaw, ReadNoise) if name in {one.name for one in fields(kind)})
    bounds = BOUNDS[name]
    value = getattr(bounds, end)
    assert getattr(owner(**{name: value}), name) == getattr(ArraySettings(device="ideal", **{name: value}), name)
    beyond = {"low": value - 1, "high": value * 2}[end]
    for kind, shown in ((owner, name), (ArraySettings, f"array.{name}")):
        with pytest.raises(InvalidValue) as caught:
            kind(**{name: beyond})
        assert str(caught.value).startswith(f"`{shown}` must be from {bounds.low:g} to {bounds.high:g}, but got")
        assert str(caught.value).endswith(bounds.reason)


def test_the_table_is_written_as_runs_have_kept_it():
    """Byte for byte, keys in this order: run folders, sweeps and `show-config` hold such files."""
    text = toml_file.dump(toml_file.resolve("tdh-vae", [], ["array.device=ideal"]))
    assert FILE in text
    assert toml_file.dump(toml_file.loads(text, "a dump")) == text


def test_an_array_is_told_by_the_words_that_checkpoints_hold_the_hash_of():
    """Fields in this order: a checkpoint of before goes on only where its fingerprint is the same."""
    config = array_config(
        ArraySettings(device="ideal", symmetry="two-device", levels=8, spectrum="pink", read_noise=0.1, tile_size=4,
                      output_noise=0.2, wire_resistance=2.0, wire_ends="both", encoding="sign", engine="walk")
    )  # fmt: skip
    assert written(config) == (
        "ArrayConfig(symmetry='two-device', weight_limit=1.5, faults=FaultLaw(levels=8), "
        "read_noise=ReadNoise(additive=0.1, spectrum='pink'), output_noise=0.2, tile_size=4, wire_resistance=2.0, "
        "wire_ends='both', encoding='sign', engine='walk')"
    )


def test_reading_a_configuration_compiles_nothing():
    code = "import sys, hvae.config.run, hvae.config.toml_file; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
