"""Whole chips of transistors in ngspice, beside the simulator with characterised neurons; and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.cells.sky130.process import SUPPLY
from circuits.circuit.layout import Choices
from circuits.commands import built
from circuits.silicon import chip as silicon
from circuits.silicon.bench import Conditions
from circuits.silicon.characterised import Characterised, characterise
from circuits.silicon.ensemble import Ensemble
from circuits.silicon.level import Level
from circuits.verification.chip_reference import rest
from crossbar.errors import DivergedError, InvalidValue
from crossbar.hopfield.mismatch import Spread
from tests.circuits.conftest import strong_chip

LEVEL, CONDITIONS = Level(), Conditions()


@pytest.fixture(scope="module")
def small():
    """20 neurons: 9 pixels, 8 hidden, 3 latents."""
    return strong_chip(side=3, hidden=8, latent=3, seed=1, strength=1.2)


def perfect() -> Characterised:
    """Tables of the neuron that eq. (2) is."""
    state = np.linspace(-1.6, 1.6, 129)
    rho = 1 / (1 + np.exp(-3 * state))
    current = np.linspace(-1e-7, 1e-7, 41)
    return Characterised(
        conditions=CONDITIONS, level=LEVEL, state=state, above=0.9 + 0.2 * rho, below=0.9 - 0.2 * rho, current=current,
        line=np.full(41, 0.9), drive=2 * current[:, None] * rho * (1 - rho), swing=(0.0, 1.8),
    )  # fmt: skip


def rested(known, task):
    """Where alike neurons rest that encode the task's image."""
    return Ensemble.alike(known, task.array.size).rest(task.array, task.pixels, task.image)


def test_tables_of_perfect_neurons_rest_where_the_simulator_does(small):
    """The independent side is `crossbar`, at the chip's own weights: the mapping to siemens is exact."""
    task = silicon.task(small, small.examples[0], np.zeros(3), CONDITIONS, LEVEL)
    found = rested(perfect(), task)
    np.testing.assert_allclose(found, rest(small, Choices(), "encode", task.image).states, atol=1e-4)
    fitted = Ensemble.alike(perfect(), 20).fitted(task.array)
    alike = fitted.mismatch
    np.testing.assert_allclose([alike.gain, alike.leak], 1, rtol=1e-3)
    np.testing.assert_allclose([alike.offset, alike.pull], 0, atol=1e-3)
    np.testing.assert_allclose(fitted.heights, 1, rtol=1e-12)


def test_a_neuron_that_is_not_perfect_is_fitted_with_its_pull(small):
    """Neurons with a pull, lines that end elsewhere, a conveyor's resistance: `crossbar` rests where the tables do."""
    known = perfect()
    rho = (known.above - 0.9) / 0.2
    bent = replace(
        known, drive=known.drive + 0.02 * 2 * 2e-9 * rho * (1 - rho), above=known.above + 2e-4,
        line=0.9 + 4e3 * known.current,
    )  # fmt: skip
    task = silicon.task(small, small.examples[0], np.zeros(3), CONDITIONS, LEVEL)
    own = built.fitted(small, Ensemble.alike(bent, 20), task.array)
    found = rest(own, Choices(), "encode", task.image).states
    expected = rested(bent, task)
    plain = rest(small, Choices(), "encode", task.image).states
    assert np.abs(plain - expected).max() > 5e-3
    assert np.abs(found - expected).max() < 0.2 * np.abs(plain - expected).max()


def unlike(rng) -> Ensemble:
    """Neurons whose gains, offsets, heights, lines and drives all differ, as tables of the formulas."""
    known, each = perfect(), []
    for gain, offset, height, slope, end, alone in rng.normal(0, 1, (20, 6)):
        rho = (1 + 0.06 * height) / (1 + np.exp(-3 * (1 + 0.03 * gain) * (known.state - 0.03 * offset)))
        own = rho / (1 + 0.06 * height)
        rest_at = 0.9 + 0.002 * end
        each.append(replace(
            known, above=rest_at + 0.2 * rho + 2e-4, below=rest_at - 0.2 * rho, line=rest_at + 2e3 * known.current,
            drive=2 * (1 + 0.05 * slope) * (known.current[:, None] + 3e-10 * alone) * own * (1 - own),
        ))  # fmt: skip
    return Ensemble(tuple(each))


def test_unlike_neurons_are_fitted_with_the_heights_of_their_lines(small, rng):
    """Neither side knows the other: tables settle by eq. (2) with Kirchhoff, `crossbar` by its energy."""
    task, known = silicon.task(small, small.examples[0], np.zeros(3), CONDITIONS, LEVEL), unlike(rng)
    expected = known.rest(task.array, task.pixels, task.image)
    own = built.fitted(small, known, task.array)
    found = rest(own, Choices(), "encode", task.image).states
    assert np.abs(rest(small, Choices(), "encode", task.image).states - expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=2e-3)
    even = replace(own, conductances={"tied": replace(own.conductances["tied"], gains=None)})
    assert np.abs(rest(even, Choices(), "encode", task.image).states - expected).max() > 0.02


