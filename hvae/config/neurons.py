"""The table `[neurons]` of a run: how far the neurons of its chip are from perfect."""

from __future__ import annotations

from dataclasses import dataclass, replace

from crossbar.hopfield.mismatch import Spread
from crossbar.hopfield.network import Network
from crossbar.numerics import checks
from hvae.streams import stream


@dataclass(frozen=True, kw_only=True)
class NeuronSettings:
    """Errors of the chip's neurons, drawn once for each of them; see `crossbar.hopfield.mismatch.Spread`.

    Raises
    ------
    InvalidValue
        A spread that is negative or (but for `pull`) above 1, a limit that is not positive.
    """

    gain: float = 0.0  # standard deviation of log gain
    offset: float = 0.0  # of the offset of rho, in units of the state
    leak: float = 0.0  # of log leak, errors of the multiplier by rho' included
    pull: float = 0.0  # of what pulls a neuron where nothing pulls, in units of the drive
    limit: float | None = None  # supply of linear neurons, in units of the state: `neurons.Saturating`
    seed: int = 0  # of the chip: the same seed is the same chip

    def __post_init__(self) -> None:
        self.spread  # noqa: B018  refuses at the door what it cannot be
        if self.limit is not None:
            checks.positive("neurons.limit", self.limit)

    @property
    def spread(self) -> Spread:
        """The standard deviations."""
        return Spread(gain=self.gain, offset=self.offset, leak=self.leak, pull=self.pull)

    @property
    def perfect(self) -> bool:
        """Whether all neurons are as the model says."""
        return self.spread == Spread() and self.limit is None

    def draw(self, networks: dict[str, Network]) -> dict[str, Network]:
        """Return `networks` with the neurons of one chip."""
        return {name: self._drawn(network, index) for index, (name, network) in enumerate(networks.items())}

    def _drawn(self, network: Network, index: int) -> Network:
        supplied = network if self.limit is None else network.limited(self.limit)
        if self.spread == Spread():
            return supplied
        return replace(supplied, mismatch=self.spread.draw(network.size, stream(self.seed, "neurons", index)))
