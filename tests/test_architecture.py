"""The house: imports run one way, and the packages that are imported are ours."""

import os
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import circuits
import cli
import crossbar
import hvae
from crossbar import neighbours
from crossbar.commands import hopbar

ROOT = Path(__file__).parent.parent


def test_packages_are_ours():
    """Other packages on the index bear the names `crossbar` and `circuits`."""
    assert "Hopbar" in crossbar.__doc__
    assert "Hopbar" in hvae.__doc__
    assert "Hopbar" in circuits.__doc__
    assert "hopbar" in cli.__doc__
    assert cli.main is hopbar.main
    folders = {Path(module.__file__).parent.parent for module in (crossbar, hvae, circuits)}
    assert len(folders) == 1


def test_imports_run_one_way():
    """cli -> hvae, circuits -> crossbar; hvae and circuits never import each other (import-linter)."""
    command = [
        str(Path(sys.executable).parent / "lint-imports"),
        "--config",
        str(ROOT / "pyproject.toml"),
        "--no-cache",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_packages_do_not_import_the_command_line():
    """`cli` is a module, which import-linter cannot see: nothing below imports it."""
    for package in ("crossbar", "hvae", "circuits"):
        for path in (ROOT / package).rglob("*.py"):
            lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
            assert not any(line.startswith(("import cli", "from cli ")) for line in lines), path


@pytest.mark.parametrize("package", ["crossbar", "hvae", "circuits", "tests"])
def test_a_folder_holds_at_most_twenty_modules(package):
    counts = Counter(path.parent for path in (ROOT / package).rglob("*.py") if path.name != "__init__.py")
    assert counts
    assert {str(folder): count for folder, count in counts.items() if count > 20} == {}


@pytest.mark.parametrize("package", ["crossbar", "hvae", "circuits"])
def test_a_module_does_not_repeat_the_word_of_its_folder(package):
    """`arrays/array.py` is the thing itself; `arrays/array_config.py` would say the word twice."""
    for path in (ROOT / package).rglob("*.py"):
        word = path.parent.name.rstrip("s")
        assert not path.stem.startswith(f"{word}_"), path


def test_a_package_of_the_same_name_is_told_and_refused(tmp_path):
    """PyPI's `crossbar` and `circuits` would lay their files between ours."""
    info = tmp_path / "crossbar-26.10.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: crossbar\nVersion: 26.10.1\n")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-m", "crossbar.commands.hopbar", "devices", "list"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "crossbar 26.10.1" in done.stderr
    assert "environment of its own" in done.stderr
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import crossbar"],
        capture_output=True, text=True, env=environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert "crossbar 26.10.1" in done.stderr
    assert neighbours.foreign() == {}


def test_what_is_installed_lies_inside_our_packages():
    """Nothing so general as `data` or `cli` lands beside other people's packages."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["packages"]) == {"crossbar", "circuits", "hvae"}
    assert all(place.split("/")[0] in wheel["packages"] for place in wheel["force-include"].values())
    assert project["project"]["scripts"]["hopbar"].split(".")[0] in wheel["packages"]
