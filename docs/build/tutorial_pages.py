"""The tutorials as pages of the site: a hook of mkdocs.

A page is the script of the tutorial, cell by cell. Where `make notebooks` has run it as it now stands, each cell is
followed by what it showed. Nothing is written into docs.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "build" / "notebooks"
TITLE = re.compile(r"\A# (.*)\n")
PAGE = re.compile(r"(?<!`)\bdocs/([\w/]+\.md)")  # a page of the site, named as in the checkout
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # of a terminal


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page, and its pictures, for every tutorial."""
    for script in sorted((Path(config.docs_dir) / "tutorials").glob("*.py")):
        pictures: dict[str, bytes] = {}
        content = "\n\n".join(blocks(played(script), script.stem, pictures))
        files.append(File.generated(config, f"tutorials/{script.stem}.md", content=content))
        for name, png in pictures.items():
            files.append(File.generated(config, f"tutorials/{name}", content=png))
    return files


def played(script: Path) -> nbformat.NotebookNode:
    """Return the tutorial with its results, if it has been run as it stands; else without."""
    notebook = jupytext.read(script)
    result = RESULTS / f"{script.stem}.ipynb"
    if not result.exists():
        return notebook
    found = nbformat.read(result, as_version=4)
    same = [cell.source for cell in found.cells] == [cell.source for cell in notebook.cells]
    return found if same else notebook


def blocks(notebook: nbformat.NotebookNode, name: str, pictures: dict[str, bytes]) -> Iterator[str]:
    """Yield the Markdown of a notebook's cells; put its pictures, by file name, into `pictures`."""
    yield f"# {TITLE.match(notebook.cells[0].source)[1]}"
    yield f"*This page is a [notebook]({name}.ipynb) and a [script]({name}.py).*"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield PAGE.sub(r"[docs/\1](../\1)", TITLE.sub("", cell.source))
        else:
            yield f"```python\n{cell.source}\n```"
            yield from results(cell, name, pictures)


def results(cell: nbformat.NotebookNode, name: str, pictures: dict[str, bytes]) -> Iterator[str]:
    """Yield the Markdown of what a cell showed: its text in one box, then its pictures."""
    texts: list[str] = []
    drawn: list[str] = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            drawn.append(data["image/png"])
        else:
            texts.append(COLOUR.sub("", output.get("text", data.get("text/plain", ""))).rstrip("\n"))
    if texts:
        yield "\n".join(["```text { .result }", *texts, "```"])
    for png in drawn:
        picture = f"{name}-{len(pictures) + 1}.png"
        pictures[picture] = base64.b64decode(png)
        yield f"![What the cell above draws]({picture})"
