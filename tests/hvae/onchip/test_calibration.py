"""ADCs whose range is found from the sums that images bring."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.errors import InvalidValue
from hvae.commands.train import train
from hvae.config import toml_file
from hvae.onchip import calibration
from hvae.onchip.chip import make_onchip
from hvae.runs import images
from hvae.runs.records import RunFolder
from hvae.streams import stream
from hvae.training import loop

pytestmark = pytest.mark.needs_jit

SMALL = (
    "data.image_size=7", "data.train_limit=60", "training.batch_size=20", "training.epochs=1", "model.hidden=11",
    "model.latent=3", "training.validation_samples=0", "training.eigenvalue_samples=0",
)  # fmt: skip


def config_of(*changes):
    return toml_file.resolve("tdh-vae", [], [*SMALL, "array.device=ideal", "optimizer.name=sgd", *changes])


@pytest.fixture
def trained(tmp_path):
    folder = RunFolder.create(tmp_path / "run", toml_file.resolve("tdh-vae", [], SMALL))
    loop.train(folder)
    return folder


@pytest.mark.parametrize("size", [None, 16])
def test_the_range_is_that_of_the_sums_that_converters_see(trained, size, monkeypatch):
    """Counted at the converters themselves: one share in ten thousand of their sums lies beyond."""
    monkeypatch.setattr(calibration, "COVERED", 0.9)
    weights = trained.load().parameters
    tiles = [] if size is None else [f"array.tile_size={size}"]
    config = config_of("array.adc_range=data", "array.adc_bits=12", *tiles)
    pictures = images.load(config.data).train_images
    found = calibration.calibrated(config, weights, pictures)
    assert isinstance(found.array.adc_range, float)
    chip = make_onchip(replace(found, array=replace(found.array, noisy_phases="stepped")), weights)
    shown = pictures[: calibration.IMAGES].astype(np.float32)
    mean, _ = chip.encode({}, shown)
    del mean
    array = chip.arrays["tied"]
    counters = array.counters.as_dict()
    chip.gradients({}, shown, stream(0, "latent").standard_normal((len(shown), 3)).astype(np.float32))
    after = array.counters.as_dict()
    share = (after["saturated"] - counters["saturated"]) / (after["conversions_out"] - counters["conversions_out"])
    assert share == pytest.approx(0.1, abs=0.06)  # every step of a phase converts, not its end alone


def test_a_range_that_is_found_loses_less_than_one_that_is_too_wide(trained):
    weights = trained.load().parameters
    pictures = images.load(trained.config().data).test_images[:50]
    ideal = make_onchip(config_of(), weights).encode({}, pictures)[0]
    errors = {}
    for wanted in ("data", 200.0):
        config = calibration.calibrated(config_of(f"array.adc_range={wanted}", "array.adc_bits=6"), weights, pictures)
        errors[wanted] = np.abs(make_onchip(config, weights).encode({}, pictures)[0] - ideal).mean()
    assert errors["data"] < 0.3 * errors[200.0]


def test_a_run_that_begins_at_trained_weights_keeps_the_number(trained, tmp_path):
    words = [part for change in (*SMALL, "array.adc_range=data", "array.adc_bits=8") for part in ("--set", change)]
    command = ["tdh-vae", "--array", "ideal", "--start", str(trained.path), "--out", str(tmp_path / "on"), "--json"]
    done = CliRunner().invoke(train, [*command, *words], catch_exceptions=False)
    assert json.loads(done.stdout)["finished"]
    assert 0.1 < toml_file.load(tmp_path / "on" / "config.toml").array.adc_range < 100


def test_weights_that_are_not_known_have_no_sums(tmp_path):
    words = [part for change in (*SMALL, "array.adc_range=data", "array.adc_bits=8") for part in ("--set", change)]
    done = CliRunner().invoke(train, ["tdh-vae", "--array", "ideal", "--out", str(tmp_path / "on"), *words])
    assert isinstance(done.exception, InvalidValue)
    assert "needs trained weights" in str(done.exception)
    assert not (tmp_path / "on").exists()
