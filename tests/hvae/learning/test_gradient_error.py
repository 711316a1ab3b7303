"""What the tolerances cost a gradient, measured against the exact one."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from analytic_systems import EXACT, small_vae

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from hvae.learning import gradient_error as error_module
from hvae.learning.gradient_error import gradient_error
from hvae.learning.nudging import LinearResponseNudging, Nudging

MODELS = ("h-vae", "dh-vae", "tdh-vae")


@pytest.fixture(params=MODELS)
def case(request, rng):
    learner = small_vae(request.param)
    parameters = {name: 1.3 * weights for name, weights in learner.init(rng, np.float64).items()}
    return learner, parameters, rng.uniform(-1, 1, size=(6, 10)), rng.normal(size=(6, learner.latent))


@dataclass(frozen=True, kw_only=True)
class Stretched:
    """A nudging whose contrasts are longer than they should be, by a known factor."""

    exact: Nudging
    factor: float

    def contrast(self, landscape, free, cost):
        nudged = self.exact.contrast(landscape, free, cost)
        return replace(nudged, difference=self.factor * nudged.difference)


def test_an_exact_learner_has_no_error(case):
    learner, *batch = case
    found = gradient_error(replace(learner, norm_limit=np.inf), *batch)
    assert found.relative < 1e-5
    assert found.cosine == pytest.approx(1, abs=1e-9)
    assert found.samples == 6


def test_a_known_error_is_found(case):
    """The encoder's contrast is stretched twice, by its own nudge and by the decoder's that drives it."""
    learner, parameters, images, noise = case
    learner = replace(learner, norm_limit=np.inf, beta_kl=1e-12)
    stretched = replace(learner, nudging=Stretched(exact=learner.nudging, factor=1.1))
    found = gradient_error(stretched, parameters, images, noise)
    assert 0.1 - 1e-4 < found.relative < 0.21 + 1e-4
    assert found.cosine > 0.99


@pytest.mark.needs_jit
def test_it_falls_with_the_tolerance(case):
    learner, *batch = case
    errors = [
        gradient_error(replace(learner, solver=ConjugateGradient(tolerance=one), norm_limit=np.inf), *batch).relative
        for one in (0.3, 1e-2, 1e-4)
    ]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


def test_shortened_contrasts_are_counted_as_error(case):
    learner, *batch = case
    whole, short = (gradient_error(replace(learner, norm_limit=one), *batch) for one in (np.inf, 0.5))
    assert short.relative > 10 * whole.relative


def test_samples_without_a_rest_are_left_out_and_told(case, monkeypatch):
    """Where the exact solver's sweeps do not suffice there is nothing to compare with: a result, no error."""
    monkeypatch.setattr(error_module, "_SOLVER", replace(EXACT, max_sweeps=2))
    found = gradient_error(*case)
    assert found.samples == 0
    assert np.isnan(found.relative)


def test_links_that_are_not_there_are_in_neither(case):
    learner, parameters, images, noise = case
    none = {name: np.zeros(network.mask().shape, bool) for name, network in learner.vae.networks.items()}
    found = gradient_error(replace(learner, links=none), parameters, images, noise)
    assert np.isnan(found.relative)


def test_the_nudging_is_the_learner_s_own(case):
    learner, *batch = case
    assert isinstance(learner.nudging, LinearResponseNudging)
    coarse = replace(learner, nudging=Stretched(exact=learner.nudging, factor=0.0), norm_limit=np.inf)
    assert np.isnan(gradient_error(coarse, *batch).relative)
