"""The trained chip: what learning hands to silicon, as one object and one HDF5 file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crossbar import input_files
from crossbar.chip_checks import (
    KINDS,
    check_blocks,
    check_coupled,
    check_examples,
    check_name,
    check_sigma,
    check_symmetric,
    check_texts,
)
from crossbar.conductances import Conductances
from crossbar.errors import CorruptFile, InvalidValue, MissingFile, unknown_name
from crossbar.hopfield.mismatch import Mismatch, Spread
from crossbar.hopfield.network import Network, Role
from crossbar.hopfield.neurons import Neuron, Sigmoid, neuron
from crossbar.output_files import write_atomically
from crossbar.readout import Readout

if TYPE_CHECKING:
    import h5py

SCHEMA = "hopbar-chip/1"
SCHEMA_OF_LAWS = "hopbar-chip/2"
"""Schema of chips whose neurons follow several laws: a reader that knows none but the paper's must not read them."""
SCHEMA_OF_NEURONS = "hopbar-chip/3"
"""Schema of chips whose neurons are not alike: a reader that takes them for perfect must not read them."""
SCHEMA_OF_GAINS = "hopbar-chip/4"
"""Schema of chips whose lines have gains: a reader that knows none would take other weights from their devices."""
SCHEMA_OF_FLOWS = "hopbar-chip/5"
"""Schema of chips that generate by relaxing from noise: a reader that knows none but VAEs must not read them."""
SCHEMA_OF_PULLS = "hopbar-chip/6"
"""Schema of chips whose neurons are pulled where nothing pulls: a reader that knows no pull must not read them."""
ROLES = ("encode", "decode")
FLOW, GENERATE = "flow", "generate"
"""The network of a chip that generates, and the only role that it plays."""
READOUT = ("mean", "scale")
MISMATCH = ("gain", "offset", "leak", "pull")
"""What neurons that are not alike have each of their own, `crossbar.hopfield.mismatch.Mismatch`."""


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A trained Hopfield VAE as it would be built, or a flow: a network that relaxes from noise to an image.

    Attributes
    ----------
    model : str
        Such as ``"tdh-vae"``; one line of printable ASCII, as all names.
    networks : mapping of str to Network
        ``{"tied": ...}`` when one network serves both roles, else ``{"encoder": ..., "decoder": ...}``. Blocks are
        named ``pixels``, ``hidden``, ``latent``; an encoder's ``latent`` block of an untied model holds the means
        first and then the log variances. ``{"flow": ...}`` of a flow, with a block ``time`` in place of ``latent``, or
        none where its field has no time.
    weights : mapping of str to ndarray (N, N)
        Trained weights, [source, target], zero where the network does not couple; symmetric, but for networks with
        `conductances` of two devices a pair.
    sigma : float, ndarray (latent,) or None
        Standard deviation of the latents, positive (tied model), one for all or one each, None where the encoder gives
        the log variance.
    image_shape : tuple of int
        Rows and columns of an image, and of a colour image its channels; together the pixels of every network.
    examples : ndarray (k, pixels)
        A few images of the held-out split, in [-1, 1], for verification and pictures.
    conductances : mapping of str to Conductances
        Programmed devices, by network; empty for ideal weights.
    readout : Readout or None
        What the pixels of a flow stand for; None of a VAE, whose states are the pixels.
    provenance : mapping of str to str
        Where the chip comes from: run, commit, seed, config.

    Raises
    ------
    InvalidValue
        Anything that does not fit these descriptions, see `crossbar.chip_checks`.
    UnknownName
        Conductances of a network that the chip does not have.

    Examples
    --------
    >>> import numpy as np
    >>> import crossbar as xb
    >>> from crossbar.hopfield.network import Network
    >>> net = Network((("pixels", 4), ("hidden", 3), ("latent", 1)))
    >>> chip = xb.Chip(model="tdh-vae", networks={"tied": net}, weights={"tied": np.zeros((8, 8))}, image_shape=(2, 2))
    >>> chip.tied, chip.role("decode")[1].clamped
    (True, ('latent',))
    """

    model: str
    networks: Mapping[str, Network]
    weights: Mapping[str, np.ndarray]
    sigma: float | np.ndarray | None = None
    image_shape: tuple[int, ...] = (28, 28)
    examples: np.ndarray = field(default_factory=lambda: np.zeros((0, 784), np.float32))
    conductances: Mapping[str, Conductances] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    readout: Readout | None = None

    def __post_init__(self) -> None:
        for name in self.conductances:
            if name not in self.networks:
                raise unknown_name("network of conductances", name, self.networks)
        self._check()

    def _check(self) -> None:
        check_name("`model`", self.model)
        check_texts("`provenance`", self.provenance, str)
        if set(self.networks) not in KINDS:
            found = sorted(map(str, self.networks))
            raise InvalidValue(f"`networks` must be tied, encoder and decoder, or flow, but got {found}")
        if set(self.networks) != set(self.weights):
            found = sorted(map(str, self.weights))
            raise InvalidValue(f"`weights` must belong to {sorted(self.networks)}, but got {found}")
        for name, network in self.networks.items():
            check_blocks(name, network, self.image_shape)
            check_coupled(f"weights of `{name}`", self.weights[name], network)
            if name not in self.conductances:
                check_symmetric(f"weights of `{name}`", self.weights[name])
        for name, devices in self.conductances.items():
            for side in ("plus", "minus"):
                check_coupled(f"conductances `{side}` of `{name}`", getattr(devices, side), self.networks[name])
        if not self.generates:
            latents = dict(self.networks["tied" if self.tied else "decoder"].blocks)["latent"]
            check_sigma(self.sigma, latents)
        self._check_readout()
        check_examples(self.examples, self.image_shape)

    def _check_readout(self) -> None:
        if (self.readout is not None) != self.generates:
            raise InvalidValue("`readout` belongs to a chip with the network flow, and only to one: give both or none")
        if self.readout is not None and self.readout.mean.shape != (math.prod(self.image_shape),):
            raise InvalidValue(
                f"`readout` must be of the {math.prod(self.image_shape)} pixels, but got {self.readout.mean.shape}"
            )
        if self.readout is not None and "time" in self.networks[FLOW].names and self.readout.after != 1:
            raise InvalidValue(
                f"`after` must be 1 where neurons tell a flow the time, but got {self.readout.after:g}"
            )

    @property
    def gain(self) -> float:
        """Slope parameter of rho(s) = sigmoid(gain s), where all neurons are the paper's with one gain.

        Raises
        ------
        InvalidValue
            The chip has neurons of several laws.
        """
        laws = {law for network in self.networks.values() for law in network.laws}
        if len(laws) != 1 or not isinstance(law := laws.pop(), Sigmoid):
            raise InvalidValue("the chip's neurons follow several laws and have no one `gain`: see its networks")
        return law.gain

    @property
    def tied(self) -> bool:
        """Whether one network is both encoder and decoder."""
        return "tied" in self.networks

    @property
    def generates(self) -> bool:
        """Whether the chip is a flow, which relaxes from noise to an image; the others are VAEs."""
        return FLOW in self.networks

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that the chip plays."""
        return (GENERATE,) if self.generates else ROLES

    def role(self, name: str) -> tuple[str, Role]:
        """Return the network that plays role `name` and its role: what is clamped in it.

        A VAE has the roles "encode" and "decode", a flow "generate": its time, if any, is clamped, its pixels are slow.

        Raises
        ------
        UnknownName
            For any other name.
        """
        if name not in self.roles:
            raise unknown_name("role", name, self.roles)
        if name == GENERATE:
            return FLOW, self.networks[FLOW].role({"time"} & set(self.networks[FLOW].names))
        network = "tied" if self.tied else {"encode": "encoder", "decode": "decoder"}[name]
        clamped = {"encode": "pixels", "decode": "latent"}[name]
        return network, self.networks[network].role([clamped])

    def with_neurons(self, spread: Spread, rng: np.random.Generator) -> Chip:
        """Return this chip with neurons that are not alike, drawn from `spread`: what a network meets in silicon."""
        networks = {
            name: replace(network, mismatch=spread.draw(network.size, rng)) for name, network in self.networks.items()
        }
        return replace(self, networks=networks)

    def with_limit(self, limit: float) -> Chip:
        """Return this chip with linear neurons that have a supply at +-`limit`, `neurons.Saturating`.

        Raises
        ------
        InvalidValue
            A chip without linear neurons, or a flow, whose pixels are its images; a limit that is not positive.
        """
        if self.generates:
            raise InvalidValue("the chip is a flow, whose linear neurons are its pixels: leave their limit out")
        networks = {name: network.limited(limit) for name, network in self.networks.items()}
        return replace(self, networks=networks)

    def effective_weights(self, network: str) -> np.ndarray:
        """Return the weights (N, N) that `network` computes with: its devices' if programmed, else the trained ones.

        They are [source, target], as `crossbar.hopfield.couplings` multiplies them.
        """
        if network in self.conductances:
            return self.conductances[network].weights()
        return np.asarray(self.weights[network])

    def save(self, path: str | Path) -> Path:
        """Write the chip to an HDF5 file, atomically: a file of that name is either the old or the new one, whole.

        The file is made in memory, as HDF5 cannot bear a disk that fills up: the interpreter would crash.

        Raises
        ------
        OSError
            The file cannot be written; the error names it.
        """
        import h5py

        path = Path(path)
        with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
            _write(file, self)
            file.flush()
            image = file.id.get_file_image()
        write_atomically(path, image)
        return path


