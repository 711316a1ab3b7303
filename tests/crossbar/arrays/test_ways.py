"""What an array is decides how a network on it can settle."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import dac
from crossbar.arrays.read_noise import ReadNoise
from crossbar.arrays.ways import WAYS, way
from crossbar.hopfield.network import Network

NETWORK = Network((("a", 3), ("b", 4)))


def noise(spectrum, **more):
    return ReadNoise(additive=0.01, spectrum=spectrum, **more)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "energy"),
        ({"read_noise": noise("batch")}, "energy"),
        ({"read_noise": noise("phase")}, "phases"),
        ({"read_noise": noise("lorentzian", correlation_reads=1000.0)}, "phases"),
        ({"read_noise": noise("white")}, "warm"),
        ({"dac": dac(6)}, "warm"),
        ({"output_noise": 0.1}, "warm"),
        ({"read_noise": noise("lorentzian", correlation_reads=3.0)}, "stepped"),
        ({"symmetry": "two-device"}, "stepped"),
        ({"symmetry": "two-device", "read_noise": noise("white")}, "stepped"),
    ],
)
def test_the_fastest_way_that_holds(rng, settings, expected):
    array = CrossbarArray.from_weights(NETWORK, np.zeros((7, 7)), ArrayConfig(weight_limit=1.0, **settings), rng)
    assert way(array) == expected
    assert expected in WAYS
