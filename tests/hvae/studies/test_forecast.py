"""What a study will take, told before it starts."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from hvae.commands.onchip import study as study_command
from hvae.studies import forecast as forecasts
from hvae.studies import workers
from tests.hvae.studies.conftest import TEXT

pytestmark = pytest.mark.needs_jit


def test_steps_are_those_of_all_cells_and_seconds_those_of_the_pilot(study, monkeypatch):
    paces = {True: 2.0, False: 3.0}
    monkeypatch.setattr(forecasts, "_pace", lambda config: paces[config.array.device is None])
    cells = study.cells()
    found = forecasts.forecast(study, cells)
    each = 32 // 16
    assert (found.cells, found.steps) == (6, 6 * each)
    assert found.seconds == pytest.approx(2 * each * 2.0 + 4 * each * 3.0)
    assert forecasts.forecast(study, cells[:1]).seconds == pytest.approx(each * 2.0)
    paces[False] = None  # diverges in its first steps
    assert forecasts.forecast(study, cells).seconds == pytest.approx(6 * each * 2.0)


def test_a_pilot_is_timed_and_leaves_nothing(study, tmp_path, monkeypatch):
    held = tmp_path / "held"
    held.mkdir()
    monkeypatch.setattr(forecasts.tempfile, "tempdir", str(held))
    longer = replace(study, base=study.base | {"training.epochs": 20})
    assert 0 < forecasts.forecast(longer, longer.cells()).seconds < 60
    assert list(held.iterdir()) == []


def test_what_programs_a_trained_run_trains_nothing(study):
    plan = replace(study, base={}, inference="run")
    assert forecasts.forecast(plan, plan.cells()).told() == "6 cells to score, nothing to train"


def test_the_command_tells_what_is_left_and_ends(study, tmp_path):
    path, out = tmp_path / "study.toml", tmp_path / "out"
    path.write_text(TEXT)
    cell = study.cells()[0]
    workers.run_cell(study, cell, out / "cells" / cell.name)
    told = CliRunner().invoke(study_command, [str(path), "--out", str(out), "--forecast", "--json"])
    found = json.loads(told.stdout)
    assert (found["finished"], found["cells"], found["steps"]) == (1, 5, 10)
    assert "1 of 6 cells are finished" in told.stderr
    assert not (out / "study.json").exists()
