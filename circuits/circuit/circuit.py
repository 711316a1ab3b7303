"""From a chip to the circuit that is exported: which devices, which neurons are held, what happens when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from circuits.circuit.electrical import Electrical, Wires
from circuits.circuit.generation import Generation, clock_of
from circuits.circuit.memristor_array import MemristorArray
from circuits.circuit.names import check_names, neuron_names
from circuits.circuit.wired import wired_weights
from circuits.memristors import registry
from circuits.memristors.registry import Device, MemristorModel
from crossbar.chip import Chip
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Classical, Linear, Neuron, Sigmoid
from crossbar.hopfield.population import Population

AMPLIFIERS = ("behavioural", "opamp")
KINDS = ("tran", "op", "tran-op")
UNLIKE_RELTOL = 1e-5  # time constants that differ: at 1e-4 a transient still rippled by 1e-6 at its end
POINTS = 500  # of a flow, at least: its error adds up, 4e-4 V with a tenth of them
REST_RELTOL = 1e-6  # of a flow without time: at 1e-5 a digit ended 6e-4 V away, at this 3e-4 V, in as long


@dataclass(frozen=True, kw_only=True, slots=True)
class NudgeSource:
    """Currents that pull states towards a lower loss (the last term of eq. 4).

    Every neuron k gets -beta (offset_k + linear_k s_k + exponential_k (exp(s_k) - 1)) / r_leak: eq. (8) has offset
    -x and linear 1; eq. (10) and (11) have the loss gradient as offset and beta_KL as linear (mean) or half of it
    as exponential (log variance). The nudge enters without rho', as in eq. (4).

    Attributes
    ----------
    beta : float
        Its strength; the circuit settles freely, then with +beta, then with -beta.
    offset, linear, exponential : ndarray (N,)
    """

    beta: float
    offset: np.ndarray
    linear: np.ndarray
    exponential: np.ndarray


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """The single chip in use: encode, sample and hold the latents, turn the switches, decode.

    Attributes
    ----------
    latents : ndarray (n_latent,) of int
        Which neurons are sampled.
    noise : ndarray (n_latent,)
        The draws eps of z = mu + sigma eps.
    sigma : float
    """

    latents: np.ndarray
    noise: np.ndarray
    sigma: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Analysis:
    """What the simulator is asked for.

    Attributes
    ----------
    kind : {"tran", "op", "tran-op"}
        A transient from the initial state (`uic`), the operating point, or a coarse transient at whose end the
        operating point is sought.
    marks : mapping of str to float
        Ends of the phases in time constants, in order; the last one ends the transient.
    reltol, abstol, vntol, chgtol : float
        SPICE tolerances: these bring settled states to about 1e-8; tighter ones only add time points.
    max_step : float
        Longest time step in time constants; must be given, or a late start of printing sets a tiny one.
    """

    kind: str = "tran"
    marks: Mapping[str, float] = field(default_factory=lambda: {"free": 200.0})
    reltol: float = 1e-4
    abstol: float = 1e-12
    vntol: float = 1e-8
    chgtol: float = 1e-16
    max_step: float = 10.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidValue(f"`kind` must be one of {', '.join(KINDS)}, but got {self.kind!r}")
        if any(not 0 < end < float("inf") for end in self.marks.values()):
            raise InvalidValue(f"`marks` must be positive times, but got {dict(self.marks)}")

    @property
    def stop(self) -> float:
        """End of the transient in time constants."""
        return max(self.marks.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Circuit:
    """All that a netlist says, in numbers; `circuits.dialects.spice` turns it into text.

    Attributes
    ----------
    names : tuple of str
        The neurons, in the order of the states.
    array : MemristorArray
    neurons : Population
        What each neuron does with its state: the paper's sigmoid, linear, classical; its own gain, offset and leak
        where they are not alike.
    clamped : ndarray (N,) of bool
        Neurons that are held (in the single chip: held while encoding).
    held : ndarray (N,)
        The states they are held at.
    start : ndarray (N,)
        Initial states of the free neurons; zero in the paper (section 2).
    rails : ndarray (N,) or None
        States at which all word lines are fixed instead of following the neurons: the fixed-rail check.
    guess : ndarray (N,) or None
        States at which an operating point is sought first (nodesets); without them Newton's method starts at zero.
    expected : ndarray (N,) or None
        States that the last measurements should read, told in comments.
    nudge, turn, generation, wires : optional parts
    device : Device
        Memristor model, one of `circuits.memristors.registry.MODELS`, or one of one's own.
    amplifier : {"behavioural", "opamp"}
    offsets : ndarray (N, 3) or None
        Volts by which amplifiers differ, of each neuron those of its line, its plus and its minus side; of a shared
        array those of its plus and minus rail and its replica.
    heading : tuple of str
        Where the circuit comes from; any text, which `circuits.circuit.comments` makes harmless.
    """

    names: tuple[str, ...]
    array: MemristorArray
    neurons: Population
    clamped: np.ndarray
    held: np.ndarray
    start: np.ndarray
    rails: np.ndarray | None = None
    guess: np.ndarray | None = None
    expected: np.ndarray | None = None
    nudge: NudgeSource | None = None
    turn: Turn | None = None
    generation: Generation | None = None
    wires: Wires | None = None
    device: Device = "linear"
    amplifier: str = "behavioural"
    electrical: Electrical = field(default_factory=Electrical)
    analysis: Analysis = field(default_factory=Analysis)
    offsets: np.ndarray | None = None
    heading: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_names(self.names)
        registry.check(self.device)
        if not isinstance(self.device, str):
            _ = self.memristor  # refused here where it does not reach the conductances
        if self.neurons.stops[-1:] != (len(self.names),):
            raise InvalidValue(f"`neurons` must be {len(self.names)} of the circuit, but end at {self.neurons.stops}")
        own = self.neurons.mismatch
        classical = any(law.name == Classical.name for law in self.neurons.laws)
        if own is not None and (classical or len(own) != len(self.names)):
            raise InvalidValue("`mismatch` must be of all neurons of the circuit, none of them classical")
        if self.amplifier not in AMPLIFIERS:
            raise InvalidValue(f"`neuron` must be one of {', '.join(AMPLIFIERS)}, but got {self.amplifier!r}")
        for name in ("clamped", "held", "start"):
            if getattr(self, name).shape != (len(self.names),):
                raise InvalidValue(f"`{name}` must have {len(self.names)} entries, but has {getattr(self, name).shape}")
        if not (np.isfinite(self.held).all() and np.isfinite(self.start).all()):
            raise InvalidValue("states must be finite, but some held or initial ones are not")
        if self.wires is not None and self.array.symmetry == "shared":
            raise InvalidValue("wires need --symmetry two-device: a shared device has no word line and bit line apart")
        if self.rails is not None and (self.nudge or self.turn):
            raise InvalidValue("the fixed-rail check is for one settled role, without nudges or a turn of roles")

    @property
    def memristor(self) -> MemristorModel:
        """The memristor model, for the range of the array's conductances."""
        held = [side[side > 0] for side in (self.array.plus, self.array.minus)]
        lowest = min((float(side.min()) for side in held if side.size), default=1e-6)
        highest = max((float(side.max()) for side in held if side.size), default=1e-4)
        return registry.memristor(self.device, g_min=lowest, g_max=highest if highest > lowest else 2 * lowest)

    def weights(self) -> np.ndarray:
        """Return the weights (N, N) that the array realises, through the resistance of its lines if they have any."""
        return self.array.weights() if self.wires is None else wired_weights(self.array, self.wires)

    def signals(self, states: np.ndarray) -> np.ndarray:
        """Return rho(s) (N,) at `states`, in which a linear neuron's is s: word lines in units of v_read.

        Where neurons are not alike, rho(a (s - o)) and a (s - o).
        """
        signals, own = np.array(states, np.float64), self.neurons.mismatch
        if own is not None:
            signals = own.gain * (signals - own.offset)
        for law, run in self.neurons.runs:
            if not law.follows:
                signals[run] = 0.5 * (1 + np.tanh(0.5 * law.gain * signals[run]))
        return signals

    def guessed(self) -> dict[str, float]:
        """Return voltages near the operating point by node: states, word lines and drives at `guess`."""
        if self.guess is None:
            return {}
        rho = self.signals(self.guess)
        sizes = self.electrical
        values = {
            "s": sizes.v_state * self.guess, "p": sizes.v_read * self.array.driven(rho),
            "m": sizes.v_drive * (self.weights() @ rho),
        }  # fmt: skip
        return {
            f"{node}_{name}": float(voltages[index])
            for node, voltages in values.items()
            for index, name in enumerate(self.names)
            if (self.rails is None if node == "p" else not self.clamped[index])
        }


