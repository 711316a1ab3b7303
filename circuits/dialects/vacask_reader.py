"""A netlist in VACASK's language, as the SPICE lines that say the same: `circuits.dialects.reader` reads both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from circuits.cells.driver import shared_driver, shared_follower
from circuits.circuit.laws import ALIKE, OF_SEVERAL_GAINS, UNLIKE
from circuits.dialects.vacask import OUTPUT, SHARED_CELLS
from circuits.dialects.vacask_cells import CELLS, OF_OTHER_LAWS, SUPPLY, with_line_gains
from circuits.dialects.vacask_cells import LINE as LINE_PARAMETER
from circuits.dialects.vacask_unlike_cells import UNLIKE_CELLS
from crossbar.errors import CorruptFile

NUMBER = r"([-+0-9.e]+)"
OWN = r"((?: (?:gain|offset|leak|ceiling|pull)=[-+0-9.e]+)*)"
LINE = r"((?: line=[-+0-9.e]+)?)"  # becomes the `scale` of SPICE's driver and sense cards
SAME = {
    r"r([pn]_\w+) \((\w+) (\w+)\) r r=(\S+)": r"R\1 \2 \3 \4",
    r"x([pn]_\w+) \((\w+) (\w+)\) of_\1": r"X\1 \2 \3 memristor",  # with a state: no such netlist is read back
    rf"clamp_(\w+) \(s_\1\) hold volts={NUMBER}": "Vclamp_\\1 s_\\1 0 \\2\nXsense_\\1 qp_\\1 qn_\\1 m_\\1 sense",
    rf"clamp_(\w+) \(s_\1 0\) source dc={NUMBER}": r"Vclamp_\1 s_\1 0 \2",
    rf"neuron_(\w+) \(s_\1 qp_\1 qn_\1\) (\w+){OWN}{LINE}":
        "Xneuron_\\1 s_\\1 m_\\1 <\\2 ic=0.0\\3>\nXsense_\\1 qp_\\1 qn_\\1 m_\\1 sense\\4",
    rf"neuron_(\w+) \(s_\1 m_\1\) (\w+){OWN}": r"Xneuron_\1 s_\1 m_\1 <\2 ic=0.0\3>",
    rf"supply_(\w+) \(s_\1\) supply{OWN}": r"Xsupply_\1 s_\1 supply\2",
    rf"driver_(\w+) \(s_\1 p_\1\) (\w+){OWN}{LINE}": r"Xdriver_\1 s_\1 p_\1 <\2\3>\4",
    rf"driver_(\w+) \(s_\1 p_\1 n_\1 m_\1\) (\w+){OWN}{LINE} s_row={NUMBER}":
        r"Xdriver_\1 s_\1 p_\1 n_\1 m_\1 <\2 s_row=\5\3>\4",
    rf"rail_(\w+) \(p_\1\) hold volts={NUMBER}": r"Vrail_\1 p_\1 0 \2",
    r"idle([pn])_(\w+) \(q\1_\2\) hold": "* idle", "//.*": "* comment", "ground 0": "* ground",
    r"Hopbar: a continuous Hopfield network in memristors": "* title",
    r'load "(resistor\.osdi|cells\.va)"': "* load", r"model (r resistor|source vsource)": "* model",
    rf"model supply hopbar_supply r_leak={NUMBER}": "* model",
    rf"model hold hopbar_hold g_out={re.escape(repr(OUTPUT))}": "* model", "control|endc": "* control",
    r'  options( (tran_method="gear2"|[a-z_]+=[-+0-9.e]+))+': "* options",
    rf'  analysis (circuit|way) tran step={NUMBER} stop={NUMBER} maxstep={NUMBER} icmode="uic"( store="end" write=0)?':
        "* analysis",
    r'  analysis circuit op( nodeset=("end"|\{("\w+", [-+0-9.e]+(, )?)*\}))?': "* analysis",
}  # fmt: skip
PATTERNS = [(re.compile(rf"(?:{pattern})\n?\Z"), same) for pattern, same in SAME.items()]
CELL_OF = {name: cell for cell, shared in SHARED_CELLS.items() for name in (cell, shared)}
MODEL = re.compile(rf"model (({'|'.join(CELL_OF)})(_[0-9]+)?) hopbar_\2((?: [a-z_]+=[-+0-9.e]+)+)\n?\Z")
PLACE = re.compile(r"<(\w+)([^>]*)>")


@dataclass(slots=True)
class _Models:
    """The models of a netlist: which cell each is, of which gain, and the numbers that all of them share.

    `told` says whether a card has told numbers of its neuron's own, `lined` whether its cells take gains of lines,
    `supplied` whether some neuron has a supply.
    """

    path: Path
    lined: bool = False
    supplied: bool = False
    cells: dict[str, str] = field(default_factory=dict)
    gains: dict[str, str] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    told: bool = False

    def add(self, found: re.Match[str]) -> None:
        """Read one model."""
        name, kind = found.group(1), found.group(2)
        if name in self.cells:
            raise CorruptFile(f"{self.path}: its model {name[:40]} occurs twice; export it again")
        self.cells[name] = kind
        for word, value in (pair.split("=") for pair in found.group(4).split()):
            if word == "gain":
                self.gains[name] = value
            elif self.shared.setdefault(word, value) != value or (word == "g_out" and value != repr(OUTPUT)):
                raise CorruptFile(f"{self.path}: its models disagree about {word}; export it again")

    @property
    def own_gain(self) -> bool:
        """Whether the models have several gains, so that each card must tell its own."""
        return len(set(self.gains.values())) > 1

    @property
    def texts(self) -> tuple[str, ...]:
        """What cells.va may say, once all cards were read."""
        alike = (CELLS, CELLS + OF_OTHER_LAWS) if self.gains else (CELLS + OF_OTHER_LAWS, UNLIKE_CELLS)
        found: tuple[str, ...] = (UNLIKE_CELLS,) if self.told else alike
        found = tuple(one + SUPPLY for one in found) if self.supplied else found
        return tuple(with_line_gains(one) for one in found) if self.lined else found

    def definitions(self) -> str:
        """Return the SPICE cells of a shared array, by which its reader knows one."""
        kinds = set(self.cells.values())
        own = UNLIKE if not self.gains else OF_SEVERAL_GAINS if self.own_gain else ALIKE
        more = ("scale",) if self.lined else ()
        parts = [shared_driver("behavioural", own["driver"] + more)] if "shared" in kinds else []
        return "".join([*parts, shared_follower("behavioural", own["follower"] + more)] if "both" in kinds else parts)

    def placed(self, found: re.Match[str]) -> str:
        """Return the cell and the numbers of one card; a model that is none of ours is left as it stands."""
        name, numbers = found.groups()
        if name not in self.cells:
            return found.group()
        self.told = self.told or any(f" {number}=" in numbers for number in UNLIKE["neuron"])
        gain = f" gain={self.gains[name]}" if self.own_gain and name in self.gains else ""
        return f"{CELL_OF[self.cells[name]]}{numbers}{gain}"


def as_spice(path: Path) -> Iterator[str]:
    """Yield the netlist at `path` (circuit.sim, with cells.va beside it) in SPICE; lines that are not ours as they are.

    Raises
    ------
    CorruptFile
        Its models disagree about the scale.
    """
    cells = path.with_name("cells.va")
    said = cells.read_text(errors="replace") if cells.is_file() else ""
    models = _Models(path, lined=LINE_PARAMETER in said, supplied="hopbar_supply" in said)
    headed = False
    with path.open(encoding="ascii", errors="replace", newline="\n") as file:
        for line in file:
            model = MODEL.match(line)
            if model is not None and not headed:
                models.add(model)
                continue
            if not headed and line.startswith(("clamp_", "neuron_", "driver_")):
                headed = True
                yield models.definitions()
            yield _same(line, models)
    common = set(models.gains.values())
    if len(common) == 1:
        yield f".param gain={common.pop()}\n"
    for name in ("v_read", "c_state", "r_leak"):
        yield f".param {name}={models.shared.get(name, 'nan')}\n"
    try:
        scale = float(models.shared["scale"]) / float(models.shared["v_read"])
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise CorruptFile(f"{path} has no scale and read voltage ({error}); export it again") from error
    yield f".param siemens_per_weight={scale!r}\n"
    if said not in models.texts:
        yield "cells.va is not ours\n"


def _same(line: str, models: _Models) -> str:
    if line.startswith(("rp_", "rn_")):  # millions of them
        return PATTERNS[0][0].sub(r"R\1 \2 \3 \4\n", line)
    for pattern, same in PATTERNS[1:]:
        found = pattern.match(line)
        if found is not None:
            said = PLACE.sub(models.placed, found.expand(same)).replace(" line=", " scale=")
            return "".join(f"{part}\n" for part in said.split("\n"))
    return line
