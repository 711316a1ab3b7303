"""What an array keeps between reads and updates is what it would find anew, to the last bit; and it is found once."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.cells import Cells
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.kernels.matrix import pairwise_sum
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices.law import SoftBounds
from crossbar.hopfield import couplings
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights, random_weights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.network import Network
from crossbar.numerics import threads

pytestmark = pytest.mark.needs_jit

NETWORK = Network((("pixels", 40), ("hidden", 37), ("latent", 6)))
NOISE = ReadNoise(additive=0.01, relative=0.05)
SPREAD = SoftBounds(dw_min_dtod=0.3, w_max_dtod=0.3, w_min_dtod=0.3)


def make(network=NETWORK, **settings):
    rng = np.random.default_rng(2)
    config = ArrayConfig(**{"device": "epiram"} | settings)
    return CrossbarArray.from_weights(network, random_weights(network, rng), config, rng)


def cycle(array, rng, kind=np.float32):
    """Read, learn, read; return what was read last."""
    names, size = array.network.names, array.network.size
    signals, out = rng.random((5, size)).astype(kind), np.empty((5, size), kind)
    array.multiply(signals, array.network.patches(names, names), out)
    response = rng.standard_normal((5, size)).astype(np.float32)
    array.update(0.1 * response, signals.astype(np.float32), rate=0.1, rng=rng)
    array.multiply(signals, array.network.patches(names, names), out)
    return out


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 128, 129, 1000, 1686, 9000])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_sums_are_numpys(rng, size, kind):
    values = rng.standard_normal((1, size)).astype(kind)
    assert pairwise_sum(values[0]) == values.sum(1, dtype=np.float64)[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("device", ["epiram", SPREAD, SoftBounds(write_noise_std=0.5)])
@pytest.mark.parametrize("noise", [None, NOISE, ReadNoise(additive=0.01)])
def test_one_pass_finds_what_plane_by_plane_is_found(rng, device, noise, dtype):
    array = make(device=device, dtype=dtype)
    cycle(array, rng)
    (cells,) = array.cells
    found, slow = cells.seen(0.0, noise), Cells.seen(cells, 0.0, noise)
    assert found.weights.tobytes() == slow.weights.tobytes()
    assert found.lines[0].tobytes() == slow.lines[0].tobytes()
    assert noise is None or found.variance.tobytes() == slow.variance.tobytes()
    np.testing.assert_allclose(found.lines[1], slow.lines[1], rtol=1e-12)


@pytest.mark.parametrize("topology", ["dense", "layered"])
@pytest.mark.parametrize("noise", [ReadNoise(), NOISE, ReadNoise(relative=0.05, spectrum="phase")])
def test_planes_of_devices_are_made_at_most_once_an_update(rng, noise, topology, monkeypatch):
    array = make(Network(NETWORK.blocks, topology), read_noise=noise)
    cycle(array, rng)
    made = []
    own = Cells.planes
    monkeypatch.setattr(Cells, "planes", lambda cells, time: made.append(cells) or own(cells, time))
    for _ in range(3):
        array.new_phase()
        cycle(array, rng)
        array.counted()
    assert len(made) == (0 if topology == "dense" else 3 * len(array.cells))


def test_energies_follow_the_conductances_of_their_time(rng):
    """What is kept is forgotten by every way to change the devices."""
    array = make()
    size, names = NETWORK.size, NETWORK.names
    ones, out = np.ones((1, size), np.float32), np.empty((1, size), np.float32)
    changes = (
        lambda: array.update(ones / 10, ones, rate=0.5, rng=rng),
        lambda: array.write(random_weights(NETWORK, rng), rng),
        lambda: array.load_state(make().state_dict()),
    )
    for change in changes:
        change()
        plus, minus = array.conductances()
        assert array.mean_conductance() == pytest.approx((plus + minus).sum() / (2 * size * (size - 1)), rel=1e-6)
        before = array.counted().read_energy
        array.multiply(ones, NETWORK.patches(names, names), out)
        assert array.counted().read_energy - before == pytest.approx(array.meter.joule * (plus + minus).sum(), rel=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"device": SPREAD, "read_noise": NOISE}, {"read_noise": ReadNoise(relative=0.05, spectrum="phase")},
        {"wire_resistance": 2.0, "tile_size": 16}, {"wire_resistance": 2.0}, {"device": "reram-es"},
        {"wire_resistance": 2.0, "tile_size": 16, "wire_error": 0.01, "wire_order": "sensitivity"},
    ],
)  # fmt: skip
def test_any_number_of_threads_gives_the_same_bytes(settings, monkeypatch):
    found = []
    monkeypatch.setattr(threads, "LEAST", 1)
    for number in (1, 2, 3):
        inside = lambda number=number: 1 if getattr(threads._place, "inside", False) else number  # noqa: E731
        monkeypatch.setattr(threads, "count", inside)
        array = make(**settings)
        read = cycle(array, np.random.default_rng(3))
        state = array.state_dict()
        found.append([read.tobytes(), array.matrix().tobytes(), *(state[name].tobytes() for name in sorted(state))])
    assert found[0] == found[1] == found[2]


def recorded(monkeypatch, module):
    """Return a list that gets the weights of every product."""
    seen, own = [], module.multiply_patches
    monkeypatch.setattr(module, "multiply_patches", lambda w, *rest: seen.append(w) or own(w, *rest))
    return seen


def test_no_sweep_casts_the_weights(rng, monkeypatch):
    weights = 0.3 * random_weights(NETWORK, rng)
    role, inputs = NETWORK.role(["pixels"]), rng.standard_normal((3, 40))
    by_hand = Landscape.clamp(IdealWeights(NETWORK, weights.astype(np.float64)), role, inputs)
    expected = ConjugateGradient(tolerance=1e-9).settle(by_hand).states
    seen = recorded(monkeypatch, couplings)
    found = ConjugateGradient(tolerance=1e-9).settle(
        Landscape.clamp(IdealWeights(NETWORK, weights), role, inputs)
    ).states  # fmt: skip
    assert found.tobytes() == expected.tobytes()
    assert len(seen) > 5
    assert {(id(one), one.dtype.str) for one in seen} == {(id(seen[0]), "<f8")}


def test_weights_of_the_signals_own_kind_are_not_copied(rng):
    weights = random_weights(NETWORK, rng)
    for wide, narrow in ((weights, np.float32), (weights.astype(np.float64), np.float32)):
        ideal = IdealWeights(NETWORK, wide)
        assert ideal.at_least(np.dtype(narrow)) is ideal


def test_an_array_casts_its_matrix_once_a_change(rng, monkeypatch):
    from crossbar.arrays import array as arrays

    one, other = make(), make()
    seen = recorded(monkeypatch, arrays)
    signals, out = rng.random((5, NETWORK.size)), np.empty((5, NETWORK.size))
    patches = NETWORK.patches(NETWORK.names, NETWORK.names)
    for _ in range(3):
        one.multiply(signals, patches, out)
    assert {(id(weights), weights.dtype.str) for weights in seen} == {(id(seen[0]), "<f8")}
    assert out.tobytes() == (signals @ other.matrix().astype(np.float64)).tobytes()
    cycle(one, rng, np.float64)
    assert seen[-1] is not seen[0]
    np.testing.assert_array_equal(seen[-1], one.matrix())


def test_noise_is_drawn_the_same_for_signals_of_more_digits(rng):
    one, other = make(read_noise=NOISE), make(read_noise=NOISE)
    signals, patches = rng.random((5, NETWORK.size)).astype(np.float32), NETWORK.patches(NETWORK.names, NETWORK.names)
    narrow, wide = np.empty_like(signals), np.empty(signals.shape)
    one.multiply(signals, patches, narrow)
    other.multiply(signals.astype(np.float64), patches, wide)
    np.testing.assert_allclose(narrow, wide, atol=2e-5)
