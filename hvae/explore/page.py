"""The page itself: one HTML file that needs no other, and no server."""

from __future__ import annotations

from pathlib import Path

import jinja2

from crossbar.output_files import write_text
from hvae.explore.facts import facts
from hvae.runs import loading


def write(run: Path, out: Path) -> Path:
    """Write the page of the run folder or chip file `run` to `out`, and return its path.

    Raises
    ------
    InvalidValue
        As `hvae.explore.facts.facts`.
    MissingFile, CorruptFile
        There is no run, or it is damaged.
    """
    environment = jinja2.Environment(loader=jinja2.PackageLoader("hvae"), autoescape=True)
    held = facts(loading.load(run), run.resolve().name)
    return write_text(out, environment.get_template("explore.html.j2").render(facts=held))
