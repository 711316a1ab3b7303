"""A chip with linear latents learns as its ideal model does, through its converters too, and can be exported."""

import numpy as np
import pytest

from crossbar.chip import Chip
from crossbar.hopfield.neurons import Linear
from hvae.config import toml_file
from hvae.learning.learners import make_hopfield
from hvae.onchip.chip import make_onchip
from hvae.onchip.rules.chip_optimizer import make_chip_optimizer

SIZES = [
    "data.image_size=7", "model.hidden=10", "model.latent=3", "model.latent_neuron=linear", "optimizer.name=sgd",
    "training.precision=float64", "settling.tolerance=1e-7", "settling.max_sweeps=2000",
]  # fmt: skip
MODELS = {"tdh-vae": [], "dh-vae": [], "h-vae": [], "tdh-vae, classical": ["model.hidden_neuron=classical"],
          "tdh-vae, pixels": ["model.pixel_neuron=linear"]}  # fmt: skip


def config(model, *changes):
    return toml_file.resolve(model.partition(",")[0], [], [*SIZES, *MODELS[model], *changes])


def batch(rng, latent=3):
    return rng.uniform(-1, 1, (4, 49)), rng.standard_normal((4, latent))


@pytest.mark.parametrize("model", MODELS)
def test_an_ideal_array_learns_what_the_ideal_model_learns(model, rng):
    chosen = config(model, "array.device=ideal", "nudging.tolerance=1e-8")
    made, ideal = make_onchip(chosen), make_hopfield(chosen)
    images, noise = batch(rng)
    parameters = {name: np.array(array.weights()) for name, array in made.arrays.items()}
    _, expected = ideal.gradients(parameters, images, noise)
    _, signals = made.gradients(parameters, images, noise)
    for name, array in made.arrays.items():
        response, mean = signals[f"response/{name}"], signals[f"mean/{name}"]
        found = -(response.T @ mean + mean.T @ response) / len(images) * array.network.mask()
        np.testing.assert_allclose(found, expected[name], atol=1e-4 * np.abs(expected[name]).max())


def test_phases_through_fine_converters_are_those_without(rng):
    """Fine steps of both DACs leave the contrast; a range that cuts the latents does not."""
    phases = ["array.noisy_phases=stepped", "nudging.method=centred", "nudging.max_sweeps=400", "array.device=ideal"]
    images, noise = batch(rng)
    noise *= 3  # latents far beyond the sigmoid's range
    found = {}
    for name, changes in {
        "ideal": [], "fine": ["array.dac_bits=22", "array.linear_range=16.0"],
        "cut": ["array.dac_bits=22", "array.linear_range=0.5"],
    }.items():  # fmt: skip
        made = make_onchip(config("tdh-vae", *phases, *changes))
        found[name] = made.gradients({}, images, noise)[1]["response/tied"]
    size = np.linalg.norm(found["ideal"])
    assert np.linalg.norm(found["fine"] - found["ideal"]) < 1e-2 * size
    assert np.linalg.norm(found["cut"] - found["ideal"]) > 0.1 * size


@pytest.mark.parametrize("changes", [
    ["array.device=ideal"], ["array.device=epiram"], ["array.device=epiram", "array.encoding=two-phase"],
    ["array.device=epiram", "array.symmetry=two-device", "array.rule=mixed-precision"],
    pytest.param(["array.device=soft-bounds", "array.rule=tiki-taka"], marks=pytest.mark.needs_jit),
    ["array.device=epiram", "array.rule=sign"],
    ["array.device=ideal", "array.read_noise=0.01", "array.dac_bits=8", "array.adc_bits=9"],
])  # fmt: skip
def test_a_step_of_every_rule_leaves_the_latents_uncoupled_and_a_chip_that_can_be_exported(changes, rng):
    chosen = config("tdh-vae", "training.precision=float32", "settling.tolerance=1e-3", *changes)
    made = make_onchip(chosen)
    optimizer = make_chip_optimizer(chosen, made)
    images, noise = (part.astype(np.float32) for part in batch(rng))
    parameters = {name: np.array(array.weights()) for name, array in made.arrays.items()}
    before = parameters["tied"].copy()
    _, signals = made.gradients(parameters, images, noise)
    optimizer.step(parameters, signals, 2.0)
    assert not np.array_equal(parameters["tied"], before)
    assert not parameters["tied"][-3:, -3:].any()
    chip = Chip(
        model="tdh-vae", networks=made.vae.networks, weights=parameters, sigma=0.4, image_shape=(7, 7),
        examples=images, conductances=made.conductances(),
    )  # fmt: skip
    assert chip.networks["tied"].law("latent") == Linear()
