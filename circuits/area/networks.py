"""The networks whose silicon is compared: the paper's four models, equal-sized pairs, and exported chips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from circuits.area.plans import ForwardPlan, HopfieldPlan, Plan
from crossbar.chip import FLOW, GENERATE, Chip
from crossbar.errors import InvalidValue, unknown_name
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Neuron

PIXELS = 784
# Hidden and latent sizes of table 3 of arXiv:2311.15047.
TABLE_3: Mapping[str, tuple[int, int]] = {
    "f-vae": (1820, 10),
    "h-vae": (1842, 25),
    "dh-vae": (1696, 25),
    "tdh-vae": (833, 69),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A VAE as a set of networks on silicon.

    Attributes
    ----------
    name : str
    plans : tuple of Plan
        One when encoder and decoder are tied, else the encoder and the decoder.
    """

    name: str
    plans: tuple[Plan, ...]

    @property
    def tied(self) -> bool:
        """Whether one network serves both roles."""
        return len(self.plans) == 1


def paper_model(name: str) -> Model:
    """Return one of the paper's models at the sizes of its table 3.

    Raises
    ------
    UnknownName
        For another name.
    """
    if name not in TABLE_3:
        raise unknown_name("model", name, TABLE_3)
    hidden, latent = TABLE_3[name]
    if name == "f-vae":
        return forward_model(name, hidden, latent)
    topology = "layered" if name == "h-vae" else "dense"
    if name == "tdh-vae":
        return tied_model(name, hidden, latent, topology)
    return untied_model(name, hidden, latent, topology)


def forward_model(name: str, hidden: int, latent: int, pixels: int = PIXELS) -> Model:
    """Return a feedforward VAE: means and log variances out of the encoder."""
    encoder = ForwardPlan(name="encoder", layers=(pixels, hidden, 2 * latent))
    return Model(name=name, plans=(encoder, ForwardPlan(name="decoder", layers=(latent, hidden, pixels))))


def tied_model(name: str, hidden: int, latent: int, topology: str = "dense", pixels: int = PIXELS) -> Model:
    """Return a Hopfield VAE that encodes and decodes with one network."""
    network = Network((("pixels", pixels), ("hidden", hidden), ("latent", latent)), topology)
    return Model(name=name, plans=(HopfieldPlan(name="tied", network=network, roles=("encode", "decode")),))


def untied_model(
    name: str, hidden: int, latent: int, topology: str = "dense", pixels: int = PIXELS, neurons: tuple[Neuron, ...] = ()
) -> Model:
    """Return a Hopfield VAE with an encoder, whose latents are means and log variances, and a decoder.

    `neurons` are the laws of pixels, hidden and latents; none where all are the paper's.
    """
    encoder = Network((("pixels", pixels), ("hidden", hidden), ("latent", 2 * latent)), topology, neurons)
    decoder = Network((("pixels", pixels), ("hidden", hidden), ("latent", latent)), topology, neurons)
    return Model(
        name=name,
        plans=(
            HopfieldPlan(name="encoder", network=encoder, roles=("encode",)),
            HopfieldPlan(name="decoder", network=decoder, roles=("decode",)),
        ),
    )


def chip_model(chip: Chip, name: str | None = None) -> Model:
    """Return the networks of an exported chip.

    Where its neurons are not alike (`crossbar.hopfield.mismatch`), their circuits are measured as perfect ones.

    Raises
    ------
    InvalidValue
        The chip is neither one tied network nor an encoder and a decoder.
    """
    roles = {"tied": ("encode", "decode"), "encoder": ("encode",), "decoder": ("decode",), FLOW: (GENERATE,)}
    if set(chip.networks) not in ({"tied"}, {"encoder", "decoder"}, {FLOW}):
        raise InvalidValue(f"a chip must hold `tied` or `encoder` and `decoder`, but got {sorted(chip.networks)}")
    plans = tuple(
        HopfieldPlan(name=key, network=chip.networks[key], roles=roles[key]) for key in roles if key in chip.networks
    )
    return Model(name=name or chip.model, plans=plans)
