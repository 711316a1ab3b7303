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

from crossbar.errors import CorruptFile, EngineError, InvalidValue, MissingFile, UnknownName
from hvae.commands.onchip import study as study_command
from hvae.config.run import OptimizerConfig
from hvae.runs import images, loading
from hvae.runs.records import RunFolder
from hvae.scores import evaluation
from hvae.studies import cells as study_cells
from hvae.studies import grid as studies
from hvae.studies import workers
from hvae.studies.report import failures, page, scored, table, write_report
from hvae.training import loop
from hvae.training.loop import Ending, Observer
from tests.hvae.studies.conftest import TEXT

pytestmark = pytest.mark.needs_jit

def run(study, out, **options):
    options = {"workers": 1, "scheduler": None, "on_cell": lambda result: None} | options
    return workers.run_study(study, out, **options)


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


def test_what_is_scored_otherwise_is_scored_again_and_not_trained_again(study, tmp_path, monkeypatch):
    plan = replace(study, seeds=[0])
    first = run(plan, tmp_path / "out")
    monkeypatch.setattr(loop, "_step", None)
    other = replace(plan, split="test", images=24)
    assert workers.finished_cells(other, tmp_path / "out") == []
    again = run(other, tmp_path / "out")
    assert [one["name"] for one in again] == [one["name"] for one in first]
    assert {(one["split"], one["images"], one["n_fake"]) for one in again} == {("test", 24, 24)}
    assert all(a["frechet_distance"] != b["frechet_distance"] for a, b in zip(first, again, strict=True))
    assert workers.finished_cells(other, tmp_path / "out") == again


def test_cells_of_another_trained_run_are_other_cells(study):
    plan = replace(study, base={})
    names = [{cell.name for cell in replace(plan, inference=run).cells()} for run in ("a", "b")]
    assert not names[0] & names[1]


def test_a_curve_keeps_the_points_that_the_grid_has_too(study):
    plan = replace(study, grid={"array.dw_min": [0.01, 0.02]}, curves={"array.dw_min": [0.01, 0.05]}, seeds=[0])
    cells = plan.cells()
    assert len(cells) == 1 + 3
    results = [{"name": cell.name, "axes": cell.axes, "frechet_distance": 1.0} for cell in cells]
    points = [one["axes"]["array.dw_min"] for one in scored(plan.curve_cells("array.dw_min"), results)]
    assert points == [0.01, 0.05]
    assert len(scored(plan.grid_cells(), results)) == 2


def test_one_label_is_for_one_setting(study):
    named = [{"name": "A", "array.dw_min": 0.01}, {"name": "A", "array.dw_min": 0.02}]
    with pytest.raises(InvalidValue, match="both labelled 'A'"):
        replace(study, variants=named).cells()
    with pytest.raises(InvalidValue, match="both labelled 'ideal'"):
        replace(study, variants=[{"name": "ideal", "array.dw_min": 0.02}]).cells()


def test_a_table_without_the_ideal_run_has_blanks(study):
    cell = replace(study, seeds=[0]).cells()[1]
    facts = {"name": cell.name, "label": cell.label, "model": cell.model, "seed": 0, "kind": "curve", "axes": cell.axes}
    (row,) = table([facts | {"frechet_distance": 7.0, "sse_half": 3.0}])
    assert (row["frechet"], row["frechet_ideal"], row["difference"], row["sse_half_ideal"]) == (7.0, None, None, None)


def test_a_table_of_what_is_finished_computes_nothing(study, tmp_path, monkeypatch):
    plan, path, out = replace(study, seeds=[0]), tmp_path / "study.toml", tmp_path / "out"
    ideal, first, *_ = plan.cells()
    arguments = [str(path), "--out", str(out), "--table-only", "--json"]
    assert isinstance(CliRunner().invoke(study_command, arguments).exception, MissingFile)
    kept = [study_cells.run_cell(plan, one, out / "cells" / one.name) for one in (ideal, first)]
    assert workers.finished_cells(plan, out) == kept
    monkeypatch.setattr(study_cells.training, "train", None)
    rows = json.loads(CliRunner().invoke(study_command, arguments).stdout)["rows"]
    assert {row["label"] for row in rows} == {ideal.label, first.label}


def test_a_cell_killed_before_its_run_was_whole_is_made_anew(study, tmp_path):
    cell = replace(study, seeds=[0]).cells()[1]
    folder = tmp_path / "cell"
    folder.mkdir()
    (folder / "environment.json").write_text("{}")
    assert "frechet_distance" in study_cells.run_cell(study, cell, folder)


