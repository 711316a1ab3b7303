"""Each tutorial is a text and a notebook that say the same, and has claims that `make notebooks` checks."""

import ast
import base64
import re

import jupytext
import nbformat
import pytest
import tutorial_claims
import tutorial_pages
from nbformat import v4
from run_notebooks import TUTORIALS

NAMES = sorted(path.stem for path in TUTORIALS.glob("*.py"))
MOST = 8  # statements of the shortest ways from a matrix to a settled crossbar, and from weights to SPICE


def test_six_pairs():
    assert len(NAMES) == 6
    assert sorted(path.stem for path in TUTORIALS.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_text_and_notebook_are_in_step(name):
    text = jupytext.read(TUTORIALS / f"{name}.py")
    notebook = nbformat.read(TUTORIALS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = [[(cell.cell_type, cell.source) for cell in one.cells] for one in (text, notebook)]
    assert cells[0] == cells[1], "run `make pairs`: it writes the notebooks anew from the texts"
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_in_percent_format(name):
    """Cells of text are comments; jupytext makes the same cells of them."""
    text = (TUTORIALS / f"{name}.py").read_text(encoding="utf-8")
    marks = re.findall(r"^# %%( \[markdown\])?$", text, flags=re.MULTILINE)
    cells = jupytext.reads(text, fmt="py:percent").cells
    assert [cell.cell_type == "markdown" for cell in cells] == [bool(mark) for mark in marks]
    assert cells[0].source.startswith("# ")


@pytest.mark.parametrize("name", NAMES)
def test_what_it_says_is_checked(name):
    assert callable(getattr(tutorial_claims, name))


@pytest.mark.parametrize("name", ["crossbar_from_a_matrix", "chip_to_spice"])
def test_the_journey_is_short(name):
    assert len(ast.parse((TUTORIALS / f"{name}.py").read_text(encoding="utf-8")).body) <= MOST


def test_a_page_shows_what_its_cells_showed():
    cell = v4.new_code_cell("1 + 1\nfigure")
    cell.outputs = [
        v4.new_output("display_data", {"text/plain": "\x1b[1;36m2\x1b[0m"}),
        v4.new_output("stream", text="three\n"),
        v4.new_output(
            "execute_result", {"text/plain": "<Figure>", "image/png": base64.b64encode(b"a picture").decode()}
        ),
    ]
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# Sums\n\nSee docs/area.md, not `docs/area.md`."), cell])
    pictures = {}
    title, links, text, code, said, drawn = tutorial_pages.blocks(notebook, "sums", pictures)
    assert title == "# Sums"
    assert "(sums.ipynb)" in links
    assert text.strip() == "See [docs/area.md](../area.md), not `docs/area.md`."
    assert code == "```python\n1 + 1\nfigure\n```"
    assert said == "```text { .result }\n2\nthree\n```"
    assert drawn.endswith("(sums-1.png)")
    assert pictures == {"sums-1.png": b"a picture"}


def test_results_of_another_text_are_not_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(tutorial_pages, "RESULTS", tmp_path)
    script = TUTORIALS / f"{NAMES[0]}.py"
    notebook = jupytext.read(script)
    notebook.cells[1].outputs = [v4.new_output("stream", text="ran")]
    nbformat.write(notebook, tmp_path / f"{NAMES[0]}.ipynb")
    assert tutorial_pages.played(script).cells[1].outputs
    notebook.cells[1].source += "\n1 + 1"
    nbformat.write(notebook, tmp_path / f"{NAMES[0]}.ipynb")
    assert not tutorial_pages.played(script).cells[1].outputs
