"""A chip from arrays of elsewhere, and the arrays of a chip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from crossbar.chip import READOUT, Chip
from crossbar.conductances import Conductances
from crossbar.errors import CorruptFile, InvalidValue, unknown_name
from crossbar.hopfield.mismatch import Mismatch
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import named, neuron
from crossbar.readout import Readout
from hvae.config import own_images, toml_file
from hvae.config.run import RunConfig
from hvae.exchange.files import Arrays
from hvae.exchange.fitting import Misfit, fitted, layered
from hvae.runs import images

UNITS = {"S": 1.0, "mS": 1e-3, "uS": 1e-6, "nS": 1e-9}
MODELS = ("tdh-vae", "dh-vae", "h-vae")
EXAMPLES = 20
_READOUT = "readout"
_PLUS, _MINUS, _GAINS, _MISMATCH = "plus", "minus", "line_gains", ("gain", "offset", "leak", "pull")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a user says of arrays that do not say it themselves.

    Attributes
    ----------
    blocks : dict of str to int
        Neurons of ``pixels``, ``hidden`` and ``latent``.
    model : str
        ``tdh-vae`` (one matrix), ``dh-vae`` or ``h-vae`` (an encoder and a decoder).
    topology : str or None
        ``dense`` or ``layered``; the model's if None.
    names : tuple of str
        Which arrays: one matrix a network, or for ``layered`` those between neighbouring blocks. All if empty.
    neurons : dict of str to str
        Laws by block, where not the paper's sigmoid.
    gain, sigma : float
        sigma: of the tied model's latents.
    image_shape : tuple of int or None
        A square of the pixels if None and there is one.
    dataset : str or None
        Images to score and try the chip on.
    unit : str or None
        Of conductances G+ and G-, which arrays hold in place of weights then.
    siemens_per_weight : float or None
        What stands for a weight of 1, S; with `unit`.
    limit : float or None
        Largest weight that is kept.
    force : bool
        Take what fits.
    """

    blocks: Mapping[str, int]
    model: str = "tdh-vae"
    topology: str | None = None
    names: tuple[str, ...] = ()
    neurons: Mapping[str, str] | None = None
    gain: float = 3.0
    sigma: float = 0.3
    image_shape: tuple[int, ...] | None = None
    dataset: str | None = None
    unit: str | None = None
    siemens_per_weight: float | None = None
    limit: float | None = None
    force: bool = False


def imported(arrays: Arrays, wanted: Wanted, source: str) -> tuple[Chip, dict[str, Misfit]]:
    """Return the chip that `arrays` hold, and by network what of them did not fit.

    Raises
    ------
    InvalidValue, UnknownName
        Arrays or words that do not belong together.
    """
    if wanted.model not in MODELS:
        raise unknown_name("model of a chip", wanted.model, MODELS)
    missing = [name for name in ("pixels", "hidden", "latent") if name not in wanted.blocks]
    if missing or len(wanted.blocks) != 3:
        raise InvalidValue(
            "`--blocks` must give the neurons of pixels, hidden and latent, such as pixels=784,hidden=500,latent=20, "
            f"but got {', '.join(wanted.blocks) or 'nothing'}"
        )
    config = _config(wanted)
    networks = _networks(wanted)
    weights, conductances, misfits = {}, {}, {}
    for name, parts in _parts(arrays, networks, wanted).items():
        if wanted.unit is None:
            weights[name], misfits[name] = _weights(parts, networks[name], wanted)
        else:
            conductances[name] = _conductances(parts, networks[name], wanted)
            weights[name] = conductances[name].weights()
    chip = Chip(
        model=wanted.model, networks=networks, weights=weights, conductances=conductances,
        sigma=wanted.sigma if wanted.model == "tdh-vae" else None,
        image_shape=_image_shape(wanted), examples=_examples(config, wanted),
        provenance={"imported_from": source} | ({} if config is None else {"config": toml_file.dump(config)}),
    )  # fmt: skip
    return chip, misfits


