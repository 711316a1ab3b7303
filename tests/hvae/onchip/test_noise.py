"""The fast path of noisy chips against plain stepping, and what correlated noise does to a contrast."""

import numpy as np
import pytest

from hvae.config import toml_file
from hvae.onchip.chip import make_onchip
from hvae.onchip.reads import noise_free

SIZES = ["data.image_size=7", "model.hidden=10", "model.latent=3", "array.device=ideal", "settling.tolerance=1e-4"]


def chip(*changes):
    return make_onchip(toml_file.resolve("tdh-vae", [], [*SIZES, "optimizer.name=sgd", *changes]))


def states(made, count, rng):
    """Return the free decoder states of one input, `count` times over."""
    role = made.vae.decode_role
    latents = np.repeat(rng.standard_normal((1, 3)), count, axis=0).astype(np.float32)
    return made.way.free(made.arrays["tied"], role, latents).settled.states


@pytest.mark.needs_jit
def test_the_fast_path_has_the_mean_and_spread_of_plain_stepping():
    noise = ["array.read_noise=0.02", "array.weight_limit=1.5"]
    count = 4000
    fast = states(chip(*noise, "array.noisy_phases=warm"), count, np.random.default_rng(1))
    plain = states(
        chip(*noise, "array.noisy_phases=stepped", "settling.max_sweeps=150"), count, np.random.default_rng(1)
    )
    error = plain.std(0) / np.sqrt(count)
    z = (fast.mean(0) - plain.mean(0)) / (np.sqrt(2) * error)
    assert np.abs(z).max() < 4.5
    ratio = fast.std(0) / plain.std(0)
    assert (
        np.abs(ratio - 1).max() < 0.08
    )  # a standard deviation of 4000 samples is known to 1.1 %, so is the ratio to 1.6 %
    pairs = [np.corrcoef(part.T)[np.triu_indices(part.shape[1], 1)] for part in (fast, plain)]
    assert np.abs(pairs[0] - pairs[1]).max() < 0.12


def test_without_noise_the_fast_path_rests_where_stepping_does():
    warm, stepped = chip("array.adc_bits=16"), chip("array.noisy_phases=stepped", "settling.max_sweeps=400")
    rng = np.random.default_rng
    np.testing.assert_allclose(states(warm, 2, rng(1)), states(stepped, 2, rng(1)), atol=2e-3)


def contrast_noise(*changes):
    """Return the rms, over repeated batches, of what noise does to R, in units of the read noise in the weights."""
    made = chip("array.read_noise=0.002", "nudging.max_sweeps=60", *changes)
    quiet = chip("array.noisy_phases=stepped" if made.way_name == "stepped" else "array.read_noise=0.0", *changes[:-1])
    pictures = np.repeat(np.random.default_rng(2).uniform(-1, 1, (1, 49)), 6, axis=0).astype(np.float32)
    draws = np.zeros((6, 3), np.float32)
    _, reference = quiet.gradients({}, pictures, draws)
    parts = [made.gradients({}, pictures, draws)[1]["response/tied"] for _ in range(6)]
    return float(np.sqrt(np.mean([(part - reference["response/tied"]) ** 2 for part in parts])))


@pytest.mark.needs_jit
def test_slow_noise_cancels_in_the_contrast_and_noise_of_a_phase_is_divided_by_beta():
    batch = contrast_noise("nudging.beta=0.1", "array.spectrum=batch")
    phase = {beta: contrast_noise(f"nudging.beta={beta}", "array.spectrum=phase") for beta in (0.05, 0.1, 0.2)}
    assert batch < 0.3 * phase[0.1]
    assert 1.5 < phase[0.05] / phase[0.1] < 2.6
    assert 1.5 < phase[0.1] / phase[0.2] < 2.6


def test_noise_free_phases_see_the_weights_of_the_phase():
    made = chip("array.read_noise=0.01", "array.spectrum=phase")
    array, role = made.arrays["tied"], made.vae.decode_role
    latents = np.zeros((1, 3), np.float32)
    first = noise_free(array, role, latents).drive
    array.new_phase()
    assert not np.allclose(first, noise_free(array, role, latents).drive)
