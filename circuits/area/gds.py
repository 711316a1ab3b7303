"""A floor plan as a GDS file: named cells that stand for tiles, neurons and converters, one layer a component.

gdstk writes it. Units are micrometres on a grid of 1 nm. Every die is a top cell; its blocks are cells of their own,
placed as arrays of references. Layers: `LAYERS`. Equal plans are equal bytes.
"""

from __future__ import annotations

import datetime
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circuits.area.blocks import Array, Block
from circuits.area.estimate import COMPONENTS
from circuits.area.floor_plan import Die, Placement
from crossbar.errors import EngineError, ExistingFile
from crossbar.output_files import write_atomically

if TYPE_CHECKING:
    import gdstk

LAYERS = {name: number for number, name in enumerate(COMPONENTS, start=1)} | {
    "outline": 100, "memory_cell": 101, "label": 102,
}  # fmt: skip
"""Number of the GDS layer of each component (datatype 0); die outline, outline of one memory cell, labels."""
REMEDY = "pip install 'hopbar[layout]'"
MADE = datetime.datetime(2000, 1, 1)  # what a file says of when it was written, so that equal plans are equal bytes
UM = 1e-3  # nm


def write(dies: Sequence[Die], path: Path, *, force: bool = False) -> Path:
    """Write `dies` to the GDS file `path`, each as a top cell; an old file is replaced if `force`.

    Raises
    ------
    EngineError
        gdstk is not installed.
    ExistingFile
        `path` is there already.
    OSError
        It cannot be written.
    """
    check(path, force=force)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "plan.gds"
        library(dies).write_gds(made, timestamp=MADE)
        write_atomically(path, made.read_bytes())
    return path


def check(path: Path, *, force: bool = False) -> None:
    """Raise the errors of `write`, before the work."""
    _gdstk()
    if path.exists() and not force:
        raise ExistingFile(f"{path} exists already; choose another --gds, or --force to replace it")


def library(dies: Sequence[Die]) -> gdstk.Library:
    """Return `dies` as a library: a top cell each, and the cells that it places."""
    gdstk = _gdstk()
    made = gdstk.Library("hopbar", unit=1e-6, precision=1e-9)
    for number, die in enumerate(dies, start=1):
        prefix = f"die{number}"
        top = gdstk.Cell(f"{prefix}_{_name(die.name)}")
        top.add(_rectangle(0, 0, die.width, die.height, "outline"))
        top.add(gdstk.Label(top.name, (0, die.height * UM), anchor="nw", layer=LAYERS["label"]))
        made.add(top)
        for placement in die.placements:
            cells = _block(placement.block, prefix)
            made.add(*cells)
            top.add(*_references(cells[0], placement))
    return made


def _block(block: Block, prefix: str) -> list[gdstk.Cell]:
    """Return the cell of `block`, and the one of its memory cells if it has an array of them."""
    gdstk = _gdstk()
    cell = gdstk.Cell(f"{prefix}_{block.name}")
    cell.add(*(_rectangle(box.x, box.y, box.width, box.height, box.kind) for box in block.parts))
    middle = (block.width / 2 * UM, block.height / 2 * UM)
    cell.add(gdstk.Label(block.name, middle, anchor="o", layer=LAYERS["label"]))
    array = block.array
    if array is None or array.columns * array.rows == 0:
        return [cell]
    memory = gdstk.Cell(f"{prefix}_memory_cell")
    side = int(array.pitch)
    memory.add(_rectangle(0, 0, side, side, "memory_cell"))
    cell.add(_array(memory, array))
    return [cell, memory]


def _array(memory: gdstk.Cell, array: Array) -> gdstk.Reference:
    pitch = array.pitch * UM
    corner = (array.x * UM, array.y * UM)
    return _gdstk().Reference(memory, corner, columns=array.columns, rows=array.rows, spacing=(pitch, pitch))


def _references(cell: gdstk.Cell, placement: Placement) -> Iterable[gdstk.Reference]:
    """Return the full rows of a placement as one array, and what is left in a short last row as another."""
    gdstk = _gdstk()
    full, rest = divmod(placement.count, placement.columns)
    spacing = (placement.step_x * UM, placement.step_y * UM)
    for columns, rows, row in ((placement.columns, full, 0), (rest, 1, full)):
        if columns * rows:
            corner = (placement.x * UM, (placement.y + row * placement.step_y) * UM)
            yield gdstk.Reference(cell, corner, columns=columns, rows=rows, spacing=spacing)


def _rectangle(x: int, y: int, width: int, height: int, kind: str) -> gdstk.Polygon:
    corners = (x * UM, y * UM), ((x + width) * UM, (y + height) * UM)
    return _gdstk().rectangle(*corners, layer=LAYERS[kind])


def _name(text: str) -> str:
    """Return `text` with letters, digits and underscores alone, which every reader of GDS takes."""
    return re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "chip"


def _gdstk() -> Any:
    try:
        import gdstk
    except ImportError as error:
        raise EngineError(f"a floor plan as GDS needs gdstk, which is not installed: {REMEDY}") from error
    return gdstk
