"""What a code is: binary, uniform and Gaussian ones have the figures that their distributions have."""

import numpy as np
import pytest
from scipy.stats import norm

from hvae.config import toml_file
from hvae.learning import learners
from hvae.runs import images
from hvae.runs.records import RunFolder
from hvae.scores import codes, evaluation
from hvae.streams import stream
from hvae.training import loop

N = 100_000
GRID = (np.arange(N) + 0.5) / N  # quantiles: no chance in the tests


def latents(values):
    """Three latents of that distribution, of other scale and mean each: what is measured must not heed these."""
    return np.stack([values, 0.5 * values + 2.0, -7.0 * values - 1.0], axis=1)


BINARY, UNIFORM, GAUSSIAN = np.sign(GRID - 0.5), 2 * GRID - 1, norm.ppf(GRID)


@pytest.mark.parametrize(("values", "expected"), [(BINARY, 1.0), (UNIFORM, 1.8), (GAUSSIAN, 3.0)])
def test_kurtosis_tells_bits_from_numbers(values, expected):
    assert codes.kurtosis(latents(values)) == pytest.approx(expected, rel=2e-3)


def test_a_bit_that_is_rarely_on_does_not_hide_the_others():
    """Kurtosis of a bit with chance p is 1 / (p (1 - p)) - 3; the median is that of the balanced ones."""
    rare = np.where(GRID < 0.1, 1.0, -1.0)
    assert codes.kurtosis(rare[:, None]) == pytest.approx(1 / 0.09 - 3, rel=1e-3)
    assert codes.kurtosis(np.stack([BINARY, BINARY, rare], axis=1)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [(BINARY, 1.0), (UNIFORM, 1 - 0.8 * 0.98), (GAUSSIAN, 2 * norm.sf(0.8 * norm.ppf(0.99)))],
)
def test_the_saturated_share_is_that_of_the_outer_fifth(values, expected):
    assert codes.saturated(latents(values)) == pytest.approx(expected, abs=1e-3)


def test_one_far_image_changes_neither_range_nor_share():
    values = latents(BINARY)
    values[0] = 1e6
    assert codes.saturated(values) == pytest.approx(1.0, abs=1e-4)


def test_a_gaussian_channel_carries_its_capacity():
    """mu of variance s^2 with noise of variance 1: log2(1 + s^2) / 2 bits a latent, less than its KL in bits."""
    mean = np.stack([np.sqrt(15) * GAUSSIAN, np.sqrt(3) * GAUSSIAN], axis=1)
    found = codes.described(mean, np.zeros_like(mean))
    assert found["code_bits"] == pytest.approx(2.0 + 1.0, rel=1e-3)
    assert found["kl_bits"] == pytest.approx((15 + 3) / 2 / np.log(2), rel=1e-3)
    assert found["active_latents"] == 2


def test_bits_are_no_more_than_the_kl_and_equal_where_the_aggregate_is_the_prior(rng):
    for _ in range(5):
        mean, log_variance = rng.normal(0, 2, (50, 4)), rng.normal(-1, 1, (50, 4))
        found = codes.described(mean, log_variance)
        assert found["code_bits"] <= found["kl_bits"]
    variance = 0.2
    mean = np.sqrt(1 - variance) * GAUSSIAN[:, None]
    found = codes.described(mean, np.full_like(mean, np.log(variance)))
    assert found["code_bits"] == pytest.approx(found["kl_bits"], rel=1e-3)


def test_a_sharp_bit_with_noise_that_hides_nothing_is_bounded_by_more_than_one():
    """The bound is a Gaussian's, which a bit is none: a bit read with sigma 0.1 is bounded by 3.3 bits, not 1."""
    found = codes.described(BINARY[:, None], np.full((N, 1), np.log(0.01)))
    assert found["code_bits"] == pytest.approx(0.5 * np.log2(1.01 / 0.01), rel=1e-6)
    assert codes.verdicts(found)[0].startswith("its latents are nearly binary (kurtosis of mu 1.00)")


def test_a_collapsed_code_has_no_shape_and_carries_nothing():
    found = codes.described(np.full((50, 3), 0.25), np.zeros((50, 3)))
    assert (found["active_latents"], found["mu_kurtosis"], found["mu_saturated"]) == (0, None, None)
    assert found["code_bits"] == pytest.approx(0.0, abs=1e-12)
    assert (found["mu_p5"], found["mu_p95"], found["mu_largest"]) == (0.25, 0.25, 0.25)
    assert "validation_mu_kurtosis" not in codes.logged(np.zeros((9, 2)), np.zeros((9, 2)), "validation_")
    assert codes.verdicts(found) == []


def test_the_range_is_that_of_all_latents_together():
    found = codes.described(np.stack([UNIFORM, 3 * UNIFORM], axis=1), np.zeros((N, 2)))
    assert found["mu_largest"] == pytest.approx(3.0, rel=1e-3)
    # P(mu < -m) = (1 - m / 3) / 4 for m > 1: 5 % at m = 2.4
    assert (found["mu_p5"], found["mu_p95"]) == pytest.approx((-2.4, 2.4), rel=1e-3)


SMALL = [
    "data.image_size=7", "data.train_limit=64", "training.batch_size=32", "training.epochs=2", "model.hidden=8",
    "model.latent=2", "training.validation_samples=40", "training.eigenvalue_samples=0",
]  # fmt: skip


@pytest.mark.parametrize("model", ["f-vae", pytest.param("tdh-vae", marks=pytest.mark.needs_jit)])
def test_every_epoch_and_every_evaluation_tells_it(tmp_path, model):
    config = toml_file.resolve(model, [], SMALL)
    folder = RunFolder.create(tmp_path / "run", config)
    loop.train(folder)
    epochs = [line for line in folder.metrics() if "validation_kl" in line]
    assert len(epochs) == 2
    for line in epochs:
        assert line["validation_kl_bits"] == pytest.approx(line["validation_kl"] / np.log(2), rel=1e-5)
        assert line["validation_code_bits"] <= line["validation_kl_bits"]
        assert line["validation_mu_p5"] < line["validation_mu_p95"] <= line["validation_mu_largest"]
    learner = learners.make(config)
    found = evaluation.evaluate(
        learner, learner.init(stream(0, "init"), np.float32), images.load(config.data), "test", 0, 20
    )
    assert found.keys() >= codes.KEYS.keys()