def exported(chip: Chip) -> Arrays:
    """Return all that `chip` is; `restored` makes the same chip of it, to the last bit."""
    named: dict[str, np.ndarray] = {}
    networks: dict[str, Any] = {}
    for name, network in chip.networks.items():
        named[name] = chip.weights[name]
        laws = [(law.name, law.number) for law in network.laws]
        networks[name] = {"blocks": list(network.blocks), "topology": network.topology, "neurons": laws}
        if network.mismatch is not None:
            named |= {f"{name}.{kind}": getattr(network.mismatch, kind) for kind in _MISMATCH}
    for name, devices in chip.conductances.items():
        named |= {f"{name}.{_PLUS}": devices.plus, f"{name}.{_MINUS}": devices.minus}
        if devices.gains is not None:
            named[f"{name}.{_GAINS}"] = devices.gains
        facts = {"siemens_per_weight": devices.siemens_per_weight, "device": devices.device}
        networks[name] |= facts | {"report": dict(devices.report)}
    named["examples"] = chip.examples
    if isinstance(chip.sigma, np.ndarray):
        named["sigma"] = chip.sigma
    if chip.readout is not None:
        named |= {f"{_READOUT}.{name}": getattr(chip.readout, name) for name in READOUT}
    facts = {
        "model": chip.model, "networks": networks, "image_shape": list(chip.image_shape),
        "sigma": chip.sigma if isinstance(chip.sigma, float | int) else None, "provenance": dict(chip.provenance),
        "read_after": 1.0 if chip.readout is None else chip.readout.after,
    }  # fmt: skip
    return Arrays(named=named, facts=facts)


