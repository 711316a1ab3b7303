"""Is the exported circuit the trained chip? Settled roles of some samples, in an engine and in the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from circuits import reference
from circuits.comparison import Comparison, compare
from circuits.engines.engine import Engine
from circuits.engines.process import Limits
from circuits.layout import Layout
from circuits.single_chip import RoundTrip, round_trip
from crossbar.errors import InvalidValue

MODES = ("coupled", "fixed-rail")
SMALL = 200  # neurons up to which a coupled transient is the default analysis
TOLERANCE = 1e-6
CHIP_TOLERANCE = 1e-4  # of the single chip's transient: switches and sample-and-holds have finite resistance
OPAMP_TOLERANCE = 1e-3  # amplifiers of finite gain


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """The verdict, with all that led to it.

    Attributes
    ----------
    comparisons : tuple of (role, sample, Comparison)
    trips : tuple of (sample, RoundTrip)
        Of the single chip, where that was asked for.
    tolerance : float
        Largest error of a state that passes, in units of the state (volts in the circuit).
    summary : mapping
        What `hopbar verify --json` prints.
    """

    comparisons: tuple[tuple[str, int, Comparison], ...]
    trips: tuple[tuple[int, RoundTrip], ...]
    tolerance: float
    summary: Mapping[str, object]


def tolerance_of(layout: Layout, role: str | None) -> float:
    """Return the error that is allowed for the parts that `layout` uses."""
    if layout.choices.amplifier == "opamp":
        return OPAMP_TOLERANCE
    return CHIP_TOLERANCE if role == "both" else TOLERANCE


def verify(
    layout: Layout, engine: Engine, folder: Path, limits: Limits, *, mode: str, role: str | None, kind: str | None,
    n_samples: int, seed: int,
) -> Verification:  # fmt: skip
    """Settle `n_samples` examples in the circuits of `layout` and compare them with the simulator.

    Parameters
    ----------
    mode : {"coupled", "fixed-rail"}
    role : {"encode", "decode", "both"} or None
        None settles both roles, one after the other; "both" runs the single chip's transient.
    kind : {"tran", "op"} or None
        Analysis of a coupled circuit; None takes a transient up to 200 neurons, else an operating point.

    Raises
    ------
    InvalidValue
        An unknown mode, or more samples than the chip carries.
    EngineError, DivergedError
    """
    if mode not in MODES:
        raise InvalidValue(f"`mode` must be one of {', '.join(MODES)}, but got {mode!r}")
    if layout.choices.wires is not None:
        raise InvalidValue("a chip is verified without wires; `hopbar wires` measures what they do")
    samples = range(_checked(n_samples, layout))
    comparisons: list[tuple[str, int, Comparison]] = []
    trips: list[tuple[int, RoundTrip]] = []
    for sample in samples:
        image, noise = layout.image(sample), layout.noise(seed, sample)
        if role == "both":
            trips.append((sample, round_trip(layout, engine, folder, limits, image=image, noise=noise)))
            continue
        comparisons += _roles(layout, engine, folder, limits, mode, role, kind, sample, noise)
    tolerance = tolerance_of(layout, role)
    summary = summarise(layout, engine, mode, comparisons, trips, tolerance)
    return Verification(comparisons=tuple(comparisons), trips=tuple(trips), tolerance=tolerance, summary=summary)


def _checked(n_samples: int, layout: Layout) -> int:
    count = len(layout.chip.examples)
    if not 1 <= n_samples <= count:
        raise InvalidValue(f"`n_samples` must be in 1 to {count}, the examples of this chip, but got {n_samples}")
    return n_samples


def _roles(
    layout: Layout, engine: Engine, folder: Path, limits: Limits, mode: str, role: str | None, kind: str | None,
    sample: int, noise: np.ndarray,
) -> list[tuple[str, int, Comparison]]:  # fmt: skip

    encoder = layout.encode(layout.image(sample))
    posed = {"encode": encoder}
    if role != "encode":
        posed["decode"] = layout.decode(layout.latents(reference.settle(encoder), noise))
    chosen = [role] if role else ["encode", "decode"]
    found = []
    for name in chosen:
        analysis = kind or ("tran" if len(posed[name].names) <= SMALL else "op")
        fixed = mode == "fixed-rail"
        found.append((name, sample, compare(posed[name], engine, folder, limits, kind=analysis, fixed_rail=fixed)))
    return found


def summarise(
    layout: Layout, engine: Engine, mode: str, comparisons: list[tuple[str, int, Comparison]],
    trips: list[tuple[int, RoundTrip]], tolerance: float,
) -> dict[str, object]:  # fmt: skip
    """Return the verdict in plain numbers."""
    blocks = _blocks(layout, comparisons, trips)
    waves = [one.waveforms for _, _, one in comparisons] + [trip.waveforms for _, trip in trips]
    circuits = [one.circuit for _, _, one in comparisons] + [trip.circuit for _, trip in trips]
    largest = max(entry["max"] for entry in blocks.values())
    squares = [entry["rms"] ** 2 for entry in blocks.values()]
    energies = [one.energies for _, _, one in comparisons]
    return {
        "engine": engine.name, "engine_version": engine.version(), "mode": mode,
        "analysis": circuits[0].analysis.kind, "symmetry": circuits[0].array.symmetry,
        "device": layout.choices.device, "neuron": layout.choices.amplifier,
        "n_samples": len({sample for _, sample, _ in comparisons} | {sample for sample, _ in trips}),
        "n_neurons": layout.n_neurons, "n_memristors": layout.n_memristors,
        "n_memristors_simulated": max(circuit.array.n_memristors for circuit in circuits),
        "max_abs_error": largest, "rms_error": float(np.sqrt(np.mean(squares))), "blocks": blocks,
        "energy": [ours for ours, _ in energies],
        "energy_difference": max((abs(theirs - ours) for ours, theirs in energies), default=None),
        "softest_mode": min((one.softest for _, _, one in comparisons), default=None),
        "tolerance": tolerance, "passed": bool(largest <= tolerance),
        "seconds": sum(wave.seconds for wave in waves),
        "processor_seconds": sum(wave.processor_seconds for wave in waves),
        "megabytes": max(wave.megabytes for wave in waves),
    }  # fmt: skip


def _blocks(
    layout: Layout, comparisons: list[tuple[str, int, Comparison]], trips: list[tuple[int, RoundTrip]]
) -> dict[str, dict[str, float]]:
    """Return maximum and rms error by "role.block", over all samples."""
    errors: dict[str, list[np.ndarray]] = {}
    for role, _, one in comparisons:
        network = layout.chip.networks[layout.chip.role(role)[0]]
        for name in layout.chip.role(role)[1].free:
            errors.setdefault(f"{role}.{name}", []).append(one.error[network.block(name)])
    for _, trip in trips:
        network = layout.chip.networks["tied"]
        for role, (ours, theirs) in (("encode", trip.encoded), ("decode", trip.decoded)):
            for name in network.names:
                part = network.block(name)
                errors.setdefault(f"{role}.{name}", []).append((theirs - ours)[part])
    joined = {name: np.concatenate(parts) for name, parts in errors.items()}
    return {
        name: {"max": float(np.abs(error).max()), "rms": float(np.sqrt(np.mean(error**2)))}
        for name, error in joined.items()
    }
