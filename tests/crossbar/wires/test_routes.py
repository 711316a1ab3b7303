"""Routes at the ends of lines: resistors in series by Kirchhoff's law, both ends, and the file that tells them."""

import doctest
import json

import numpy as np
import pytest

from crossbar.errors import CorruptFile, InvalidValue, MissingFile
from crossbar.wires import output_currents, routes
from crossbar.wires.routes import RoutedLines, read_floor_plan

LINES = RoutedLines(segment=2.0, word_route=300.0, bit_route=700.0)


@pytest.mark.needs_jit
def test_one_device_is_in_series_with_both_routes():
    (current,) = output_currents(np.array([[1e-4]]), np.array([0.2]), LINES.words(1), LINES.bits(1))
    assert current == pytest.approx(0.2 / (1e4 + 2 + 300 + 2 + 700))


@pytest.mark.needs_jit
def test_a_second_end_has_a_route_of_its_own():
    words, bits = LINES.words(1, "both"), LINES.bits(1, "both")
    (current,) = output_currents(np.array([[1e-4]]), np.array([0.2]), words, bits, drive="both", sense="both")
    assert current == pytest.approx(0.2 / (1e4 + 302 / 2 + 702 / 2))


@pytest.mark.needs_jit
def test_lines_without_routes_are_plain_segments(rng):
    conductances, volts = rng.uniform(1e-6, 1e-4, (7, 5)), rng.uniform(0, 0.2, 7)
    plain = RoutedLines(segment=2.0)
    expected = output_currents(conductances, volts, 2.0, 2.0)
    assert output_currents(conductances, volts, plain.words(5), plain.bits(7)) == pytest.approx(expected, rel=1e-12)
    assert (output_currents(conductances, volts, LINES.words(5), LINES.bits(7)) < expected).all()


@pytest.mark.needs_jit
def test_the_example_runs():
    found = doctest.testmod(routes)
    assert (found.failed, found.attempted > 1) == (0, True)


def test_where_the_routes_stand():
    assert LINES.words(3).tolist() == [302, 2, 2]
    assert LINES.bits(3).tolist() == [2, 2, 702]
    assert LINES.words(2, "both").tolist() == [302, 2, 302]
    assert LINES.bits(2, "both").tolist() == [702, 2, 702]


@pytest.mark.parametrize("ohm", [-1.0, float("nan"), float("inf"), True, "1"])
def test_impossible_resistances_are_refused(ohm):
    with pytest.raises(InvalidValue, match="`word_route` must be a resistance"):
        RoutedLines(segment=1.0, word_route=ohm)


def plan(**changes):
    one = {"segment_ohm": 2.0, "word_route_ohm": 300.0, "bit_route_ohm": 700.0} | changes
    return {"floor_plan": {"lines": dict.fromkeys(("low", "typical", "high"), one)}}


def test_a_floor_plan_is_read(tmp_path):
    path = tmp_path / "area.json"
    path.write_text(json.dumps({"models": {"tdh-vae": plan()}}))
    assert read_floor_plan(path) == dict.fromkeys(("low", "typical", "high"), LINES)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{", CorruptFile, "is no JSON"),
        ("[]", CorruptFile, "is no JSON object"),
        ("{}", CorruptFile, "tells no models"),
        (json.dumps({"models": {"a": plan(), "b": plan()}}), InvalidValue, "tells of a, b"),
        (json.dumps({"models": {"a": {}}}), CorruptFile, "tells no resistances"),
        (json.dumps({"models": {"a": {"floor_plan": {"lines": None}}}}), CorruptFile, "tells no resistances"),
        (json.dumps({"models": {"a": plan(segment_ohm="thin")}}), InvalidValue, "`segment`"),
    ],
)
def test_a_file_that_tells_no_lines_is_refused_with_the_remedy(tmp_path, text, error, message):
    path = tmp_path / "area.json"
    path.write_text(text)
    with pytest.raises(error, match=message):
        read_floor_plan(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(MissingFile, match="hopbar area MODEL --json"):
        read_floor_plan(tmp_path / "none.json")
