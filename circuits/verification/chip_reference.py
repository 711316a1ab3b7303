"""Where the networks of a chip rest, by `crossbar` alone: what an exported circuit is held against.

Nothing of the export has a part in it: weights, directions, neurons, clamps and examples are read from the chip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from circuits.circuit.electrical import Wires
from circuits.circuit.layout import Choices
from crossbar.chip import Chip
from crossbar.errors import DivergedError
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.network import Network, Patch, Role
from crossbar.hopfield.neurons import Classical
from crossbar.hopfield.newton import hessian, newton, softest_mode
from crossbar.hopfield.population import Population
from crossbar.hopfield.settling import Euler
from crossbar.wires.solver import effective_matrix

NEAR = 1e-6  # residual at which Newton's method takes over from Euler's


@dataclass(frozen=True, kw_only=True, slots=True)
class Rest:
    """A network of a chip at rest in one role.

    Attributes
    ----------
    states : ndarray (N,)
        Clamped ones too, in the order of the network's blocks.
    softest : float
        Smallest real part of the Hessian's eigenvalues, classical neurons' rows over rho' (as -tau ds/dt has them);
        where it is not positive, no chip stays there.
    weights : ndarray (N, N)
        [source, target], as `crossbar.hopfield.couplings`.
    neurons : Population
    """

    states: np.ndarray
    softest: float
    weights: np.ndarray
    neurons: Population

    def energy(self, states: np.ndarray) -> float:
        """Return E(s) of eq. (1) over all neurons, clamped ones too, at `states` (N,)."""
        signals = self.neurons.signals(states)
        own = self.neurons.mismatch
        field = 0.0 if own is None else own.pulls @ signals
        return float(self.neurons.energies(states).sum() - 0.5 * signals @ self.weights @ signals - field)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One example of a chip, encoded, sampled and decoded by `crossbar`.

    Attributes
    ----------
    inputs : mapping of role to ndarray
        What is clamped: the image (n_pixels,), the sample z = mu + sigma eps (n_latent,).
    rests : mapping of role to Rest
    """

    inputs: dict[str, np.ndarray]
    rests: dict[str, Rest]


def settle_sample(
    chip: Chip, choices: Choices, image: np.ndarray, noise: np.ndarray, role: str | None = None
) -> Sample:
    """Return where `chip` rests while it encodes `image` (n_pixels,), and decodes the sample made with `noise`.

    With `role` "encode" it is not decoded.
    """
    image = np.asarray(image, np.float64)
    encoded = rest(chip, choices, "encode", image)
    if role == "encode":
        return Sample(inputs={"encode": image}, rests={"encode": encoded})
    latents = sampled(chip, encoded.states, noise)
    decoded = rest(chip, choices, "decode", latents)
    return Sample(inputs={"encode": image, "decode": latents}, rests={"encode": encoded, "decode": decoded})


