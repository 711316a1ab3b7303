"""Is the exported circuit the trained chip? Settled roles of some samples, in an engine and in the simulator."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from circuits import reference
from circuits.comparison import Comparison, compare
from circuits.engines.engine import Engine
from circuits.engines.process import Limits
from circuits.layout import Layout
from circuits.single_chip import RoundTrip, round_trip
from circuits.wired_tile import compare_tile
from crossbar.errors import InvalidValue

MODES = ("coupled", "fixed-rail", "tile")
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
    layout: Layout, engine: Engine, keep: Path | None, limits: Limits, *, mode: str, role: str | None, kind: str | None,
    n_samples: int, seed: int,
) -> Verification:  # fmt: skip
    """Settle `n_samples` examples in the circuits of `layout` and compare them with the simulator.

    Parameters
    ----------
    keep : Path or None
        Folder for the circuit, log and waveforms of each simulation, in a folder of its own; see `place`.
    mode : {"coupled", "fixed-rail", "tile"}
        "tile": the tile with wires that carries most current, alone, its lines driven as in equilibrium.
    role : {"encode", "decode", "both"} or None
        None settles both roles, one after the other; "both" runs the single chip's transient.
    kind : {"tran", "op"} or None
        Analysis of a coupled circuit; None takes a transient up to 200 neurons, else an operating point.

    Raises
    ------
    InvalidValue
        An unknown mode, one that the single chip does not have, or more samples than the chip carries.
    EngineError, DivergedError
    """
    if mode not in MODES:
        raise InvalidValue(f"`mode` must be one of {', '.join(MODES)}, but got {mode!r}")
    if role == "both" and (mode != "coupled" or kind not in (None, "tran")):
        raise InvalidValue(
            f"--role both is one coupled transient, but got mode {mode} and analysis {kind or 'tran'}; "
            "leave out --mode and --analysis, or take --role encode or decode"
        )
    if mode == "tile":
        return _tile(layout, engine, keep, limits, role, n_samples, seed)
    samples = range(_checked(n_samples, layout))
    comparisons: list[tuple[str, int, Comparison]] = []
    trips: list[tuple[int, RoundTrip]] = []
    for sample in samples:
        image, noise = layout.image(sample), layout.noise(seed, sample)
        if role == "both":
            with place(keep, sample, role) as folder:
                trips.append((sample, round_trip(layout, engine, folder, limits, image=image, noise=noise)))
            continue
        comparisons += _roles(layout, engine, keep, limits, mode, role, kind, sample, noise)
    tolerance = tolerance_of(layout, role)
    summary = summarise(layout, engine, mode, comparisons, trips, tolerance)
    return Verification(comparisons=tuple(comparisons), trips=tuple(trips), tolerance=tolerance, summary=summary)


@contextmanager
def place(keep: Path | None, sample: int, role: str) -> Iterator[Path]:
    """Give a folder for one simulation: `SAMPLE-ROLE` within `keep`, or one that is gone afterwards."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="hopbar-") as temporary:
            yield Path(temporary)
        return
    folder = keep / f"{sample}-{role}"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def _checked(n_samples: int, layout: Layout) -> int:
    count = len(layout.chip.examples)
    if not 1 <= n_samples <= count:
        raise InvalidValue(f"`n_samples` must be in 1 to {count}, the examples of this chip, but got {n_samples}")
    return n_samples


def _roles(
    layout: Layout, engine: Engine, keep: Path | None, limits: Limits, mode: str, role: str | None, kind: str | None,
    sample: int, noise: np.ndarray,
) -> list[tuple[str, int, Comparison]]:  # fmt: skip
    encoder = layout.encode(layout.image(sample))
    posed = {"encode": encoder}
    if role != "encode":
        posed["decode"] = layout.decode(layout.latents(reference.settle(encoder), noise))
    chosen = [role] if role else ["encode", "decode"]
    found = []
    for name in chosen:
        small = len(posed[name].names) <= SMALL and layout.choices.wires is None
        analysis = kind or ("tran" if small else "op")
        fixed = mode == "fixed-rail"
        with place(keep, sample, name) as folder:
            found.append((name, sample, compare(posed[name], engine, folder, limits, kind=analysis, fixed_rail=fixed)))
    return found


def _tile(
    layout: Layout, engine: Engine, keep: Path | None, limits: Limits, role: str | None, n_samples: int, seed: int
) -> Verification:
    """Return the verdict on one tile with wires, for each sample."""
    if engine.name != "ngspice":
        raise InvalidValue(f"--mode tile runs in ngspice, but got {engine.name}; leave out --engine")
    found = []
    for sample in range(_checked(n_samples, layout)):
        circuit = layout.encode(layout.image(sample))
        if role == "decode":
            ideal = replace(circuit, wires=None)
            circuit = layout.decode(layout.latents(reference.settle(ideal), layout.noise(seed, sample)))
        with place(keep, sample, role or "encode") as folder:
            found.append(compare_tile(circuit, reference.settle(replace(circuit, wires=None)), folder, limits))
    worst = max(found, key=lambda one: one.error)
    waves = [one.waveforms for one in found]
    summary: dict[str, object] = {
        "engine": engine.name, "engine_version": engine.version(), "mode": "tile", "analysis": "op",
        "symmetry": circuit.array.symmetry, "device": layout.choices.device, "neuron": layout.choices.amplifier,
        "n_samples": len(found), "n_neurons": layout.n_neurons, "n_memristors": layout.n_memristors,
        "n_memristors_simulated": worst.n_memristors, "max_abs_error": worst.error, "unit": "of the largest current",
        "rows": [worst.rows.start, worst.rows.stop], "columns": [worst.columns.start, worst.columns.stop],
        "current_kept": worst.kept, "blocks": {}, "tolerance": TOLERANCE, "passed": bool(worst.error <= TOLERANCE),
        "seconds": sum(wave.seconds for wave in waves),
        "processor_seconds": sum(wave.processor_seconds for wave in waves),
        "megabytes": max(wave.megabytes for wave in waves),
    }  # fmt: skip
    return Verification(comparisons=(), trips=(), tolerance=TOLERANCE, summary=summary)


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
