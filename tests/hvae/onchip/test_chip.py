"""Training on arrays: equal to floats when ideal, repeatable, resumable, and honest about how phases were run."""

import json

import numpy as np
import pytest

from crossbar.chip import load_chip
from crossbar.errors import InvalidValue
from crossbar.hopfield.settling import Euler
from hvae.config import toml_file
from hvae.onchip.chip import OnChip, for_array, make_onchip
from hvae.onchip.costs import costs, phase_power
from hvae.onchip.settling import ChipSteps
from hvae.runs import images, loading
from hvae.runs.records import RunFolder
from hvae.training import loop
from hvae.training.loop import Ending, Observer

pytestmark = pytest.mark.needs_jit

SMALL = [
    "data.image_size=7", "data.train_limit=64", "training.batch_size=16", "training.epochs=2", "model.hidden=8",
    "model.latent=3", "training.validation_samples=10", "training.eigenvalue_samples=0", "optimizer.name=sgd",
    "optimizer.learning_rate=0.05",
]  # fmt: skip
EXACT = ["training.precision=float64", "settling.tolerance=1e-6", "nudging.tolerance=1e-6"]
NOISY = ["array.device=epiram", "array.read_noise=0.001", "array.noisy_steps=3"]


def new_run(path, *changes, model="tdh-vae"):
    return RunFolder.create(path, for_array(toml_file.resolve(model, [], [*SMALL, *changes])))


def trained_weights(path, *changes, model="tdh-vae"):
    folder = new_run(path, *changes, model=model)
    assert loop.train(folder) is Ending.FINISHED
    return folder.load().parameters


@pytest.mark.parametrize("model", ["h-vae", "dh-vae", "tdh-vae"])
def test_without_nonidealities_it_is_float_sgd_to_rounding(tmp_path, model):
    ideal = trained_weights(tmp_path / "ideal", *EXACT, model=model)
    on_chip = trained_weights(tmp_path / "chip", *EXACT, "array.device=ideal", model=model)
    for name, weights in ideal.items():
        np.testing.assert_allclose(on_chip[name], weights, rtol=0, atol=1e-13)


@pytest.mark.parametrize("rule", ["pulsed-sgd", "mixed-precision"])
def test_gains_of_lines_leave_learning_on_ideal_devices_as_it_is(tmp_path, rule):
    ideal = trained_weights(tmp_path / "ideal", *EXACT)
    own = ["array.device=ideal", f"array.rule={rule}", "array.line_gains=mean-square"]
    chip = trained_weights(tmp_path / "chip", *EXACT, *own)
    step = 1.5 * 2.0**-20 if rule == "mixed-precision" else 0.0  # what is left to send, of floats in steps
    for name, weights in ideal.items():
        np.testing.assert_allclose(chip[name], weights, rtol=0, atol=1e-12 + 10 * step)


def test_a_chip_learns_behind_transistors(tmp_path):
    own = ["array.device=epiram", "array.rule=mixed-precision", "optimizer.learning_rate=0.5", "training.epochs=10"]
    bare = new_run(tmp_path / "bare", *own)
    behind = new_run(tmp_path / "behind", *own, "array.access_resistance=1e5")
    held, rows = [], []
    for folder in (bare, behind):
        loop.train(folder)
        held.append(load_chip(folder.path).conductances["tied"])
        rows.append([row["sse_half"] for row in folder.metrics() if "step" in row])
    assert held[1].plus.max() < 0.5 * held[0].plus.max()  # 12.3 uS behind 0.1 megohm is 5.5 uS
    assert rows[1][-1] < rows[1][0]
    assert rows[1][-1] == pytest.approx(rows[0][-1], rel=0.2)


def test_transistors_stand_before_devices_only():
    with pytest.raises(InvalidValue, match="`access` stands before devices that take pulses"):
        for_array(toml_file.resolve("tdh-vae", [], [*SMALL, "array.device=ideal", "array.access_resistance=1e4"]))


def test_finite_nudges_on_the_chip_are_those_of_floats(tmp_path):
    changes = [*EXACT, "nudging.method=centred", "settling.max_sweeps=2000", "nudging.max_sweeps=500"]
    ideal = trained_weights(tmp_path / "ideal", *changes)
    moving = trained_weights(tmp_path / "chip", *changes, "array.device=ideal", "array.noisy_phases=stepped")
    np.testing.assert_allclose(moving["tied"], ideal["tied"], atol=2e-5)


@pytest.mark.parametrize("changes", [NOISY, ["array.device=ecram", "array.rule=tiki-taka", "array.transfer_every=2"],
                                     ["array.device=ecram", "array.rule=mixed-precision"],
                                     ["array.device=ecram", "array.rule=mixed-precision",
                                      "array.line_gains=largest"],
                                     ["array.device=epiram", "array.rule=mixed-precision",
                                      "array.access_resistance=1e5"]])  # fmt: skip
