"""A programmed chip in silicon: devices that differ by direction, and devices that conduct nothing."""

from dataclasses import replace

import numpy as np
import pytest

from circuits import simulators
from circuits.area.architecture import Architecture
from circuits.area.networks import chip_model
from circuits.circuit.electrical import Wires
from circuits.circuit.layout import Choices, Layout
from circuits.circuit.memristor_array import program
from circuits.dialects import spice, vacask
from circuits.dialects.reader import count_memristors, parse
from circuits.energy.tasks import network_loads
from circuits.simulators import Limits
from circuits.verification import nudged, reference
from circuits.verification.chip_reference import rest
from circuits.verification.nudged import Phases
from circuits.verification.settled import compare
from crossbar.arrays.config import ArrayConfig
from crossbar.chip import Chip, Conductances
from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.neurons import rho, rho_slope
from crossbar.hopfield.settling import Euler
from crossbar.programming.chip import given_scale, program_chip
from crossbar.programming.write_verify import WriteVerify

SCALE = 1e-5
LIMITS = Limits(seconds=60, gigabytes=4)
RANGE = {"g_min": 1e-6, "g_max": 1e-4}


def two_device(chip: Chip, rng: np.random.Generator, spread: float = 0.3) -> Chip:
    """Return `chip` on devices that hold W and W^T apart, each with its own error."""
    conductances = {}
    for name, network in chip.networks.items():
        mask = network.mask()
        missed = chip.weights[name] + spread * rng.standard_normal(mask.shape)
        plus, minus = (np.where(mask, 1e-6 + SCALE * np.maximum(side, 0), 0.0) for side in (missed, -missed))
        conductances[name] = Conductances(plus=plus, minus=minus, siemens_per_weight=SCALE, device="test")
    return replace(chip, conductances=conductances)


def ideally_programmed(chip: Chip, symmetry: str) -> Chip:
    """Return `chip` on ideal devices: of each pair one at 0 S."""
    config = ArrayConfig(symmetry=symmetry, dtype="float64")
    return program_chip(chip, config, WriteVerify(), np.random.default_rng(0), given_scale)[0]


def by_crossbar(chip: Chip, name: str, inputs: np.ndarray) -> np.ndarray:
    """Return the states (N,) at which the crossbar's own scheme, eq. (3), comes to rest in role `name`."""
    network, role = chip.role(name)
    couplings = IdealWeights(chip.networks[network], chip.effective_weights(network), symmetric=False)
    landscape = Landscape.clamp(couplings, role, inputs[None, :])
    settled = Euler(time_step=0.1, max_sweeps=10_000, tolerance=1e-10).settle(landscape)
    states = np.empty(chip.networks[network].size)
    for block in chip.networks[network].names:
        source = inputs if block in role.clamped else settled.states[0]
        states[chip.networks[network].block(block)] = source[role.columns(block)]
    return states


@pytest.mark.parametrize("kind", ["small_chip", "untied_chip"])
def test_an_asymmetric_chip_rests_where_the_crossbar_does(kind, request, rng):
    chip = two_device(request.getfixturevalue(kind), rng)
    layout = Layout(chip=chip)
    image, latents = layout.image(0), np.array([0.4, -0.7])
    for name, inputs, circuit in (("encode", image, layout.encode(image)), ("decode", latents, layout.decode(latents))):
        states = by_crossbar(chip, name, inputs)
        np.testing.assert_allclose(reference.settle(circuit), states, atol=1e-7)
        network = chip.role(name)[0]
        turned = replace(chip.conductances[network], plus=chip.conductances[network].plus.T)
        wrong = replace(chip, conductances={**chip.conductances, network: turned})
        assert np.abs(by_crossbar(wrong, name, inputs) - states).max() > 1e-3  # the direction matters


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("idle", ["keep", "drop"])
def test_an_asymmetric_chip_rests_in_ngspice_where_the_crossbar_does(small_chip, tmp_path, rng, idle):
    chip = two_device(small_chip, rng)
    layout = Layout(chip=chip, choices=Choices(idle=idle))
    ours = rest(chip, layout.choices, "encode", layout.image(0))
    found = compare(layout.encode(layout.image(0)), ours, simulators.engine("ngspice"), tmp_path, LIMITS, kind="tran")
    np.testing.assert_allclose(found.theirs, by_crossbar(chip, "encode", layout.image(0)), atol=1e-6)


def test_an_untied_encoder_keeps_the_devices_that_its_pixels_drive(untied_chip, rng):
    chip = two_device(untied_chip, rng)
    network, devices = chip.networks["encoder"], chip.conductances["encoder"]
    pixels, hidden = network.block("pixels"), network.block("hidden")
    array = program(chip, "encoder", **RANGE)
    np.testing.assert_array_equal(array.plus[hidden, pixels], devices.plus[pixels, hidden].T)
    assert not array.plus[pixels].any()


