"""Equilibrium propagation through Hopfield VAEs of one shape, side by side: `hvae.learning.equilibrium` on tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch

from crossbar.errors import HopbarError, InvalidValue
from crossbar.hopfield.network import Role
from hvae.config.run import NudgingConfig, RunConfig, SettlingConfig
from hvae.learning import learners
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.learning.nudging import SIGNS
from hvae.models.hopfield import HopfieldVAE
from hvae.tensors.choice import choose
from hvae.tensors.contrasts import Contrast, centred, coupled, gradient, join, shortened
from hvae.tensors.passes import Passes
from hvae.tensors.plain import Plain
from hvae.tensors.roles import Weights
from hvae.tensors.rows import Pace
from hvae.tensors.settling import ConjugateGradient, LinearResponse, Settled

Tensors = dict[str, torch.Tensor]


class NotOnTensors(HopbarError, NotImplementedError):
    """A run that needs what the torch engine does not have."""


class Nudged(NamedTuple):
    """The contrast of the nudged equilibria: R and S of the free neurons, sweeps, and which samples failed."""

    difference: torch.Tensor
    mean: torch.Tensor
    sweeps: torch.Tensor
    failed: torch.Tensor


@dataclass(frozen=True)
class Place:
    """Where and how tensors are worked on."""

    device: torch.device
    dtype: torch.dtype
    passes: Passes
    pace: Pace

    @classmethod
    def of(cls, device: str, precision: str, passes: str = "auto", pace: Pace | None = None) -> Place:
        """Return the place that these names say.

        Raises
        ------
        InvalidValue
            There is no such device.
        """
        try:
            where = torch.device(device)
            torch.zeros(1, device=where)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise InvalidValue(f"`device` must be one that torch finds here, but got {device!r}: {reason}") from None
        chosen = choose(passes, where)
        usual = pace or Pace.usual(where)
        if isinstance(chosen, Plain):  # its line search asks the device, which no CUDA graph can hold
            usual = replace(usual, graphs=False)
        return cls(where, getattr(torch, precision), chosen, usual)


@dataclass(frozen=True)
class Side:
    """One role of a VAE, with its solvers."""

    network: str
    weights: Weights
    free: ConjugateGradient
    response: LinearResponse
    nudged: ConjugateGradient | None


class Propagation:
    """Learners of one shape: each replica has its weights, sigma, weight of the KL term, and preconditioner.

    Attributes
    ----------
    vae : HopfieldVAE
        Networks and roles, which all replicas share.
    latent_scale : float
        z is so many times the states of the latents; `sigma` and `beta_kl` are in units of the states here.
    """

    def __init__(
        self, configs: Sequence[RunConfig], place: Place, *, batch: int | None = None, n_pixels: int | None = None
    ) -> None:
        """Make the solvers of `configs`, which differ in seed, sigma, beta_KL and learning rate alone."""
        plain = [supported(config, n_pixels) for config in configs]
        self.place, self.replicas, self.batch = place, len(configs), batch or configs[0].training.batch_size
        self.vae: HopfieldVAE = plain[0].vae
        self.latent, self.latent_scale = self.vae.latent, configs[0].model.latent_scale
        self.norm_limit = configs[0].nudging.norm_limit
        self.beta_kl = self._column([one.beta_kl for one in plain])
        self.sigma = None if self.vae.sigma is None else self._column([float(one.vae.sigma or 1) for one in plain])
        self.centring = self._column([one.preconditioner.centring for one in plain])
        self.latent_rate = self._column([one.preconditioner.latent_rate for one in plain])
        self.centres, self.rated = bool((self.centring != 0).any()), bool((self.latent_rate != 1).any())
        self.allowed = {name: self._allowed(plain, name) for name in self.vae.networks}
        settling, nudging = configs[0].settling, configs[0].nudging
        self.nudging = nudging
        self.encoding = self._side(self.vae.encoder, self.vae.encode_role, settling, nudging)
        self.decoding = self._side(self.vae.decoder, self.vae.decode_role, settling, nudging)

    def _column(self, values: list[float]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float64).to(self.place.device, self.place.dtype)[:, None, None]

    def _allowed(self, plain: list[EquilibriumPropagation], name: str) -> torch.Tensor | None:
        network, size = self.vae.networks[name], self.vae.networks[name].size
        masks = np.stack([network.mask() if one.links is None else one.links[name] for one in plain])
        if (masks.sum(axis=(1, 2)) == size * (size - 1)).all():
            return None
        return torch.as_tensor(masks, device=self.place.device)

    def _side(self, network: str, role: Role, settling: SettlingConfig, nudging: NudgingConfig) -> Side:
        place, shape = self.place, (self.replicas, self.batch)
        weights = Weights.of(
            role, self.replicas, device=place.device, dtype=place.dtype, round_to=place.pace.round_to
        )
        parts: dict[str, Any] = {"weights": weights, "shape": shape, "passes": place.passes, "pace": place.pace}
        free = ConjugateGradient(tolerance=settling.tolerance, max_sweeps=settling.max_sweeps, **parts)
        response = LinearResponse(tolerance=nudging.tolerance, max_sweeps=nudging.max_sweeps, **parts)
        nudged = None
        if nudging.method != "linear-response":
            nudged = ConjugateGradient(
                tolerance=settling.tolerance * nudging.beta, max_sweeps=nudging.max_sweeps, nudged=True, **parts
            )
        return Side(network, weights, free, response, nudged)

    def gradients(self, weights: Tensors, images: torch.Tensor, noise: torch.Tensor) -> tuple[Tensors, Tensors]:
        """Settle free and nudged; return metrics, each (replicas,), and gradients by network, (replicas, N, N).

        `images` are (replicas, batch, pixels), `noise` (replicas, batch, latent).
        """
        vae, encoding, decoding = self.vae, self.encoding, self.decoding
        encoding.weights.load(weights[encoding.network])
        decoding.weights.load(weights[decoding.network])
        driven = encoding.weights.drive(weights[encoding.network], images)
        encoder = encoding.free.settle(driven)
        mean, log_variance = self._read(encoder)
        latents = mean + noise * (log_variance / 2).exp()
        driving = decoding.weights.drive(weights[decoding.network], latents)
        decoder = decoding.free.settle(driving)
        output = decoder.states[..., vae.decode_role.columns("pixels")]

        answer = self._contrast(decoding, decoder, driving, *self._decoder_cost(images, decoder))
        held = decoding.weights.held
        received = decoding.weights.outward(weights[decoding.network], answer.difference)
        latent_gradient = -held.slopes(held.signals(latents)) * received
        cost = self._encoder_cost(encoder, latent_gradient, log_variance, noise)
        first = self._contrast(encoding, encoder, driven, *cost)
        gradients, limited = self._gradients(first, answer, images, latents)
        failed = (first.failed.sum(-1) + answer.failed.sum(-1)) / (2 * self.batch)
        metrics = self._losses(images, output, mean, log_variance) | _phases(encoder, decoder, first, answer) | {
            "failed_nudges": failed, "limited": limited / (2 * self.batch),
        }  # fmt: skip
        return metrics, gradients

    def losses(self, weights: Tensors, images: torch.Tensor, noise: torch.Tensor | None = None) -> Tensors:
        """Return SSE/2, KL and the variance of the latents, each (replicas,), from mu where there is no `noise`."""
        vae, encoding, decoding = self.vae, self.encoding, self.decoding
        encoding.weights.load(weights[encoding.network])
        decoding.weights.load(weights[decoding.network])
        encoder = encoding.free.settle(encoding.weights.drive(weights[encoding.network], images))
        mean, log_variance = self._read(encoder)
        latents = mean if noise is None else mean + noise * (log_variance / 2).exp()
        decoder = decoding.free.settle(decoding.weights.drive(weights[decoding.network], latents))
        return self._losses(images, decoder.states[..., vae.decode_role.columns("pixels")], mean, log_variance)

    def _read(self, encoder: Settled) -> tuple[torch.Tensor, torch.Tensor]:
        output = encoder.states[..., self.vae.encode_role.columns("latent")]
        mean = output[..., : self.latent]
        if self.sigma is None:
            return mean, output[..., self.latent :]
        return mean, (2 * self.sigma.log()).expand_as(mean)

    def _decoder_cost(self, images: torch.Tensor, decoder: Settled) -> tuple[torch.Tensor, torch.Tensor]:
        """Return linear and quadratic part of the cost whose gradient is eq. (8)."""
        linear, quadratic = torch.zeros_like(decoder.states), torch.zeros_like(decoder.states[:, :1])
        pixels = self.vae.decode_role.columns("pixels")
        linear[..., pixels] = -images
        quadratic[..., pixels] = 1
        return linear, quadratic

    def _encoder_cost(
        self, encoder: Settled, latent_gradient: torch.Tensor, log_variance: torch.Tensor, noise: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return linear and quadratic part of the cost of eq. (10) and (11); see `hvae.learning.costs.encoder_cost`."""
        linear, quadratic = torch.zeros_like(encoder.states), torch.zeros_like(encoder.states[:, :1])
        first = self.vae.encode_role.columns("latent").start
        linear[..., first : first + self.latent] = latent_gradient
        quadratic[..., first : first + self.latent] = self.beta_kl
        if self.sigma is None:
            sigma = (log_variance / 2).exp()
            by_variance = 0.5 * sigma * noise * latent_gradient + 0.5 * self.beta_kl * (log_variance.exp() - 1)
            linear[..., first + self.latent : first + 2 * self.latent] = by_variance
        return linear, quadratic

    def _contrast(
        self, side: Side, free: Settled, drive: torch.Tensor, linear: torch.Tensor, quadratic: torch.Tensor
    ) -> Nudged:
        response = side.response.respond(free, quadratic * free.states + linear)
        columns = side.weights.free
        if side.nudged is None:
            difference = columns.slopes(free.signals) * response.displacement
            return Nudged(difference, free.signals, response.sweeps, ~response.solved)
        solver, sweeps, failed, phases = side.nudged, response.sweeps, torch.zeros_like(free.settled), []
        signs, beta = SIGNS[self.nudging.method], self.nudging.beta
        for sign in signs:
            if sign == 0:
                phases.append(free.signals)
                continue
            start = free.states + sign * beta * response.displacement
            nudged = solver.settle(drive, start, (sign * beta * linear, sign * beta * quadratic))
            sweeps, failed = sweeps + nudged.sweeps, failed | ~nudged.settled
            phases.append(nudged.signals)
        plus, minus = phases
        return Nudged((plus - minus) / (beta * (signs[0] - signs[1])), (plus + minus) / 2, sweeps, failed)

    def _gradients(
        self, first: Nudged, answer: Nudged, images: torch.Tensor, latents: torch.Tensor
    ) -> tuple[Tensors, torch.Tensor]:
        contrasts: dict[str, list[Contrast]] = {name: [] for name in self.vae.networks}
        limited = torch.zeros(self.replicas, device=self.place.device)
        for side, nudged, inputs in ((self.decoding, answer, latents), (self.encoding, first, images)):
            difference, count = shortened(nudged.difference, self.norm_limit)
            limited = limited + count
            role = side.weights.role
            mean = join(role, nudged.mean, side.weights.held.signals(inputs))
            contrasts[side.network].append(Contrast(role, difference, mean))
        return {name: self._preconditioned(name, some) for name, some in contrasts.items()}, limited

    def _preconditioned(self, name: str, contrasts: list[Contrast]) -> torch.Tensor:
        """Return what `hvae.learning.preconditioning.Preconditioner` makes of the contrasts of a network."""
        allowed = self.allowed[name]
        if self.centres:
            steps = (centred(gradient([one], allowed), one.mean, self.centring) for one in contrasts)
            found = coupled(torch.stack(list(steps)).sum(0), allowed)
        else:
            found = gradient(contrasts, allowed)
        if self.rated:
            latents = self.vae.networks[name].block("latent")
            found[:, latents] *= self.latent_rate
            found[:, :, latents] = found[:, latents].mT
        return found

    def _losses(
        self, images: torch.Tensor, output: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor
    ) -> Tensors:
        scale = self.latent_scale
        outer, shift = mean * scale, 2 * float(np.log(scale))
        logs = log_variance + shift
        return {
            "sse_half": 0.5 * ((output - images) ** 2).sum(-1).mean(-1),
            "kl": 0.5 * (logs.exp() + outer**2 - 1 - logs).sum(-1).mean(-1),
            "latent_variance": outer.var(dim=1, correction=0).mean(-1),
        }


