"""Neurons that are not alike in the circuit: by hand, whole chips in the simulators, then mutants of their text."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from circuits import simulators
from circuits.circuit import circuit as netlist
from circuits.circuit import layout
from circuits.circuit.circuit import Circuit
from circuits.circuit.electrical import Wires
from circuits.circuit.layout import Choices, Layout
from circuits.circuit.memristor_array import map_linearly
from circuits.dialects import spice, vacask
from circuits.dialects.reader import parse
from circuits.simulators import Limits
from circuits.verification import nudged, reference, told_laws
from circuits.verification.chip_reference import rest
from circuits.verification.device_error import TOLERANCES
from circuits.verification.exporting import Proof, Request, export_chip, prove
from circuits.verification.read_back import check
from crossbar.chip import Chip, Conductances, load_chip
from crossbar.errors import CorruptFile, InvalidValue
from crossbar.hopfield.mismatch import Mismatch, Spread
from crossbar.hopfield.neurons import Classical, Linear, Sigmoid
from crossbar.hopfield.population import Population
from tests.circuits.conftest import chip_of_laws, strong_chip

LIMITS = Limits(seconds=60, gigabytes=4)
LIMIT = 0.5
SPREAD = Spread(gain=0.1, offset=0.05, leak=0.1)
pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_ngspice")]
KINDS = {
    "sigmoid": strong_chip,
    "linear latents": lambda: chip_of_laws(latent=Linear()),
    "linear pixels": lambda: chip_of_laws(pixels=Linear(), latent=Linear()),
    "steep latents": lambda: chip_of_laws(latent=Sigmoid(5.0)),
    "pulled": strong_chip,
    "pulled, linear latents": lambda: chip_of_laws(latent=Linear()),
    "latents with a supply": lambda: chip_of_laws(latent=Linear()).with_limit(LIMIT),
}


def unlike(kind: str = "linear latents") -> Chip:
    spread = replace(SPREAD, pull=0.2) if kind.startswith("pulled") else SPREAD
    return KINDS[kind]().with_neurons(spread, np.random.default_rng(3))


def needs(name):
    engine = simulators.engine(name)
    if engine.version() is None:
        pytest.skip(f"{name} is missing: {engine.remedy}")


@pytest.mark.parametrize("amplifier", ["behavioural", "opamp"])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_one_neuron_of_each_law_by_hand(symmetry, amplifier, tmp_path):
    """A held neuron drives rho(a (x - o)), or a (x - o); l s = a rho'(a (s - o)) u by bisection, or l s = a u."""
    gain, offset, leak = np.array([1.2, 0.8, 1.3]), np.array([0.1, -0.2, 0.3]), np.array([0.7, 1.4, 0.9])
    W = np.array([[0.0, 1.5, -0.7], [1.5, 0.0, 0.0], [-0.7, 0.0, 0.0]])
    laws = [Sigmoid(2.0), Sigmoid(2.0), Linear()]
    circuit = Circuit(
        names=("input_0", "hidden_0", "latent_0"),
        array=map_linearly(W, W != 0, g_min=1e-6, g_max=1e-4, symmetry=symmetry),
        neurons=Population.side_by_side(laws, [1, 1, 1], Mismatch(gain=gain, offset=offset, leak=leak)),
        clamped=np.array([True, False, False]), held=np.array([0.4, 0.0, 0.0]), start=np.zeros(3), amplifier=amplifier,
    )  # fmt: skip
    driven = 1 / (1 + np.exp(-2.0 * 1.2 * (0.4 - 0.1)))
    low, high = 0.0, 3.0
    for _ in range(80):
        s = (low + high) / 2
        r = 1 / (1 + np.exp(-2.0 * 0.8 * (s + 0.2)))
        low, high = (s, high) if 1.4 * s < 0.8 * 2.0 * r * (1 - r) * 1.5 * driven else (low, s)
    expected = np.array([0.4, low, 1.3 * -0.7 * driven / 0.9])
    np.testing.assert_allclose(reference.settle(circuit), expected, atol=1e-12)
    waveforms = simulators.engine("ngspice").settle(circuit, tmp_path, LIMITS)
    tolerance = 1e-3 if amplifier == "opamp" else 1e-6
    np.testing.assert_allclose(waveforms.states(circuit.names[1:]), expected[1:], atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"mode": "fixed-rail"}, {"analysis": "op"}, {"role": "both"}])
