"""LTspice, Xyce, Spectre and HSPICE: written, read back, compared with ngspice's netlist, and broken on purpose."""

import contextlib
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import circuits
from circuits import simulators
from circuits.circuit.circuit import Analysis, Circuit
from circuits.circuit.electrical import Wires
from circuits.circuit.layout import Choices, Layout
from circuits.dialects import others
from circuits.dialects.others import OTHERS, compare, write
from circuits.verification.exporting import Request, posed
from crossbar.chip import Chip, Conductances
from crossbar.errors import CorruptFile, EngineError, HopbarError, InvalidValue
from crossbar.hopfield.mismatch import Spread
from crossbar.hopfield.neurons import Classical, Linear, Sigmoid
from tests.circuits.conftest import chip_of_laws, strong_chip

SPREAD = Spread(gain=0.1, offset=0.05, leak=0.1)
CHIPS = {
    "sigmoid": strong_chip,
    "linear": lambda: chip_of_laws(latent=Linear()),
    "classical": lambda: chip_of_laws(hidden=Classical(), latent=Sigmoid(5.0)),
    "not alike": lambda: chip_of_laws(latent=Linear()).with_neurons(SPREAD, np.random.default_rng(3)),
}
DIALECTS = pytest.mark.parametrize("dialect", OTHERS.values(), ids=OTHERS)


def programmed(rng) -> Chip:
    """A chip whose devices were programmed, one of them open."""
    chip = strong_chip()
    coupled = chip.networks["tied"].mask()
    plus, minus = (np.where(coupled, rng.uniform(1e-6, 1e-4, coupled.shape), 0.0) for _ in range(2))
    plus[0, 1] = 0.0
    devices = Conductances(plus=plus, minus=minus, siemens_per_weight=3e-5, device="ideal")
    return replace(chip, conductances={"tied": devices})


def single(chip: Chip, **choices) -> Circuit:
    layout = Layout(chip=chip, choices=Choices(**choices))
    marks = {"encode": 20.0, "reset": 21.0, "decode": 40.0}
    return replace(layout.both(layout.image(0), layout.noise(0, 0)), analysis=Analysis(marks=marks))


def role(chip: Chip, name: str, **choices) -> Circuit:
    layout = Layout(chip=chip, choices=Choices(**choices))
    return layout.encode(layout.image(0)) if name == "encode" else layout.decode(layout.noise(0, 0))


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@DIALECTS
@pytest.mark.parametrize("kind", CHIPS)
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_every_role_of_every_law_is_the_ngspice_netlist(dialect, kind, symmetry, tmp_path, rng):
    chip = CHIPS[kind]()
    roles = [role(chip, one, symmetry=symmetry) for one in ("encode", "decode")]
    fixed = replace(roles[0], rails=np.linspace(-1, 1, len(roles[0].names)))
    for circuit in (single(chip, symmetry=symmetry), *roles, fixed):
        path = write(circuit, tmp_path / f"chip{dialect.suffix}", dialect)
        assert compare(circuit, path, dialect, rng) == []
        assert others.UNRUN in path.read_text()


@DIALECTS
@pytest.mark.parametrize("choices", [
    {"amplifier": "opamp"}, {"amplifier": "opamp", "symmetry": "shared"}, {"wires": Wires(tile=7)}, {"device": "vteam"},
    {"device": "yakopcic"}, {"device": "stanford"},
], ids=str)  # fmt: skip
def test_amplifiers_wires_and_devices_with_a_state(dialect, choices, tmp_path, rng):
    circuit = single(strong_chip(), **choices)
    path = write(circuit, tmp_path / f"chip{dialect.suffix}", dialect)
    assert compare(circuit, path, dialect, rng) == []
    assert "^" not in path.read_text()


@DIALECTS
def test_programmed_devices_and_nudges(dialect, tmp_path, rng):
    layout = Layout(chip=programmed(rng))
    found, _ = posed(layout, Request(phase="nudged"))
    for circuit in found.values():
        path = write(circuit, tmp_path / f"chip{dialect.suffix}", dialect)
        assert compare(circuit, path, dialect, rng) == []


