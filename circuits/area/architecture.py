"""The design choices of a chip that are not its network: tiles, cells, layout, how many circuits."""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.errors import InvalidValue

LAYOUTS = ("full", "half")
WEIGHTS = ("pair", "reference")
CELLS = ("1t1r", "1r")
DEAD_BLOCKS = ("drop", "keep")
PHASES = ("sequential", "two-circuits")
TILE_RANGE = (8, 4096)


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """How a chip is laid out.

    Attributes
    ----------
    tile : int
        Rows and columns of one crossbar tile; even.
    layout : {"full", "half"}
        ``full``: a device per direction, W_ij and W_ji apart. ``half``: one device per pair, read both ways, in
        triangular tilings whose lines can be driven and sensed.
    weights : {"pair", "reference"}
        A weight is a differential pair of devices, or one device beside one reference column a tile.
    cell : {"1t1r", "1r"}
    dead_blocks : {"drop", "keep"}
        ``drop``: no devices into neurons that are always clamped, and no neuron circuits for these; a decoder keeps
        its columns into the latents, where eq. (9) reads the input gradient. ``keep``: every network is built whole.
    phases : {"sequential", "two-circuits"}
        Both equilibria of a contrast in turn on one circuit, or at once on two
        (Oh et al. 2023, doi:10.3390/mi14071367).

    Raises
    ------
    InvalidValue
        An unknown choice, or a tile that is odd or outside 8 to 4096.
    """

    tile: int = 256
    layout: str = "full"
    weights: str = "pair"
    cell: str = "1t1r"
    dead_blocks: str = "drop"
    phases: str = "sequential"

    def __post_init__(self) -> None:
        if not TILE_RANGE[0] <= self.tile <= TILE_RANGE[1] or self.tile % 2:
            low, high = TILE_RANGE
            raise InvalidValue(f"`tile` must be an even number from {low} to {high}, but got {self.tile}")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise InvalidValue(f"`{name}` must be one of {', '.join(choices)}, but got {getattr(self, name)!r}")

    @property
    def n_circuits(self) -> int:
        """How many copies of the analog part stand on the die."""
        return 2 if self.phases == "two-circuits" else 1

    @property
    def n_rails(self) -> int:
        """How many lines a neuron drives: in the half layout of pairs, p at rho and n at -rho (`shared_driver`)."""
        return 2 if self.layout == "half" and self.weights == "pair" else 1

    @property
    def rest_level(self) -> float:
        """Where in its range, from 0 to 1, a device stands that holds a weight of zero."""
        return {"pair": 0.0, "reference": 0.5}[self.weights]

    @property
    def weights_per_tile(self) -> int:
        """How many columns of weights fit side by side on a tile."""
        return self.tile // 2 if self.weights == "pair" else self.tile - 1


_CHOICES = {"layout": LAYOUTS, "weights": WEIGHTS, "cell": CELLS, "dead_blocks": DEAD_BLOCKS, "phases": PHASES}
