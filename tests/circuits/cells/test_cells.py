"""Memristor cells against their own equations, and against the device layer's laws."""

import numpy as np
import pytest
from memristor_pulses import pulse_train, states_after_pulses
from scipy.integrate import solve_ivp

from circuits.memristors.linear import LinearMemristor
from circuits.memristors.registry import memristor
from circuits.memristors.stanford import StanfordPku
from circuits.memristors.vteam import Vteam
from circuits.memristors.yakopcic import Yakopcic
from circuits.simulators import Limits
from crossbar.devices.law import law
from crossbar.errors import InvalidValue, UnknownName

spice = pytest.mark.spice
LIMITS = Limits(seconds=60, gigabytes=2)
EDGE = 1e-3


def by_its_equations(model, state, voltages, width):
    """Integrate the model's own rate over the same pulses, clamped at its bounds."""
    low, high = getattr(model, "bounds", (0.0, 1.0))
    states = []
    for voltage in voltages:
        edge = EDGE * width
        pieces = ((edge, lambda t, v=voltage, e=edge: v * t / e), (width - edge, lambda t, v=voltage: v),
                  (edge, lambda t, v=voltage, e=edge: v * (1 - t / e)))  # fmt: skip
        for length, wave in pieces:
            solved = solve_ivp(
                lambda t, x, wave=wave: [model.rate(wave(t), float(np.clip(x[0], low, high)))], (0, length), [state],
                rtol=1e-8, atol=1e-11, max_step=length / 5,
            )  # fmt: skip
            state = float(np.clip(solved.y[0, -1], low, high))
        states.append(state)
    return np.array(states)


@spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize(("model", "start", "volts", "width", "bound"), [
    (Vteam(), 0.5, [0.1] * 4 + [-0.22] * 4, 2e-8, 1e-4),
    (Vteam(window="linear"), 0.5, [0.1] * 4 + [-0.22] * 4, 2e-7, 1e-4),
    (Yakopcic(), 0.3, [0.5] * 4 + [-0.5] * 4, 1e-4, 1e-4),
    (StanfordPku(), 1.2, [1.15] * 4 + [-1.25] * 4, 2e-7, 1e-3),
])  # fmt: skip
def test_pulses_move_the_state_as_the_equations_say(tmp_path, model, start, volts, width, bound):
    ours = by_its_equations(model, start, volts, width)
    theirs = states_after_pulses(model, start, np.array(volts), width=width, folder=tmp_path, limits=LIMITS)
    assert np.abs(ours - start).max() > 0.01
    assert np.abs(theirs - ours).max() < bound


@spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize(("window", "name"), [("rectangular", "constant"), ("linear", "soft-bounds")])
def test_pulses_follow_the_law_of_the_device_layer(tmp_path, rng, window, name):
    model, width, volts = Vteam(window=window), 3e-8, np.array([0.1] * 6)
    ideal = model.k_off / model.length * (0.1 / model.v_off - 1) * width
    step = -np.expm1(-ideal) if window == "linear" else ideal
    rule = law(name, dw_min=2 * step if window == "rectangular" else step, dw_min_std=0.0, w_min=-1.0, w_max=1.0)
    state = rule.sample((1,), rng, dtype=np.float64)
    expected = []
    for _ in volts:
        rule.apply_pulses(state, 1, 0, rng)
        expected.append(0.5 + 0.5 * float(state.visible[0]))
    found = states_after_pulses(model, 0.5, volts, width=width, folder=tmp_path, limits=LIMITS)
    np.testing.assert_allclose(found, expected, atol=2e-4)  # the edges of a pulse add about 1e-4 of a step


@spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("model", [Vteam(), Yakopcic()])
def test_reads_leave_the_state_alone_and_bounds_hold(tmp_path, model):
    read = np.full(5, model.read_voltage)
    np.testing.assert_allclose(
        states_after_pulses(model, 0.4, read, width=1e-6, folder=tmp_path, limits=LIMITS), 0.4, atol=1e-9
    )
    hard = states_after_pulses(model, 0.4, np.full(3, -1.0), width=1e-3, folder=tmp_path, limits=LIMITS)
    assert hard.min() > -1e-2
    assert hard.max() < 0.4


@pytest.mark.parametrize("name", ["vteam", "yakopcic", "stanford"])
def test_states_read_back_as_their_conductance(name):
    model = memristor(name, g_min=1e-6, g_max=1e-4)
    conductances = np.geomspace(1e-6, 1e-4, 7)
    volts = model.read_voltage
    bent = 1e-2 if name == "stanford" else 1e-4  # sinh at the read voltage
    np.testing.assert_allclose(model.current(volts, model.state(conductances)) / volts, conductances, rtol=bent)


