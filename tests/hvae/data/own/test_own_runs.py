"""Images of one's own from file to a verified netlist: runs, scores, pictures, chips; grey and colour."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import hvae
from circuits.commands.netlist import verify
from crossbar.chip import load_chip
from crossbar.errors import CorruptFile, InvalidValue, UnknownName
from hvae.commands import train as commands
from hvae.config import toml_file
from hvae.config.run import DataConfig
from hvae.runs import images
from hvae.scores import features, trained_features

QUICK = [
    "model.hidden=8", "model.latent=2", "training.epochs=1", "training.batch_size=20", "training.validation_samples=8",
    "training.eigenvalue_samples=0", "sampling.prior=gaussian", "sampling.fit_samples=20",
]  # fmt: skip


def given(*changes):
    return [part for change in [*QUICK, *changes] for part in ("--set", change)]


@pytest.fixture
def folder(tmp_path):
    """40 colour pictures of 40 x 30 pixels, in two classes."""
    rng = np.random.default_rng(0)
    for number in range(40):
        place = tmp_path / "pictures" / ("cold" if number % 2 else "warm")
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 60, (30, 40, 3), dtype=np.uint8)
        pixels[:, :, 2 * (number % 2)] += 150
        Image.fromarray(pixels).save(place / f"{number}.png")
    return tmp_path / "pictures"


def call(command, *arguments):
    done = CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.needs_jit
def test_a_folder_of_colour_pictures_becomes_a_verified_netlist(folder, tmp_path):
    run = tmp_path / "run"
    shape = given("data.rows=6", "data.columns=8")
    call(commands.train, "tdh-vae", "--dataset", folder, "--out", run, *shape)
    config = toml_file.load(run / "config.toml")
    assert config.data.shape == (6, 8, 3)
    assert len(config.data.checksum) == 64
    chip = load_chip(run)
    assert chip.image_shape == (6, 8, 3)
    scores = json.loads(call(commands.evaluate, run, "--json").stdout)
    assert scores["features"].startswith("pca")
    assert scores["dataset"] == "own"
    call(commands.sample, run, "--n", 9, "--out", tmp_path / "samples.png")
    call(commands.figures, run)
    call(commands.features_command, run, "--out", tmp_path / "features.h5")
    judged = json.loads(call(commands.evaluate, run, "--features", tmp_path / "features.h5", "--json").stdout)
    assert judged["features"].startswith("mlp128")
    if shutil.which("ngspice"):
        proof = ("--engine", "ngspice", "--keep", tmp_path / "proof")
        assert json.loads(call(verify, run, *proof, "--json").stdout)["passed"]
        assert (tmp_path / "proof" / "images.png").exists()


@pytest.mark.needs_jit
def test_an_f_vae_and_a_python_run_take_them_too(folder, tmp_path):
    tables = {"data": {"name": "own", "file": str(folder), "rows": 8, "columns": 8, "channels": 1}}
    small = {"model": {"hidden": 6, "latent": 2}, "training": {"epochs": 1, "validation_samples": 0}}
    run = hvae.train(hvae.configure("f-vae", tables, small), tmp_path / "run")
    assert run.sample(3).shape == (3, 64)
    assert "8x8-6-2, own" in repr(run)
    assert hvae.load_images(str(folder), size=None).shape == (30, 40, 3)


def test_images_that_have_changed_since_are_told(folder, tmp_path):
    config = toml_file.resolve("f-vae", [], ["data.name=own", f"data.file={folder}", "data.rows=6", "data.columns=8"])
    assert images.load(config.data).shape == (6, 8, 3)
    (folder / "warm" / "0.png").unlink()
    images.sets.own.load.cache_clear()
    with pytest.raises(CorruptFile, match="does not hold the images that the run was made with"):
        images.load(config.data)


def test_scikit_learns_digits_by_name():
    found = images.load(DataConfig(name="digits"))
    assert found.shape == (8, 8, 1)
    assert [len(found.split(name)[0]) for name in ("train", "validation", "test")] == [1437, 180, 180]
    assert found.train_images.min() == -1
    assert found.train_images.max() == 1
    assert features.of(found).name.startswith("pca64-")


def test_features_of_other_images_are_refused(tmp_path):
    digits = images.load(DataConfig(name="digits"))
    few = replace(digits, train_images=digits.train_images[:100], train_labels=digits.train_labels[:100])
    trained_features.train(few).save(tmp_path / "f.h5")
    assert features.named(str(tmp_path / "f.h5"), few).name.startswith("mlp128-")
    with pytest.raises(InvalidValue, match="trained on other images"):
        features.named(str(tmp_path / "f.h5"), digits)
    with pytest.raises(UnknownName, match="Known: classifier, inception, pca"):
        features.named("resnet", digits)
    one = replace(digits, train_labels=np.zeros_like(digits.train_labels))
    with pytest.raises(InvalidValue, match="images of one class"):
        trained_features.train(one)
    (tmp_path / "no.h5").write_bytes(b"no")
    with pytest.raises(CorruptFile):
        features.named(str(tmp_path / "no.h5"), digits)


def test_our_classifier_is_not_shown_other_images(tmp_path):
    with pytest.raises(InvalidValue, match="our classifiers see grey pictures of 28 x 28"):
        features.of(images.load(DataConfig(name="digits")), features.net_of("mnist"))


def test_principal_components_are_what_they_are():
    digits = images.load(DataConfig(name="digits"))
    found = features.principal(digits)
    centred = digits.train_images - digits.train_images.mean(0)
    values = np.sort(np.linalg.eigvalsh(np.cov(centred.T)))[::-1]
    scores = found.extract(digits.train_images)
    np.testing.assert_allclose(scores.var(0, ddof=1)[:20], values[:20], rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "own"}, r"`data\.file` must name your images"), ({"rows": 8}, "are of own images"),
        ({"name": "own", "file": "x", "rows": 3}, r"`data\.rows` must be from 4 to 64"),
        ({"name": "own", "file": "x", "image_size": 14}, r"own images have `data\.rows`"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(change, told):
    with pytest.raises(InvalidValue, match=told):
        DataConfig(**change)


def test_a_dataset_that_is_neither_name_nor_path_is_told(tmp_path):
    done = CliRunner().invoke(commands.train, ["f-vae", "--dataset", "nowhere", "--out", str(tmp_path / "run")])
    assert isinstance(done.exception, UnknownName)
    assert "nowhere" in str(done.exception)
    assert not (tmp_path / "run").exists()
