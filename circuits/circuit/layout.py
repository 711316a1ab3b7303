"""A chip with the choices of its export: from here every circuit of it is posed, role by role."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from circuits.circuit.circuit import Circuit, build, build_both, build_flow
from circuits.circuit.electrical import Electrical, Wires
from circuits.circuit.generation import Generation
from circuits.circuit.laws import read_voltage
from circuits.circuit.memristor_array import MemristorArray, program, real
from circuits.circuit.units import Reach, reaches
from circuits.memristors import registry
from circuits.memristors.registry import Device
from crossbar.chip import FLOW, Chip
from crossbar.errors import InvalidValue
from crossbar.numerics import checks

OFFSETS = 7919  # of the draws of amplifiers: one chip, whatever else is drawn


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """How a chip is exported.

    Attributes
    ----------
    symmetry : {"shared", "two-device"} or None
        None takes what the chip's conductances allow, see `circuits.circuit.memristor_array.program`.
    device : Device
        Memristor model, a name in `circuits.memristors.registry.MODELS`, or one of one's own.
    amplifier : {"behavioural", "opamp"}
    wires : Wires or None
    g_min, g_max : float
        Range in siemens onto which ideal weights are mapped; assumed, 1 to 100 uS, where the chip has no devices.
    offset_spread : float
        Standard deviation of the operational amplifiers' own offsets, V, drawn once a chip.
    idle : {"keep", "drop"}
        Whether the devices that cannot act in a role are written.
    """

    symmetry: str | None = None
    device: Device = "linear"
    amplifier: str = "behavioural"
    wires: Wires | None = None
    g_min: float = 1e-6
    g_max: float = 1e-4
    idle: str = "keep"
    offset_spread: float = 0.0

    def __post_init__(self) -> None:
        registry.check(self.device)
        checks.not_negative("offset_spread", self.offset_spread)
        if self.offset_spread and self.amplifier != "opamp":
            raise InvalidValue("offsets are of operational amplifiers: give --neuron opamp, or no --offset-spread")
        if self.idle not in ("keep", "drop"):
            raise InvalidValue(f"`idle` must be keep or drop, but got {self.idle!r}")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The circuits of `chip` under `choices`.

    Raises
    ------
    InvalidValue
        A chip that is neither a Hopfield VAE nor a flow: see `check_chip`; a flow with choices that it has not.
    """

    chip: Chip
    choices: Choices = field(default_factory=Choices)

    def __post_init__(self) -> None:
        check_chip(self.chip)
        if self.chip.generates and (self.choices.device != "linear" or self.choices.wires is not None):
            raise InvalidValue("a flow is exported with linear memristors, without wires: leave out --device, --wires")

    @cached_property
    def arrays(self) -> dict[str, MemristorArray]:
        """The memristors of every network, by its name."""
        choices = self.choices
        return {
            name: program(self.chip, name, symmetry=choices.symmetry, g_min=choices.g_min, g_max=choices.g_max)
            for name in self.chip.networks
        }

    @property
    def n_memristors(self) -> int:
        """Devices of the whole chip, all its networks."""
        return sum(array.n_memristors for array in self.arrays.values())

    @property
    def n_neurons(self) -> int:
        """Neurons of the whole chip, all its networks."""
        return sum(network.size for network in self.chip.networks.values())

    def image(self, sample: int) -> np.ndarray:
        """Return example `sample` of the chip, (n_pixels,) in [-1, 1].

        Raises
        ------
        InvalidValue
            The chip carries no such example.
        """
        count = len(self.chip.examples)
        if not count:
            raise InvalidValue(
                "the chip carries no examples, so there is nothing to encode; make it again from its run"
            )
        if not 0 <= sample < count:
            raise InvalidValue(f"`sample` must be in 0 to {count - 1}, the examples of this chip, but got {sample}")
        image = real(self.chip.examples[sample], "examples")
        if not np.abs(image).max(initial=0.0) <= 1 + 1e-6:
            raise InvalidValue(f"example {sample} must lie in [-1, 1], but reaches {np.abs(image).max():g}")
        return image

    def encode(self, image: np.ndarray) -> Circuit:
        """Return the circuit that encodes `image` (n_pixels,)."""
        return self._settle("encode", image)

    def decode(self, latents: np.ndarray) -> Circuit:
        """Return the circuit that decodes `latents` (n_latent,)."""
        return self._settle("decode", latents)

    def both(self, image: np.ndarray, noise: np.ndarray) -> Circuit:
        """Return the single chip that encodes `image`, samples with `noise` (n_latent,), and decodes."""
        if not self.chip.tied:
            raise InvalidValue("--role both needs a tied chip, whose one array has both roles; take each role alone")
        return build_both(self.chip, image, self.arrays["tied"], noise, **self._parts("tied"))

    def generate(self, noise: np.ndarray, slowness: float) -> Circuit:
        """Return the flow that carries `noise` (n_pixels,) to an image, its pixels `slowness` times as slow."""
        network = self.chip.role("generate")[0]
        assert self.chip.readout is not None
        generation = Generation.of(self.chip.networks[network], slowness, self.chip.readout.after)
        return build_flow(self.chip, noise, self.arrays[network], generation, **self._parts(network))

    def latents(self, states: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Return z = mu + sigma eps (eq. 10's reparametrisation) from the states (N,) of a settled encoder.

        Sigma is the chip's own, or exp(log variance / 2) of the encoder's second half of latents.
        """
        network, _ = self.chip.role("encode")
        settled = states[self.chip.networks[network].block("latent")]
        if self.chip.tied:
            return settled + (0.0 if self.chip.sigma is None else self.chip.sigma) * noise
        means, log_variances = np.split(settled, 2)
        return means + np.exp(0.5 * log_variances) * noise

    def noise(self, seed: int, sample: int) -> np.ndarray:
        """Return the draws eps (n_latent,), of a flow (n_pixels,), for `sample`: alike in exports of one `seed`."""
        if self.chip.generates:
            pixels = dict(self.chip.networks[FLOW].blocks)["pixels"]
            return np.random.default_rng([seed, sample]).standard_normal(pixels)
        _, role = self.chip.role("decode")
        return np.random.default_rng([seed, sample]).standard_normal(role.n_clamped)

    def _settle(self, role: str, values: np.ndarray) -> Circuit:
        network, _ = self.chip.role(role)
        circuit = build(self.chip, role, values, self.arrays[network], **self._parts(network))
        if self.choices.idle == "keep":
            return circuit
        return build(self.chip, role, values, circuit.array.acting(circuit.clamped), **self._parts(network))

    def read_voltage(self, network: str) -> float:
        """Return the volts of rho = 1 on a word line: a shared G- lies between v_i and -v_j and sees twice that."""
        chosen = self.chip.networks[network]
        volts = read_voltage(chosen.population(chosen.names), self.choices.device)
        return volts / 2 if self.arrays[network].symmetry == "shared" else volts

    @cached_property
    def reaches(self) -> dict[str, Reach]:
        """How far states and drives of every network go, by its name."""
        return reaches(self.chip)

    def offsets(self, network: str) -> np.ndarray | None:
        """Return the offsets (N, 3) of the amplifiers of `network`, V; None where they do not differ."""
        if not self.choices.offset_spread:
            return None
        place, size = list(self.chip.networks).index(network), self.chip.networks[network].size
        return self.choices.offset_spread * np.random.default_rng([OFFSETS, place]).standard_normal((size, 3))

    def electrical(self, network: str) -> Electrical:
        """Return the electrical sizes of `network`; with amplifiers, states and drives end within their supply."""
        sizes = Electrical(v_read=self.read_voltage(network))
        if self.choices.amplifier != "opamp":
            return sizes
        v_state, v_drive = self.reaches[network].volts(sizes)
        return replace(sizes, v_state=v_state, v_drive=v_drive)

    def _parts(self, network: str) -> dict[str, object]:
        choices = self.choices
        return {
            "device": choices.device, "amplifier": choices.amplifier, "wires": choices.wires,
            "electrical": self.electrical(network), "offsets": self.offsets(network),
        }  # fmt: skip


def check_chip(chip: Chip) -> None:
    """Check what an export relies on, whoever made `chip`.

    Raises
    ------
    InvalidValue
        Other networks than `tied`, or `encoder` and `decoder`; no pixels or latents; numbers that are
        complex or text; a sigma that is negative or fits no latents; examples that fit no pixels.
    """
    if chip.generates:
        return  # `Chip` has checked it
    if set(chip.networks) not in ({"tied"}, {"encoder", "decoder"}):
        raise InvalidValue(f"a chip has a network tied, or encoder and decoder, but got {sorted(chip.networks)!r}")
    for name, network in chip.networks.items():
        if not {"pixels", "latent"} <= set(network.names):
            raise InvalidValue(f"`{name}` must have blocks `pixels` and `latent`, but has {network.names!r}")
        real(chip.weights[name], f"weights of {name}")
    for name, devices in chip.conductances.items():
        real(devices.plus, f"plus of {name}")
        real(devices.minus, f"minus of {name}")
    n_pixels, n_latent = chip.role("encode")[1].n_clamped, chip.role("decode")[1].n_clamped
    sigma = np.zeros(()) if chip.sigma is None else real(np.asarray(chip.sigma), "sigma")
    if sigma.shape not in ((), (n_latent,)) or not (np.isfinite(sigma).all() and (sigma >= 0).all()):
        raise InvalidValue(f"`sigma` must be one number or {n_latent}, finite and not negative, but got {chip.sigma}")
    examples = np.asarray(chip.examples)
    if len(examples) and examples.shape[1:] != (n_pixels,):
        raise InvalidValue(f"`examples` must be (k, {n_pixels}), one column a pixel, but got {examples.shape}")
