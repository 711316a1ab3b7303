"""A Hopfield VAE that lives on crossbar arrays: its phases settle there, its contrasts change their devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.construction import hardware
from crossbar.chip import Conductances
from crossbar.errors import InvalidValue
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.network import Role
from hvae.config.run import RunConfig, table_3
from hvae.learning import costs
from hvae.learning.equilibrium import Contrast, NudgedPhases, free_phase, nudged_phases
from hvae.learning.hopfield import EquilibriumPropagation, Metrics, batch_metrics
from hvae.learning.learners import make_hopfield
from hvae.learning.muon import Blocks
from hvae.learning.unsettled import Tally
from hvae.models.hopfield import HopfieldVAE, Parameters
from hvae.onchip.arrays import array_config, build_arrays, check_stuck_map, n_devices, restore_arrays, restored_seconds
from hvae.onchip.phases import ChipSignals, ChipStep, chip_step
from hvae.onchip.settling import Way, choose, make_way, nudge_signs
from hvae.streams import stream

_NO_NETWORK = "`array.device` needs a Hopfield VAE, whose phases settle on the array, but the model is f-vae"

RESPONSE, MEAN = "response/", "mean/"
_LEARNED_BY = {"mixed-precision": ("sgd", "muon"), "float": ("sgd", "adam", "muon")}
"""Optimizers of those rules that have a digital memory; the others are driven by sgd's rate and schedule alone."""
SGD_RATE = 0.2  # on arrays, where Table 3 has Adam's


