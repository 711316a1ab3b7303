"""A device in use: it holds what it can, and learns as its steps let it."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.commands.devices import devices
from crossbar.devices.law import law
from crossbar.devices.presets import load
from crossbar.programming import trial

pytestmark = pytest.mark.needs_jit  # many steps: minutes without the compiler


def tried(device):
    return trial.run(device, np.random.default_rng(0))


def test_fine_and_even_steps_learn_as_floats_do():
    made = tried(law("constant", dw_min=0.0005, dw_min_std=0.0, w_min=-1.0, w_max=1.0))
    assert made.floor < 0.002
    assert made.ideal[-1] < 1e-5  # floats end at the map itself
    assert made.taught[0] == pytest.approx(trial.LARGEST / 3**0.5, rel=0.05)


def test_coarser_steps_learn_less():
    floors = [tried(law("constant", dw_min=step, w_min=-1.0, w_max=1.0)).floor for step in (0.002, 0.02, 0.1)]
    assert floors == sorted(floors)
    assert floors[2] > 5 * floors[0]


def test_a_device_may_hold_what_it_cannot_learn():
    made = tried(load("taox-hfox"))
    assert made.programming_error < 0.01
    assert made.floor > 0.5 * made.taught[0]


def test_one_sided_pairs_learn_as_they_are_refreshed():
    preset = load("pcm")
    with_it, without = (tried(device) for device in (preset, preset.law))
    assert with_it.floor < 0.8 * without.floor


def test_the_command_tells_it():
    done = CliRunner().invoke(devices, ["show", "epiram", "--trial", "--json"])
    used = json.loads(done.output)["in_use"]
    assert used["distance_taught"] == pytest.approx(tried(load("epiram")).floor)