def test_a_chip_stopped_and_resumed_has_the_bytes_of_one_that_was_not(tmp_path, changes):
    whole, parts = (new_run(tmp_path / name, *changes) for name in ("whole", "parts"))
    loop.train(whole)
    calls = 0
    while True:
        steps = iter(range(3))
        observer = Observer(stop_requested=lambda steps=steps: next(steps, None) is None)
        calls += 1
        if loop.train(RunFolder.open(parts.path), observer=observer) is Ending.FINISHED:
            break
    assert calls > 1
    for name in ("metrics.jsonl", "checkpoint.h5"):
        assert (whole.path / name).read_bytes() == (parts.path / name).read_bytes(), name


def test_the_run_folder_tells_how_phases_were_run_and_what_was_spent(tmp_path):
    folder = new_run(tmp_path / "run", *NOISY, "training.batch_size=4", "training.epochs=1")
    loop.train(folder)
    facts = json.loads((folder.path / "onchip.json").read_text())
    assert facts["way"] == "warm"
    assert facts["nudging"] == "centred"
    assert facts["beta"] == 0.05
    last = [record for record in folder.metrics() if "reads" in record][-1]
    assert last["reads"] > 0
    assert last["pulses_up"] + last["pulses_down"] > 0
    assert last["write_energy"] > 0


def test_the_fast_array_of_tiki_taka_is_counted_too(tmp_path):
    """Zero-shifting alone gives each of its devices 400 pairs of pulses, before the first batch."""
    folder = new_run(tmp_path / "run", "array.device=epiram", "array.rule=tiki-taka")
    loop.train(folder)
    facts = json.loads((folder.path / "onchip.json").read_text())
    devices = (49 + 8 + 3) * (49 + 8 + 3 - 1)  # two a pair of neurons
    assert facts["devices"] == {"tied": devices, "tied/fast": devices}
    first = next(record for record in folder.metrics() if "pulses_up" in record)
    shift = 400 * devices
    assert (first["pulses_up"], first["pulses_down"]) == (shift, shift)
    assert first["write_energy"] > 0
    trained = loading.load(folder.path).learner
    found, fast = trained.costs(), trained.seconds["tied/fast"].counters
    assert found["pulses_up"] == fast.pulses_up + trained.arrays["tied"].counters.pulses_up > shift
    assert found["write_energy"] > fast.write_energy > first["write_energy"]


def test_the_exported_chip_holds_the_devices(tmp_path):
    folder = new_run(tmp_path / "run", "array.device=epiram")
    loop.train(folder)
    chip = load_chip(folder.path)
    assert chip.conductances["tied"].device == "epiram"
    np.testing.assert_allclose(chip.effective_weights("tied"), folder.load().parameters["tied"], atol=1e-5)


def test_a_run_is_scored_on_its_own_devices(tmp_path):
    folder = new_run(tmp_path / "run", "array.device=epiram")
    loop.train(folder)
    trained = loading.load(folder.path)
    assert isinstance(trained.learner, OnChip)
    np.testing.assert_array_equal(trained.learner.weights()["tied"], trained.parameters["tied"])
    before = trained.learner.costs()
    trained.learner.decode(trained.parameters, np.zeros((2, 3), np.float32))
    assert trained.learner.costs() == before  # scoring is not training


@pytest.mark.parametrize(
    ("changes", "way"),
    [
        ([], "energy"),
        (["array.read_noise=0.01"], "warm"),
        (["array.read_noise=0.01", "array.noisy_phases=stepped"], "stepped"),
        (["array.read_noise=0.01", "array.spectrum=batch"], "energy"),
        (["array.read_noise=0.01", "array.spectrum=phase"], "phases"),
        (["array.read_noise=0.01", "array.spectrum=lorentzian", "array.correlation_reads=5"], "stepped"),
        (["array.symmetry=two-device"], "stepped"),
        (["array.adc_bits=8"], "warm"),
    ],
)
def test_the_way_follows_from_what_the_array_is(changes, way):
    config = toml_file.resolve("tdh-vae", [], [*SMALL, "array.device=ideal", *changes])
    chip = make_onchip(config)
    assert chip.way_name == way
    assert ("read_energy" in chip.costs()) == (way == "stepped")
    pictures = images.load(config.data).train_images[:4]
    metrics, signals = chip.gradients({}, pictures, np.zeros((4, 3), np.float32))
    assert np.isfinite(list(metrics.values())).all()
    assert signals["response/tied"].shape == (8, 49 + 8 + 3)


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        ("f-vae", ["array.device=epiram"], "f-vae"),
        ("tdh-vae", ["array.device=epiram", "array.rule=float"], "ideal"),
        ("tdh-vae", ["array.device=epiram", "array.dw_min_std=0.1", "array.on_off=0.5"], "on_off"),
        ("tdh-vae", ["array.device=ideal", "array.up_down=0.1"], "up_down"),
        ("tdh-vae", ["array.device=epiram", "optimizer.learning_rate=0.03"], "0.03 would be Adam's.*name=sgd"),
        ("tdh-vae", ["array.device=epiram", "optimizer.name=muon"], "`optimizer.name` must be sgd on an array"),
        ("tdh-vae", ["array.device=epiram", "array.rule=sign", "optimizer.name=sgd", "optimizer.momentum=0.9"], "sign"),
        ("tdh-vae", ["array.device=epiram", "optimizer.name=sgd", "optimizer.weight_decay=0.1"], "weight_decay"),
    ],
)
def test_chips_that_cannot_be_are_refused_before_a_folder_is_made(model, changes, message):
    with pytest.raises(InvalidValue, match=message):
        for_array(toml_file.resolve(model, [], [*changes]))