@dataclass(kw_only=True)
class OnChip:
    """A learner whose weights are the devices of `arrays`.

    The `parameters` of the learner's protocol are what the devices hold (a copy for scores and exports); everything
    that is computed goes through the arrays.

    Attributes
    ----------
    ideal : EquilibriumPropagation
        The same model on exact weights, with its solvers.
    config : RunConfig
    arrays : dict of str to CrossbarArray
        By network.
    seconds : dict of str to CrossbarArray
        Arrays that learning rules have of their own, as ``NAME/fast``; `make_chip_optimizer` tells of them.
    way_name : str
        How phases are run, see `hvae.onchip.settling`.
    way : Way or None
        None where the solvers of ideal runs serve.
    tally : Tally
        Counts the samples that `rest` settles.
    """

    ideal: EquilibriumPropagation
    config: RunConfig
    arrays: dict[str, CrossbarArray]
    way_name: str
    way: Way | None
    seconds: dict[str, CrossbarArray] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    @property
    def vae(self) -> HopfieldVAE:
        """The model."""
        return self.ideal.vae

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        return self.vae.latent

    @property
    def roles(self) -> int:
        """How many roles a network plays, and so how often it sees every example."""
        return 2 if self.vae.tied else 1

    def init(self, rng: np.random.Generator, dtype: type) -> Parameters:
        """Return what the devices hold."""
        del rng, dtype
        return self.weights()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of its weights."""
        return self.ideal.shapes()

    def blocks(self) -> Blocks:
        """Return the neurons of each block, by network."""
        return self.ideal.blocks()

    def weights(self) -> Parameters:
        """Return the weights that the devices hold now, without the noise of a read."""
        return {name: np.array(array.weights()) for name, array in self.arrays.items()}

    def gradients(self, parameters: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, Parameters]:
        """Run all phases of a batch; return the metrics, and each network's R and S: ``response/NAME``, ``mean/NAME``.

        The batch of a network that plays both roles holds the examples of both.
        """
        del parameters
        for array in self.arrays.values():
            array.new_batch()
        metrics, signals = self._by_solver(images, noise) if self.way is None else self._by_phases(images, noise)
        return metrics | self.costs(), self.joined(signals, list(self.arrays))

    @staticmethod
    def joined(signals: Sequence[ChipSignals], networks: Sequence[str]) -> Parameters:
        """Return R and S of each of `networks`, the examples of all its roles stacked."""
        found: Parameters = {}
        for name in networks:
            own = [one for one in signals if one.network == name]
            found[RESPONSE + name] = np.concatenate([one.response for one in own])
            found[MEAN + name] = np.concatenate([one.mean for one in own])
        return found

    @staticmethod
    def widened(nudged: NudgedPhases) -> list[ChipSignals]:
        """Return the contrasts of `nudged` over all neurons."""
        return [
            ChipSignals(network=name, response=_widened(contrast), mean=contrast.mean)
            for name, contrasts in nudged.contrasts.items()
            for contrast in contrasts
        ]

    def costs(self) -> Metrics:
        """Return what training has cost so far, summed over all arrays, and how far W = W^T is broken.

        Energy of reads is told where the chip's own steps are taken; the fast solvers multiply search directions of any
        length, which no chip does (`hvae.onchip.costs.phase_power` has an energy for them).

        With wires: the largest error that is estimated of a tile's matrix now, and how many were solved for in order
        to be kept, see `array.wire_error`.
        """
        counters = [array.counters.as_dict() for array in (*self.arrays.values(), *self.seconds.values())]
        total = {name: float(sum(one[name] for one in counters)) for name in counters[0]}
        kept = ("reads", "pulses_up", "pulses_down", "write_energy", "saturated")
        shown = {name: total[name] for name in kept}
        if self.way_name == "stepped":  # only there is every product one that a chip makes
            shown["read_energy"] = total["read_energy"]
        if self.config.array.symmetry == "two-device":
            shown["asymmetry"] = max(array.asymmetry() for array in self.arrays.values())
        lives = [fault.life for array in self.arrays.values() for cells in array.cells for fault in cells.faults]
        if lives and lives[0] is not None:
            shown["worn"] = float(np.mean([np.mean(life <= 0) for life in lives if life is not None]))
        wires = [array.wires for array in self.arrays.values() if array.config.wire_resistance]
        if wires:
            shown.setdefault("asymmetry", 0.0)
            shown["wire_error"] = max(one.error for one in wires)
            shown["wire_renewals"] = float(sum(one.renewals for one in wires))
        return shown

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return y_mu and y_(log sigma^2) of the settled encoder."""
        del parameters
        return self.vae.read_latents(self.rest(self.vae.encoder, self.vae.encode_role, images))

    def decode(self, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
        """Return the settled decoder's pixels, not clipped."""
        del parameters
        role = self.vae.decode_role
        return self.rest(self.vae.decoder, role, latents)[:, role.columns("pixels")]

    def conductances(self) -> dict[str, Conductances]:
        """Return the devices of each network, as a chip file keeps them."""
        found = {}
        for name, array in self.arrays.items():
            plus, minus = array.conductances()
            report = array.counted().as_dict()
            found[name] = Conductances(
                plus=plus, minus=minus, siemens_per_weight=array.mapping.siemens_per_weight,
                device=hardware(array.config).name, report=report, gains=array.gains,
            )  # fmt: skip
        return found

    def describe(self) -> dict[str, object]:
        """Return what was chosen for this chip, for its run folder."""
        nudging, settling = self.config.nudging, self.config.settling
        limit = self.way_name == "energy" and nudging.method == "linear-response"
        finite = "centred" if nudging.method == "linear-response" else nudging.method
        stepped = self.way_name in {"warm", "stepped"}
        return {
            "device": self.config.array.device,
            "rule": self.config.array.rule,
            "way": self.way_name,
            "nudging": "linear-response" if limit else finite,
            "beta": 0.0 if limit else nudging.beta,
            "time_step": settling.time_step if stepped else None,
            "free_steps": {"warm": self.config.array.noisy_steps, "stepped": settling.max_sweeps}.get(self.way_name),
            "devices": {name: n_devices(array) for name, array in (self.arrays | self.seconds).items()},
            "wire_resistance": next(iter(self.arrays.values())).config.wire_resistance,
            "siemens_per_weight": {name: array.mapping.siemens_per_weight for name, array in self.arrays.items()},
        }

    def _by_solver(self, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, list[ChipSignals]]:
        free = free_phase(self.vae, self.arrays, images, noise, self.ideal.solver)
        nudged = nudged_phases(
            self.vae, free, images, noise, self.ideal.nudging,
            beta_kl=self.ideal.beta_kl, norm_limit=self.ideal.norm_limit,
        )  # fmt: skip
        return batch_metrics(free, nudged, images), self.widened(nudged)

    def _by_phases(self, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, list[ChipSignals]]:
        assert self.way is not None
        step = chip_step(
            self.vae, self.arrays, self.way, images, noise,
            beta=self.config.nudging.beta, signs=nudge_signs(self.config),
            beta_kl=self.ideal.beta_kl, norm_limit=self.ideal.norm_limit,
        )  # fmt: skip
        return step_metrics(step, images), list(step.signals)

    def rest(self, network: str, role: Role, inputs: np.ndarray) -> np.ndarray:
        """Return the free states (batch, n_free) that `inputs` settle to; the counters, of training alone, stay."""
        array = self.arrays[network]
        with _aside(array):
            array.new_batch()
            if self.way is None:
                settled = self.ideal.solver.settle(Landscape.clamp(array, role, inputs))
            else:
                settled = self.way.free(array, role, inputs).settled
        return self.tally.count(settled).states

    def counted(self, tally: Tally) -> OnChip:
        """Return this chip, on the same arrays, with the samples that it settles counted in `tally`."""
        return replace(self, tally=tally)


def make_onchip(config: RunConfig, parameters: Parameters | None = None) -> OnChip:
    """Return the chip of `config`, its devices drawn from the run's seed, set to `parameters` or to the seed's own.

    Raises
    ------
    InvalidValue
        A model without Hopfield networks, or an optimizer that no array can be.
    """
    if config.model.name == "f-vae":
        raise InvalidValue(_NO_NETWORK)
    _refuse_optimizer(config)
    ideal = make_hopfield(config)
    if parameters is None:
        parameters = ideal.init(stream(config.training.seed, "init"), np.dtype(config.training.precision).type)
    arrays = build_arrays(config.array, ideal.vae, parameters, stream(config.training.seed, "device"))
    name = choose(config.array, next(iter(arrays.values())))
    way = None if name == "energy" else make_way(config, name)
    return OnChip(ideal=ideal, config=config, arrays=arrays, way_name=name, way=way)


def restored(config: RunConfig, parameters: Parameters, state: Mapping[str, np.ndarray]) -> OnChip:
    """Return the chip of a run whose checkpoint holds `parameters` and, in its optimizer, `state`."""
    vae = make_hopfield(config).vae
    zeros = {name: np.zeros((network.size,) * 2, parameters[name].dtype) for name, network in vae.networks.items()}
    chip = make_onchip(config, zeros)
    restore_arrays(chip.arrays, state)
    chip.seconds = restored_seconds(chip.arrays, state, stream(config.training.seed, "device"))
    return chip


def step_metrics(step: ChipStep, images: np.ndarray) -> Metrics:
    """Return the metrics of a batch whose phases were run on the chip."""
    batch = len(images)
    frees, nudged = (step.encoder.settled, step.decoder.settled), step.nudged
    return {
        "sse_half": float(costs.sse_half(step.output, images).mean()),
        "kl": float(costs.kl_divergence(step.mean, step.log_variance).mean()),
        "unconverged": float(sum((~one.settled).sum() for one in frees)) / (2 * batch),
        "failed_nudges": float(sum(one.failed.sum() for one in nudged)) / (2 * batch),
        "limited": step.limited / (2 * batch),
        "encoder_sweeps": float(frees[0].sweeps.mean() + nudged[1].sweeps.mean()),
        "decoder_sweeps": float(frees[1].sweeps.mean() + nudged[0].sweeps.mean()),
        "largest_state": float(max(np.abs(one.states).max() for one in frees)),
        "latent_variance": float(step.mean.var(axis=0).mean()),
    }


def for_array(config: RunConfig) -> RunConfig:
    """Return `config` as its array can learn it, see `by_sgd`; a rate that was meant for Adam is not thrown away.

    What no chip can be is refused here, before a run folder is made.

    Raises
    ------
    InvalidValue
        A model without Hopfield networks; an array that contradicts itself; Adam at another rate than Table 3's.
    """
    if config.array.device is None:
        return config
    if config.model.name == "f-vae":
        raise InvalidValue(_NO_NETWORK)
    hardware(array_config(config.array))
    if config.array.stuck_map is not None:
        check_stuck_map(config.array, make_hopfield(config).vae.networks)
    _refuse_digital_parts(config)
    found, rate = by_sgd(config), config.optimizer.learning_rate
    _refuse_optimizer(found)
    if found != config and rate != table_3(config.model.name).optimizer.learning_rate:
        raise InvalidValue(
            f"`optimizer.learning_rate` {rate:g} would be Adam's, but an array learns by SGD, "
            f"whose rates are larger: add optimizer.name=sgd with a rate of SGD, or leave both out for {SGD_RATE:g}"
        )
    return found


def _refuse_optimizer(config: RunConfig) -> None:
    possible = _LEARNED_BY.get(config.array.rule, ("sgd",))
    if config.optimizer.name not in possible:
        raise InvalidValue(
            f"`optimizer.name` must be {' or '.join(possible)} on an array that learns by {config.array.rule} (its "
            f"learning rate and schedule drive `array.rule`), but got {config.optimizer.name!r}: muon needs "
            "array.rule=mixed-precision, adam array.rule=float on device=ideal"
        )


def _refuse_digital_parts(config: RunConfig) -> None:
    rule, optimizer = config.array.rule, config.optimizer
    if optimizer.momentum and rule not in {"mixed-precision", "float"}:
        raise InvalidValue(
            f"`optimizer.momentum` needs a digital number a weight, which `array.rule` {rule!r} has not: "
            "leave it out, or learn by array.rule=mixed-precision"
        )
    if optimizer.weight_decay and rule != "float":
        raise InvalidValue(
            f"`optimizer.weight_decay` is of float weights, but `array.rule` {rule!r} sends pulses: leave it out"
        )


def by_sgd(config: RunConfig) -> RunConfig:
    """Return `config` with SGD at `SGD_RATE` in place of an Adam whose moments its array cannot keep.

    Unchanged without an array, and under the rule `float`, which is Adam or SGD on an ideal array.
    """
    if config.array.device is None or config.array.rule == "float" or config.optimizer.name != "adam":
        return config
    return replace(config, optimizer=replace(config.optimizer, name="sgd", learning_rate=SGD_RATE))


@contextmanager
def _aside(array: CrossbarArray) -> Iterator[None]:
    """Keep the counters of `array` as they are."""
    before = array.counted().array()
    try:
        yield
    finally:
        array.counted()
        array.counters.restore(before)


def _widened(contrast: Contrast) -> np.ndarray:
    role = contrast.role
    clamped = np.zeros((len(contrast.difference), role.n_clamped), contrast.difference.dtype)
    return role.join(contrast.difference, clamped)
