"""The reproduced table: rows, runs that are kept and resumed, spread over seeds, the page made of its JSON."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName
from hvae.commands.sweeps import reproduce
from hvae.config.run import table_3
from hvae.config.toml_file import resolve
from hvae.learning.learners import make
from hvae.reproduction import figures, watching
from hvae.reproduction import rows as reproduction
from hvae.reproduction import table as reproduction_table
from hvae.reproduction.report import markdown
from hvae.runs.loading import Trained
from hvae.runs.records import RunFolder
from hvae.scores import evaluation, yardstick
from hvae.streams import stream
from hvae.training import loop
from hvae.training.loop import Ending, Observer

pytestmark = pytest.mark.needs_jit  # many steps: minutes without the compiler

SMALL = [
    "data.name=mnist-5k", "data.image_size=7", "data.train_limit=64", "training.batch_size=32", "training.epochs=2",
    "model.hidden=8", "model.latent=2", "training.validation_samples=40", "training.eigenvalue_samples=0",
]  # fmt: skip
VARIANTS = """
[[row]]
label = "f-vae, mixture"
model = "f-vae"
prior = "mixture"
[[row]]
label = "f-vae, SGD"
model = "f-vae"
[row.set.optimizer]
name = "sgd"
learning_rate = 1e-4
"""


def rows(tmp_path, text=VARIANTS):
    path = tmp_path / "variants.toml"
    path.write_text(text)
    return reproduction.read_rows(path)


def options(*more):
    return [part for change in SMALL[1:] for part in ("--set", change)] + ["--dataset", "mnist-5k", "--n", "60", *more]


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    (folder / "variants.toml").write_text(VARIANTS)
    chosen = ["--models", "f-vae,tdh-vae", "--seeds", "2", "--variants", str(folder / "variants.toml")]
    chosen += [
        "--set",
        "sampling.components=2",
        "--report",
        str(folder / "docs" / "table1.md"),
        "--out",
        str(folder),
        "--json",
    ]
    done = CliRunner().invoke(reproduce, options(*chosen))
    assert done.exit_code == 0, done.output
    return folder, json.loads(done.stdout), options(*chosen)


def test_one_command_trains_evaluates_tabulates_and_draws(reproduced):
    folder, table, _ = reproduced
    assert json.loads((folder / "table.json").read_text()) == table
    assert [row["label"] for row in table["rows"]] == ["f-vae", "tdh-vae", "f-vae, mixture", "f-vae, SGD"]
    for row in table["rows"]:
        assert (row["seeds"], row["epochs"]["mean"], row["n_fake"]) == (2, 2, 60)
        assert row["frechet_distance"]["std"] > 0
    assert table["ranking"] == table["paper_ranking"] == []  # none of them is at Table 3's values
    assert table["ranking_reproduced"] is None
    best = min(table["rows"], key=lambda row: row["frechet_distance"]["mean"])
    assert table["best"] == {"mnist-5k": best["label"]}
    names = {path.name for path in folder.iterdir()}
    for stem in ("figure-2-originals", "figure-3-reconstructions", "figure-4-samples", "learning-curves"):
        assert {f"{stem}.png", f"{stem}.svg"} <= names


def test_models_that_are_not_table_3_s_are_not_called_the_paper_s_and_get_no_verdict(tmp_path, capsys):
    """Two small models on small digits are no reproduction, whatever their order."""
    changes = ["model.hidden=8", "data.image_size=7", "data.train_limit=64", "training.validation_samples=0"]
    chosen = [part for change in changes for part in ("--set", change)]
    chosen += [
        "--models",
        "f-vae,tdh-vae",
        "--epochs",
        "1",
        "--dataset",
        "mnist-5k",
        "--n",
        "60",
        "--out",
        str(tmp_path),
    ]
    done = CliRunner().invoke(reproduce, chosen)
    assert done.exit_code == 0, done.output
    assert "are the paper's models" not in done.stdout
    assert "No row is one of the paper's models at the values of its Table 3." in done.stdout
    assert "ranking is reproduced" not in done.stdout
    assert (
        "No verdict on the paper's ranking:\n\n- no row at Table 3's values of dh-vae, tdh-vae, f-vae, h-vae"
        in done.stdout
    )
    table = json.loads((tmp_path / "table.json").read_text())
    assert (table["ranking"], table["ranking_reproduced"]) == ([], None)


@pytest.mark.parametrize(
    ("changes", "own"),
    [
        ([], True),
        (["training.epochs=3", "training.seed=4", "settling.tolerance=1e-4", "nudging.tolerance=1e-3"], True),
        (["data.name=fashion-mnist", "data.folder=/somewhere", "training.validation_samples=0"], True),
        (["model.hidden=8"], False),
        (["data.image_size=7"], False),
        (["data.train_limit=64"], False),
        (["training.beta_kl=1.1"], False),
        (["training.batch_size=64"], False),
        (["optimizer.name=sgd"], False),
        (["nudging.method=centred"], False),
        (["settling.solver=euler"], False),
        (["sampling.prior=mixture"], False),
    ],
)
def test_table_3_is_what_it_is_but_for_how_long_and_how_closely(changes, own):
    assert reproduction.at_table_3(resolve("tdh-vae", [], changes)) == own


def test_rows_that_sample_differently_share_their_runs(reproduced):
    folder, table, _ = reproduced
    runs = {row["label"]: row["runs"] for row in table["rows"]}
    assert runs["f-vae"] == runs["f-vae, mixture"]
    assert len(list((folder / "runs").iterdir())) == 6
    distances = {row["label"]: row["frechet_distance"]["mean"] for row in table["rows"]}
    losses = {row["label"]: row["sse_half"]["mean"] for row in table["rows"]}
    assert distances["f-vae"] != distances["f-vae, mixture"]
    assert losses["f-vae"] == losses["f-vae, mixture"]


def test_rows_are_scored_with_their_own_fit(tmp_path, monkeypatch):
    text = VARIANTS + '[[row]]\nlabel = "f-vae, twenty Gaussians"\nmodel = "f-vae"\nprior = "mixture"\n'
    text += "set.sampling.components = 20\n"
    chosen = [*rows(tmp_path, text), *reproduction.rows_of_paper(["f-vae"])]
    planned = reproduction.plan(chosen, tmp_path, 1, [*SMALL, "sampling.prior=gaussian"])
    watching.train(planned)
    found = {row["label"]: row for row in reproduction_table.table(planned, 60)["rows"]}
    assert {label: row["prior"] for label, row in found.items()} == {
        "f-vae, mixture": "mixture", "f-vae, twenty Gaussians": "mixture", "f-vae": "gaussian", "f-vae, SGD": "gaussian"
    }  # fmt: skip
    shared = [found[label] for label in ("f-vae, mixture", "f-vae, twenty Gaussians", "f-vae")]
    assert len({str(row["runs"]) for row in shared}) == 1
    assert len({row["frechet_distance"]["mean"] for row in shared}) == 3
    kept = {path.name: json.loads(path.read_text()) for path in Path(shared[0]["runs"][0]).glob("evaluation*.json")}
    assert {name: (one["components"], one["fit_samples"]) for name, one in kept.items()} == {
        "evaluation_gaussian_n60.json": (None, 10000),
        "evaluation_mixture_n60.json": (10, 10000),
        "evaluation_mixture_components20_n60.json": (20, 10000),
    }
    monkeypatch.setattr(evaluation, "evaluate_trained", None)
    assert reproduction_table.table(planned, 60)["rows"] == list(found.values())
    used = {}
    monkeypatch.setattr(evaluation, "density", lambda trained, dataset, one, seed: used.setdefault(one, None))
    figures.draw(planned, {"rows": list(found.values())}, tmp_path)
    assert {(one.prior, one.components) for one in used} == {("mixture", 10), ("mixture", 20), ("gaussian", 10)}


def test_the_table_stands_beside_principal_components(reproduced):
    folder, table, _ = reproduced
    page = (folder / "docs" / "table1.md").read_text()
    _, _, beside = page.partition("## Beside principal components of as many latents")
    for row in table["rows"]:
        assert row["pca_latents"]["mean"] == 2
        active, kurtosis = row["active_latents"]["mean"], row["mu_kurtosis"]["mean"]
        assert kurtosis > 1 if active else kurtosis is None
        assert row["code_bits"]["mean"] > 0
        assert f"| {row['label']} |" in beside
        if row["sse_half_mean"]["mean"] > row["pca_sse_half"]["mean"]:
            assert f"- {row['label']}: reconstructs worse than PCA with as many latents: " in beside
    older = [{key: value for key, value in row.items() if key not in yardstick.KEYS} for row in table["rows"]]
    assert "Beside principal" not in markdown({**table, "rows": older})
    assert older[0]["label"] in markdown({**table, "rows": [*table["rows"][1:], older[0]]})


def test_an_evaluation_without_the_yardstick_is_completed(tmp_path, monkeypatch):
    planned = reproduction.plan(rows(tmp_path)[:1], tmp_path, 1, SMALL)
    watching.train(planned)
    (row,) = reproduction_table.table(planned, 60)["rows"]
    path = Path(row["runs"][0]) / "evaluation_mixture_n60.json"
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({key: kept[key] for key in kept.keys() - yardstick.KEYS.keys()}))
    monkeypatch.setattr(evaluation, "evaluate_trained", None)
    assert reproduction_table.table(planned, 60)["rows"] == [row]
    assert json.loads(path.read_text()) == kept


def test_evaluations_that_do_not_say_their_fit_had_the_run_s_own(tmp_path, monkeypatch):
    planned = reproduction.plan(rows(tmp_path)[:1], tmp_path, 1, SMALL)
    watching.train(planned)
    (row,) = reproduction_table.table(planned)["rows"]
    path = Path(row["runs"][0]) / "evaluation_mixture.json"
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({key: kept[key] for key in kept.keys() - {"components", "fit_samples"}}))
    monkeypatch.setattr(evaluation, "evaluate_trained", None)
    assert reproduction_table.table(planned)["rows"] == [row]
    path.write_text("{")
    with pytest.raises(CorruptFile, match=r"evaluation_mixture\.json is no JSON"):
        reproduction_table.table(planned)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_run_that_diverges_stops_no_other(tmp_path):
    (tmp_path / "variants.toml").write_text(VARIANTS.replace("1e-4", "2e38"))
    chosen = ["--models", "f-vae", "--variants", str(tmp_path / "variants.toml"), "--out", str(tmp_path), "--json"]
    done = CliRunner().invoke(reproduce, options(*chosen))
    assert done.exit_code == 1
    table = json.loads(done.stdout)
    assert [row["label"] for row in table["rows"]] == ["f-vae", "f-vae, mixture"]
    ((path, reason),) = table["diverged"].items()
    assert path == str(tmp_path / "runs" / "f-vae-sgd-seed0")
    assert "training diverged at step" in reason
    assert f"- {path}: training diverged" in markdown(table)


def test_a_run_whose_scores_are_not_finite_is_told_beside_the_table(tmp_path):
    planned = reproduction.plan(reproduction.rows_of_paper(["f-vae"]), tmp_path, 1, SMALL)
    ((path, config),) = planned.runs.items()
    run = reproduction.open_run(path, config)
    loop.train(run)
    checkpoint = run.load()
    run.save(replace(checkpoint, parameters={k: v * np.float32("nan") for k, v in checkpoint.parameters.items()}))
    table = reproduction_table.table(planned, 60)
    assert table["rows"] == []
    assert list(table["diverged"]) == [str(path)]


def test_a_row_may_train_on_a_chip(tmp_path):
    text = """
