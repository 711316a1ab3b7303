"""Does the text of a netlist say what the chip is? Weights, neurons and clamps, at any size, without a simulator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from circuits.cells import driver, neuron, noise, nudge, opamp, sample_hold, sense, supply
from circuits.circuit.circuit import AMPLIFIERS
from circuits.circuit.generation import slowness_of
from circuits.circuit.laws import ALIKE, OF_AMPLIFIERS, OF_SEVERAL_GAINS, PULLED, UNLIKE
from circuits.circuit.layout import Choices, Layout
from circuits.circuit.names import neuron_names
from circuits.dialects.reader import Netlist, parse
from circuits.verification import told_flow, told_laws
from circuits.verification.chip_reference import Rest, Sample, devices, line_gains, settle_sample
from crossbar.chip import GENERATE, Chip
from crossbar.errors import CorruptFile, InvalidValue

WEIGHT_TOLERANCE = 1e-9  # of the largest weight: a conductance and its resistance have all digits
GAIN_TOLERANCE = 1e-12  # of a gain or a leak, and of an offset in units of the state
CLAMP_TOLERANCE = 1e-7  # of a clamped state: latents come from a settled encoder
SHOWN = 3  # foreign lines that are told


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadBack:
    """What a netlist says, beside the chip.

    Attributes
    ----------
    role : str
        The role whose clamps the file has; "both" for the single chip.
    weight_error, gain_error, offset_error, leak_error, pull_error, limit_error, clamp_error : float
        Largest differences: of a weight over the largest weight, of a neuron's gain, leak and supply over the chip's,
        of its offset and pull, of a clamped state.
    n_neurons, n_memristors : int
        Of the file.
    problems : tuple of str
        Why the file is not the chip; empty if it is.
    unread : tuple of str
        Parts of the file whose numbers are not compared.
    """

    role: str
    weight_error: float
    gain_error: float
    offset_error: float
    leak_error: float
    pull_error: float
    limit_error: float
    clamp_error: float
    n_neurons: int
    n_memristors: int
    problems: tuple[str, ...]
    unread: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing differs."""
        return not self.problems

    def summary(self) -> dict[str, object]:
        """Return it in plain values; a difference that is no number is None."""
        values = {name: getattr(self, name) for name in self.__slots__}
        numbers = {
            key: None if isinstance(value, float) and np.isnan(value) else value for key, value in values.items()
        }
        return {**numbers, "problems": list(self.problems), "unread": list(self.unread), "passed": self.passed}


def check(layout: Layout, path: Path, *, sample: int, seed: int, slowness: float | None = None) -> ReadBack:
    """Return how the netlist at `path` differs from the chip of `layout` at its example `sample` with noise of `seed`.

    `slowness` is that of a flow's pixels, the usual one if None.

    Raises
    ------
    MissingFile, CorruptFile, InvalidValue
        There is no such netlist, it is damaged, or its devices have a state, which cannot be read.
    """
    noise = layout.noise(seed, sample)
    if layout.chip.generates:
        return read_back(layout, path, Sample(inputs={}, rests={}), noise, slowness)
    return read_back(layout, path, settle_sample(layout.chip, layout.choices, layout.image(sample), noise), noise)


