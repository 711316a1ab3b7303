"""Studies: which cells they have, that nothing finished is done again, and what they leave."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from crossbar.errors import EngineError, InvalidValue, MissingFile, UnknownName
from hvae import studies, study_cells, study_workers
from hvae.onchip_commands import study as study_command
from hvae.study_report import table, write_report

pytestmark = pytest.mark.needs_jit

TEXT = """
title = "small"
models = ["tdh-vae"]
seeds = [0, 1]
images = 20
[base]
"data.image_size" = 7
"data.train_limit" = 32
"training.batch_size" = 16
"training.epochs" = 1
"training.validation_samples" = 0
"training.eigenvalue_samples" = 0
"model.hidden" = 6
"model.latent" = 2
"optimizer.name" = "sgd"
"optimizer.learning_rate" = 0.05
[chip]
"array.device" = "soft-bounds"
[curves]
"array.dw_min" = [0.002, 0.02]
"""


@pytest.fixture
def study(tmp_path) -> studies.Study:
    path = tmp_path / "study.toml"
    path.write_text(TEXT)
    return studies.load(path)


def run(study, out, **options):
    options = {"workers": 1, "scheduler": None, "on_cell": lambda result: None} | options
    return study_workers.run_study(study, out, **options)


def test_cells_are_the_ideal_runs_and_every_point_once(study):
    cells = study.cells()
    assert len(cells) == 2 * (1 + 2)
    assert [cell.kind for cell in cells[:2]] == ["ideal", "ideal"]
    assert len({cell.name for cell in cells}) == len(cells)
    grid = replace(study, grid={"array.up_down": [0.0, 0.1], "array.dw_min": [0.01, 0.02, 0.05]}, curves={})
    assert len(grid.cells()) == 2 * (1 + 6)


def test_a_study_makes_its_table_pictures_and_page(study, tmp_path):
    out = tmp_path / "out"
    study = replace(study, grid={"array.up_down": [0.0, 0.2], "array.dw_min": [0.01, 0.02]}, seeds=[0])
    results = run(study, out)
    found = write_report(study, results, out)
    labels = [row["label"] for row in found["rows"]]
    assert labels[0] == "ideal"
    assert found["rows"][0]["difference"] == 0
    assert found["rows"][1]["pulses"] > 0
    page = (out / "study.html").read_text()
    assert page.count("data:image/png;base64,") == 3  # a curve, a heat map, samples
    assert 'src="http' not in page
    assert json.loads((out / "study.json").read_text())["rows"] == found["rows"]
    assert len((out / "study.csv").read_text().splitlines()) == 1 + len(labels)


def test_what_is_finished_is_not_done_again(study, tmp_path, monkeypatch):
    study = replace(study, seeds=[0])
    first = run(study, tmp_path / "out")

    def refuse(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(study_cells.training, "train", refuse)
    assert run(study, tmp_path / "out") == first


def test_a_table_of_what_is_finished_computes_nothing(study, tmp_path, monkeypatch):
    plan, path, out = replace(study, seeds=[0]), tmp_path / "study.toml", tmp_path / "out"
    ideal, first, *_ = plan.cells()
    arguments = [str(path), "--out", str(out), "--table-only", "--json"]
    assert isinstance(CliRunner().invoke(study_command, arguments).exception, MissingFile)
    kept = [study_cells.run_cell(plan, one, out / "cells" / one.name) for one in (ideal, first)]
    assert study_workers.finished_cells(plan, out) == kept
    monkeypatch.setattr(study_cells.training, "train", None)
    rows = json.loads(CliRunner().invoke(study_command, arguments).stdout)["rows"]
    assert {row["label"] for row in rows} == {ideal.label, first.label}


def test_a_cell_killed_in_its_training_goes_on_from_its_checkpoint(study, tmp_path):
    cell = replace(study, seeds=[0]).cells()[1]
    whole = study_cells.run_cell(study, cell, tmp_path / "whole" / cell.name)
    folder = tmp_path / "killed" / cell.name
    folder.mkdir(parents=True)
    (folder / "environment.json").write_text("{}")  # killed before the run was whole
    assert study_cells.run_cell(study, cell, folder)["frechet_distance"] == whole["frechet_distance"]


def test_a_diverged_cell_is_a_result_without_scores(study, tmp_path):
    ideal, *rest = replace(study, seeds=[0]).cells()
    results = [study_cells.run_cell(study, one, tmp_path / one.name) for one in (ideal, rest[0])]
    rows = table(
        [results[0], {k: v for k, v in results[1].items() if k in {"name", "label", "model", "seed", "kind", "axes"}}]
    )
    assert rows[1]["failed"] == 1
    assert rows[1]["frechet"] is None


def test_a_trained_run_is_programmed_and_scored(study, tmp_path):
    ideal = replace(study, seeds=[0]).cells()[0]
    study_cells.run_cell(study, ideal, tmp_path / "run")
    changes = {"array.programming_error": [0.0, 0.3], "array.adc_bits": [4], "array.age_seconds": [1.0, 3e7]}
    chip = {"array.device": "ideal", "array.drift_nu": 0.05, "array.drift_nu_std": 0.02}
    inference = replace(study, seeds=[0], inference=str(tmp_path / "run"), chip=chip, curves=changes)
    results = {one["label"]: one for one in run(inference, tmp_path / "out")}
    assert results["programming_error 0.3"]["sse_half"] > results["programming_error 0.0"]["sse_half"]
    assert results["age_seconds 30000000.0"]["sse_half"] != results["age_seconds 1.0"]["sse_half"]
    assert results["adc_bits 4"]["costs"]["generate_read_energy"][1] > 0


@pytest.mark.needs_jit
@pytest.mark.slow
def test_a_killed_study_loses_nothing_that_was_finished(study, tmp_path):
    path, out = tmp_path / "study.toml", tmp_path / "out"
    command = [sys.executable, "-c", "from hvae.onchip_commands import study; study()", str(path), "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=dict(os.environ))
    deadline = time.monotonic() + 120
    while not list(out.glob("cells/*/result.json")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {file: file.stat().st_mtime_ns for file in out.glob("cells/*/result.json")}
    assert kept
    results = run(studies.load(path), out)
    assert all(file.stat().st_mtime_ns == at for file, at in kept.items())
    whole = run(studies.load(path), tmp_path / "whole")
    assert [one["frechet_distance"] for one in results] == [one["frechet_distance"] for one in whole]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"curves": {}}, InvalidValue),
        ({"split": "train"}, UnknownName),
        ({"curves": {"array.dw_min": 0.1}}, InvalidValue),
    ],
)
def test_studies_that_cannot_be_are_refused(study, change, error):
    with pytest.raises(error):
        replace(study, **change)


def test_unknown_keys_and_files_are_refused_before_anything_runs(study, tmp_path):
    with pytest.raises(UnknownName):
        replace(study, curves={"array.reed_noise": [0.1]}).cells()
    with pytest.raises(MissingFile):
        studies.load(Path(tmp_path / "none.toml"))


def test_without_dask_the_remedy_is_told(study, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EngineError, match="cluster"):
        run(study, tmp_path / "out", scheduler="tcp://nowhere:1")
