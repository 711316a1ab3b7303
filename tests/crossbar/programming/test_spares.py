"""Spare lines: neurons leave the lines that stuck devices spoil, and only where that helps."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.chip import Chip, load_chip
from crossbar.commands.program import program
from crossbar.devices.stuck_map import StuckMap
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.programming import spares


def symmetric(rng, size=6):
    weights = np.triu(rng.normal(0, 1, (size, size)), 1)
    return weights + weights.T


def random_map(rng, size, share):
    places = np.argwhere(rng.random((2, size, size)) < share)
    places = places[places[:, 1] != places[:, 2]]
    return StuckMap(np.column_stack([places, rng.choice([-1, 1], len(places))]))


def written(weights, stuck):
    """What a pair of range 1 holds where one device is stuck and the other makes up for it, in the plainest form."""
    limit = np.abs(weights).max()
    found = weights / limit
    for plane, row, column, state in stuck.entries:
        w = weights[row, column] / limit
        held = float(state > 0)
        other = np.clip(held - w if plane == 0 else held + w, 0, 1)
        found[row, column] = held - other if plane == 0 else other - held
    return found * limit


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 4))
def test_harm_is_what_pairs_miss_and_never_grows(seed, extra):
    rng = np.random.default_rng(seed)
    weights = symmetric(rng)
    known = random_map(rng, 6 + extra, 0.05)
    found = spares.place(known, weights, extra)
    assert found.harm <= found.harm_before + 1e-12
    assert len(set(found.lines.tolist())) == 6
    assert found.moved <= extra
    assert (found.stuck.entries[:, 1:3] < 6).all()
    counted = found.stuck.entries
    alone = len({tuple(entry[1:3]) for entry in counted.tolist()}) == len(counted)
    if alone:  # a pair with one stuck device
        missed = ((written(weights, found.stuck) - weights) ** 2).sum()
        assert found.harm == pytest.approx(missed, abs=1e-9)


def test_a_broken_line_is_left(rng):
    weights = symmetric(rng, 8)
    broken = [(plane, 3, column, -1) for plane in (0, 1) for column in range(9) if column != 3]
    found = spares.place(StuckMap(np.array(broken)), weights, 1)
    assert found.lines.tolist() == [0, 1, 2, 8, 4, 5, 6, 7]
    assert found.harm == 0
    assert found.harm_before == pytest.approx((weights[3] ** 2).sum())


def test_a_spare_line_that_is_worse_is_not_taken(rng):
    weights = symmetric(rng, 4)
    bad = [(0, 0, 1, -1 if weights[0, 1] > 0 else 1)]
    worse = [(plane, 4, column, state) for plane, state in ((0, -1), (1, -1)) for column in range(4)]
    found = spares.place(StuckMap(np.array(bad + worse)), weights, 1)
    assert found.moved == 0
    assert found.harm == found.harm_before > 0


def test_what_cannot_be_meant_is_refused(rng):
    known = StuckMap(np.array([[0, 9, 1, -1]]))
    with pytest.raises(InvalidValue, match="names neuron 9"):
        spares.place(known, symmetric(rng), 2)
    with pytest.raises(InvalidValue, match="`spares`"):
        spares.place(known, symmetric(rng), -1)


@pytest.fixture
def chip_file(tmp_path, rng):
    network = Network((("pixels", 9), ("hidden", 6), ("latent", 2)))
    weights = symmetric(rng, 17) * network.mask()
    chip = Chip(
        model="tdh-vae", networks={"tied": network}, weights={"tied": weights}, sigma=0.4, image_shape=(3, 3),
        examples=rng.uniform(-1, 1, (1, 9)),
    )  # fmt: skip
    return chip.save(tmp_path / "chip.h5")


def test_the_command_moves_neurons_and_says_so(chip_file, tmp_path):
    lines = [f"{plane},5,{column},low" for plane in ("plus", "minus") for column in range(18) if column != 5]
    (tmp_path / "stuck.csv").write_text("plane,row,column,state\n" + "\n".join(lines) + "\n")
    run, base = CliRunner().invoke, [str(chip_file), "--device", "ideal", "--stuck-map", str(tmp_path / "stuck.csv")]
    refused = run(program, [*base, "--out", str(tmp_path / "a.h5")])
    assert "names neuron 17" in str(refused.exception)
    done = run(program, [*base, "--spare-lines", "1", "--out", str(tmp_path / "b.h5"), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)["spare_lines"]["tied"]
    assert told["moved"] == {"5": 17}
    assert told["harm"] == 0 < told["harm_before"]
    chip = load_chip(tmp_path / "b.h5")
    np.testing.assert_allclose(chip.effective_weights("tied"), load_chip(chip_file).weights["tied"], atol=0.02)
    assert json.loads(chip.provenance["spare_lines"]) == {"tied": {"5": 17}}
    alone = run(program, [str(chip_file), "--device", "ideal", "--spare-lines", "1", "--out", str(tmp_path / "c.h5")])
    assert "give --stuck-map" in str(alone.exception)
    told = run(program, [*base, "--spare-lines", "1", "--out", str(tmp_path / "d.h5")]).output
    assert "1 neurons on spare lines" in told
