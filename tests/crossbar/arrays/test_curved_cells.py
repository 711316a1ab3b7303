"""Arrays whose cells are not ohmic: what a read gives, which way settles them, what a network does on them."""

import numpy as np
import pytest

import crossbar as xb
from crossbar.arrays import ways
from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import dac
from crossbar.arrays.read_noise import ReadNoise
from crossbar.errors import InvalidValue
from crossbar.hopfield.choice import choose_solver
from crossbar.hopfield.network import Network
from crossbar.wires import PolynomialCell, SelectedCell, SinhCell

NETWORK = Network((("pixels", 5), ("hidden", 4), ("latent", 3)))


def weights(rng):
    values = np.triu(rng.normal(0, 0.3, (12, 12)), 1) * NETWORK.mask()
    return values + values.T


def built(rng, **changes):
    config = ArrayConfig(dtype="float64", **changes)
    return CrossbarArray.from_weights(NETWORK, weights(rng), config, np.random.default_rng(0))


def read(array, signals):
    out = np.zeros((len(signals), 12))
    array.multiply(signals, NETWORK.patches(NETWORK.names, NETWORK.names), out)
    return out


@pytest.mark.parametrize("cell", [SinhCell(0.05), PolynomialCell(0.0, 20.0), PolynomialCell(1.0, 20.0)], ids=str)
def test_a_read_is_the_product_with_what_the_lines_drive(rng, cell):
    array, signals = built(rng, cell=cell), rng.uniform(0, 1, (6, 12))
    bent = cell.drive(0.1 * signals) / float(cell.drive(np.array(0.1)))
    np.testing.assert_allclose(read(array, signals), bent @ array.weights().T, rtol=1e-12)
    np.testing.assert_allclose(read(array, np.ones((1, 12)))[0], array.weights().sum(axis=1), rtol=1e-12)


def test_currents_of_the_devices_are_those_of_the_read(rng):
    """The same read, cell by cell and in siemens: an array is written at the read voltage."""
    cell, values, signals = SinhCell(0.04), rng.normal(0, 0.3, (5, 4)), rng.uniform(0, 1, 4)
    array = xb.Array(values, cell=cell)
    plus, minus = array.conductances()
    at_read = float(cell.drive(np.array(0.1))) / 0.1  # a device that reads as G at 0.1 V has so much less at 0 V
    amperes = [cell.current(plane / at_read, 0.1 * signals[None, :]).sum(axis=1) for plane in (plus, minus)]
    scale = (plus - minus)[0, 0] * 0.1 / values[0, 0]
    np.testing.assert_allclose(array @ signals, (amperes[0] - amperes[1]) / scale, rtol=1e-9)


def test_a_straight_cell_changes_nothing(rng):
    signals = rng.uniform(0, 1, (3, 12))
    straight = read(built(np.random.default_rng(1), cell=SinhCell(1e3)), signals)
    np.testing.assert_allclose(straight, read(built(np.random.default_rng(1)), signals), rtol=1e-8)


def test_no_energy_is_claimed(rng):
    array = built(rng, cell=SinhCell(0.1))
    assert not array.linear
    assert not array.symmetric
    assert array.static
    assert ways.way(array) == "stepped"
    assert ways.way(built(rng, cell=SinhCell(0.1), read_noise=ReadNoise(additive=0.01))) == "stepped"
    assert "curved cells" in choose_solver(array, tolerance=1e-6).reason


def test_converters_stand_before_the_cells(rng):
    cell, driver = SinhCell(0.03), dac(3)
    array, signals = built(rng, cell=cell, dac=driver), rng.uniform(0, 1, (4, 12))
    bent = cell.drive(0.1 * driver.convert(signals)) / float(cell.drive(np.array(0.1)))
    np.testing.assert_allclose(read(array, signals), bent @ array.weights().T, rtol=1e-12)


def test_single_precision_stays_single(rng):
    config = ArrayConfig(cell=SinhCell(0.05))
    array = CrossbarArray.from_weights(NETWORK, weights(rng).astype(np.float32), config, np.random.default_rng(0))
    out = np.zeros((2, 12), np.float32)
    array.multiply(np.ones((2, 12), np.float32), NETWORK.patches(NETWORK.names, NETWORK.names), out)
    np.testing.assert_allclose(out, array.weights().sum(axis=1)[None].repeat(2, 0), rtol=1e-4)


@pytest.mark.parametrize(("changes", "says"), [
    ({"cell": SinhCell(0.1), "wire_resistance": 1.0}, "without `wire_resistance`"),
    ({"cell": SinhCell(0.1), "read_voltage": 0.0}, "`read_voltage` above 0"),
    ({"cell": SelectedCell(r=1e3)}, "must be a SinhCell or a PolynomialCell"), ({"cell": 0.1}, "must be a SinhCell"),
])  # fmt: skip
def test_what_an_array_cannot_have_is_refused(changes, says):
    with pytest.raises(InvalidValue, match=says):
        ArrayConfig(**changes)