def test_a_cell_stopped_in_its_training_goes_on_from_its_checkpoint(study, tmp_path, monkeypatch):
    cell = replace(study, seeds=[0]).cells()[1]
    whole = study_cells.run_cell(study, cell, tmp_path / "whole")
    folder = RunFolder.create(tmp_path / "stopped", cell.config())
    assert loop.train(folder, observer=Observer(stop_requested=lambda: True)) is Ending.STOPPED
    assert folder.load().step == 1
    steps, step = [], loop._step
    monkeypatch.setattr(loop, "_step", lambda run, observer: steps.append(run.step) or step(run, observer))
    assert study_cells.run_cell(study, cell, folder.path)["frechet_distance"] == whole["frechet_distance"]
    assert steps == [1]  # of two


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_diverged_cell_is_a_result_without_scores_and_the_study_goes_on(tmp_path):
    text = TEXT.replace('rate" = 0.05', 'rate" = 2e38').replace("seeds = [0, 1]", "seeds = [0]")
    (tmp_path / "study.toml").write_text(text)
    done = CliRunner().invoke(study_command, [str(tmp_path / "study.toml"), "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 1
    ideal, *chips = json.loads(done.stdout)["rows"]  # what devices hold is bounded
    assert (ideal["label"], ideal["failed"], ideal["frechet"]) == ("ideal", 1, None)
    assert [(row["failed"], row["difference"]) for row in chips] == [(0, None)] * 2
    kept = [path.read_text() for path in (tmp_path / "out").glob("cells/*/result.json")]
    assert len(kept) == 3
    assert not any("NaN" in text or "Infinity" in text for text in kept)


def test_a_trained_run_is_programmed_and_scored(study, tmp_path):
    ideal = replace(study, seeds=[0]).cells()[0]
    study_cells.run_cell(study, ideal, tmp_path / "run")
    changes = {"array.programming_error": [0.0, 0.3], "array.adc_bits": [4], "array.age_seconds": [1.0, 3e7]}
    chip = {"array.device": "ideal", "array.drift_nu": 0.05, "array.drift_nu_std": 0.02}
    inference = replace(study, seeds=[0], base={}, inference=str(tmp_path / "run"), chip=chip, curves=changes)
    results = {one["label"]: one for one in run(inference, tmp_path / "out")}
    assert results["programming_error 0.3"]["sse_half"] > results["programming_error 0.0"]["sse_half"]
    assert results["age_seconds 30000000.0"]["sse_half"] != results["age_seconds 1.0"]["sse_half"]
    assert results["adc_bits 4"]["costs"]["generate_read_energy"][1] > 0
    with pytest.raises(InvalidValue, match=r'asks for dh-vae: set `models` to \["tdh-vae"\]'):
        run(replace(inference, models=["dh-vae"]), tmp_path / "other")


@pytest.mark.parametrize("own", [{"name": "sgd", "centring": 0.9, "latent_rate": 0.1}, {"name": "muon"}])
def test_a_run_is_programmed_however_it_was_trained(study, tmp_path, own):
    """An array learns neither by centring nor, by its own rule, by Muon; but what it holds need not have been."""
    ideal = replace(study, seeds=[0]).cells()[0].config()
    trained = replace(ideal, optimizer=OptimizerConfig(learning_rate=0.01, **own))
    loop.train(RunFolder.create(tmp_path / "run", trained))
    inference = replace(
        study, seeds=[0], base={}, inference=str(tmp_path / "run"), chip={"array.device": "ideal"},
        curves={"array.adc_bits": [12]},
    )  # fmt: skip
    result = run(inference, tmp_path / "out")[-1]
    assert result["label"] == "adc_bits 12"
    assert 0 < result["sse_half"] < 1e3


@pytest.mark.parametrize("where", ["base", "chip", "grid", "curves", "variants"])
def test_a_trained_run_keeps_what_is_not_of_its_array(study, where):
    values = {"model.hidden": [7] if where in {"grid", "curves"} else 7}
    with pytest.raises(InvalidValue, match=r"`model.hidden` is the trained run's own"):
        replace(study, inference="run", **({"base": {}} | {where: [values] if where == "variants" else values}))


@pytest.mark.needs_jit
@pytest.mark.slow
def test_a_killed_study_loses_nothing_that_was_finished(study, tmp_path):
    path, out = tmp_path / "study.toml", tmp_path / "out"
    command = [sys.executable, "-c", "from hvae.commands.onchip import study; study()", str(path), "--out", str(out)]
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
    ],
)
def test_studies_that_cannot_be_are_refused(study, change, error):
    with pytest.raises(error):
        replace(study, **change)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("seeds = [0, 1]", "seeds = 3", "`seeds`"),
        ("seeds = [0, 1]", "seeds = []", "`seeds`"),
        ("seeds = [0, 1]", "seeds = [-1]", "`seeds.0`"),
        ('models = ["tdh-vae"]', 'models = "tdh-vae"', "`models`"),
        ("images = 20", "images = 3", "`images`"),
        ("images = 20", 'images = "many"', "`images`"),
        ("images = 20", 'inference = "x"', "[inference]"),
        ("images = 20", "inference = {}", "`run`"),
        ("images = 20", "variants = 1", "`variants`"),
        ("images = 20", "variants = [1]", "`variants.0`"),
        ("[base]", "[other]", "unknown key of a study 'other'"),
        ("[base]", "grid = 3\n[base]", "`grid`"),
        ('"training.epochs" = 1', '"training.epochs" = 2024-01-01', "`base.training.epochs"),
        ("[0.002, 0.02]", "0.1", "`curves.array.dw_min`"),
        ("[0.002, 0.02]", "[]", "`curves.array.dw_min`"),
    ],
)
def test_values_of_the_wrong_type_are_named_before_anything_runs(tmp_path, old, new, key):
    assert old in TEXT
    (tmp_path / "study.toml").write_text(TEXT.replace(old, new))
    with pytest.raises((InvalidValue, UnknownName)) as caught:
        studies.load(tmp_path / "study.toml")
    assert key in str(caught.value)


