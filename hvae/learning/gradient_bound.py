"""A bound of the error of every batch's gradient: both phases settled on, far enough that the difference tells.

G is the gradient as the tolerances leave it, G' the one of the same batch settled on from there: states to a hundredth
of the tolerance, responses to a tenth and at least to 1e-3. What is left of the error in G' is then a small part of
what G had, also in the batches that a nearly singular sample rules, and

    |G - G*| / |G*|  <=  margin |G - G'| / |G'|,    margin = 1.25,

in 99 % of batches (benchmarks/gradient_bound.py has the share on 1,000, and how much larger the bound is than the
error). It is an embedded pair, as in solvers of differential equations: no proof, an estimate with a margin. What
float32 rounds off is in neither G. Contrasts are not shortened in either (`nudging.norm_limit`).

References
----------
Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I (1993), II.4 (embedded pairs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.network import Network
from crossbar.hopfield.settling import Solver
from hvae.config.run import NudgingConfig, SettlingConfig
from hvae.learning.equilibrium import Contrast, FreePhase, NudgedPhases, contrasts_of, gradient, nudged_phases
from hvae.learning.nudging import LinearResponseNudging, Nudging
from hvae.models.hopfield import HopfieldVAE
from hvae.models.latents import drawn

MARGIN = 1.25
SETTLED_ON, ANSWERED_ON, LOOSEST_ANSWER = 1e-2, 1e-1, 1e-3
MORE = 5  # times the sweeps that a phase may take


@dataclass(frozen=True, kw_only=True)
class GradientBound:
    """How far to settle on, and the margin.

    Attributes
    ----------
    solver : Solver
        Of both free phases, from where they ended.
    nudging : Nudging
        Of both nudged ones.
    margin : float
    """

    solver: Solver
    nudging: Nudging
    margin: float = MARGIN

    @classmethod
    def of(cls, settling: SettlingConfig, nudging: NudgingConfig) -> GradientBound:
        """Return the bound for the tolerances of a run."""
        answer = min(ANSWERED_ON * nudging.tolerance, LOOSEST_ANSWER)
        return cls(
            solver=ConjugateGradient(tolerance=SETTLED_ON * settling.tolerance, max_sweeps=MORE * settling.max_sweeps),
            nudging=LinearResponseNudging(
                solver=LinearResponse(tolerance=answer, max_sweeps=MORE * nudging.max_sweeps)
            ),
        )

    def relative(
        self,
        vae: HopfieldVAE,
        free: FreePhase,
        nudged: NudgedPhases,
        images: np.ndarray,
        noise: np.ndarray,
        *,
        beta_kl: float,
        links: Mapping[str, np.ndarray] | None = None,
    ) -> float | None:
        """Return the bound of |G - G*| / |G*| for the phases of a batch; None where there is no gradient at all."""
        on = self._settled_on(vae, free, noise)
        wanted = nudged_phases(vae, on, images, noise, self.nudging, beta_kl=beta_kl).contrasts
        found, _ = contrasts_of(vae, free, images, nudged.encoder, nudged.decoder)
        apart, size = 0.0, 0.0
        for name, network in vae.networks.items():
            mask = None if links is None else links[name]
            own, right = (_gradient(network, some[name], mask) for some in (found, wanted))
            apart += _square(own - right)
            size += _square(right)
        return self.margin * float(np.sqrt(apart / size)) if size > 0 else None

    def _settled_on(self, vae: HopfieldVAE, free: FreePhase, noise: np.ndarray) -> FreePhase:
        """Return the free phase settled on from where it ended, z included, which the encoder's end moves."""
        encoder = self.solver.settle(free.encoding, free.encoder.states)
        mean, log_variance = vae.read_latents(encoder.states)
        latents = drawn(mean, log_variance, noise)
        decoding = Landscape.clamp(free.decoding.couplings, vae.decode_role, latents)
        decoder = self.solver.settle(decoding, free.decoder.states)
        return replace(
            free, encoder=encoder, decoder=decoder, decoding=decoding, mean=mean, log_variance=log_variance,
            latents=latents, output=decoder.states[:, vae.decode_role.columns("pixels")],
        )  # fmt: skip


def _gradient(network: Network, contrasts: Sequence[Contrast], links: np.ndarray | None) -> np.ndarray:
    whole = gradient(network, contrasts, contrasts[0].mean.dtype.type)
    return whole if links is None else whole * links


def _square(values: np.ndarray) -> float:
    return float(np.square(values).sum(dtype=np.float64))