def load_chip(path: str | Path) -> Chip:
    """Read a chip from its file, or from the run folder that holds it as ``chip.h5``.

    Raises
    ------
    MissingFile
        There is no such file, or the run folder has no chip yet.
    CorruptFile
        The file is no chip of ours, of another schema, or damaged.
    InvalidValue, UnknownName
        It says what no chip can be, such as weights that do not fit their network.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import crossbar as xb
    >>> from crossbar.hopfield.network import Network
    >>> net = Network((("pixels", 4), ("hidden", 3), ("latent", 1)))
    >>> chip = xb.Chip(model="tdh-vae", networks={"tied": net}, weights={"tied": np.zeros((8, 8))}, image_shape=(2, 2))
    >>> path = chip.save(pathlib.Path(tempfile.mkdtemp()) / "chip.h5")
    >>> xb.load_chip(path).networks["tied"].size
    8
    """
    path = Path(path)
    file_path = path / "chip.h5" if path.is_dir() else path
    if not file_path.exists():
        raise MissingFile(f"no chip at {file_path}: {_why_none(path)}")
    with input_files.hdf5(file_path, "a chip", "make the chip again from its run") as file:
        known = (SCHEMA, SCHEMA_OF_LAWS, SCHEMA_OF_NEURONS, SCHEMA_OF_GAINS, SCHEMA_OF_FLOWS, SCHEMA_OF_PULLS)
        if file.attrs.get("schema") not in known:
            raise CorruptFile(f"{file_path} is not a Hopbar chip of schema {', '.join(map(repr, known))}")
        return _read(file)


