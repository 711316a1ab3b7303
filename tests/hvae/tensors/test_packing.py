"""Packed weights come back as they were, and no file grows beyond its limit."""

import numpy as np
import pytest

from crossbar.errors import CorruptFile
from hvae.tensors import packing


def symmetric(rng, size):
    upper = np.triu(rng.normal(size=(size, size)), 1).astype(np.float32)
    return upper + upper.T


def test_weights_come_back(rng, tmp_path):
    shelf = packing.Shelf(tmp_path, files=2, limit=4 * 2 * 45)
    weights = {f"run.{k}": symmetric(rng, 10) for k in range(5)}
    assert [shelf.put({name: array}) for name, array in weights.items()] == [True] * 4 + [False]
    found = packing.read(tmp_path)
    assert set(found) == set(list(weights)[:4])
    for name, array in found.items():
        assert array.tobytes() == weights[name].tobytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_is_kept_whole_or_not_at_all(rng, tmp_path):
    shelf = packing.Shelf(tmp_path, files=1, limit=4 * 45)
    assert not shelf.put({"a": symmetric(rng, 10), "b": symmetric(rng, 10)})
    assert list(tmp_path.iterdir()) == []
    assert shelf.put({"a": symmetric(rng, 10)})


def test_a_damaged_triangle_is_refused():
    with pytest.raises(CorruptFile, match="no upper triangle"):
        packing.unpack(np.zeros(4))