def test_a_line_is_loaded_by_the_devices_that_it_drives(untied_chip, rng):
    chip = two_device(untied_chip, rng)
    devices = chip.conductances["encoder"]
    plan = next(plan for plan in chip_model(chip).plans if plan.name == "encoder")
    pair = (devices.plus, devices.minus)
    loads = network_loads(chip.effective_weights("encoder"), pair, plan, "encode", Architecture(), "on")
    driven = (devices.plus + devices.minus)[:, 9:]  # no columns into the pixels are built
    np.testing.assert_allclose(loads.lines.devices, driven.sum(axis=1))


@pytest.mark.parametrize("idle", ["keep", "drop"])
def test_the_latent_gradient_reads_the_devices_that_drive_the_latents(small_chip, rng, idle):
    chip = two_device(small_chip, rng)
    layout = Layout(chip=chip, choices=Choices(idle=idle))
    latents = np.array([0.4, -0.7])
    name, role = chip.role("decode")
    plus, minus = rng.standard_normal((2, chip.networks[name].size))
    plus[-2:] = minus[-2:] = latents
    found = nudged.latent_gradient(layout, layout.decode(latents), Phases(free=plus, plus=plus, minus=minus), 0.05)
    difference = (rho(plus, chip.gain) - rho(minus, chip.gain))[None, :-2] / 0.1
    received = np.empty((1, 2))
    couplings = IdealWeights(chip.networks[name], chip.effective_weights(name), symmetric=False)
    couplings.multiply(difference, role.outward, received)
    np.testing.assert_allclose(found, -rho_slope(rho(latents, chip.gain), chip.gain) * received[0])


@pytest.mark.parametrize(("symmetry", "layout_name"), [("shared", "half"), ("two-device", "full")])
def test_a_device_of_zero_siemens_is_a_device(small_chip, tmp_path, symmetry, layout_name):
    chip = ideally_programmed(small_chip, symmetry)
    assert (chip.conductances["tied"].plus == 0).sum() > 17  # more than the diagonal
    layout = Layout(chip=chip, choices=Choices(symmetry=symmetry))
    array = layout.arrays["tied"]
    path = spice.write(layout.encode(layout.image(0)), tmp_path / "chip.cir")
    measured = chip_model(chip).plans[0].tiles(Architecture(layout=layout_name))
    assert count_memristors(path) == array.n_memristors == measured.n_memristors
    found = parse(path).array
    np.testing.assert_array_equal(found.built, array.built)
    np.testing.assert_allclose(found.plus, array.plus, rtol=3e-16)
    np.testing.assert_allclose(found.minus, array.minus, rtol=3e-16)


@pytest.mark.parametrize("choices", [Choices(device="vteam"), Choices(device="stanford", wires=Wires(tile=7))])
def test_an_open_device_is_a_resistor_whatever_the_model(small_chip, tmp_path, choices):
    layout = Layout(chip=ideally_programmed(small_chip, "two-device"), choices=replace(choices, symmetry="two-device"))
    path = spice.write(layout.encode(layout.image(0)), tmp_path / "chip.cir")
    cards = [line.split() for line in path.read_text().splitlines() if line.startswith(("Rp_", "Rn_"))]
    assert len(cards) == 17 * 16
    assert {float(card[-1]) for card in cards} == {1e30}
    assert count_memristors(path) == layout.n_memristors == 2 * 17 * 16


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("name", ["ngspice", "vacask"])
def test_open_devices_move_no_state(small_chip, tmp_path, symmetry, name):
    engine = simulators.engine(name)
    if engine.version() is None:
        pytest.skip(f"{name} is missing: {engine.remedy}")
    layout = Layout(chip=ideally_programmed(small_chip, symmetry), choices=Choices(symmetry=symmetry))
    ours = rest(layout.chip, layout.choices, "encode", layout.image(0))
    found = compare(layout.encode(layout.image(0)), ours, engine, tmp_path, LIMITS, kind="op")
    assert np.abs(found.error).max() < 1e-6


def test_vacask_gets_a_card_for_every_device(small_chip, tmp_path):
    choices = Choices(symmetry="two-device")
    layout = Layout(chip=ideally_programmed(small_chip, "two-device"), choices=choices)
    text = vacask.write(layout.encode(layout.image(0)), tmp_path).read_text()
    assert text.count(" r r=") == layout.n_memristors == 2 * 17 * 16
    assert text.count(" r r=1e+30\n") == 17 * 16


def test_conductance_without_a_device_is_refused(small_chip):
    everywhere, nowhere = np.full((17, 17), 1e-5), np.zeros((17, 17))
    with pytest.raises(InvalidValue, match="must be zero on the diagonal"):
        Conductances(plus=everywhere, minus=nowhere, siemens_per_weight=1e-5, device="test")
    devices = Conductances(plus=nowhere, minus=nowhere, siemens_per_weight=1e-5, device="test")
    chip = replace(small_chip, conductances={"tied": devices})
    object.__setattr__(devices, "plus", everywhere)  # past the chip's door, whose word is not taken for it
    with pytest.raises(InvalidValue, match="no device is built"):
        program(chip, "tied", **RANGE)
