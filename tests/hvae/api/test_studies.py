"""A study's results as a table and as an array with named axes."""

import json

import numpy as np
import pytest

import hvae
from crossbar.errors import CorruptFile, MissingFile


def cells():
    ideal = {"name": "i", "label": "ideal", "model": "tdh-vae", "seed": 0, "kind": "ideal", "axes": {}, "sse_half": 1.0}
    return [ideal] + [
        {
            "name": f"{levels}-{noise}-{seed}", "label": "x", "model": "tdh-vae", "seed": seed, "kind": "grid",
            "axes": {"array.levels": levels, "array.read_noise": noise}, "sse_half": levels + noise + seed,
            "curve": [{"step": 1, "sse_half": 9.0}], "way": "static",
        }
        for levels in (8, 16) for noise in (0.0, 0.25) for seed in (0, 1) if (levels, noise, seed) != (16, 0.25, 1)
    ]  # fmt: skip


def load(tmp_path, held):
    (tmp_path / "study.json").write_text(json.dumps(held))
    return hvae.load_study(tmp_path)


def test_a_table_has_a_row_a_run(tmp_path):
    table = load(tmp_path, {"title": "t", "split": "test", "cells": cells()}).to_pandas()
    assert len(table) == 1 + 7
    assert table.loc[table["array.levels"] == 8, "sse_half"].tolist() == [8.0, 9.0, 8.25, 9.25]
    assert not {"axes", "curve"} & set(table.columns)


def test_an_array_has_an_axis_for_all_that_varies(tmp_path):
    found = load(tmp_path, {"title": "t", "split": "test", "cells": cells()}).to_xarray()
    assert dict(found.sizes) == {"model": 1, "seed": 2, "array.levels": 2, "array.read_noise": 2}
    at = {"array.levels": 16, "array.read_noise": 0.0, "seed": 1, "model": "tdh-vae"}
    assert float(found.sse_half.sel(at)) == 17.0
    assert np.isnan(float(found.sse_half.sel(at | {"array.read_noise": 0.25})))
    assert "way" not in found  # text is no score


def test_a_file_may_be_named_itself(tmp_path):
    load(tmp_path, {"title": "t", "split": "test", "cells": []})
    assert hvae.load_study(tmp_path / "study.json").title == "t"


def test_what_is_no_study_is_told_with_its_remedy(tmp_path):
    with pytest.raises(MissingFile, match=r"no study at .*--table-only"):
        hvae.load_study(tmp_path)
    for broken in ({"title": "t"}, {"cells": 3}, {"cells": [1]}):
        with pytest.raises(CorruptFile, match="holds no cells of a study"):
            load(tmp_path, broken)
