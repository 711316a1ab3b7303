"""Noise of reads: the normal numbers themselves, then each spectrum against its own law."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.kernels.reads import add_coloured, convert_sums
from crossbar.arrays.read_noise import FrozenNoise, ReadNoise, normals, rectangle_noise, square_noise, stream
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.numerics.normals import fill_normals
from crossbar.wires.compensation import column_gains
from crossbar.wires.lines import LineNetwork
from crossbar.wires.solver import effective_matrix, network_solution

COUNT = 400_000


@pytest.mark.needs_jit
@pytest.mark.parametrize("key", [0, 1, 2**64 - 1])
def test_normal_numbers_are_normal(key):
    """Moments within 4 standard errors of N(0, 1), Kolmogorov and Smirnov's distance, no correlation of neighbours."""
    xi = np.empty(COUNT, np.float32)
    fill_normals(stream(key, 0), 0, xi)
    xi = xi.astype(float)
    for value, variance in ((xi.mean(), 1), (xi.var() - 1, 2), (stats.skew(xi), 6), (stats.kurtosis(xi), 24)):
        assert abs(value) < 4 * np.sqrt(variance / COUNT)
    assert stats.kstest(xi, "norm").pvalue > 1e-3
    for lag in (1, COUNT // 2):
        assert abs((xi[lag:] * xi[:-lag]).mean()) < 4 / np.sqrt(COUNT - lag)
    tail = (np.abs(xi) > 4).mean()
    assert abs(tail - 2 * stats.norm.sf(4)) < 5 * np.sqrt(2 * stats.norm.sf(4) / COUNT)


def test_streams_differ_and_repeat():
    first, second = normals(stream(7, 0), (3, 5)), normals(stream(7, 1), (3, 5))
    assert not np.isin(first, second).any()
    np.testing.assert_array_equal(first, normals(stream(7, 0), (3, 5)))
    odd = np.empty(5, np.float32)
    fill_normals(stream(7, 0), 4, odd)
    assert np.isfinite(odd).all()


@pytest.mark.needs_jit
def test_the_fused_kernel_draws_the_given_variance():
    variance = np.linspace(0, 4, 8)[None] * np.ones((20_000, 1))
    out = np.zeros_like(variance)
    convert_sums(np.ones_like(variance), variance, 0.5, -np.inf, np.inf, 0.0, stream(1, 1), out)
    expected = variance[0] + 0.25
    np.testing.assert_allclose(out.var(0), expected, rtol=5 * np.sqrt(2 / 20_000))
    assert (np.abs(out.mean(0) - 1) < 5 * np.sqrt(expected / 20_000)).all()


@pytest.mark.needs_jit
def test_coloured_noise_forgets_at_its_own_pace():
    batch, times, shares = 20_000, np.array([2.0, 20.0]), np.array([0.25, 0.75])
    memory = normals(stream(3, 0), (2, batch, 1))
    seen = []
    for read in range(5):
        sums = np.zeros((batch, 1))
        add_coloured(sums, np.full((batch, 1), 4.0), memory, np.exp(-1 / times), shares, stream(3, 1 + read))
        seen.append(sums[:, 0])
    for lag in range(5):
        expected = 4 * (shares * np.exp(-lag / times)).sum()
        assert abs((seen[0] * seen[lag]).mean() - expected) < 5 * 4 * np.sqrt(2 / batch)


@pytest.mark.needs_jit
@pytest.mark.parametrize(
    "x", [[0.5, 0.9, 0.3, 0.7], [0.1, 0.9, 0.2, -0.3], [0.0, 0.8, 0.0, 0.0], [0.6, 0.6], [0.9, 0.2], [0.5]]
)
def test_a_square_of_shared_devices_fluctuates_as_one_device_a_pair_does(x):
    """Cov = sigma^2 x_i x_j off the diagonal, sigma^2 (|x|^2 - x_i^2) on it, also where one signal rules."""
    x, sigma, n = np.array(x), 0.2, 100_000
    noise = square_noise(np.tile(x, (n, 1)), sigma, stream(5, 0))
    expected = np.outer(x, x)
    np.fill_diagonal(expected, x @ x - x**2)
    np.testing.assert_allclose(noise.T @ noise / n, sigma**2 * expected, atol=5 * sigma**2 / np.sqrt(n / 2))


@pytest.mark.needs_jit
@pytest.mark.parametrize("a", [[0.5, 0.9, 0.3], [0.0, 0.0, 0.0], [0.0, 0.7, 0.0]])
def test_a_rectangle_of_shared_devices_fluctuates_as_one_device_a_pair_does(a):
    """n_b = E^T x_a and n_a = E x_b: Cov(n_a, n_b) = sigma^2 x_a x_b^T, each alone independent."""
    a, b, sigma, n = np.array(a), np.array([0.4, -0.8]), 0.2, 100_000
    there, here = rectangle_noise(np.tile(a, (n, 1)), np.tile(b, (n, 1)), sigma, stream(6, 0))
    noise = np.hstack([here, there])
    expected = np.block([[b @ b * np.eye(3), np.outer(a, b)], [np.outer(b, a), a @ a * np.eye(2)]])
    np.testing.assert_allclose(noise.T @ noise / n, sigma**2 * expected, atol=5 * sigma**2 / np.sqrt(n / 2))


def frozen(law, size=40, mirrored=True):
    noise = FrozenNoise(law=law, key=11, mirrored=mirrored)
    noise.start(size)
    return noise


@pytest.mark.parametrize("spectrum", ["phase", "batch", "lorentzian", "telegraph", "pink"])
def test_frozen_noise_has_its_variance_and_symmetry(spectrum):
    law = ReadNoise(relative=0.1, spectrum=spectrum, correlation_reads=1000, frozen_reads=0.5)
    deviation = frozen(law).deviation(np.full((40, 40), 9.0))
    np.testing.assert_array_equal(deviation, deviation.T)
    above = deviation[np.triu_indices(40, 1)]
    assert abs(above.var() / 9 - 1) < 5 * np.sqrt(2 / len(above))
    assert abs(above.mean()) < 5 * 3 / np.sqrt(len(above))


@pytest.mark.parametrize("spectrum", ["lorentzian", "telegraph"])
def test_frozen_noise_remembers_across_phases(spectrum):
    law = ReadNoise(relative=0.1, spectrum=spectrum, correlation_reads=1000)
    noise = frozen(law, 100, mirrored=False)
    before = noise.parts[0].copy()
    assert noise.new_phase(500)
    kept = (before * noise.parts[0]).mean()
    assert abs(kept - np.exp(-0.5)) < 5 / 100
    if spectrum == "telegraph":
        assert set(np.unique(noise.parts[0])) == {-1, 1}
    assert not noise.new_batch()


def test_phase_and_batch_noise_are_renewed_by_their_own_hook_only():
    for spectrum, phase, batch in (("phase", True, False), ("batch", False, True)):
        noise = frozen(ReadNoise(relative=0.1, spectrum=spectrum))
        assert noise.new_phase(10) is phase
        assert noise.new_batch() is batch
    assert not frozen(ReadNoise(relative=0.1)).new_phase(10)


def test_where_each_part_is_drawn():
    pink = ReadNoise(relative=0.1, spectrum="pink", correlation_reads=1e4)
    assert pink.fast == pytest.approx((1, 10))
    assert pink.slow == pytest.approx((100, 1e3, 1e4))
    assert not pink.static
    assert ReadNoise(relative=0.1, spectrum="pink", correlation_reads=1e4, frozen_reads=1).static
    assert ReadNoise(relative=0.1, spectrum="phase").static
    assert not ReadNoise(relative=0.1).static
    assert ReadNoise().static
    assert ReadNoise().off


def test_pink_noise_is_one_over_f():
    """The sum of the Lorentzians, one a decade, against 1/f between their corners."""
    times = np.array(ReadNoise(spectrum="pink", correlation_reads=1e5).correlation_times)
    frequency = np.geomspace(1e-4, 1e-1, 200) / (2 * np.pi)
    omega = 2 * np.pi * frequency[:, None]
    power = (times / (1 + (omega * times) ** 2)).sum(1)
    flat = power * frequency
    assert flat.max() / flat.min() < 1.13


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"additive": -0.1}, InvalidValue, "must not be negative"),
        ({"relative": float("nan")}, InvalidValue, "must not be negative"),
        ({"correlation_reads": 0.0}, InvalidValue, "`correlation_reads`"),
        ({"spectrum": "pinc"}, UnknownName, "did you mean 'pink'"),
        ({"where": "wires"}, UnknownName, "place"),
        ({"where": "devices", "spectrum": "pink"}, InvalidValue, "`where`"),
    ],
)
def test_bad_noise_is_refused(values, error, message):
    with pytest.raises(error, match=message):
        ReadNoise(**values)