def read_back(
    layout: Layout, path: Path, sample: Sample, noise: np.ndarray, slowness: float | None = None
) -> ReadBack:
    """Return how the netlist at `path` differs from the chip of `layout`, whose states are `sample`; of a flow none."""
    try:
        found = parse(path)
    except UnicodeError as error:
        raise CorruptFile(f"{path} is no text; export the netlist again") from error
    if found.stateful:
        raise InvalidValue(
            f"{path} has {found.stateful} memristors with a state, whose conductance no card tells; only netlists of "
            "--device linear can be read back, `hopbar verify --device` simulates the others"
        )
    chip = layout.chip
    role = GENERATE if chip.generates else _role(found)
    network = chip.role("encode" if role == "both" else role)[0]
    names = neuron_names(chip.networks[network], chip.image_shape)
    problems = [*_foreign(found)]
    weight_error = gain_error = offset_error = leak_error = pull_error = limit_error = clamp_error = np.nan
    if found.neurons != names:
        problems.append(f"its {len(found.neurons)} neurons are not the {len(names)} of the chip's network {network}")
    else:
        weight_error = _weight_error(chip, layout.choices, network, role, found)
        clamp_error = _clamp_error(layout, sample, noise, role, found)
        if chip.generates:
            problems += told_flow.problems(chip, layout.electrical(network), slowness_of(chip, slowness), found)
        gain_error = told_laws.gain_error(chip.networks[network], found)
        offset_error = told_laws.offset_error(chip.networks[network], found)
        leak_error = told_laws.leak_error(chip.networks[network], found)
        pull_error = told_laws.pull_error(chip.networks[network], found)
        limit_error = told_laws.limit_error(chip.networks[network], found)
        problems += [*told_laws.problems(chip.networks[network], found)]
        problems += [*_rails(layout, network, sample.rests.get(role), found)]
        problems += [*_offsets(layout, network, found)]
        problems += [*_complete(found, role), *_row_sums(found), *_electrical(layout, network, found)]
    differences = {
        "weights": (weight_error, WEIGHT_TOLERANCE), "gain": (gain_error, GAIN_TOLERANCE),
        "offsets": (offset_error, GAIN_TOLERANCE), "leaks": (leak_error, GAIN_TOLERANCE),
        "pulls": (pull_error, GAIN_TOLERANCE), "limits": (limit_error, GAIN_TOLERANCE),
        "clamps": (clamp_error, CLAMP_TOLERANCE),
    }  # fmt: skip
    for what, (difference, allowed) in differences.items():
        if not difference <= allowed:
            problems.append(f"its {what} differ from the chip's by {difference:.1e}, {allowed:.0e} allowed")
    problems += _wires(layout.choices, found)
    unread = [name for name, kind in (("nudges", "nudge"), ("where the lines run", "line")) if kind in found.cards]
    return ReadBack(
        role=role, weight_error=float(weight_error), gain_error=float(gain_error),
        offset_error=float(offset_error), leak_error=float(leak_error),
        pull_error=float(pull_error), limit_error=float(limit_error), clamp_error=float(clamp_error),
        n_neurons=len(found.neurons), n_memristors=found.array.n_memristors, problems=tuple(problems),
        unread=tuple(unread),
    )  # fmt: skip


def _role(found: Netlist) -> str:
    if "noise" in found.cards:
        return "both"
    held = found.cards.get("clamp", {})
    return "decode" if held and all(name.startswith("latent") for name in held) else "encode"


def _weight_error(chip: Chip, choices: Choices, network: str, role: str, found: Netlist) -> float:
    """Return the largest difference of a weight; devices into clamped neurons, which cannot act, may be missing."""
    plus, minus, scale = devices(chip, choices, network)
    gains = line_gains(chip, network)
    weights = ((plus - minus) / scale * gains[:, None] * gains).T
    if network not in chip.conductances:
        weights = np.asarray(chip.effective_weights(network), np.float64).T
    idle = np.zeros_like(found.array.built)
    if role != "both":
        for name in chip.role(role)[1].clamped:
            idle[chip.networks[network].block(name)] = True
    difference = np.abs(found.array.weights() - weights)[~idle | found.array.built]
    largest = float(np.abs(weights).max()) or 1.0
    return float(difference.max(initial=0.0)) / largest


