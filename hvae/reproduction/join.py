"""Tables of reproductions made elsewhere, whose runs are not here, beside the one made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crossbar import input_files
from crossbar.errors import CorruptFile, InvalidValue
from hvae.reproduction import table as reproduction_table
from hvae.reproduction.rows import Row, at_table_3

_OF_ROWS = {"rows", "ranking", "paper_ranking", "ranking_reproduced", "no_verdict", "best"}
_OF_A_ROW = {
    "label", "model", "prior", "changes", "of_the_paper", "dataset", "features", "n_real", "n_fake", "seeds", "runs",
    "parameters", "epochs", "seconds", "late_progress", *reproduction_table.SCORES,
}  # fmt: skip
"""What ranking, page and curves read of every row; commits and curves, which older tables have not, may be missing."""


def read(path: Path, shared: Sequence[str]) -> dict[str, Any]:
    """Return the table in the file at `path`, as `hopbar reproduce` wrote it to ``table.json``.

    Raises
    ------
    MissingFile, CorruptFile
        There is no file; it is none of ours.
    InvalidValue
        Its runs were made with other changes of all rows than `shared`, so that they do not belong in one table.
    """
    found = input_files.json_object(path, "`hopbar reproduce --out DIR` writes a table to DIR/table.json")
    rows = found.get("rows")
    if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
        raise CorruptFile(f"{path} is no table of `hopbar reproduce`: its `rows` lack labels or scores")
    made = found.get("environment")
    if not isinstance(made, dict) or "commit" not in made:
        raise CorruptFile(f"{path} does not say by which commit it was made: its `environment` is missing")
    given = found.get("shared", [])
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise CorruptFile(f"{path} is no table of `hopbar reproduce`: what its rows share is no list of changes")
    if sorted(found.get("shared", [])) != sorted(shared):
        raise InvalidValue(
            f"{path} cannot be joined: its rows share {_named(found.get('shared', []))}, those here {_named(shared)}; "
            "give the same --dataset, --epochs and --set"
        )
    return {**found, "rows": [_checked(row, shared) for row in rows]}


def _checked(row: Mapping[str, Any], shared: Sequence[str]) -> Mapping[str, Any]:
    """Return `row`, of the paper only where the changes that all rows `shared` leave Table 3 alone."""
    if not row["of_the_paper"]:
        return row
    config = Row(label=row["label"], model=row["model"], changes=row["changes"]).config(shared, 0)
    return {**row, "of_the_paper": at_table_3(config)}


def join(table: Mapping[str, Any], others: Mapping[Path, Mapping[str, Any]]) -> dict[str, Any]:
    """Return `table` with the rows of `others`, by path, in the order of the first that names a row; ranked anew.

    Of two rows with one label the one that was trained for more epochs stands, of equals the one of `table`, then that
    of the last of `others`. How each of `others` was made, and which rows it gave, is kept in ``joined``.
    """
    chosen: dict[str, tuple[Path | None, Mapping[str, Any]]] = {}
    for path, source in [*others.items(), (None, table)]:
        for row in source["rows"]:
            before = chosen.get(row["label"])
            if before is None or row["epochs"]["mean"] >= before[1]["epochs"]["mean"]:
                chosen[row["label"]] = (path, row)
    joined = [
        _origin(path, other, [label for label, (of, _) in chosen.items() if of == path])
        for path, other in others.items()
    ]
    return {**table, **reproduction_table.ranked([row for _, row in chosen.values()]), "joined": joined}


def _origin(path: Path, table: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    """Return all that `table` says beside its rows, with the `labels` that were taken from it."""
    return {"path": str(path), "labels": list(labels)} | {
        key: value for key, value in table.items() if key not in _OF_ROWS
    }


def _is_row(row: Any) -> bool:
    """Tell whether `row` has what is read of one, its epochs and its distance, by which it is ranked, as numbers."""
    if not (isinstance(row, dict) and row.keys() >= _OF_A_ROW and isinstance(row["label"], str)):
        return False
    means = [row[key].get("mean") if isinstance(row[key], dict) else None for key in ("epochs", "frechet_distance")]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in means)


def _named(shared: Sequence[str]) -> str:
    return ", ".join(shared) or "nothing"
