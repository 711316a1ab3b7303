"""The table `[neurons]`: neurons of a chip that there is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.chip import Chip, load_chip
from crossbar.commands.hopbar import hopbar
from crossbar.errors import CorruptFile, InvalidValue, MissingFile
from crossbar.hopfield.mismatch import Spread
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Linear, Sigmoid
from hvae.config import toml_file
from hvae.config.neurons import NeuronSettings
from hvae.learning import learners
from hvae.runs import images, loading
from hvae.runs.records import RunFolder
from hvae.training import loop, starts

SMALL = ["data.image_size=7", "model.hidden=10", "model.latent=3", "training.epochs=1"]


def resolved(*changes, model="tdh-vae"):
    return toml_file.resolve(model, [], [*SMALL, *changes])


def chip(path: Path, rng, *, laws=(), spread=None, limit=None) -> Path:
    """A chip file of 49 + 10 + 3 neurons."""
    network = Network((("pixels", 49), ("hidden", 10), ("latent", 3)), neurons=laws)
    own = Chip(model="tdh-vae", networks={"tied": network}, weights={"tied": np.zeros((62, 62))}, sigma=0.4,
               image_shape=(7, 7), examples=np.zeros((1, 49)))  # fmt: skip
    own = own if limit is None else own.with_limit(limit)
    return (own if spread is None else own.with_neurons(spread, rng)).save(path)


@pytest.fixture
def unlike(tmp_path, rng):
    return chip(tmp_path / "unlike.h5", rng, spread=Spread(gain=0.1, offset=0.05, leak=0.1, pull=0.2))


def test_a_run_has_the_neurons_of_the_chip(unlike):
    found = learners.make(resolved(f"neurons.chip={unlike}")).vae.networks["tied"].mismatch
    own = load_chip(unlike).networks["tied"].mismatch
    for name in ("gain", "offset", "leak", "pull"):
        np.testing.assert_array_equal(getattr(found, name), getattr(own, name))


def test_supplies_are_the_chips_too(tmp_path, rng):
    laws = (Sigmoid(), Sigmoid(), Linear())
    for spread in (None, Spread(gain=0.1)):
        path = chip(tmp_path / f"{spread}.h5", rng, laws=laws, spread=spread, limit=3.0)
        config = resolved(f"neurons.chip={path}", "model.latent_neuron=linear")
        network = learners.make(config).vae.networks["tied"]
        assert network.laws == load_chip(path).networks["tied"].laws
        assert (network.mismatch is None) == (spread is None)


def test_a_config_keeps_place_and_sum(unlike, tmp_path, rng, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = resolved("neurons.chip=unlike.h5")
    assert config.neurons.chip == str(unlike.resolve())
    assert len(config.neurons.checksum) == 64
    assert toml_file.loads(toml_file.dump(config), "here") == config
    unlike.unlink()
    with pytest.raises(MissingFile, match=r"no chip at .*unlike\.h5"):
        learners.make(config)
    chip(unlike, rng, spread=Spread(gain=0.2))
    with pytest.raises(CorruptFile, match="has other neurons than when the run was made"):
        learners.make(config)


@pytest.mark.needs_jit
def test_a_run_goes_on_where_the_chip_is_gone(unlike, tmp_path, rng):
    """The run folder keeps the neurons, and its chip has them: `kill -9`, another machine, no file: the same bytes."""
    changes = ["data.train_limit=40", "training.batch_size=10", "training.validation_samples=0",
               "training.eigenvalue_samples=0", f"neurons.chip={unlike}"]  # fmt: skip
    whole = RunFolder.create(tmp_path / "whole", resolved(*changes))
    loop.train(whole)
    begun = RunFolder.create(tmp_path / "begun", resolved(*changes))
    steps = []
    stop = loop.Observer(on_step=lambda step, *_: steps.append(step), stop_requested=lambda: len(steps) == 2)
    assert loop.train(begun, observer=stop) is loop.Ending.STOPPED
    other = chip(tmp_path / "other.h5", rng, spread=Spread(gain=0.3))
    refused = CliRunner().invoke(hopbar, ["train", "tdh-vae", "--resume", "--out", str(begun.path), "--set",
                                          f"neurons.chip={other}"])  # fmt: skip
    assert "other neurons than when the run was made" in str(refused.exception) + refused.output
    unlike.unlink()
    loop.train(begun)
    for name, weights in begun.load().parameters.items():
        np.testing.assert_array_equal(weights, whole.load().parameters[name])
    (tmp_path / "whole" / "neurons.h5").unlink()
    with pytest.raises(MissingFile):
        loading.load(tmp_path / "whole")
    alone = loading.load(tmp_path / "whole" / "chip.h5")
    assert alone.learner.vae.networks["tied"].mismatch is not None


def test_weights_of_the_file_may_change(unlike):
    """The sum is of the neurons alone."""
    config = resolved(f"neurons.chip={unlike}")
    weights = np.full((62, 62), 0.5) - 0.5 * np.eye(62)
    replace(load_chip(unlike), weights={"tied": weights}).save(unlike)
    learners.make(config)


def test_chips_that_do_not_fit_are_told(unlike, tmp_path, rng):
    for changes in (["model.hidden=11"], ["model.latent_neuron=linear"], ["model.gain=2"]):
        with pytest.raises(InvalidValue, match=r"has the neurons .*10 hidden .*but this run has tied"):
            learners.make(resolved(f"neurons.chip={unlike}", *changes))
    with pytest.raises(InvalidValue, match=r"all neurons of .* are perfect"):
        learners.make(resolved(f"neurons.chip={chip(tmp_path / 'perfect.h5', rng)}"))
    with pytest.raises(MissingFile):
        resolved("neurons.chip=nowhere.h5")
    with pytest.raises(InvalidValue, match="an f-vae has none"):
        toml_file.resolve("f-vae", [], [f"neurons.chip={unlike}"])


@pytest.mark.parametrize("other", [{"gain": 0.1}, {"pull": 1.0}, {"limit": 3.0}])
def test_a_chip_and_spreads_are_not_given_together(other):
    with pytest.raises(InvalidValue, match=r"`neurons\.chip` says what each neuron has"):
        NeuronSettings(chip="chip.h5", **other)
    with pytest.raises(InvalidValue, match=r"`neurons\.checksum` is of the neurons"):
        NeuronSettings(checksum="0" * 64)


@pytest.mark.needs_jit
def test_learning_on_a_chip_takes_its_errors_up(tmp_path, rng):
    """Weights of perfect neurons miss more on the chip than after learning on it; the run loads with its neurons."""
    unlike = chip(tmp_path / "unlike.h5", rng, spread=Spread(gain=0.2, offset=0.1, leak=0.2, pull=1.0))
    small = ["data.train_limit=200", "training.batch_size=10", "training.validation_samples=0",
             "training.eigenvalue_samples=0", "optimizer.name=muon", "optimizer.learning_rate=0.01", "model.sigma=0.2",
             "training.beta_kl=0.05", "training.epochs=3"]  # fmt: skip
    first = RunFolder.create(tmp_path / "first", resolved(*small))
    loop.train(first)
    config = resolved(*small, f"neurons.chip={unlike}")
    second = RunFolder.create(tmp_path / "second", config)
    starts.begin(second, config, first.path, starts.weights_of(first.path, config))
    start = second.load().parameters
    loop.train(second)
    pixels, trained = images.load(config.data).train_images[:100], loading.load(second.path)

    def missed(weights):
        learner = trained.learner
        return float(np.mean((learner.decode(weights, learner.encode(weights, pixels)[0]) - pixels) ** 2))

    assert missed(trained.parameters) < 0.7 * missed(start)
    np.testing.assert_array_equal(
        load_chip(second.path).networks["tied"].mismatch.gain, load_chip(unlike).networks["tied"].mismatch.gain
    )
