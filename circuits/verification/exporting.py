"""What `hopbar netlist` writes and `hopbar verify` proves: requests in, files and plain numbers out."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from circuits import simulators
from circuits.circuit.circuit import Circuit
from circuits.circuit.generation import slowness_of
from circuits.circuit.laws import LINEAR_SWING
from circuits.circuit.layout import Choices, Layout
from circuits.verification import generating, nudged, reference, single_chip
from circuits.verification.chip_reference import Sample, settle_sample
from circuits.verification.dialects import write_as
from circuits.verification.flow_reference import carried
from circuits.verification.settled import LONGEST, needed, writable
from circuits.verification.verdict import SMALL, verify
from crossbar.chip import GENERATE
from crossbar.errors import InvalidValue

COUPLED = 800  # neurons up to which a coupled circuit is the default
BYTES = 68  # of a memristor's card
LARGE = 1e9  # bytes of netlists that are told before they are written


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Which circuit is written: role (None for all there is), phase, sample and its noise, nudge, dialect, slowness."""

    role: str | None = None
    phase: str = "free"
    sample: int = 0
    seed: int = 0
    beta: float = 0.05
    beta_kl: float = 1.9
    dialect: str = "ngspice"
    slowness: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.beta_kl) and self.beta_kl >= 0):
            raise InvalidValue(f"`beta_kl` must be finite and not negative, but got {self.beta_kl}")


def export_chip(
    layout: Layout, request: Request, folder: Path, source: str, warn: Callable[[str], None] = lambda _: None
) -> dict:
    """Write the circuits of `request` to `folder` and return what was written; `warn` hears warnings at once.

    A tied chip without a role becomes the single chip with both roles (for VACASK two netlists, as for an untied one).
    """
    circuits, warnings = posed(layout, request)
    folder.mkdir(parents=True, exist_ok=True)
    warnings += _check_size(circuits.values(), folder)
    for warning in warnings:
        warn(warning)
    files = []
    started = time.perf_counter()
    for name, circuit in circuits.items():
        suffix = "-nudged" if request.phase == "nudged" else ""
        origin = (f"source: {source}, sample {request.sample}, noise seed {request.seed}", *circuit.heading)
        path, told = write_as(replace(circuit, heading=origin), folder, f"{name}{suffix}", request.dialect)
        files.append(
            {
                "path": str(path), "role": name, "n_memristors": circuit.array.n_memristors,
                "n_neurons": len(circuit.names), "sha256": circuit.array.digest(), "bytes": path.stat().st_size,
                **told,
            }
        )  # fmt: skip
    return {
        "files": files, "symmetry": next(iter(circuits.values())).array.symmetry, "n_memristors": layout.n_memristors,
        "n_neurons": layout.n_neurons, "seconds": time.perf_counter() - started, "warnings": warnings,
    }  # fmt: skip


def posed(layout: Layout, request: Request) -> tuple[dict[str, Circuit], list[str]]:
    """Return the circuits of `request` by role, and what a reader must know of them."""
    _check_role(layout, request)
    if layout.chip.generates:
        noise = layout.noise(request.seed, request.sample)
        slowness = slowness_of(layout.chip, request.slowness)
        ours = carried(layout.chip, layout.choices, noise, slowness)
        return {GENERATE: replace(layout.generate(noise, slowness), expected=ours)}, []
    image, noise = layout.image(request.sample), layout.noise(request.seed, request.sample)
    single = layout.chip.tied and request.phase == "free" and request.dialect != "vacask"
    role = request.role or ("both" if single else None)
    if role == "both" and request.phase == "nudged":
        raise InvalidValue("--phase nudged needs --role encode or decode: each role has phases of its own")
    alone = "encode" if role == "encode" and request.phase == "free" else None
    sample = settle_sample(layout.chip, layout.choices, image, noise, alone)
    if role == "both":
        circuit = single_chip.timed(layout, sample, image, noise, writable)
        return {"both": replace(circuit, expected=sample.rests["decode"].states)}, _warnings(layout, sample)
    found = {}
    for name in [role] if role else ["encode", "decode"]:
        circuit = layout.encode(image) if name == "encode" else layout.decode(sample.inputs["decode"])
        if request.phase == "nudged":
            encoder = layout.encode(image)
            circuit = _nudged(layout, request, name, encoder, reference.settle(encoder), image, noise)
            phases = nudged.simulated(circuit)
            found[name] = replace(nudged.timed(circuit, phases.free, writable), expected=phases.minus)
        else:
            marks = {"free": writable(sample.rests[name].softest)}
            analysis = replace(circuit.analysis, marks=marks)
            found[name] = replace(circuit, analysis=analysis, expected=sample.rests[name].states)
    return found, _warnings(layout, sample)


def _check_role(layout: Layout, request: Request) -> None:
    """Raise `InvalidValue` unless the chip has the role that is asked for, in the language that is asked for."""
    if layout.chip.generates != (request.role == GENERATE) and request.role is not None:
        kind = "a flow, whose role is generate" if layout.chip.generates else "a VAE, whose roles are encode and decode"
        raise InvalidValue(f"the chip is {kind}, but got --role {request.role}: leave it out")
    if layout.chip.generates and (request.dialect != "ngspice" or request.phase != "free"):
        raise InvalidValue("a flow is written for ngspice, in its free phase: leave out --dialect and --phase")