def kirchhoff_deviation(array, x, ohm):
    """Return the exact standard deviation of the outputs of a layered pair whose devices fluctuate, weight units.

    dI_l / dG_ij is the voltage across device ij under the inputs times the one that output l, driven by 1 V in the
    reversed network, makes across it.
    """
    rows, columns = (array.network.block(name) for name in array.network.names)
    total = 0
    for plane in array.conductances():
        plane = plane[rows, columns]
        network = LineNetwork.checked(plane, ohm, ohm)
        voltage = network_solution(network, x[:, None]).device_voltages[0]
        back = network_solution(network.reversed(), np.eye(plane.shape[1])[::-1]).device_voltages
        share = back.transpose(0, 2, 1)[:, ::-1, ::-1]
        sigma = array.config.read_noise.relative * plane
        total = total + np.einsum("ij,lij->l", (sigma * voltage) ** 2, share**2)
    return np.sqrt(total) / array.mapping.siemens_per_weight


@pytest.mark.needs_jit
@pytest.mark.parametrize(("ohm", "most"), [(1e-3, 1.005), (30.0, 1.2), (300.0, 1.35)])
@pytest.mark.parametrize("gains", ["none", "columns"])
def test_noise_of_devices_passes_through_the_wires(rng, ohm, most, gains):
    """Against Kirchhoff's law with fluctuating devices: right for ideal wires, and never lost but for what docs say."""
    network = Network((("rows", 20), ("columns", 16)), "layered")
    weights = random_weights(network, rng, np.float64)
    config = ArrayConfig(
        read_noise=ReadNoise(relative=0.05), wire_resistance=ohm, g_min=1e-6, dtype="float64", wire_gains=gains,
        symmetry="two-device",
    )  # fmt: skip
    array = CrossbarArray.from_weights(network, weights, config, rng)
    x = 0.2 + 0.6 * rng.random(20)
    exact = kirchhoff_deviation(array, x, ohm)
    if gains == "columns":
        sides = [effective_matrix(plane[:20, 20:], ohm, ohm) for plane in array.conductances()]
        seen = (sides[0] - sides[1]) / array.mapping.siemens_per_weight
        exact = exact * column_gains(weights[:20, 20:], seen)
    out = np.empty((20_000, 16))
    array.multiply(np.tile(x, (len(out), 1)), network.patches(["rows"], ["columns"]), out)
    ratio = out.std(0) / exact
    assert ratio.min() > 0.97
    assert ratio.mean() < most
    bare = np.sqrt(sum((0.05 * plane[:20, 20:]) ** 2 for plane in array.conductances()).T @ x**2)
    if ohm == 300.0 and gains == "none":
        assert (out.std(0) < 0.8 * bare / array.mapping.siemens_per_weight).all()
    array.new_phase()
    frozen = CrossbarArray.from_weights(
        network, weights, replace(config, read_noise=ReadNoise(relative=0.05, spectrum="phase")), rng
    )
    deviations = []
    for _ in range(300):
        frozen.new_phase()
        deviations.append((frozen.matrix() - frozen.weights())[:20, 20:])
    np.testing.assert_allclose(
        np.sqrt(np.square(deviations).mean(0).T @ x**2), out.std(0), rtol=0.12
    )  # the same sigma, in the matrix


