"""Studies from Python: what `hopbar study` left in its folder, as a table or as an array with named axes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossbar import input_files
from crossbar.errors import CorruptFile, MissingFile

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_AGAIN = "make it again with `hopbar study STUDY.toml --out FOLDER --table-only`"
_NESTED = ("axes", "curve", "costs")


@dataclass(frozen=True, kw_only=True)
class StudyResults:
    """The scored cells of a study, as `load_study` returns them.

    Attributes
    ----------
    title : str
    split : str
        What was scored.
    cells : list of dict
        One a run, as study.json holds them.

    Examples
    --------
    >>> import hvae
    >>> cells = [
    ...     {"label": f"levels {n}", "model": "tdh-vae", "seed": 0, "axes": {"array.levels": n}, "sse_half": 72 / n}
    ...     for n in (8, 9)
    ... ]
    >>> study = hvae.StudyResults(title="levels", split="validation", cells=cells)
    >>> study.to_pandas()[["label", "array.levels", "sse_half"]].values.tolist()
    [['levels 8', 8, 9.0], ['levels 9', 9, 8.0]]
    >>> float(study.to_xarray().sse_half.sel({"array.levels": 9, "seed": 0, "model": "tdh-vae"}))
    8.0
    """

    title: str
    split: str
    cells: list[dict[str, Any]]

    def to_pandas(self) -> pd.DataFrame:
        """Return one row a run: label, model, seed, the settings that the study varies, and every score."""
        import pandas as pd

        plain = [{key: one[key] for key in one if key not in _NESTED} | one.get("axes", {}) for one in self.cells]
        return pd.DataFrame(plain)

    def to_xarray(self) -> xr.Dataset:
        """Return the scores over model, seed and every setting that varies; not a number where there is no run.

        Ideal runs have no such settings, and are left out; `to_pandas` has them. So have runs of [[variants]].
        """
        varied = [one for one in self.cells if one.get("axes") and one.get("kind") != "variant"]
        axes = list(dict.fromkeys(key for one in varied for key in one["axes"]))
        table = StudyResults(title=self.title, split=self.split, cells=varied).to_pandas()
        index = ["model", "seed", *axes]
        scores = [name for name in table.columns if name not in index and table[name].dtype.kind in "fiu"]
        return table.set_index(index)[scores].to_xarray()


def load_study(path: str | Path) -> StudyResults:
    """Return what `hopbar study` left in the folder `path`, or in its study.json.

    Parameters
    ----------
    path : path
        The study's --out.

    Raises
    ------
    MissingFile
        There is no study.json: none of its cells is finished, or the study was stopped before its table was made.
    CorruptFile
        It is damaged.

    Examples
    --------
    >>> import hvae, json, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     text = json.dumps({"title": "empty", "split": "test", "cells": []})
    ...     _ = pathlib.Path(folder, "study.json").write_text(text)
    ...     hvae.load_study(folder)
    StudyResults(title='empty', split='test', cells=[])
    """
    path = Path(path)
    file = path / "study.json" if path.is_dir() else path
    if not file.exists():
        raise MissingFile(f"no study at {path}: {_AGAIN}")
    held = input_files.json_object(file, _AGAIN)
    cells = held.get("cells")
    if not isinstance(cells, list) or not all(isinstance(one, dict) for one in cells):
        raise CorruptFile(f"{file} holds no cells of a study: {_AGAIN}")
    return StudyResults(title=str(held.get("title")), split=str(held.get("split")), cells=cells)
