"""The array as couplings: exact when ideal, and reading, noise, tiles and faults each against its own definition."""

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import adc, dac
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices.nonidealities import FaultLaw, PowerLawDrift
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.couplings import IdealWeights, random_weights
from crossbar.hopfield.network import Network
from crossbar.wires.solver import effective_matrix

DENSE = Network((("pixels", 5), ("hidden", 4), ("latent", 2)))
LAYERED = Network((("pixels", 5), ("hidden", 4), ("latent", 2)), "layered")
MANY = 20_000


def make(rng, network=DENSE, dtype="float64", **settings):
    weights = random_weights(network, rng, np.dtype(dtype).type)
    return CrossbarArray.from_weights(network, weights, ArrayConfig(dtype=dtype, **settings), rng), weights


def read(array, signals, patches=None):
    network = array.network
    patches = network.patches(network.names, network.names) if patches is None else patches
    width = max(patch.target_columns.stop for patch in patches)
    out = np.empty((len(signals), width), signals.dtype)
    array.multiply(signals, patches, out)
    return out


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mapping", ["pair", "reference"])
@pytest.mark.parametrize("symmetry", ["shared", "two-device"])
@pytest.mark.parametrize("network", [DENSE, LAYERED])
def test_without_nonidealities_it_is_the_ideal_matrix_bit_for_bit(rng, network, symmetry, mapping, dtype):
    array, weights = make(rng, network, dtype, mapping=mapping, symmetry=symmetry, g_min=3e-6)
    np.testing.assert_array_equal(array.matrix(), weights)
    assert array.static
    assert array.symmetric == (symmetry == "shared")
    assert array.asymmetry() == 0
    for clamped in ([], ["latent"], ["pixels"], ["hidden"]):
        role = network.role(clamped)
        for patches, width, outs in (
            (role.within, role.n_free, role.n_free), (role.inward, role.n_clamped, role.n_free),
            (role.outward, role.n_free, role.n_clamped),
        ):  # fmt: skip
            signals = rng.random((3, width)).astype(dtype)
            ideal, ours = np.zeros((3, outs), dtype), np.full((3, outs), np.nan, dtype)
            IdealWeights(network, weights).multiply(signals, patches, ideal)
            array.multiply(signals, patches, ours)
            np.testing.assert_array_equal(ours, ideal)


def test_one_way_devices_serve_one_direction(rng):
    weights = np.triu(random_weights(LAYERED, rng))
    array = CrossbarArray.from_weights(LAYERED, weights, ArrayConfig(symmetry="one-way"), rng)
    np.testing.assert_array_equal(array.matrix(), weights)
    assert not array.symmetric
    with pytest.raises(InvalidValue, match="needs a layered network"):
        make(rng, DENSE, symmetry="one-way")


@pytest.mark.parametrize("mapping", ["pair", "reference"])
def test_conductances_stand_for_the_weights(rng, mapping):
    array, weights = make(rng, mapping=mapping, g_min=2e-6, g_max=1e-4)
    plus, minus = array.conductances()
    np.testing.assert_allclose((plus - minus) / array.mapping.siemens_per_weight, weights, atol=1e-12)
    for plane in (plus, minus):
        assert (plane.diagonal() == 0).all()
        coupled = plane[DENSE.mask()]
        assert coupled.min() >= 2e-6 * (1 - 1e-9)
        assert coupled.max() <= 1e-4 * (1 + 1e-9)
    assert mapping == "reference" or np.maximum(plus, minus).max() == pytest.approx(1e-4)


def test_a_given_scale_bounds_the_weights(rng):
    array, weights = make(rng, weight_limit=0.2)
    np.testing.assert_allclose(array.matrix(), np.clip(weights, -0.2, 0.2))


def test_a_coverage_below_one_clips_the_largest_weights(rng):
    array, weights = make(rng, weight_coverage=0.8)
    limit = np.quantile(np.abs(weights[DENSE.mask()]), 0.8)
    assert array.mapping.weight_limit == pytest.approx(limit)
    np.testing.assert_allclose(array.matrix(), np.clip(weights, -limit, limit), atol=1e-12)