def _clamp_error(layout: Layout, sample: Sample, noise: np.ndarray, role: str, found: Netlist) -> float:
    """Return the largest difference of a clamped state, or of what a latent is moved by in the single chip.

    Of a flow, that of the noise that its pixels start from.
    """
    chip = layout.chip
    name = chip.role("encode" if role == "both" else role)[0]
    volt = layout.electrical(name).v_state
    if role == GENERATE:
        return told_flow.start_error(chip, volt * noise, found) / volt
    network = chip.networks[name]
    names = np.array(neuron_names(network, chip.image_shape))
    own = "encode" if role == "both" else role
    expected = dict(zip(names[network.block(chip.role(own)[1].clamped[0])], sample.inputs[own], strict=True))
    pairs = [(expected, found.cards.get("input" if role == "both" else "clamp", {}), 1 / volt)]
    if role == "both":
        moved = np.asarray(np.nan if chip.sigma is None else chip.sigma, float) * noise
        drawn = dict(zip(names[network.block("latent")], moved, strict=True))
        pairs.append((drawn, found.cards["noise"], found.parameters.get("sigma", np.nan)))
    if any(set(one) != set(other) for one, other, _ in pairs):
        return float("nan")
    return max(abs(one[name] - scale * other[name]) for one, other, scale in pairs for name in one)


@cache
def _our_cells() -> frozenset[str]:
    """Return the text of every cell that a netlist of ours may have."""
    lines: tuple[tuple[str, ...], ...] = ((), ("scale",))  # without gains of lines, and with them
    unlike = OF_AMPLIFIERS.values()
    ours = {opamp.opamp(), sample_hold.sample_hold()}
    ours |= {sense.sense("opamp", more + off) for more in lines for _, off in unlike}
    for amplifier, more in product(AMPLIFIERS, lines):
        ours |= {driver.shared_rail(more, amplifier), sense.sense(amplifier, more)}
        ours |= {nudge.nudge(amplifier), noise.noise(amplifier)}
        for own in (ALIKE, OF_SEVERAL_GAINS, UNLIKE, PULLED):
            ours |= {neuron.neuron(own["neuron"], amplifier), neuron.integrator(own["integrator"], amplifier)}
            ours |= {supply.supply(own["supply"], amplifier)}
            for off in ((), *(one for one, _ in unlike)) if amplifier == "opamp" else ((),):
                drives, follows = own["driver"] + more + off, own["follower"] + more + off
                ours |= {driver.driver(amplifier, drives), driver.shared_driver(amplifier, drives)}
                ours |= {driver.follower(amplifier, follows), driver.shared_follower(amplifier, follows)}
    return frozenset(ours)


def _foreign(found: Netlist) -> Iterator[str]:
    """Yield what stands in the file and in no netlist of ours: commands, cards, cells that are not our cells."""
    ours = _our_cells()
    strange = [*found.foreign, *(cell for cell in found.cells if cell not in ours)]
    if strange:
        said = "; ".join(repr(line.strip()[:60]) for line in strange[:SHOWN])
        yield f"it has {len(strange)} lines or cells that no netlist of ours has: {said}"
    if found.unpaired:
        yield f"{found.unpaired} memristors have no partner of the other sign"
    if len({cell.split()[1] for cell in found.cells}) != len(found.cells):
        yield "a cell is defined twice"


def _complete(found: Netlist, role: str) -> Iterator[str]:
    """Yield which neurons lack a cell."""
    everyone = set(found.neurons)
    shared = found.array.symmetry == "shared"
    drivers: set[str] = set()
    for kind in ("shared driver", "shared rail") if shared else ("driver", "rail"):
        drivers |= set(found.cards.get(kind, {}))
    if drivers != everyone or (not shared and set(found.cards.get("sense", {})) != everyone):
        yield "a neuron has no driver or no sense amplifier"
    latents = set(found.cards.get("noise", {}))
    parts = [set(found.cards.get(kind, {})) for kind in ("hold", "decode")]
    pixels = [set(found.cards.get(kind, {})) for kind in ("input", "encode")]
    resets = set(found.cards.get("reset", {}))
    switched = all(part == latents for part in parts) and pixels[0] == pixels[1] and resets == everyone - latents
    if role == "both" and not switched:
        yield "a neuron of the single chip has not all its switches"


