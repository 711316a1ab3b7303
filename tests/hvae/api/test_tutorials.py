"""The tutorials run as scripts, in a folder of their own and without a screen, and what they say is so."""

import re
import runpy
import tempfile
import time
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).parents[3] / "docs" / "tutorials"
LIMIT = 120  # seconds of processor time, on one core

pytestmark = [pytest.mark.slow, pytest.mark.needs_jit]


@pytest.fixture
def played(tmp_path, monkeypatch):
    """A function that runs a tutorial and returns its names."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def play(name: str) -> dict:
        import matplotlib as mpl

        mpl.use("Agg")
        began = time.process_time()
        found = runpy.run_path(str(TUTORIALS / name))
        assert time.process_time() - began < LIMIT
        return found

    return play


def test_train_and_draw(played, tmp_path):
    found = played("train_and_draw.py")
    assert found["error"] < 0.7 * found["trivial"]
    assert found["vae"].unsettled_ < 0.02
    assert 5 * found["floor"] < found["distance"] < 0.85 * found["pixels_alone"]
    assert (tmp_path / "drawn.png").stat().st_size > 1000


def test_train_on_a_chip(played, tmp_path):
    found = played("train_on_a_chip.py")
    last = {name: loss[-1] for name, loss in found["losses"].items()}
    assert last["ideal"] < 0.8 * found["trivial"]
    assert last["EpiRAM, mixed precision"] < 1.1 * last["ideal"]
    assert last["EpiRAM, mixed precision"] < min(last["EpiRAM"], last["ReRAM"])
    pulses = {name: run.metrics[["pulses_up", "pulses_down"]].max().sum() for name, run in found["runs"].items()}
    assert pulses["EpiRAM, mixed precision"] < min(pulses["EpiRAM"], pulses["ReRAM"])
    assert (tmp_path / "chips.png").stat().st_size > 1000


@pytest.mark.parametrize("path", sorted(TUTORIALS.glob("*.py")), ids=lambda path: path.stem)
def test_tutorials_are_notebooks_in_percent_format(path):
    """Cells of text are comments; jupytext makes the same cells of them."""
    jupytext = pytest.importorskip("jupytext")
    text = path.read_text(encoding="utf-8")
    marks = re.findall(r"^# %%( \[markdown\])?$", text, flags=re.MULTILINE)
    cells = jupytext.read(path).cells
    assert [cell.cell_type == "markdown" for cell in cells] == [bool(mark) for mark in marks]
    assert cells[0].source.startswith("# ")