@pytest.mark.parametrize("mapping", ["pair", "reference"])
def test_faults_keep_a_shared_array_symmetric(rng, mapping):
    faults = FaultLaw(levels=8, variation=0.1, stuck_low=0.1, stuck_high=0.1, drift=PowerLawDrift(nu=0.1, nu_std=0.05))
    for network in (DENSE, LAYERED):
        array, weights = make(rng, network, mapping=mapping, faults=faults, programming_error="rram-wan")
        array.at_time(1e4)
        matrix = array.matrix()
        np.testing.assert_array_equal(matrix, matrix.T)
        assert np.abs(matrix - weights).max() > 0.05
        assert not matrix[~network.mask()].any()


def test_two_devices_differ_and_the_asymmetry_is_reported(rng):
    array, _ = make(rng, symmetry="two-device", faults=FaultLaw(variation=0.1))
    matrix = array.matrix()
    expected = np.linalg.norm(matrix - matrix.T) / (2 * np.linalg.norm(matrix))
    assert array.asymmetry() == pytest.approx(expected)
    assert 0.02 < array.asymmetry() < 0.3
    assert not array.symmetric


def test_drift_shrinks_a_pair_and_a_new_write_starts_the_clock(rng):
    array, weights = make(rng, faults=FaultLaw(drift=PowerLawDrift(nu=0.05, t0=1.0)))
    array.at_time(1000)
    np.testing.assert_allclose(array.matrix(), weights * 1000**-0.05, atol=1e-9)
    array.write(weights, rng)
    assert array.time == 0
    np.testing.assert_allclose(array.matrix(), weights, atol=1e-12)
    with pytest.raises(InvalidValue, match="`time`"):
        array.at_time(-1)


def test_converters_round_and_saturate(rng):
    array, weights = make(rng, dac=dac(3), adc=adc(4, high=0.4))
    signals = rng.random((6, DENSE.size))
    quantised = np.rint(signals * 7) / 7
    step = 0.8 / 14
    expected = np.rint(np.clip(quantised @ weights, -0.4, 0.4) / step) * step
    np.testing.assert_allclose(read(array, signals), expected, atol=1e-12)
    assert array.counters.saturated == (np.abs(quantised @ weights) > 0.4).sum()
    assert not array.symmetric
    assert array.static


def test_tiles_convert_their_own_partial_sums(rng):
    array, weights = make(rng, adc=adc(5, high=0.5), tile_size=4)
    signals = rng.random((6, DENSE.size))
    step = 1 / 30
    pieces = [signals[:, a : a + 4] @ weights[a : a + 4] for a in (0, 4, 8)]
    expected = sum(np.rint(np.clip(piece, -0.5, 0.5) / step) * step for piece in pieces)
    np.testing.assert_allclose(read(array, signals), expected, atol=1e-12)
    assert array.counters.conversions_out == 3 * 6 * DENSE.size
    analog, weights = make(rng, adc=adc(5, high=0.5), tile_size=4, accumulation="analog")
    expected = np.rint(np.clip(signals @ weights, -0.5, 0.5) / step) * step
    np.testing.assert_allclose(read(analog, signals), expected, atol=1e-12)


@pytest.mark.needs_jit
@pytest.mark.parametrize("mapping", ["pair", "reference"])
@pytest.mark.parametrize("tile_size", [None, 4])
def test_the_variance_of_device_noise_at_the_outputs(rng, mapping, tile_size):
    """var y_j = sum_i sigma_ij^2 x_i^2, sigma^2 summed over the devices of a weight, whatever the tiles."""
    noise = ReadNoise(additive=0.01, relative=0.1)
    array, weights = make(rng, mapping=mapping, read_noise=noise, g_min=5e-6, tile_size=tile_size)
    x = rng.random(DENSE.size)
    sums = read(array, np.tile(x, (MANY, 1)))
    plus, minus = array.conductances()
    planes = (plus, minus) if mapping == "pair" else (plus,)
    variance = sum((0.01 * 1e-4) ** 2 + (0.1 * plane) ** 2 for plane in planes) * DENSE.mask()
    expected = x**2 @ variance / array.mapping.siemens_per_weight**2
    np.testing.assert_allclose(sums.var(0), expected, rtol=5 * np.sqrt(2 / MANY))
    np.testing.assert_allclose(sums.mean(0), x @ weights, atol=5 * np.sqrt(expected.max() / MANY))
    assert not array.static


def expected_covariance(array, x):
    """Of y = E x with independent e_ij = e_ji of equal deviation."""
    sigma2 = array.reader.additive**2
    covariance = sigma2 * np.outer(x, x)
    np.fill_diagonal(covariance, sigma2 * ((x**2).sum() - x**2))
    return covariance


