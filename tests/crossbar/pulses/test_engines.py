"""The engines against each other, against closed forms, and what an update reports."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from crossbar.devices import law as devices
from crossbar.errors import InvalidValue, UnknownName
from crossbar.numerics import threads
from crossbar.pulses.engines import ENGINES, apply_pulses, choose, mirror, update, update_shared
from crossbar.pulses.kernels import closed
from crossbar.pulses.trains import PulseManagement

pytestmark = pytest.mark.needs_jit

LAWS = {
    "constant": {"dw_min": 0.004},
    "linear": {"dw_min": 0.004, "gamma_up": 0.8, "gamma_down": 0.4, "mult_noise": False, "dw_min_dtod": 0.3},
    "soft-bounds": {"dw_min": 0.004, "up_down": 0.2, "dw_min_dtod": 0.3, "w_max_dtod": 0.3},
    "nonlinear": {"nl_ltp": 1.75, "nl_ltd": 1.46, "p_max": 300, "ctoc": 0.004},
    "exponential": {"dw_min": 0.004},
    "power": {"dw_min": 0.004, "pow_gamma": 1.5, "pow_gamma_dtod": 0.1},
    "piecewise": {"dw_min": 0.004, "piecewise_up": (1.0, 2.0, 0.5)},
    "jump-table": {"dw_min": 0.004, "jumps_up": ((0, 0.003, 0.008),), "jumps_down": ((-0.008, -0.005, 0),)},
}
REPEATS = 150


def moments(name, parameters, engine, rate):
    """Mean and variance of the weights after an update, over repeats with new trains and noise on the same devices."""
    rng = np.random.default_rng(8)
    law = devices.law(name, **parameters)
    state = law.sample((24, 20), rng)
    rows, columns = rng.random((12, 24), np.float32), rng.random((12, 20), np.float32) - np.float32(0.4)
    stream = np.random.default_rng([4, list(ENGINES).index(engine)])
    weights = []
    for _ in range(REPEATS):
        state.hidden[...] = 0.1
        update(state, rows, columns, rate=rate, rng=stream, engine=engine)
        weights.append(state.hidden.copy())
    return np.mean(weights, 0), np.var(weights, 0, ddof=1)


@pytest.mark.parametrize("engine", ["walk", "example", "aggregate"])
@pytest.mark.parametrize("name", LAWS)
def test_engines_agree_with_the_literal_one(name, engine):
    rate = 0.01
    mean, variance = moments(name, LAWS[name], "literal", rate)
    other, spread = moments(name, LAWS[name], engine, rate)
    z = (other - mean) / np.sqrt((variance + spread) / REPEATS)
    # 480 devices, whose pulses share trains (neighbours correlate by some .1): the rms of z lies near 1
    assert 0.8 < np.sqrt(np.mean(z**2)) < 1.25
    assert np.mean(np.sqrt(spread)) == pytest.approx(np.mean(np.sqrt(variance)), rel=0.05)


def test_engines_agree_on_coarse_devices():
    coarse = {"dw_min": 0.15, "dw_min_std": 0.2, "w_max": 1.0, "w_min": -1.0}
    mean, variance = moments("soft-bounds", coarse, "literal", 0.1)
    other, spread = moments("soft-bounds", coarse, "example", 0.1)
    assert np.sqrt(np.mean((other - mean) ** 2 / ((variance + spread) / REPEATS))) < 1.25


def test_walk_and_example_are_literal_without_noise():
    """Same trains, no cycle-to-cycle noise: the closed form and the walk give the very weights of pulse by pulse."""
    law = devices.law("soft-bounds", dw_min=0.004, dw_min_dtod=0.3, w_max_dtod=0.2, dw_min_std=0.0)
    found = {}
    for engine in ("literal", "walk", "example", "aggregate"):
        rng = np.random.default_rng(3)
        state = law.sample((40, 30), rng)
        rows, columns = rng.random((10, 40), np.float32), rng.random((10, 30), np.float32) - np.float32(0.5)
        update(state, rows, columns, rate=0.05, rng=rng, engine=engine)
        found[engine] = state.hidden
    assert found["walk"] == pytest.approx(found["literal"], abs=2e-7)
    assert found["example"] == pytest.approx(found["literal"], abs=2e-6)
    size = np.sqrt(np.mean(found["literal"] ** 2))
    assert np.sqrt(np.mean((found["aggregate"] - found["literal"]) ** 2)) < 0.1 * size


@pytest.mark.parametrize("mult_noise", [True, False])
@pytest.mark.parametrize(("words_up", "words_down"), [(4, 0), (0, 4), (2, 2), (4, 4), (6, 1)])
def test_aggregate_stops_at_the_fixed_point(rng, words_up, words_down, mult_noise):
    """However many pulses: w' = w_inf + (w - w_inf) exp(-x) with the flows of up- and down-pulses (x up to 54 here)."""
    quiet = {"dw_min_std": 0.0, "w_max": 1.0, "w_min": -1.0, "mult_noise": mult_noise}
    state = devices.law("soft-bounds", dw_min=0.1, up_down=0.2, **quiet).sample((1, 3), rng)
    begin = np.array([[-0.8, 0.0, 0.7]], np.float32)
    state.hidden[...] = begin
    up = np.zeros((words_up + words_down, 3), np.uint64)
    up[:words_up] = -1 % 2**64
    full, none = np.full((len(up), 1), -1 % 2**64, np.uint64), np.zeros((len(up), 1), np.uint64)
    step = closed.step_batch_product if mult_noise else closed.step_batch_additive
    step(state.hidden, state.stack, full, none, up, ~up, np.zeros(1, np.int64), np.uint64(1), (0, 1))
    x_up, x_down = -64 * words_up * np.log1p(-0.12), -64 * words_down * np.log1p(-0.08)
    target = (x_up - x_down) / (x_up + x_down)
    exact = target + (begin - target) * np.exp(-x_up - x_down)
    assert state.hidden == pytest.approx(exact, abs=2e-4)


