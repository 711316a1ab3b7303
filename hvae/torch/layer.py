"""A Hopfield network as a layer between ordinary ones: its outputs are where it comes to rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from crossbar.chip import Chip, load_chip
from crossbar.errors import InvalidValue, unknown_name
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Saturating, neuron
from crossbar.hopfield.settling import Settled
from crossbar.numerics import checks
from hvae.torch.equilibrium import Backward, Equilibrium, EquilibriumPropagation, Implicit

WAYS = ("implicit", "ep")


class HopfieldLayer(nn.Module):
    """The equilibrium of a continuous Hopfield network, eq. (1) to (3): inputs are clamped, outputs are read.

    The inputs are the states of the ``pixels``, the outputs those of the ``latent`` neurons. The states come from the
    numpy solvers, on the processor: tensors of a GPU travel there and back.

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        Neurons that are clamped, hidden and read.
    neurons : sequence of str
        Laws of the three blocks: ``sigmoid`` (the paper's), ``linear`` (latent or pixels), ``classical``.
    gain : float
        Of rho(s) = sigmoid(gain s).
    topology : {"dense", "layered"}
    backward : {"implicit", "ep"}
        The implicit function theorem, or two nudged phases of strength `beta` as on a chip. Both follow the exact
        gradient; that of ``ep`` errs by O(beta^2).
    beta : float
    tolerance : float or None
        Settled when every component of grad E is smaller; None: 1e-4 in float32, 1e-11 in float64.
    max_sweeps : int
    seed : int
        Of the first weights.
    dtype : torch.dtype
        float32 or float64.

    Attributes
    ----------
    weight : Parameter (N, N)
        Its symmetric part, where the network couples, is W (`symmetric`).
    mask : Tensor (N, N)
        Where neurons couple.
    settled : Settled or None
        How the last forward pass came to rest.
    failed : int
        Samples whose gradient could not be found in the last backward pass.

    Raises
    ------
    InvalidValue, UnknownName
        Sizes, laws or a way back that there are not.

    Examples
    --------
    >>> import torch
    >>> from hvae.torch import HopfieldLayer
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 4), HopfieldLayer(4, 8, 2), torch.nn.Linear(2, 1))
    >>> loss = model(torch.randn(5, 3)).square().mean()
    >>> loss.backward()
    >>> model[1].weight.grad.shape, bool(model[1].settled.settled.all())
    (torch.Size([14, 14]), True)
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_out: int,
        *,
        neurons: Sequence[str] = ("sigmoid", "sigmoid", "sigmoid"),
        gain: float = 3.0,
        topology: Literal["dense", "layered"] = "dense",
        backward: Literal["implicit", "ep"] = "implicit",
        beta: float = 1e-2,
        tolerance: float | None = None,
        max_sweeps: int = 1000,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.mask: torch.Tensor
        if backward not in WAYS:
            raise unknown_name("way back", backward, WAYS)
        if dtype not in {torch.float32, torch.float64}:
            raise InvalidValue(f"`dtype` must be torch.float32 or torch.float64, but got {dtype}")
        if len(neurons) != 3:
            raise InvalidValue(f"`neurons` must name the laws of three blocks, but got {len(neurons)}")
        checks.positive("beta", beta)
        blocks = (("pixels", n_in), ("hidden", n_hidden), ("latent", n_out))
        self.network = Network(blocks, topology, tuple(neuron(law, gain) for law in neurons))
        self.role = self.network.role(clamped=("pixels",))
        self.beta, self.backward_by = beta, backward
        precise = dtype == torch.float64
        self.tolerance = tolerance if tolerance is not None else 1e-11 if precise else 1e-4
        self.max_sweeps = max_sweeps
        kind = np.float64 if precise else np.float32
        self.weight = nn.Parameter(torch.from_numpy(random_weights(self.network, np.random.default_rng(seed), kind)))
        self.register_buffer("mask", torch.from_numpy(self.network.mask()), persistent=False)
        self.settled: Settled | None = None
        self.failed = 0

    @property
    def solver(self) -> ConjugateGradient:
        """What brings the network to rest."""
        return ConjugateGradient(tolerance=self.tolerance, max_sweeps=self.max_sweeps)

    @property
    def way_back(self) -> Backward:
        """What finds the gradient."""
        if self.backward_by == "ep":
            closer = ConjugateGradient(tolerance=self.tolerance * min(1.0, self.beta), max_sweeps=self.max_sweeps)
            return EquilibriumPropagation(solver=closer, beta=self.beta)
        return Implicit(solver=LinearResponse(tolerance=self.tolerance, max_sweeps=self.max_sweeps))

    def symmetric(self) -> torch.Tensor:
        """Return W (N, N): the symmetric part of `weight` where the network couples."""
        return torch.where(self.mask, (self.weight + self.weight.T) / 2, torch.zeros_like(self.weight))

    def states(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the states (batch, n_hidden + n_out) of all free neurons at rest."""
        rows = inputs.reshape(-1, inputs.shape[-1])
        if rows.shape[1] != self.role.n_clamped:
            raise InvalidValue(f"inputs must be (..., {self.role.n_clamped}), but got {tuple(inputs.shape)}")
        if rows.dtype != self.weight.dtype:
            raise InvalidValue(f"inputs must be {self.weight.dtype}, as the weights are, but are {rows.dtype}")
        found: torch.Tensor = Equilibrium.apply(self.symmetric(), rows, self)
        return found.reshape(*inputs.shape[:-1], -1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the states (..., n_out) of the outputs for states `inputs` (..., n_in) of the clamped neurons."""
        return self.states(inputs)[..., self.role.columns("latent")]

    def chip(self) -> Chip:
        """Return the network as a chip, for programming, netlists, verification and area."""
        weights = self.symmetric().detach().cpu().numpy()
        pixels = self.role.n_clamped
        side = math.isqrt(pixels)
        shape = (side, side) if side * side == pixels else (1, pixels)
        examples = np.random.default_rng(0).uniform(-1, 1, (4, pixels))
        return Chip(
            model="hopfield-layer", networks={"tied": self.network}, weights={"tied": weights}, sigma=1.0,
            image_shape=shape, examples=examples,
        )  # fmt: skip

    @classmethod
    def from_chip(cls, chip: Chip | str | Path, *, backward: Literal["implicit", "ep"] = "implicit") -> HopfieldLayer:
        """Return the layer that the tied network of `chip`, or of the file or run at that path, computes.

        Raises
        ------
        InvalidValue
            A chip of two networks, or of other blocks; neurons with a supply, not alike, or of several gains.
        """
        held = chip if isinstance(chip, Chip) else load_chip(Path(chip))
        if not held.tied or held.networks["tied"].names != ("pixels", "hidden", "latent"):
            raise InvalidValue("a layer is made of one tied network of pixels, hidden and latent neurons")
        network = held.networks["tied"]
        weights = held.effective_weights("tied")
        dtype = torch.float64 if weights.dtype == np.float64 else torch.float32
        laws = [law.name for law in network.laws]
        gains = {law.gain for law in network.laws if not law.follows}
        if Saturating.name in laws or network.mismatch is not None or len(gains) > 1:
            raise InvalidValue("a layer's neurons are perfect and of one gain: give a chip without --neuron-...")
        gain = gains.pop() if gains else 3.0
        sizes = [size for _, size in network.blocks]
        layer = cls(*sizes, neurons=laws, gain=gain, topology=network.topology, backward=backward, dtype=dtype)  # type: ignore[arg-type]
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(np.array(weights)))
        return layer

    def extra_repr(self) -> str:
        """Return what `repr` shows."""
        sizes = ", ".join(f"{size} {name}" for name, size in self.network.blocks)
        return f"{sizes}; {self.network.topology}, backward={self.backward_by!r}"
