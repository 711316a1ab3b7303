"""Run the tutorials' notebooks and hold what they say against `tutorial_claims`: `make notebooks`.

Each runs in a folder of its own that goes away, without a screen, within `LIMIT` seconds. The notebooks as they ran,
with their results, are left in build/notebooks, from which `make docs` takes what they show (`tutorial_pages`).
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"
RESULTS = ROOT / "build" / "notebooks"
LIMIT = 120  # seconds a notebook

SETTINGS = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # Agg, and the notebook holds the picture
    "PYTHONWARNINGS": "error::RuntimeWarning",
}
CLAIMS = """\
import sys
sys.path.insert(0, {folder!r})
import tutorial_claims
tutorial_claims.{name}(globals(), list(Out.values()))
"""


def run(path: Path) -> nbformat.NotebookNode:
    """Return the notebook with its results; raise what a cell, or a claim, raises.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed, or what the tutorial says is not so.
    TimeoutError
        It took longer than `LIMIT`.
    """
    notebook = nbformat.read(path, as_version=4)
    claims = CLAIMS.format(folder=str(Path(__file__).parent), name=path.stem)
    notebook.cells.append(nbformat.v4.new_code_cell(claims))
    end = time.monotonic() + LIMIT
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            coalesce_streams=True,
            extra_arguments=["--log-level=ERROR"],  # of the kernel, which warns of its own loopback ports
            timeout_func=lambda _: max(1, end - time.monotonic()),
            resources={"metadata": {"path": folder}},
        )
        client.execute(env={**os.environ, **SETTINGS, "TMPDIR": folder})
    if time.monotonic() > end:
        raise TimeoutError(f"{path.name} took longer than {LIMIT} s")
    notebook.cells.pop()
    return notebook


def main(names: list[str]) -> None:
    """Run the named tutorials, or all, and print the time of each."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    for path in [TUTORIALS / f"{name}.ipynb" for name in names] or sorted(TUTORIALS.glob("*.ipynb")):
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        nbformat.write(run(path), RESULTS / path.name)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"{path.stem:24} {time.monotonic() - began:6.1f} s, {worked:6.1f} s of processor time", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
