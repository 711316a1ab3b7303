"""Technology files: every number has a source, scales by its law, and can be overridden by a user's own file."""

import numpy as np
import pytest

from circuits.area.technology import Parameter, load_technology
from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName

ENTRY = {
    "low": 1.0,
    "typical": 2.0,
    "high": 4.0,
    "unit": "um2",
    "scaling": "analog",
    "source": "a test",
    "status": "assumed",
}


def write_override(path, name="adc", **changes):
    entry = {**ENTRY, **changes}
    lines = [f"{key} = {value!r}".replace("'", '"') for key, value in entry.items() if value is not None]
    path.write_text(f"[{name}]\n" + "\n".join(lines) + "\n")
    return path


def test_every_shipped_number_has_unit_source_and_status():
    technology = load_technology()
    assert technology.nodes == (130, 65, 32, 22)
    for parameter in technology.parameters.values():
        assert parameter.source
        assert parameter.unit
        assert parameter.status in ("measured", "published", "secondary", "assumed")


@pytest.mark.parametrize("source", [None, "", "  "])
def test_a_number_without_source_is_refused(tmp_path, source):
    with pytest.raises(InvalidValue, match="must have a source"):
        load_technology(write_override(tmp_path / "own.toml", source=source))


def test_negative_area_is_refused(tmp_path):
    with pytest.raises(InvalidValue, match="`low` of parameter `adc` must be a number >= 0"):
        load_technology(write_override(tmp_path / "own.toml", low=-1.0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"typical": 9.0}, "must lie between"),
        ({"high": float("inf")}, "must be a number"),
        ({"high": True}, "must be a number"),
        ({"status": "guessed"}, "`status`"),
        ({"scaling": "square"}, "`scaling`"),
        ({"scaling": ["analog"]}, "`scaling`"),
        ({"unit": ["um2"]}, "`unit` of parameter `adc` must be a word"),
        ({"unit": ""}, "`unit`"),
        ({"high": 10**400}, "must be a number >= 0, either 0 or from 1e-30 to 1e[+]30"),
        ({"high": 1e300}, "must be a number"),
        ({"low": 1e-300}, "must be a number"),
        ({"high": float("nan")}, "must be a number"),
    ],
)
def test_impossible_parameters_are_refused(changes, message):
    with pytest.raises(InvalidValue, match=message):
        Parameter(name="adc", **{**ENTRY, **changes})


def entry(name, value, unit="1", scaling="none"):
    values = "".join(f"{point} = {value}\n" for point in ("low", "typical", "high"))
    return f'[{name}]\n{values}unit = "{unit}"\nscaling = "{scaling}"\nsource = "test"\nstatus = "assumed"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (entry("lines_per_adc", 0), "`lines_per_adc` must be at least 1"),
        (entry("lines_per_dac", 0.5), "`lines_per_dac` must be at least 1"),
        (entry("on_off_ratio", 0), "`on_off_ratio` must be at least 1"),
        (entry("routing", 0), "`routing` must be at least 1"),
        (entry("capacitor_density", 0, "fF/um2"), "`capacitor_density` must be more than 0"),
        (entry("analog_exponent", 1000), "`analog_exponent` must be at most 10"),
        (entry("wire_loss_limit", 2), "`wire_loss_limit` must be at most 1"),
        (entry("supply_voltage", 0.2, "V"), "`supply_voltage` must be at least `read_voltage`"),
    ],
)
def test_a_number_that_would_divide_by_zero_or_contradict_another_is_refused_at_the_door(tmp_path, text, message):
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(InvalidValue, match=message):
        load_technology(tmp_path / "own.toml")


@pytest.mark.parametrize("text", ["x = " + "[" * 3000, "[adc]\nlow = " + "1" * 5000, "\x00", "[adc]\nlow = 1\nlow = 2"])
def test_toml_that_python_cannot_read_is_a_corrupt_file(tmp_path, text):
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(CorruptFile, match="must be a TOML file"):
        load_technology(tmp_path / "own.toml")


def test_missing_fields_are_named(tmp_path):
    with pytest.raises(InvalidValue, match="lacks high"):
        load_technology(write_override(tmp_path / "own.toml", high=None))


