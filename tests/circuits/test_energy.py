"""Energy and latency: settle times and dissipation in closed form, and the research note's orders of magnitude."""

import numpy as np
import pytest

from circuits.architecture import Architecture
from circuits.area import scenario
from circuits.energy import PARTS, Phase, Task, cost, crossbar_energy, energy_drivers, energy_parts, latency
from circuits.models import chip_model, paper_model, tied_model, untied_model
from circuits.relaxation import (
    Loads,
    Relaxation,
    Trajectory,
    device_loads,
    line_integrals,
    reference_loads,
    relaxation_of,
    settle_times,
    weight_loads,
)
from circuits.tasks import _loads, assumed_tasks, measured_tasks
from circuits.technology import load_technology
from circuits.trajectories import EulerSettings, euler, simulate
from crossbar.chip import Chip, Conductances
from crossbar.errors import DivergedError, InvalidValue
from crossbar.mapping import mapping_for
from crossbar.settling import Euler

TECHNOLOGY = load_technology()
TYPICAL = TECHNOLOGY.values("typical")
SHORT = EulerSettings(length=30.0)


def decay(rates, n_times=2001, length=20.0):
    """States that fall from 1 to 0 at `rates`: s(t) = exp(-rate t), one neuron, a batch."""
    times = np.linspace(0, length, n_times)
    return Trajectory(times=times, states=np.exp(-np.outer(times, rates))[:, :, None])


def make_chip(model, rng, *, programmed=False):
    networks = {plan.name: plan.network for plan in model.plans}
    weights, conductances = {}, {}
    for name, network in networks.items():
        matrix = rng.normal(0, 0.5 / np.sqrt(network.size), (network.size,) * 2)
        weights[name] = (matrix + matrix.T) * network.mask()
        if programmed:
            plus, minus = (1e-5 * network.mask() + 1e-5 * np.maximum(sign * weights[name], 0) for sign in (1, -1))
            conductances[name] = Conductances(plus=plus, minus=minus, siemens_per_weight=1e-5, device="test")
    sigma = 0.4 if model.tied else None
    images = rng.uniform(-1, 1, (3, 16)).astype(np.float32)
    return Chip(
        model="test", networks=networks, weights=weights, sigma=sigma, image_shape=(4, 4), examples=images,
        conductances=conductances,
    )  # fmt: skip


def test_settle_time_of_an_exponential_is_ln_100_over_its_rate():
    found, settled = settle_times(decay([1.0, 2.0, 4.0]))
    assert found == pytest.approx(np.log(100) / np.array([1.0, 2.0, 4.0]), abs=0.011)
    assert settled.all()


def test_what_still_moves_at_the_end_has_not_settled():
    _, settled = settle_times(decay([0.1, 1.0]))
    assert settled.tolist() == [False, True]


def test_a_state_that_never_moves_settles_at_once():
    trajectory = Trajectory(times=np.arange(5.0), states=np.full((5, 2, 3), 0.3))
    assert settle_times(trajectory)[0].tolist() == [0, 0]


def test_signal_integrals_of_a_constant_state():
    trajectory = Trajectory(times=np.linspace(0, 10, 11), states=np.zeros((11, 2, 3)))  # rho(0) = 1/2
    found = line_integrals(trajectory, np.array([10.0, 4.0]), gain=3.0)
    assert found == pytest.approx(np.array([[2.5] * 3, [1.0] * 3]))


def test_crossbar_energy_is_conductance_times_voltage_squared_times_time():
    phase = Phase(relaxation=relaxation_of(decay([1.0]), 0.0, Loads(**loads(conductances=2e-6))), n_neurons=1)
    settle = phase.relaxation.settle[0]  # gain 0: every signal is 1/2
    tau, volts = TYPICAL["time_constant"], TYPICAL["read_voltage"]
    assert crossbar_energy(phase, TYPICAL, None) == pytest.approx(2e-6 * (volts / 2) ** 2 * settle * tau, rel=1e-3)


def loads(**given):
    return {name: np.full(1, given.get(name, 0.0)) for name in ("n_devices", "weights", "conductances")}


def test_loads_of_weights_and_of_the_devices_that_hold_them_agree(rng):
    weights = rng.normal(size=(6, 6))
    weights = np.triu(weights, 1) + np.triu(weights, 1).T
    mask = ~np.eye(6, dtype=bool)
    g_min, g_max = 1e-6, 1e-4
    scale = (g_max - g_min) / np.abs(weights).max()
    plus, minus = (np.where(mask, g_min + scale * np.maximum(sign * weights, 0), 0) for sign in (1, -1))
    ideal, real = weight_loads(weights, mask), device_loads(plus, minus, mask)
    assert g_min * ideal.n_devices + (g_max - g_min) * ideal.weights == pytest.approx(real.conductances)


