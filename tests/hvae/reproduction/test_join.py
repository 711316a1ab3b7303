"""Tables made elsewhere beside one made here: which row stands, what is kept, what is refused."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from crossbar.errors import CorruptFile, InvalidValue, MissingFile
from hvae.commands.sweeps import reproduce
from hvae.reproduction import figures, join
from hvae.reproduction import table as reproduction_table
from hvae.reproduction.report import markdown

SCORE = {"mean": 1.0, "std": None}


def row(label, distance, epochs=20.0, **more):
    found = {key: SCORE for key in reproduction_table.SCORES}
    found |= {
        "label": label, "model": label.split(",")[0], "prior": "standard", "changes": {},
        "of_the_paper": "," not in label, "dataset": "mnist", "features": "cnn", "n_real": 4, "n_fake": 4, "seeds": 1,
        "runs": [f"runs/{label}-seed0"],
        "parameters": 3, "epochs": {"mean": epochs, "std": None}, "seconds": SCORE, "late_progress": None,
        "frechet_distance": {"mean": distance, "std": None},
    }  # fmt: skip
    return found | more


def made(*rows, commit="abc", **more):
    beside = {"diverged": {}, "shared": ["training.epochs=20"], "configs": {}, "environment": {"commit": commit}}
    return {**reproduction_table.ranked(rows), **beside, "joined": [], **more}


def write(tmp_path, table, name="table.json"):
    path = tmp_path / name
    path.write_text(json.dumps(table))
    return path


def test_rows_of_both_stand_in_one_ranking():
    here, there = made(row("f-vae", 3.0)), made(row("h-vae", 4.0), row("dh-vae", 1.0), row("f-vae, swept", 0.5))
    found = join.join(here, {Path("there.json"): there})
    assert [one["label"] for one in found["rows"]] == ["h-vae", "dh-vae", "f-vae, swept", "f-vae"]
    assert found["ranking"] == ["dh-vae", "f-vae", "h-vae"]
    assert found["ranking_reproduced"] is None  # tdh-vae is missing
    assert found["best"] == {"mnist": "f-vae, swept"}
    assert found["joined"][0]["labels"] == ["h-vae", "dh-vae", "f-vae, swept"]
    assert found["joined"][0]["environment"] == {"commit": "abc"}


def earned(model, distance, **more):
    own = {"seeds": 3, "n_real": 10_000, "n_fake": 10_000, "frechet_distance": {"mean": distance, "std": 3.0}}
    return row(model, distance, **(own | more))


PAPER = {"dh-vae": 366.0, "tdh-vae": 538.0, "f-vae": 700.0, "h-vae": 759.0}


def test_a_verdict_that_is_earned():
    found = reproduction_table.ranked([earned(*one) for one in PAPER.items()])
    assert (found["ranking_reproduced"], found["no_verdict"]) == (True, [])
    other = reproduction_table.ranked([earned(model, 871.0 if model == "f-vae" else at) for model, at in PAPER.items()])
    assert (other["ranking_reproduced"], other["no_verdict"]) == (False, [])
    assert "is **not** reproduced" in markdown(made(*other["rows"]))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"of_the_paper": False}, "no row at Table 3's values of h-vae"),
        ({"dataset": "mnist-5k"}, "ranks on mnist, these rows are on mnist, mnist-5k"),
        ({"epochs": 10.0}, "10 epochs where 20"),
        ({"n_fake": 60}, "60 images where 10,000"),
        ({"seeds": 1}, "1 seeds where 3"),
        ({"features": "other"}, "different features"),
        ({"frechet_distance": {"mean": 720.0, "std": 12.0}}, r"f-vae and h-vae differ by 20, within 2 .* \(24.7\)"),
    ],
)
def test_a_verdict_that_is_not(more, reason):
    rows = [earned(model, at, **(more if model == "h-vae" else {})) for model, at in PAPER.items()]
    found = reproduction_table.ranked(rows)
    assert found["ranking_reproduced"] is None
    assert len(found["no_verdict"]) == 1
    assert re.search(reason, found["no_verdict"][0])
    page = markdown(made(*rows))
    assert f"No verdict on the paper's ranking:\n\n- {found['no_verdict'][0]}" in page
    assert "reproduced at" not in page


@pytest.mark.parametrize(("epochs_here", "distance"), [(20.0, 3.0), (40.0, 3.0), (10.0, 7.0)])
def test_of_two_rows_of_one_name_the_one_trained_longer_stands(epochs_here, distance):
    here, there = made(row("f-vae", 3.0, epochs_here)), made(row("f-vae", 7.0), row("h-vae", 9.0))
    found = join.join(here, {Path("there.json"): there})
    assert [one["label"] for one in found["rows"]] == ["f-vae", "h-vae"]  # in the place of the first
    assert found["rows"][0]["frechet_distance"]["mean"] == distance
    assert found["joined"][0]["labels"] == (["h-vae"] if distance == 3.0 else ["f-vae", "h-vae"])


def test_the_page_says_what_was_made_elsewhere(tmp_path):
    here = made(row("f-vae", 3.0), commit="here")
    there = made(row("h-vae", 4.0), row("h-vae, swept", 4.0), commit="there")
    page = markdown(join.join(here, {Path("a/table.json"): there}))
    assert "- a/table.json (commit there): h-vae; h-vae, swept\n" in page
    assert "elsewhere" not in markdown(join.join(here, {}))
    assert "elsewhere" not in markdown(join.join(here, {Path("t.json"): made(row("f-vae", 9.0))}))


def test_what_joined_tables_note_is_on_the_page():
    first = join.join(
        made(row("f-vae", 3.0)), {Path("a.json"): made(row("h-vae", 4.0), notes="two kernels")}
    )
    second = join.join(made(row("dh-vae", 1.0)), {Path("b.json"): {**first, "notes": "a busy machine"}})
    assert "- a busy machine\n- two kernels\n" in markdown(second)


def test_the_row_of_the_least_distance_is_named():
    page = markdown(
        made(row("dh-vae", 3.0), row("f-vae, swept", 0.5), row("f-vae, Fashion", 7.0, dataset="fashion-mnist"))
    )
    assert {"- mnist: f-vae, swept, 0.5", "- fashion-mnist: f-vae, Fashion, 7"} <= set(page.splitlines())


def test_a_joined_table_is_kept_with_those_that_it_joined():
    first = join.join(made(row("f-vae", 3.0)), {Path("a.json"): made(row("h-vae", 4.0), commit="a")})
    second = join.join(made(row("dh-vae", 1.0)), {Path("b.json"): first})
    assert second["joined"][0]["labels"] == ["h-vae", "f-vae"]
    assert second["joined"][0]["joined"][0]["labels"] == ["h-vae"]


def test_curves_of_joined_rows_are_drawn_and_old_tables_without_them_are_not():
    curve = {key: [3.0, 2.0] for key in reproduction_table.CURVES} | {"epoch": [1, 2]}
    figure = figures.learning_curves([row("f-vae", 1.0, curves=[curve, curve]), row("h-vae", 2.0)])
    assert [len(axes.lines) for axes in figure.axes] == [2, 2, 2]
    assert figures.learning_curves([row("h-vae", 2.0)]) is None


def test_the_command_joins(tmp_path):
    shared = ["data.name=mnist-5k", "training.epochs=1", "data.image_size=7", "data.train_limit=64", "model.hidden=8"]
    there = write(tmp_path, made(row("tdh-vae", 1e-3), shared=shared))  # calls itself of the paper, and is not
    chosen = ["--models", "f-vae", "--dataset", "mnist-5k", "--epochs", "1", "--join", str(there)]
    chosen += [part for change in shared[2:] for part in ("--set", change)]
    done = CliRunner().invoke(reproduce, [*chosen, "--n", "60", "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.output
    table = json.loads(done.stdout)
    assert [one["label"] for one in table["rows"]] == ["tdh-vae", "f-vae"]
    assert table["ranking"] == []
    assert json.loads((tmp_path / "out" / "table.json").read_text()) == table


@pytest.mark.parametrize("key", ["prior", "seconds", "frechet_distance"])
def test_a_row_that_lacks_what_the_page_needs_is_refused(tmp_path, key):
    lacking = {name: value for name, value in row("f-vae", 1.0).items() if name != key}
    table = made(row("h-vae", 2.0)) | {"rows": [row("h-vae", 2.0), lacking]}
    with pytest.raises(CorruptFile, match="lack labels or scores"):
        join.read(write(tmp_path, table), table["shared"])


@pytest.mark.parametrize("key", ["epochs", "frechet_distance"])
@pytest.mark.parametrize("value", [{"mean": None}, {}, None, {"mean": "many"}, {"mean": True}])
def test_a_row_without_the_number_that_it_is_ranked_by_is_refused(tmp_path, key, value):
    table = made(row("f-vae", 1.0)) | {"rows": [{**row("f-vae", 1.0), key: value}]}
    with pytest.raises(CorruptFile, match="lack labels or scores"):
        join.read(write(tmp_path, table), table["shared"])


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, MissingFile, "hopbar reproduce --out DIR"),
        ("{", CorruptFile, "is no JSON"),
        ("[]", CorruptFile, "is no JSON object"),
        ('{"rows": [{"label": "f-vae"}]}', CorruptFile, "lack labels or scores"),
        ('{"rows": 3}', CorruptFile, "no table of"),
        ('{"rows": []}', CorruptFile, "by which commit"),
        ('{"rows": [], "environment": 3}', CorruptFile, "by which commit"),
        ('{"rows": [], "environment": {"commit": "a"}, "shared": [3]}', CorruptFile, "no list of changes"),
        (
            '{"rows": [], "environment": {"commit": "a"}, "shared": ["training.epochs=3"]}',
            InvalidValue,
            "share training.epochs=3, those here nothing",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused_at_the_door(tmp_path, content, error, message):
    path = tmp_path / "table.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(error, match=message):
        join.read(path, [])