def test_a_chip_of_unlike_neurons_is_proved_in_every_mode(kind, options):
    summary = prove(Layout(chip=unlike(kind)), Proof(**options, n_samples=2))
    assert summary["passed"], summary["reasons"]
    assert all(text["passed"] for text in summary["read_back"])


@pytest.mark.parametrize("choices", [
    Choices(symmetry="shared"), Choices(amplifier="opamp"), Choices(amplifier="opamp", symmetry="shared"),
    Choices(wires=Wires(tile=7)), Choices(idle="drop"),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["sigmoid", "linear latents", "pulled, linear latents"])
def test_every_way_of_laying_out_is_proved_and_reads_back(tmp_path, kind, choices):
    chosen = Layout(chip=unlike(kind), choices=choices)
    summary = prove(chosen, Proof())
    assert summary["passed"], summary["reasons"]
    if choices.wires is not None:
        assert prove(chosen, Proof(mode="tile", role="decode"))["passed"]
        return
    for options in ({"mode": "fixed-rail", "role": "decode"}, {"role": "both"}):
        summary = prove(chosen, Proof(**options))
        assert summary["passed"], summary["reasons"]
    for one in (Request(), Request(role="encode"), Request(role="decode", phase="nudged")):
        for file in export_chip(chosen, one, tmp_path, "x")["files"]:
            found = check(chosen, file["path"], sample=0, seed=0)
            assert found.passed, found.problems
            assert found.offset_error < 1e-15
            assert not parse(file["path"]).foreign


def test_a_programmed_chip_of_unlike_neurons_is_proved(rng):
    """Devices that miss their targets, each direction by itself, and neurons that are not alike."""
    chip = unlike("sigmoid")
    missed = chip.weights["tied"] + 0.1 * rng.standard_normal((17, 17))
    sides = [np.where(chip.networks["tied"].mask(), 1e-6 + 1e-5 * np.maximum(side, 0), 0) for side in (missed, -missed)]
    devices = Conductances(plus=sides[0], minus=sides[1], siemens_per_weight=1e-5, device="test")
    for options in ({}, {"mode": "fixed-rail"}, {"role": "both"}):
        summary = prove(Layout(chip=replace(chip, conductances={"tied": devices})), Proof(**options))
        assert summary["passed"], summary["reasons"]


@pytest.mark.parametrize("device", ["vteam", "yakopcic"])
def test_devices_with_a_state_are_proved(device):
    summary = prove(Layout(chip=unlike("sigmoid"), choices=Choices(device=device)), Proof(role="encode"))
    assert summary["passed"], summary["reasons"]
    assert summary["tolerance"] == max(1e-6, TOLERANCES[device])


def test_an_untied_chip_is_proved(untied_chip):
    chip = untied_chip.with_neurons(SPREAD, np.random.default_rng(5))
    for choices in (Choices(), Choices(symmetry="shared")):
        summary = prove(Layout(chip=chip, choices=choices), Proof(n_samples=2))
        assert summary["passed"], summary["reasons"]


@pytest.mark.parametrize(
    "kind", ["sigmoid", "linear pixels", "pulled", "pulled, linear latents", "latents with a supply"]
)
def test_vacask_finds_the_same_states(kind):
    needs("vacask")
    for symmetry in ("two-device", "shared"):
        for options in ({"analysis": "tran"}, {"analysis": "tran-op"}, {"mode": "fixed-rail"}):
            if symmetry == "shared" and "mode" in options:
                continue
            summary = prove(
                Layout(chip=unlike(kind), choices=Choices(symmetry=symmetry)), Proof(engine="vacask", **options)
            )
            assert summary["passed"], summary["reasons"]
            assert all(text["passed"] for text in summary["read_back"])


def noticed(chosen, path):
    try:
        return not check(chosen, path, sample=0, seed=0).passed
    except CorruptFile:  # a card that is not ours: its neuron is missed
        return True


def posed_with(change):
    """Return a mutant of the posing: the neurons' own numbers are other ones."""

    def patch(monkeypatch):
        for module in (layout, netlist):
            right = netlist.build

            def build(*args, right=right, **parts):
                circuit = right(*args, **parts)
                own = circuit.neurons.mismatch
                return replace(circuit, neurons=replace(circuit.neurons, mismatch=own and change(own)))

            monkeypatch.setattr(module, "build", build)

    return patch


def bent(number, neuron, factor):
    def change(own):
        values = getattr(own, number).copy()
        values[neuron] *= factor
        return replace(own, **{number: values})

    return change


MUTANTS = {
    "perfect": lambda own: None,
    "offsets turned": lambda own: replace(own, offset=-own.offset),
    "leaks over": lambda own: replace(own, leak=1 / own.leak),
    "gains and leaks swapped": lambda own: replace(own, gain=own.leak, leak=own.gain),
    "gain of a pixel": bent("gain", 1, 1.01),
    "offset of a pixel": bent("offset", 1, 1.2),
    "leak of a hidden neuron": bent("leak", 10, 1.01),
    "gain of a latent": bent("gain", 16, 1.01),
    "offset of a latent": bent("offset", 16, 1.2),
    "leak of a latent": bent("leak", 16, 1.01),
}


@pytest.mark.parametrize("name", MUTANTS)
@pytest.mark.parametrize("options", [{}, {"mode": "fixed-rail", "role": "encode"}])
def test_other_neurons_than_the_chips_fail_by_their_states_and_by_their_text(monkeypatch, name, options):
    posed_with(MUTANTS[name])(monkeypatch)
    summary = prove(Layout(chip=unlike()), Proof(**options))
    assert not summary["passed"]
    assert not all(text["passed"] for text in summary["read_back"])  # a clamped latent has no leak
    rail = "mode" in options and ("pixel" in name or name == "offset of a latent")
    assert rail or summary["max_abs_error"] > 3 * summary["tolerance"]  # fixed lines are those of the chip


@pytest.mark.parametrize("kind", ["sigmoid", "linear latents"])
@pytest.mark.parametrize("symmetry", ["two-device", "shared"])
def test_each_number_of_each_card_is_compared_with_the_chips(tmp_path, kind, symmetry):
    chosen = Layout(chip=unlike(kind), choices=Choices(symmetry=symmetry))
    path = Path(export_chip(chosen, Request(role="encode"), tmp_path, "x")["files"][0]["path"])
    assert check(chosen, path, sample=0, seed=0).passed
    text, changed = path.read_text(), 0
    for card in ("Xdriver_pixel_0_1", "Xneuron_hidden_1", "Xdriver_hidden_1", "Xneuron_latent_1", "Xdriver_latent_1"):
        line = next(line for line in text.splitlines() if line.startswith(f"{card} "))
        for number, value in re.findall(r" (gain|offset|leak)=(\S+)", line):
            other = line.replace(f" {number}={value}", f" {number}={float(value) + 1e-9!r}")
            for wrong in (other, line.replace(f" {number}={value}", ""), line + " leak=1.0"):
                path.write_text(text.replace(line, wrong))
                assert noticed(chosen, path), wrong
                changed += 1
            path.write_text(text.replace(line, other))
            said = {"gain": "its gain", "offset": "its offsets", "leak": "its leaks"}[number]
            assert any(said in problem for problem in check(chosen, path, sample=0, seed=0).problems)
    assert changed == 3 * (2 + 3 + 2 + (3 if kind == "sigmoid" else 2) + 2)


@pytest.mark.parametrize(("old", "new"), [
    ("I=gain*v(m)/r_leak", "I=v(m)/r_leak"), ("{r_leak/leak}", "{r_leak}"), ("(v(s)-offset)", "v(s)"),
    ("V=v_read*gain*(v(s)-offset)", "V=v_read*(v(s)-offset)"), ("ic=0 gain=1 offset=0 leak=1", "ic=0 gain=1 offset=0"),
])  # fmt: skip
def test_a_cell_that_was_changed_is_noticed(tmp_path, old, new):
    chosen = Layout(chip=unlike())
    path = Path(export_chip(chosen, Request(), tmp_path, "x")["files"][0]["path"])
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert not check(chosen, path, sample=0, seed=0).passed


@pytest.mark.parametrize("symmetry", ["two-device", "shared"])
def test_vacasks_text_is_compared_too(tmp_path, symmetry):
    chosen = Layout(chip=unlike(), choices=Choices(symmetry=symmetry))
    path = vacask.write(chosen.encode(chosen.image(0)), tmp_path)
    assert check(chosen, path, sample=0, seed=0).passed
    text = path.read_text()
    for card in ("driver_pixel_0_1", "neuron_hidden_1", "driver_hidden_1", "neuron_latent_1", "driver_latent_1"):
        line = next(line for line in text.splitlines() if line.startswith(f"{card} "))
        for number, value in re.findall(r" (gain|offset|leak)=(\S+)", line):
            for other in (f" {number}={float(value) + 1e-9!r}", "", f" {number}={value} {number}=1.0"):
                path.write_text(text.replace(line, line.replace(f" {number}={value}", other)))
                assert noticed(chosen, path), other
    line = next(line for line in text.splitlines() if line.startswith("driver_hidden_1 "))
    path.write_text(text.replace(line, f"{line} leak=1.0"))
    assert noticed(chosen, path)
    path.write_text(text)
    cells = path.with_name("cells.va")
    for other in (cells.read_text().replace("leak * V(s)", "V(s)"), vacask.cells_of(strong_chip_neurons())):
        cells.write_text(other)
        assert not check(chosen, path, sample=0, seed=0).passed


def strong_chip_neurons():
    network = strong_chip().networks["tied"]
    return network.population(network.names)


def test_a_perfect_chips_netlist_is_not_that_of_an_unlike_one_nor_the_other_way(tmp_path):
    perfect, other = (Layout(chip=chip) for chip in (KINDS["linear latents"](), unlike()))
    paths = [export_chip(one, Request(role="encode"), tmp_path / name, "x")["files"][0]["path"]
             for name, one in (("perfect", perfect), ("other", other))]  # fmt: skip
    for chosen, path in ((perfect, paths[1]), (other, paths[0])):
        found = check(chosen, path, sample=0, seed=0)
        assert not found.passed
        assert min(found.gain_error, found.offset_error, found.leak_error) > 1e-3
    assert "not alike" in Path(paths[1]).read_text()
    assert "offset" not in Path(paths[0]).read_text()


def test_unlike_cells_whose_numbers_are_perfect_are_a_perfect_chip(tmp_path):
    perfect = KINDS["linear latents"]()
    ones = np.ones(perfect.networks["tied"].size)
    alike = Mismatch(gain=ones, offset=0 * ones, leak=ones)
    same = replace(perfect, networks={"tied": replace(perfect.networks["tied"], mismatch=alike)})
    path = export_chip(Layout(chip=same), Request(role="encode"), tmp_path, "x")["files"][0]["path"]
    for chip in (same, perfect):
        network = chip.networks["tied"]
        found = parse(path)
        assert told_laws.offset_error(network, found) == told_laws.leak_error(network, found) == 0.0
    assert not list(told_laws.problems(perfect.networks["tied"], found))


@pytest.mark.parametrize("symmetry", ["two-device", "shared"])
@pytest.mark.parametrize("kind", ["pulled", "pulled, linear latents"])
def test_the_pull_of_each_card_is_compared_too(tmp_path, kind, symmetry):
    chosen = Layout(chip=unlike(kind), choices=Choices(symmetry=symmetry))
    spice_path = Path(export_chip(chosen, Request(role="encode"), tmp_path, "x")["files"][0]["path"])
    for path in (spice_path, vacask.write(chosen.encode(chosen.image(0)), tmp_path)):
        text = path.read_text()
        assert check(chosen, path, sample=0, seed=0).passed
        line = next(line for line in text.splitlines() if re.match("X?neuron_hidden_1 ", line))
        value = re.search(r" pull=(\S+)", line).group(1)
        for other in (f" pull={float(value) + 1e-9!r}", ""):
            path.write_text(text.replace(line, line.replace(f" pull={value}", other)))
            assert not check(chosen, path, sample=0, seed=0).passed, other


@pytest.mark.parametrize("kind", ["sigmoid", "linear pixels", "pulled"])
def test_the_contrast_is_the_chips(tmp_path, kind):
    found = nudged.compare_contrast(
        Layout(chip=unlike(kind)), simulators.engine("ngspice"), tmp_path, LIMITS, sample=0, seed=0, beta=0.05,
        beta_kl=1.9,
    )  # fmt: skip
    assert found.relative_error < 1e-3


def test_other_neurons_make_a_wrong_contrast(tmp_path, monkeypatch):
    posed_with(MUTANTS["perfect"])(monkeypatch)
    found = nudged.compare_contrast(
        Layout(chip=unlike()), simulators.engine("ngspice"), tmp_path, LIMITS, sample=0, seed=0, beta=0.05, beta_kl=1.9
    )
    assert found.relative_error > 0.01


@pytest.mark.parametrize("kind", ["sigmoid", "linear latents"])
def test_the_latent_gradient_has_the_slope_of_the_neurons_own(kind, rng):
    chosen = Layout(chip=unlike(kind))
    z, beta = 0.5 * rng.standard_normal(chosen.noise(0, 0).size), 0.02
    image = chosen.image(0)
    decoder = nudged.nudge_decoder(chosen.decode(z), slice(0, 9), image, beta)
    gradient = nudged.latent_gradient(chosen, decoder, nudged.simulated(decoder), beta)

    def loss(z):
        return 0.5 * ((reference.settle(chosen.decode(z))[:9] - image) ** 2).sum()

    for k in range(z.size):
        step = 1e-4 * np.eye(z.size)[k]
        assert gradient[k] == pytest.approx((loss(z + step) - loss(z - step)) / 2e-4, rel=0.02, abs=2e-3)


def test_the_chips_energy_and_its_rest_by_its_own_formulas():
    chip = unlike("pulled, linear latents")
    own, W = chip.networks["tied"].mismatch, chip.weights["tied"]
    found = rest(chip, Choices(), "encode", np.asarray(chip.examples[0]))
    s, x = found.states, own.gain * (found.states - own.offset)
    r = np.concatenate([1 / (1 + np.exp(-3 * x[:15])), x[15:]])
    slope = own.gain * np.concatenate([3 * r[:15] * (1 - r[:15]), np.ones(3)])
    np.testing.assert_allclose((own.leak * s)[9:], (slope * (W @ r + own.pull))[9:], atol=1e-12)
    assert found.energy(s) == pytest.approx(0.5 * (own.leak * s**2).sum() - 0.5 * r @ W @ r - own.pull @ r, rel=1e-12)
    circuit = Layout(chip=chip).encode(np.asarray(chip.examples[0]))
    assert reference.energy(circuit, s) == pytest.approx(found.energy(s), rel=1e-9)
    assert reference.softest_mode(circuit, s) == pytest.approx(found.softest, rel=1e-9)
    np.testing.assert_allclose(reference.settle(circuit), s, atol=1e-10)


def test_what_was_saved_is_proved(tmp_path):
    path = unlike().save(tmp_path / "chip.h5")
    assert prove(Layout(chip=load_chip(path)), Proof(role="both"))["passed"]


def test_a_mismatch_of_other_neurons_is_refused():
    circuit = Layout(chip=unlike("sigmoid")).encode(np.zeros(9))
    own = circuit.neurons.mismatch
    with pytest.raises(InvalidValue, match="mismatch"):
        replace(circuit, neurons=replace(circuit.neurons, mismatch=own.select(slice(0, 4))))
    classical = Population.side_by_side([Classical()], [17], own)
    with pytest.raises(InvalidValue, match="classical"):
        replace(circuit, neurons=classical)
    assert "".join(spice.pieces(circuit)).count(" leak=") == 9  # eight free neurons, and the cell
