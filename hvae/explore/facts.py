"""What the page of a network needs to know: weights, laws, images, and where z comes from."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Saturating
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.onchip.chip import OnChip
from hvae.runs import images
from hvae.runs.loading import Trained

SCRIPT = Path(__file__).parent.parent / "templates" / "explore.js"
LARGEST = 64 * 2**20  # bytes of weights, as the page holds them
EXAMPLES, ENCODED = 20, 500


def facts(trained: Trained, name: str) -> dict[str, Any]:
    """Return all numbers of the page of `trained`, called `name`.

    Raises
    ------
    InvalidValue
        An f-vae, which nothing relaxes in; a network of neurons that are not alike; one too large for a page.
    """
    learner = trained.learner.ideal if isinstance(trained.learner, OnChip) else trained.learner
    if not isinstance(learner, EquilibriumPropagation):
        raise InvalidValue("an f-vae does not relax: explore an h-vae, dh-vae or tdh-vae")
    vae = learner.vae
    if any(network.mismatch is not None for network in vae.networks.values()):
        raise InvalidValue("the page's neurons are alike, but this chip's are not: explore the run it was made from")
    laws = {law.name for network in vae.networks.values() for law in network.laws}
    if Saturating.name in laws:
        raise InvalidValue("the page's linear neurons have no supply, but this chip's have: explore the run it is of")
    weights = {network: np.asarray(trained.parameters[network], np.float32) for network in vae.networks}
    size = sum(_held_bytes(one) for one in weights.values())
    if size > LARGEST:
        told = f"its weights have {size >> 20} MiB, and a page holds {LARGEST >> 20}"
        raise InvalidValue(f"{told}: explore a smaller one")
    dataset = images.load(trained.config.data)
    shown, some = dataset.test_images[:EXAMPLES], dataset.train_images[:ENCODED]
    means = np.concatenate([learner.encode(trained.parameters, part)[0] for part in np.array_split(some, 5)])
    spread = np.linalg.cholesky(np.cov(means.T).reshape(vae.latent, vae.latent) + 1e-6 * np.eye(vae.latent))
    return {
        "name": name,
        "model": trained.config.model.name,
        "shape": list(trained.config.data.shape),
        "latent": vae.latent,
        "scale": float(trained.config.model.latent_scale),
        "encoder": vae.encoder,
        "decoder": vae.decoder,
        "networks": {key: _network(vae.networks[key], weights[key]) for key in weights},
        "examples": _bytes(np.rint((shown + 1) * 127.5).clip(0, 255).astype(np.uint8)),
        "count": len(shown),
        "labels": [int(label) for label in dataset.test_labels[: len(shown)]],
        "prior": {"mean": means.mean(0).tolist(), "spread": spread.tolist(), "count": len(some)},
    }


def _network(network: Network, weights: np.ndarray) -> dict[str, Any]:
    symmetric = np.array_equal(weights, weights.T)
    held = weights[np.triu_indices(network.size, 1)] if symmetric else weights
    laws = [(law.name, float(law.gain)) for law in network.laws]
    return {
        "blocks": [[name, size] for name, size in network.blocks],
        "laws": laws,
        "symmetric": symmetric,
        "weights": _bytes(np.ascontiguousarray(held, "<f4")),
        "limit": float(np.abs(weights).max(initial=0)),
    }


def _held_bytes(weights: np.ndarray) -> int:
    half = np.array_equal(weights, weights.T)
    return weights.nbytes // 2 if half else weights.nbytes


def _bytes(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