def build(chip: Chip, role: str, values: np.ndarray, array: MemristorArray, **parts: object) -> Circuit:
    """Return the circuit of `chip` in one `role`, its clamped block held at `values` (n_clamped,).

    `parts` are further fields of `Circuit`.
    """
    network_name, network_role = chip.role(role)
    network = chip.networks[network_name]
    clamped = np.zeros(network.size, bool)
    for name in network_role.clamped:
        clamped[network.block(name)] = True
    held = np.zeros(network.size)
    if np.shape(values) != (clamped.sum(),):
        raise InvalidValue(f"role {role} clamps {clamped.sum()} neurons, but got {np.shape(values)} values")
    held[clamped] = values
    fields = {
        "names": neuron_names(network, chip.image_shape), "array": array,
        "neurons": network.population(network.names), "clamped": clamped, "held": held,
        "start": np.zeros(network.size), "heading": origin(chip, network_name, role, array),
        "analysis": Analysis() if network.mismatch is None else Analysis(reltol=UNLIKE_RELTOL),
    }  # fmt: skip
    return Circuit(**{**fields, **parts})  # type: ignore[arg-type]


def build_flow(
    chip: Chip, noise: np.ndarray, array: MemristorArray, generation: Generation, **parts: object
) -> Circuit:
    """Return the circuit that carries `noise` (n_pixels,) to an image, its time neurons driven by sources.

    Raises
    ------
    InvalidValue
        Noise of another number of pixels.
    """
    network_name = chip.role("generate")[0]
    network = chip.networks[network_name]
    pixels, time = network.block("pixels"), clock_of(network)
    if np.shape(noise) != (pixels.stop - pixels.start,):
        raise InvalidValue(f"noise must be of {pixels.stop - pixels.start} pixels, but got {np.shape(noise)}")
    start, held = np.zeros(network.size), np.zeros(network.size)
    start[pixels] = noise
    held[time] = ~generation.sine[time]  # at t = 0
    reltol = UNLIKE_RELTOL if len(held[time]) else REST_RELTOL
    return build(
        chip, "generate", held[time], array, start=start, generation=generation,
        analysis=Analysis(
            marks={"generate": generation.duration}, reltol=reltol, max_step=generation.duration / POINTS
        ), **parts,
    )  # fmt: skip


