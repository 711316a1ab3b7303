"""Devices known to be stuck: from a file to the conductances of a chip."""

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.chip import Chip, load_chip
from crossbar.commands.program import program
from crossbar.devices.law import law
from crossbar.devices.nonidealities import FaultLaw
from crossbar.devices.stuck_map import StuckMap, read
from crossbar.errors import CorruptFile, InvalidValue, MissingFile
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import write_verify
from crossbar.programming.write_verify import WriteVerify

DENSE = Network((("pixels", 6), ("hidden", 5), ("latent", 3)))
LAYERED = Network((("pixels", 6), ("hidden", 5), ("latent", 3)), "layered")
TABLE = """network,plane,row,column,state
# measured on Monday
tied,plus,2,9,low

tied,minus,9,2,high
other,plus,0,1,low
"""


def stuck(*entries):
    return StuckMap(np.array(entries).reshape(-1, 4))


def array_of(network, known, symmetry="shared", **settings):
    rng = np.random.default_rng(0)
    weights = random_weights(network, rng)
    config = ArrayConfig(symmetry=symmetry, weight_limit=1.0, faults=FaultLaw(stuck_map=known, **settings))
    return CrossbarArray.from_weights(network, weights, config, rng), weights


@pytest.mark.parametrize("network", [DENSE, LAYERED])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("place", [(2, 8), (8, 2)])
def test_just_the_devices_that_are_named_stand_where_they_are_stuck(network, symmetry, place):
    array, _ = array_of(network, stuck((0, *place, -1), (1, *place, 1)), symmetry)
    healthy, _ = array_of(network, stuck(), symmetry)
    (plus, minus), (good_plus, good_minus) = array.conductances(), healthy.conductances()
    both = {place, place[::-1]} if symmetry == "shared" else {place}
    for (row, column), g in np.ndenumerate(plus):
        if (row, column) in both:
            assert g == pytest.approx(array.mapping.g_min)
            assert minus[row, column] == pytest.approx(array.mapping.g_max)
        else:
            assert (g, minus[row, column]) == (good_plus[row, column], good_minus[row, column])
    assert (array.asymmetry() == 0) == (symmetry == "shared")


def test_a_map_comes_beside_drawn_faults():
    array, _ = array_of(DENSE, stuck((0, 2, 8, 1)), stuck_low=1.0)
    plus, _ = array.conductances()
    assert plus[2, 8] == pytest.approx(array.mapping.g_max)
    assert plus[0, 1] == pytest.approx(array.mapping.g_min)


def test_a_file_names_the_devices_of_each_network(tmp_path):
    path = tmp_path / "map ü.csv"
    path.write_text(TABLE)
    assert read(path, "tied").entries.tolist() == [[0, 2, 9, -1], [1, 9, 2, 1]]
    assert read(path, "other").entries.tolist() == [[0, 0, 1, -1]]
    path.write_text("state,column,row,plane\nlow,9,2,plus\n")
    assert read(path, "tied") == read(path, "any") == stuck((0, 2, 9, -1))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must begin with"), ("a,b\n1,2\n", "must begin with"), ("plane,row,column,state\nplus,1\n", "line 2"),
        ("plane,row,column,state\nplus,1,2,broken\n", "`state` must be low or high, but got 'broken'"),
        ("plane,row,column,state\nup,1,2,low\n", "`plane` must be plus or minus"),
        ("plane,row,column,state\nplus,-1,2,low\n", "`row` must be a whole number"),
        ("plane,row,column,state\nplus,1,99999999999,low\n", "`column` must be a whole number"),
        ("plane,row,column,state\nplus,²,2,low\n", "`row` must be a whole number"),
    ],
)  # fmt: skip
def test_a_bad_file_is_told_by_its_line(tmp_path, text, told):
    path = tmp_path / "map.csv"
    path.write_text(text)
    with pytest.raises(CorruptFile, match=told):
        read(path, "tied")


