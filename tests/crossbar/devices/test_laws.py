"""Each update law against its closed form, and what every device shares."""

import numpy as np
import pytest

from crossbar.devices import law as devices
from crossbar.errors import InvalidValue, UnknownName

COUNT = 4000
QUIET = {"dw_min_std": 0.0}


def run(law, n_up, n_down, rng, count=COUNT, begin=0.0):
    state = law.sample((count,), rng, dtype=np.float64)
    state.program(begin, rng)
    law.apply_pulses(state, n_up, n_down, rng)
    return state.visible


def z_of_mean(sample, mean):
    return (sample.mean() - mean) / (sample.std(ddof=1) / np.sqrt(len(sample)))


def z_of_std(sample, std):
    return (sample.std(ddof=1) - std) / (std / np.sqrt(2 * len(sample)))


def test_constant_law_walks_randomly(rng):
    law = devices.law("constant", dw_min=0.002, dw_min_std=0.4, up_down=0.1)
    w = run(law, 50, 20, rng)
    assert abs(z_of_mean(w, 50 * 0.002 * 1.1 - 20 * 0.002 * 0.9)) < 4
    assert abs(z_of_std(w, 0.4 * 0.002 * np.sqrt(50 * 1.1**2 + 20 * 0.9**2))) < 4


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("mult_noise", [True, False])
def test_linear_law_is_a_geometric_walk(rng, up, mult_noise):
    step, gamma, bound, n, s = 0.004, 0.7, 0.6, 100, 0.3
    law = devices.law("linear", dw_min=step, gamma_up=gamma, gamma_down=gamma, dw_min_std=s, mult_noise=mult_noise)
    sign = 1 if up else -1
    w = sign * run(law, n if up else 0, 0 if up else n, rng)
    c = step * gamma / bound
    assert abs(z_of_mean(w, bound / gamma * (1 - (1 - c) ** n))) < 4
    additive = step * s * np.sqrt((1 - (1 - c) ** (2 * n)) / (1 - (1 - c) ** 2))
    # multiplicative: E[u^2] = ((1 - c)^2 + (c s)^2)^n of u = 1 - gamma w / bound
    second = ((1 - c) ** 2 + (c * s) ** 2) ** n - (1 - c) ** (2 * n)
    assert abs(z_of_std(w, bound / gamma * np.sqrt(second) if mult_noise else additive)) < 4


def test_soft_bounds_close_on_their_bound_and_symmetry_point(rng):
    law = devices.law("soft-bounds", dw_min=0.01, up_down=0.2, w_max=0.8, w_min=-0.5, **QUIET)
    planes = law.sample((1,), rng, dtype=float).planes
    up, down = 0.012, 0.008
    point = np.array([(up - down) / (up / 0.8 + down / 0.5)])
    balance = law.increment(planes, point, True, 0.0) + law.increment(planes, point, False, 0.0)
    assert balance == pytest.approx(0, abs=1e-12)
    assert run(law, 3000, 0, rng, 1) == pytest.approx(0.8, abs=1e-6)
    assert run(law, 0, 3000, rng, 1) == pytest.approx(-0.5, abs=1e-6)


@pytest.mark.parametrize(("p_max", "alpha", "low", "high"), [(500, 0.004, -1.0, 1.0), (1000, 0.0005, -0.2, 0.6)])
def test_pmax_form_reaches_range_max_as_told(rng, p_max, alpha, low, high):
    told = {"p_max": p_max, "alpha": alpha, "r_min": low, "range_max": high}
    law = devices.law("soft-bounds-pmax", **told, **QUIET)
    assert run(law, p_max, 0, rng, 1, begin=low) == pytest.approx(high, abs=1e-9)
    scale = (high - low) / (1 - np.exp(-alpha * p_max))
    half = p_max // 2
    assert run(law, half, 0, rng, 1, begin=low) == pytest.approx(low + scale * (1 - np.exp(-alpha * half)), abs=1e-9)
    back = low + (high - low) * np.exp(-alpha * half)  # down-pulses close on range_min with the same slope
    assert run(law, 0, half, rng, 1, begin=high) == pytest.approx(back, abs=1e-9)


def test_many_pulses_of_soft_bounds_have_a_closed_form(rng):
    w = run(devices.law("soft-bounds", dw_min=0.01, w_max=2.0, w_min=-1.0, **QUIET), 100, 0, rng, 1)
    assert w == pytest.approx(2 * (1 - (1 - 0.01 / 2) ** 100))