@DIALECTS
@pytest.mark.parametrize(("pattern", "new", "said"), [
    (r"(Rp_hidden_3__pixel_0_2 .*?)(\d)(\.\d+)$", r"\g<1>9\2\3", "has another r"),
    (r"^(Rp_hidden_3__pixel_0_2 \(?)p_pixel_0_2", r"\1p_pixel_0_1", "is between"),
    (r"^Rn_hidden_3__pixel_0_2 .*\n", "", "resistor Rn_hidden_3__pixel_0_2 is missing"),
    (r"^(Xnoise_latent_0 .*eps=)\S+", r"\g<1>0.25", "has another eps"),
    (r"^(\.param|parameters) gain=\S+", r"\1 gain=2.9", "parameter gain has another value"),
    (r"^(Sreset|BSreset|GSreset)_hidden_2 .*\n", "", "is missing"),
    (r"^(\.tran \S+ |settle tran step=\S+ stop=)\S+", r"\g<1>1e-3", "has another stop"),
    (r"^(Rn_hidden_3__pixel_0_2)( .*\n)", r"\1\2\1x\2", "is not of this circuit"),
    (r"^(Rn_hidden_3__pixel_0_2 .*\n)", r"\1\1", "occurs twice"),
])  # fmt: skip
def test_a_broken_netlist_is_noticed(dialect, pattern, new, said, tmp_path, rng):
    circuit = single(strong_chip())
    path = write(circuit, tmp_path / f"chip{dialect.suffix}", dialect)
    text, count = re.subn(pattern, new, path.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1
    path.write_text(text)
    assert any(said in one for one in compare(circuit, path, dialect, rng))


@DIALECTS
@pytest.mark.parametrize(("old", "new"), [("0.25", "0.26"), ("tanh", "sinh"), ("0.5*", "0.5+")])
def test_a_broken_cell_is_noticed(dialect, old, new, tmp_path, rng):
    circuit = single(strong_chip())
    path = write(circuit, tmp_path / f"chip{dialect.suffix}", dialect)
    (place,) = tmp_path.glob("cells-*.va") if dialect.name == "spectre" else [path]
    text = place.read_text()
    assert old in text
    place.write_text(text.replace(old, new, 1))
    assert any("Bgate in definition neuron has another i" in one for one in compare(circuit, path, dialect, rng))


@DIALECTS
def test_no_line_may_be_missing(dialect, tmp_path, rng):
    circuit = single(strong_chip(side=1, hidden=2, latent=1))
    path = write(circuit, tmp_path / f"chip{dialect.suffix}", dialect)
    lines = path.read_text().splitlines(keepends=True)
    said = [k for k, line in enumerate(lines) if not line.startswith(("*", "//", "simulator", "global", ".end\n"))]
    for place in said:
        path.write_text("".join(lines[:place] + lines[place + 1 :]))
        try:
            assert compare(circuit, path, dialect, rng), lines[place]
        except CorruptFile:
            continue


@DIALECTS
def test_damaged_text_is_refused_or_told_and_nothing_else(dialect, tmp_path, rng):
    circuit = single(strong_chip(side=1, hidden=2, latent=1))
    path = write(circuit, tmp_path / f"chip{dialect.suffix}", dialect)
    text = path.read_text()
    for _ in range(150):
        first, length = int(rng.integers(len(text))), int(rng.integers(1, 20))
        put = "".join(rng.choice(list("(){}'=,.+-*/?: \n0e9azVBXR^>"), int(rng.integers(3))))
        path.write_text(text[:first] + put + text[first + length :])
        with contextlib.suppress(HopbarError):
            compare(circuit, path, dialect, rng)


@DIALECTS
def test_lines_that_are_not_ours_are_refused(dialect, tmp_path, rng):
    circuit = single(strong_chip())
    path = write(circuit, tmp_path / f"chip{dialect.suffix}", dialect)
    for line in (".control", ".include /etc/passwd", 'include "other.scs"', "Q1 a b c npn", "R1 a b r_leak+1"):
        path.write_text(path.read_text().replace("\nXdriver", f"\n{line}\nXdriver", 1))
        with pytest.raises(CorruptFile):
            compare(circuit, path, dialect, rng)
        write(circuit, path, dialect)


@DIALECTS
def test_lines_that_look_like_ours_are_refused_or_told(dialect, tmp_path, rng):
    circuit = single(strong_chip(side=1, hidden=2, latent=1))
    path = write(circuit, tmp_path / f"chip{dialect.suffix}", dialect)
    text = path.read_text()
    deep = "(" * 9999
    for line in (
        "Vx (a b) vsource type=pwl", "Hx (a) ccvs probe=P rm=1.0", "Bx a b V={min(1)}", f"Bx a b V={{{deep}}}",
        f"Ex a b vol='{deep}'", f"Rx (a b) resistor r={deep}",
    ):  # fmt: skip
        path.write_text(text.replace("\nXdriver", f"\n{line}\nXdriver", 1))
        try:
            assert compare(circuit, path, dialect, rng), line
        except CorruptFile:
            continue


def test_each_dialect_refuses_the_words_of_another(tmp_path, rng):
    """Braces, quotes, `params:` and conditions mean something else elsewhere."""
    circuit = single(strong_chip())
    texts = {one.name: write(circuit, tmp_path / f"chip{one.suffix}", one).read_text() for one in OTHERS.values()}
    for reader in OTHERS.values():
        for name, text in texts.items():
            if name != reader.name:
                path = tmp_path / f"foreign{reader.suffix}"
                path.write_text(text)
                with pytest.raises(CorruptFile):
                    compare(circuit, path, reader, rng)


@DIALECTS
def test_hostile_headings_stay_comments(dialect, tmp_path, rng):
    heading = ("a\n.control\nshell date", "simulator lang=spice", "x\\", "é" * 500)
    circuit = replace(single(strong_chip()), heading=heading)
    path = write(circuit, tmp_path / f"chip{dialect.suffix}", dialect)
    assert compare(circuit, path, dialect, rng) == []
    assert not re.search(r"^(\.control|shell|simulator lang=spice)", path.read_text(), re.MULTILINE)


@DIALECTS
def test_what_a_dialect_cannot_have_is_refused(dialect, tmp_path):
    circuit = role(strong_chip(), "encode")
    with pytest.raises(EngineError, match="transient"):
        write(replace(circuit, analysis=Analysis(kind="op")), tmp_path / "chip", dialect)
    with pytest.raises(InvalidValue, match="time"):
        write(replace(circuit, names=("time", *circuit.names[1:])), tmp_path / "chip", dialect)


def test_circuits_of_weights_write_all_dialects(tmp_path):
    W = np.array([[0.0, 0.8, -0.3], [0.8, 0.0, 0.5], [-0.3, 0.5, 0.0]])
    circuit = circuits.Circuit.from_weights(W, {"input": 1, "hidden": 2}, clamped={"input": [1.0]})
    for name in OTHERS:
        assert "hidden_1" in circuit.write(tmp_path / name, dialect=name).read_text()


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("name", ["ltspice", "xyce", "hspice"])
def test_ngspice_reads_the_same_circuit_in_them(name, tmp_path):
    """ngspice knows the quotes and `params:` of all three; only `if` and braces within a source it does not."""
    found, _ = posed(Layout(chip=strong_chip()), Request(role="both" if name == "hspice" else "decode"))
    (circuit,) = found.values()
    path = write(circuit, tmp_path / f"chip{OTHERS[name].suffix}", OTHERS[name])
    text = path.read_text()
    if name == "ltspice":
        text = re.sub(r"^B.*$", lambda line: re.sub(r"[{}]", "", line[0]), text, flags=re.MULTILINE)
    path.write_text(text)
    run = _run(["ngspice", "-n", "-b", path.name], tmp_path)
    states = dict(re.findall(r"^(\w+_\d+)\s+=\s+(\S+)", run.stdout, re.MULTILINE))
    expected = dict(re.findall(r"^\* expected (\w+) = (\S+)", text, re.MULTILINE))
    assert len(expected) >= 15
    for neuron, value in expected.items():
        assert float(states[neuron]) == pytest.approx(float(value), abs=2e-5), neuron


@pytest.mark.spice
@pytest.mark.parametrize("choices", [{}, {"amplifier": "opamp", "symmetry": "shared"}, {"device": "stanford"}], ids=str)
def test_spectres_cells_are_verilog_a_to_a_compiler(choices, tmp_path):
    program = simulators.engine("vacask").program()
    compiler = None if program is None else program.parent / "openvaf-r"
    if compiler is None or not compiler.exists():
        pytest.skip("the compiler openvaf-r is missing: pip install 'hopbar[vacask]'")
    write(single(strong_chip(), **choices), tmp_path / "chip.scs", OTHERS["spectre"])
    (cells,) = tmp_path.glob("cells-*.va")
    run = _run([str(compiler), cells.name], tmp_path)
    assert run.returncode == 0, run.stderr
    assert cells.with_suffix(".osdi").exists()
