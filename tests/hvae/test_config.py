"""Configuration: Table 3 by default, files and overrides on top, and one clear message for every mistake."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName
from hvae import config_file, reproduction, studies, sweep_file
from hvae.config import DataConfig, table_3


def test_table_3():
    config = table_3("tdh-vae")
    assert (config.model.hidden, config.model.latent, config.model.sigma) == (833, 69, 0.429)
    assert (config.training.beta_kl, config.optimizer.learning_rate) == (1.90, 9.55e-4)
    assert table_3("f-vae").model.hidden == 1820
    assert table_3("h-vae").optimizer.learning_rate == 6.68e-5
    assert table_3("dh-vae").training.beta_kl == 0.556


@pytest.mark.parametrize("model", ["f-vae", "h-vae", "dh-vae", "tdh-vae"])
def test_round_trip(tmp_path, model):
    path = tmp_path / "config.toml"
    path.write_text(config_file.dump(table_3(model)))
    assert config_file.load(path) == table_3(model)


@pytest.mark.parametrize(
    "folder", ["two\nlines", 'tab\t, "quote" and \\', "bell\x07 and delete\x7f", "Bücher \U0001f4da"]
)
def test_any_name_of_a_folder_is_written_so_that_it_is_read_again(tmp_path, folder):
    path = tmp_path / "config.toml"
    config = replace(table_3("tdh-vae"), data=DataConfig(folder=folder))
    path.write_text(config_file.dump(config), encoding="utf-8")
    assert config_file.load(path) == config


def test_overrides_come_last(tmp_path):
    path = tmp_path / "changes.toml"
    path.write_text("[training]\nepochs = 3\nseed = 4\n")
    config = config_file.resolve("tdh-vae", [path], ["training.epochs=7", "data.name=mnist", "data.folder=a=b"])
    assert (config.training.epochs, config.training.seed, config.data.name, config.data.folder) == (
        7,
        4,
        "mnist",
        "a=b",
    )


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("nudging.beta=0", InvalidValue, "`nudging.beta` must be positive"),
        ("model.sigma=-1", InvalidValue, "`model.sigma` must be positive"),
        ("settling.time_step=0.6", InvalidValue, "stable only below"),
        ("model.latent=0", InvalidValue, "`model.latent` must be at least 1"),
        ("model.latnet=3", UnknownName, "did you mean 'model.latent'"),
        ("modle.latent=3", UnknownName, "did you mean 'model'"),
        ("training.epochs=many", InvalidValue, "`training.epochs`"),
        ("optimizer.name=adamw", InvalidValue, "`optimizer.name`"),
        ("latent=3", InvalidValue, "must be table.key=value"),
        ("training.beta_kl=nan", InvalidValue, "must be positive"),
        ("data.image_size=20", InvalidValue, "`data.image_size`"),
        ("array.read_noise=0.05", InvalidValue, "`array.read_noise` belongs to an array.*--array DEVICE"),
        ("optimizer.momentum=0.5", InvalidValue, "`optimizer.momentum` is of sgd alone"),
        ("optimizer.weight_decay=nan", InvalidValue, "`optimizer.weight_decay` must be finite"),
    ],
)
def test_mistakes_are_named(override, error, message):
    with pytest.raises(error, match=message):
        config_file.resolve("tdh-vae", [], [override])


@pytest.mark.parametrize("change", ["settling.solver=euler", "nudging.method=centred"])
def test_refinement_is_refused_where_it_would_not_be_made(change):
    with pytest.raises(InvalidValue, match=r"`nudging\.refine_above` is for nudging\.method=linear-response"):
        config_file.resolve("tdh-vae", [], ["nudging.refine_above=3", change])


def test_models_and_files_that_are_not_there(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'tdh-vae'"):
        config_file.resolve("tdh-vea")
    with pytest.raises(MissingFile, match="no config file"):
        config_file.resolve("tdh-vae", [tmp_path / "none.toml"])
    (tmp_path / "bad.toml").write_text("[model\n")
    with pytest.raises(CorruptFile, match="no valid TOML"):
        config_file.resolve("tdh-vae", [tmp_path / "bad.toml"])
    with pytest.raises(InvalidValue, match="predicts its own"):
        config_file.resolve("h-vae", [], ["model.sigma=0.4"])


EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_loads_and_each_of_its_configurations_can_be(path):
    """What `--variants`, `hopbar sweep`, `hopbar study` and `--config` read; a new file is in by itself."""
    tables = set(tomllib.loads(path.read_text()))
    if "row" in tables:
        assert all(row.config([], 0) for row in reproduction.read_rows(path))
    elif "parameters" in tables:
        assert sweep_file.load(path).parameters
    elif tables & {"grid", "curves", "variants"}:
        assert studies.load(path).cells()
    else:
        assert config_file.resolve("tdh-vae", [path]) != table_3("tdh-vae")
