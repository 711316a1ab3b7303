"""README, CONTRIBUTING and docs: their Python runs, and what they name is there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
]
PATH = re.compile(r"`((?:crossbar|hvae|circuits|tests|data|examples|benchmarks|docs)/[\w./-]+)`")
DOTTED = re.compile(r"`((?:crossbar|hvae|circuits)(?:\.\w+)+)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]*)(?:#([^)]*))?\)")


def test_readme_shows_five_lines_of_python():
    assert BLOCKS[0].id == "README-0"
    assert len([line for line in str(BLOCKS[0].values[0]).splitlines() if line]) == 5


@pytest.mark.needs_jit
@pytest.mark.parametrize("block", BLOCKS)
def test_python_on_the_pages_runs(block):
    if "import torch" in block:
        pytest.importorskip("torch")
    exec(compile(block, "page", "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_paths_named_on_the_pages_exist(page):
    named = PATH.findall(page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_names_on_the_pages_can_be_imported(page):
    assert [name for name in DOTTED.findall(page.read_text(encoding="utf-8")) if not _found(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_files_and_headings(page):
    lost = []
    for path, heading in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / path
        if not target.exists() or (heading and heading not in _headings(target)):
            lost.append(f"{path}#{heading}")
    assert lost == []


def test_contributing_lists_the_modules_that_are_there():
    """Every module that the picture draws exists, and every folder with modules is drawn (kernels stand beside)."""
    text = re.sub(r"\([^)]*\)", "", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    drawn = dict(re.findall(r"^ {6}((?:crossbar|hvae|circuits)/[\w/]*)\s+(.*)$", text, re.MULTILINE))
    words = {folder: re.findall(r"\w+", names) for folder, names in drawn.items()}
    assert [f"{folder}{name}" for folder, names in words.items() for name in names if not _module(folder, name)] == []
    modules = [path for package in ("crossbar", "hvae", "circuits") for path in (ROOT / package).rglob("*.py")]
    folders = {f"{path.parent.relative_to(ROOT)}/" for path in modules if path.name != "__init__.py"}
    assert {folder for folder in folders if "kernels/" not in folder} - set(drawn) == set()


def _module(folder: str, name: str) -> bool:
    return (ROOT / folder / f"{name}.py").exists()


def _found(name: str) -> bool:
    """Return whether a dotted name is a module, or an attribute of one; of one that needs torch, if it is not here."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError as error:
            if error.name == "torch":
                return any(_module("/".join(parts[: end - 1]), parts[end - 1]) for end in (length, length - 1))
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def _headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and mkdocs make them of plain words."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-") for line in lines}
