import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.circuit.circuit import Analysis, build
from circuits.circuit.electrical import Wires
from circuits.circuit.layout import Choices, Layout
from circuits.circuit.memristor_array import MemristorArray, closed_form_count, map_linearly, program
from circuits.circuit.names import device_name, neuron_names
from circuits.dialects import spice
from circuits.dialects.reader import count_memristors, parse
from crossbar.chip import Chip, Conductances
from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName
from crossbar.hopfield.network import Network

PLAIN = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?\Z")


def chip_of(sizes: tuple[int, int, int], seed: int, scale: float) -> Chip:
    network = Network((("pixels", sizes[0]), ("hidden", sizes[1]), ("latent", sizes[2])))
    weights = np.triu(np.random.default_rng(seed).standard_normal((network.size,) * 2), 1) * scale
    return Chip(
        model="tdh-vae", networks={"tied": network}, weights={"tied": weights + weights.T}, sigma=0.3,
        image_shape=(1, sizes[0]), examples=np.zeros((1, sizes[0])),
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 4)), seed=st.integers(0, 10**6),
    scale=st.floats(1e-3, 10), symmetry=st.sampled_from(["shared", "two-device"]),
)  # fmt: skip
def test_a_netlist_read_back_holds_the_same_devices(tmp_path_factory, sizes, seed, scale, symmetry):
    chip = chip_of(sizes, seed, scale)
    array = program(chip, "tied", symmetry=symmetry, g_min=1e-6, g_max=1e-4)
    circuit = build(chip, "encode", np.zeros(sizes[0]), array)
    path = spice.write(circuit, tmp_path_factory.mktemp("netlist") / "chip.cir")
    found = parse(path)
    assert found.neurons == circuit.names
    assert found.array.symmetry == symmetry
    np.testing.assert_allclose(found.array.plus, array.plus, rtol=3e-16)
    np.testing.assert_allclose(found.array.minus, array.minus, rtol=3e-16)
    largest = np.abs(chip.weights["tied"]).max()
    np.testing.assert_allclose(found.array.weights(), chip.weights["tied"], atol=1e-12 * largest)
    assert count_memristors(path) == array.n_memristors == closed_form_count(sum(sizes), symmetry)


@pytest.mark.parametrize("device", ["linear", "vteam", "yakopcic", "stanford"])
@pytest.mark.parametrize("wires", [None, Wires(tile=7)])
def test_names_are_unique_and_legal_and_numbers_plain(small_chip, tmp_path, device, wires):
    layout = Layout(chip=small_chip, choices=Choices(device=device, wires=wires, symmetry="two-device"))
    path = spice.write(layout.encode(layout.image(0)), tmp_path / "chip.cir")
    cards = [line.split() for line in path.read_text().splitlines()[1:] if line[0] in "RXVSC"]
    inside = "\n".join(re.findall(r"\.subckt.*?\.ends", path.read_text(), re.DOTALL))
    cards = [card for card in cards if " ".join(card) not in inside]
    names = [card[0].lower() for card in cards]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)
    for card in cards:
        value = card[-1].partition("=")[2] or card[-1]
        if card[0].startswith(("R", "V")):
            assert PLAIN.match(value), card
    assert count_memristors(path) == layout.n_memristors == 2 * 17 * 16


@pytest.mark.parametrize("device", ["linear", "vteam", "yakopcic", "stanford"])
def test_powers_are_products(small_chip, tmp_path, device):
    layout = Layout(chip=small_chip, choices=Choices(device=device))
    text = spice.write(layout.encode(layout.image(0)), tmp_path / "chip.cir").read_text()
    assert not any("^" in line for line in text.splitlines() if not line.startswith("*"))


def test_every_memristor_is_named_by_its_neurons(small_chip, tmp_path):
    layout = Layout(chip=small_chip)
    text = spice.write(layout.encode(layout.image(0)), tmp_path / "chip.cir").read_text()
    card = re.search(r"^Rp_hidden_3__pixel_0_2 p_pixel_0_2 qp_hidden_3 (\S+)$", text, re.MULTILINE)
    assert card is not None
    assert 1 / float(card[1]) == pytest.approx(layout.arrays["tied"].plus[9 + 3, 2], rel=1e-15)
    assert device_name("p", "hidden_3", "pixel_0_2") == "p_hidden_3__pixel_0_2"


@pytest.mark.parametrize("device", ["linear", "vteam", "yakopcic"])
def test_parameters_are_those_of_the_circuit_and_not_of_its_cells(small_chip, tmp_path, device):
    layout = Layout(chip=small_chip, choices=Choices(device=device))
    both = layout.both(layout.image(0), np.zeros(2))
    both = replace(both, analysis=Analysis(marks={"encode": 1.0, "reset": 2.0, "decode": 3.0}))
    found = parse(spice.write(both, tmp_path / "both.cir")).parameters
    names = {"gain", "siemens_per_weight", "v_read", "c_state", "r_leak", "sigma", "c_hold", "r_on", "r_off"}
    assert set(found) == names
    assert found["c_state"] == both.electrical.c_state