def test_unknown_parameters_and_fields_come_with_a_suggestion(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'adc'"):
        load_technology(write_override(tmp_path / "own.toml", name="adcs"))
    with pytest.raises(UnknownName, match="did you mean 'typical'"):
        load_technology(write_override(tmp_path / "own.toml", typicall=2.0))


def test_files_that_are_no_technology(tmp_path):
    with pytest.raises(MissingFile, match="no technology file"):
        load_technology(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("[adc\n")
    with pytest.raises(CorruptFile, match="must be a TOML file"):
        load_technology(tmp_path / "broken.toml")
    (tmp_path / "flat.toml").write_text("adc = 3\n")
    with pytest.raises(CorruptFile, match="must be a table"):
        load_technology(tmp_path / "flat.toml")


@pytest.mark.parametrize("known", ["65", "[]", "[65.5]", '["65"]', "[-65]", "[0]", "[1001]", f"[{10**400}]"])
def test_nodes_must_be_a_list_of_whole_nanometres(tmp_path, known):
    (tmp_path / "own.toml").write_text(f"nodes.known = {known}\n")
    with pytest.raises(InvalidValue, match="list of whole nm"):
        load_technology(tmp_path / "own.toml")


def test_nodes_can_be_replaced_and_their_fields_are_checked(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("nodes.known = [65, 45]\n")
    assert load_technology(own).nodes == (65, 45)
    own.write_text("nodes.analog = '65'\n")
    with pytest.raises(InvalidValue, match="`analog` of `nodes`"):
        load_technology(own)
    own.write_text("nodes.knwon = [65]\n")
    with pytest.raises(UnknownName, match="did you mean 'known'"):
        load_technology(own)


def test_an_override_replaces_one_parameter_and_leaves_the_draws_of_the_others(tmp_path):
    shipped, own = load_technology(), load_technology(write_override(tmp_path / "own.toml", low=2.0, high=2.0))
    one, other = (technology.draws(50, np.random.default_rng(3)) for technology in (shipped, own))
    assert np.all(other["adc"] == 2.0)
    changed = [name for name in shipped.parameters if not np.array_equal(one[name], other[name])]
    assert changed == ["adc"]


def test_other_nodes_leave_the_analog_areas_where_they_were_given(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("nodes.known = [65, 45]\n")
    shipped = load_technology().values("typical").area("adc", 65)
    assert load_technology(own).values("typical").area("adc", 65) == shipped == 7500
    own.write_text("nodes.analog = 65\n")
    assert load_technology(own).values("typical").area("adc", 65) == 15000


def test_a_node_outside_the_range_of_the_laws_is_told(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("nodes.known = [5, 45, 180]\n")
    technology = load_technology(own)
    assert [bool(technology.note(node)) for node in (5, 45, 180)] == [True, False, True]
    assert "5 nm lies outside the 22 to 130 nm" in technology.note(5)


def test_an_override_in_another_unit_is_refused(tmp_path):
    with pytest.raises(InvalidValue, match="must be in 'um2'"):
        load_technology(write_override(tmp_path / "own.toml", unit="J", scaling="none"))


def test_feature_items_scale_with_the_node_squared_and_analog_ones_with_their_exponent():
    typical = load_technology().values("typical")
    assert typical.area("cell_1t1r", 65) / typical.area("cell_1t1r", 130) == pytest.approx(0.25)
    assert typical.area("line_switch", 22) == pytest.approx(3000 * 0.022**2)
    assert typical.area("adc", 65) / typical.area("adc", 130) == pytest.approx(0.5)
    assert load_technology().values("high").area("adc", 65) == pytest.approx(60000 * 0.5**0.7)
    assert typical.area("write_switch", 22) == typical.area("write_switch", 130)


def test_a_parameter_that_is_no_area_has_none():
    with pytest.raises(InvalidValue, match="must be an area"):
        load_technology().values("typical").area("lines_per_adc", 65)


def test_draws_stay_in_range_and_repeat_with_the_seed():
    technology = load_technology()
    draws, again = (technology.draws(2000, np.random.default_rng(0)) for _ in range(2))
    for name, parameter in technology.parameters.items():
        low, high = sorted((parameter.low, parameter.high))
        assert np.all((draws[name] >= low * (1 - 1e-12)) & (draws[name] <= high * (1 + 1e-12)))
        assert np.array_equal(draws[name], again[name])


def test_log_triangular_draws_have_the_mode_at_the_typical_value(rng):
    parameter = Parameter(name="adc", **{**ENTRY, "low": 0.01, "typical": 1.0, "high": 100.0})
    draws = np.log10(parameter.draw(20000, rng))
    assert np.mean(draws) == pytest.approx(0, abs=0.03)
    assert np.mean(np.abs(draws) < 1) == pytest.approx(0.75, abs=0.02)  # of a triangle, three quarters of the area


def test_unknown_node_is_named():
    with pytest.raises(InvalidValue, match="must be one of 130, 65, 32, 22 nm, but got 45"):
        load_technology().check_node(45)
