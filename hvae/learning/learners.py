"""What the training loop asks of a model: weights, gradients, encoding, decoding; how a configuration becomes one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from crossbar.errors import CorruptFile
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.settling import Euler, Solver
from hvae.config.run import NudgingConfig, RunConfig, SettlingConfig
from hvae.learning.conditioning import Conditioning
from hvae.learning.gradient_bound import GradientBound
from hvae.learning.hopfield import EquilibriumPropagation, Metrics
from hvae.learning.muon import Blocks
from hvae.learning.nudging import SIGNS, FiniteNudging, LinearResponseNudging, Nudging, Refinement
from hvae.learning.preconditioning import Preconditioner
from hvae.learning.unsettled import Tally
from hvae.learning.variants import LearnedSigma, ScaledLatents
from hvae.models.forward import ForwardVAE
from hvae.models.hopfield import HopfieldVAE, Parameters, build
from hvae.streams import stream


class Learner(Protocol):
    """A VAE that can be trained on batches of images (batch, pixels)."""

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        ...

    def init(self, rng: np.random.Generator, dtype: type) -> Parameters:
        """Return initial weights."""
        ...

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of its weights, by name."""
        ...

    def blocks(self) -> Blocks:
        """Return the neurons of each block of those weights that are symmetric matrices, by name."""
        ...

    def gradients(self, parameters: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, Parameters]:
        """Return the batch's metrics, and the gradient of SSE/2 + beta_KL KL by each weight."""
        ...

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mu and log sigma^2 of q(z|x), each (batch, latent)."""
        ...

    def decode(self, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
        """Return images (batch, pixels), not clipped."""
        ...

    def counted(self, tally: Tally) -> Learner:
        """Return this learner, with the samples that `encode` and `decode` settle counted in `tally`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Backpropagation:
    """The F-VAE, trained by backpropagation."""

    vae: ForwardVAE
    beta_kl: float

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        return self.vae.n_latent

    def init(self, rng: np.random.Generator, dtype: type) -> Parameters:
        """Return initial weights."""
        return self.vae.init(rng, dtype)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of its weights."""
        return dict(self.vae.shapes())

    def blocks(self) -> Blocks:
        """Return none: no weight of it is symmetric."""
        return {}

    def gradients(self, parameters: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, Parameters]:
        """Return the metrics and gradients of a batch."""
        losses, gradients = self.vae.loss_and_gradients(parameters, images, noise, self.beta_kl)
        return {"sse_half": float(losses.sse_half.mean()), "kl": float(losses.kl.mean())}, gradients

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mu and log sigma^2."""
        return self.vae.encode(parameters, images)

    def decode(self, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
        """Return decoded images."""
        return self.vae.decode(parameters, latents)

    def counted(self, tally: Tally) -> Backpropagation:  # noqa: ARG002
        """Return this learner: nothing of it has to settle."""
        return self


def check_parameters(learner: Learner, parameters: Parameters, place: Path) -> None:
    """Refuse `parameters`, read from `place`, that cannot be those of `learner`.

    Raises
    ------
    CorruptFile
        One is missing or too many, or has another shape.
    """
    wanted, found = learner.shapes(), {name: weights.shape for name, weights in parameters.items()}
    if wanted != found:
        raise CorruptFile(
            f"{place} holds weights {found}, but the run's model needs {wanted}: train the run again into a new folder"
        )


def random_links(vae: HopfieldVAE, density: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return which pairs of each network couple: all of neighbouring blocks, and of the others a share `density`.

    Chosen once, by chance, for each pair of neurons (Gammell et al., doi:10.3389/fncom.2021.627357, add random links
    to a layered network so).
    """
    links = {}
    for name, network in vae.networks.items():
        layered = replace(network, topology="layered").mask()
        chosen = np.triu(rng.random((network.size, network.size), dtype=np.float32) < density, 1)
        links[name] = (layered | chosen | chosen.T) & network.mask()
    return links


def make(config: RunConfig, n_pixels: int | None = None) -> Learner:
    """Return the learner that `config` describes, of images with `n_pixels`, or of those of its data set."""
    model, training = config.model, config.training
    pixels = n_pixels or config.data.n_pixels
    if model.name == "f-vae":
        vae = ForwardVAE(n_hidden=model.hidden, n_latent=model.latent, n_pixels=pixels)
        return Backpropagation(vae=vae, beta_kl=training.beta_kl)
    learner = make_hopfield(config, pixels)
    if model.density != 1:
        chance = stream(training.seed, "init", 1)
        learner = replace(learner, links=random_links(learner.vae, model.density, chance))
    if model.sigma_rule == "learned":
        return LearnedSigma.of(learner)
    return ScaledLatents.of(learner, model.latent_scale) if model.latent_scale != 1 else learner


def make_hopfield(config: RunConfig, n_pixels: int | None = None) -> EquilibriumPropagation:
    """Return the Hopfield VAE that `config` describes, on exact weights; `n_pixels` as in `make`."""
    strength = config.training.conditioning
    vae = build(config.model, n_pixels or config.data.n_pixels)
    if not config.neurons.perfect:
        vae = vae.on_neurons(config.neurons.draw(vae.networks))
    return EquilibriumPropagation(
        vae=vae,
        solver=make_solver(config.settling),
        nudging=make_nudging(config.nudging, config.settling),
        beta_kl=config.training.beta_kl,
        norm_limit=config.nudging.norm_limit,
        preconditioner=Preconditioner(
            centring=config.optimizer.centring, latent_rate=config.optimizer.latent_rate
        ),
        conditioning=Conditioning(strength=strength, solver=LinearResponse(tolerance=1e-2)) if strength else None,
        bound=GradientBound.of(config.settling, config.nudging) if config.training.gradient_bound else None,
    )


def make_solver(config: SettlingConfig) -> Solver:
    """Return the solver of the free phase that `config` names."""
    if config.solver == "euler":
        return Euler(time_step=config.time_step, max_sweeps=config.max_sweeps, tolerance=config.tolerance)
    return ConjugateGradient(tolerance=config.tolerance, max_sweeps=config.max_sweeps)


def make_nudging(config: NudgingConfig, settling: SettlingConfig) -> Nudging:
    """Return the nudging that `config` names; its phases use the solver of `settling`."""
    linear = LinearResponse(tolerance=config.tolerance, max_sweeps=config.max_sweeps)
    if config.method == "linear-response":
        return LinearResponseNudging(solver=linear, refinement=make_refinement(config, settling))
    prediction = None if settling.solver == "euler" else linear
    solver = make_nudged_solver(config, settling)
    return FiniteNudging(signs=SIGNS[config.method], beta=config.beta, solver=solver, prediction=prediction)


def make_nudged_solver(config: NudgingConfig, settling: SettlingConfig) -> Solver:
    """Return what settles a phase nudged by a finite beta: the solver that `settling` names."""
    if settling.solver == "euler":
        return Euler(time_step=settling.time_step, max_sweeps=config.max_sweeps, tolerance=settling.tolerance)
    # The contrast divides by beta, so that the nudged states must be that much closer to rest than the free ones.
    return ConjugateGradient(tolerance=settling.tolerance * config.beta, max_sweeps=config.max_sweeps)


def make_refinement(config: NudgingConfig, settling: SettlingConfig) -> Refinement | None:
    """Return the refinement that `config` asks for: tolerances a hundredth for states, a thirtieth for responses."""
    if config.refine_above is None:
        return None
    return Refinement(
        above=config.refine_above,
        settler=ConjugateGradient(tolerance=max(settling.tolerance / 100, 2e-5), max_sweeps=settling.max_sweeps),
        solver=LinearResponse(tolerance=config.tolerance / 30, max_sweeps=2 * config.max_sweeps),
    )
