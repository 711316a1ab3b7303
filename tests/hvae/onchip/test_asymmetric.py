"""Equilibrium propagation on W != W^T: nudged phases that are read back follow the gradient, forward ones do not."""

from dataclasses import replace

import numpy as np
import pytest

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from hvae.config import toml_file
from hvae.config.array import ArraySettings
from hvae.learning import costs
from hvae.onchip.chip import MEAN, RESPONSE, make_onchip
from hvae.onchip.pulses import wanted_change

pytestmark = pytest.mark.needs_jit

SMALL = (
    "data.image_size=7", "model.hidden=6", "model.latent=2", "training.precision=float64",
    "training.beta_kl=0.3", "settling.tolerance=1e-11", "settling.max_sweeps=4000", "settling.time_step=0.4",
    "nudging.method=centred", "nudging.beta=1e-3", "nudging.max_sweeps=4000", "nudging.norm_limit=1e9",
    "optimizer.name=sgd", "array.device=ideal", "array.symmetry=two-device",
)  # fmt: skip


def chip_of(model, weights=None, *changes):
    config = toml_file.resolve(model, [], [*SMALL, *changes])
    return make_onchip(config, weights)


def unlike(model, size=0.3):
    """Weights of `model` whose two directions differ by the share `size`."""
    rng = np.random.default_rng(3)
    return {
        name: w * (1 + size * rng.standard_normal(w.shape)) for name, w in chip_of(model).weights().items()
    }


def loss(chip, images, noise):
    """SSE/2 and KL as eq. (7) weighs them, of the settled chip."""
    mean, log_variance = chip.encode({}, images)
    output = chip.decode({}, mean + np.exp(log_variance / 2) * noise)
    return (costs.sse_half(output, images) + chip.ideal.beta_kl * costs.kl_divergence(mean, log_variance)).mean()


@pytest.mark.parametrize("model", ["tdh-vae", "dh-vae"])
def test_read_back_the_contrast_is_the_gradient_of_the_unlike_weights(model):
    weights = unlike(model)
    rng = np.random.default_rng(0)
    images, noise = rng.uniform(-1, 1, (3, 49)), rng.standard_normal((3, 2))
    errors = {}
    for way in ("forward", "backward"):
        chip = chip_of(model, weights, f"array.nudged_reads={way}")
        _, signals = chip.gradients({}, images, noise)
        errors[way] = 0.0
        for name, array in chip.arrays.items():
            change = wanted_change(array, signals[RESPONSE + name], signals[MEAN + name], 1 / len(images))
            direction = rng.standard_normal(change.shape) * array.network.mask()
            direction += direction.T
            told = -0.5 * float((change * direction).sum())
            step = 1e-5
            sides = [
                loss(chip_of(model, weights | {name: weights[name] + sign * step * direction}), images, noise)
                for sign in (1, -1)
            ]
            found = (sides[0] - sides[1]) / (2 * step)
            errors[way] = max(errors[way], abs(told - found) / abs(found))
    assert errors["backward"] < 2e-5
    assert errors["forward"] > 1e-2


def test_reading_back_symmetric_weights_changes_nothing():
    rng = np.random.default_rng(1)
    images, noise = rng.uniform(-1, 1, (3, 49)), rng.standard_normal((3, 2))
    one, other = (chip_of("tdh-vae", None, f"array.nudged_reads={way}") for way in ("forward", "backward"))
    (_, forward), (_, backward) = (chip.gradients({}, images, noise) for chip in (one, other))
    for name, signals in forward.items():
        np.testing.assert_allclose(backward[name], signals, atol=1e-7)


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_a_read_back_is_the_product_with_the_transposed_matrix(noise):
    network, rng = Network((("pixels", 9), ("hidden", 5))), np.random.default_rng(2)
    weights = rng.normal(0, 0.3, (14, 14)) * network.mask()
    config = ArrayConfig(symmetry="two-device", dtype="float64", output_noise=noise)
    array = CrossbarArray.from_weights(network, weights, config, rng)
    role = network.role(clamped=("pixels",))
    signals = rng.uniform(0, 1, (400, 5))
    back, outward = np.empty((400, 5)), np.empty((400, 9))
    array.multiply_back(signals, role.within, back)
    array.multiply_back(signals, role.outward, outward)
    hidden, pixels = network.block("hidden"), network.block("pixels")
    np.testing.assert_allclose(back, signals @ weights.T[hidden, hidden], atol=6 * noise + 1e-12)
    np.testing.assert_allclose(outward, signals @ weights.T[hidden, pixels], atol=6 * noise + 1e-12)
    if noise:
        assert np.std(back - signals @ weights.T[hidden, hidden]) == pytest.approx(noise, rel=0.1)


def test_converters_round_what_is_read_back_too():
    weights = unlike("tdh-vae", 0.05)
    rng = np.random.default_rng(4)
    images, noise = rng.uniform(-1, 1, (8, 49)), rng.standard_normal((8, 2))
    loose = ("nudging.beta=0.1", "settling.tolerance=1e-3", "settling.max_sweeps=60", "nudging.max_sweeps=60")
    ideal = chip_of("tdh-vae", weights, "array.nudged_reads=backward", *loose)
    bits = chip_of("tdh-vae", weights, "array.nudged_reads=backward", "array.dac_bits=12", "array.adc_bits=14", *loose)
    told = [chip.gradients({}, images, noise)[1][RESPONSE + "tied"].ravel() for chip in (ideal, bits)]
    assert np.corrcoef(*told)[0, 1] > 0.98
    assert not np.array_equal(*told)


def test_shared_devices_have_nothing_to_read_back():
    with pytest.raises(InvalidValue, match=r"`array\.nudged_reads` 'backward' .*symmetry=two-device"):
        replace(ArraySettings(device="ideal"), nudged_reads="backward")
