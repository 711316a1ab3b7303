"""The command ``hopbar report``: one page about a run."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click


@click.command(short_help="Write one HTML page about a run.")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The page; RUN/report.html by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def report(run: Path, out: Path | None, as_json: bool) -> None:
    """Write one self-contained HTML page about RUN: pictures, scores, its chips, SPICE, area, as far as they exist.

    Example: `hopbar report runs/demo --out demo.html`
    """
    from hvae.reports import page

    path = page.write(run, out or run / "report.html")
    click.echo(json.dumps({"run": str(run), "page": str(path)}) if as_json else path)