@pytest.mark.parametrize(
    ("labels", "steps"),
    [  # devices.md 2.2, range [0, 1]: up step at 0 and 1, down step at 1 and 0
        ((2.4, -4.88, 97), (0.0236, 0.0032, 0.0505, 0.0003)),
        ((1.85, -1.79, 102), (0.0189, 0.0042, 0.0185, 0.0043)),
        ((0.105, 2.4, 110), (0.0095, 0.0087, 0.0029, 0.0212)),
        ((1.75, 1.46, 32), (0.0573, 0.0138, 0.0167, 0.0542)),
    ],
)
def test_nonlinear_law_has_the_steps_of_its_labels(rng, labels, steps):
    nl_ltp, nl_ltd, p_max = labels
    law = devices.law("nonlinear", nl_ltp=nl_ltp, nl_ltd=nl_ltd, p_max=p_max, w_min=0.0, w_max=1.0)
    planes = law.sample((1,), rng, dtype=float).planes
    low, high, zero = np.zeros(1), np.ones(1), np.zeros(1)
    found = [law.increment(planes, w, up, zero)[0] for w, up in ((low, 1), (high, 1), (high, 0), (low, 0))]
    assert np.abs(found) == pytest.approx(steps, abs=6e-5)


def test_nonlinear_law_may_say_the_step_that_follows_from_its_pulses():
    law = devices.law("nonlinear", p_max=50, w_min=-1.0, w_max=1.0, dw_min=2.0 / 50)
    assert law.p_max == 50


@pytest.mark.parametrize(("convention", "marks"), [("mlp", False), ("dnn", True)])
def test_only_the_convention_that_kicks_after_writing_marks_what_was_written(convention, marks):
    assert devices.law("nonlinear", ctoc=0.01, convention=convention).marks_written is marks


def test_a_power_device_without_a_range_does_not_move(rng):
    state = devices.law("power", w_min_dtod=0.0, w_max_dtod=0.0, dw_min_std=0.0).sample((1, 2), rng, dtype=np.float64)
    planes = {name: plane.copy() for name, plane in state.planes.items()}
    planes["w_min"][0, 0] = planes["w_max"][0, 0] = 0.1
    for up in (True, False):
        moved = state.law.increment(planes, np.full((1, 2), 0.1), up, np.zeros((1, 2)))
        assert moved[0, 0] == 0
        assert moved[0, 1] != 0


def test_a_power_device_beyond_its_bound_moves_no_further(rng):
    state = devices.law("power", dw_min_std=0.0, w_min=-1.0, w_max=1.0).sample((1, 2), rng, dtype=np.float64)
    beyond = np.array([[1.5, -1.5]])
    assert state.law.increment(state.planes, beyond, True, np.zeros((1, 2)))[0, 0] == 0
    assert state.law.increment(state.planes, beyond, False, np.zeros((1, 2)))[0, 1] == 0


def test_nonlinear_law_crosses_its_range_in_p_max_pulses(rng):
    law = devices.law("nonlinear", nl_ltp=2.4, nl_ltd=-4.88, p_max=97)
    assert run(law, 97, 0, rng, 1, begin=-1.0) == pytest.approx(1, abs=1e-9)
    assert run(law, 0, 97, rng, 1, begin=1.0) == pytest.approx(-1, abs=1e-9)
    flat = devices.law("nonlinear", nl_ltp=0.0, nl_ltd=0.0, p_max=10)
    assert run(flat, 3, 0, rng, 1) == pytest.approx(0.6)


def test_labels_have_their_closed_definition():
    from crossbar.devices.laws.neurosim import a_norm, label

    assert a_norm(2.4) == pytest.approx(0.499181, abs=5e-7)
    assert a_norm(4.88) == pytest.approx(0.2003, abs=5e-5)
    labels = np.array([0.01, 0.105, 1, 2.4, 4.88, 9])
    assert label(a_norm(labels)) == pytest.approx(labels, rel=1e-6)


