"""Nudged phases in a circuit, and the EP contrast that they measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from circuits.circuit.circuit import Circuit, NudgeSource
from circuits.circuit.layout import Layout
from circuits.circuit.memristor_array import MemristorArray
from circuits.simulators.process import Limits
from circuits.simulators.simulator import Engine
from circuits.verification import reference
from circuits.verification.chip_reference import Sample, devices, line_gains, settle_sample
from circuits.verification.settled import duration
from crossbar.errors import InvalidValue
from crossbar.hopfield.neurons import Classical
from crossbar.hopfield.population import Population

TIGHT = 1e-5  # reltol of nudged circuits: the contrast is a small difference of states


@dataclass(frozen=True, kw_only=True, slots=True)
class Phases:
    """States (N,) of one circuit in the free phase and under +beta and -beta."""

    free: np.ndarray
    plus: np.ndarray
    minus: np.ndarray

    def contrast(self, neurons: Population, beta: float) -> np.ndarray:
        """Return (rho+ rho+^T - rho- rho-^T) / (2 beta), shape (N, N): minus eq. (5), the direction of descent."""
        plus, minus = neurons.signals(self.plus), neurons.signals(self.minus)
        return (np.outer(plus, plus) - np.outer(minus, minus)) / (2 * beta)


def nudge_decoder(circuit: Circuit, block: slice, image: np.ndarray, beta: float) -> Circuit:
    """Return `circuit` with the nudge of eq. (8) on its pixels `block`: the loss gradient y - x."""
    offset, linear = np.zeros(len(circuit.names)), np.zeros(len(circuit.names))
    offset[block], linear[block] = -image, 1.0
    return _with_phases(circuit, offset, linear, np.zeros_like(offset), beta)


def nudge_encoder(
    circuit: Circuit, block: slice, gradient: np.ndarray, beta: float, *, beta_kl: float, noise: np.ndarray,
    log_variances: np.ndarray | None,
) -> Circuit:  # fmt: skip
    """Return `circuit` with the nudges of eq. (10) and (11) on its latents `block`.

    `gradient` (n_latent,) is the loss gradient of eq. (9), held while the encoder settles. The term of eq. (11)
    follows the state. Without `log_variances` (tied chips, sigma fixed) only the means are nudged; else these are the
    free phase's (n_latent,), and the second half of the block gets (sigma / 2) eps gradient and the exponential term.
    """
    size = len(circuit.names)
    offset, linear, exponential = np.zeros(size), np.zeros(size), np.zeros(size)
    means = slice(block.start, block.start + len(gradient))
    offset[means], linear[means] = gradient, beta_kl
    if log_variances is not None:
        spread = slice(means.stop, block.stop)
        offset[spread] = 0.5 * np.exp(0.5 * log_variances) * noise * gradient
        exponential[spread] = 0.5 * beta_kl
    return _with_phases(circuit, offset, linear, exponential, beta)


def _with_phases(
    circuit: Circuit, offset: np.ndarray, linear: np.ndarray, exponential: np.ndarray, beta: float
) -> Circuit:
    if not 0 < beta < 1:
        raise InvalidValue(f"`beta` must be in (0, 1), but got {beta}; 0.02 to 0.1 gives a true gradient")
    pulled = (offset != 0) | (linear != 0) | (exponential != 0)
    if any(law.name == Classical.name and pulled[run].any() for law, run in circuit.neurons.runs):
        raise InvalidValue("classical neurons must not be nudged: eq. (4) would divide the nudge by rho', no cell does")
    nudge = NudgeSource(beta=beta, offset=offset, linear=linear, exponential=exponential)
    return replace(circuit, nudge=nudge, analysis=replace(circuit.analysis, reltol=TIGHT))


def timed(circuit: Circuit, free: np.ndarray, length: Callable[[float], float] = duration) -> Circuit:
    """Return a nudged `circuit` whose phases last one and a half `length` of the softest mode at states `free` (N,)."""
    each = 1.5 * length(reference.softest_mode(circuit, free))
    marks = {"free": each, "plus": 2 * each, "minus": 3 * each}
    return replace(circuit, analysis=replace(circuit.analysis, kind="tran", marks=marks))


def simulated(circuit: Circuit) -> Phases:
    """Return the three phases of a nudged `circuit` by the simulator."""
    if circuit.nudge is None:
        raise InvalidValue("the circuit has no nudge, so no phases")
    free = reference.settle(circuit)
    beta = circuit.nudge.beta
    plus, minus = (reference.settle_nudged(circuit, free, strength) for strength in (beta, -beta))
    return Phases(free=free, plus=plus, minus=minus)


def measured(circuit: Circuit, engine: Engine, folder: Path, limits: Limits) -> Phases:
    """Return the three phases of a nudged and timed `circuit` by `engine`, from one transient."""
    waveforms = engine.settle(circuit, folder, limits)
    unit = circuit.electrical.time_constant
    free = np.flatnonzero(~circuit.clamped)
    names = [circuit.names[index] for index in free]
    states = {}
    for phase, mark in circuit.analysis.marks.items():
        states[phase] = circuit.held.copy()
        states[phase][free] = waveforms.states(names, mark * unit)
    return Phases(**states)


def latent_gradient(
    layout: Layout, circuit: Circuit, phases: Phases, beta: float, array: MemristorArray | None = None
) -> np.ndarray:
    """Return the gradient of the loss by the latents (n_latent,) that the decoder `circuit` clamps, eq. (9).

    dF/dz = z - rho'(z) (W_z rho(s)): z cancels in the difference, rho'(z), 1 of a linear latent, does not. W_z are the
    devices that drive the latents, which a circuit without idle devices leaves out; so they are read from the network's
    whole `array`.
    """
    name = layout.chip.role("decode")[0]
    block = layout.chip.networks[name].block("latent")
    neurons = circuit.neurons
    difference = neurons.signals(phases.plus) - neurons.signals(phases.minus)
    pulled = (array or layout.arrays[name]).weights()[block] @ difference
    slope = neurons.slopes(neurons.signals(circuit.held))[block]
    return -slope * pulled / (2 * beta)


@dataclass(frozen=True, kw_only=True, slots=True)
class ContrastComparison:
    """EP contrasts of decoder and encoder (by network name) from an engine and from the chip's own weights."""

    ours: dict[str, np.ndarray]
    theirs: dict[str, np.ndarray]

    @property
    def relative_error(self) -> float:
        """Largest relative Frobenius error over the networks."""
        return max(
            float(np.linalg.norm(self.theirs[name] - self.ours[name]) / np.linalg.norm(self.ours[name]))
            for name in self.ours
        )


