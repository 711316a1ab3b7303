"""Configuration: Table 3 by default, files and overrides on top, and one clear message for every mistake."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName
from hvae.config import toml_file
from hvae.config.run import DataConfig, table_3
from hvae.learning import learners
from hvae.models import memory
from hvae.reproduction import rows
from hvae.studies import grid
from hvae.sweeps import space


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
    path.write_text(toml_file.dump(table_3(model)))
    assert toml_file.load(path) == table_3(model)


@pytest.mark.parametrize(
    "folder", ["two\nlines", 'tab\t, "quote" and \\', "bell\x07 and delete\x7f", "Bücher \U0001f4da"]
)
def test_any_name_of_a_folder_is_written_so_that_it_is_read_again(tmp_path, folder):
    path = tmp_path / "config.toml"
    config = replace(table_3("tdh-vae"), data=DataConfig(name="mnist", folder=folder))
    path.write_text(toml_file.dump(config), encoding="utf-8")
    assert toml_file.load(path) == config


def test_overrides_come_last(tmp_path):
    path = tmp_path / "changes.toml"
    path.write_text("[training]\nepochs = 3\nseed = 4\n")
    config = toml_file.resolve("tdh-vae", [path], ["training.epochs=7", "data.name=mnist", "data.folder=a=b"])
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
        ("optimizer.momentum=0.5", InvalidValue, "`optimizer.momentum` is of sgd and muon"),
        ("optimizer.weight_decay=nan", InvalidValue, "`optimizer.weight_decay` must be finite"),
        ("training.epochs=true", InvalidValue, "`training.epochs`.*valid integer, but got True"),
        ("model.hidden=true", InvalidValue, "`model.hidden`"),
        ("model.gain=true", InvalidValue, "`model.gain`"),
        ('model.hidden="12"', InvalidValue, "`model.hidden`"),
        ("training.epochs=3.5", InvalidValue, "`training.epochs`"),
        ("data.name=2024-01-01", InvalidValue, "`data.name`"),
        ("model.latent=3\nevil=4", InvalidValue, "one table.key=value at a time"),
        ("model.latent=3\n[training]\nepochs=9", InvalidValue, "one table.key=value at a time"),
        ("data.folder=/nowhere", InvalidValue, "`data.folder`.*mnist-5k is embedded"),
        ("data.name=kmnist", UnknownName, "unknown data set 'kmnist'"),
        ('data.name=""', UnknownName, "unknown data set ''"),
        ("nudging.tolerance=1.5", InvalidValue, r"`nudging.tolerance` must lie in \(0, 1\)"),
        ("settling.tolerance=1e10", InvalidValue, r"`settling.tolerance` must lie in \(0, 1\)"),
        ("model.sigma=1e-30", InvalidValue, "`model.sigma` must be from 0.0001 to 100"),
        ("model.gain=1e-30", InvalidValue, "`model.gain` must be from 0.01 to 1000"),
        ("training.seed=-1", InvalidValue, "`training.seed`"),
    ],
)
def test_mistakes_are_named(override, error, message):
    with pytest.raises(error, match=message):
        toml_file.resolve("tdh-vae", [], [override])


@pytest.mark.parametrize(
    ("change", "message"),
    [("optimizer.latent_rate=0.1", "`optimizer.latent_rate` scales"), ("model.density=0.5", "muon moves all weights")],
)
def test_muon_refuses_what_it_would_not_obey(change, message):
    with pytest.raises(InvalidValue, match=message):
        toml_file.resolve("tdh-vae", [], ["optimizer.name=muon", change])


@pytest.mark.parametrize("change", ["settling.solver=euler", "nudging.method=centred"])
def test_refinement_is_refused_where_it_would_not_be_made(change):
    with pytest.raises(InvalidValue, match=r"`nudging\.refine_above` is for nudging\.method=linear-response"):
        toml_file.resolve("tdh-vae", [], ["nudging.refine_above=3", change])


def test_models_and_files_that_are_not_there(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'tdh-vae'"):
        toml_file.resolve("tdh-vea")
    with pytest.raises(MissingFile, match="no config file"):
        toml_file.resolve("tdh-vae", [tmp_path / "none.toml"])
    (tmp_path / "bad.toml").write_text("[model\n")
    with pytest.raises(CorruptFile, match="no valid TOML"):
        toml_file.resolve("tdh-vae", [tmp_path / "bad.toml"])
    with pytest.raises(InvalidValue, match="predicts its own"):
        toml_file.resolve("h-vae", [], ["model.sigma=0.4"])


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("read_noise=1e6", "fraction of g_max"), ("read_noise_relative=nan", "fraction of its own conductance"),
        ("variation=5", "no device is left"), ("variation=1e9", "no device is left"), ("threshold=inf", "finite"),
        ("wire_resistance=1e12", "ohm a segment"), ("wire_resistance=-1", "ohm a segment"), ("output_noise=inf", ""),
        ("engine=warp", "literal"), ("programming_error=3", "fraction of g_max"), ("stuck_low=1.5", "fraction"),
        ("stuck_high=-0.1", "fraction"), ("on_off=inf", "finite"), ("levels=1", "at least 2"), ("dac_bits=0", "bits"),
        ("adc_bits=500", "bits"), ("tile_size=0", "at least 1"), ("drift_nu=1e9", "exponent"), ("dw_min=0", "positive"),
        ("dw_min_std=-1", "negative"), ("wire_error=2", "relative"), ("age_seconds=inf", ""), ("weight_limit=1e30", ""),
    ],
)  # fmt: skip
def test_devices_that_cannot_be_are_refused_with_the_reason(setting, reason):
    with pytest.raises(InvalidValue, match=rf"`array\.{setting.partition('=')[0]}`.*{reason}"):
        toml_file.resolve("tdh-vae", [], ["array.device=ideal", f"array.{setting}"])


@pytest.mark.parametrize(("model", "hidden"), [("tdh-vae", 10**6), ("dh-vae", 10**6), ("f-vae", 10**10)])
def test_a_model_that_no_memory_holds_is_refused_with_the_estimate(model, hidden):
    config = toml_file.resolve(model, [], [f"model.hidden={hidden}"])
    with pytest.raises(InvalidValue, match=r"needs about .* GiB of memory.*smaller `model.hidden`"):
        memory.check(config)
    memory.check(table_3(model))


@pytest.mark.parametrize("model", ["f-vae", "h-vae", "dh-vae", "tdh-vae"])
def test_the_estimate_counts_the_weights_that_are_stored(model):
    config = toml_file.resolve(model, [], ["model.hidden=9", "model.latent=3", "data.image_size=7"])
    stored = learners.make(config).init(np.random.default_rng(0), np.float32)
    assert memory.n_weights(config) == sum(weights.size for weights in stored.values())


EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_loads_and_each_of_its_configurations_can_be(path):
    """What `--variants`, `hopbar sweep`, `hopbar study` and `--config` read; a new file is in by itself."""
    tables = set(tomllib.loads(path.read_text()))
    if "row" in tables:
        assert all(row.config([], 0) for row in rows.read_rows(path))
    elif "parameters" in tables:
        assert space.load(path).parameters
    elif tables & {"grid", "curves", "variants"}:
        assert grid.load(path).cells()
    else:
        assert toml_file.resolve("tdh-vae", [path]) != table_3("tdh-vae")