def restored(arrays: Arrays, place: str) -> Chip:
    """Return the chip whose `exported` arrays these are.

    Raises
    ------
    CorruptFile
        They are not what `exported` made.
    """
    try:
        return _restored(arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = " ".join(str(error).split())[:120]
        raise CorruptFile(f"{place} is no whole file of `hopbar export` ({why})") from error


def _restored(arrays: Arrays) -> Chip:
    named, facts = arrays.named, arrays.facts
    told: Any = facts["networks"]
    networks, weights, conductances = {}, {}, {}
    for name, one in told.items():
        laws = tuple(neuron(str(law), float(gain or 3.0)) for law, gain in one["neurons"])
        own = {kind: named[f"{name}.{kind}"] for kind in _MISMATCH if f"{name}.{kind}" in named}
        blocks = tuple((str(block), int(size)) for block, size in one["blocks"])
        networks[name] = Network(blocks, one["topology"], laws, Mismatch(**own) if own else None)
        weights[name] = named[name]
        if f"{name}.{_PLUS}" in named:
            conductances[name] = Conductances(
                plus=named[f"{name}.{_PLUS}"], minus=named[f"{name}.{_MINUS}"],
                siemens_per_weight=float(one["siemens_per_weight"]), device=one["device"], report=one["report"],
                gains=named.get(f"{name}.{_GAINS}"),
            )  # fmt: skip
    told_readout = {name: named[f"{_READOUT}.{name}"] for name in READOUT if f"{_READOUT}.{name}" in named}
    sigma: Any = named.get("sigma", facts["sigma"])
    shape: Any = facts["image_shape"]
    provenance: Any = facts["provenance"]
    after: Any = facts.get("read_after", 1.0)
    return Chip(
        model=str(facts["model"]), networks=networks, weights=weights, conductances=conductances, sigma=sigma,
        image_shape=tuple(int(side) for side in shape), examples=named["examples"], provenance=provenance,
        readout=Readout(**told_readout, after=after) if told_readout else None,
    )  # fmt: skip


def _networks(wanted: Wanted) -> dict[str, Network]:
    kinds = {"tdh-vae": ("tied",), "dh-vae": ("encoder", "decoder"), "h-vae": ("encoder", "decoder")}
    topology = wanted.topology or ("layered" if wanted.model == "h-vae" else "dense")
    laws = {"pixels": "sigmoid", "hidden": "sigmoid", "latent": "sigmoid"} | dict(wanted.neurons or {})
    found = {}
    for name in kinds[wanted.model]:
        sizes = dict(wanted.blocks)
        if name == "encoder":
            sizes["latent"] *= 2  # means, then log variances
        blocks = tuple((block, sizes[block]) for block in ("pixels", "hidden", "latent"))
        found[name] = Network(blocks, topology, tuple(named(laws[block], wanted.gain) for block, _ in blocks))
    return found


def _parts(arrays: Arrays, networks: Mapping[str, Network], wanted: Wanted) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Return which arrays belong to which network."""
    chosen = list(wanted.names) or [name for name, one in arrays.named.items() if one.ndim == 2]
    for name in chosen:
        if name not in arrays.named:
            raise unknown_name("array in the file", name, arrays.named)
        if arrays.named[name].ndim != 2:
            raise InvalidValue(f"{name} must be a matrix, but has the shape {arrays.named[name].shape}")
    each = 2 if wanted.unit is not None else 1
    if wanted.topology == "layered" or wanted.model == "h-vae":
        square = [name for name in chosen if arrays.named[name].shape[0] == arrays.named[name].shape[1]]
        each *= 1 if len(square) == len(chosen) else 2
    if len(chosen) != each * len(networks):
        raise InvalidValue(
            f"{each * len(networks)} matrices are needed for {' and '.join(networks)}, but the file has "
            f"{', '.join(chosen) or 'none'}: name them in their order with --arrays"
        )
    found = [(name, arrays.named[name]) for name in chosen]
    if not wanted.names and set(networks) <= set(chosen):
        found = [(name, arrays.named[name]) for name in networks]
    return {name: found[number * each : (number + 1) * each] for number, name in enumerate(networks)}


def _weights(
    parts: Sequence[tuple[str, np.ndarray]], network: Network, wanted: Wanted
) -> tuple[np.ndarray, Misfit]:
    places = [name for name, _ in parts]
    matrices = [matrix for _, matrix in parts]
    whole = matrices[0] if len(matrices) == 1 else layered(matrices, network, places)
    return fitted(whole, network, limit=wanted.limit, force=wanted.force, place=", ".join(places))


def _conductances(parts: Sequence[tuple[str, np.ndarray]], network: Network, wanted: Wanted) -> Conductances:
    if wanted.unit not in UNITS:
        raise unknown_name("unit of conductance", str(wanted.unit), UNITS)
    if wanted.siemens_per_weight is None:
        raise InvalidValue("`--siemens-per-weight` must say what conductance stands for a weight of 1, with `--unit`")
    named = {("plus" if "plus" in name.lower() or name.lower().endswith("+") else "minus"): one for name, one in parts}
    if len(named) < 2:
        named = {"plus": parts[0][1], "minus": parts[1][1]}  # in their order
    scaled = {side: one.astype(np.float64) * UNITS[wanted.unit] for side, one in named.items()}
    if wanted.force:
        scaled = {side: np.where(network.mask(), one, 0) for side, one in scaled.items()}
    return Conductances(
        plus=scaled["plus"], minus=scaled["minus"], siemens_per_weight=wanted.siemens_per_weight, device="measured"
    )


def _image_shape(wanted: Wanted) -> tuple[int, ...]:
    pixels = wanted.blocks["pixels"]
    if wanted.image_shape is not None:
        if math.prod(wanted.image_shape) != pixels:
            raise InvalidValue(f"`--image-shape` must have {pixels} pixels, but got {wanted.image_shape}")
        return wanted.image_shape
    side = math.isqrt(pixels)
    return (side, side) if side * side == pixels else (1, pixels)


def _config(wanted: Wanted) -> RunConfig | None:
    """Return the run that such a chip could have come from; None without images."""
    if wanted.dataset is None:
        return None
    laws = {f"{block}_neuron": law for block, law in (wanted.neurons or {}).items()}
    names = {"pixels_neuron": "pixel_neuron"}
    model: dict[str, Any] = {names.get(key, key): law for key, law in laws.items()}
    model |= {"hidden": wanted.blocks["hidden"], "latent": wanted.blocks["latent"], "gain": wanted.gain}
    if wanted.model == "tdh-vae":
        model["sigma"] = wanted.sigma
    size = math.isqrt(wanted.blocks["pixels"])
    given = own_images.settings(wanted.dataset)
    if given[0] in {"data.name=mnist", "data.name=mnist-5k", "data.name=fashion-mnist"}:
        given.append(f"data.image_size={size}")
    config = toml_file.resolve(wanted.model, [{"model": model}], given)
    if config.data.n_pixels != wanted.blocks["pixels"]:
        raise InvalidValue(
            f"the network has {wanted.blocks['pixels']} pixels, but images of {wanted.dataset} have "
            f"{config.data.n_pixels}: choose others, or leave `--dataset` out"
        )
    return config


def _examples(config: RunConfig | None, wanted: Wanted) -> np.ndarray:
    """Return images to try the chip on: of its data set, else a few of noise."""
    if config is not None:
        return images.load(config.data).validation_images[:EXAMPLES]
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (4, wanted.blocks["pixels"])).astype(np.float32)


def facts_of(chip: Chip, misfits: Mapping[str, Misfit]) -> dict[str, Any]:
    """Return what was imported, as `--json` prints it; `scored_on` names the images that `hopbar evaluate` takes."""
    networks = {}
    for name, network in chip.networks.items():
        misfit = asdict(misfits[name]) if name in misfits else None
        networks[name] = {"neurons": network.size, "topology": network.topology, "misfit": misfit}
    config = chip.provenance.get("config")
    scored = None if config is None else toml_file.loads(config, "the chip's config").data.name
    return {"model": chip.model, "networks": networks, "scored_on": scored}
