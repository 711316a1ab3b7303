"""The page about a run shows what lies in its folder, and names what does not."""

import base64
import json
import re

import pytest

from crossbar.errors import CorruptFile, MissingFile
from hvae.config import toml_file
from hvae.reports import page as run_report
from hvae.runs.records import RunFolder
from hvae.scores import codes

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
SCORES = {"sse_half": 12.5, "kl": 3.0, "frechet_distance": 321.0, "floor": 1.0, "active_latents": 7}


@pytest.fixture
def run(tmp_path):
    folder = RunFolder.create(tmp_path / "run", toml_file.resolve("tdh-vae", [], ["model.hidden=5"]))
    return folder.path


def write_json(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def test_an_empty_run_names_the_commands_that_are_missing(run):
    page = run_report.write(run, run / "report.html").read_text()
    for command in ("figures", "evaluate", "verify", "area"):
        assert f"hopbar {command} {run}" in page
    assert "hidden = 5" in page


def test_the_page_shows_scores_chips_proof_and_area_and_needs_no_other_file(run):
    (run / "figures").mkdir()
    (run / "figures" / "samples.png").write_bytes(PIXEL)
    write_json(run / "evaluation.json", SCORES)
    write_json(run / "epiram.evaluation.json", {**SCORES, "frechet_distance": 654.0})
    write_json(run / "epiram.evaluation_mixture_n50.json", {**SCORES, "frechet_distance": 432.0, "n_fake": 50})
    write_json(run / "verify" / "verification.json", {"engine": "ngspice", "max_abs_error": 1.25e-13, "passed": True})
    interval = {"p5": 4.5, "p50": 6.75, "p95": 9.5}
    chip = {"n_memristors": 5681820, "n_neurons": 1686, "area_mm2": interval}
    write_json(run / "area" / "area.json", {"node": 65, "models": {"tdh-vae": chip}})
    page = run_report.write(run, run / "pages" / "one.html").read_text()
    for text in ("321", "654", "epiram (programmed)", "1.25e-13", "5,681,820", "6.75"):
        assert f"<td>{text}</td>" in page
    for text in ("432", "epiram_mixture_n50 (programmed)", "50"):
        assert f"<td>{text}</td>" in page
    assert base64.b64encode(PIXEL).decode() in page
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_the_page_says_where_principal_components_are_better(run):
    beside = {
        "sse_half_mean": 55.0, "pca_sse_half": 44.1, "reconstruction_distance": 290.0,
        "pca_reconstruction_distance": 423.0, "perfect_prior_distance": 309.0, "pca_distance": 777.0, "pca_latents": 16,
    }  # fmt: skip
    write_json(run / "evaluation.json", {**SCORES, **beside})
    write_json(run / "evaluation_old.json", SCORES)
    page = run_report.write(run, run / "report.html").read_text()
    for text in ("55", "44.1", "290", "423", "309", "777"):
        assert f"<td>{text}</td>" in page
    sentence = "evaluation: reconstructs worse than PCA with as many latents: 55.0 against 44.1 (SSE/2)."
    assert sentence in page
    assert page.count("evaluation_old") == 1
    write_json(run / "evaluation.json", {**SCORES, **beside, "sse_half_mean": 40.0})
    page = run_report.write(run, run / "report.html").read_text()
    assert "worse than PCA with as many" not in page
    assert "Nowhere worse than PCA." in page


def test_the_page_says_what_the_latents_hold_once_for_all_evaluations_of_them(run):
    code = {
        "active_latents": 16, "mu_kurtosis": 1.18, "mu_saturated": 0.83, "mu_p5": -1.1, "mu_p95": 1.2,
        "mu_largest": 1.4, "kl_bits": 17.5, "code_bits": 16.5,
    }  # fmt: skip
    write_json(run / "evaluation.json", {**SCORES, **code})
    write_json(run / "evaluation_mixture.json", {**SCORES, **code})
    page = run_report.write(run, run / "report.html").read_text()
    assert set(run_report.CODES) == set(codes.KEYS)
    for text in ("1.18", "0.83", "-1.1", "17.5", "16.5"):
        assert page.count(f"<td>{text}</td>") == 2
    assert page.count("its latents are nearly binary") == 1
    assert "evaluation, evaluation_mixture: its latents are nearly binary (kurtosis of mu 1.18)" in page
    write_json(run / "evaluation.json", {**SCORES, **code, "mu_kurtosis": 2.5})
    write_json(run / "evaluation_mixture.json", SCORES)
    assert "nearly binary" not in run_report.write(run, run / "report.html").read_text()


def test_no_run_and_damaged_files_are_told(run, tmp_path):
    with pytest.raises(MissingFile, match="no run"):
        run_report.write(tmp_path / "nothing", tmp_path / "page.html")
    (run / "evaluation.json").write_text("{")
    with pytest.raises(CorruptFile, match=r"evaluation\.json is no JSON"):
        run_report.write(run, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("evaluation_x.json", "[]"), ("verify/verification.json", "[]"), ("area/area.json", '{"node": 65}'),
        ("area/area.json", '{"node": 65, "models": {"x": 3}}'), ("evaluation.json", "null"), ("environment.json", "[]"),
    ],
)  # fmt: skip
def test_json_of_another_kind_is_named(run, content, name):
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).write_text(content)
    with pytest.raises(CorruptFile, match=name.rpartition("/")[2]):
        run_report.write(run, run / "report.html")


def test_a_page_needs_no_environment_and_bears_an_odd_one(run):
    (run / "environment.json").write_text('{"command": 5}')
    assert "5" in run_report.write(run, run / "report.html").read_text()
    (run / "environment.json").unlink()
    assert "unknown" in run_report.write(run, run / "report.html").read_text()