def test_what_is_no_text_or_no_file_is_told(tmp_path):
    (tmp_path / "binary").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(CorruptFile, match="is no table of text"):
        read(tmp_path / "binary", "tied")
    with pytest.raises(MissingFile, match="no stuck map at"):
        read(tmp_path, "tied")


def test_places_outside_the_network_are_refused():
    with pytest.raises(InvalidValue, match="names neuron 14, but the network has 14"):
        array_of(DENSE, stuck((0, 3, 14, -1)))


@pytest.mark.parametrize("entry", [(2, 0, 1, 1), (0, 0, 1, 0), (0, -1, 1, 1), (0, 1, 1)])
def test_entries_that_cannot_be_are_refused(entry):
    with pytest.raises(InvalidValue):
        StuckMap(np.array([entry]))


@pytest.mark.needs_jit
def test_write_verify_makes_up_with_the_other_device_of_a_pair():
    known = stuck((0, 2, 9, -1))
    rng = np.random.default_rng(1)
    weights = random_weights(DENSE, rng)
    weights[2, 9] = weights[9, 2] = -0.3
    config = ArrayConfig(device="epiram", weight_limit=1.0, faults=FaultLaw(stuck_map=known))
    array = CrossbarArray.from_weights(DENSE, weights, config, rng)
    array.write(np.zeros_like(weights), rng)
    report = write_verify(array, weights, WriteVerify(), rng)
    assert report.failed == 1  # the device itself
    assert array.weights()[2, 9] == pytest.approx(-0.3, abs=0.05)


@pytest.mark.needs_jit
def test_the_command_programs_a_chip_with_them(tmp_path):
    rng = np.random.default_rng(2)
    weights = {"tied": random_weights(DENSE, rng)}
    chip = Chip(
        model="tdh-vae", networks={"tied": DENSE}, weights=weights, image_shape=(2, 3), examples=np.zeros((1, 6))
    )
    chip.save(tmp_path / "chip.h5")
    (tmp_path / "map.csv").write_text(TABLE)
    command = [str(tmp_path / "chip.h5"), "--device", "epiram", "--stuck-map", str(tmp_path / "map.csv")]
    done = CliRunner().invoke(program, [*command, "--out", str(tmp_path / "stuck.h5")])
    assert done.exit_code == 0, done.output
    plus = load_chip(tmp_path / "stuck.h5").conductances["tied"].plus
    assert plus[2, 9] == plus[9, 2] == pytest.approx(plus[plus > 0].min())
    missing = CliRunner().invoke(program, [*command[:-1], str(tmp_path / "no.csv"), "--out", str(tmp_path / "x.h5")])
    assert isinstance(missing.exception, MissingFile)
    assert not (tmp_path / "x.h5").exists()


@pytest.mark.parametrize("plane", [0, 1])
@pytest.mark.parametrize("state", [-1, 1])
@pytest.mark.parametrize("weight", [0.3, -0.3])
def test_the_other_device_of_a_pair_makes_up_for_a_stuck_one(plane, state, weight):
    """Whichever it is: what a pair of range 1 can hold beside a device at 0 or 1."""
    network = Network((("pixels", 2), ("hidden", 1)))
    weights = np.zeros((3, 3))
    weights[0, 2] = weights[2, 0] = weight
    weights[1, 2] = weights[2, 1] = 1.0  # fills the range
    steps = law("constant", dw_min=0.001, dw_min_std=0.0, w_min=-1.0, w_max=1.0)
    config = ArrayConfig(device=steps, weight_limit=1.0, faults=FaultLaw(stuck_map=stuck((plane, 0, 2, state))))
    array = CrossbarArray.from_weights(network, weights, config, np.random.default_rng(0))
    array.write(np.zeros_like(weights), np.random.default_rng(0))
    write_verify(array, weights, WriteVerify(tolerance=0.002), np.random.default_rng(0))
    held = float(state > 0)
    other = np.clip(held - weight if plane == 0 else held + weight, 0, 1)
    expected = held - other if plane == 0 else other - held
    assert array.weights()[0, 2] == pytest.approx(expected, abs=0.005)
    assert array.weights()[1, 2] == pytest.approx(1.0, abs=0.005)
