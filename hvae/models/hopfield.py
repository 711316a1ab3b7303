"""The Hopfield VAEs of the paper's Figure 1: which networks they are made of, and how each plays its role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from crossbar.errors import unknown_name
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network, Role
from crossbar.hopfield.neurons import neuron
from hvae.config.run import ModelConfig

Parameters = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class HopfieldVAE:
    """A variational autoencoder whose encoder and decoder are continuous Hopfield networks.

    Attributes
    ----------
    networks : dict of str to Network
        ``{"tied": ...}`` or ``{"encoder": ..., "decoder": ...}``; blocks are pixels, hidden, latent. An untied
        encoder's latent block holds y_mu and then y_(log sigma^2).
    latent : int
        Dimensions of z.
    sigma : float, ndarray (latent,) or None
        Standard deviation of z, where the encoder gives no variance.
    """

    networks: dict[str, Network]
    latent: int
    sigma: float | np.ndarray | None

    @property
    def tied(self) -> bool:
        """Whether one network is both encoder and decoder."""
        return "tied" in self.networks

    @property
    def encoder(self) -> str:
        """Name of the network that encodes."""
        return "tied" if self.tied else "encoder"

    @property
    def decoder(self) -> str:
        """Name of the network that decodes."""
        return "tied" if self.tied else "decoder"

    @property
    def encode_role(self) -> Role:
        """The encoder with its pixels clamped."""
        return self.networks[self.encoder].role(["pixels"])

    @property
    def decode_role(self) -> Role:
        """The decoder with its latents clamped."""
        return self.networks[self.decoder].role(["latent"])

    def init(self, rng: np.random.Generator, dtype: type = np.float32) -> Parameters:
        """Return initial weights (N, N) of each network; see `crossbar.hopfield.couplings.random_weights`."""
        return {name: random_weights(network, rng, dtype) for name, network in self.networks.items()}

    def on_neurons(self, chip: Mapping[str, Network]) -> HopfieldVAE:
        """Return this VAE with the neurons of the networks of one `chip`: their laws, and what each has of its own."""
        networks = {
            name: replace(net, neurons=chip[name].neurons, mismatch=chip[name].mismatch)
            for name, net in self.networks.items()
        }
        return replace(self, networks=networks)

    def read_latents(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return y_mu and y_(log sigma^2), each (batch, latent), from the encoder's free states."""
        output = states[:, self.encode_role.columns("latent")]
        mean = output[:, : self.latent]
        if self.sigma is None:
            return mean, output[:, self.latent :]
        return mean, np.full_like(mean, 2 * np.log(self.sigma))


def build(config: ModelConfig, n_pixels: int = 784) -> HopfieldVAE:
    """Return the Hopfield VAE that `config` names: h-vae (layered), dh-vae (dense) or tdh-vae (dense, tied).

    Raises
    ------
    UnknownName
        `config` names no Hopfield VAE.
    """
    topologies = {"h-vae": "layered", "dh-vae": "dense", "tdh-vae": "dense"}
    if config.name not in topologies:
        raise unknown_name("Hopfield VAE", config.name, topologies)

    gain = config.gain
    neurons = (
        neuron(config.pixel_neuron, gain),
        neuron(config.hidden_neuron, gain),
        neuron(config.latent_neuron, config.latent_gain or gain),
    )

    def network(outputs: int) -> Network:
        blocks = (("pixels", n_pixels), ("hidden", config.hidden), ("latent", outputs))
        return Network(blocks, topologies[config.name], neurons)

    if config.name == "tdh-vae":
        networks = {"tied": network(config.latent)}
    else:
        networks = {"encoder": network(2 * config.latent), "decoder": network(config.latent)}
    return HopfieldVAE(networks=networks, latent=config.latent, sigma=config.sigma)