def test_conventions_of_cycle_to_cycle_noise(rng):
    mlp = devices.law("nonlinear", nl_ltp=0.0, nl_ltd=0.0, p_max=1000, ctoc=0.01)
    dnn = devices.law("nonlinear", nl_ltp=0.0, nl_ltd=0.0, p_max=1000, ctoc=0.01, convention="dnn")
    assert abs(z_of_std(run(mlp, 25, 0, rng), 0.02 * np.sqrt(25))) < 4
    assert abs(z_of_std(run(dnn, 25, 0, rng), 0.02)) < 4


@pytest.mark.parametrize("n", [1, 5, 25, 60])
def test_noise_of_a_curved_device_contracts_as_its_steps_do(rng, n):
    """Drawn a pulse, kept by r of the later ones: ctoc range sqrt((1 - r^2n) / (1 - r^2)), not ctoc range sqrt(n)."""
    law = devices.law("nonlinear", nl_ltp=2.4, nl_ltd=-4.88, p_max=97, ctoc=0.002)  # Ag:a-Si, too quiet to be clipped
    r = np.exp(-1 / (0.499181 * 97))
    expected = 0.002 * 2 * np.sqrt((1 - r ** (2 * n)) / (1 - r**2))
    assert abs(z_of_std(run(law, n, 0, rng, begin=-0.5), expected)) < 4


def test_exponential_law_follows_its_equation(rng):
    law = devices.law("exponential", dw_min=0.01, w_max=1.0, w_min=-1.0, A_up=0.1, A_down=0.2, gamma_up=2.0,
                      gamma_down=3.0, a=0.5, b=0.1, dw_min_std=0.5, s_add=0.02, dw_min_std_slope=0.1)  # fmt: skip
    planes = law.sample((1,), rng, dtype=float).planes
    w = np.array([0.3])
    z = 0.5 * 0.3 + 0.1
    up, down = 0.01 * (1 - 0.1 * np.exp(2 * z)), 0.01 * (1 - 0.2 * np.exp(-3 * z))
    assert law.increment(planes, w, True, np.zeros(1)) == pytest.approx(up)
    assert law.increment(planes, w, False, np.zeros(1)) == pytest.approx(-down)
    kick = law.increment(planes, w, False, np.ones(1)) - law.increment(planes, w, False, np.zeros(1))
    assert kick == pytest.approx(0.5 * (0.02 + down + 0.1 * 0.3))


def test_power_law_of_exponent_one_is_soft_bounds(rng):
    w = run(devices.law("power", dw_min=0.02, w_max=1.0, w_min=-1.0, pow_gamma=1.0, **QUIET), 60, 0, rng, 1)
    assert w == pytest.approx(1 - (1 - 0.01) ** 60)
    squared = devices.law("power", dw_min=0.02, w_max=1.0, w_min=-1.0, pow_gamma=2.0, pow_up_down=0.25, **QUIET)
    planes = squared.sample((1,), rng, dtype=float).planes
    assert squared.increment(planes, np.array([0.2]), True, np.zeros(1)) == pytest.approx(0.02 * 0.4**2.5)
    assert squared.increment(planes, np.array([0.2]), False, np.zeros(1)) == pytest.approx(-0.02 * 0.6**1.5)


def test_piecewise_law_interpolates(rng):
    law = devices.law(
        "piecewise", dw_min=0.01, w_max=1.0, w_min=-1.0, piecewise_up=[1, 3, 2], piecewise_down=[2.0], **QUIET
    )
    planes = law.sample((1,), rng, dtype=float).planes
    w = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    assert law.increment(planes, w, True, 0.0) == pytest.approx(0.01 * np.array([1, 2, 3, 2.5, 2]))
    assert law.increment(planes, w, False, 0.0) == pytest.approx(np.full(5, -0.02))


def test_jump_table_draws_from_its_quantiles(rng):
    law = devices.law(
        "jump-table", dw_min=0.01, w_max=1.0, w_min=-1.0, jumps_up=((0.0, 0.02),), jumps_down=((-0.03, -0.01),)
    )
    w = run(law, 30, 10, rng)
    assert abs(z_of_mean(w, 30 * 0.01 - 10 * 0.02)) < 4
    assert abs(z_of_std(w, 0.02 / np.sqrt(12) * np.sqrt(40))) < 4