@pytest.mark.needs_jit
@pytest.mark.parametrize("where", ["outputs", "devices"])
def test_the_covariance_that_shared_devices_give(rng, where):
    """State-independent noise is exact at the outputs, and so is the slow draw of every device."""
    array, _ = make(rng, read_noise=ReadNoise(additive=0.02, where=where))
    x = 0.3 + 0.4 * rng.random(DENSE.size)
    sums = read(array, np.tile(x, (MANY, 1)))
    expected = expected_covariance(array, x)
    np.testing.assert_allclose(np.cov(sums.T, bias=True), expected, atol=5 * expected.max() * np.sqrt(2 / MANY))


@pytest.mark.needs_jit
@pytest.mark.parametrize("network", [DENSE, LAYERED])
@pytest.mark.parametrize("clamped", [[], ["pixels"], ["hidden"], ["latent"]])
@pytest.mark.parametrize("settings", [{}, {"tile_size": 4}])
def test_outputs_covary_by_the_devices_they_share_whatever_is_clamped(rng, network, clamped, settings):
    """cov(y_i, y_j) = sigma^2 x_i x_j where both neurons drive and are driven and couple, across patches and tiles."""
    array, weights = make(rng, network, read_noise=ReadNoise(additive=0.02), **settings)
    role = network.role(clamped)
    x = np.zeros(network.size)
    free = np.concatenate([np.arange(network.size)[network.block(name)] for name in role.free])
    x[free] = 0.3 + 0.4 * rng.random(len(free))
    sums = read(array, np.tile(x[free], (MANY, 1)), role.within) if role.within else None
    if sums is None:
        return
    sigma2 = array.reader.additive**2 * network.mask()
    expected = sigma2 * np.outer(x, x)
    np.fill_diagonal(expected, sigma2 @ x**2)
    expected = expected[np.ix_(free, free)]
    np.testing.assert_allclose(np.cov(sums.T, bias=True), expected, atol=6 * expected.max() * np.sqrt(2 / MANY))
    np.testing.assert_allclose(sums.mean(0), (x @ weights)[free], atol=6 * np.sqrt(expected.max() / MANY))


@pytest.mark.needs_jit
def test_devices_of_silent_lines_fluctuate_for_the_others(rng):
    """Where pixels are all 0 they give hidden neurons nothing, and receive sigma |x_hidden| each."""
    array, _ = make(rng, LAYERED, read_noise=ReadNoise(additive=0.02))
    x = np.zeros(LAYERED.size)
    x[LAYERED.block("hidden")] = 0.5
    sums = read(array, np.tile(x, (MANY, 1)))
    sigma = array.reader.additive
    np.testing.assert_allclose(sums[:, LAYERED.block("pixels")].std(0), sigma, rtol=0.05)
    assert not sums[:, LAYERED.block("hidden")].any()


@pytest.mark.needs_jit
def test_every_device_drawn_is_one_device_in_both_directions(rng):
    """In a layered net e_ij serves pixels -> hidden and hidden -> pixels: cov(y_i, y_j) = sigma_ij^2 x_i x_j."""
    array, _ = make(rng, LAYERED, read_noise=ReadNoise(relative=0.2, where="devices"), g_min=1e-5)
    x = 0.3 + 0.4 * rng.random(LAYERED.size)
    sums = read(array, np.tile(x, (MANY, 1)))
    plus, minus = array.conductances()
    sigma2 = 0.04 * (plus**2 + minus**2) / array.mapping.siemens_per_weight**2
    expected = sigma2 * np.outer(x, x)
    np.fill_diagonal(expected, x**2 @ sigma2)
    np.testing.assert_allclose(np.cov(sums.T, bias=True), expected, atol=5 * expected.max() * np.sqrt(2 / MANY))


@pytest.mark.needs_jit
def test_coloured_noise_is_alike_in_reads_close_by(rng):
    array, weights = make(rng, read_noise=ReadNoise(additive=0.02, spectrum="lorentzian", correlation_reads=3))
    x = np.tile(rng.random(DENSE.size), (MANY, 1))
    first, second, third = (read(array, x) - x @ weights for _ in range(3))
    variance = (first**2).mean(0)
    for other, lag in ((second, 1), (third, 2)):
        np.testing.assert_allclose((first * other).mean(0) / variance, np.exp(-lag / 3), atol=6 / np.sqrt(MANY))
    array.new_batch()
    fresh = read(array, x) - x @ weights
    assert np.abs((fresh * third).mean(0) / variance).max() < 6 / np.sqrt(MANY)


