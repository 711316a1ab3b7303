"""The exported circuit beside the chip: one settled role, neuron by neuron."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from circuits.circuit.circuit import Circuit
from circuits.simulators.process import Limits
from circuits.simulators.simulator import Engine
from circuits.simulators.waveforms import Waveforms
from circuits.verification import reference
from circuits.verification.chip_reference import Rest
from crossbar.errors import DivergedError, EngineError, InvalidValue

DEPTH = math.log(1e9)  # a transient ends when the slowest mode has decayed by this factor
SHORTEST, LONGEST = 60.0, 5000.0  # time constants of a transient
COARSE = 1 / 3  # of that length: a way to the operating point need only end in Newton's reach


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """States of one circuit by an engine, of its chip by `crossbar`, and of its own weights.

    Attributes
    ----------
    circuit : Circuit
    rest : Rest
        Of the chip: what the circuit must do. Nothing of the circuit has a part in it.
    theirs : ndarray (N,)
        The engine's states; those of clamped neurons are the voltages that the circuit clamps.
    own : ndarray (N,) or None
        Where the circuit's own weights and clamps rest: what the engine should find whatever the chip; None where they
        do not come to rest.
    waveforms : Waveforms
    """

    circuit: Circuit
    rest: Rest
    theirs: np.ndarray
    own: np.ndarray | None
    waveforms: Waveforms

    @property
    def ours(self) -> np.ndarray:
        """The chip's states (N,)."""
        return self.rest.states

    @property
    def softest(self) -> float:
        """Smallest eigenvalue of the chip's Hessian: the stiffness of the softest mode."""
        return self.rest.softest

    @property
    def error(self) -> np.ndarray:
        """Difference (N,) of the engine's states and the chip's; of clamped neurons, of what they are clamped to."""
        return self.theirs - self.ours

    @property
    def own_error(self) -> float | None:
        """Largest difference of the engine's states and those of the circuit's own weights."""
        return None if self.own is None else float(np.abs(self.theirs - self.own).max())

    @property
    def energies(self) -> tuple[float, float]:
        """E(s) of eq. (1) with the chip's weights, at its states and at the engine's."""
        return self.rest.energy(self.ours), self.rest.energy(self.theirs)

    def blocks(self, blocks: Mapping[str, slice]) -> dict[str, dict[str, float]]:
        """Return the maximum and rms error of every block that is free."""
        return {
            name: {"max": float(np.abs(self.error[part]).max()), "rms": float(np.sqrt(np.mean(self.error[part] ** 2)))}
            for name, part in blocks.items()
            if not self.circuit.clamped[part].all()
        }


def compare(
    circuit: Circuit, rest: Rest, engine: Engine, folder: Path, limits: Limits, *, kind: str, fixed_rail: bool = False
) -> Comparison:
    """Settle `circuit` by `engine`, and return it beside the chip's `rest`.

    With `fixed_rail`, the word lines are sources at the signals of the chip's equilibrium, and the engine says
    where each neuron then comes to rest: equality proves that the state is a fixed point of the netlist, all devices
    included, but not that the coupled circuit settles there.

    Parameters
    ----------
    kind : {"tran", "op", "tran-op"}
        Coupled transient from the initial state, or operating point. The latter is sought from the chip's state
        (nodesets): it shows that the coupled circuit rests there, all its loops closed, not how it gets there.
        "tran-op" (VACASK) lets the circuit find its own way: a coarse transient from the initial state, and the
        operating point from where that ends.

    Raises
    ------
    EngineError
        The engine failed, or a transient was asked for that would not end in `LONGEST` time constants.
    InvalidValue
        An operating point of memristors with a state: nothing but time holds that.
    """
    if kind == "tran-op" and (fixed_rail or engine.name != "vacask"):
        raise EngineError("--analysis tran-op is for coupled circuits in VACASK; take --analysis tran or op")
    if circuit.device != "linear" and (fixed_rail or kind != "tran"):
        raise InvalidValue(
            f"--device {circuit.device} has a state that no operating point shows, so neither --analysis op nor --mode "
            "fixed-rail can show it; take --mode coupled --analysis tran"
        )
    asked = replace(circuit.analysis, kind="op" if fixed_rail else kind)
    if asked.kind != "op":
        share = 1 if asked.kind == "tran" else COARSE
        asked = replace(asked, marks={"free": share * duration(rest.softest)})
    guess = rest.states if asked.kind == "op" else None
    posed = replace(circuit, analysis=asked, rails=rest.states if fixed_rail else None, guess=guess)
    waveforms = engine.settle(posed, folder, limits)
    free = np.flatnonzero(~circuit.clamped)
    theirs = circuit.held.astype(np.float64)
    theirs[free] = waveforms.states([circuit.names[index] for index in free])
    if not np.isfinite(theirs).all():
        raise EngineError(f"{engine.name} returned states that are not finite; try the other analysis")
    return Comparison(circuit=posed, rest=rest, theirs=theirs, own=_own(circuit, rest.states), waveforms=waveforms)


def _own(circuit: Circuit, near: np.ndarray) -> np.ndarray | None:
    """Return where the weights of `circuit` rest, sought first `near` the chip's states."""
    for way in (lambda: reference.polish(circuit, np.where(circuit.clamped, circuit.held, near)),
                lambda: reference.settle(circuit)):  # fmt: skip
        try:
            return way()
        except DivergedError:  # that it does not come to rest is a result, and told
            continue
    return None


def duration(softest: float) -> float:
    """Return how many time constants a transient needs until the softest mode has decayed to 1e-9.

    At a saddle (`softest` not positive) no length would do: the shortest is returned, and `verification` refuses it.

    Raises
    ------
    EngineError
        The equilibrium is so soft that a transient would not end.
    """
    if not softest > 0:
        return SHORTEST
    if needed(softest) > LONGEST:
        raise EngineError(
            f"the softest mode has stiffness {softest:.1e}: a transient would need over {LONGEST:g} time constants; "
            "`hopbar verify` with --analysis op or --mode fixed-rail needs none, without --role both"
        )
    return max(SHORTEST, needed(softest))


def writable(softest: float) -> float:
    """Return `duration` for a netlist that is only written: at most `LONGEST`, where the end is not yet at rest."""
    return duration(softest) if not softest > 0 or needed(softest) <= LONGEST else LONGEST


def needed(softest: float) -> float:
    """Return the time constants until a mode of stiffness `softest` has decayed to 1e-9."""
    return SHORTEST / 2 + DEPTH / softest if softest > 0 else math.inf