def _why_none(path: Path) -> str:
    """Return why there is no chip at `path`, and what to do."""
    if not path.is_dir():
        return "give a run folder or a chip file"
    config = path / "config.toml"
    if config.is_file() and input_files.toml(config, "").get("model", {}).get("name") == "f-vae":
        return "an f-vae is no Hopfield network and never has one; train an h-vae, dh-vae or tdh-vae"
    return "train the run for at least one epoch first"


def _write(file: h5py.File, chip: Chip) -> None:
    file.attrs.update(model=chip.model, image_shape=chip.image_shape)
    laws = {law for network in chip.networks.values() for law in network.laws}
    alike = all(network.mismatch is None for network in chip.networks.values())
    plain = all(devices.gains is None for devices in chip.conductances.values())
    one_law = len(laws) == 1 and isinstance(next(iter(laws)), Sigmoid) and alike and plain and not chip.generates
    several = SCHEMA_OF_FLOWS if chip.generates else SCHEMA_OF_LAWS if alike else SCHEMA_OF_NEURONS
    several = SCHEMA_OF_GAINS if not (plain or chip.generates) else several
    if any(net.mismatch is not None and net.mismatch.pulls.any() for net in chip.networks.values()):
        several = SCHEMA_OF_PULLS
    file.attrs.update({"schema": SCHEMA, "gain": chip.gain} if one_law else {"schema": several})
    if chip.sigma is not None:
        file.attrs["sigma"] = chip.sigma
    file.attrs["provenance"] = json.dumps(dict(chip.provenance))
    file.create_dataset("examples", data=chip.examples)
    if chip.readout is not None:
        for name in READOUT:
            file.create_dataset(f"readout/{name}", data=getattr(chip.readout, name))
        file["readout"].attrs["after"] = chip.readout.after
    for name, network in chip.networks.items():
        group = file.create_group(f"networks/{name}")
        group.attrs["topology"] = network.topology
        group.attrs["blocks"] = json.dumps(network.blocks)
        if not one_law:
            group.attrs["neurons"] = json.dumps([(law.name, law.number) for law in network.laws])
        if network.mismatch is not None:
            for kind in MISMATCH:
                group.create_dataset(f"mismatch/{kind}", data=getattr(network.mismatch, kind))
        group.create_dataset("weights", data=chip.weights[name], compression="gzip", compression_opts=1)
    for name, devices in chip.conductances.items():
        group = file.create_group(f"conductances/{name}")
        group.attrs.update(siemens_per_weight=devices.siemens_per_weight, device=devices.device)
        group.attrs["report"] = json.dumps(dict(devices.report))
        if devices.gains is not None:
            group.create_dataset("gains", data=devices.gains)
        for sign in ("plus", "minus"):
            data = group.create_dataset(sign, data=getattr(devices, sign), compression="gzip", compression_opts=1)
            data.attrs["units"] = "S"