def test_unknown_keys_and_files_are_refused_before_anything_runs(study, tmp_path):
    with pytest.raises(UnknownName):
        replace(study, curves={"array.reed_noise": [0.1]}).cells()
    with pytest.raises(MissingFile):
        studies.load(Path(tmp_path / "none.toml"))


def test_without_dask_the_remedy_is_told(study, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EngineError, match="cluster"):
        run(study, tmp_path / "out", scheduler="tcp://nowhere:1")


@pytest.mark.parametrize("content", ["[]", "{", "{}", '{"frechet_distance": null}'])
def test_a_damaged_result_of_a_cell_is_named_with_its_remedy(study, tmp_path, content):
    cell = study.cells()[0]
    (tmp_path / study_cells.RESULT).write_text(content)
    with pytest.raises(CorruptFile, match=r"result\.json .*remove it, and start the study again"):
        study_cells.finished(study, cell, tmp_path)


def test_cells_are_scored_with_the_z_that_their_run_says(study, tmp_path):
    plan = replace(study, seeds=[0], curves={"array.dw_min": [0.02]})
    mixture = replace(plan, base=plan.base | {"sampling.prior": "mixture", "sampling.components": 3})
    plain, fitted = (run(one, tmp_path / name) for one, name in ((plan, "plain"), (mixture, "mixture")))
    for one, other in zip(plain, fitted, strict=True):
        assert (one["prior"], other["prior"], other["components"]) == ("standard", "mixture", 3)
        assert one["sse_half"] == other["sse_half"]  # the training is the same
        assert one["frechet_distance"] != other["frechet_distance"]
        assert one["unsettled"] == other["unsettled"] == 0
    trained = loading.load(tmp_path / "mixture" / "cells" / fitted[0]["name"])
    found = evaluation.evaluate_trained(trained, images.load(trained.config.data), split="validation", count=20)
    assert found["frechet_distance"] == fitted[0]["frechet_distance"]  # as `hopbar evaluate` says
    write_report(mixture, fitted, tmp_path / "mixture")
    assert "z from a mixture fitted to encoded images" in (tmp_path / "mixture" / "study.html").read_text()


def test_a_result_of_another_prior_is_scored_again(study, tmp_path):
    """Results made before they said their prior had N(0, I)."""
    for prior, stands in (("standard", True), ("gaussian", False)):
        plan = replace(study, seeds=[0], base=study.base | {"sampling.prior": prior})
        cell, folder = plan.cells()[0], tmp_path / prior
        kept = study_cells.run_cell(plan, cell, folder)
        old = {key: kept[key] for key in kept.keys() - {"prior", "components", "fit_samples"}}
        (folder / study_cells.RESULT).write_text(json.dumps(old))
        assert study_cells.finished(plan, cell, folder) == (kept if stands else None)
        assert study_cells.run_cell(plan, cell, folder) == kept


def test_a_result_without_scores_or_a_reason_is_told(study, tmp_path, capsys):
    plan, out = replace(study, seeds=[0]), tmp_path / "out"
    cell = plan.cells()[0]
    kept = study_cells.run_cell(plan, cell, out / "cells" / cell.name)
    path = out / "cells" / cell.name / study_cells.RESULT
    path.write_text(json.dumps({key: kept[key] for key in kept if key not in {"frechet_distance", "sse_half"}}))
    with pytest.raises(CorruptFile, match="holds neither scores nor why there are none: remove it"):
        workers.finished_cells(plan, out)


def test_why_a_cell_has_no_scores_is_on_the_screen_and_the_page(study, tmp_path):
    facts = {"name": "a-cell", "label": "A", "model": "tdh-vae", "seed": 0, "kind": "variant", "axes": {}}
    failed = facts | {"failed": "training diverged at step 3"}
    assert failures([failed, facts | {"frechet_distance": 1.0}]) == {"a-cell": "training diverged at step 3"}
    found = page(study, [failed], table([failed]), [])
    assert "No scores of <code>a-cell</code>: training diverged at step 3" in found