def test_unknown_or_impossible_models_are_refused():
    with pytest.raises(UnknownName, match="stanford"):
        memristor("stanfrod", g_min=1e-6, g_max=1e-4)
    with pytest.raises(InvalidValue, match="window"):
        Vteam(window="hard")
    with pytest.raises(InvalidValue, match="g_min"):
        Yakopcic(g_min=1e-4, g_max=1e-6)
    with pytest.raises(InvalidValue, match="closed gap"):
        StanfordPku(g_max=1.0)
    with pytest.raises(InvalidValue, match="gap of"):
        StanfordPku(g_min=1e-9)
    assert LinearMemristor().cards(["p_a__b"], ["x"], ["y"], np.array([0.5])) == "Rp_a__b x y 2.0\n"
    assert pulse_train(np.array([1.0]), 1.0, 1.0).startswith("PWL(0 0 1.0 0")


@pytest.mark.parametrize(("model", "constants"), [
    (Yakopcic, {"b": 0.05, "v_p": 0.16, "v_n": 0.15, "a_p": 4000.0, "a_n": 4000.0, "x_p": 0.3, "x_n": 0.5,
                "alpha_p": 1.0, "alpha_n": 5.0}),
    (Vteam, {"length": 3e-9, "k_off": 5e-4, "k_on": -10.0, "alpha_off": 1.0, "alpha_on": 3.0, "v_off": 0.02,
             "v_on": -0.2}),
    (StanfordPku, {"g_0": 0.25, "v_0": 0.25, "i_0": 1e-3, "t_ambient": 298.0, "r_thermal": 2.1e3, "gamma_0": 16.0,
                   "beta": 0.8, "t_ox": 12e-9, "f_min": 1.4e9, "velocity": 10.0, "activation_energy": 0.6,
                   "a_0": 0.25e-9}),
])  # fmt: skip
def test_published_constants_are_those_of_their_sources(model, constants):
    """The sources are named in each class: Oblea's fit, the authors' Verilog-A and MemTorch, the release's module."""
    found = model()
    assert {name: getattr(found, name) for name in constants} == constants


@pytest.mark.parametrize(("model", "volts", "state", "rate"), [
    (Yakopcic(), 0.5, 0.2, 1900.8416),  # 4000 (exp 0.5 - exp 0.16), no window below x_p
    (Yakopcic(), 0.5, 0.65, 669.7502),  # times exp(-0.35) 0.35 / 0.7
    (Yakopcic(), -0.5, 0.25, -278.9909),  # -4000 (exp 0.5 - exp 0.15) exp(5 (0.25 - 0.5)) 0.25 / 0.5
    (Vteam(), 0.1, 0.5, 666666.6667),  # 5e-4 / 3e-9 (5 - 1)
    (Vteam(), -0.3, 0.5, -416666666.67),  # -10 / 3e-9 (1.5 - 1)^3
    (Vteam(), -0.19, 0.5, 0.0),
    (Vteam(alpha_off=3.0), 0.06, 0.5, 1333333.3333),  # 5e-4 / 3e-9 (3 - 1)^3
    (Vteam(), 0.1, 1.0, 0.0),  # the hard bound
    (Vteam(), 0.1, 1.1, 0.0),  # and beyond it
])  # fmt: skip
def test_rates_are_the_published_equations_worked_by_hand(model, volts, state, rate):
    assert model.rate(volts, state) == pytest.approx(rate, rel=1e-4)


def test_stanford_heats_itself_as_published():
    """At 1.2 V and a gap of 0.5 nm: I = 1 mA exp(-2) sinh 4.8, T = 298 K + 2.1e3 K/W x 1.2 V x I, then Arrhenius."""
    model = StanfordPku()
    current = 1e-3 * np.exp(-2) * np.sinh(4.8)
    assert model.current(1.2, 0.5) == pytest.approx(current, rel=1e-12)
    thermal = 8.617333262e-5 * (298.0 + 2.1e3 * 1.2 * current)  # eV
    speed = -10e9 * np.exp(-0.6 / thermal) * np.sinh((16 - 0.8 * 0.125) * 0.25 / 12 * 1.2 / thermal)
    assert model.rate(1.2, 0.5) == pytest.approx(speed, rel=1e-6)