def build_both(chip: Chip, image: np.ndarray, array: MemristorArray, noise: np.ndarray, **parts: object) -> Circuit:
    """Return the single chip with both roles: `image` (n_pixels,) in, its reconstruction out, in one transient.

    Raises
    ------
    InvalidValue
        The chip is not tied: its encoder and decoder are two arrays.
    """
    if not chip.tied or chip.sigma is None:
        raise InvalidValue("--role both needs a tied chip, whose one array encodes and decodes; export each role alone")
    latents = chip.networks["tied"].block("latent")
    sigma = float(np.mean(chip.sigma))  # a sigma for each latent goes into its draw
    draws = np.asarray(noise, float) * (chip.sigma / sigma if sigma > 0 else 1.0)
    turn = Turn(latents=np.arange(latents.start, latents.stop), noise=draws, sigma=sigma)
    return build(chip, "encode", image, array, turn=turn, **parts)


def origin(chip: Chip, network: str, role: str, array: MemristorArray) -> tuple[str, ...]:
    """Return what a netlist says of where it comes from; `circuits.circuit.comments` makes comments of it."""
    provenance = chip.provenance if isinstance(chip.provenance, Mapping) else {"provenance": chip.provenance}
    known = [f"{key}: {value}" for key, value in sorted(provenance.items(), key=str)]
    blocks = ", ".join(f"{name} {size}" for name, size in chip.networks[network].blocks)
    programmed = network in chip.conductances
    source = (
        f"programmed, device {chip.conductances[network].device}" if programmed else "ideal weights mapped linearly"
    )
    return (
        f"network {network} ({blocks}), role {role}, model: {chip.model}",
        f"conductances: {array.n_memristors} memristors, symmetry {array.symmetry}, {source}",
        *_gains(array),
        f"sha256 of the conductances: {array.digest()}",
        *_laws(chip.networks[network]),
        *known,
    )


def _gains(array: MemristorArray) -> tuple[str, ...]:
    """Return that lines have gains, where they have."""
    if array.gains is None:
        return ()
    return ("lines have gains: a weight is also times the `scale` of both its lines, which their cards tell",)


def _number_of(law: Neuron) -> str:
    """Return the number of `law` in words."""
    return "" if law == Linear() else f" to {law.number:g}" if law.follows else f" of gain {law.number:g}"


def _laws(network: Network) -> tuple[str, ...]:
    """Return which neurons `network` has, where they are not all sigmoids of one gain, and that they are not alike."""
    unlike = () if network.mismatch is None else ("neurons are not alike: each card tells its own numbers",)
    if all(law == network.laws[0] and law.name == Sigmoid.name for law in network.laws):
        return unlike
    said = [
        f"{name} {law.name}" + _number_of(law)
        for name, law in zip(network.names, network.laws, strict=True)
    ]
    return (f"neurons: {', '.join(said)}", *unlike)
