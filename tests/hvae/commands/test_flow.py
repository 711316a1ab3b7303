"""`hopbar flow`: learned, stopped, resumed, drawn from, scored; and what is refused in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.chip import Chip, load_chip
from crossbar.commands import hopbar
from crossbar.errors import CorruptFile, ExistingFile, HopbarError, InvalidValue, MissingFile, UnknownName
from crossbar.hopfield.network import Network
from hvae.commands.flow import flow
from hvae.config import flow as flow_config
from hvae.runs import flows as flow_runs
from hvae.runs import images
from hvae.runs.flows import FlowFolder
from hvae.streams import stream
from hvae.training import flows
from hvae.training.loop import Ending

SMALL = ["--steps", "6", "--hidden", "5", "--set", "teaching.batch=16", "--set", "teaching.pool=40"]

pytestmark = pytest.mark.needs_jit


def run(*arguments):
    """Return what `hopbar flow` with `arguments` gives; errors of ours as they are raised."""
    done = CliRunner().invoke(flow, [str(one) for one in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow") / "run"
    done = run("learn", "--out", folder, *SMALL, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["finished"] is True
    return folder


def test_a_run_holds_its_configuration_metrics_and_chip(learned):
    config = FlowFolder.open(learned).config()
    assert (config.data.name, config.teaching.steps, config.teaching.hidden) == ("digits", 6, 5)
    lines = [json.loads(line) for line in (learned / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1]
    chip = load_chip(learned)
    assert chip.generates
    assert chip.networks["flow"].blocks == (("pixels", 64), ("time", 8), ("hidden", 5))
    assert chip.image_shape == (8, 8)


@pytest.mark.parametrize(
    "array", [[], ["--array", "epiram"], ["--matching", "equilibrium"]], ids=["floats", "epiram", "no time"]
)
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(array, tmp_path):
    learned = tmp_path / "whole"
    run("learn", "--out", learned, *SMALL, *array)
    config = FlowFolder.open(learned).config()
    data = images.load(config.data)
    folder = FlowFolder.create(tmp_path / "other", config)
    steps = []
    assert flows.train(folder, data, lambda step, _: steps.append(step), lambda: len(steps) == 3) is Ending.STOPPED
    assert folder.records.load().step == 3
    done = run("learn", "--out", folder.path, *SMALL, "--resume", "--json")  # the command that began it
    assert json.loads(done.stdout)["step"] == 6
    for name in ("metrics.jsonl", "checkpoint.h5", "chip.h5"):
        assert (folder.path / name).read_bytes() == (learned / name).read_bytes()
    assert bool(load_chip(learned).conductances) == ("epiram" in array)


def test_a_run_of_before_fields_without_time_goes_on(learned, tmp_path):
    config = FlowFolder.open(learned).config()
    folder = FlowFolder.create(tmp_path / "old", config)
    found = FlowFolder.open(learned).records.load()
    lines = [line for line in found.config.splitlines() if not line.startswith(("matching", "length"))]
    folder.records.save(replace(found, config="\n".join(lines) + "\n"))
    assert folder.resumed(config).step == 6


def test_a_flow_without_time_relaxes_for_as_long_as_its_chip_says(tmp_path):
    path = tmp_path / "run"
    run("learn", "--out", path, *SMALL, "--matching", "equilibrium", "--set", "teaching.length=3")
    chip = load_chip(path)
    assert chip.networks["flow"].blocks == (("pixels", 64), ("hidden", 5))
    assert chip.readout.after == 3
    done = run("draw", path, "--n", 3, "--out", tmp_path / "a.npy", "--json")
    told = json.loads(done.stdout)
    assert (told["steps"], told["settlings"]) == (6, 6)
    flow = flow_runs.load(path / "chip.h5").flow
    np.testing.assert_array_equal(
        np.load(tmp_path / "a.npy"), np.clip(flow.sample(3, stream(0, "sampling"), flow.matching.way()), -1, 1)
    )
    with pytest.raises(InvalidValue, match="`steps` must be at least 3, the time constants"):
        run("draw", path, "--n", 3, "--steps", 2, "--out", tmp_path / "b.npy")
    assert json.loads(run("score", path, "--n", 100, "--json").stdout)["weights"] == flow.devices


def test_a_temperature_adds_noise_that_is_the_same_each_time(learned, tmp_path):
    drawn = []
    for name, temperature in (("cold", 0), ("warm", 0.2), ("again", 0.2)):
        out = tmp_path / f"{name}.npy"
        done = run("draw", learned, "--n", 3, "--steps", 4, "--temperature", temperature, "--out", out, "--json")
        assert json.loads(done.stdout)["settlings"] == 8
        drawn.append(np.load(out))
    assert not np.array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn[1], drawn[2])
    with pytest.raises(InvalidValue, match="`temperature` must not be negative"):
        run("draw", learned, "--n", 3, "--temperature", -1, "--out", tmp_path / "no.npy")


def test_images_are_drawn_as_numbers_and_as_a_picture(learned, tmp_path):
    assert run("draw", learned, "--n", 3, "--steps", 2, "--out", tmp_path / "a.npy").exit_code == 0
    done = run("draw", learned / "chip.h5", "--n", 3, "--steps", 2, "--out", tmp_path / "b.npy", "--json")
    assert json.loads(done.stdout)["count"] == 3
    drawn = np.load(tmp_path / "a.npy")
    assert drawn.shape == (3, 64)
    assert np.abs(drawn).max() <= 1
    np.testing.assert_array_equal(drawn, np.load(tmp_path / "b.npy"))
    run("draw", learned, "--n", 3, "--steps", 2, "--seed", 1, "--out", tmp_path / "c.npy")
    assert not np.array_equal(drawn, np.load(tmp_path / "c.npy"))
    run("draw", learned, "--n", 4, "--steps", 2, "--out", tmp_path / "d.png")
    assert (tmp_path / "d.png").stat().st_size > 1000


def test_scores_stand_beside_those_of_trivial_methods(learned, tmp_path):
    done = run("score", learned, "--n", 1400, "--json", "--out", tmp_path / "scores.json")
    found = json.loads(done.stdout)
    assert found == json.loads((tmp_path / "scores.json").read_text())
    assert found["weights"] == 64 * 8 + 64 * 5 + 8 * 5 + 5 * 4 // 2
    # a flow of six steps has learned nothing; the mixture is nearer than one Gaussian, the images themselves nearest
    assert found["distance"] > found["distance_gaussian"] > found["distance_mixture_10"]
    assert found["distance_mixture_10"] > found["distance_training_images"] > 0
    assert found["distance_pca_32_mixture_10"] > 0
    assert "distance mixture 10: " in run("score", learned, "--n", 200).stdout


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["learn", "--out", "{run}", *SMALL], ExistingFile, "continue it with --resume"),
        (["learn", "--out", "{run}", "--resume", "--steps", "9"], InvalidValue, "teaching.steps is 6, not 9"),
        (["learn", "--out", "{no}", "--resume"], MissingFile, "`hopbar flow learn --out"),
        (["learn", "--out", "{no}", "--set", "teaching.depth=3"], UnknownName, "teaching.depth"),
        (["learn", "--out", "{no}", "--set", "teaching.rate=fast"], InvalidValue, "teaching.rate"),
        (["learn", "--out", "{no}", "--set", "teaching.pool=3"], InvalidValue, "`teaching.pool` must be at least"),
        (["learn", "--out", "{no}", "--dataset", "letters"], UnknownName, "letters"),
        (["learn", "--out", "{no}", "--config", "{no}"], MissingFile, "no config file"),
        (["learn", "--out", "{no}", "--array", "epirum"], UnknownName, "epirum"),
        (["learn", "--out", "{no}", "--array", "epiram", "--set", "array.adc_bits=8"], InvalidValue, "array.adc_bits"),
        (["draw", "{run}", "--out", "{no}.pdf"], InvalidValue, "`--out` must end in"),
        (["draw", "{no}", "--out", "{no}.npy"], MissingFile, "no chip at"),
        (["score", "{no}"], MissingFile, "no chip at"),
    ],
)
def test_what_is_wrong_is_refused_at_the_door(learned, tmp_path, arguments, kind, words):
    places = {"run": str(learned), "no": str(tmp_path / "no")}
    with pytest.raises(kind) as error:
        run(*(one.format(**places) for one in arguments))
    assert words in str(error.value)
    assert isinstance(error.value, HopbarError)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "no").exists()


def test_a_changed_configuration_or_another_runs_checkpoint_is_refused(learned, tmp_path):
    config = FlowFolder.open(learned).config()
    folder = FlowFolder.create(tmp_path / "other", config)
    (folder.path / "checkpoint.h5").write_bytes((learned / "checkpoint.h5").read_bytes())
    text = flow_config.dump(config).replace("steps = 6", "steps = 7")
    (folder.path / "flow.toml").write_text(text)
    with pytest.raises(InvalidValue, match=r"flow.toml was changed since"):
        flows.train(folder)
    (folder.path / "checkpoint.h5").write_bytes(b"nothing")
    with pytest.raises(CorruptFile):
        flows.train(folder)


def test_a_flow_is_no_vae_and_a_vae_no_flow(learned, tmp_path):
    for arguments in (["evaluate", learned], ["evaluate", learned / "chip.h5"], ["sample", learned, "--out", "x.png"]):
        with pytest.raises(InvalidValue, match=r"`hopbar flow"):
            hopbar.hopbar.main([str(one) for one in arguments], standalone_mode=False)
    network = Network((("pixels", 4), ("hidden", 3), ("latent", 1)))
    vae = Chip(model="tdh-vae", networks={"tied": network}, weights={"tied": np.zeros((8, 8))}, image_shape=(2, 2))
    with pytest.raises(InvalidValue, match=r"the chip is a tdh-vae, no flow"):
        flow_runs.load(vae.save(tmp_path / "vae.h5"))


def test_a_programmed_chip_draws_with_what_its_devices_hold(learned, tmp_path):
    program = ["program", learned, "--out", tmp_path / "chip.h5"]
    for device, most in (("ideal", 1e-5), ("epiram", 1.0)):
        hopbar.hopbar.main([str(one) for one in [*program, "--device", device, "--force"]], standalone_mode=False)
        ideal, programmed = flow_runs.load(learned).flow, flow_runs.load(tmp_path / "chip.h5").flow
        apart = np.abs(ideal.field.weights - programmed.field.weights).max()
        assert apart < most * np.abs(ideal.field.weights).max()
        assert (apart > 1e-4) == (device == "epiram")
    two_devices = [*program, "--device", "epiram", "--symmetry", "two-device", "--force"]
    hopbar.hopbar.main([str(one) for one in two_devices], standalone_mode=False)
    with pytest.raises(InvalidValue, match=r"--symmetry shared"):
        flow_runs.load(tmp_path / "chip.h5")