def _warnings(layout: Layout, sample: Sample) -> list[str]:
    """Return what a reader must know of netlists whose end is not the chip's rest point."""
    said = []
    for role, rest in sample.rests.items():
        if not rest.softest > 0:
            said.append(
                f"{role}: the chip's rest point is a saddle (softest mode {rest.softest:.1e}), no circuit stays"
            )
        elif needed(rest.softest) > LONGEST:
            said.append(
                f"{role}: the softest mode (stiffness {rest.softest:.1e}) needs {needed(rest.softest):.0f} time "
                f"constants; the transient was cut at {LONGEST:.0f}, where the circuit is not yet at rest"
            )
        signals = rest.neurons.signals(rest.states)
        lines = [signals[run] for law, run in rest.neurons.runs if law.follows]
        furthest = max((float(np.abs(line).max()) for line in lines), default=0.0)
        if layout.choices.device != "linear" and furthest > LINEAR_SWING:
            said.append(
                f"{role}: linear neurons reach |s| = {furthest:.1f}; beyond {LINEAR_SWING:g} their lines may move the "
                f"{layout.choices.device} devices that they read"
            )
    return said


def _check_size(circuits: Iterable[Circuit], folder: Path) -> list[str]:
    """Return a warning of netlists that are large; refuse those that the disk has no room for."""
    size = BYTES * sum(circuit.array.n_memristors for circuit in circuits)
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InvalidValue(f"the netlists need about {size / 1e9:.1f} GB, but {folder} has {free / 1e9:.1f} GB left")
    return [f"writing about {size / 1e9:.1f} GB"] if size > LARGE else []


def _nudged(
    layout: Layout, request: Request, role: str, encoder: Circuit, encoded: np.ndarray, image: np.ndarray,
    noise: np.ndarray,
) -> Circuit:  # fmt: skip
    network = layout.chip.networks[layout.chip.role("decode")[0]]
    decoder = layout.decode(layout.latents(encoded, noise))
    pulled = nudged.nudge_decoder(decoder, network.block("pixels"), image, request.beta)
    if role == "decode":
        return pulled
    phases = nudged.simulated(pulled)
    gradient = nudged.latent_gradient(layout, pulled, phases, request.beta)
    return nudged.encoder_nudged(layout, encoder, gradient, noise, request.beta, request.beta_kl)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """How a chip is verified: engine, mode (None by role and size), analysis, role, samples, limits, where it is kept.

    `keep` gets a folder `SAMPLE-ROLE` for each simulation.
    """

    engine: str = "ngspice"
    mode: str | None = None
    analysis: str | None = None
    role: str | None = None
    n_samples: int = 1
    seed: int = 0
    seconds: float = 900.0
    gigabytes: float = 12.0
    keep: Path | None = None
    slowness: float | None = None


def default_mode(layout: Layout, largest: int, engine: str) -> str:
    """Return how a chip whose largest network has `largest` neurons is verified: wires cost two nodes a device."""
    if layout.choices.device != "linear":
        return "coupled"  # nothing but time holds the state of a device
    if layout.choices.wires is not None:
        return "coupled" if largest <= SMALL else "tile"
    return "coupled" if largest <= COUPLED or engine == "vacask" else "fixed-rail"


def prove(layout: Layout, proof: Proof) -> dict:
    """Verify the chip of `layout`, keep pictures, waveforms and verification.json where asked; return the summary.

    Above 200 neurons, devices that cannot act in a role are left out of its circuit: ngspice needs minutes as it is.
    """
    engine = simulators.engine(proof.engine)
    _check_role(layout, Request(role=proof.role))
    if layout.chip.generates:
        return _prove_flow(layout, proof)
    largest = max(network.size for network in layout.chip.networks.values())
    mode = proof.mode or ("coupled" if proof.role == "both" else default_mode(layout, largest, proof.engine))
    if largest > SMALL and proof.role != "both":
        layout = Layout(chip=layout.chip, choices=replace(layout.choices, idle="drop"))
    limits = simulators.Limits(seconds=proof.seconds, gigabytes=proof.gigabytes)
    if proof.keep is not None:
        proof.keep.mkdir(parents=True, exist_ok=True)
    found = verify(
        layout, engine, proof.keep, limits, mode=mode, role=proof.role, kind=proof.analysis,
        n_samples=proof.n_samples, seed=proof.seed,
    )  # fmt: skip
    summary = dict(found.summary)
    if proof.keep is not None and mode != "tile":
        from circuits.verification.figures import draw_images, draw_waveforms

        runs = [(one.circuit, one.waveforms) for _, _, one in found.comparisons]
        runs += [(trip.circuit, trip.waveforms) for _, trip in found.trips]
        picture = draw_images(layout, found, proof.keep / "images.png")
        drawn = draw_waveforms(layout, *runs[0], proof.keep / "waveforms.png")
        summary |= {"picture": picture and str(picture), "waveforms": drawn and str(drawn)}
    if proof.keep is not None:
        (proof.keep / "verification.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return summary


def _prove_flow(layout: Layout, proof: Proof) -> dict:
    """Draw from noise in the circuit, keep what is asked for; return the summary."""
    if proof.mode not in (None, "coupled") or proof.analysis not in (None, "tran"):
        raise InvalidValue("a flow is one coupled transient: leave out --mode and --analysis")
    limits = simulators.Limits(seconds=proof.seconds, gigabytes=proof.gigabytes)
    if proof.keep is not None:
        proof.keep.mkdir(parents=True, exist_ok=True)
    found, summary = generating.verify(
        layout, simulators.engine(proof.engine), proof.keep, limits, slowness=slowness_of(layout.chip, proof.slowness),
        n_samples=proof.n_samples, seed=proof.seed,
    )  # fmt: skip
    if proof.keep is not None:
        from circuits.verification.flow_figure import draw_flow

        summary |= {"picture": str(draw_flow(layout, found, proof.keep / "images.png"))}
        (proof.keep / "verification.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return summary


__all__ = ["Choices", "Layout", "Proof", "Request", "export_chip", "prove"]
