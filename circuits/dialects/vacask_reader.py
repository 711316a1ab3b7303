"""A netlist in VACASK's language, as the SPICE lines that say the same: `circuits.dialects.reader` reads both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from circuits.cells.driver import shared_driver
from circuits.dialects.vacask import CELLS, OUTPUT
from crossbar.errors import CorruptFile

NUMBER = r"([-+0-9.e]+)"
SAME = {
    r"r([pn]_\w+) \((\w+) (\w+)\) r r=(\S+)": r"R\1 \2 \3 \4",
    rf"clamp_(\w+) \(s_\1\) hold volts={NUMBER}": "Vclamp_\\1 s_\\1 0 \\2\nXsense_\\1 qp_\\1 qn_\\1 m_\\1 sense",
    rf"clamp_(\w+) \(s_\1 0\) source dc={NUMBER}": r"Vclamp_\1 s_\1 0 \2",
    r"neuron_(\w+) \(s_\1 qp_\1 qn_\1\) neuron":
        "Xneuron_\\1 s_\\1 m_\\1 neuron ic=0.0\nXsense_\\1 qp_\\1 qn_\\1 m_\\1 sense",
    r"neuron_(\w+) \(s_\1 m_\1\) gate": r"Xneuron_\1 s_\1 m_\1 neuron ic=0.0",
    r"driver_(\w+) \(s_\1 p_\1\) driver": r"Xdriver_\1 s_\1 p_\1 driver",
    rf"driver_(\w+) \(s_\1 p_\1 n_\1 m_\1\) shared s_row={NUMBER}": r"Xdriver_\1 s_\1 p_\1 n_\1 m_\1 driver s_row=\2",
    rf"rail_(\w+) \(p_\1\) hold volts={NUMBER}": r"Vrail_\1 p_\1 0 \2",
    r"idle([pn])_(\w+) \(q\1_\2\) hold": "* idle", "//.*": "* comment", "ground 0": "* ground",
    r"Hopbar: a continuous Hopfield network in memristors": "* title",
    r'load "(resistor\.osdi|cells\.va)"': "* load", r"model (r resistor|source vsource)": "* model",
    rf"model hold hopbar_hold g_out={re.escape(repr(OUTPUT))}": "* model", "control|endc": "* control",
    r'  options( (tran_method="gear2"|[a-z_]+=[-+0-9.e]+))+': "* options",
    rf'  analysis (circuit|way) tran step={NUMBER} stop={NUMBER} maxstep={NUMBER} icmode="uic"( store="end" write=0)?':
        "* analysis",
    r'  analysis circuit op( nodeset=("end"|\{("\w+", [-+0-9.e]+(, )?)*\}))?': "* analysis",
}  # fmt: skip
PATTERNS = [(re.compile(rf"(?:{pattern})\n?\Z"), same) for pattern, same in SAME.items()]
MODEL = re.compile(r"model (neuron|driver|gate|shared) hopbar_\1((?: [a-z_]+=[-+0-9.e]+)+)\n?\Z")


def as_spice(path: Path) -> Iterator[str]:
    """Yield the netlist at `path` (circuit.sim, with cells.va beside it) in SPICE; lines that are not ours as they are.

    Raises
    ------
    CorruptFile
        Its models disagree about the gain or the scale.
    """
    numbers: dict[str, str] = {}
    with path.open(encoding="ascii", errors="replace", newline="\n") as file:
        for line in file:
            model = MODEL.match(line)
            if model is None:
                yield _same(line)
                continue
            for name, value in (pair.split("=") for pair in model.group(2).split()):
                if numbers.setdefault(name, value) != value or (name == "g_out" and value != repr(OUTPUT)):
                    raise CorruptFile(f"{path}: its models disagree about {name}; export it again")
            if model.group(1) == "shared":
                yield from shared_driver("behavioural").splitlines(keepends=True)
    for name in ("gain", "v_read", "c_state", "r_leak"):
        yield f".param {name}={numbers.get(name, 'nan')}\n"
    try:
        yield f".param siemens_per_weight={float(numbers['scale']) / float(numbers['v_read'])!r}\n"
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise CorruptFile(f"{path} has no scale and read voltage ({error}); export it again") from error
    cells = path.with_name("cells.va")
    if not cells.is_file() or cells.read_text(errors="replace") != CELLS:
        yield "cells.va is not ours\n"


def _same(line: str) -> str:
    if line.startswith(("rp_", "rn_")):  # millions of them
        return PATTERNS[0][0].sub(r"R\1 \2 \3 \4\n", line)
    for pattern, same in PATTERNS[1:]:
        found = pattern.match(line)
        if found is not None:
            return "".join(f"{part}\n" for part in found.expand(same).split("\n"))
    return line
