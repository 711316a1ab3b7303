"""Lengths of wires on a floor plan: a die by hand, all pairs one by one, and the resistances that come of them."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from circuits.area.architecture import Architecture
from circuits.area.blocks import Array, Block, Box
from circuits.area.floor_plan import Die, Placement, dies
from circuits.area.networks import paper_model
from circuits.area.technology import load_technology
from circuits.area.wire_lengths import lines, longest_of, measure, record
from crossbar.errors import InvalidValue
from crossbar.wires.resistance import line_resistance

TECHNOLOGY = load_technology()


def tile():
    words = Box(x=0, y=10_000, width=20_000, height=80_000, kind="line_ends")
    bits = Box(x=0, y=0, width=100_000, height=10_000, kind="line_ends")
    array = Array(x=20_000, y=10_000, columns=80, rows=80, pitch=1000.0)
    return Block(
        name="tile", width=100_000, height=90_000, parts=(words, bits), array=array, word_ends=words, bit_ends=bits
    )


def neuron():
    parts = (Box(x=0, y=0, width=40_000, height=20_000, kind="neuron_cores"),)
    return Block(name="neuron", width=40_000, height=20_000, parts=parts)


def hand_die(tiles=1, x=0, y=50_000):
    return Die(
        name="hand", width=500_000, height=500_000, routing=1.3,
        placements=(
            Placement(block=neuron(), count=2, columns=2, x=x, y=200_000, step_x=40_000, step_y=20_000),
            Placement(block=tile(), count=tiles, columns=2, x=100_000, y=y, step_x=100_000, step_y=100_000),
        ),
    )  # fmt: skip


def test_one_tile_and_two_neurons_by_hand():
    # Neurons' middles at (20, 210) and (60, 210) um. Word lines end at (110, 300), bit lines at (150, 255).
    found = measure(hand_die(y=250_000))
    assert found.pitch == 1.0
    assert (found.word.mean, found.word.longest) == pytest.approx(((180 + 140) / 2, 180))
    assert (found.bit.mean, found.bit.longest) == pytest.approx(((175 + 135) / 2, 175))


@pytest.mark.parametrize("x", [0, 400_000])  # neurons left of the tiles, and right of them
@pytest.mark.parametrize("y", [0, 50_000, 300_000])  # tiles below the neurons, on both sides, above
def test_the_mean_and_the_longest_are_those_of_all_pairs(x, y):
    die = hand_die(tiles=3, x=x, y=y)
    found = measure(die)
    tiles, neurons = (die.placement(name).corners() for name in ("tile", "neuron"))
    ends, middles = tiles + np.array([10_000, 50_000]), neurons + np.array([20_000, 10_000])
    lengths = [1e-3 * np.abs(one - other).sum() for one, other in itertools.product(ends, middles)]
    assert found.word.mean == pytest.approx(np.mean(lengths))
    assert found.word.longest == pytest.approx(max(lengths))


@pytest.mark.parametrize("node", [130, 65, 32, 22])
def test_segments_are_those_of_the_table(node):
    (die,) = dies(paper_model("tdh-vae"), Architecture(), "two-chips", TECHNOLOGY, node)
    found = measure(die)
    told = lines(found, TECHNOLOGY, node)
    table = line_resistance(node)
    assert found.pitch == pytest.approx(table.pitch_um)
    assert told["typical"].segment == pytest.approx(table.ohm)
    assert told["typical"].word_route == pytest.approx(table.ohm_per_um * found.word.mean / 10)
    assert told["high"].bit_route == pytest.approx(line_resistance(node, point="high").ohm_per_um * found.bit.mean)
    assert told["low"].segment < told["typical"].segment <= told["high"].segment


def test_routes_of_a_square_die_lie_within_it():
    (die,) = dies(paper_model("tdh-vae"), Architecture(), "two-chips", TECHNOLOGY, 65)
    found = measure(die)
    side = die.width * 1e-3
    assert side / 3 < found.bit.mean < found.word.mean < side
    assert side < found.word.longest < 2 * side


def test_the_record_is_of_the_die_with_the_longer_routes():
    both = dies(paper_model("dh-vae"), Architecture(), "two-chips", TECHNOLOGY, 65)
    told = record(both, TECHNOLOGY, 65)
    assert [die["name"] for die in told["dies"]] == ["dh-vae encoder", "dh-vae decoder"]
    assert longest_of(both) == measure(both[1])
    assert told["wires_um"]["word_route"]["mean"] == measure(both[1]).word.mean
    assert told["dies"][1]["blocks"]["tile"]["count"] == both[1].placement("tile").count
    assert set(told["lines"]) == {"low", "typical", "high"}


def test_lines_of_a_node_without_them_are_not_made_up():
    own = replace(TECHNOLOGY, nodes=(45,))
    both = dies(paper_model("tdh-vae"), Architecture(), "two-chips", own, 45)
    assert lines(measure(both[0]), own, 45) is None
    assert record(both, own, 45)["lines"] is None


def test_a_die_without_neurons_has_no_routes():
    die = hand_die()
    alone = replace(die, placements=die.placements[1:])
    assert measure(alone) is None
    assert record([alone], TECHNOLOGY, 65)["wires_um"] is None


def test_a_route_of_no_width_is_refused():
    width = replace(TECHNOLOGY.parameter("route_width"), low=1, typical=0, high=0)
    with pytest.raises(InvalidValue, match="`route_width` must be more than 0"):
        replace(TECHNOLOGY, parameters={**TECHNOLOGY.parameters, "route_width": width})
    assert math.isfinite(lines(measure(hand_die()), TECHNOLOGY, 65)["high"].word_route)
