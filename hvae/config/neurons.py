"""The table `[neurons]` of a run: how far the neurons of its chip are from perfect."""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.hopfield.mismatch import Mismatch, Spread
from crossbar.hopfield.network import Network
from hvae.streams import stream


@dataclass(frozen=True, kw_only=True)
class NeuronSettings:
    """Errors of the chip's neurons, drawn once for each of them; see `crossbar.hopfield.mismatch.Spread`.

    Raises
    ------
    InvalidValue
        One that is negative or above 1.
    """

    gain: float = 0.0  # standard deviation of log gain
    offset: float = 0.0  # of the offset of rho, in units of the state
    leak: float = 0.0  # of log leak, errors of the multiplier by rho' included
    seed: int = 0  # of the chip: the same seed is the same chip

    def __post_init__(self) -> None:
        self.spread  # noqa: B018  refuses at the door what it cannot be

    @property
    def spread(self) -> Spread:
        """The standard deviations."""
        return Spread(gain=self.gain, offset=self.offset, leak=self.leak)

    @property
    def perfect(self) -> bool:
        """Whether all neurons are as their law says."""
        return self.spread == Spread()

    def draw(self, networks: dict[str, Network]) -> dict[str, Mismatch]:
        """Return the neurons of one chip, by network."""
        return {
            name: self.spread.draw(network.size, stream(self.seed, "neurons", index))
            for index, (name, network) in enumerate(networks.items())
        }
