"""Small chips whose couplings are as strong as trained ones, and the engines that are installed."""

import shutil

import numpy as np
import pytest

from circuits import simulators
from circuits.cells.sky130 import process
from crossbar.chip import Chip
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Neuron, Sigmoid


def strong_chip(side: int = 3, hidden: int = 6, latent: int = 2, seed: int = 0, strength: float = 1.5) -> Chip:
    """A tied chip with random symmetric weights."""
    rng = np.random.default_rng(seed)
    network = Network((("pixels", side * side), ("hidden", hidden), ("latent", latent)))
    weights = np.triu(rng.standard_normal((network.size,) * 2), 1) * strength * np.sqrt(2 / network.size)
    images = np.clip(rng.standard_normal((3, side * side)), -1, 1)
    return Chip(
        model="tdh-vae", networks={"tied": network}, weights={"tied": weights + weights.T}, sigma=0.4,
        image_shape=(side, side), examples=images, provenance={"run": "a test"},
    )  # fmt: skip


def chip_of_laws(seed: int = 0, **laws: Neuron) -> Chip:
    """A tied chip of 9 + 6 + 3 neurons, of other `laws` in the blocks named."""
    rng = np.random.default_rng(seed)
    blocks = (("pixels", 9), ("hidden", 6), ("latent", 3))
    network = Network(blocks, neurons=tuple(laws.get(name, Sigmoid()) for name, _ in blocks))
    weights = np.triu(rng.standard_normal((network.size,) * 2), 1) * 0.45 * network.mask()
    return Chip(
        model="tdh-vae", networks={"tied": network}, weights={"tied": weights + weights.T}, sigma=0.4,
        image_shape=(3, 3), examples=np.clip(rng.standard_normal((2, 9)), -1, 1),
    )  # fmt: skip


@pytest.fixture
def small_chip() -> Chip:
    """17 neurons, 544 memristors."""
    return strong_chip()


@pytest.fixture
def untied_chip() -> Chip:
    """A layered-free untied chip: encoder with means and log variances, decoder."""
    rng = np.random.default_rng(7)
    networks = {
        "encoder": Network((("pixels", 9), ("hidden", 5), ("latent", 4))),
        "decoder": Network((("pixels", 9), ("hidden", 5), ("latent", 2))),
    }
    weights = {}
    for name, network in networks.items():
        upper = np.triu(rng.standard_normal((network.size,) * 2), 1) * 0.5
        weights[name] = upper + upper.T
    return Chip(
        model="dh-vae", networks=networks, weights=weights, image_shape=(3, 3),
        examples=np.clip(rng.standard_normal((2, 9)), -1, 1),
    )  # fmt: skip


@pytest.fixture
def needs_ngspice() -> None:
    """Skip with the remedy where ngspice is missing."""
    if shutil.which("ngspice") is None:
        pytest.skip("ngspice is missing: apt-get install ngspice libngspice0")


@pytest.fixture(scope="session")
def needs_vacask() -> None:
    """Skip with the remedy where VACASK is missing."""
    engine = simulators.engine("vacask")
    if engine.version() is None:
        pytest.skip(f"vacask is missing: {engine.remedy}")


@pytest.fixture
def needs_sky130(needs_ngspice: None) -> None:
    """Skip with the remedy where the transistors' models or ngspice are missing."""
    if not process.installed():
        pytest.skip(f"the models of sky130 are missing: {process.REMEDY}")