@pytest.mark.parametrize("adapt_length", [True, False])
@pytest.mark.parametrize("balance", [True, False])
def test_trains_realise_the_wanted_update(rng, adapt_length, balance):
    law = devices.law("constant", dw_min=0.001, dw_min_std=0.0, w_max=10.0, w_min=-10.0)
    rows, columns = rng.random((32, 20)) - 0.5, 0.3 * (rng.random((32, 24)) - 0.5)
    management = PulseManagement(adapt_length=adapt_length, balance=balance)
    total, repeats = np.zeros((20, 24)), 60
    for _ in range(repeats):
        state = law.sample((20, 24), rng)
        report = update(state, rows, columns, rate=0.02, rng=rng, management=management)
        total += state.visible
        assert report.clipped == 0
    wanted = 0.02 * rows.T @ columns
    slope = np.sum(total / repeats * wanted) / np.sum(wanted**2)
    assert slope == pytest.approx(1, abs=0.03)


def test_counts_are_the_pulses_given(rng):
    law = devices.law("constant", dw_min=0.001, dw_min_std=0.0, w_max=10.0, w_min=-10.0)
    rows, columns = rng.random((9, 33)) - 0.5, rng.random((9, 33)) - 0.5
    for sender in (update, update_shared):
        state = mirror(law.sample((33, 33), rng))
        report = sender(state, rows, columns, rate=0.01, rng=rng)
        given = state.visible if sender is update else np.triu(state.visible)
        assert round(given.sum() / 0.001) == report.up - report.down


def test_shared_devices_stay_symmetric(rng):
    law = devices.law("soft-bounds", dw_min=0.002, dw_min_dtod=0.3, write_noise_std=3.0)
    state = mirror(law.sample((70, 70), rng))
    signals = rng.random((6, 70)) - 0.5
    for engine in ENGINES:
        before = np.diag(state.hidden).copy()
        update_shared(state, signals, signals, rate=0.1, rng=rng, engine=engine)
        assert (state.visible == state.visible.T).all()
        assert (state.hidden == state.hidden.T).all()
        assert (np.diag(state.hidden) == before).all()


def test_write_noise_is_redrawn_where_pulses_fell(rng):
    law = devices.law("soft-bounds", dw_min=0.002, write_noise_std=3.0)
    state = law.sample((30, 30), rng)
    rows = np.zeros((2, 30))
    rows[:, :10] = 1.0
    hidden, visible = state.hidden.copy(), state.visible.copy()
    update(state, rows, np.ones((2, 30)), rate=0.01, rng=rng)
    assert (state.visible[10:] == visible[10:]).all()
    assert (state.visible[:10] != visible[:10]).all()
    assert (state.hidden[:10] != hidden[:10]).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_same_seed_same_bytes(engine):
    weights = []
    for _ in range(2):
        rng = np.random.default_rng(1)
        state = devices.law("soft-bounds").sample((20, 21), rng)
        update(state, rng.random((4, 20)), rng.random((4, 21)), rate=0.01, rng=rng, engine=engine)
        weights.append(state.visible.tobytes())
    assert weights[0] == weights[1]


