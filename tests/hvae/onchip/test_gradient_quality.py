"""The gradient-quality report: perfect on an ideal chip, each cause alone where it belongs."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from hvae.commands.onchip import gradient_quality as command
from hvae.config import toml_file
from hvae.learning.unsettled import UnsettledError
from hvae.onchip.chip import make_onchip
from hvae.onchip.gradient_quality import exact_gradient, gradient_quality
from hvae.runs import images
from hvae.runs.records import RunFolder
from hvae.streams import stream
from hvae.training import loop

pytestmark = pytest.mark.needs_jit

SMALL = [
    "data.image_size=7", "model.hidden=8", "model.latent=3", "optimizer.name=sgd", "training.precision=float64",
    "settling.tolerance=1e-6", "settling.max_sweeps=1000", "nudging.tolerance=1e-6", "nudging.max_sweeps=300",
]  # fmt: skip


def quality(*changes, model="tdh-vae", rate=0.2):
    config = toml_file.resolve(model, [], [*SMALL, *changes])
    chip = make_onchip(config)
    before = chip.weights()
    found = gradient_quality(chip, images.load(config.data).validation_images[:6], rate=rate)
    for name, weights in chip.weights().items():
        np.testing.assert_array_equal(weights, before[name])  # a look changes nothing
    return found


@pytest.mark.parametrize("model", ["h-vae", "tdh-vae"])
def test_on_an_ideal_chip_every_cause_is_perfect(model):
    found = quality("array.device=ideal", model=model)
    for cause, cosines in found.causes.items():
        assert min(cosines.values()) > 1 - 1e-6, cause
    assert max(found.errors.values()) < 1e-3


def test_the_float_rule_with_adam_is_reported_too():
    found = quality("array.device=ideal", "array.rule=float", "optimizer.name=adam")
    assert found.errors["unsettled"] < 1e-3
    assert found.errors["realised"] < 1e-3


def test_the_exact_gradient_keeps_long_contrasts_whole():
    pictures = images.load(toml_file.resolve("tdh-vae", [], SMALL).data).validation_images[:6]
    noise = np.random.default_rng(0).standard_normal((6, 3))
    found = []
    for limit in (0.5, 1e9):
        changes = [*SMALL, "array.device=ideal", f"nudging.norm_limit={limit}"]
        chip = make_onchip(toml_file.resolve("tdh-vae", [], changes))
        found.append(exact_gradient(chip, chip.weights(), pictures, noise)[0]["tied"])
    np.testing.assert_array_equal(*found)
    limited = quality("array.device=ideal", "nudging.norm_limit=0.5")
    assert limited.errors["unsettled"] > 0.01  # the run's own limit is a cause


def test_pulses_that_are_tried_are_not_those_that_drew_the_devices(monkeypatch):
    chip = make_onchip(toml_file.resolve("tdh-vae", [], [*SMALL, "array.device=soft-bounds", "array.dw_min=0.02"]))
    asked = []
    monkeypatch.setattr("hvae.onchip.gradient_quality.stream", lambda *key: asked.append(key) or stream(*key))
    gradient_quality(chip, np.zeros((2, 49)), rate=0.2, seed=chip.config.training.seed)
    tried = [key[2:] for key in asked if key[1] == "device"]
    assert tried
    assert not {(), (0,)} & set(tried)


def test_coarse_devices_cost_pulses_and_no_state():
    found = quality("array.device=soft-bounds", "array.dw_min=0.02")
    assert found.errors["unsettled"] < 1e-3
    assert found.errors["symmetry breaking"] < 1e-3
    assert found.errors["pulse noise"] > 0.3
    assert found.errors["realised"] > 0.3


def test_finer_steps_make_a_better_gradient():
    fine, coarse = (
        quality("array.device=soft-bounds", f"array.dw_min={step}").errors["realised"] for step in (0.0005, 0.02)
    )
    assert fine < coarse


def test_few_bits_show_as_quantization_alone():
    found = quality("array.device=ideal", "array.adc_bits=5", "array.noisy_steps=40", "nudging.beta=0.1")
    assert found.errors["quantization"] > 3 * found.errors["unsettled"]
    assert found.errors["asymmetry"] == 0
    assert found.errors["read noise"] == pytest.approx(found.errors["unsettled"], rel=1e-6)


def test_the_command_reports_one_json_object(tmp_path):
    changes = [*SMALL, "training.precision=float32", "data.train_limit=16", "training.batch_size=8",
               "training.epochs=1", "training.validation_samples=0", "training.eigenvalue_samples=0",
               "optimizer.name=adam", "optimizer.learning_rate=0.002"]  # fmt: skip
    folder = RunFolder.create(tmp_path / "run", toml_file.resolve("tdh-vae", [], changes))
    loop.train(folder)
    called = CliRunner().invoke(command, [str(folder.path), "--array", "epiram", "--batch", "4", "--json"])
    assert called.exit_code == 0, called.output
    found = json.loads(called.stdout)
    assert set(found["cosine"]) >= {
        "unsettled",
        "read noise",
        "quantization",
        "symmetry breaking",
        "pulse noise",
        "realised",
    }
    assert "tied: pixels-hidden" in found["cosine"]["realised"]


def test_an_exact_gradient_that_is_none_is_refused(monkeypatch):
    hasty = ConjugateGradient(tolerance=1e-8, max_sweeps=2)
    monkeypatch.setattr("hvae.onchip.gradient_quality.ConjugateGradient", lambda **_: hasty)
    with pytest.raises(UnsettledError, match="100 % of samples of the exact gradient did not settle"):
        quality("array.device=ideal")
