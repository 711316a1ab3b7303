"""The floor plan as GDS, read back by gdstk: areas by layer, instances, no overlap, the grid; refusals; same bytes."""

import builtins

import gdstk
import numpy as np
import pytest

from circuits.area.architecture import Architecture
from circuits.area.estimate import COMPONENTS, component_areas, model_inventory, total_area
from circuits.area.floor_plan import dies
from circuits.area.gds import LAYERS, REMEDY, check, write
from circuits.area.networks import paper_model, tied_model
from circuits.area.technology import load_technology
from crossbar.errors import EngineError, ExistingFile

TECHNOLOGY = load_technology()
ARCHITECTURE = Architecture()


def written(path, name="tdh-vae", sharing="two-chips"):
    write(dies(paper_model(name), ARCHITECTURE, sharing, TECHNOLOGY, 65), path)
    return gdstk.read_gds(path)


def offsets(reference):
    """Return where a reference's repetitions stand from its origin, (n, 2)."""
    return reference.repetition.get_offsets() if reference.repetition.size else np.zeros((1, 2))


def areas_by_layer(cell):
    """Return um2 by layer of a cell and all that it references, each as often as it is placed."""
    found = {layer: area for (layer, _), area in gdstk.Cell("own").add(*cell.polygons).area(True).items()}
    for reference in cell.references:
        count = len(offsets(reference))
        for layer, area in areas_by_layer(reference.cell).items():
            found[layer] = found.get(layer, 0.0) + count * area
    return found


def test_areas_by_layer_are_those_of_the_command(tmp_path):
    (top,) = written(tmp_path / "plan.gds").top_level()
    model = paper_model("tdh-vae")
    counts = model_inventory(model, ARCHITECTURE, "two-chips")
    components = component_areas(counts, ARCHITECTURE, TECHNOLOGY.values("typical"), 65)
    routing = TECHNOLOGY.parameter("routing").typical
    found = areas_by_layer(top)
    assert found[LAYERS["outline"]] * 1e-6 == pytest.approx(float(total_area(components)), rel=1e-6)
    for name in COMPONENTS:
        expected = float(components[name])
        assert routing * found.get(LAYERS[name], 0.0) * 1e-6 == pytest.approx(expected, rel=1e-3, abs=1e-15), name
    assert sum(found[LAYERS[name]] for name in COMPONENTS if LAYERS[name] in found) * routing == pytest.approx(
        found[LAYERS["outline"]], rel=1e-5
    )


def test_blocks_are_instances_inside_the_outline_that_do_not_overlap(tmp_path):
    (top,) = written(tmp_path / "plan.gds").top_level()
    placed = {}
    for reference in top.references:
        box = np.array(reference.cell.bounding_box())
        for offset in offsets(reference):
            placed.setdefault(reference.cell.name, []).append((box + reference.origin + offset).ravel())
    counts = {name.split("_", 1)[1]: len(found) for name, found in placed.items()}
    assert counts == {"tile": 98, "neuron": 1686, "adc": 27, "dac": 14, "memory": 1, "control": 1}
    left, below, right, above = np.array([box for found in placed.values() for box in found]).T
    (_, _), (width, height) = top.bounding_box()
    assert [top.polygons[0].layer, *top.polygons[0].bounding_box()[1]] == [LAYERS["outline"], width, height]
    half = 5e-4  # um: half the grid, which numbers read back may be off by
    assert min(left.min(), below.min()) > -half
    assert right.max() < width + half
    assert above.max() < height + half
    across = (left[:, None] < right[None, :] - half) & (left[None, :] < right[:, None] - half)
    up = (below[:, None] < above[None, :] - half) & (below[None, :] < above[:, None] - half)
    assert not np.triu(across & up, 1).any()


def test_units_names_labels_and_the_cells_of_a_tile(tmp_path):
    library = written(tmp_path / "plan.gds", "dh-vae")
    assert (library.unit, library.precision) == (1e-6, 1e-9)
    assert [cell.name for cell in library.top_level()] == ["die1_dh_vae_encoder", "die2_dh_vae_decoder"]
    cells = {cell.name: cell for cell in library.cells}
    tile = cells["die2_tile"]
    assert [label.text for label in tile.labels] == ["tile"]
    assert {label.layer for cell in library.cells for label in cell.labels} == {LAYERS["label"]}
    (array,) = tile.references
    assert array.cell.name == "die2_memory_cell"
    assert array.repetition.spacing == pytest.approx([0.207**0.5 * 65 * 10**-1.5] * 2, rel=1e-4)  # sqrt(207) x 65 nm
    (_, _), (right, above) = tile.bounding_box()
    across, up = np.array(array.origin) + array.repetition.spacing * np.array([array.repetition.columns,
                                                                             array.repetition.rows])  # fmt: skip
    assert across <= right + 5e-4
    assert up <= above + 5e-4
    corners = np.vstack([polygon.points for cell in library.cells for polygon in cell.polygons])
    assert np.abs(corners * 1e3 - np.round(corners * 1e3)).max() < 1e-6


def test_names_are_letters_whatever_a_model_is_called(tmp_path):
    model = tied_model("../runs/[tied] \n ü;", 3, 2, pixels=4)
    write(dies(model, ARCHITECTURE, "two-chips", TECHNOLOGY, 65), tmp_path / "plan.gds")
    (top,) = gdstk.read_gds(tmp_path / "plan.gds").top_level()
    assert top.name == "die1_runs_tied"


def test_equal_plans_are_equal_bytes(tmp_path):
    for name in ("one", "two"):
        written(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert len((tmp_path / "one").read_bytes()) < 10_000  # arrays of references, no copies


def test_a_file_that_exists_is_replaced_by_force_alone(tmp_path):
    path = tmp_path / "plan.gds"
    path.write_text("mine")
    found = dies(tied_model("t", 3, 2, pixels=4), ARCHITECTURE, "two-chips", TECHNOLOGY, 65)
    with pytest.raises(ExistingFile, match="--force to replace"):
        write(found, path)
    assert path.read_text() == "mine"
    write(found, path, force=True)
    assert gdstk.read_gds(path).top_level()


def test_a_missing_gdstk_is_told_with_its_remedy(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "gdstk":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EngineError, match="needs gdstk") as caught:
        check(tmp_path / "plan.gds")
    assert REMEDY in str(caught.value)