def compare_contrast(
    layout: Layout, engine: Engine, folder: Path, limits: Limits, *, sample: int, seed: int, beta: float, beta_kl: float
) -> ContrastComparison:
    """Measure the whole EP contrast of one image in the circuit, and compare it with that of the chip's own weights.

    The decoder's phases come first; the engine's own gradient of eq. (9) then nudges the engine's encoder.
    """
    chip = layout.chip
    image, noise = layout.image(sample), layout.noise(seed, sample)
    settled_sample = settle_sample(chip, layout.choices, image, noise)
    latents = settled_sample.inputs["decode"]
    decoder_name, encoder_name = chip.role("decode")[0], chip.role("encode")[0]
    encoder = layout.encode(image)
    decoder = nudge_decoder(layout.decode(latents), chip.networks[decoder_name].block("pixels"), image, beta)
    own_encoder, own_decoder = (
        _of_chip(layout, settled_sample, role, circuit) for role, circuit in (("encode", encoder), ("decode", decoder))
    )
    ours = simulated(own_decoder)
    theirs = measured(timed(decoder, ours.free), engine, folder, limits)
    found: list[dict[str, np.ndarray]] = []
    for phases, posed, coder, array in (
        (ours, own_decoder, own_encoder, own_decoder.array), (theirs, decoder, encoder, layout.arrays[decoder_name]),
    ):  # fmt: skip
        gradient = latent_gradient(layout, posed, phases, beta, array)
        nudged = encoder_nudged(layout, coder, gradient, noise, beta, beta_kl)
        settled = simulated(nudged)
        if phases is theirs:
            settled = measured(timed(nudged, settled.free), engine, folder, limits)
        total = {decoder_name: phases.contrast(own_decoder.neurons, beta)}
        total[encoder_name] = settled.contrast(own_encoder.neurons, beta) + total.get(encoder_name, 0.0)
        mask = {name: chip.networks[name].mask() for name in total}
        found.append({name: np.where(mask[name], value, 0.0) for name, value in total.items()})
    return ContrastComparison(ours=found[0], theirs=found[1])


def _of_chip(layout: Layout, sample: Sample, role: str, circuit: Circuit) -> Circuit:
    """Return `circuit` with weights, neurons and clamps read from the chip, past the export."""
    network, held_role = layout.chip.role(role)
    plus, minus, scale = devices(layout.chip, layout.choices, network)
    array = MemristorArray(
        plus=plus.T.copy(), minus=minus.T.copy(), built=layout.chip.networks[network].mask(), siemens_per_weight=scale,
        symmetry="two-device", gains=line_gains(layout.chip, network),
    )  # fmt: skip
    neurons = layout.chip.networks[network].population(layout.chip.networks[network].names)
    held = np.zeros(len(circuit.names))
    held[layout.chip.networks[network].block(held_role.clamped[0])] = sample.inputs[role]
    return replace(circuit, array=array, neurons=neurons, held=held)


def encoder_nudged(
    layout: Layout, encoder: Circuit, gradient: np.ndarray, noise: np.ndarray, beta: float, beta_kl: float
) -> Circuit:
    """Return `encoder` with its nudge towards a lower loss, given the latent `gradient` of eq. (9)."""
    block = layout.chip.networks[layout.chip.role("encode")[0]].block("latent")
    spread = None if layout.chip.tied else np.split(reference.settle(encoder)[block], 2)[1]
    return nudge_encoder(encoder, block, gradient, beta, beta_kl=beta_kl, noise=noise, log_variances=spread)
