"""A flow as a circuit: one transient from noise ends where the simulator does, and what is wrong in it is noticed."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from circuits import simulators
from circuits.circuit.generation import UNHURRIED, Generation
from circuits.circuit.layout import Choices, Layout
from circuits.dialects import spice
from circuits.simulators.process import Limits
from circuits.verification import generating
from circuits.verification.exporting import Proof, Request, export_chip, prove
from circuits.verification.flow_reference import carried
from circuits.verification.read_back import check
from crossbar.chip import Chip, Conductances
from crossbar.errors import EngineError, InvalidValue
from crossbar.hopfield.clock import times
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Linear, Sigmoid
from crossbar.readout import Readout

LIMITS = Limits(seconds=60, gigabytes=4)


def flow_chip(seed=0, pixels=6, hidden=8, strength=0.5) -> Chip:
    """A flow with random weights."""
    rng = np.random.default_rng(seed)
    network = Network(
        (("pixels", pixels), ("time", 4), ("hidden", hidden)), neurons=(Linear(), Linear(), Sigmoid())
    )
    weights = np.triu(rng.standard_normal((network.size,) * 2), 1) * strength * network.mask()
    return Chip(
        model="flow", networks={"flow": network}, weights={"flow": weights + weights.T}, image_shape=(2, pixels // 2),
        readout=Readout(mean=np.zeros(pixels), scale=np.full(pixels, 0.5)),
    )  # fmt: skip


def timeless_chip(seed=0, pixels=6, hidden=8, after=6.0) -> Chip:
    """A flow without time, with random weights, that is read after so many time constants of its pixels."""
    rng = np.random.default_rng(seed)
    network = Network((("pixels", pixels), ("hidden", hidden)), neurons=(Linear(), Sigmoid()))
    weights = np.triu(rng.standard_normal((network.size,) * 2), 1) * 0.5 * network.mask()
    return Chip(
        model="flow", networks={"flow": network}, weights={"flow": weights + weights.T}, image_shape=(2, pixels // 2),
        readout=Readout(mean=np.zeros(pixels), scale=np.full(pixels, 0.5), after=after),
    )  # fmt: skip


def test_without_weights_a_chip_without_time_leaks_for_as_long_as_it_says():
    """slowness dx/dt = -x: what is left is exp(-after), whatever the slowness."""
    chip = timeless_chip(after=2.0)
    chip = replace(chip, weights={"flow": np.zeros_like(chip.weights["flow"])})
    noise = np.random.default_rng(1).standard_normal(6)
    for slow in (1.0, 4.0):
        np.testing.assert_allclose(carried(chip, Choices(), noise, slow)[:6], noise * np.exp(-2.0), atol=1e-7)


@pytest.mark.parametrize(("symmetry", "slow"), [("shared", None), ("two-device", 1.0)])
def test_a_chip_without_time_relaxes_in_ngspice_to_the_chips_image(needs_ngspice, tmp_path, symmetry, slow):
    layout = Layout(chip=timeless_chip(), choices=Choices(symmetry=symmetry))
    summary = prove(layout, Proof(keep=tmp_path, slowness=slow, n_samples=2))
    assert summary["passed"], summary["reasons"]
    assert summary["max_abs_error"] < 1e-4
    assert summary["slowness"] == (slow or UNHURRIED)
    assert summary["flow_seconds"] == pytest.approx(6 * (slow or UNHURRIED) * 1e-6)
    text = (tmp_path / "0-generate" / "circuit.cir").read_text()
    assert "Vtime" not in text
    assert "Vclamp" not in text
    assert ("Cslow" in text) == (slow != 1.0)


def test_an_export_without_time_is_read_back_and_another_is_noticed(tmp_path):
    layout = Layout(chip=timeless_chip())
    export_chip(layout, Request(), tmp_path, "a test")
    path = tmp_path / "generate.cir"
    assert check(layout, path, sample=0, seed=0).passed
    at = float(path.read_text().split("find v(s_pixel_0_0) at=")[1].split()[0])
    assert at == pytest.approx(6 * UNHURRIED * 1e-6)
    assert not check(layout, path, sample=1, seed=0).passed
    assert not check(layout, path, sample=0, seed=0, slowness=8.0).passed
    assert not check(Layout(chip=timeless_chip(seed=1)), path, sample=0, seed=0).passed
    with pytest.raises(InvalidValue, match="`slow` must be at least 1"):
        layout.generate(layout.noise(0, 0), 0.5)


def test_the_reference_follows_a_chip_without_hidden_couplings_exactly():
    """With no weights but those of time, slowness dx/dt = -x + W tau(t / slowness): solved by quadrature here."""
    chip = flow_chip()
    network = chip.networks["flow"]
    only = np.zeros_like(chip.weights["flow"])
    pixels, time = network.block("pixels"), network.block("time")
    only[time, pixels] = chip.weights["flow"][time, pixels]
    chip = replace(chip, weights={"flow": only + only.T})
    noise = np.random.default_rng(1).standard_normal(6)
    t = np.linspace(0, 1, 200_001)
    pull = times(t, 4) @ only[time, pixels]
    weight = np.exp(t - 1)[:, None]
    expected = noise * np.exp(-1) + np.trapezoid(weight * pull, t, axis=0)
    np.testing.assert_allclose(carried(chip, Choices(), noise, 50.0)[pixels], expected, atol=1e-7)


def test_slow_pixels_come_near_the_flow_whose_hidden_neurons_are_at_rest():
    """The lag of hidden neurons falls as one over the slowness: the circuit's law is the field's."""
    chip, noise = flow_chip(3), np.random.default_rng(2).standard_normal(6)
    weights, network = chip.weights["flow"], chip.networks["flow"]
    pixels, hidden = network.block("pixels"), network.block("hidden")

    def velocity(t, x):
        states = np.concatenate([x, times(np.array([t]), 4)[0], np.zeros(8)])
        for _ in range(400):
            r = 1 / (1 + np.exp(-3 * states[hidden]))
            signals = np.concatenate([states[: hidden.start], r])
            states[hidden] += 0.3 * (3 * r * (1 - r) * (signals @ weights[:, hidden]) - states[hidden])
        signals = np.concatenate([states[: hidden.start], 1 / (1 + np.exp(-3 * states[hidden]))])
        return signals @ weights[:, pixels] - x

    ideal = solve_ivp(velocity, (0, 1), noise, rtol=1e-8, atol=1e-9).y[:, -1]
    lags = [np.abs(carried(chip, Choices(), noise, slow)[pixels] - ideal).max() for slow in (100.0, 400.0)]
    assert lags[1] < 0.02
    assert lags[0] / lags[1] == pytest.approx(4, rel=0.3)


@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
def test_one_transient_of_ngspice_ends_at_the_chips_image(needs_ngspice, tmp_path, symmetry):
    layout = Layout(chip=flow_chip(), choices=Choices(symmetry=symmetry))
    found, summary = generating.verify(
        layout, simulators.engine("ngspice"), tmp_path, LIMITS, slowness=100.0, n_samples=2, seed=0
    )
    assert summary["passed"], summary["reasons"]
    assert summary["max_abs_error"] < 1e-4
    assert summary["n_neurons"] == 18
    assert len(found) == 2
    assert not np.array_equal(found[0].ours, found[1].ours)
    moved = found[0].ours[:6] - layout.noise(0, 0)
    assert np.abs(moved).max() > 0.3  # it went somewhere


def test_the_command_of_a_proof_keeps_a_picture(needs_ngspice, tmp_path):
    summary = prove(Layout(chip=flow_chip()), Proof(keep=tmp_path, slowness=50.0))
    assert summary["passed"]
    assert (tmp_path / "images.png").stat().st_size > 1000
    assert (tmp_path / "verification.json").exists()


def test_a_programmed_flow_is_the_chip_that_its_devices_make(needs_ngspice, tmp_path):
    chip = flow_chip()
    rng, mask = np.random.default_rng(5), chip.networks["flow"].mask()
    sides = [np.triu(rng.uniform(1e-6, 5e-5, mask.shape), 1) * mask for _ in range(2)]
    plus, minus = (side + side.T for side in sides)
    devices = Conductances(plus=plus, minus=minus, siemens_per_weight=5e-5, device="test")
    layout = Layout(chip=replace(chip, conductances={"flow": devices}))
    summary = prove(layout, Proof(slowness=50.0))
    assert summary["passed"], summary["reasons"]
    assert summary["symmetry"] == "shared"


def test_what_is_changed_in_the_circuit_is_noticed(needs_ngspice, tmp_path):
    """Another clock, other noise, another slowness, another weight: the states differ, and so does the text."""
    layout, engine = Layout(chip=flow_chip()), simulators.engine("ngspice")
    noise = layout.noise(0, 0)
    circuit = layout.generate(noise, 100.0)
    ours = carried(layout.chip, layout.choices, noise, 100.0)
    turned = replace(circuit.generation, half_turns=circuit.generation.half_turns * 1.05)
    plus = circuit.array.plus.copy()
    plus[12, 0] += 1e-5
    broken = {
        "clock": replace(circuit, generation=turned),
        "noise": replace(circuit, start=circuit.start * 1.02),
        "slow": replace(circuit, generation=replace(circuit.generation, slowness=105.0)),
        "weight": replace(circuit, array=replace(circuit.array, plus=plus)),
    }
    for name, wrong in broken.items():
        folder = tmp_path / name
        folder.mkdir()
        waves = engine.settle(wrong, folder, LIMITS)
        free = [k for k in range(18) if not wrong.clamped[k]]
        theirs = waves.states([wrong.names[k] for k in free], 100 * wrong.electrical.time_constant)
        assert np.abs(theirs - ours[free]).max() > generating.TOLERANCE, name
        path = spice.write(wrong, folder / "again.cir")
        assert not check(layout, path, sample=0, seed=0, slowness=100.0).passed, name


def test_an_exported_flow_is_read_back_and_measured_at_its_end(tmp_path):
    layout = Layout(chip=flow_chip())
    report = export_chip(layout, Request(slowness=200.0), tmp_path, "a test")
    path = tmp_path / "generate.cir"
    assert report["files"][0]["path"] == str(path)
    found = check(layout, path, sample=0, seed=0, slowness=200.0)
    assert found.passed, found.problems
    assert found.role == "generate"
    assert not check(layout, path, sample=1, seed=0, slowness=200.0).passed
    assert not check(layout, path, sample=0, seed=0, slowness=100.0).passed
    text = path.read_text()
    at = float(text.split("find v(s_pixel_0_0) at=")[1].split()[0])
    assert at == pytest.approx(200e-6)
    assert "expected pixel_0_0" in text
    changed = path.with_name("changed.cir")
    changed.write_text(text.replace("Vclamp_time_0 s_time_0 0 1.0", "Vclamp_time_0 s_time_0 0 1.1"))
    assert not check(layout, changed, sample=0, seed=0, slowness=200.0).passed


@pytest.mark.parametrize(
    ("proof", "words"),
    [
        ({"role": "encode"}, "a flow, whose role is generate"),
        ({"mode": "fixed-rail"}, "one coupled transient"),
        ({"engine": "vacask"}, "runs in ngspice"),
        ({"n_samples": 0}, "`n_samples` must be at least 1"),
        ({"slowness": 1.0}, "`slow` must be at least 2"),
    ],
)
def test_what_no_flow_has_is_refused(proof, words):
    try:
        with pytest.raises(InvalidValue, match=words):
            prove(Layout(chip=flow_chip()), Proof(**proof))
    except EngineError:
        pytest.skip("the engine is missing")


def test_a_flow_has_no_other_devices_and_dialects(tmp_path, small_chip):
    with pytest.raises(InvalidValue, match="linear memristors"):
        Layout(chip=flow_chip(), choices=Choices(device="vteam"))
    with pytest.raises(InvalidValue, match="written for ngspice"):
        export_chip(Layout(chip=flow_chip()), Request(dialect="ltspice"), tmp_path, "a test")
    with pytest.raises(InvalidValue, match="a VAE, whose roles are encode and decode"):
        export_chip(Layout(chip=small_chip), Request(role="generate"), tmp_path, "a test")
    with pytest.raises(InvalidValue, match="noise must be of 6 pixels"):
        Layout(chip=flow_chip()).generate(np.zeros(5), 100.0)


def test_the_clock_is_that_of_the_law():
    network = flow_chip().networks["flow"]
    generation = Generation.of(network, 100.0)
    t = 0.3
    held = [
        (np.sin if generation.sine[k] else np.cos)(np.pi * generation.half_turns[k] * t)
        for k in range(6, 10)
    ]
    np.testing.assert_allclose(held, times(np.array([t]), 4)[0], atol=1e-12)
