"""The house: imports run one way, and the packages that are imported are ours."""

import subprocess
import sys
from pathlib import Path

import circuits
import cli
import crossbar
import hvae

ROOT = Path(__file__).parent.parent


def test_packages_are_ours():
    """Other packages on the index bear the names `crossbar` and `circuits`."""
    assert "Hopbar" in crossbar.__doc__
    assert "Hopbar" in hvae.__doc__
    assert "Hopbar" in circuits.__doc__
    assert "hopbar" in cli.__doc__
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
