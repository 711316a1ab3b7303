"""Rows that the paper's models are held against: made once, scored as the others, told apart from the paper's."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.errors import UnknownName
from hvae.baselines import pca
from hvae.commands.sweeps import reproduce
from hvae.config.run import DataConfig
from hvae.reproduction import join, yardsticks
from hvae.runs import images

LABELS = [
    "yardstick: f-vae, tuned, mixture", "yardstick: f-vae, tuned, mixture by held-out likelihood",
    "yardstick: PCA, mixture", "yardstick: PCA, mixture by held-out likelihood", "yardstick: BernoulliRBM",
]  # fmt: skip


def options(out, *more):
    changes = [
        "data.image_size=7", "data.train_limit=64", "training.batch_size=32", "training.validation_samples=0",
        "training.eigenvalue_samples=0", "model.latent=3", "sampling.components=2",
    ]  # fmt: skip
    chosen = [part for change in changes for part in ("--set", change)]
    chosen += ["--dataset", "mnist-5k", "--epochs", "1", "--n", "60", "--models", "", "--out", str(out), "--json"]
    return [*chosen, *more]


def reproduced(out, *more):
    done = CliRunner().invoke(reproduce, options(out, *more))
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("yardsticks")
    table, _ = reproduced(out, "--yardsticks", "pca,rbm,f-vae", "--seeds", "2", "--report", str(out / "page.md"))
    return out, table


def test_all_three_are_rows_of_the_table_and_none_is_the_paper_s(made):
    out, table = made
    assert [row["label"] for row in table["rows"]] == LABELS
    for row in table["rows"]:
        assert (row["seeds"], row["n_fake"], row["of_the_paper"]) == (2, 60, False)
        assert row["frechet_distance"]["mean"] > 0
    tuned, chosen, linear, linear_chosen, machine = table["rows"]
    assert tuned["changes"]["model.hidden"] == 739
    assert tuned["runs"] == chosen["runs"]
    assert tuned["fitted_components"] == linear["fitted_components"] == [2, 2]
    for row in (chosen, linear_chosen):
        assert row["prior"] == "mixture-heldout"
        assert set(row["fitted_components"]) <= {1, 2, 5, 10, 20}  # 64 images
    assert linear_chosen["sse_half"] == linear["sse_half"]
    assert (linear["prior"], linear["kl"]["mean"], linear["changes"]["latents"]) == ("mixture", None, 3)
    assert linear["sse_half"]["std"] == 0  # seeds differ in the mixture alone
    assert linear["frechet_distance"]["std"] > 0
    assert (machine["prior"], machine["changes"]["hidden"]) == ("gibbs", 3)
    page = (out / "page.md").read_text()
    assert "| yardstick: PCA, mixture | mixture, ex post |" in page
    assert "| yardstick: BernoulliRBM | Gibbs sampling |" in page


def test_the_row_of_pca_is_pca_of_as_many_latents(made):
    _, table = made
    dataset = images.load(DataConfig(name="mnist-5k", image_size=7, train_limit=64))
    code = pca.fit(dataset.train_images, 3)
    output = code.decode(code.parameters, code.encode(code.parameters, dataset.test_images)[0])
    expected = 0.5 * ((output - dataset.test_images) ** 2).sum(axis=1).mean()
    assert table["rows"][2]["sse_half"]["mean"] == pytest.approx(float(expected), rel=1e-6)
    assert table["rows"][0]["pca_latents"]["mean"] == 12  # beside the tuned f-vae stands PCA of its own size
    assert np.isfinite(table["rows"][0]["pca_distance"]["mean"])


def test_what_is_there_is_not_made_again_and_joins(made, monkeypatch):
    out, table = made
    monkeypatch.setattr(yardsticks, "_scored", None)
    again, _ = reproduced(out, "--yardsticks", "pca,rbm", "--seeds", "2")
    assert again["rows"] == table["rows"][2:]
    (out / "table.json").write_text(json.dumps(table))
    assert [row["label"] for row in join.read(out / "table.json", table["shared"])["rows"]] == LABELS


def test_table_only_fits_nothing_and_other_data_are_fitted_anew(made, tmp_path, monkeypatch):
    out, _ = made
    table, _ = reproduced(tmp_path, "--yardsticks", "pca", "--table-only")
    assert table["rows"] == []
    asked = []
    monkeypatch.setattr(yardsticks, "_scored", lambda one, config, count: asked.append(config.data.train_limit) or {})
    CliRunner().invoke(reproduce, options(out, "--yardsticks", "pca", "--set", "data.train_limit=50"))
    assert asked == [50, 50]


def test_a_yardstick_that_is_none_is_refused():
    with pytest.raises(UnknownName, match="'pcb'"):
        yardsticks.check(["pca", "pcb"])
    assert yardsticks.trained_rows(["pca"]) == []
