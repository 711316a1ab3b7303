"""Run folders, chips and checkpoints of before the modules moved into folders (commit dcf1ebb) still load and go on."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from crossbar.chip import load_chip
from hvae.runs import loading
from hvae.runs.records import RunFolder
from hvae.training import loop

GOLDEN = Path(__file__).parent / "golden" / "before_the_move"


@pytest.mark.parametrize("name", ["ideal", "epiram"])
def test_a_run_of_before_the_move_goes_on_to_where_a_new_one_ends(tmp_path, name):
    """Stopped after 6 of 12 steps; processors differ in last bits, so that weights are
    compared, not bytes."""
    old = tmp_path / "old"
    shutil.copytree(GOLDEN / name, old)
    run = RunFolder.open(old)
    assert run.load().step == 6
    assert loop.train(run) is loop.Ending.FINISHED
    new = RunFolder.create(tmp_path / "new", run.config())
    loop.train(new)
    assert run.load().step == new.load().step == 12
    for network, weights in new.load().parameters.items():
        apart = np.abs(run.load().parameters[network] - weights) > 1e-5 * np.abs(weights).max()
        assert apart.mean() < 0.01  # a last bit may decide for a pulse more or less



@pytest.mark.parametrize("name", ["ideal", "epiram"])
def test_a_chip_of_before_the_move_is_read(name):
    chip = load_chip(GOLDEN / name)
    trained = loading.from_chip(chip)
    assert trained.config.model.hidden == 8
    weights = chip.effective_weights("tied")
    assert weights.shape == (49 + 8 + 3,) * 2
    assert bool(chip.conductances) == (name == "epiram")
    assert json.loads((GOLDEN / name / "environment.json").read_text())["commit"]
