"""The table `[neurons]` of a run: how far the neurons of its chip are from perfect."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from crossbar.errors import CorruptFile, InvalidValue
from crossbar.hopfield.mismatch import Spread
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Linear, Saturating
from crossbar.numerics import checks
from hvae.streams import stream


@dataclass(frozen=True, kw_only=True)
class NeuronSettings:
    """Errors of the chip's neurons: those of a `chip` that there is, or drawn once for each of them.

    See `crossbar.hopfield.mismatch.Spread`.

    Raises
    ------
    InvalidValue
        A spread that is negative or (but for `pull`) above 1, a limit that is not positive, either beside a `chip`.
    """

    gain: float = 0.0  # standard deviation of log gain
    offset: float = 0.0  # of the offset of rho, in units of the state
    leak: float = 0.0  # of log leak, errors of the multiplier by rho' included
    pull: float = 0.0  # of what pulls a neuron where nothing pulls, in units of the drive
    limit: float | None = None  # supply of linear neurons, in units of the state: `neurons.Saturating`
    seed: int = 0  # of the chip: the same seed is the same chip
    chip: str | None = None  # run or chip file whose neurons they are, such as one of `hopbar silicon --fitted`
    checksum: str | None = None  # of the chip's neurons: SHA-256 of what was read when the run was made

    def __post_init__(self) -> None:
        if self.chip is not None and (self.spread != Spread() or self.limit is not None):
            raise InvalidValue("`neurons.chip` says what each neuron has: leave the spreads and `neurons.limit` out")
        if self.chip is None and self.checksum is not None:
            raise InvalidValue("`neurons.checksum` is of the neurons of `neurons.chip`: leave it out, or give the chip")
        if self.limit is not None:
            checks.positive("neurons.limit", self.limit)

    @property
    def spread(self) -> Spread:
        """The standard deviations."""
        return Spread(gain=self.gain, offset=self.offset, leak=self.leak, pull=self.pull)

    @property
    def perfect(self) -> bool:
        """Whether all neurons are as the model says."""
        return self.spread == Spread() and self.limit is None and self.chip is None

    def looked_up(self) -> NeuronSettings:
        """Return these settings with the place and the sum of the neurons of the `chip` that they name, if any.

        Raises
        ------
        MissingFile, CorruptFile
            What stands in the way of loading it; it has other neurons than the sum says. Once a run has the sum, the
            file may be gone.
        """
        if self.chip is None or (self.checksum is not None and not Path(self.chip).exists()):
            return self
        return replace(self, chip=str(Path(self.chip).resolve()), checksum=_sum(self._own(self.chip)))

    def keep(self, path: Path) -> None:
        """Write a chip file of nothing but the neurons of `chip` to `path`, if these settings name one."""
        if self.chip is None:
            return
        from crossbar.chip import load_chip  # HDF5 takes its time to load

        whole = load_chip(Path(self.chip))
        weights = {name: np.zeros_like(one) for name, one in whole.weights.items()}
        bare = {"neurons_of": self.chip}
        replace(whole, weights=weights, conductances={}, examples=whole.examples[:0], provenance=bare).save(path)

    def beside(self, path: Path) -> NeuronSettings:
        """Return these settings, of the file that `keep` wrote to `path` where `chip` is there no more."""
        if self.chip is None or Path(self.chip).exists() or not path.exists():
            return self
        return replace(self, chip=str(path))

    def draw(self, networks: dict[str, Network]) -> dict[str, Network]:
        """Return `networks` with the neurons of one chip.

        Raises
        ------
        MissingFile, CorruptFile
            The `chip` is not there, or has other neurons than when the run was made.
        InvalidValue
            Its networks are of other blocks or laws, or all its neurons are perfect.
        """
        if self.chip is not None:
            return self._given(networks, self.chip)
        return {name: self._drawn(network, index) for index, (name, network) in enumerate(networks.items())}

    def _drawn(self, network: Network, index: int) -> Network:
        supplied = network if self.limit is None else network.limited(self.limit)
        if self.spread == Spread():
            return supplied
        return replace(supplied, mismatch=self.spread.draw(network.size, stream(self.seed, "neurons", index)))

    def _given(self, networks: dict[str, Network], chip: str) -> dict[str, Network]:
        own = self._own(chip)
        if all(network.mismatch is None for network in own.values()) and not _limited(own):
            raise InvalidValue(f"all neurons of {chip} are perfect: leave `neurons.chip` out")
        for name, network in networks.items():
            if name not in own or own[name].blocks != network.blocks or _unlimited(own[name]) != network.laws:
                there = {name: _told(one) for name, one in own.items()}
                raise InvalidValue(f"{chip} has the neurons {there}, but this run has {name}: {_told(network)}")
        return {
            name: replace(network, neurons=own[name].neurons, mismatch=own[name].mismatch)
            for name, network in networks.items()
        }

    def _own(self, chip: str) -> Mapping[str, Network]:
        """Return the networks of `chip`, after a look at their neurons' sum."""
        from crossbar.chip import load_chip  # HDF5 takes its time to load

        own = load_chip(Path(chip)).networks
        if self.checksum not in (None, _sum(own)):
            raise CorruptFile(
                f"{chip} has other neurons than when the run was made (`neurons.checksum`): put the file back, or "
                "train another run"
            )
        return own


def _limited(networks: Mapping[str, Network]) -> bool:
    return any(isinstance(law, Saturating) for network in networks.values() for law in network.laws)


def _unlimited(network: Network) -> tuple[object, ...]:
    """Return the laws of the blocks of `network`, linear neurons without their supply."""
    return tuple(Linear() if isinstance(law, Saturating) else law for law in network.laws)


def _told(network: Network) -> str:
    laws = (f"{size} {name} ({law.name})" for (name, size), law in zip(network.blocks, network.laws, strict=True))
    return ", ".join(laws)


def _sum(networks: Mapping[str, Network]) -> str:
    """Return the SHA-256 of the neurons of `networks`: blocks, laws, and what each neuron has of its own."""
    digest = hashlib.sha256()
    for name in sorted(networks):
        network = networks[name]
        digest.update(repr((name, network.blocks, network.laws)).encode())
        if network.mismatch is not None:
            for number in ("gain", "offset", "leak", "pull"):
                digest.update(getattr(network.mismatch, number).astype("<f8").tobytes())
    return digest.hexdigest()
