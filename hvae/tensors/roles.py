"""A role of a network on a device: its weights laid out for the sweeps, and the products with them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from crossbar.hopfield.network import Patch, Role
from hvae.tensors.neurons import Columns, of_population

WHOLE = 0.5  # share of the pairs of free neurons that couple from which one product with all of them is made


@dataclass(frozen=True)
class Weights:
    """The weights (replicas, N, N) of one network, seen from one of its roles.

    Free neurons stand in `width` columns, of which those after `role.n_free` are idle: linear, without couplings, at
    zero.

    Attributes
    ----------
    role : Role
    free, held : Columns
        The neurons that settle (padded), and those that are clamped.
    within : Tensor (replicas, width, width)
        Weights among free neurons, copied by `load`.
    """

    role: Role
    free: Columns
    held: Columns
    within: torch.Tensor

    @classmethod
    def of(
        cls, role: Role, replicas: int, *, device: torch.device, dtype: torch.dtype, round_to: int = 1
    ) -> Weights:
        """Return `role` of `replicas` networks, whose weights are still to be loaded."""
        free, held = (of_population(some, device, dtype) for some in (role.free_neurons, role.held_neurons))
        width = -(-role.n_free // round_to) * round_to
        within = torch.zeros((replicas, width, width), device=device, dtype=dtype)
        return cls(role, free.padded(width), held, within)

    @property
    def width(self) -> int:
        """Columns of free neurons, the idle ones included."""
        return self.within.shape[1]

    @cached_property
    def whole(self) -> bool:
        """Whether one product with all pairs is made; else one for each patch of pairs that couple."""
        return _area(self.role.within) >= WHOLE * self.role.n_free**2

    def load(self, weights: torch.Tensor) -> None:
        """Take over `weights` (replicas, N, N) as they are now."""
        for patch in self.role.within:
            self.within[:, patch.source_columns, patch.target_columns] = weights[:, patch.sources, patch.targets]

    def product(self, signals: torch.Tensor, out: torch.Tensor) -> None:
        """Write W times `signals` (replicas, rows, width) among the free neurons to `out`: one sweep."""
        if not self.whole:
            out.zero_()
            for patch in self.role.within:
                block = self.within[:, patch.source_columns, patch.target_columns]
                out[..., patch.target_columns] += signals[..., patch.source_columns] @ block
        elif len(self.within) == 1:
            torch.mm(signals[0], self.within[0], out=out[0])
        else:
            torch.bmm(signals, self.within, out=out)

    def drive(self, weights: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """Return what clamped neurons in the states `inputs` (replicas, rows, n_clamped) give to the free ones."""
        out = inputs.new_zeros((*inputs.shape[:2], self.width))
        _multiply(weights, self.held.signals(inputs), self.role.inward, out)
        return out

    def outward(self, weights: torch.Tensor, signals: torch.Tensor) -> torch.Tensor:
        """Return what free `signals` (replicas, rows, width) give to the clamped neurons."""
        out = signals.new_zeros((*signals.shape[:2], self.role.n_clamped))
        _multiply(weights, signals, self.role.outward, out)
        return out


def _multiply(weights: torch.Tensor, signals: torch.Tensor, patches: tuple[Patch, ...], out: torch.Tensor) -> None:
    """Add to `out` what `signals` give through `patches` of `weights`."""
    for patch in patches:
        block = weights[:, patch.sources, patch.targets]
        out[..., patch.target_columns] += signals[..., patch.source_columns] @ block


def _area(patches: tuple[Patch, ...]) -> int:
    return sum(
        (patch.sources.stop - patch.sources.start) * (patch.targets.stop - patch.targets.start) for patch in patches
    )