def _read(file: h5py.File) -> Chip:
    networks, weights, conductances = {}, {}, {}
    for name, group in file["networks"].items():
        blocks = tuple((block, int(size)) for block, size in json.loads(group.attrs["blocks"]))
        neurons = _neurons(file, group, len(blocks))
        networks[name] = Network(blocks, group.attrs["topology"], neurons, _mismatch(group))
        weights[name] = input_files.array(group["weights"])
    for name, group in file.get("conductances", {}).items():
        conductances[name] = Conductances(
            plus=input_files.array(group["plus"]),
            minus=input_files.array(group["minus"]),
            siemens_per_weight=float(group.attrs["siemens_per_weight"]),
            device=group.attrs["device"],
            report=json.loads(group.attrs["report"]),
            gains=input_files.array(group["gains"]) if "gains" in group else None,
        )
    return Chip(
        model=file.attrs["model"],
        networks=networks,
        weights=weights,
        sigma=_sigma(file),
        image_shape=tuple(int(side) for side in file.attrs["image_shape"]),
        examples=input_files.array(file["examples"]),
        conductances=conductances,
        provenance=json.loads(file.attrs["provenance"]),
        readout=_readout(file),
    )


def _readout(file: h5py.File) -> Readout | None:
    if "readout" not in file:
        return None
    group = file["readout"]
    after = float(group.attrs.get("after", 1.0))  # chips of before fields without time do not tell it
    return Readout(**{name: input_files.array(group[name]) for name in READOUT}, after=after)


def _neurons(file: h5py.File, group: h5py.Group, blocks: int) -> tuple[Neuron, ...]:
    if file.attrs["schema"] == SCHEMA:
        return (Sigmoid(float(file.attrs["gain"])),) * blocks
    return tuple(neuron(str(name), float(number)) for name, number in json.loads(group.attrs["neurons"]))


def _mismatch(group: h5py.Group) -> Mismatch | None:
    if "mismatch" not in group:
        return None
    held = group["mismatch"]
    kinds = [kind for kind in MISMATCH if kind != "pull" or kind in held]  # older chips have none
    return Mismatch(**{kind: input_files.array(held[kind]) for kind in kinds})


def _sigma(file: h5py.File) -> float | np.ndarray | None:
    if "sigma" not in file.attrs:
        return None
    sigma = np.asarray(file.attrs["sigma"])
    return float(sigma) if sigma.ndim == 0 else sigma
