"""What contrasts tell the weights, eq. (5), on tensors: shortened, centred, and made into a gradient."""

from __future__ import annotations

from typing import NamedTuple

import torch

from crossbar.hopfield.network import Role


class Contrast(NamedTuple):
    """R (replicas, batch, n_free) and S (replicas, batch, N) of one role; see `hvae.learning.equilibrium.Contrast`."""

    role: Role
    difference: torch.Tensor
    mean: torch.Tensor


def shortened(difference: torch.Tensor, norm_limit: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return R, no sample's longer than `norm_limit` medians of its batch, and how many were, (replicas,)."""
    norms = difference.norm(dim=-1)
    ordered, batch = norms.sort(dim=-1).values, norms.shape[-1]
    median = (ordered[:, (batch - 1) // 2] + ordered[:, batch // 2]) / 2
    longest = (norm_limit * median)[:, None]
    long = norms > longest
    scale = torch.where(long, longest / norms, 1.0)
    return difference * scale[..., None], long.sum(dim=-1)


def centred(mean: torch.Tensor, strength: torch.Tensor) -> torch.Tensor:
    """Return S' = S - strength (S.m) m, with m the batch's mean of S, of length 1; `strength` is (replicas, 1, 1).

    What all samples share is most of S; the gradient along it is stiff, and tells little.
    """
    direction = torch.nn.functional.normalize(mean.mean(dim=1, keepdim=True), dim=-1)
    return mean - strength * (mean * direction).sum(dim=-1, keepdim=True) * direction


def join(role: Role, free: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
    """Return what `free` (.., n_free or more) and `held` (.., n_clamped) neurons hold, in order, (.., N)."""
    network = role.network
    parts = [(held if name in role.clamped else free)[..., role.columns(name)] for name in network.names]
    return torch.cat(parts, dim=-1)


def gradient(contrasts: list[Contrast], allowed: torch.Tensor | None) -> torch.Tensor:
    """Return dL/dW (replicas, N, N), symmetric, mean over the batch: -(R^T S + S^T R) / batch, summed over `contrasts`.

    The diagonal is zero, and so is what `allowed` (N, N) does not couple, where it is given.
    """
    role, difference, mean = contrasts[0]
    replicas, batch, size = mean.shape
    total = mean.new_zeros((replicas, size, size))
    for role, difference, mean in contrasts:
        scaled = (difference * (-1 / batch)).mT
        for name in role.free:
            total[:, role.network.block(name)] += scaled[:, role.columns(name)] @ mean
    total = total + total.mT
    torch.diagonal(total, dim1=1, dim2=2).zero_()
    return total if allowed is None else total * allowed
