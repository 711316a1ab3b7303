"""Is the exported circuit the trained chip? Settled roles of some samples, in an engine and by `crossbar`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from circuits.circuit.circuit import Circuit
from circuits.circuit.layout import Layout
from circuits.simulators.process import Limits
from circuits.simulators.simulator import Engine
from circuits.simulators.waveforms import Waveforms
from circuits.verification import device_error, within_supply
from circuits.verification.chip_reference import Sample, driven, lines, settle_sample
from circuits.verification.read_back import ReadBack, read_back
from circuits.verification.settled import Comparison, compare
from circuits.verification.single_chip import RoundTrip, round_trip
from circuits.verification.wired_tile import compare_tile
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
    amplifier = OPAMP_TOLERANCE if layout.choices.amplifier == "opamp" else 0.0
    turn = CHIP_TOLERANCE if role == "both" else 0.0
    return max(TOLERANCE, amplifier, turn, device_error.tolerance(layout))


def verify(
    layout: Layout, engine: Engine, keep: Path | None, limits: Limits, *, mode: str, role: str | None, kind: str | None,
    n_samples: int, seed: int,
) -> Verification:  # fmt: skip
    """Settle `n_samples` examples in the circuits of `layout` and compare them with the chip's states by `crossbar`.

    The chip's side owes nothing to the export (`circuits.verification.chip_reference`). A rest point that is a saddle
    fails in every mode, and so does a netlist whose text, read back, has other weights, neurons or clamps than it.

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
    comparisons: list[tuple[str, int, Comparison]] = []
    trips: list[tuple[int, RoundTrip]] = []
    texts: list[tuple[str, int, ReadBack]] = []
    for index in range(_checked(n_samples, layout)):
        noise = layout.noise(seed, index)
        sample = settle_sample(layout.chip, layout.choices, layout.image(index), noise, role)
        for name in [role] if role else ["encode", "decode"]:
            with place(keep, index, name) as folder:
                if name == "both":
                    image = layout.image(index)
                    trips.append((index, round_trip(layout, sample, engine, folder, limits, image=image, noise=noise)))
                else:
                    circuit = posed(layout, sample, index, name)
                    asked = kind or _analysis(layout, circuit)
                    found = compare(
                        circuit, sample.rests[name], engine, folder, limits, kind=asked, fixed_rail=mode == "fixed-rail"
                    )
                    comparisons.append((name, index, found))
                if layout.choices.device == "linear":
                    texts.append((name, index, read_back(layout, folder / engine.netlist, sample, noise)))
    tolerance = tolerance_of(layout, role)
    summary = summarise(layout, engine, mode, comparisons, trips, texts, tolerance)
    return Verification(comparisons=tuple(comparisons), trips=tuple(trips), tolerance=tolerance, summary=summary)


def posed(layout: Layout, sample: Sample, index: int, role: str) -> Circuit:
    """Return the circuit of `role` in which example `index` is verified: a decoder clamps the latents of the chip."""
    return layout.encode(layout.image(index)) if role == "encode" else layout.decode(sample.inputs["decode"])


def _analysis(layout: Layout, circuit: Circuit) -> str:
    small = len(circuit.names) <= SMALL and layout.choices.wires is None
    return "tran" if small or layout.choices.device != "linear" else "op"


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
    if not count:
        raise InvalidValue("the chip carries no examples, so there is nothing to verify; make it again from its run")
    if not 1 <= n_samples <= count:
        raise InvalidValue(f"`n_samples` must be in 1 to {count}, the examples of this chip, but got {n_samples}")
    return n_samples


def _tile(
    layout: Layout, engine: Engine, keep: Path | None, limits: Limits, role: str | None, n_samples: int, seed: int
) -> Verification:
    """Return the verdict on one tile with wires, for each sample, its lines driven as at rest without wires."""
    if engine.name != "ngspice":
        raise InvalidValue(f"--mode tile runs in ngspice, but got {engine.name}; leave out --engine")
    chosen, chip = role or "encode", layout.chip
    found, softest = [], []
    for index in range(_checked(n_samples, layout)):
        ideal = replace(layout.choices, wires=None)
        sample = settle_sample(chip, ideal, layout.image(index), layout.noise(seed, index), chosen)
        rest = sample.rests[chosen]
        circuit = posed(layout, sample, index, chosen)
        volts = circuit.electrical.v_read * driven(chip, chip.role(chosen)[0], rest.neurons.signals(rest.states))
        held = lines(chip, layout.choices, chosen)
        with place(keep, index, chosen) as folder:
            found.append(compare_tile(circuit, held, volts, rest.states, folder, limits))
        softest.append(rest.softest)
    worst = max(found, key=lambda one: one.error)
    waves = [one.waveforms for one in found]
    summary: dict[str, object] = {
        "engine": engine.name, "engine_version": engine.version(), "mode": "tile", "analysis": "op",
        "symmetry": circuit.array.symmetry, "device": str(layout.choices.device), "neuron": layout.choices.amplifier,
        "n_samples": n_samples, "n_neurons": len(worst.rows), "n_memristors": worst.n_memristors, "unit": "relative",
        "chip_neurons": layout.n_neurons, "chip_memristors": layout.n_memristors,
        "simulated": f"one tile of {len(worst.rows)} word lines and {len(worst.columns)} bit lines",
        "max_abs_error": worst.error, "rms_error": worst.error, "current_kept": min(one.kept for one in found),
        "blocks": {f"{chosen}.tile": {"max": worst.error, "rms": worst.error}}, "softest_mode": min(softest),
        "tolerance": TOLERANCE, **_verdict(layout, worst.error, TOLERANCE, min(softest), []), **_used(waves),
    }  # fmt: skip
    return Verification(comparisons=(), trips=(), tolerance=TOLERANCE, summary=summary)


