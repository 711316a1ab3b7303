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


def centred(found: torch.Tensor, mean: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Return a gradient `found` (replicas, N, N), damped along the batch's mean of `mean` (replicas, batch, N).

    `share` is (replicas, 1, 1). See `hvae.learning.preconditioning.Preconditioner`.
    """
    direction = torch.nn.functional.normalize(mean.mean(dim=1), dim=-1)[..., None]
    along = found @ direction
    alone = direction.mT @ along
    with_rest, with_itself = 2 * (1 - share) / (2 - share), 1 - share
    half = (1 - with_rest) * (along - alone * direction) + (1 - with_itself) / 2 * alone * direction
    change = half @ direction.mT
    return found - (change + change.mT)


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
    return coupled(total, allowed)


def coupled(found: torch.Tensor, allowed: torch.Tensor | None) -> torch.Tensor:
    """Return `found` (replicas, N, N) with zeros on its diagonal and where `allowed`, if given, does not couple."""
    torch.diagonal(found, dim1=1, dim2=2).zero_()
    return found if allowed is None else found * allowed
