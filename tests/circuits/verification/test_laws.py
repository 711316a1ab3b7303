"""Linear and classical neurons in the circuit: by hand, then chips of them in the simulators, then mutants."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import circuits
import crossbar as xb
from circuits import simulators
from circuits.circuit import circuit as netlist
from circuits.circuit import layout
from circuits.circuit.electrical import Wires
from circuits.circuit.layout import Choices, Layout
from circuits.dialects import spice, vacask
from circuits.dialects.reader import parse
from circuits.memristors import registry
from circuits.simulators import Limits
from circuits.verification import nudged, reference
from circuits.verification.chip_reference import rest
from circuits.verification.exporting import Proof, Request, export_chip, prove
from circuits.verification.read_back import check
from circuits.verification.settled import compare
from crossbar.chip import Chip, load_chip
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Classical, Linear, Sigmoid
from crossbar.hopfield.population import Population
from tests.circuits.conftest import chip_of_laws, strong_chip

LIMITS = Limits(seconds=60, gigabytes=4)
pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_ngspice")]
KINDS = {
    "linear latents": {"latent": Linear()},
    "classical hidden": {"hidden": Classical()},
    "both": {"hidden": Classical(), "latent": Linear()},
    "linear pixels": {"pixels": Linear(), "latent": Linear()},
    "steep latents": {"latent": Sigmoid(5.0)},
    "three gains": {"pixels": Sigmoid(2.0), "hidden": Classical(1.5)},
}


def needs(name):
    engine = simulators.engine(name)
    if engine.version() is None:
        pytest.skip(f"{name} is missing: {engine.remedy}")


@pytest.mark.parametrize("amplifier", ["behavioural", "opamp"])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_a_linear_neuron_rests_at_what_it_receives_and_drives_what_it_is(symmetry, amplifier):
    """A linear neuron between held sigmoids, then a classical one that a linear neuron drives, held at -3."""
    W = np.array([[0.0, -1.7, 0.0], [-1.7, 0.0, 0.9], [0.0, 0.9, 0.0]])
    blocks = {"input": 1, "middle": 1, "output": 1}
    for neurons, held, expected in (
        ({"middle": "linear"}, {"input": [0.5], "output": [0.2]},
         -1.7 / (1 + np.exp(-1.5)) + 0.9 / (1 + np.exp(-0.6))),
        ({"input": "linear", "middle": "classical"}, {"input": [-3.0], "output": [0.2]},
         5.1 + 0.9 / (1 + np.exp(-0.6))),
    ):  # fmt: skip
        c = circuits.Circuit.from_weights(
            W, blocks, clamped=held, neurons=neurons, symmetry=symmetry, amplifier=amplifier
        )
        found = c.settle("ngspice")
        assert found.agrees
        tolerance = 1e-3 if amplifier == "opamp" else 1e-7
        assert found.states["middle"][0] == pytest.approx(expected, abs=tolerance * max(1, abs(expected)))


def test_two_neurons_by_hand():
    """A classical s = w z + b and a linear z = w rho(s): the fixed point of s = w^2 rho(s) + b, by bisection."""
    w, b, gain = 1.3, -0.8, 2.0
    W = np.array([[0.0, w, b / (1 / (1 + np.exp(-gain)))], [w, 0.0, 0.0], [b / (1 / (1 + np.exp(-gain))), 0.0, 0.0]])
    low, high = -5.0, 5.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if middle < w * w / (1 + np.exp(-gain * middle)) + b else (low, middle)
    c = circuits.Circuit.from_weights(
        W, {"hidden": 1, "latent": 1, "bias": 1}, clamped={"bias": [1.0]}, gain=gain,
        neurons={"hidden": "classical", "latent": "linear"},
    )  # fmt: skip
    found = c.settle("ngspice")
    assert found.states["hidden"][0] == pytest.approx(low, abs=1e-6)
    assert found.states["latent"][0] == pytest.approx(w / (1 + np.exp(-gain * low)), abs=1e-6)


def test_from_weights_is_the_network_of_crossbar(rng):
    W = np.triu(rng.standard_normal((9, 9)), 1) * 0.5
    W[6:, 6:] = 0
    blocks, laws = {"input": 2, "hidden": 4, "latent": 3}, {"hidden": "classical", "latent": "linear"}
    c = circuits.Circuit.from_weights(W + W.T, blocks, clamped={"input": [1.0, -2.0]}, gain=2.5, neurons=laws)
    found = c.settle("ngspice")
    theirs = xb.settle(
        xb.HopfieldNetwork(W + W.T, blocks, gain=2.5, neurons=laws), clamp={"input": [1.0, -2.0]}, tolerance=1e-10
    )
    for name in ("hidden", "latent"):
        np.testing.assert_allclose(found.states[name], np.ravel(theirs.states[name]), atol=1e-6)
    W[6, 8] = 0.3
    with pytest.raises(InvalidValue, match="linear"):
        circuits.Circuit.from_weights(W + W.T, blocks, clamped={"input": [1.0, -2.0]}, neurons=laws)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"mode": "fixed-rail"}, {"analysis": "op"}, {"role": "both"}])
def test_a_chip_of_other_laws_is_proved_in_every_mode(kind, options):
    summary = prove(Layout(chip=chip_of_laws(**KINDS[kind])), Proof(**options, n_samples=2))
    assert summary["passed"], summary["reasons"]
    assert all(text["passed"] for text in summary["read_back"])


@pytest.mark.parametrize("choices", [
    Choices(symmetry="shared"), Choices(amplifier="opamp"), Choices(amplifier="opamp", symmetry="shared"),
    Choices(wires=Wires(tile=7)), Choices(idle="drop"),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["linear pixels", "both", "three gains"])
def test_every_way_of_laying_out_is_proved_and_reads_back(tmp_path, kind, choices):
    chosen = Layout(chip=chip_of_laws(**KINDS[kind]), choices=choices)
    summary = prove(chosen, Proof())
    assert summary["passed"], summary["reasons"]
    if choices.wires is not None:
        assert prove(chosen, Proof(mode="tile", role="decode"))["passed"]
        return
    requests = [Request(), Request(role="encode"), Request(role="decode", phase="nudged")]
    for one in requests:
        for file in export_chip(chosen, one, tmp_path, "x")["files"]:
            found = check(chosen, file["path"], sample=0, seed=0)
            assert found.passed, found.problems
            assert not parse(file["path"]).foreign


@pytest.mark.parametrize("kind", ["linear latents", "both", "three gains"])
def test_vacask_and_pyspice_find_the_same_states(kind, tmp_path):
    chip = chip_of_laws(**KINDS[kind])
    needs("vacask")
    for symmetry in ("two-device", "shared"):
        for options in ({"analysis": "tran"}, {"analysis": "tran-op"}, {"mode": "fixed-rail"}):
            if symmetry == "shared" and "mode" in options:
                continue
            summary = prove(Layout(chip=chip, choices=Choices(symmetry=symmetry)), Proof(engine="vacask", **options))
            assert summary["passed"], summary["reasons"]
            assert all(text["passed"] for text in summary["read_back"])
    needs("pyspice")
    assert prove(Layout(chip=chip), Proof(engine="pyspice", role="decode"))["passed"]


def of_law(block, law):
    """Return a mutant of the posing: the neurons of `block` have another law."""

    def change(circuit):
        stem = {"pixels": "pixel"}.get(block, block)
        laws = [run_law for run_law, run in circuit.neurons.runs for _ in range(run.stop - run.start)]
        laws = [law if name.startswith(stem) else own for own, name in zip(laws, circuit.names, strict=True)]
        return replace(circuit, neurons=Population.side_by_side(laws, [1] * len(laws)))

    def patch(monkeypatch):
        for module in (layout, netlist):
            right = netlist.build
            monkeypatch.setattr(module, "build", lambda *a, right=right, **k: change(right(*a, **k)))

    return patch


MUTANTS = {
    "sigmoid latents": ("both", of_law("latent", Sigmoid())),
    "sigmoid hidden": ("both", of_law("hidden", Sigmoid())),
    "classical latents": ("linear latents", of_law("latent", Classical())),
    "classical pixels": ("linear latents", of_law("pixels", Classical())),
    "gain of the hidden": ("three gains", of_law("hidden", Classical(2.5))),
    "gain of the latents": ("steep latents", of_law("latent", Sigmoid(4.0))),
    "all the paper's": ("both", lambda patch: [of_law("hidden", Sigmoid())(patch), of_law("latent", Sigmoid())(patch)]),
}


@pytest.mark.parametrize("name", MUTANTS)
@pytest.mark.parametrize("options", [{}, {"mode": "fixed-rail"}, {"role": "both"}])
def test_a_swapped_law_fails_by_its_states_and_by_its_text(tmp_path, monkeypatch, name, options):
    kind, mutate = MUTANTS[name]
    mutate(monkeypatch)
    summary = prove(Layout(chip=chip_of_laws(**KINDS[kind])), Proof(**options, seconds=60))
    assert not summary["passed"]
    assert summary["max_abs_error"] > 3 * summary["tolerance"]
    assert not all(text["passed"] for text in summary["read_back"])


@pytest.mark.parametrize("name", MUTANTS)
def test_vacask_and_check_notice_a_swapped_law(tmp_path, monkeypatch, name):
    kind, mutate = MUTANTS[name]
    chosen = Layout(chip=chip_of_laws(**KINDS[kind]))
    mutate(monkeypatch)
    wrong = export_chip(chosen, Request(), tmp_path, "x")["files"][0]["path"]
    assert not check(chosen, wrong, sample=0, seed=0).passed
    needs("vacask")
    summary = prove(chosen, Proof(engine="vacask", analysis="op"))
    assert not summary["passed"]
    assert summary["max_abs_error"] > 100 * summary["tolerance"]
    assert not all(text["passed"] for text in summary["read_back"])


@pytest.mark.parametrize(("kind", "old", "new"), [
    ("linear latents", "m_latent_1 integrator ic=0.0", "m_latent_1 neuron ic=0.0"),
    ("linear latents", "p_latent_1 follower", "p_latent_1 driver"),
    ("linear latents", "p_hidden_1 driver", "p_hidden_1 follower"),
    ("linear latents", "p_hidden_1 driver", "p_hidden_1 driver gain=4.0"),
    ("linear latents", "V=v_read*v(s)", "V=v_read*0.9*v(s)"),
    ("linear latents", ".param gain=3.0", ".param gain=3.1"),
    ("classical hidden", "m_hidden_1 integrator ic=0.0", "m_hidden_1 neuron ic=0.0"),
    ("three gains", "m_pixel_0_1 neuron ic=0.0 gain=2.0", "m_pixel_0_1 neuron ic=0.0 gain=3.0"),
    ("three gains", "p_hidden_1 driver gain=1.5", "p_hidden_1 driver gain=2.0"),
    ("three gains", "p_hidden_1 driver gain=1.5", "p_hidden_1 driver"),
    ("three gains", ".subckt driver s p gain=1", ".subckt driver s p"),
])  # fmt: skip
def test_a_law_that_was_changed_in_the_text_is_noticed(tmp_path, kind, old, new):
    chosen = Layout(chip=chip_of_laws(**KINDS[kind]))
    path = Path(export_chip(chosen, Request(), tmp_path, "x")["files"][0]["path"])
    assert check(chosen, path, sample=0, seed=0).passed
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert not check(chosen, path, sample=0, seed=0).passed


@pytest.mark.parametrize(("old", "new"), [
    ("qn_latent_1) integrator", "qn_latent_1) neuron"), ("p_latent_1) follower", "p_latent_1) driver"),
    ("p_hidden_1) driver", "p_hidden_1) driver_2"), ("model driver_2 hopbar_driver gain=5.0", "model driver_2 "
                                                     "hopbar_driver gain=4.0"),
    ("model driver_2 hopbar_driver", "model driver_2 hopbar_follower"),
])  # fmt: skip
def test_a_law_that_was_changed_in_vacasks_text_is_noticed(tmp_path, old, new):
    chip = chip_of_laws(hidden=Classical(5.0), latent=Linear())
    chosen = Layout(chip=chip)
    path = vacask.write(chosen.encode(chosen.image(0)), tmp_path)
    assert check(chosen, path, sample=0, seed=0).passed
    text = path.read_text()
    if "p_hidden_1) driver" in old:
        old, new = new, old
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert not check(chosen, path, sample=0, seed=0).passed


def test_fixed_word_lines_are_read_back(tmp_path):
    chosen = Layout(chip=chip_of_laws(latent=Linear()))
    prove(chosen, Proof(mode="fixed-rail", keep=tmp_path))
    path = next((tmp_path / "0-encode").glob("*.cir"))
    assert check(chosen, path, sample=0, seed=0).passed
    lines = path.read_text().splitlines(keepends=True)
    at = next(k for k, line in enumerate(lines) if line.startswith("Vrail_latent_1"))
    words = lines[at].split()
    lines[at] = f"{' '.join(words[:3])} {float(words[3]) * 1.001!r}\n"
    path.write_text("".join(lines))
    assert any("word lines" in problem for problem in check(chosen, path, sample=0, seed=0).problems)


def test_the_softest_mode_is_the_slowest_rate_of_the_states():
    """A saturated classical neuron still moves at its time constant, though its energy is flat in s there."""
    W = np.array([[0.0, 3.0], [3.0, 0.0]])
    network = Network((("pixels", 1), ("hidden", 1), ("latent", 1)), neurons=(Sigmoid(), Classical(), Linear()))
    weights = np.zeros((3, 3))
    weights[:2, :2] = W
    chip = Chip(
        model="tdh-vae", networks={"tied": network}, weights={"tied": weights}, sigma=0.1, image_shape=(1, 1),
        examples=np.ones((1, 1)),
    )  # fmt: skip
    found = rest(chip, Choices(), "encode", np.ones(1))
    assert found.states[1] == pytest.approx(3 / (1 + np.exp(-3.0)), abs=1e-14)
    assert found.softest == pytest.approx(1.0, abs=1e-12)


def test_the_chips_energy_and_its_rest_by_its_own_formulas():
    chip = chip_of_laws(hidden=Classical(2.0), latent=Linear())
    found = rest(chip, Choices(), "encode", np.asarray(chip.examples[0]))
    s, W = found.states, chip.weights["tied"]
    r = np.concatenate([1 / (1 + np.exp(-3 * s[:9])), 1 / (1 + np.exp(-2 * s[9:15])), s[15:]])
    pull = W @ r
    np.testing.assert_allclose(s[9:], pull[9:], atol=1e-12)
    own = 0.5 * (s[:9] ** 2).sum() + 0.5 * (s[15:] ** 2).sum()
    own += (s[9:15] * r[9:15] - np.log((1 + np.exp(2 * s[9:15])) / 2) / 2).sum()
    assert found.energy(s) == pytest.approx(own - 0.5 * r @ W @ r, rel=1e-12)
    circuit = Layout(chip=chip).encode(np.asarray(chip.examples[0]))
    assert reference.energy(circuit, s) == pytest.approx(found.energy(s), rel=1e-9)
    np.testing.assert_allclose(reference.settle(circuit), s, atol=1e-10)


@pytest.mark.parametrize("kind", ["linear pixels", "both"])
def test_the_contrast_is_the_chips(tmp_path, kind):
    found = nudged.compare_contrast(
        Layout(chip=chip_of_laws(**KINDS[kind])), simulators.engine("ngspice"), tmp_path, LIMITS, sample=0, seed=0,
        beta=0.05, beta_kl=1.9,
    )  # fmt: skip
    assert found.relative_error < 1e-3


def test_a_wrong_law_makes_a_wrong_contrast(tmp_path, monkeypatch):
    of_law("latent", Sigmoid())(monkeypatch)
    found = nudged.compare_contrast(
        Layout(chip=chip_of_laws(latent=Linear())), simulators.engine("ngspice"), tmp_path, LIMITS, sample=0, seed=0,
        beta=0.05, beta_kl=1.9,
    )  # fmt: skip
    assert found.relative_error > 0.05


def test_the_latent_gradient_has_slope_one(rng):
    chosen = Layout(chip=chip_of_laws(latent=Linear()))
    z, beta = rng.standard_normal(3), 0.05
    image = chosen.image(0)
    decoder = nudged.nudge_decoder(chosen.decode(z), slice(0, 9), image, beta)
    gradient = nudged.latent_gradient(chosen, decoder, nudged.simulated(decoder), beta)

    def loss(z):
        return 0.5 * ((reference.settle(chosen.decode(z))[:9] - image) ** 2).sum()

    for k in range(3):
        step = 1e-4 * np.eye(3)[k]
        assert gradient[k] == pytest.approx((loss(z + step) - loss(z - step)) / 2e-4, rel=0.02, abs=2e-3)


def test_a_nudge_on_classical_neurons_is_refused():
    chosen = Layout(chip=chip_of_laws(pixels=Classical()))
    with pytest.raises(InvalidValue, match="classical"):
        nudged.nudge_decoder(chosen.decode(np.zeros(3)), slice(0, 9), chosen.image(0), 0.05)


@pytest.mark.parametrize(("device", "symmetry"), [("vteam", "shared"), ("yakopcic", "two-device")])
def test_devices_with_a_state_are_read_below_their_thresholds_by_linear_neurons_too(device, symmetry, tmp_path):
    """At full read voltage a latent of 2.5 is beyond VTEAM's v_off, twice that voltage."""
    chip = replace(chip_of_laws(latent=Linear()), sigma=1e-3)
    chosen = Layout(chip=chip, choices=Choices(device=device, symmetry=symmetry))
    assert chosen.read_voltage("tied") == registry.MODELS[device].read_voltage / (8 if symmetry == "shared" else 4)
    assert Layout(chip=chip).read_voltage("tied") == 0.1
    circuit = chosen.decode(np.array([2.5, -2.5, 3.0]))
    found = rest(chip, chosen.choices, "decode", np.array([2.5, -2.5, 3.0]))
    compared = compare(circuit, found, simulators.engine("ngspice"), tmp_path, LIMITS, kind="tran")
    assert np.abs(compared.error).max() < (1e-6 if device == "vteam" else 1e-4)
    far = replace(chip, sigma=40.0)
    report = export_chip(Layout(chip=far, choices=chosen.choices), Request(role="decode"), tmp_path, "x")
    assert any("linear neurons reach" in said for said in report["warnings"])


def test_what_was_saved_is_proved(tmp_path):
    path = chip_of_laws(hidden=Classical(2.0), latent=Linear()).save(tmp_path / "chip.h5")
    assert prove(Layout(chip=load_chip(path)), Proof(role="both"))["passed"]


GOLDEN = {
    "spice": "ca0bb0bef2715c61b366b7ddcc76ba21a36eaf46745a5bb644a56d02e3c6a3fb",
    "vacask": "0d48a8677bfb039b9a40785000ec6efa814538d686796241251ca6e9e5433d42",
}


@pytest.mark.parametrize(("name", "dialect"), [("spice", spice), ("vacask", vacask)])
def test_the_text_of_the_papers_chip_is_as_it_was(name, dialect):
    """SHA-256 of the text that was written before there were laws."""
    chosen = Layout(chip=strong_chip())
    text = "".join(dialect.pieces(chosen.encode(chosen.image(0))))
    assert hashlib.sha256(text.encode()).hexdigest() == GOLDEN[name]