def _verdict(
    layout: Layout, largest: float, tolerance: float, softest: float, texts: list[tuple[str, int, ReadBack]],
    beyond: Sequence[str] = (),
) -> dict[str, object]:  # fmt: skip
    """Return whether all is well, and what is not: states that differ, a saddle, a text that differs, or `beyond`."""
    reasons = [*beyond]
    if not largest <= tolerance:
        reasons.append(f"the circuit is not the chip: {largest:.1e} apart, {tolerance:.0e} allowed")
        reasons += device_error.reasons(layout)
    if not softest > 0:
        reasons.append(f"the chip does not stay at this rest point, a saddle: softest mode {softest:.1e}")
    for role, index, text in texts:
        reasons += [f"the netlist of {role}, sample {index}, is not the chip: {problem}" for problem in text.problems]
    return {"passed": not reasons, "reasons": reasons}


def _used(waves: Sequence[Waveforms]) -> dict[str, float]:
    return {
        "seconds": sum(wave.seconds for wave in waves),
        "processor_seconds": sum(wave.processor_seconds for wave in waves),
        "megabytes": max(wave.megabytes for wave in waves),
    }


def summarise(
    layout: Layout, engine: Engine, mode: str, comparisons: list[tuple[str, int, Comparison]],
    trips: list[tuple[int, RoundTrip]], texts: list[tuple[str, int, ReadBack]], tolerance: float,
) -> dict[str, object]:  # fmt: skip
    """Return the verdict in plain numbers: neurons and memristors are those of the largest circuit simulated."""
    blocks = _blocks(layout, comparisons, trips)
    waves = [one.waveforms for _, _, one in comparisons] + [trip.waveforms for _, trip in trips]
    circuits = [one.circuit for _, _, one in comparisons] + [trip.circuit for _, trip in trips]
    largest = float(np.max([entry["max"] for entry in blocks.values()]))  # NaN stays NaN
    softest = min([one.softest for _, _, one in comparisons] + [trip.softest for _, trip in trips])
    squares = [entry["rms"] ** 2 for entry in blocks.values()]
    energies = [one.energies for _, _, one in comparisons]
    own = [one.own_error for _, _, one in comparisons]
    found = within_supply.volts(layout, waves)
    roles = sorted({role for role, _, _ in comparisons}, reverse=True) or ["both"]
    return {
        "engine": engine.name, "engine_version": engine.version(), "mode": mode,
        "analysis": circuits[0].analysis.kind, "symmetry": circuits[0].array.symmetry,
        "device": str(layout.choices.device), "neuron": layout.choices.amplifier,
        "n_samples": len({sample for _, sample, _ in comparisons} | {sample for sample, _ in trips}),
        "n_neurons": max(len(circuit.names) for circuit in circuits),
        "n_memristors": max(circuit.array.n_memristors for circuit in circuits),
        "chip_neurons": layout.n_neurons, "chip_memristors": layout.n_memristors, "simulated": " and ".join(roles),
        "max_abs_error": largest, "rms_error": float(np.sqrt(np.mean(squares))), "blocks": blocks,
        "max_abs_error_of_own_weights": None if None in own or not own else max(one for one in own if one is not None),
        "energy": [ours for ours, _ in energies],
        "energy_difference": max((abs(theirs - ours) for ours, theirs in energies), default=None),
        "softest_mode": softest, "tolerance": tolerance, "read_back": [text.summary() for _, _, text in texts],
        "device_measured": device_error.measured(layout.choices.device),
        **_verdict(layout, largest, tolerance, softest, texts, within_supply.reasons(found)), **found, **_used(waves),
    }  # fmt: skip


def _blocks(
    layout: Layout, comparisons: list[tuple[str, int, Comparison]], trips: list[tuple[int, RoundTrip]]
) -> dict[str, dict[str, float]]:
    """Return maximum and rms error by "role.block", over all samples; what is clamped must agree too."""
    errors: dict[str, list[np.ndarray]] = {}
    for role, _, one in comparisons:
        network = layout.chip.networks[layout.chip.role(role)[0]]
        for name in network.names:
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