def test_what_was_learned_is_written_behind_the_lines_of_the_chip(small, rng):
    """The weights that a run has on the fitted chip are those of the chip, whatever its heights are."""
    task, known = silicon.task(small, small.examples[0], np.zeros(3), CONDITIONS, LEVEL), unlike(rng)
    own = built.fitted(small, known, task.array)
    as_run = replace(own, weights={"tied": own.effective_weights("tied")}, conductances={})
    behind = built.behind(as_run, own)
    np.testing.assert_allclose(behind.weights["tied"], small.weights["tied"], rtol=1e-9, atol=1e-12)
    assert behind.networks["tied"].mismatch is None
    again = silicon.task(behind, small.examples[0], np.zeros(3), CONDITIONS, LEVEL).array
    np.testing.assert_allclose(again.plus, task.array.plus, rtol=1e-6, atol=1e-16)


def test_a_bit_line_beyond_the_tables_is_told_with_the_remedy(small):
    strong = replace(small, weights={"tied": 40 * small.weights["tied"]})
    task = silicon.task(strong, small.examples[0], np.zeros(3), CONDITIONS, LEVEL)
    with pytest.raises((InvalidValue, DivergedError), match=r"take a larger leak|weaker weights"):
        rested(perfect(), task)
    assert Level(leak=80e6).siemens_per_weight(CONDITIONS) == LEVEL.siemens_per_weight(CONDITIONS) / 2


def test_a_netlist_has_every_device_once_and_opposite_gates(small):
    task = silicon.task(small, small.examples[0], np.ones(3), CONDITIONS, LEVEL)
    lines = silicon.netlist(task, CONDITIONS, LEVEL, silicon.Times()).splitlines()
    weights = small.effective_weights("tied").T
    scale = LEVEL.siemens_per_weight(CONDITIONS)
    found = np.zeros_like(weights)
    for line in lines:
        if line.startswith(("Rp_", "Rm_")):
            name, _, _, ohm = line.split()
            kind, target, source = name.split("_")
            found[int(target), int(source)] += (1 if kind == "Rp" else -1) / float(ohm) / scale
    np.testing.assert_allclose(found, weights, rtol=1e-9, atol=1e-6)
    assert sum(line.startswith("Xneuron_") for line in lines) == 20
    for name in silicon.GATES:
        on, off = (next(line for line in lines if line.startswith(f"Vgate_{gate} ")) for gate in (name, f"not_{name}"))
        levels = [[float(one) for one in text[text.index("(") + 1 : -1].split()[1::2]] for text in (on, off)]
        np.testing.assert_allclose(np.add(*levels), SUPPLY)


def test_chips_that_have_no_such_neurons_are_refused(small, untied_chip, rng):
    for wrong in (untied_chip, small.with_neurons(Spread(gain=0.1), rng)):
        with pytest.raises(InvalidValue, match=r"neurons of sky130"):
            silicon.task(wrong, small.examples[0], np.zeros(3), CONDITIONS, LEVEL)


@pytest.mark.spice
@pytest.mark.slow
@pytest.mark.usefixtures("needs_sky130")
def test_a_chip_of_20_neurons_is_within_a_percent_of_its_characterised_neurons(small):
    """Of the range of 2, encoded and decoded; every node within the supply; one that is wired wrongly is not."""
    noise = np.array([1.0, -0.5, 0.2])
    task = silicon.task(small, small.examples[0], noise, CONDITIONS, LEVEL)
    found = silicon.run(task, CONDITIONS, LEVEL, silicon.Times(decode=40.0))
    load = float((task.array.plus + task.array.minus).sum(axis=0).mean()) / 2
    known = Ensemble.alike(characterise(CONDITIONS, LEVEL, load), 20)
    sample = found.decoded[task.latents]
    np.testing.assert_allclose(found.encoded, known.rest(task.array, task.pixels, task.image), atol=0.01)
    np.testing.assert_allclose(found.decoded, known.rest(task.array, task.latents, sample), atol=0.01)
    np.testing.assert_allclose(sample, found.encoded[task.latents] + task.noise, atol=0.03)
    assert np.abs(found.encoded - rest(small, Choices(), "encode", task.image).states).max() < 0.15
    assert 0 < found.swing[0] < found.swing[1] < SUPPLY
    assert 1e-6 < found.power[-1] < 20e-6
    turned = replace(task.array, plus=task.array.minus, minus=task.array.plus)
    assert np.abs(found.encoded - known.rest(turned, task.pixels, task.image)).max() > 0.1