def _offsets(layout: Layout, network: str, found: Netlist) -> Iterator[str]:
    """Yield whether the amplifiers have other offsets than the layout's."""
    drawn, expected = layout.offsets(network), {}
    if drawn is not None:
        names = [name for part in OF_AMPLIFIERS[found.array.symmetry] for name in part]
        told = [dict(zip(names, row, strict=True)) for row in drawn.tolist()]
        if "rail" in found.cards or "shared rail" in found.cards:  # word lines at given voltages have no amplifier
            kept = OF_AMPLIFIERS[found.array.symmetry][1]
            told = [{name: row[name] for name in kept} for row in told]
        expected = {name: row for name, row in zip(found.neurons, told, strict=True) if row}
    if found.offsets != expected:
        yield "the offsets of its amplifiers are not those of --offset-spread"


def _row_sums(found: Netlist) -> Iterator[str]:
    """Yield whether the sums of conductances that a shared array's drivers know are those of its devices."""
    stated = {**found.cards.get("shared driver", {}), **found.cards.get("shared rail", {})}
    if found.array.symmetry != "shared" or set(stated) != set(found.neurons):
        return
    sums = (found.array.plus + found.array.minus).sum(axis=1)
    told = np.array([stated[name] for name in found.neurons])
    if not np.abs(told - sums).max() <= WEIGHT_TOLERANCE * (sums.max() or 1.0):
        yield "its drivers' row sums (s_row) are not those of its devices"
    devices = dict(zip(found.neurons, np.maximum(2 * found.array.built.sum(axis=1), 1).tolist(), strict=True))
    if "count" in found.cards and found.cards["count"] != devices:
        yield "its replicas (n_row) stand for other numbers of devices than its lines have"


def _electrical(layout: Layout, network: str, found: Netlist) -> Iterator[str]:
    """Yield which electrical sizes are not those that `hopbar netlist` writes, and whether neurons start elsewhere."""
    expected = asdict(layout.electrical(network))
    others = set(found.parameters) - set(expected) - {"gain", "siemens_per_weight", "sigma"}
    if others:
        yield f"it has parameters that are not ours: {', '.join(sorted(name[:30] for name in others)[:SHOWN])}"
    for name in sorted(set(found.parameters) & set(expected)):
        if not np.isclose(found.parameters[name], expected[name], rtol=1e-12, atol=0):
            yield f"its {name} is {found.parameters[name]:g}, not {expected[name]:g}"
    if not layout.chip.generates and any(found.cards.get("neuron", {}).values()):
        yield "its neurons do not start at zero"


def _rails(layout: Layout, network: str, rest: Rest | None, found: Netlist) -> Iterator[str]:
    """Yield whether word lines that are fixed are not at v_read rho of where the chip rests."""
    fixed = found.cards.get("volts", {})
    if rest is None or not fixed:
        return
    driven = rest.neurons.signals(rest.states) * line_gains(layout.chip, network)
    expected = dict(zip(found.neurons, driven.tolist(), strict=True))
    volts = layout.read_voltage(network)
    apart = max(abs(told / volts - expected.get(name, np.nan)) for name, told in fixed.items())
    if not apart <= CLAMP_TOLERANCE:
        yield f"its fixed word lines are {apart:.1e} of v_read from where the chip's are"


def _wires(choices: Choices, found: Netlist) -> Iterator[str]:
    told = set(found.cards.get("line", {}).values())
    expected = set() if choices.wires is None else {choices.wires.r_word_line, choices.wires.r_bit_line}
    if told != expected:
        said = [", ".join(f"{ohm:g} ohm" for ohm in sorted(some)) or "none" for some in (told, expected)]
        yield f"resistance of its lines: {said[0]} a segment, but {said[1]} was asked (--wires, --r-wire)"
