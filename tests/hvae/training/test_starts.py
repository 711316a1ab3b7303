"""Runs that begin at the weights of another, and chips whose neurons are not alike."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.chip import load_chip
from crossbar.commands.hopbar import hopbar
from crossbar.devices.line_gains import gains_of
from crossbar.errors import InvalidValue
from crossbar.hopfield.mismatch import Spread
from crossbar.hopfield.neurons import Saturating
from hvae.config import toml_file
from hvae.onchip.chip import for_array
from hvae.runs import loading
from hvae.runs.records import RunFolder
from hvae.training import loop, starts

SMALL = [
    "data.image_size=7", "data.train_limit=64", "model.hidden=10", "model.latent=3", "training.batch_size=16",
    "training.epochs=1", "training.validation_samples=40", "training.eigenvalue_samples=0",
]  # fmt: skip


def trained(path, *changes):
    folder = RunFolder.create(path, toml_file.resolve("tdh-vae", [], [*SMALL, *changes]))
    loop.train(folder)
    return folder


def weights(path):
    return loading.load(path).parameters["tied"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "first").path


def test_a_run_begins_at_the_weights_of_another(run, tmp_path):
    config = toml_file.resolve("tdh-vae", [], [*SMALL, "optimizer.learning_rate=1e-12"])
    folder = RunFolder.create(tmp_path / "second", config)
    starts.begin(folder, config, run, starts.weights_of(run, config))
    loop.train(folder)
    np.testing.assert_allclose(weights(folder.path), weights(run), atol=1e-7)
    assert json.loads((folder.path / "start.json").read_text())["from"] == str(run)


@pytest.mark.needs_jit
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "muon"])
def test_a_start_is_kept_over_a_resume(run, tmp_path, optimizer):
    config = toml_file.resolve(
        "tdh-vae", [], [*SMALL, "training.epochs=2", f"optimizer.name={optimizer}", "optimizer.learning_rate=0.01"]
    )
    if optimizer == "sgd":
        config = toml_file.changed(config, ["optimizer.momentum=0.9"])
    folders = []
    for name in ("whole", "stopped"):
        folders.append(RunFolder.create(tmp_path / name, config))
        starts.begin(folders[-1], config, run, starts.weights_of(run, config))
    loop.train(folders[0])
    steps = []
    stop = loop.Observer(on_step=lambda step, *_: steps.append(step), stop_requested=lambda: len(steps) == 3)
    assert loop.train(folders[1], observer=stop) is loop.Ending.STOPPED
    loop.train(folders[1])
    np.testing.assert_array_equal(weights(folders[0].path), weights(folders[1].path))


def test_what_does_not_fit_is_refused_before_there_is_a_folder(run, tmp_path):
    with pytest.raises(InvalidValue, match="sizes of that run"):
        starts.weights_of(run, toml_file.resolve("tdh-vae", [], [*SMALL, "model.hidden=11"]))


ON_EPIRAM = ["array.device=epiram", "array.weight_limit=4.0", "optimizer.name=sgd", "optimizer.learning_rate=1e-9"]


@pytest.mark.needs_jit
def test_devices_are_written_by_pulses_and_learn_from_there(run, tmp_path):
    config = toml_file.resolve("tdh-vae", [], [*SMALL, *ON_EPIRAM, "array.rule=mixed-precision"])
    folder = RunFolder.create(tmp_path / "chip", config)
    report = starts.begin(folder, config, run, starts.weights_of(run, config))["tied"]
    written, target = weights(folder.path), weights(run)
    assert np.linalg.norm(written - target) / np.linalg.norm(target) == pytest.approx(report.weight_error, rel=0.02)
    assert 0 < report.weight_error < 0.3
    assert report.out_of_range == 0
    assert json.loads((folder.path / "start.json").read_text())["programming"]["tied"]["pulses_up"] > 0
    loop.train(folder)  # at a rate that moves no device
    np.testing.assert_array_equal(weights(folder.path), written)


@pytest.mark.needs_jit
def test_a_chip_that_was_written_learns_the_same_after_a_resume(run, tmp_path):
    changes = ["array.rule=mixed-precision", "optimizer.name=muon", "optimizer.momentum=0.9", "training.epochs=2"]
    config = toml_file.resolve("tdh-vae", [], [*SMALL, *ON_EPIRAM, *changes, "optimizer.learning_rate=0.01"])
    folders = []
    for name in ("whole", "stopped"):
        folders.append(RunFolder.create(tmp_path / name, config))
        starts.begin(folders[-1], config, run, starts.weights_of(run, config))
    loop.train(folders[0])
    steps = []
    stop = loop.Observer(on_step=lambda step, *_: steps.append(step), stop_requested=lambda: len(steps) == 3)
    assert loop.train(folders[1], observer=stop) is loop.Ending.STOPPED
    loop.train(folders[1])
    np.testing.assert_array_equal(weights(folders[0].path), weights(folders[1].path))
    assert not np.allclose(weights(folders[0].path), weights(run), atol=0.02)


def test_weights_beyond_the_range_are_told_with_the_remedy(run, tmp_path):
    config = toml_file.resolve("tdh-vae", [], [*SMALL, *ON_EPIRAM, "array.weight_limit=0.1"])
    reports = starts.begin(RunFolder.create(tmp_path / "small", config), config, run, starts.weights_of(run, config))
    assert "beyond 0.1 (raise `array.weight_limit`)" in starts.told(reports)


def test_a_run_on_imperfect_neurons_remembers_its_chip(run, tmp_path):
    folder = trained(tmp_path / "chip", "neurons.gain=0.1", "neurons.offset=0.05", "neurons.seed=4")
    again = loading.load(folder.path)
    chip = load_chip(folder.path)
    drawn = again.learner.vae.networks["tied"].mismatch
    np.testing.assert_array_equal(chip.networks["tied"].mismatch.gain, drawn.gain)
    assert np.log(drawn.gain).std() > 0.05
    assert not np.array_equal(weights(folder.path), weights(run))
    images = chip.examples[:3]
    means = [one.learner.encode(one.parameters, images)[0] for one in (again, loading.from_chip(chip))]
    np.testing.assert_allclose(means[0], means[1], atol=2e-2)


@pytest.mark.needs_jit
@pytest.mark.parametrize("device", ["ideal", "epiram"])
def test_training_on_arrays_has_the_neurons_too(tmp_path, device):
    """With all reads exact, the first step on the array is the first step of float weights on the same neurons."""
    found = {}
    for name, errors in (("alike", []), ("bent", ["neurons.gain=0.2", "neurons.offset=0.2"])):
        for array in ([], [f"array.device={device}", "optimizer.name=sgd"]):
            folder = RunFolder.create(
                tmp_path / f"{name}-{len(array)}", toml_file.resolve("tdh-vae", [], [*SMALL, *errors, *array])
            )
            seen = []
            loop.train(folder, observer=loop.Observer(on_step=lambda step, total, metrics: seen.append(metrics["kl"])))  # noqa: B023
            found[name, len(array)] = seen[0]
    assert found["bent", 2] != pytest.approx(found["alike", 2], rel=1e-3)
    if device == "ideal":
        assert found["bent", 2] == pytest.approx(found["bent", 0], rel=1e-2)


def test_a_chip_of_imperfect_neurons_computes_with_them(run, tmp_path):
    perfect = load_chip(run)
    bent = perfect.with_neurons(Spread(gain=0.2, offset=0.1, leak=0.2), np.random.default_rng(0))
    same = replace(bent, networks={"tied": replace(bent.networks["tied"], mismatch=None)})
    images = perfect.examples[:4].astype(np.float32)
    found = [loading.from_chip(one) for one in (perfect, bent, same)]
    outputs = [one.learner.encode(one.parameters, images)[0] for one in found]
    assert np.abs(outputs[1] - outputs[0]).max() > 1e-2
    np.testing.assert_array_equal(outputs[2], outputs[0])


def test_latents_with_a_supply_end_there_in_chips_and_in_training(tmp_path):
    run = trained(tmp_path / "run", "model.latent_neuron=linear").path
    images = load_chip(run).examples[:8].astype(np.float32)

    def means(path):
        one = loading.from_chip(load_chip(path))
        return one.learner.encode(one.parameters, images)[0]

    furthest = float(np.abs(means(run)).max())
    limit = furthest / 3
    chip = tmp_path / "held.h5"
    words = ["program", str(run), "--device", "ideal", "--out", str(chip), "--neuron-limit"]
    done = CliRunner().invoke(hopbar, [*words, str(limit)])
    assert done.exit_code == 0, done.output
    assert limit < np.abs(means(chip)).max() < 1.2 * limit
    folder = trained(tmp_path / "tuned", "model.latent_neuron=linear", f"neurons.limit={limit}")
    assert load_chip(folder.path).networks["tied"].law("latent") == Saturating(limit)
    again = loading.load(folder.path)
    np.testing.assert_allclose(again.learner.encode(again.parameters, images)[0], means(folder.path), atol=2e-2)
    done = CliRunner().invoke(hopbar, [*words, "0", "--force"])
    assert "`limit` must be positive" in str(done.exception)


def test_the_commands_make_and_use_such_chips(run, tmp_path):
    chip = tmp_path / "bent.h5"
    done = CliRunner().invoke(
        hopbar, ["program", str(run), "--device", "ideal", "--neuron-gain", "0.05", "--out", str(chip)]
    )
    assert done.exit_code == 0, done.output
    assert load_chip(chip).networks["tied"].mismatch is not None
    settings = [part for change in SMALL for part in ("--set", change)]
    done = CliRunner().invoke(
        hopbar, ["train", "tdh-vae", "--start", str(chip), "--out", str(tmp_path / "tuned"), *settings]
    )
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(hopbar, ["netlist", str(chip), "--out", str(tmp_path / "n"), "--role", "encode"])
    assert done.exit_code == 0, done.output
    file = tmp_path / "n" / "encode.cir"
    assert " leak=" in file.read_text()
    for checked, code in ((chip, 0), (run, 1)):  # the run's neurons are perfect
        done = CliRunner().invoke(hopbar, ["netlist", str(checked), "--check", str(file)])
        assert done.exit_code == code, done.output


@pytest.mark.needs_jit
def test_lines_have_the_gains_of_the_weights_that_are_written(run, tmp_path):
    changes = ["array.device=epiram", "array.line_gains=largest", "optimizer.name=sgd"]
    config = for_array(toml_file.resolve("tdh-vae", [], [*SMALL, *changes]))
    missed = {}
    for kind in ("largest", "equal"):
        folder = RunFolder.create(tmp_path / kind, toml_file.changed(config, [f"array.line_gains={kind}"]))
        reports = starts.begin(folder, folder.config(), run, starts.weights_of(run, config))
        missed[kind] = reports["tied"].weight_error
    assert missed["largest"] < 0.8 * missed["equal"]
    chip = loading.load(tmp_path / "largest").learner
    gains = chip.arrays["tied"].gains
    np.testing.assert_allclose(gains, gains_of("largest")(weights(run)))
    held = chip.conductances()["tied"]
    np.testing.assert_allclose(held.weights(), chip.weights()["tied"], atol=1e-6)