def test_title_tells_origin_digest_units_and_nodes(small_chip, tmp_path):
    layout = Layout(chip=small_chip)
    text = spice.write(layout.encode(layout.image(0)), tmp_path / "chip.cir").read_text()
    head = text[: text.index(".param")]
    for word in ("run: a test", layout.arrays["tied"].digest(), "siemens", "nodes:", "ngspice -n -b"):
        assert word in head
    assert text.index(".param gain=3.0") < text.index(".subckt")


def test_untied_chips_leave_out_only_what_an_encoder_always_clamps(untied_chip, tmp_path):
    layout = Layout(chip=untied_chip)
    encoder = spice.write(layout.encode(layout.image(0)), tmp_path / "encoder.cir")
    assert count_memristors(encoder) == 2 * (18 * 17 - 9 * 17)
    assert layout.n_memristors == 2 * (18 * 17 - 9 * 17) + 2 * 16 * 15  # eq. (9) reads the decoder's latents


def test_devices_that_were_programmed_are_exported_as_they_are(small_chip, rng):
    coupled = small_chip.networks["tied"].mask()
    plus, minus = (np.where(coupled, rng.uniform(1e-6, 1e-4, coupled.shape), 0.0) for _ in range(2))
    devices = Conductances(plus=plus, minus=minus, siemens_per_weight=3e-5, device="ideal")
    chip = Chip(
        model="tdh-vae", networks=small_chip.networks, weights=small_chip.weights, sigma=0.4, image_shape=(3, 3),
        examples=small_chip.examples, conductances={"tied": devices},
    )  # fmt: skip
    array = program(chip, "tied", g_min=1, g_max=2)
    assert array.symmetry == "two-device"
    np.testing.assert_array_equal(array.plus, plus.T)  # a chip's rows are sources, an array's targets
    with pytest.raises(InvalidValue, match="two-device"):
        program(chip, "tied", symmetry="shared", g_min=1, g_max=2)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1e-6])
def test_conductances_that_cannot_be_are_refused(bad):
    plus = np.full((3, 3), 1e-5)
    np.fill_diagonal(plus, 0)
    plus[0, 1] = bad
    with pytest.raises(InvalidValue, match="plus"):
        MemristorArray(
            plus=plus, minus=np.zeros((3, 3)), built=~np.eye(3, dtype=bool), siemens_per_weight=1e-5,
            symmetry="two-device",
        )  # fmt: skip


def test_bad_choices_say_what_is_wrong(small_chip):
    with pytest.raises(InvalidValue, match="g_max"):
        map_linearly(np.zeros((2, 2)), ~np.eye(2, dtype=bool), g_min=1e-4, g_max=1e-6, symmetry="shared")
    with pytest.raises(InvalidValue, match="NaN"):
        map_linearly(np.full((2, 2), np.nan), ~np.eye(2, dtype=bool), g_min=1e-6, g_max=1e-4, symmetry="shared")
    with pytest.raises(UnknownName, match="vteam"):
        Choices(device="vtaem")
    with pytest.raises(InvalidValue, match="two-device"):
        Layout(chip=small_chip, choices=Choices(symmetry="shared", wires=Wires())).encode(np.zeros(9))
    with pytest.raises(InvalidValue, match="sample"):
        Layout(chip=small_chip).image(3)
    with pytest.raises(InvalidValue, match="clamps 9"):
        Layout(chip=small_chip).encode(np.zeros(8))


def test_pixels_are_named_by_row_and_column():
    network = Network((("pixels", 6), ("hidden", 2)))
    assert neuron_names(network, (2, 3))[:4] == ("pixel_0_0", "pixel_0_1", "pixel_0_2", "pixel_1_0")
    assert neuron_names(network, (5, 5))[5:] == ("pixel_5", "hidden_0", "hidden_1")
    with pytest.raises(InvalidValue, match="lower case"):
        neuron_names(Network((("pi xels", 2), ("hidden", 1))), (1, 2))


def test_damaged_netlists_are_refused(small_chip, tmp_path):
    layout = Layout(chip=small_chip)
    path = spice.write(layout.encode(layout.image(0)), tmp_path / "chip.cir")
    text = path.read_text()
    card = next(line for line in text.splitlines() if line.startswith("Rp_"))
    for broken in (text.replace(card, card.rsplit(" ", 1)[0]), text.replace(card, f"{card}\n{card}"),
                   text.replace(card, card.rsplit(" ", 1)[0] + " nan"), text.replace(card, card + "k")):  # fmt: skip
        path.write_text(broken)
        with pytest.raises(CorruptFile):
            parse(path)
    with pytest.raises(MissingFile, match="hopbar netlist"):
        count_memristors(tmp_path / "none.cir")
