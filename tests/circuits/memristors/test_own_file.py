"""The TOML file of a memristor of one's own: every field checked, no path out of its folder."""

import os

import numpy as np
import pytest

from circuits.memristors import own_file
from circuits.memristors.languages import ModuleText
from crossbar.errors import CorruptFile, EngineError, HopbarError, InvalidValue, MissingFile, UnknownName

TEXT = ".subckt mine p q r=1e4 other=2\nR1 p q {r}\n.ends\n"
FILE = '[memristor]\nspice = "mine.sub"\nstate = "R"\nfrom = 1e4\nto = 1e6\nread_voltage = 0.05\n'
MODULE = (
    "module Mine(p, q); inout p, q; electrical p, q;\nparameter real R0 = 1e4; parameter real other = 2;\n"
    "analog I(p, q) <+ V(p, q) / R0;\nendmodule\n"
)
IN_VERILOG = FILE.replace('spice = "mine.sub"', 'verilog_a = "mine.va"').replace('"R"', '"R0"')


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.sub").write_text(TEXT)
    (tmp_path / "mine.va").write_text(MODULE)
    return tmp_path


def load(folder, text):
    (folder / "mine.toml").write_text(text)
    return own_file.load(folder / "mine.toml")


def test_a_file_is_read(folder):
    found = load(folder, FILE + 'scale = "logarithmic"\n[parameters]\nOther = 3.0\n')
    assert (found.name, found.state, found.states, found.read_voltage) == ("mine", "r", (1e4, 1e6), 0.05)
    assert found.grid(3).tolist() == pytest.approx([1e4, 1e5, 1e6])
    assert found.subcircuit().splitlines()[-3:] == [
        ".subckt memristor p q x0=10000.0", "Xown p q own_mine r={x0} other=3.0", ".ends memristor",
    ]  # fmt: skip


def test_a_file_in_verilog_a_is_read(folder):
    found = load(folder, IN_VERILOG + "[parameters]\nOTHER = 3.0\n")
    assert (found.name, found.state, found.states) == ("mine", "r0", (1e4, 1e6))
    assert isinstance(found.text, ModuleText)
    assert found.module().cards(["p_a__b"], ["p_b"], ["qp_a"], np.array([2e4])).splitlines() == [
        "model of_p_a__b own_mine r0=20000.0 other=3.0", "xp_a__b (p_b qp_a) of_p_a__b",
    ]  # fmt: skip


def test_each_language_is_refused_where_the_other_is_asked(folder):
    with pytest.raises(EngineError, match=r"mine is Verilog-A for VACASK alone: take --engine vacask"):
        load(folder, IN_VERILOG).subcircuit()
    with pytest.raises(EngineError, match=r"mine is text for ngspice alone: take --engine ngspice"):
        load(folder, FILE).module()


def test_a_pin_that_shows_the_state_ends_in_a_node_of_its_own(folder):
    (folder / "mine.sub").write_text(TEXT.replace("p q r=1e4", "p q x r=1e4"))
    assert "Xown p q shown own_mine r={x0}" in load(folder, FILE).subcircuit()


@pytest.mark.parametrize(("text", "error", "says"), [
    ("[memristor", CorruptFile, "no valid TOML"), ("", InvalidValue, "`memristor`"),
    (FILE.replace("read_voltage = 0.05", ""), InvalidValue, "`memristor.read_voltage`"),
    (FILE.replace("0.05", "-1"), InvalidValue, "read_voltage"),
    (FILE.replace("1e6", "inf"), InvalidValue, "`memristor.to`"),
    (FILE.replace("1e6", '"1e6"'), InvalidValue, "`memristor.to`"),
    (FILE + "color = 1\n", InvalidValue, "`memristor.color`"),
    (FILE.replace('"R"', '"z"'), UnknownName, "unknown parameter of subcircuit mine 'z'"),
    (FILE.replace('"R"', '"a b"'), InvalidValue, "`memristor.state`"),
    (FILE + "[parameters]\nz = 1.0\n", UnknownName, "'z'"),
    (FILE + "[parameters]\nr = 1.0\n", InvalidValue, "is the state"),
    (FILE.replace("1e6", "1e4"), InvalidValue, "must differ"),
    (FILE.replace("1e4", "-1e4") + 'scale = "logarithmic"\n', InvalidValue, "above 0"),
    (FILE.replace("mine.sub", "/etc/passwd"), InvalidValue, "must lie in the folder"),
    (FILE.replace("mine.sub", "../mine.sub"), InvalidValue, "must lie in the folder"),
    (FILE.replace("mine.sub", "none.sub"), MissingFile, "none.sub"),
    (FILE.replace("mine.sub", "."), MissingFile, "no file"),
    (FILE + 'verilog_a = "mine.va"\n', InvalidValue, "give either `spice`"),
    (FILE.replace('spice = "mine.sub"', ""), InvalidValue, "give either `spice`"),
    (FILE + 'module = "mine"\n', InvalidValue, "`memristor.module` is of the other language; give `subcircuit`"),
    (IN_VERILOG + 'subcircuit = "mine"\n', InvalidValue, "`memristor.subcircuit` is of the other language"),
    (IN_VERILOG + 'module = "yours"\n', UnknownName, "unknown module 'yours'"),
    (IN_VERILOG.replace('"R0"', '"R"'), UnknownName, "unknown parameter of module mine 'R'"),
    (IN_VERILOG + "[parameters]\nz = 1.0\n", UnknownName, "'z'"),
    (IN_VERILOG + "[parameters]\nr0 = 1.0\n", InvalidValue, "is the state"),
    (IN_VERILOG.replace("mine.va", "../mine.va"), InvalidValue, "must lie in the folder"),
    (IN_VERILOG.replace("mine.va", "mine.sub"), InvalidValue, r"mine.sub: line 1 cannot be taken"),
])  # fmt: skip
def test_what_is_wrong_is_named(folder, text, error, says):
    with pytest.raises(error, match=says):
        load(folder, text)


def test_a_link_that_leaves_the_folder_is_not_followed(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "mine.sub").write_text(TEXT)
    (inner / "mine.sub").symlink_to(tmp_path / "mine.sub")
    with pytest.raises(InvalidValue, match="must lie in the folder"):
        load(inner, FILE)


def test_a_text_without_end_is_not_read(folder):
    with (folder / "mine.sub").open("wb") as file:
        os.truncate(file.fileno(), 2**33)
    with pytest.raises(HopbarError, match="characters"):
        load(folder, FILE)


def test_there_is_no_file(tmp_path):
    with pytest.raises(MissingFile, match="TOML file"):
        own_file.load(tmp_path / "none.toml")
