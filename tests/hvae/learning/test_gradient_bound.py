"""The bound of every batch's gradient: it covers the true error, stays near it, and changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
from analytic_systems import small_vae

from crossbar.errors import InvalidValue
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.settling import Euler
from hvae.config import toml_file
from hvae.learning import learners
from hvae.learning.gradient_bound import GradientBound
from hvae.learning.gradient_error import gradient_error
from hvae.learning.nudging import LinearResponseNudging
from hvae.learning.variants import LearnedSigma, ScaledLatents
from hvae.runs.records import RunFolder
from hvae.training import loop

MODELS = ("h-vae", "dh-vae", "tdh-vae")
TINY = [
    "data.image_size=7", "data.train_limit=64", "training.batch_size=16", "training.epochs=1", "model.hidden=8",
    "model.latent=3", "training.validation_samples=0", "training.eigenvalue_samples=0",
]  # fmt: skip


@pytest.fixture(params=MODELS)
def case(request, rng):
    learner = small_vae(request.param)
    parameters = {name: 1.3 * weights for name, weights in learner.init(rng, np.float64).items()}
    return learner, parameters, rng.uniform(-1, 1, size=(6, 10)), rng.normal(size=(6, learner.latent))


def loose(learner, settling, answer):
    """Return `learner` with these tolerances, and the bound that belongs to them."""
    config = toml_file.resolve("tdh-vae", [], [f"settling.tolerance={settling}", f"nudging.tolerance={answer}"])
    return replace(
        learner, solver=ConjugateGradient(tolerance=settling), norm_limit=np.inf,
        nudging=LinearResponseNudging(solver=LinearResponse(tolerance=answer)),
        bound=GradientBound.of(config.settling, config.nudging),
    )  # fmt: skip


@pytest.mark.needs_jit
@pytest.mark.parametrize(("settling", "answer"), [(0.1, 0.1), (1e-2, 1e-1), (1e-2, 1e-2), (1e-3, 1e-2)])
def test_it_covers_the_error_and_stays_near_it(case, settling, answer):
    learner, *batch = case
    own = loose(learner, settling, answer)
    told = own.gradients(*batch)[0]["gradient_bound"]
    error = gradient_error(own, *batch).relative
    assert error > 1e-5
    assert error <= told <= 1.6 * error


def test_the_gradient_is_the_same_with_and_without(case):
    learner, *batch = case
    own = replace(loose(learner, 1e-2, 1e-1), norm_limit=1.5)
    (with_it, found), (without, wanted) = own.gradients(*batch), replace(own, bound=None).gradients(*batch)
    assert with_it.pop("gradient_bound") > 0
    assert with_it == without
    for name, gradient in wanted.items():
        assert np.array_equal(found[name], gradient)


def test_it_is_of_contrasts_that_are_not_shortened(case):
    learner, *batch = case
    own = loose(learner, 1e-2, 1e-2)
    whole, short = (replace(own, norm_limit=one).gradients(*batch)[0] for one in (np.inf, 0.5))
    assert short["limited"] > 0
    assert short["gradient_bound"] == whole["gradient_bound"]


def test_other_ways_to_rest_are_bounded_too(case):
    """Steps of Euler that end early err more than a tolerance does, and the bound tells."""
    learner, *batch = case
    own = loose(learner, 1e-2, 1e-2)
    hasty = replace(own, solver=Euler(time_step=0.3, max_sweeps=12, tolerance=1e-3))
    told, error = hasty.gradients(*batch)[0]["gradient_bound"], gradient_error(hasty, *batch).relative
    assert error > 0.01
    assert error <= told <= 1.6 * error


def test_variants_have_it(rng):
    learner = loose(small_vae("tdh-vae"), 1e-2, 1e-1)
    images, noise = rng.uniform(-1, 1, size=(6, 10)), rng.normal(size=(6, learner.latent))
    for variant in (LearnedSigma.of(learner), ScaledLatents.of(learner, 2.0)):
        parameters = variant.init(rng, np.float64)
        told = variant.gradients(parameters, images, noise)[0]["gradient_bound"]
        error = gradient_error(variant, parameters, images, noise).relative
        assert error <= told <= 1.6 * error


def test_links_that_are_not_there_are_not_in_it(case):
    learner, parameters, images, noise = case
    none = {name: np.zeros(network.mask().shape, bool) for name, network in learner.vae.networks.items()}
    told = replace(loose(learner, 1e-2, 1e-2), links=none).gradients(parameters, images, noise)[0]
    assert "gradient_bound" not in told


@pytest.mark.needs_jit
def test_a_run_reports_it(tmp_path):
    plain = RunFolder.create(tmp_path / "plain", toml_file.resolve("tdh-vae", [], TINY))
    config = toml_file.resolve("tdh-vae", [], [*TINY, "training.gradient_bound=true"])
    bounded = RunFolder.create(tmp_path / "bounded", config)
    for folder in (plain, bounded):
        loop.train(folder)
    rows = [row for row in bounded.metrics() if "step" in row]
    assert all(0 < row["gradient_bound"] < 1 for row in rows)
    assert np.array_equal(plain.load().parameters["tied"], bounded.load().parameters["tied"])


@pytest.mark.parametrize(
    ("model", "change", "told"),
    [
        ("f-vae", [], "Hopfield models on float weights"),
        ("tdh-vae", ["array.device=ideal", "optimizer.name=sgd"], "Hopfield models on float weights"),
        ("tdh-vae", ["settling.tolerance=1e-5"], "add training.precision=float64"),
    ],
)
def test_refused(model, change, told):
    with pytest.raises(InvalidValue, match=told):
        toml_file.resolve(model, [], ["training.gradient_bound=true", *change])


def test_double_precision_has_finer_ones():
    fine = ["training.gradient_bound=true", "settling.tolerance=1e-6", "training.precision=float64"]
    assert learners.make(toml_file.resolve("tdh-vae", [], fine)).bound.solver.tolerance == pytest.approx(1e-8)