@pytest.mark.parametrize(
    ("changes", "name", "rate"),
    [
        ([], "sgd", 0.2),
        (["optimizer.name=sgd", "optimizer.learning_rate=0.03"], "sgd", 0.03),
        (["array.device=ideal", "array.rule=float", "optimizer.learning_rate=0.03"], "adam", 0.03),
    ],
)
def test_an_array_replaces_the_rate_of_table_3_alone(changes, name, rate):
    config = for_array(toml_file.resolve("tdh-vae", [], ["array.device=epiram", *changes]))
    assert (config.optimizer.name, config.optimizer.learning_rate) == (name, rate)


def test_the_fast_path_is_refused_where_it_does_not_hold():
    changes = ["array.device=ideal", "array.symmetry=two-device", "array.noisy_phases=warm"]
    with pytest.raises(InvalidValue, match="stepped"):
        make_onchip(toml_file.resolve("tdh-vae", [], [*SMALL, *changes]))


def test_an_ideal_run_keeps_no_array_in_its_config():
    assert "[array]" not in toml_file.dump(toml_file.resolve("tdh-vae"))
    text = toml_file.dump(toml_file.resolve("tdh-vae", [], ["array.device=ideal"]))
    assert 'device = "ideal"' in text


def test_an_image_is_trained_in_two_free_and_four_nudged_phases():
    changes = ["settling.max_sweeps=200", "settling.time_step=0.25", "nudging.max_sweeps=60"]
    totals = {"reads": 10.0, "pulses_up": 3.0, "pulses_down": 1.0, "write_energy": 5.0}
    found = costs(toml_file.resolve("tdh-vae", [], changes), totals, images=2, power=1.0)
    assert (found.train_settle_time, found.generate_settle_time) == (2 * 50 + 4 * 15, 50)
    assert found.train_read_energy[1] == pytest.approx(160e-7)  # at 1 W and a time constant of 100 ns


@pytest.mark.parametrize(("spectrum", "way"), [("phase", "phases"), ("white", "warm")])
def test_the_solver_that_a_run_names_settles_its_chip_too(spectrum, way):
    changes = [*SMALL, "settling.solver=euler", "array.device=ideal", "array.read_noise=0.01"]
    found = make_onchip(toml_file.resolve("tdh-vae", [], [*changes, f"array.spectrum={spectrum}"]))
    metrics, _ = found.gradients({}, np.zeros((4, 49), np.float32), np.zeros((4, 3), np.float32))
    assert np.isfinite(list(metrics.values())).all()
    assert found.way_name == way
    assert isinstance(found.way.solver, Euler)
    assert isinstance(found.way.nudged, Euler if way == "phases" else ChipSteps)


def test_the_power_of_a_phase_is_that_of_signals_on_conductances():
    """No line is driven beyond V, so that V^2 times all conductance bounds the power; most lines carry a share of V."""
    sizes = ["data.image_size=7", "model.hidden=10", "model.latent=3", "optimizer.name=sgd", "array.device=epiram"]
    chip = make_onchip(toml_file.resolve("tdh-vae", [], sizes))
    array = chip.arrays["tied"]
    bound = array.config.read_voltage**2 * sum(plane.sum() for plane in array.conductances())
    power = phase_power(chip, np.random.default_rng(0))
    assert 0.01 * bound < power < bound


def test_the_power_of_one_resistor_is_v_squared_times_g(monkeypatch):
    """A neuron that drives rho = 1 through 2 and 3 S, and one that drives 1/2 through 4 S; the rest is off."""
    chip = make_onchip(toml_file.resolve("tdh-vae", [], [*SMALL, "array.device=ideal"]))
    role, size = chip.vae.decode_role, chip.vae.networks["tied"].size
    plus, minus = np.zeros((size, size)), np.zeros((size, size))
    plus[0, 1], minus[0, 2], plus[1, 0] = 2.0, 3.0, 4.0
    states = np.full((7, role.n_free), -100.0)
    states[:, role.columns("pixels")][:, :2] = [100.0, 0.0]
    monkeypatch.setattr(type(chip), "rest", lambda *_: states)
    monkeypatch.setattr(type(chip.arrays["tied"]), "conductances", lambda _: (plus, minus))
    volt = chip.arrays["tied"].config.read_voltage
    assert phase_power(chip, np.random.default_rng(0), 7) == pytest.approx(volt**2 * (1 * 5 + 0.25 * 4))