def supported(config: RunConfig, n_pixels: int | None = None) -> EquilibriumPropagation:
    """Return the learner of `config` on arrays, which says what is to be learned.

    Raises
    ------
    NotOnTensors
        It needs what is not here.
    """
    nudging, model = config.nudging, config.model
    foreign = {
        f"model.name={model.name}": model.name == "f-vae",
        "an array": config.array.device is not None,
        "settling.solver=euler": config.settling.solver == "euler",
        "nudging.refine_above": nudging.refine_above is not None,
        "training.conditioning": bool(config.training.conditioning),
        "training.gradient_bound": config.training.gradient_bound,
        "aware.device": config.aware.device is not None,
        "the errors and limits of [neurons]": not config.neurons.perfect,
        "model.sigma_rule=learned": model.sigma_rule == "learned",
    }
    missing = [what for what, needed in foreign.items() if needed]
    if missing:
        raise NotOnTensors(f"the torch engine does not have {', '.join(missing)}: train with the engine numpy")
    learner = learners.make(config, n_pixels)
    assert isinstance(learner, EquilibriumPropagation)
    return learner


def _phases(encoder: Settled, decoder: Settled, first: Nudged, answer: Nudged) -> Tensors:
    settled = torch.cat([encoder.settled, decoder.settled], dim=1)
    largest = torch.maximum(encoder.states.abs().amax((1, 2)), decoder.states.abs().amax((1, 2)))
    return {
        "unconverged": 1 - settled.to(encoder.states.dtype).mean(-1),
        "encoder_sweeps": (encoder.sweeps + first.sweeps).to(encoder.states.dtype).mean(-1),
        "decoder_sweeps": (decoder.sweeps + answer.sweeps).to(encoder.states.dtype).mean(-1),
        "largest_state": largest,
    }
