"""The effective matrix of a tile while its conductances change: corrected to first order, renewed when that errs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.numerics import checks
from crossbar.wires.lines import Drive, LineNetwork, Sense
from crossbar.wires.solver import effective_matrix, network_solution, output_currents

PROBES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Wiring:
    """Resistances of a tile's lines, in ohm a segment, and their wired ends; see `crossbar.wires.output_currents`."""

    r_word_line: float | np.ndarray
    r_bit_line: float | np.ndarray
    drive: Drive = "left"
    sense: Sense = "bottom"

    def options(self) -> dict:
        """Return the attributes by name, as the solvers take them."""
        return {name: getattr(self, name) for name in ("r_word_line", "r_bit_line", "drive", "sense")}


@dataclass(frozen=True, kw_only=True, slots=True)
class TileSnapshot:
    """A tile as it was programmed: its exact matrix, and how currents answer small changes of its devices.

    Attributes
    ----------
    conductances, matrix : (m, n)
        Devices and exact effective matrix, in S.
    slopes : (m, n)
        Voltage across a device per volt at its driver, times the share of its current that its output gets:
        d M_ij / d G_ij with all other lines at 0 V.
    inputs : (m, probes)
        Probe voltages, +1 or -1 V.
    outputs : (n, probes)
        Weights of the outputs, +1 or -1.
    sensitivities : (probes, m, n) float32
        Exact derivatives of outputs^T currents(inputs) by the conductances: the voltage across the device times the
        one that the outputs' weights, applied to the bit lines, would cause across it (the adjoint network).
    """

    conductances: np.ndarray
    matrix: np.ndarray
    slopes: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray
    sensitivities: np.ndarray

    @classmethod
    def take(cls, conductances: np.ndarray, wiring: Wiring, rng: np.random.Generator, probes: int) -> TileSnapshot:
        """Return the snapshot of `conductances` (m, n); `probes` pairs of sign vectors come from `rng`."""
        network = LineNetwork.checked(conductances, **wiring.options())
        m, n = network.conductances.shape
        inputs, outputs = rng.choice((-1.0, 1.0), (m, probes)), rng.choice((-1.0, 1.0), (n, probes))
        forward = network_solution(network, inputs).device_voltages
        backward = network_solution(network.reversed(), outputs[::-1]).device_voltages
        return cls(
            conductances=network.conductances.copy(), matrix=effective_matrix(conductances, **wiring.options()),
            slopes=own_slopes(conductances, wiring), inputs=inputs, outputs=outputs,
            sensitivities=(forward * backward.transpose(0, 2, 1)[:, ::-1, ::-1]).astype(np.float32),
        )  # fmt: skip

    def corrected(self, change: np.ndarray) -> np.ndarray:
        """Return the matrix after a change of the conductances (m, n), each device's own effect taken into account."""
        return self.matrix + self.slopes * change

    def missed(self, change: np.ndarray) -> float:
        """Return the relative error (Frobenius norm) that first-order perturbation expects of `corrected`.

        With random signs V and w, the mean of (w^T D^T V)^2 is the squared norm of the matrix D.
        """
        exact = np.tensordot(self.sensitivities, change.astype(np.float32), axes=2)
        own = np.einsum("mp,mn,np->p", self.inputs, self.slopes * change, self.outputs, optimize=True)
        scale = np.linalg.norm(self.matrix)
        return float(np.sqrt(np.mean((exact - own) ** 2)) / scale) if scale > 0 else float(np.any(change))


def own_slopes(conductances: np.ndarray, wiring: Wiring) -> np.ndarray:
    """Return d M_ij / d G_ij (m, n) with all other lines at 0 V: see `TileSnapshot`."""
    factors, response = LineNetwork.checked(conductances, **wiring.options()).factors()
    return response * factors[4]


class TileMatrix:
    """The effective matrix of one tile, renewed only when its estimated error passes a limit.

    Parameters
    ----------
    wiring : Wiring
    error_limit : float
        Relative error (Frobenius norm of the matrix) beyond which `matrix` solves anew; 0 renews at every change.
    seed : sequence of int
        Of the probes' signs, together with the number of the renewal: what is kept follows from the conductances that
        were solved for and this number alone.
    probes : int
        Pairs of probe vectors; the estimate scatters by about 1 / sqrt(2 probes) of itself.

    Attributes
    ----------
    renewals : int
        How often the matrix was solved for.
    estimate : float
        Relative error that was expected of the matrix that was last returned.
    """

    def __init__(self, wiring: Wiring, error_limit: float, seed: Sequence[int], probes: int = PROBES) -> None:
        if not error_limit >= 0:  # infinity: never renewed
            raise InvalidValue(f"`error_limit` must not be negative, but got {error_limit}")
        checks.at_least("probes", probes, 1)
        self.wiring, self.error_limit, self.renewals = wiring, error_limit, 0
        self.estimate = 0.0
        self._seed, self._probes = tuple(seed), probes
        self._snapshot: TileSnapshot | None = None

    @property
    def solved_for(self) -> np.ndarray:
        """The conductances (m, n) of the last renewal, S."""
        return self._taken().conductances

    def matrix(self, conductances: np.ndarray) -> np.ndarray:
        """Return the matrix (m, n) of `conductances`: exact after a renewal, else corrected to first order.

        Raises
        ------
        InvalidValue
            A conductance that is negative or not finite.
        """
        if not (np.min(conductances, initial=0) >= 0 and np.max(conductances, initial=0) < np.inf):
            raise InvalidValue("`conductances` must not be negative, and finite, but some are not")
        snapshot = self._snapshot
        if snapshot is not None and snapshot.matrix.shape == np.shape(conductances):
            change = conductances - snapshot.conductances
            if not change.any():
                self.estimate = 0.0
                return snapshot.matrix
            self.estimate = snapshot.missed(change) if self.error_limit > 0 else np.inf
            if self.estimate <= self.error_limit:
                return snapshot.corrected(change)
        return self.restore(conductances, self.renewals + 1)

    def restore(self, conductances: np.ndarray, renewals: int) -> np.ndarray:
        """Solve for `conductances` (m, n) as the renewal of that number did, and return the matrix."""
        rng = np.random.default_rng((*self._seed, renewals))
        self._snapshot = TileSnapshot.take(conductances, self.wiring, rng, self._probes)
        self.renewals, self.estimate = renewals, 0.0
        return self._snapshot.matrix

    def estimated_error(self, conductances: np.ndarray) -> float:
        """Return the relative error expected of the matrix if it is not renewed, at the cost of a few products."""
        snapshot = self._taken()
        return snapshot.missed(conductances - snapshot.conductances)

    def measured_error(self, conductances: np.ndarray) -> float:
        """Return the relative error of the matrix if it is not renewed, from exact currents of the probes' inputs."""
        snapshot = self._taken()
        exact = output_currents(conductances, snapshot.inputs, **self.wiring.options())
        guess = snapshot.inputs.T @ snapshot.corrected(conductances - snapshot.conductances)
        scale = np.linalg.norm(exact)
        return float(np.linalg.norm(exact - guess) / scale) if scale > 0 else 0.0

    def _taken(self) -> TileSnapshot:
        if self._snapshot is None:
            raise InvalidValue("the tile has no matrix yet: call `matrix(conductances)` first")
        return self._snapshot