def test_engine_is_chosen_by_pulse_rate(rng):
    soft = devices.law("soft-bounds", dw_min=0.001).sample((10, 10), rng)
    assert choose(soft, 1.6, 128) == "walk"
    assert choose(soft, 16, 128) == "aggregate"
    assert choose(soft, 160, 128) == "example"
    assert choose(soft, 60, 1000) == "walk"
    assert choose(devices.law("power").sample((10, 10), rng), 160, 128) == "walk"
    report = update(soft, rng.random((4, 10)), rng.random((4, 10)), rate=1e-4, rng=rng)
    assert report.engine == "walk"
    assert update(devices.law("power").sample((9, 9), rng), np.ones((1, 9)), np.ones((1, 9)), rate=0.01, rng=rng,
                  engine="example").engine == "walk"  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_given_counts_agree_with_the_law(name, rng):
    law = devices.law(name, **LAWS[name])
    n_up, n_down = rng.integers(0, 20, (60, 70)), rng.integers(0, 20, (60, 70))
    fast = law.sample((60, 70), np.random.default_rng(1))
    slow = law.sample((60, 70), np.random.default_rng(1))
    report = apply_pulses(fast, n_up, n_down, rng)
    law.apply_pulses(slow, n_up, n_down, rng)
    assert (report.up, report.down) == (n_up.sum(), n_down.sum())
    again = law.sample((60, 70), np.random.default_rng(1))
    law.apply_pulses(again, n_up, n_down, rng)
    difference, chance = (one.hidden.astype(float) - slow.hidden for one in (fast, again))
    scale = float(chance.std())  # what two runs of the law itself differ by
    assert abs(difference.mean()) < 4 * scale / np.sqrt(difference.size)
    assert difference.std() == pytest.approx(scale, rel=0.06)


def test_a_law_of_ones_own_runs_literally(rng):
    class Own(type(devices.law("constant"))):
        kernel = ""

    state = Own(dw_min=0.01).sample((10, 12), rng)
    assert update(state, np.ones((2, 10)), np.ones((2, 12)), rate=0.01, rng=rng).engine == "literal"
    assert apply_pulses(state, 1, 0, rng).up == 120


def test_wrong_calls_are_refused(rng):
    state = devices.law("constant").sample((5, 6), rng)
    rows, columns = np.ones((2, 5)), np.ones((2, 6))
    for wrong in ((columns, columns), (rows, columns[:1]), (rows[0], columns[0])):
        with pytest.raises(InvalidValue, match="batch"):
            update(state, *wrong, rate=0.1, rng=rng)
    with pytest.raises(InvalidValue, match="rate"):
        update(state, rows, columns, rate=-0.1, rng=rng)
    with pytest.raises(InvalidValue, match="finite"):
        update(state, rows * np.nan, columns, rate=0.1, rng=rng)
    with pytest.raises(UnknownName, match="aggregate"):
        update(state, rows, columns, rate=0.1, rng=rng, engine="agregate")
    with pytest.raises(InvalidValue, match="square"):
        update_shared(state, rows, columns, rate=0.1, rng=rng)
    with pytest.raises(InvalidValue, match="whole numbers"):
        apply_pulses(state, -1, 0, rng)
    with pytest.raises(InvalidValue, match="one number"):
        apply_pulses(state, np.ones((2, 2), int), 0, rng)
    with pytest.raises(InvalidValue, match="max_length"):
        PulseManagement(max_length=40)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("engine", ["walk", "example", "aggregate"])
@pytest.mark.parametrize("name", LAWS)
def test_any_number_of_threads_gives_the_same_bytes(name, engine, shared, monkeypatch):
    monkeypatch.setattr(threads, "LEAST", 1)
    found = []
    for number in (1, 2, 3):
        monkeypatch.setattr(threads, "count", lambda number=number: number)
        rng = np.random.default_rng(9)
        state = devices.law(name, **LAWS[name]).sample((70, 70), rng)
        lines = rng.random((2, 9, 70), np.float32) - np.float32(0.4)
        if shared:
            update_shared(mirror(state), *lines, rate=0.02, rng=rng, engine=engine)
        else:
            update(state, *lines, rate=0.02, rng=rng, engine=engine)
        apply_pulses(state, rng.integers(0, 3, (70, 70)), 1, rng)
        found.append(state.hidden.tobytes())
    assert found[0] == found[1] == found[2]


@pytest.mark.needs_jit
def test_the_benchmark_of_updates_runs(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "benchmarks")
    benchmark = importlib.import_module("crossbar_update")
    figures, table = benchmark.ours(40, 8, 1)
    assert figures["update_ms_auto_16"] > 0
    assert {row["chosen"] for row in table} >= {"aggregate", "example", "walk"}
    assert all(row["mean_pulses"] > 0 for row in table)