def test_noise_of_a_phase_is_a_matrix_that_reads_repeat(rng):
    array, weights = make(rng, read_noise=ReadNoise(relative=0.1, spectrum="phase"))
    signals = rng.random((4, DENSE.size))
    assert array.static
    assert array.symmetric
    first = read(array, signals)
    np.testing.assert_array_equal(read(array, signals), first)
    np.testing.assert_array_equal(array.matrix(), array.matrix().T)
    np.testing.assert_allclose(signals @ array.matrix(), first, atol=1e-12)
    array.new_phase()
    assert np.abs(read(array, signals) - first).max() > 1e-4
    np.testing.assert_array_equal(array.weights(), weights)


@pytest.mark.needs_jit
def test_noise_of_one_read_is_not_that_of_another(rng):
    """Words of random bits are shared by no two outputs, also where their number is odd."""
    network = Network((("a", 4), ("b", 3)), "layered")
    weights = np.zeros((7, 7))
    array = CrossbarArray.from_weights(network, weights, ArrayConfig(output_noise=1.0, dtype="float64"), rng)
    out = np.empty((50, 3))
    array.multiply(np.zeros((50, 4)), network.patches(["a"], ["b"]), out)
    assert len(np.unique(out)) == out.size


def test_output_noise(rng):
    array, weights = make(rng, output_noise=0.05)
    x = np.tile(rng.random(DENSE.size), (MANY, 1))
    np.testing.assert_allclose((read(array, x) - x @ weights).std(0), 0.05, rtol=5 * np.sqrt(0.5 / MANY))


def test_reads_are_counted_with_their_energy(rng):
    array, _ = make(rng, g_min=1e-5, read_voltage=0.2, read_time=1e-6)
    role = DENSE.role(["latent"])
    signals = rng.random((3, role.n_free))
    read(array, signals, role.within)
    counters = array.counted()
    plus, minus = array.conductances()
    lines = (plus + minus).sum(1)[: role.n_free]
    assert counters.read_energy == pytest.approx(0.04 * 1e-6 * (signals**2 @ lines).sum())
    assert (counters.reads, counters.conversions_in, counters.conversions_out) == (3, 27, 27)
    energy = counters.read_energy
    assert array.counted().read_energy == energy


def test_the_energy_of_a_layered_read_counts_every_line_once(rng):
    array, _ = make(rng, LAYERED, g_min=1e-5)
    signals = rng.random((2, LAYERED.size))
    read(array, signals)
    plus, minus = array.conductances()
    expected = 0.01 * 1e-7 * (signals**2 @ (plus + minus).sum(1)).sum()
    assert array.counted().read_energy == pytest.approx(expected)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"mapping": "pairs"}, UnknownName, "did you mean 'pair'"),
        ({"symmetry": "tied"}, UnknownName, "symmetry"),
        ({"accumulation": "digitl"}, UnknownName, "did you mean 'digital'"),
        ({"dtype": "float16"}, UnknownName, "dtype"),
        ({"encoding": "factorized"}, UnknownName, "did you mean 'factorised'"),
        ({"engine": "agregate"}, UnknownName, "did you mean 'aggregate'"),
        ({"programming_error": "rram-milo", "g_min": 0.0}, InvalidValue, "`g_min` .* at least 2.222e-05 S"),
        ({"programming_error": "rram-wan", "g_min": 0.0, "g_max": 1e-5}, InvalidValue, "measured from 1 to 39.26 uS"),
        ({"g_min": 1e-4, "g_max": 1e-5}, InvalidValue, "`g_max` must exceed `g_min`"),
        ({"g_min": 1e-3}, InvalidValue, "`g_max` must exceed `g_min`"),
        ({"output_noise": -1.0}, InvalidValue, "`output_noise`"),
        ({"wire_resistance": float("inf")}, InvalidValue, "`wire_resistance`"),
        ({"tile_size": 0}, InvalidValue, "`tile_size`"),
        ({"weight_limit": 1.0, "siemens_per_weight": 1e-5}, InvalidValue, "at most one"),
        ({"weight_coverage": 0.0}, InvalidValue, "`weight_coverage`"),
        ({"weight_limit": -1.0}, InvalidValue, "`weight_limit`"),
        ({"programming_error": "pmc"}, UnknownName, "did you mean 'pcm'"),
        ({"device": "epirom"}, UnknownName, "epiram"),
    ],
)
def test_bad_configurations_are_refused(rng, settings, error, message):
    with pytest.raises(error, match=message):
        make(rng, **settings)