def test_spreads_between_devices(rng):
    law = devices.law("soft-bounds", dw_min=0.01, dw_min_dtod=0.2, up_down_dtod=0.05, w_max_dtod=0.1, w_min_dtod=0.15)
    planes = law.sample((20_000,), rng, dtype=float).planes
    both = (planes["step_up"] + planes["step_down"]) / 2 / 0.01
    assert abs(z_of_std(both, 0.2)) < 4
    assert abs(z_of_std((planes["step_up"] - planes["step_down"]) / 2 / 0.01, 0.05)) < 4
    assert abs(z_of_std(planes["w_max"], 0.06)) < 4
    assert abs(z_of_std(planes["w_min"], 0.09)) < 4
    logs = devices.law("constant", dw_min_dtod=0.5, dw_min_dtod_log_normal=True).sample((20_000,), rng, dtype=float)
    assert abs(z_of_std(np.log(logs.planes["step_up"]), 0.5)) < 4


def test_write_noise_hides_the_state_until_the_next_write(rng):
    law = devices.law("soft-bounds", dw_min=0.01, write_noise_std=20.0, dw_min_std=0.1)
    state = law.sample((50, 60), rng)
    before = state.visible.copy()
    counts = np.zeros((50, 60), int)
    counts[:25] = 3
    law.apply_pulses(state, counts, 0, rng)
    assert (state.visible[25:] == before[25:]).all()
    assert abs(z_of_std((state.visible - state.hidden)[:25].ravel(), 0.2)) < 4
    assert abs(state.hidden[:25].mean() - 0.03) < 0.002


def test_devices_survive_storage_bit_for_bit(rng):
    law = devices.law("exponential", dw_min_dtod=0.3, write_noise_std=5.0)
    state = law.sample((8, 9), rng)
    again = law.restore({key: array.copy() for key, array in state.arrays().items()})
    streams = np.random.default_rng(5), np.random.default_rng(5)
    for copy, stream in zip((state, again), streams, strict=True):
        law.apply_pulses(copy, 3, 2, stream)
    assert (state.visible == again.visible).all()
    with pytest.raises(InvalidValue, match="lack"):
        law.restore({"hidden": state.hidden})


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("constant", {"dw_min": -1.0}, "dw_min"),
        ("constant", {"dw_min_std": -0.1}, "must not be negative"),
        ("constant", {"w_max": -1.0}, "must exceed"),
        ("constant", {"dw_min": 1e-9}, "levels"),
        ("constant", {"dw_min": float("nan")}, "finite"),
        ("constant", {"dw_min": 1200.0}, "must not exceed the range"),
        ("constant", {"up_down": -1.5}, "`up_down` must lie in"),
        ("linear", {"gamma_up": 1.5}, "`gamma_up` must lie in"),
        ("linear", {"gamma_down": -0.5}, "`gamma_down` must lie in"),
        ("power", {"pow_gamma": -3.0}, "`pow_gamma` is an exponent"),
        ("power", {"pow_up_down": 2.0}, "`pow_up_down` must lie in"),
        ("constant", {"dw_min": "much"}, "a number"),
        ("linear", {"mult_noise": 3}, "true or false"),
        ("nonlinear", {"nl_ltp": 12.0}, "nl_ltp"),
        ("nonlinear", {"dw_min": 0.1}, "p_max"),
        ("nonlinear", {"convention": "mine"}, "convention"),
        ("piecewise", {"piecewise_up": ()}, "at least one"),
        ("piecewise", {"piecewise_up": ("a", "b")}, "`piecewise_up` must be a list of finite numbers"),
        ("piecewise", {"piecewise_up": (1.0, float("nan"))}, "finite numbers"),
        ("piecewise", {"piecewise_up": ((1.0, 2.0),)}, "finite numbers"),
        ("jump-table", {"jumps_up": ((0.2, 0.1),)}, "rising"),
        ("jump-table", {"jumps_up": (1.0, 2.0)}, r"`jumps_up\[0\]` must be a list of finite numbers"),
        ("jump-table", {"jumps_up": ((0.0, "a"),)}, "finite numbers"),
        ("soft-bounds-pmax", {"range_max": -2.0}, "range_max"),
    ],
)
def test_wrong_parameters_are_refused(name, wrong, message):
    with pytest.raises(InvalidValue, match=message):
        devices.law(name, **wrong)


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UnknownName, match="soft-bounds"):
        devices.law("soft-bonds")
    with pytest.raises(UnknownName, match="gamma_up"):
        devices.law("linear", gama_up=1.0)
    assert devices.law("pow").name == "power"
    assert devices.law("Soft Bounds").name == "soft-bounds"