[[row]]
label = "on EpiRAM"
model = "tdh-vae"
set.array.device = "epiram"
"""
    (row,) = rows(tmp_path, text)
    assert row.config([], 0).optimizer.name == "sgd"
    planned = reproduction.plan([row, reproduction.Row(label="ideal", model="tdh-vae")], tmp_path, 1, SMALL)
    watching.train(planned)
    found = reproduction_table.table(planned, 20)["rows"]
    assert [one["parameters"] for one in found] == [59 * 58 // 2] * 2  # pairs of 49 pixels, 8 hidden and 2 latents


def test_a_sigma_that_is_learned_is_counted():
    counts = []
    for changes in ([], ["model.sigma_rule=learned"]):
        config = resolve("tdh-vae", [], changes)
        trained = Trained(config=config, learner=make(config), parameters={}, epochs=0)
        counts.append(reproduction_table.n_parameters(trained))
    assert counts[1] - counts[0] == 69


def test_the_training_time_is_the_median_of_steps_times_their_number(tmp_path):
    run = reproduction.open_run(tmp_path / "run", resolve("f-vae", [], SMALL))
    loop.train(run)
    lines = [
        {"step": step, "seconds": seconds} for step, seconds in ((1, 60.0), (10, 2.0), (20, 2.0), (30, 9.0), (40, 1))
    ]
    (run.path / "timing.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run.training_seconds() == 4 * 2.0


def test_where_no_row_has_a_floor_it_is_blank(reproduced):
    _, table, _ = reproduced
    bare = [row | {"floor": {"mean": None, "std": None}} for row in table["rows"]]
    text, _, _ = markdown(table | {"rows": bare}).partition("## Beside")
    lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(lines) == 4
    assert all(line.split(" | ")[12] == "" for line in lines)


def test_rows_that_share_their_runs_have_one_curve(reproduced, monkeypatch):
    _, _, arguments = reproduced
    seen = []
    drawn = figures.learning_curves
    monkeypatch.setattr(figures, "learning_curves", lambda rows: seen.append(drawn(rows)))
    assert CliRunner().invoke(reproduce, [*arguments, "--table-only"]).exit_code == 0
    for axes in seen[0].axes:
        labels = [line.get_label() for line in axes.lines]
        assert [label for label in labels if not label.startswith("_")] == ["f-vae", "tdh-vae", "f-vae, SGD"]
        assert len(labels) == 6  # two seeds each
        assert all(list(line.get_xdata()) == [1, 2] for line in axes.lines)


def test_rows_say_where_their_figures_are_from(reproduced):
    _, table, _ = reproduced
    for row in table["rows"]:
        assert len(row["curves"]) == len(row["commits"]) == 2
        for path, commit, curve in zip(row["runs"], row["commits"], row["curves"], strict=True):
            assert commit == json.loads((Path(path) / "environment.json").read_text())["commit"]
            last = [line for line in RunFolder(Path(path)).metrics() if "validation_kl" in line][-1]
            assert curve["validation_kl"][-1] == pytest.approx(last["validation_kl"], rel=1e-5)


def test_the_second_call_trains_nothing_and_gives_the_same_table(reproduced):
    folder, table, arguments = reproduced
    before = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*")}
    again = CliRunner().invoke(reproduce, arguments)
    assert json.loads(again.stdout)["rows"] == table["rows"]
    assert {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*")} == before


def test_the_page_is_made_of_the_json(reproduced):
    folder, _, _ = reproduced
    page = (folder / "docs" / "table1.md").read_text()
    assert page == markdown(json.loads((folder / "table.json").read_text()))
    assert "| tdh-vae | N(0, I) | mnist-5k |" in page
    assert "mixture, ex post" in page
    assert "±" in page
    assert "`model.hidden=8`" in page  # what departs from Table 3 is said
    assert "is reproduced" not in page
    assert "**" not in page
    assert "- f-vae, SGD: f-vae with `optimizer.name = sgd`" in page


def test_a_half_finished_run_is_resumed(tmp_path):
    planned = reproduction.plan(reproduction.rows_of_paper(["f-vae"]), tmp_path, 1, SMALL)
    ((path, config),) = planned.runs.items()
    steps = iter([False, False, True])
    assert (
        loop.train(reproduction.open_run(path, config), observer=Observer(stop_requested=lambda: next(steps)))
        is Ending.STOPPED
    )
    assert not reproduction.is_finished(RunFolder.open(path), 64)
    assert RunFolder.open(path).load().step == 3
    assert watching.train(planned) == watching.Trained()
    assert reproduction.is_finished(RunFolder.open(path), 64)
    logged = [record["step"] for record in RunFolder.open(path).metrics() if "step" in record]
    assert len(logged) == len(set(logged))


def test_an_unfinished_reproduction_is_tabulated_as_far_as_it_is(tmp_path):
    planned = reproduction.plan(reproduction.rows_of_paper(), tmp_path, 1, SMALL)
    assert watching.tabulate(planned, tmp_path)["rows"] == []
    assert "No run has a checkpoint yet" in markdown(json.loads((tmp_path / "table.json").read_text()))


def test_a_seed_that_still_trains_does_not_blur_those_that_are_finished(tmp_path):
    planned = reproduction.plan(reproduction.rows_of_paper(["f-vae"]), tmp_path, 2, SMALL)
    done, half = (reproduction.open_run(path, config) for path, config in planned.runs.items())
    steps = iter([False, False, True])
    loop.train(half, observer=Observer(stop_requested=lambda: next(steps)))
    assert [run.path for run in reproduction_table.furthest(planned.folders["f-vae"])] == [half.path]
    loop.train(done)
    assert [run.path for run in reproduction_table.furthest(planned.folders["f-vae"])] == [done.path]
    (row,) = reproduction_table.table(planned, 60)["rows"]
    assert (row["seeds"], row["runs"]) == (1, [str(done.path)])


def test_late_progress_is_the_mean_over_seeds(tmp_path):
    runs = []
    for name, distances in (("a", [9, 8, 7, 4]), ("b", [9, 8, 3, 2])):
        (tmp_path / name).mkdir()
        lines = [json.dumps({"epoch": 1 + k, "validation_frechet_distance": one}) for k, one in enumerate(distances)]
        (tmp_path / name / "metrics.jsonl").write_text("\n".join(lines) + "\n")
        runs.append(RunFolder(tmp_path / name))
    assert reproduction_table.late_progress(runs) == (5, 3)
    assert reproduction_table.late_progress(runs[:1]) == (7, 4)


def test_runs_of_another_configuration_are_not_touched(tmp_path):
    first = reproduction.plan(reproduction.rows_of_paper(["f-vae"]), tmp_path, 1, SMALL)
    other = reproduction.plan(reproduction.rows_of_paper(["f-vae"]), tmp_path, 1, [*SMALL, "training.epochs=3"])
    reproduction.open_run(*next(iter(first.runs.items())))
    with pytest.raises(InvalidValue, match="another configuration"):
        reproduction.open_run(*next(iter(other.runs.items())))


def test_the_rows_of_the_paper_are_table_3():
    for row in reproduction.rows_of_paper():
        assert row.config([], 0) == table_3(row.model)


@pytest.mark.parametrize(
    ("model", "count"), [("f-vae", 2_908_360), ("h-vae", 3_026_406), ("dh-vae", 6_335_445), ("tdh-vae", 1_420_455)]
)
def test_weights_are_counted_as_in_the_note(model, count):
    """Numbers of research/ep.md, section 1, from Table 3's sizes; the F-VAE's biases are counted apart there."""
    config = table_3(model)
    learner = make(config)
    parameters = learner.init(stream(0, "init"), "float32") if model == "f-vae" else {}
    found = reproduction_table.n_parameters(Trained(config=config, learner=learner, parameters=parameters, epochs=0))
    biases = sum(array.size for name, array in parameters.items() if array.ndim == 1)
    assert found - biases == count


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ('model = "f-vae"\nprior', 'model = "f-vea"\nprior', UnknownName, "did you mean 'f-vae'"),
        ('prior = "mixture"', 'prior = "mixed"', InvalidValue, "`sampling.prior`"),
        ("prior =", "priro =", UnknownName, "did you mean 'prior'"),
        ("learning_rate", "learn_rate", UnknownName, "did you mean 'optimizer.learning_rate'"),
        ('label = "f-vae, SGD"', "", InvalidValue, "needs `label` and `model`"),
        ("[[row]]", "[[line]]", InvalidValue, "must hold \\[\\[row\\]\\] tables"),
        ("[[row]]", "[[row]", CorruptFile, "no valid TOML"),
        ('label = "f-vae, SGD"', "label = 3", InvalidValue, "`label`"),
        ("[row.set.optimizer]", "[row.set]", InvalidValue, "`set.name`"),
        ('[row.set.optimizer]\nname = "sgd"\nlearning_rate = 1e-4', "set = 3", InvalidValue, "`set`"),
        ("1e-4", "2024-01-01", InvalidValue, "`set.optimizer.learning_rate"),
        (VARIANTS, "row = [1]", InvalidValue, "must be a table of keys, but got 1"),
    ],
)
def test_mistakes_in_the_variants_are_named(tmp_path, old, new, error, message):
    assert old in VARIANTS
    with pytest.raises(error, match=message):
        rows(tmp_path, VARIANTS.replace(old, new))


def test_labels_are_distinct_and_models_are_known(tmp_path):
    with pytest.raises(InvalidValue, match="distinct labels"):
        reproduction.plan([*rows(tmp_path), *rows(tmp_path)], tmp_path, 1)
    with pytest.raises(UnknownName, match="did you mean 'h-vae'"):
        reproduction.rows_of_paper(["hvae"])
    with pytest.raises(MissingFile, match="no file of variants"):
        reproduction.read_rows(tmp_path / "none.toml")


def test_the_example_s_control_is_as_large_as_the_dense_model():
    found = {row.label: row for row in reproduction.read_rows(Path(__file__).parents[3] / "examples" / "beyond.toml")}
    sizes = []
    for config in (found["h-vae, as many weights as dh-vae"].config([], 0), resolve("dh-vae")):
        sizes.append(
            reproduction_table.n_parameters(Trained(config=config, learner=make(config), parameters={}, epochs=0))
        )
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-3)