def test_bad_weights_and_signals_are_refused(rng):
    weights = random_weights(LAYERED, rng)

    def build(matrix, **settings):
        return CrossbarArray.from_weights(LAYERED, matrix, ArrayConfig(**settings), rng)

    with pytest.raises(InvalidValue, match="must be \\(11, 11\\)"):
        build(weights[:-1])
    with pytest.raises(InvalidValue, match="finite"):
        build(weights * np.nan)
    with pytest.raises(InvalidValue, match="does not couple"):
        build(np.ones_like(weights))
    with pytest.raises(InvalidValue, match="symmetric on shared"):
        build(np.triu(weights))
    array = build(weights)
    patches = LAYERED.patches(LAYERED.names, LAYERED.names)
    with pytest.raises(InvalidValue, match="`signals` must be"):
        array.multiply(np.zeros((2, 3)), patches, np.zeros((2, 11)))
    with pytest.raises(InvalidValue, match="`out` must be"):
        array.multiply(np.zeros((2, 11)), patches, np.zeros((3, 11)))


@pytest.mark.parametrize("ends", ["one", "both"])
def test_wires_make_of_each_tile_its_effective_matrix_and_keep_shared_arrays_symmetric(rng, ends):
    array, weights = make(rng, wire_resistance=50.0, tile_size=8, wire_ends=ends, g_min=1e-6)
    mapping, matrix = array.mapping, array.matrix()
    np.testing.assert_array_equal(matrix, matrix.T)
    assert 0.001 < np.abs(matrix - weights).max() / np.abs(weights).max() < 0.2
    drive, sense = ("both", "both") if ends == "both" else ("left", "bottom")
    planes = [np.triu(mapping.siemens(plane), 1) for plane in mapping.split(weights)]
    for rows, columns in ((slice(0, 8), slice(0, 8)), (slice(0, 8), slice(8, 11)), (slice(8, 11), slice(8, 11))):
        plus, minus = (effective_matrix(p[rows, columns], 50.0, 50.0, drive=drive, sense=sense) for p in planes)
        expected = (plus - minus) / mapping.siemens_per_weight
        if rows == columns:
            expected = expected + expected.T
            np.fill_diagonal(expected, 0)
        np.testing.assert_allclose(matrix[rows, columns], expected, atol=1e-12)


def test_wires_in_layers_and_two_devices(rng):
    for settings in ({"symmetry": "two-device"}, {"mapping": "reference"}):
        array, weights = make(rng, LAYERED, wire_resistance=20.0, tile_size=3, g_min=1e-6, **settings)
        error = np.abs(array.matrix() - weights).max() / np.abs(weights).max()
        assert 1e-4 < error < 0.2
        assert (array.asymmetry() > 1e-6) == ("symmetry" in settings)


def test_wires_are_renewed_only_when_they_err(rng):
    kept, _ = make(np.random.default_rng(3), wire_resistance=20.0, wire_error=0.05)
    exact, _ = make(np.random.default_rng(3), wire_resistance=20.0)
    response, mean = 0.01 * rng.normal(size=(4, DENSE.size)), rng.random((4, DENSE.size))
    for array in (kept, exact):
        array.matrix()
        array.update(response, mean, rate=0.1, rng=rng)
    scale = np.abs(exact.matrix()).max()
    np.testing.assert_allclose(kept.matrix(), exact.matrix(), atol=1e-3 * scale)
    assert {tile.renewals for tile in kept.wires.renewed.values()} == {1}


@pytest.mark.parametrize("kind", [bool, int, np.uint8])
@pytest.mark.parametrize("settings", [{}, {"dac": dac(8)}, {"adc": adc(8, high=4.0), "tile_size": 4}])
def test_whole_signals_are_read_as_floats_are(rng, kind, settings):
    array, _ = make(rng, **settings)
    signals = rng.random((5, DENSE.size)) < 0.5
    patches, outs = DENSE.patches(DENSE.names, DENSE.names), []
    for cast in (kind, float):
        outs.append(np.empty((5, DENSE.size)))
        array.multiply(signals.astype(cast), patches, outs[-1])
    np.testing.assert_array_equal(*outs)
    assert np.abs(outs[0]).max() > 0.1
    with pytest.raises(InvalidValue, match="`out` must hold floats"):
        array.multiply(signals, patches, np.empty((5, DENSE.size), int))