def test_loads_against_references_are_those_of_the_devices_that_hold_the_weights(rng):
    weights = rng.normal(size=(6, 6))
    weights = np.triu(weights, 1) + np.triu(weights, 1).T
    mask, references = ~np.eye(6, dtype=bool), np.array([2, 2, 2, 1, 1, 1])
    g_min, g_max = 1e-6, 1e-4
    single = mapping_for("reference", g_min=g_min, g_max=g_max, weight_limit=float(np.abs(weights).max()))
    real = np.where(mask, single.siemens(weights), 0.0).sum(axis=1) + single.origin * references
    found = reference_loads(weights, mask, references)
    assert g_min * found.n_devices + (g_max - g_min) * found.weights == pytest.approx(real)


@pytest.mark.parametrize("kind", [tied_model, untied_model])
@pytest.mark.parametrize("weights", ["pair", "reference"])
@pytest.mark.parametrize("layout", ["full", "half"])
def test_measured_loads_of_a_chip_without_weights_are_the_assumed_ones(kind, weights, layout):
    model = kind("t", 12, 4, pixels=16)
    networks = {plan.name: plan.network for plan in model.plans}
    chip = Chip(
        model="test", networks=networks, weights={name: np.zeros((one.size,) * 2) for name, one in networks.items()},
        image_shape=(4, 4),
    )  # fmt: skip
    architecture = Architecture(tile=8, weights=weights, layout=layout)
    assumed = assumed_tasks(model, architecture)
    for role, task in (("encode", "encode"), ("decode", "generate")):
        plan = next(plan for plan in model.plans if role in plan.roles)
        loads = _loads(chip, plan, role, architecture, idle_columns=True)
        expected = assumed[task].phases[0].relaxation
        assert loads.n_devices.sum() / 3 == pytest.approx(expected.base[0])
        assert loads.weights.sum() / 3 == pytest.approx(expected.weight[0])


def test_the_half_layout_draws_what_the_full_one_draws_and_writes_half():
    full, half = (assumed_tasks(paper_model("tdh-vae"), Architecture(layout=layout)) for layout in ("full", "half"))
    energies = [energy_parts(tasks["train"], TYPICAL) for tasks in (full, half)]
    assert energies[0]["crossbars"] == energies[1]["crossbars"]
    assert energies[0]["pulses"] == pytest.approx(2 * energies[1]["pulses"])


def test_trajectories_end_where_the_simulators_own_scheme_ends(rng):
    chip = make_chip(tied_model("t", 12, 4, pixels=16), rng)
    phases = simulate(chip, np.asarray(chip.examples, float), SHORT, rng)
    from circuits.trajectories import _landscape

    landscape, role = _landscape(chip, "encode", np.asarray(chip.examples, float))
    own = Euler(time_step=SHORT.step, max_sweeps=round(SHORT.length / SHORT.step)).settle(landscape)
    end = np.concatenate([phases.free["encode"].states[-1][:, role.network.block(name)] for name in role.free], axis=1)
    assert end == pytest.approx(own.states, abs=1e-6)


def test_clamped_neurons_hold_and_free_ones_start_at_zero(rng):
    chip = make_chip(untied_model("u", 12, 4, pixels=16), rng)
    free = simulate(chip, np.asarray(chip.examples, float), SHORT, rng).free
    pixels = chip.networks["encoder"].block("pixels")
    assert np.ptp(free["encode"].states[:, :, pixels], axis=0).max() == 0
    assert np.all(free["decode"].states[0][:, pixels] == 0)


def test_nudged_phases_start_at_the_free_equilibrium_and_go_opposite_ways(rng):
    chip = make_chip(tied_model("t", 12, 4, pixels=16), rng)
    phases = simulate(chip, np.asarray(chip.examples, float), EulerSettings(length=60.0), rng)
    up, down = phases.nudged["decode"]
    free = phases.free["decode"].states[-1]
    assert np.array_equal(up.states[0], free)
    rise, fall = up.states[-1] - free, down.states[-1] - free
    assert np.sum(rise * fall) < -0.9 * np.sqrt(np.sum(rise**2) * np.sum(fall**2))


def test_divergence_is_an_error(rng):
    chip = make_chip(tied_model("t", 12, 4, pixels=16), rng)
    with pytest.raises(DivergedError, match="time step"), np.errstate(all="ignore"):
        simulate(chip, np.asarray(chip.examples, float), EulerSettings(step=1e3, length=1e6), rng)


def test_powers_of_the_research_note():
    # One relaxation of 10 time constants of 100 ns at 5 uS, 0.2 V and 20 uW: TDH 379 mW and 34 mW, 0.41 uJ.
    point = TECHNOLOGY.point({**TYPICAL.values, "settle_time": 10.0})
    parts = energy_parts(assumed_tasks(paper_model("tdh-vae"), Architecture())["encode"], point)
    assert parts["crossbars"] / 1e-6 == pytest.approx(0.379, rel=0.01)
    assert parts["neurons"] / 1e-6 == pytest.approx(0.034, rel=0.02)
    for name, encode, generate in (("h-vae", 0.26, 0.45), ("dh-vae", 0.62, 0.89)):
        tasks = assumed_tasks(paper_model(name), Architecture())
        for task, joules in (("encode", encode), ("generate", generate)):
            assert sum(energy_parts(tasks[task], point).values()) / 1e-6 == pytest.approx(joules, rel=0.03)


