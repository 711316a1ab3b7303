"""What a chip spends: energy and settle time for a training image and for a generated one, as ranges.

A phase lasts T time constants of the neuron, and while it lasts the devices dissipate V^2 sum_i rho_i^2 G_i; T is the
number of steps of eq. (3) that the run allows the phase, times its dt, whichever solver simulated it:
`settling.max_sweeps` of a free phase, `nudging.max_sweeps` of a nudged one. The time constant is not the devices' to
tell: 10 ns, 100 ns and 1 us are assumed, at the array's read voltage. Converters, neurons and drivers
are not in it (`hopbar area --energy` estimates those).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from hvae.config.run import RunConfig
from hvae.onchip.chip import OnChip

TIME_CONSTANTS = (1e-8, 1e-7, 1e-6)  # s: assumed
FREE_PHASES, NUDGED_PHASES = 2, 4  # of a training image: each role free, and nudged twice


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Energies in joules, (low, typical, high), and times in time constants, of one image.

    Attributes
    ----------
    train_reads, train_pulses : float
        Reads that were simulated, and pulses.
    train_settle_time, generate_settle_time : float
        Time constants, all phases.
    train_read_energy, generate_read_energy : tuple of float
    train_write_energy : float
        In the devices, where the preset tells the pulses' voltage and width; else 0.
    """

    train_reads: float
    train_pulses: float
    train_settle_time: float
    generate_settle_time: float
    train_read_energy: tuple[float, float, float]
    generate_read_energy: tuple[float, float, float]
    train_write_energy: float

    def as_dict(self) -> dict[str, object]:
        """Return the costs by name."""
        return asdict(self)


def phase_power(chip: OnChip, rng: np.random.Generator, count: int = 32) -> float:
    """Return the power (W) that the decoder's devices dissipate at rest: V^2 sum_i rho_i^2 G_i, mean over z ~ N(0, I).

    G_i is all the conductance on line i. The array's own counter of read energy would not do: the fast solvers read
    with search directions, which no chip does and which have any length.
    """
    array, role = chip.arrays[chip.vae.decoder], chip.vae.decode_role
    latents: np.ndarray = rng.standard_normal((count, role.n_clamped)).astype(array.config.kind)
    rest = chip.rest(chip.vae.decoder, role, latents)
    signals = role.join(role.free_neurons.signals(rest), role.held_neurons.signals(latents))
    plus, minus = array.conductances()
    return array.config.read_voltage**2 * float((signals**2 @ (plus + minus).sum(axis=1)).mean())


def costs(config: RunConfig, totals: Mapping[str, float], images: int, power: float) -> Costs:
    """Return what one of `images` training images has cost a chip whose counters say `totals`, at `power` (W)."""
    free, nudged = (one.max_sweeps * config.settling.time_step for one in (config.settling, config.nudging))
    training = FREE_PHASES * free + NUDGED_PHASES * nudged
    seen = max(images, 1)
    return Costs(
        train_reads=totals["reads"] / seen,
        train_pulses=(totals["pulses_up"] + totals["pulses_down"]) / seen,
        train_settle_time=training,
        generate_settle_time=free,
        train_read_energy=_range(power * training),
        generate_read_energy=_range(power * free),
        train_write_energy=totals["write_energy"] / seen,
    )


def _range(per_second: float) -> tuple[float, float, float]:
    low, typical, high = (per_second * tau for tau in TIME_CONSTANTS)
    return low, typical, high
