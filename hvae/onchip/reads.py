"""An array as the settling neurons of one role see it: what it gives them at every step, clamped inputs included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.hopfield.couplings import Couplings, IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.network import Network, Patch, Role


class RoleReads(Couplings, Protocol):
    """Couplings of one role, with its clamped inputs."""

    def landscape(self) -> Landscape:
        """Begin a phase, and return what the free neurons settle in."""
        ...


@dataclass(frozen=True, kw_only=True)
class HeldInputs:
    """Inputs read once a phase and then held: exact where reads are repeatable and the converters are ideal.

    Attributes
    ----------
    array : CrossbarArray
    role : Role
    inputs : ndarray (batch, n_clamped)
        States of the clamped neurons.
    """

    array: CrossbarArray
    role: Role
    inputs: np.ndarray

    @property
    def network(self) -> Network:
        """Which neurons couple."""
        return self.array.network

    @property
    def symmetric(self) -> bool:
        """See `Couplings`."""
        return self.array.symmetric

    @property
    def static(self) -> bool:
        """See `Couplings`."""
        return self.array.static

    @property
    def linear(self) -> bool:
        """See `Couplings`."""
        return self.array.linear

    def multiply(self, signals: np.ndarray, patches: Sequence[Patch], out: np.ndarray) -> None:
        """Read the array once."""
        self.array.multiply(signals, patches, out)

    def matrix(self) -> np.ndarray:
        """Return the weights of this phase."""
        return self.array.matrix()

    def landscape(self) -> Landscape:
        """Begin a phase, read the inputs."""
        self.array.new_phase()
        return Landscape.clamp(self, self.role, self.inputs)


@dataclass(frozen=True, kw_only=True)
class DrivenInputs(HeldInputs):
    """Inputs that drive their lines at every step, with the free neurons: noise and rounding act on the whole sum."""

    @property
    def linear(self) -> bool:
        """False: a read holds what the inputs give, too."""
        return False

    def multiply(self, signals: np.ndarray, patches: Sequence[Patch], out: np.ndarray) -> None:
        """Read the array once; a product among free neurons includes what the clamped ones give."""
        if patches is not self.role.within:
            self.array.multiply(signals, patches, out)
            return
        joined = np.concatenate([signals, self.role.held_neurons.signals(self.inputs[: len(signals)])], axis=1)
        self.array.multiply(joined, joined_patches(self.role), out)

    def landscape(self) -> Landscape:
        """Begin a phase; the inputs are in every read, so the drive is what pulls each neuron of its own."""
        self.array.new_phase()
        nothing = np.zeros((len(self.inputs), self.role.n_free), self.inputs.dtype)
        return Landscape(couplings=self, role=self.role, drive=self.role.free_neurons.pulled(nothing))


@dataclass(frozen=True, kw_only=True)
class ReadBack:
    """Couplings of a nudged phase on W != W^T: what the nudge changed is read the other way through the devices.

    With W read forward the nudged state answers to W, and the contrast is no gradient of anything. Here each neuron
    receives u(s0) + W (rho(s) - rho(s0)) in place of W^T rho(s) + drive, with s0 the free state: the Jacobian of the
    dynamics becomes its own transpose at s0, so that the contrast is the gradient as beta goes to 0. It is the term
    -2 A (s - s0) of asymmetric equilibrium propagation, A the antisymmetric part of the Jacobian (Scurria et al.,
    arXiv:2602.03670), made by the array: A itself is stored nowhere. On a chip it is one read back a batch, and a
    current a neuron that is held.

    Attributes
    ----------
    array : CrossbarArray
    role : Role
    offset : ndarray (batch, n_free)
        u(s0) less what reading rho(s0) back gives.
    """

    array: CrossbarArray
    role: Role
    offset: np.ndarray

    symmetric = False
    linear = False

    @classmethod
    def at(cls, array: CrossbarArray, role: Role, signals: np.ndarray, pull: np.ndarray) -> ReadBack:
        """Return the couplings about the free state, whose `signals` and `pull` (batch, n_free) were read."""
        back = np.empty_like(pull)
        array.multiply_back(signals, role.within, back)
        return cls(array=array, role=role, offset=pull - back)

    @property
    def network(self) -> Network:
        """Which neurons couple."""
        return self.array.network

    @property
    def static(self) -> bool:
        """See `Couplings`."""
        return self.array.static

    def multiply(self, signals: np.ndarray, patches: Sequence[Patch], out: np.ndarray) -> None:
        """Read the array back once, and add what is held."""
        self.array.multiply_back(signals, patches, out)
        out += self.offset[: len(out)]

    def matrix(self) -> np.ndarray:
        """Return the weights that are read back."""
        return self.array.matrix().T

    def landscape(self) -> Landscape:
        """Begin a phase; the inputs are in what is held, so the drive is zero."""
        self.array.new_phase()
        return Landscape(couplings=self, role=self.role, drive=np.zeros_like(self.offset))


def reads(array: CrossbarArray, role: Role, inputs: np.ndarray) -> HeldInputs:
    """Return how `array` is read while the neurons of `role` settle on `inputs` (batch, n_clamped)."""
    if array.static and array.linear:
        return HeldInputs(array=array, role=role, inputs=inputs)
    return DrivenInputs(array=array, role=role, inputs=inputs)


def noise_free(array: CrossbarArray, role: Role, inputs: np.ndarray) -> Landscape:
    """Return the landscape of this phase's weights, without what changes from read to read and without converters."""
    weights = IdealWeights(array.network, array.matrix())
    return Landscape.clamp(weights, role, inputs)


def joined_patches(role: Role) -> tuple[Patch, ...]:
    """Return the patches from all neurons to the free ones; signals hold the clamped neurons after the free ones."""
    shifted = [
        replace(
            patch,
            source_columns=slice(patch.source_columns.start + role.n_free, patch.source_columns.stop + role.n_free),
        )
        for patch in role.inward
    ]
    return (*role.within, *shifted)
