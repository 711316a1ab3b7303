"""A circuit from weights or from a chip: written as a netlist, settled in a circuit simulator."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from circuits.api.given import Blocks, by_neuron, network_of, weights_of, with_laws
from circuits.api.settled import CircuitStates
from circuits.circuit.circuit import Circuit as Posed
from circuits.circuit.electrical import Electrical, Wires
from circuits.circuit.laws import read_voltage
from circuits.circuit.layout import Choices, Layout
from circuits.circuit.memristor_array import map_linearly
from circuits.circuit.names import neuron_names
from circuits.circuit.units import Reach
from circuits.dialects import others, spice, vacask
from circuits.simulators import Limits
from circuits.simulators import engine as engine_named
from circuits.verification import reference
from circuits.verification.settled import COARSE, duration
from circuits.verification.verdict import OPAMP_TOLERANCE, SMALL, TOLERANCE
from crossbar.chip import Chip, load_chip
from crossbar.errors import EngineError, InvalidValue, unknown_name
from crossbar.hopfield.network import Network

DIALECTS = ("ngspice", "vacask", *others.OTHERS)
NO_SHAPE = (0, 0)  # of an image: neurons of a block are numbered, not placed


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Circuit:
    """A continuous Hopfield network in memristors, some of its neurons held: what a netlist says.

    Every neuron k has C dv_k/dt = -v_k / R + rho'(v_k) (W rho(v))_k / R (eq. 2, time constant R C), linear and
    classical ones the same without rho'(v_k), and linear ones v for rho(v). A weight is
    W_ij = (G+_ij - G-_ij) / siemens_per_weight, from neuron j to neuron i, times the gains of their lines if any. Make
    one with `from_weights` or `of_chip`.
    Neurons of a chip that are not alike have gain, offset and leak of their own (`crossbar.hopfield.mismatch`).

    Attributes
    ----------
    posed : circuits.circuit.circuit.Circuit
        The circuit in numbers.
    network : Network
        Names and sizes of the blocks.

    Examples
    --------
    >>> import numpy as np
    >>> import circuits
    >>> W = np.array([[0.0, 0.8, -0.3], [0.8, 0.0, 0.5], [-0.3, 0.5, 0.0]])
    >>> c = circuits.Circuit.from_weights(W, {"input": 1, "hidden": 2}, clamped={"input": [1.0]}, gain=3)
    >>> c
    Circuit(input 1, hidden 2; held: input; 12 memristors, two-device, linear)
    """

    posed: Posed
    network: Network

    @classmethod
    def from_weights(
        cls,
        W: Any,
        blocks: Blocks = None,
        *,
        clamped: Mapping[str, Any] | Mapping[int, float] | None = None,
        topology: str = "dense",
        gain: float = 3.0,
        neurons: Mapping[str, str] | None = None,
        start: Mapping[str, Any] | Mapping[int, float] | None = None,
        symmetry: str | None = None,
        device: str = "linear",
        amplifier: str = "behavioural",
        wires: Wires | None = None,
        g_min: float = 1e-6,
        g_max: float = 1e-4,
    ) -> Circuit:
        """Return the circuit whose memristors hold W (N, N) exactly, one device of each pair at `g_min`.

        Parameters
        ----------
        W : array_like (N, N)
            Real, finite, zero on the diagonal; W_ij is what neuron j gives to neuron i. The largest magnitude takes
            `g_max`.
        blocks : mapping or pairs of str to int, optional
            Names (small letters and digits) and sizes, in the order of W; None: one block, "neuron".
        clamped, start : mapping of str to array_like, or of int to float
            States, V, at which neurons are held, and from which the free ones begin (zero unless given), by block or by
            the neuron's number.
        topology : {"dense", "layered"}
            Which devices are built: all off the diagonal, or those between neighbouring blocks.
        gain : float
            Slope of rho(v) = 1 / (1 + exp(-gain v)), positive.
        neurons : mapping of str to {"sigmoid", "linear", "classical"}, optional
            Laws of blocks whose neurons are not the paper's sigmoids, as `crossbar.HopfieldNetwork` has them.
        symmetry : {"shared", "two-device"}, optional
            One device a pair of neurons (needs W = W^T) or one a direction; None: two-device.
        device : {"linear", "vteam", "yakopcic", "stanford"}
        amplifier : {"behavioural", "opamp"}
        wires : Wires, optional
        g_min, g_max : float
            Range of a device, S.

        Raises
        ------
        InvalidValue
            Weights or states that do not fit; weights where no device is built; all neurons clamped; a gain that is not
            positive.
        UnknownName
            No such block or device.
        """
        weights = weights_of(W)
        network = with_laws(network_of(blocks, len(weights), topology), neurons or {}, gain)
        held, fixed = by_neuron("clamped", clamped or {}, network)
        begun, _ = by_neuron("start", start or {}, network)
        if fixed.all():
            raise InvalidValue("at least one neuron must be free to settle, but all of them are in `clamped`")
        choices = Choices(symmetry=symmetry, device=device, amplifier=amplifier, wires=wires, g_min=g_min, g_max=g_max)
        built = network.mask()
        if weights[~built].any():
            raise InvalidValue(
                f"`W` must be zero where a {topology} network of these blocks couples nothing, as within linear ones"
            )
        array = map_linearly(weights, built, g_min=g_min, g_max=g_max, symmetry=choices.symmetry or "two-device")
        posed = Posed(
            names=neuron_names(network, NO_SHAPE), array=array, neurons=network.population(network.names),
            clamped=fixed, held=held, start=begun, device=device, amplifier=amplifier, wires=wires,
            electrical=Electrical(v_read=read_voltage(network.population(network.names), device)),
            heading=("weights given, mapped linearly", f"sha256 of the conductances: {array.digest()}"),
        )  # fmt: skip
        return cls(posed=posed, network=network)

    @classmethod
    def of_chip(
        cls,
        chip: Chip | str | Path,
        role: str = "decode",
        *,
        sample: int = 0,
        values: Any = None,
        seed: int = 0,
        **choices: Any,
    ) -> Circuit:
        """Return the circuit of a trained chip in one role.

        Parameters
        ----------
        chip : Chip, str or Path
            A chip, its file or run folder.
        role : {"encode", "decode"}
            "encode" holds an image, "decode" the latents.
        sample : int
            Which of the chip's examples is encoded, or encoded and its latents (drawn with `seed`) decoded.
        values : array_like, optional
            What is held instead: an image (n_pixels,) or latents (n_latent,).
        **choices
            Fields of `circuits.circuit.layout.Choices`: `symmetry`, `device`, `amplifier`, `wires`, `g_min`, `g_max`.

        Raises
        ------
        MissingFile, CorruptFile
            No such chip.
        InvalidValue
            No such example, values of another shape.
        UnknownName
            Another role or choice.
        """
        for word in choices:
            if word not in Choices.__dataclass_fields__:
                raise unknown_name("choice of the layout", word, Choices.__dataclass_fields__)
        loaded = chip if isinstance(chip, Chip) else load_chip(chip)
        if loaded.generates:
            raise InvalidValue("the chip is a flow, no VAE: `hopbar netlist --role generate` writes its circuit")
        network, _ = loaded.role(role)
        layout = Layout(chip=loaded, choices=Choices(**choices))
        if values is not None:
            posed = {"encode": layout.encode, "decode": layout.decode}[role](np.asarray(values, np.float64))
        else:
            posed = layout.encode(layout.image(sample))
            if role == "decode":
                posed = layout.decode(layout.latents(reference.settle(posed), layout.noise(seed, sample)))
        return cls(posed=posed, network=loaded.networks[network])

    @property
    def weights(self) -> np.ndarray:
        """W (N, N) that the devices realise, through the lines' resistance if they have any."""
        return self.posed.weights()

    @property
    def conductances(self) -> tuple[np.ndarray, np.ndarray]:
        """G+ and G- (N, N) in siemens, [i, j] from neuron j to neuron i; copies."""
        return self.posed.array.plus.copy(), self.posed.array.minus.copy()

    @property
    def n_memristors(self) -> int:
        """Number of devices, each one card of the netlist."""
        return self.posed.array.n_memristors

    def write(self, path: str | Path, dialect: str = "ngspice") -> Path:
        """Write the netlist and return its path; the transient is as long as the circuit needs to settle.

        Parameters
        ----------
        path : str or Path
            A file; for VACASK a folder, which gets circuit.sim and cells.va; Spectre's gets Verilog-A beside it.
        dialect : {"ngspice", "vacask", "ltspice", "xyce", "spectre", "hspice"}
            The last four were never run in their simulators (docs/netlist.md).

        Raises
        ------
        UnknownName
            Another dialect.
        EngineError
            The dialect does not describe this circuit, or a transient would not end.
        DivergedError
            The network does not come to rest.
        """
        if dialect not in DIALECTS:
            raise unknown_name("dialect", dialect, DIALECTS)
        posed = self._asked("tran", reference.settle(self.posed))
        if dialect == "ngspice":
            return spice.write(posed, path)
        if dialect in others.OTHERS:
            return others.write(posed, Path(path), others.OTHERS[dialect])
        Path(path).mkdir(parents=True, exist_ok=True)
        return vacask.write(posed, Path(path))

    def settle(
        self,
        engine: str = "ngspice",
        *,
        analysis: str | None = None,
        keep: str | Path | None = None,
        seconds: float = 600.0,
        gigabytes: float = 8.0,
    ) -> CircuitStates:
        """Let the circuit come to rest in a circuit simulator, and `crossbar` say where it should.

        Parameters
        ----------
        engine : {"ngspice", "pyspice", "inspice", "vacask"}
        analysis : {"tran", "op", "tran-op"}, optional
            "tran" lets it settle from its initial state (up to 200 neurons unless told otherwise); "op" seeks the
            operating point from `crossbar`'s states, which shows that the circuit rests there, not that it gets there;
            "tran-op" (VACASK) an operating point from the end of a coarse transient.
        keep : str or Path, optional
            Folder for the netlist, the log and the waveforms.
        seconds, gigabytes : float
            What the simulation may take.

        Returns
        -------
        CircuitStates

        Raises
        ------
        UnknownName
            No such engine.
        EngineError
            It is missing, failed, or ran out of time or memory; the message names the remedy.
        DivergedError
            The network does not come to rest.

        Examples
        --------
        >>> import numpy as np
        >>> import circuits
        >>> W = np.array([[0.0, 0.8, -0.3], [0.8, 0.0, 0.5], [-0.3, 0.5, 0.0]])
        >>> c = circuits.Circuit.from_weights(W, {"input": 1, "hidden": 2}, clamped={"input": [1.0]}, gain=3)
        >>> found = c.settle("ngspice")
        >>> found.agrees, found.states["hidden"].shape
        (True, (2,))
        """
        chosen = engine_named(engine)
        kind = analysis or ("tran" if len(self.posed.names) <= SMALL and self.posed.wires is None else "op")
        if kind == "tran-op" and chosen.name != "vacask":
            raise EngineError("the analysis tran-op is for VACASK; take tran or op")
        ours = reference.settle(self.posed)
        posed = self._asked(kind, ours)
        with _place(keep) as folder:
            waveforms = chosen.settle(posed, folder, Limits(seconds=seconds, gigabytes=gigabytes))
        free, theirs = np.flatnonzero(~posed.clamped), ours.copy()
        theirs[free] = waveforms.states([posed.names[index] for index in free])
        if not np.isfinite(theirs).all():
            raise EngineError(f"{chosen.name} returned states that are not finite; try the other analysis")
        return CircuitStates(
            states=self._by_block(theirs), simulated=self._by_block(ours),
            neurons=dict(zip(posed.names, theirs.tolist(), strict=True)),
            engine=f"{chosen.name} {chosen.version()}", analysis=kind,
            tolerance=OPAMP_TOLERANCE if posed.amplifier == "opamp" else TOLERANCE, seconds=waveforms.seconds,
        )  # fmt: skip

    def __repr__(self) -> str:
        blocks = ", ".join(f"{name} {size}" for name, size in self.network.blocks)
        held = [name for name in self.network.names if self.posed.clamped[self.network.block(name)].all()]
        said = ", ".join(held) if held else f"{int(self.posed.clamped.sum())} neurons"
        return (
            f"Circuit({blocks}; held: {said}; {self.n_memristors:,} memristors, {self.posed.array.symmetry}, "
            f"{self.posed.device})"
        )

    def _asked(self, kind: str, rest: np.ndarray) -> Posed:
        """Return the circuit with an analysis: a transient until `rest` (N,) is reached, or a point sought from it."""
        posed = self._supplied(rest)
        analysis = replace(posed.analysis, kind=kind)
        if kind == "op":
            return replace(posed, analysis=analysis, guess=rest)
        share = COARSE if kind == "tran-op" else 1.0
        length = share * duration(reference.softest_mode(posed, rest))
        return replace(posed, analysis=replace(analysis, marks={"free": length}))

    def _supplied(self, rest: np.ndarray) -> Posed:
        """Return the circuit with volts of states and drives that stay within its amplifiers' supply, from `rest`."""
        sizes = self.posed.electrical
        if self.posed.amplifier != "opamp" or sizes.v_drive < 1:
            return self.posed
        ends = np.stack([np.where(self.posed.clamped, self.posed.held, self.posed.start), rest])
        drives = np.stack([self.posed.weights() @ self.posed.signals(states) for states in ends])
        reach = Reach(float(np.abs(ends).max()), float(np.abs(drives).max()))
        v_state, v_drive = reach.volts(sizes)
        return replace(self.posed, electrical=replace(sizes, v_state=v_state, v_drive=v_drive))

    def _by_block(self, states: np.ndarray) -> dict[str, np.ndarray]:
        return {name: states[self.network.block(name)].copy() for name in self.network.names}


@contextmanager
def _place(keep: str | Path | None) -> Iterator[Path]:
    """Give a folder: `keep`, or one that is gone afterwards."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="hopbar-") as temporary:
            yield Path(temporary)
        return
    folder = Path(keep)
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
