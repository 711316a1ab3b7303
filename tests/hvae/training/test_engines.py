"""A run by torch is the run by numpy, resumes exactly, and says what made it."""

import json

import numpy as np
import pytest

from crossbar.errors import CorruptFile, InvalidValue, UnknownName
from hvae.config import toml_file
from hvae.runs.records import RunFolder
from hvae.training import engines, loop
from hvae.training.engines import Choice, MissingTorch
from hvae.training.loop import Ending, Observer

pytestmark = pytest.mark.needs_jit  # many steps: minutes without the compiler

SMALL = [
    "data.image_size=7", "data.train_limit=96", "training.batch_size=16", "training.epochs=2", "model.hidden=12",
    "model.latent=3", "training.validation_samples=40", "training.eigenvalue_samples=1", "optimizer.learning_rate=0.01",
]  # fmt: skip
SWEEP = """
[sweep]
model = "tdh-vae"
trials = 1
[base.data]
image_size = 7
train_limit = 96
[base.model]
hidden = 12
latent = 3
[base.training]
epochs = 1
batch_size = 16
validation_samples = 40
[parameters."training.beta_kl"]
low = 0.5
high = 1.0
"""
KEPT = ("metrics.jsonl", "checkpoint.h5", "chip.h5", "config.toml")


@pytest.fixture
def torch_engine():
    pytest.importorskip("torch", reason="the torch engine needs torch: pip install hopbar[torch]")
    return Choice("torch", "cpu")


def new_run(path, model="tdh-vae", *changes):
    return RunFolder.create(path, toml_file.resolve(model, [], [*SMALL, *changes]))


@pytest.mark.parametrize("model", ["h-vae", "dh-vae", "tdh-vae"])
def test_a_run_by_torch_is_the_run_by_numpy(tmp_path, torch_engine, model):
    """At tight tolerances in float64: the same metrics, validation included, and the same weights."""
    exact = ["training.precision=float64", "settling.tolerance=1e-10", "nudging.tolerance=1e-10",
             "settling.max_sweeps=800", "nudging.max_sweeps=300"]  # fmt: skip
    runs = [new_run(tmp_path / name, model, *exact) for name in ("numpy", "torch")]
    loop.train(runs[0])
    loop.train(runs[1], engine=torch_engine)
    for wanted, found in zip(*(run.metrics() for run in runs), strict=True):
        assert set(found) == set(wanted)
        for name, value in wanted.items():
            if "sweeps" not in name:
                assert found[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
    first, second = (run.load().parameters for run in runs)
    for name, array in first.items():
        np.testing.assert_allclose(second[name], array, rtol=0, atol=1e-7)
    assert (runs[0].path / "config.toml").read_bytes() == (runs[1].path / "config.toml").read_bytes()
    assert not (runs[0].path / "engine.json").exists()
    assert json.loads((runs[1].path / "engine.json").read_text())["engine"] == "torch"


@pytest.mark.parametrize("changes", [[], ["optimizer.name=sgd", "optimizer.momentum=0.5"]])
def test_a_run_stopped_and_resumed_has_the_bytes_of_one_that_was_not(tmp_path, torch_engine, changes):
    """Resumed without being told again which engine it was."""
    whole, parts = (new_run(tmp_path / name, "tdh-vae", *changes) for name in ("whole", "parts"))
    loop.train(whole, engine=torch_engine)
    chosen, calls = torch_engine, 0
    while True:
        steps = iter(range(5))
        observer = Observer(stop_requested=lambda steps=steps: next(steps, None) is None)
        ended = loop.train(RunFolder.open(parts.path), observer=observer, engine=chosen)
        chosen, calls = None, calls + 1
        if ended is Ending.FINISHED:
            break
    assert calls > 1
    for name in KEPT:
        assert (whole.path / name).read_bytes() == (parts.path / name).read_bytes(), name


def test_a_run_may_go_on_with_another_engine_and_says_so(tmp_path, torch_engine):
    run = new_run(tmp_path / "run")
    steps = iter(range(3))
    loop.train(run, observer=Observer(stop_requested=lambda: next(steps, None) is None), engine=torch_engine)
    assert engines.recorded(run) == torch_engine
    assert loop.train(run, engine=Choice()) is Ending.FINISHED
    assert engines.recorded(run) == Choice()


def test_what_the_engine_does_not_have_is_refused_before_a_folder_is_made(tmp_path, torch_engine):
    from click.testing import CliRunner

    from hvae.commands.train import train

    options = ["f-vae", "--out", str(tmp_path / "run"), "--engine", torch_engine.name]
    done = CliRunner().invoke(train, options)
    assert "does not have model.name=f-vae" in str(done.exception)
    assert not (tmp_path / "run").exists()


def test_the_command_takes_engine_and_device(tmp_path, torch_engine):
    from click.testing import CliRunner

    from hvae.commands.train import train

    sets = [part for change in SMALL for part in ("--set", change)]
    options = ["tdh-vae", "--out", str(tmp_path / "run"), "--epochs", "1", *sets]
    chosen = ["--engine", torch_engine.name, "--device", torch_engine.device]
    done = CliRunner().invoke(train, [*options, *chosen, "--json"])
    assert done.exit_code == 0, done.output
    assert engines.recorded(RunFolder.open(tmp_path / "run")) == torch_engine


def test_engines_that_are_not_there_are_refused(monkeypatch, tmp_path):
    with pytest.raises(UnknownName, match="numpy, torch"):
        Choice("jax")
    with pytest.raises(InvalidValue, match="--engine torch"):
        Choice("numpy", "cuda")
    run = new_run(tmp_path / "run")
    run.describe("engine", {"engine": 3})
    with pytest.raises(CorruptFile, match=r"engine\.json"):
        engines.recorded(run)
    monkeypatch.setattr(engines, "find_spec", lambda _: None)
    with pytest.raises(MissingTorch, match=r"hopbar\[torch\]"):
        Choice("torch")


def test_a_device_that_is_not_there_is_refused(torch_engine):
    with pytest.raises(InvalidValue, match="`device`"):
        Choice(torch_engine.name, "cuda:99").check(toml_file.resolve("tdh-vae", [], SMALL))


def test_reproductions_and_sweeps_take_the_engine_where_it_has_the_run(tmp_path, torch_engine):
    """An f-vae, which torch does not have, is made by numpy."""
    from hvae.reproduction import rows, watching
    from hvae.sweeps import space
    from hvae.sweeps import watching as sweep_watching

    quick = [*SMALL, "training.epochs=1", "training.validation_samples=0", "training.eigenvalue_samples=0"]
    planned = rows.plan(rows.rows_of_paper(["f-vae", "tdh-vae"]), tmp_path / "table", 1, quick)
    assert not watching.train(planned, torch_engine).diverged
    made = {RunFolder.open(path).config().model.name: engines.recorded(RunFolder.open(path)) for path in planned.runs}
    assert made == {"f-vae": Choice(), "tdh-vae": torch_engine}

    path = tmp_path / "tiny.toml"
    path.write_text(SWEEP)
    sweep_watching.watch(space.load(path), tmp_path / "sweep", engine=torch_engine)
    assert engines.recorded(RunFolder.open(tmp_path / "sweep" / "trials" / "0000")) == torch_engine