def test_tying_costs_energy_for_a_round_trip_at_equal_hidden_size():
    point = TECHNOLOGY.point({**TYPICAL.values, "settle_time": 10.0})

    def round_trip(model):
        tasks = assumed_tasks(model, Architecture())
        return sum(float(sum(energy_parts(tasks[name], point).values())) for name in ("encode", "generate"))

    ratio = round_trip(tied_model("t", 833, 69)) / round_trip(untied_model("u", 833, 25))
    assert ratio == pytest.approx(0.83 / 0.61, rel=0.03)


@pytest.mark.parametrize("programmed", [False, True])
def test_cost_of_a_chip(rng, programmed):
    model = tied_model("t", 12, 4, pixels=16)
    chip = make_chip(model, rng, programmed=programmed)
    phases = simulate(chip, np.asarray(chip.examples, float), SHORT, rng)
    draws = scenario(TECHNOLOGY, 65, 200, rng).draws
    tasks = measured_tasks(chip_model(chip), chip, phases, Architecture())
    for task in tasks.values():
        found = cost(task, TECHNOLOGY, draws, rng)
        assert 0 < found.energy.low < found.energy.typical < found.energy.high
        assert 0 < found.latency.low < found.latency.typical < found.latency.high
        assert found.energy.p5 < found.energy.p50 < found.energy.p95
        assert sum(found.parts[part].typical for part in PARTS) == pytest.approx(found.energy.typical)
        names = [swing.parameter for swing in energy_drivers(task, TECHNOLOGY)]
        assert "time_constant" in names
    assert (
        "conductance_max" in [swing.parameter for swing in energy_drivers(tasks["encode"], TECHNOLOGY)]
    ) != programmed


def test_training_takes_six_settlings_and_writes_every_device(rng):
    model = untied_model("u", 12, 4, pixels=16)
    tasks = assumed_tasks(model, Architecture())
    assert len(tasks["train"].phases) == 6
    assert tasks["train"].n_written == sum(plan.tiles(Architecture()).n_memristors for plan in model.plans)
    assert energy_parts(tasks["encode"], TYPICAL)["pulses"] == 0 < energy_parts(tasks["train"], TYPICAL)["pulses"]


def test_switching_idle_columns_off_saves_energy_of_a_tied_chip(rng):
    model = tied_model("t", 12, 4, pixels=16)
    chip = make_chip(model, rng)
    phases = simulate(chip, np.asarray(chip.examples, float), SHORT, rng)
    on, off = (
        energy_parts(measured_tasks(model, chip, phases, Architecture(), idle_columns=idle)["encode"], TYPICAL)
        for idle in (True, False)
    )
    assert off["crossbars"] < on["crossbars"]
    assert off["neurons"] == on["neurons"]


def test_lines_take_turns_at_their_converters():
    rest = Relaxation(settle=np.zeros(1), base=np.zeros(1), weight=np.zeros(1), devices=np.zeros(1))
    task = Task(name="t", phases=[Phase(relaxation=rest, n_neurons=1)], dac_rounds=(784,), adc_rounds=(5,))
    assert latency(task, TYPICAL) == pytest.approx((64 + 5) * 1e-7)


def test_bad_input():
    with pytest.raises(InvalidValue, match="only Hopfield networks settle"):
        assumed_tasks(paper_model("f-vae"), Architecture())
    with pytest.raises(InvalidValue, match="n_times, batch"):
        Trajectory(times=np.arange(3.0), states=np.zeros((3, 2)))
    with pytest.raises(InvalidValue, match="must increase"):
        Trajectory(times=np.array([0.0, 1, 1]), states=np.zeros((3, 1, 2)))
    with pytest.raises(InvalidValue, match="at least one phase"):
        Task(name="t", phases=[])


def test_euler_is_the_paper_s_equation_3(rng):
    from circuits.trajectories import _landscape

    chip = make_chip(tied_model("t", 5, 3, pixels=16), rng)
    images = np.asarray(chip.examples, float)
    landscape, role = _landscape(chip, "encode", images)
    one = euler(landscape, role, images, np.zeros((3, 8)), EulerSettings(step=0.1, length=0.1)).states[1]
    weights = chip.weights["tied"]
    state = np.hstack([images, np.zeros((3, 8))])
    signal = 1 / (1 + np.exp(-3 * state))
    expected = 0.9 * state + 0.1 * 3 * signal * (1 - signal) * (signal @ weights)
    assert one[:, 16:] == pytest.approx(expected[:, 16:], abs=1e-6)
