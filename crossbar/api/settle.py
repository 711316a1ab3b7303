"""A network comes to rest: the solver is chosen from what its couplings are, and told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from crossbar.api.equilibrium import Equilibrium
from crossbar.api.network import HopfieldNetwork
from crossbar.api.settings import real
from crossbar.errors import InvalidValue, unknown_name
from crossbar.hopfield.choice import Choice, choose_solver
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.network import Network
from crossbar.hopfield.settling import Outcome, Solver


def settle(
    network: HopfieldNetwork,
    clamp: Mapping[str, Any] | None = None,
    *,
    start: Mapping[str, Any] | None = None,
    tolerance: float = 1e-6,
    max_sweeps: int | None = None,
    solver: Solver | None = None,
) -> Equilibrium:
    """Hold some blocks of `network` and let the others come to rest, s = rho'(s) (W rho(s)).

    Symmetric, static couplings are settled by conjugate gradients on the energy (eq. 1); static ones with W != W^T by
    `HeldAntisymmetry`; noise and converters leave Euler's own steps (eq. 3), which stop at the tolerance or at the
    limit of sweeps: noise may well stay above it. The result says what was chosen and why. Not settling is a result
    (`settled`, `outcome`), not an error.

    Parameters
    ----------
    network : HopfieldNetwork
    clamp : mapping of str to array_like (size,) or (batch, size)
        States at which blocks are held.
    start : mapping of str to array_like, optional
        States of free blocks to begin from; blocks that are not named begin at zero, as in the paper.
    tolerance : float
        Largest residual max |s - rho'(s) (W rho(s))| of a settled sample.
    max_sweeps : int, optional
        Products with W a sample may take; None: `crossbar.hopfield.choice.SWEEPS`.
    solver : Solver, optional
        A solver of your own choice, such as `crossbar.hopfield.settling.Euler(...)`; it then has its own tolerance.

    Returns
    -------
    Equilibrium

    Raises
    ------
    UnknownName
        A block that the network does not have.
    InvalidValue
        States of another shape or not finite, all blocks clamped, batches that differ, a block clamped and started;
        a solver whose premises the couplings do not fulfil.

    Examples
    --------
    >>> import numpy as np
    >>> import crossbar as xb
    >>> W = np.random.default_rng(0).normal(0, 0.3, (6, 6))
    >>> net = xb.HopfieldNetwork(W + W.T - np.diag(2 * W.diagonal()), {"pixels": 4, "hidden": 2})
    >>> found = xb.settle(net, clamp={"pixels": [1, -1, 1, -1]})
    >>> found.settled, found.solver, found.states["hidden"].shape
    (True, 'ConjugateGradient', (2,))
    """
    shape = network.network
    dtype = network.couplings.matrix().dtype
    held = {name: _states(shape, name, values) for name, values in (clamp or {}).items()}
    begun = {name: _states(shape, name, values) for name, values in (start or {}).items()}
    if twice := sorted(set(held) & set(begun)):
        raise InvalidValue(f"block `{twice[0]}` is clamped: leave it out of `start`")
    batch = _batch({**held, **begun})
    role = shape.role(held)
    landscape = Landscape.clamp(
        network.couplings, role, _joined(shape, role.clamped, held, batch or 1, dtype)
    )
    first = _joined(shape, role.free, begun, batch or 1, dtype) if begun else None
    chosen = _chosen(network, solver, tolerance, max_sweeps)
    found = chosen.solver.settle(landscape, first)
    whole = {name: found.states[:, role.columns(name)] for name in role.free}
    whole |= {name: np.broadcast_to(values, (batch or 1, values.shape[-1])) for name, values in held.items()}
    states = {name: (whole[name] if batch else whole[name][0]).astype(dtype) for name in shape.names}
    return Equilibrium(
        states=states, signals={name: shape.law(name).signal(one) for name, one in states.items()}, free=role.free,
        solver=chosen.name, reason=chosen.reason, residual=found.residual, sweeps=found.sweeps,
        outcome=tuple(Outcome(int(one)) for one in found.outcome),
    )  # fmt: skip


def _chosen(network: HopfieldNetwork, solver: Solver | None, tolerance: float, max_sweeps: int | None) -> Choice:
    if not isinstance(network, HopfieldNetwork):
        raise InvalidValue(f"`network` must be a `HopfieldNetwork`, but got {type(network).__name__}")
    if solver is not None:
        return Choice(solver=solver, reason="the solver was given")
    return choose_solver(network.couplings, tolerance=tolerance, max_sweeps=max_sweeps)


def _states(network: Network, name: str, values: Any) -> np.ndarray:
    if name not in network.names:
        raise unknown_name("block", name, network.names)
    states, size = real(name, values), dict(network.blocks)[name]
    if states.ndim not in (1, 2) or states.shape[-1] != size or not states.size:
        raise InvalidValue(f"states of block `{name}` must be ({size},) or (batch, {size}), but got {states.shape}")
    return states


def _batch(given: Mapping[str, np.ndarray]) -> int | None:
    """Return the common number of samples, or None where all are single ones."""
    counts = {name: len(values) for name, values in given.items() if values.ndim == 2}
    if len(set(counts.values())) > 1:
        raise InvalidValue(f"all blocks must hold as many samples, but got {counts}")
    return next(iter(counts.values()), None)


def _joined(
    network: Network, names: tuple[str, ...], given: Mapping[str, np.ndarray], batch: int, dtype: np.dtype
) -> np.ndarray:
    """Return the states (batch, n) of the blocks `names`, zero where nothing was given."""
    sizes = dict(network.blocks)
    parts = [np.broadcast_to(given.get(name, np.zeros(sizes[name])), (batch, sizes[name])) for name in names]
    return np.concatenate([np.zeros((batch, 0)), *parts], axis=1).astype(dtype)