def sampled(chip: Chip, states: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return z = mu + sigma eps (n_latent,) from the encoder's `states` (N,); sigma is the chip's or the encoder's."""
    settled = states[chip.networks[chip.role("encode")[0]].block("latent")]
    if chip.tied:
        return settled + np.asarray(0.0 if chip.sigma is None else chip.sigma) * noise
    half = len(settled) // 2
    return settled[:half] + np.exp(settled[half:] / 2) * noise


def rest(chip: Chip, choices: Choices, name: str, inputs: np.ndarray) -> Rest:
    """Return where the network of role `name` rests with its clamped block at `inputs`, from the paper's state zero.

    Euler's scheme (eq. 3) follows eq. (2) into the basin, Newton's method takes it to rounding.

    Raises
    ------
    DivergedError
        It does not come to rest.
    """
    network, role = chip.role(name)
    weights = realised(chip, choices, name)
    if choices.wires is not None:
        role = _Leaking(chip.networks[network], role.clamped)
    couplings = IdealWeights(role.network, weights, symmetric=np.array_equal(weights, weights.T))
    landscape = Landscape.clamp(couplings, role, np.asarray(inputs, np.float64)[None, :])
    free = newton(landscape, _followed(landscape))
    pace = np.sqrt(_pace(landscape, free)[0])
    softest = softest_mode(hessian(landscape, free) / np.outer(pace, pace))
    states = role.join(free, np.asarray(inputs, np.float64)[None, :])[0]
    return Rest(states=states, softest=softest, weights=weights, neurons=role.network.population(role.network.names))


class _Leaking(Role):
    """A role in a network whose lines have resistance: currents also reach those that have no device of their own."""

    @cached_property
    def _all(self) -> Network:
        return Network(self.network.blocks, "dense")

    @cached_property
    def within(self) -> tuple[Patch, ...]:
        return self._all.patches(self.free, self.free)

    @cached_property
    def inward(self) -> tuple[Patch, ...]:
        return self._all.patches(self.clamped, self.free)


def _followed(landscape: Landscape) -> np.ndarray:
    """Return the states (1, n_free) to which the neurons' own steps lead from zero."""
    classical = any(law.name == Classical.name for law in landscape.neurons.laws)
    steps = Euler(time_step=0.1, max_sweeps=100, tolerance=0.0 if classical else NEAR)
    states = np.zeros_like(landscape.drive)
    for _ in range(300):
        states = steps.settle(landscape, states).states
        velocity = float(np.abs(landscape.gradient(states) / _pace(landscape, states)).max())
        if not velocity > NEAR:
            break
    if not velocity <= 1e-3:
        raise DivergedError(f"the chip does not settle (residual {velocity:.1e}); check its weights")
    return states


def _pace(landscape: Landscape, states: np.ndarray) -> np.ndarray:
    """Return grad E over -tau ds/dt, (1, n_free): rho' of a classical neuron, whose ds/dt = -s + u, and 1 of others."""
    slopes = landscape.neurons.slopes(landscape.neurons.signals(states))
    pace = np.ones_like(slopes)
    for law, run in landscape.neurons.runs:
        if law.name == Classical.name:
            pace[:, run] = slopes[:, run]
    if not (pace > 0).all():
        raise DivergedError("a classical neuron is so far saturated that float64 does not tell its state; lower `gain`")
    return pace


def realised(chip: Chip, choices: Choices, name: str) -> np.ndarray:
    """Return the weights (N, N), [source, target], that role `name` computes with: the chip's, through wires if any."""
    network = chip.role(name)[0]
    if choices.wires is None:
        plus_minus = chip.conductances.get(network)
        if plus_minus is None:
            return np.asarray(chip.effective_weights(network), np.float64)
        plus, minus = (np.asarray(side, np.float64) for side in (plus_minus.plus, plus_minus.minus))
        return replace(plus_minus, plus=plus, minus=minus).weights()
    seen = _through(lines(chip, choices, name), choices.wires)
    realised = (seen[:, 0::2] - seen[:, 1::2]) / devices(chip, choices, network)[2]
    gains = line_gains(chip, network)
    return realised * gains[:, None] * gains


def line_gains(chip: Chip, network: str) -> np.ndarray:
    """Return the gain (N,) of every neuron's line, 1 where the chip has none."""
    programmed = chip.conductances.get(network)
    if programmed is None or programmed.gains is None:
        return np.ones(chip.networks[network].size)
    return np.asarray(programmed.gains, np.float64)


def driven(chip: Chip, network: str, signals: np.ndarray) -> np.ndarray:
    """Return what the word lines (N,) of `network` are at, in units of v_read, for `signals` (N,)."""
    return signals * line_gains(chip, network)


def devices(chip: Chip, choices: Choices, network: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Return G+, G- (N, N) in siemens, [source, target], and the siemens that stand for a weight of 1.

    A chip without devices gets them as documented: the larger of a pair by |w|, the other at g_min.
    """
    programmed = chip.conductances.get(network)
    if programmed is not None:
        plus, minus = (np.asarray(side, np.float64) for side in (programmed.plus, programmed.minus))
        return plus, minus, programmed.siemens_per_weight
    weights = np.asarray(chip.effective_weights(network), np.float64)
    scale = (choices.g_max - choices.g_min) / (np.abs(weights).max() or 1.0)
    there = chip.networks[network].mask()
    plus, minus = (np.where(there, choices.g_min + scale * np.maximum(side, 0), 0.0) for side in (weights, -weights))
    return plus, minus, scale


def lines(chip: Chip, choices: Choices, name: str) -> np.ndarray:
    """Return the conductances (N, 2 N): a row a word line, columns 2 j and 2 j + 1 the bit lines G+ and G- of target j.

    Bit lines of neurons that are always clamped (an untied encoder's pixels), or whose idle devices are dropped, have
    no devices.
    """
    network, role = chip.role(name)
    plus, minus, _ = devices(chip, choices, network)
    both = np.empty((len(plus), 2 * len(plus)))
    both[:, 0::2], both[:, 1::2] = plus, minus
    if choices.idle == "drop" or network == "encoder":
        for block in role.clamped:
            part = chip.networks[network].block(block)
            both[:, 2 * part.start : 2 * part.stop] = 0
    return both


def _through(conductances: np.ndarray, wires: Wires) -> np.ndarray:
    """Return what (N, 2 N) the currents see through the lines of tiles of at most `wires.tile` rows and columns."""
    seen = np.zeros_like(conductances)
    for top in range(0, conductances.shape[0], wires.tile):
        for left in range(0, conductances.shape[1], wires.tile):
            part = np.s_[top : top + wires.tile, left : left + wires.tile]
            held = np.ascontiguousarray(conductances[part])
            seen[part] = effective_matrix(held, wires.r_word_line, wires.r_bit_line)
    return seen