@pytest.mark.needs_jit
@pytest.mark.parametrize(
    ("reads", "frozen", "slow"), [(1000.0, 100.0, 2 / 4), (1000.0, 1000.0, 1 / 4), (100.0, 1.0, 1.0)]
)
def test_every_decade_of_pink_noise_has_its_share(rng, reads, frozen, slow):
    """Times 1, 10, ... `reads`: those of at least `frozen` reads are in the matrix, the rest at the outputs."""
    network = Network((("rows", 60), ("columns", 60)), "layered")
    weights = random_weights(network, rng, np.float64)
    noise = ReadNoise(additive=0.02, spectrum="pink", correlation_reads=reads, frozen_reads=frozen)
    config = ArrayConfig(read_noise=noise, dtype="float64", symmetry="two-device")
    array = CrossbarArray.from_weights(network, weights, config, rng)
    device = 2 * (0.02 * 1e-4 / array.mapping.siemens_per_weight) ** 2  # variance of a pair's weight
    frozen_part = (array.matrix() - weights)[:60, 60:]
    np.testing.assert_allclose(frozen_part.var(), slow * device, rtol=5 * np.sqrt(2 / 3600))
    x, patches = rng.random(60), network.patches(["rows"], ["columns"])
    out = np.empty((2000, 60))
    array.multiply(np.tile(x, (2000, 1)), patches, out)
    fast = (out - x @ array.matrix()[:60, 60:]).var()
    np.testing.assert_allclose(fast, (1 - slow) * device * (x @ x), rtol=0.05, atol=1e-20)
