"""The energy of a network in a role, eq. (1), with its gradient, eq. (2), and its Hessian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import Couplings, IdealWeights, real_signals
from crossbar.hopfield.network import Role
from crossbar.hopfield.population import Population


@dataclass(frozen=True, kw_only=True)
class Nudge:
    """A quadratic cost on the free states, sum_i (quadratic_i s_i^2 / 2 + linear_i s_i), added to the energy.

    The nudge of eq. (4) with the squared error of eq. (8) is ``quadratic = beta``, ``linear = -beta x`` on the pixels.
    It acts on the state s itself, so no rho' multiplies it (eq. 4).

    Attributes
    ----------
    linear : ndarray (batch, n_free)
    quadratic : ndarray (n_free,)
    """

    linear: np.ndarray
    quadratic: np.ndarray

    def check(self, drive: np.ndarray) -> None:
        """Raise `InvalidValue` unless this nudges the states of a `drive` (batch, n_free)."""
        for name, shape in (("linear", drive.shape), ("quadratic", drive.shape[1:])):
            real_signals(name, getattr(self, name), drive.dtype.type)
            if getattr(self, name).shape != shape:
                raise InvalidValue(f"`{name}` of a nudge must be {shape}, but got {getattr(self, name).shape}")

    def select(self, rows: np.ndarray) -> Nudge:
        """Return the nudge of the samples `rows`."""
        return Nudge(linear=self.linear[rows], quadratic=self.quadratic)


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """The energy over the free neurons of a role, for a batch of clamped inputs.

    E(s) = |s|^2 / 2 - rho(s)^T W rho(s) / 2 - drive . rho(s) (eq. 1), up to the constant of the clamped neurons,
    where drive = W rho(clamped) and W couples free neurons among themselves. States are arrays (batch, n_free). Blocks
    of other neurons than the paper's have another phi in place of s^2 / 2, see `crossbar.hopfield.neurons`.

    Attributes
    ----------
    couplings : Couplings
    role : Role
    drive : ndarray (batch, n_free)
        What the clamped neurons give, and what pulls each neuron of its own (`crossbar.hopfield.mismatch`).
    nudge : Nudge or None
    """

    couplings: Couplings
    role: Role
    drive: np.ndarray
    nudge: Nudge | None = None

    def __post_init__(self) -> None:
        if self.drive.ndim != 2 or self.drive.shape[1] != self.role.n_free:
            raise InvalidValue(f"`drive` must be (batch, {self.role.n_free}), but got {self.drive.shape}")
        if self.nudge is not None:
            self.nudge.check(self.drive)

    @classmethod
    def clamp(cls, couplings: Couplings, role: Role, inputs: np.ndarray) -> Landscape:
        """Return the landscape in which the clamped neurons hold the states `inputs` (batch, n_clamped).

        float64 inputs on exact float32 weights are settled in float64, on weights that are cast once, here.

        Raises
        ------
        InvalidValue
            `inputs` has not one column a clamped neuron, or is not real and finite.
        """
        inputs = real_signals("inputs", inputs, couplings.matrix().dtype.type)
        if inputs.ndim != 2 or inputs.shape[1] != role.n_clamped:
            raise InvalidValue(f"`inputs` must be (batch, {role.n_clamped}), but got {inputs.shape}")
        if not np.isfinite(inputs).all():
            raise InvalidValue("`inputs` must be finite, but some are not")
        if isinstance(couplings, IdealWeights):
            couplings = couplings.at_least(inputs.dtype)
        drive = np.empty((len(inputs), role.n_free), inputs.dtype)
        couplings.multiply(role.held_neurons.signals(inputs), role.inward, drive)
        return cls(couplings=couplings, role=role, drive=role.free_neurons.pulled(drive))

    @property
    def neurons(self) -> Population:
        """The neurons that settle."""
        return self.role.free_neurons

    def nudged(self, nudge: Nudge) -> Landscape:
        """Return this landscape with `nudge` added: the total energy F of eq. (4)."""
        return Landscape(couplings=self.couplings, role=self.role, drive=self.drive, nudge=nudge)

    def select(self, rows: np.ndarray) -> Landscape:
        """Return the landscapes of the samples `rows`."""
        nudge = None if self.nudge is None else self.nudge.select(rows)
        return Landscape(couplings=self.couplings, role=self.role, drive=self.drive[rows], nudge=nudge)

    def product(self, signals: np.ndarray) -> np.ndarray:
        """Return W times `signals` (batch, n_free) among the free neurons: one sweep."""
        out = np.empty_like(signals)
        self.couplings.multiply(signals, self.role.within, out)
        return out

    def pull(self, states: np.ndarray) -> np.ndarray:
        """Return u = W rho(s) + drive (batch, n_free), what each neuron receives; one sweep."""
        return self.product(self.neurons.signals(states)) + self.drive

    def energy(self, states: np.ndarray, pull: np.ndarray | None = None) -> np.ndarray:
        """Return the energy (batch,) of eq. (1), nudge included; free of charge where `pull` is known."""
        pull = self.pull(states) if pull is None else pull
        own, signals = self.neurons.energies(states), self.neurons.signals(states)
        energy = own.sum(1) - 0.5 * (signals * (pull + self.drive)).sum(1)
        if self.nudge is not None:
            energy = energy + ((0.5 * self.nudge.quadratic * states + self.nudge.linear) * states).sum(1)
        return energy

    def gradient(self, states: np.ndarray, pull: np.ndarray | None = None) -> np.ndarray:
        """Return grad E (batch, n_free), nudge included; for the paper's neurons s - rho'(s) u, see eq. (2)."""
        pull = self.pull(states) if pull is None else pull
        gradient = self.neurons.forces(states, self.neurons.signals(states), pull)
        if self.nudge is not None:
            gradient = gradient + self.nudge.quadratic * states + self.nudge.linear
        return gradient

    def curvature(self, states: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return the part of the Hessian's diagonal that no coupling makes (batch, n_free): 1 - rho''(s) u (paper)."""
        own = self.neurons.curvatures(states, self.neurons.signals(states), pull)
        return own if self.nudge is None else own + self.nudge.quadratic

    def hessian_product(self, states: np.ndarray, vector: np.ndarray, pull: np.ndarray | None = None) -> np.ndarray:
        """Return H v = curvature v - rho' W (rho' v) (batch, n_free); one sweep, or two without `pull`."""
        pull = self.pull(states) if pull is None else pull
        slope = self.neurons.slopes(self.neurons.signals(states))
        return self.curvature(states, pull) * vector - slope * self.product(slope * vector)
