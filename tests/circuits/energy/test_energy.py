"""Energy and latency: settle times, charge and dissipation in closed form, joules by hand, orders of magnitude."""

import re
import subprocess

import numpy as np
import pytest

from circuits.area.architecture import Architecture
from circuits.area.estimate import scenario
from circuits.area.networks import chip_model, paper_model, tied_model, untied_model
from circuits.area.technology import load_technology
from circuits.circuit.circuit import build
from circuits.circuit.memristor_array import program
from circuits.dialects.spice import pieces
from circuits.energy.cost import (
    PARTS,
    Phase,
    Task,
    _pick,
    array_dissipation,
    cost,
    crossbar_energy,
    dissipation,
    energy_drivers,
    energy_parts,
    latency,
    settling_power,
)
from circuits.energy.relaxation import (
    Loads,
    Relaxation,
    Siemens,
    device_loads,
    line_integrals,
    pair_loads,
    reference_loads,
    relaxation_of,
    settle_times,
)
from circuits.energy.settings import netlist_point
from circuits.energy.tasks import assumed_tasks, measured_tasks, network_loads
from circuits.energy.trajectories import EulerSettings, _landscape, simulate
from crossbar.chip import Chip, Conductances
from crossbar.devices.mapping import mapping_for
from crossbar.errors import DivergedError, InvalidValue, UnknownName
from crossbar.hopfield.mismatch import Spread
from crossbar.hopfield.neurons import Classical, Linear, Sigmoid
from crossbar.hopfield.population import Population
from crossbar.hopfield.settling import Euler
from crossbar.hopfield.trajectory import Trajectory, follow
from tests.circuits.conftest import chip_of_laws, strong_chip

TECHNOLOGY = load_technology()
TYPICAL = TECHNOLOGY.values("typical")
SHORT = EulerSettings(length=30.0)
SIGMOIDS = Population((Sigmoid(),), (3,))


def neurons_of(chip):
    network = chip.networks["tied"]
    return network.population(network.names)


def joules(value, rel=1e-9):
    """Equal to `value` up to a relative error alone: pytest's absolute one, 1e-12, is as large as an energy here."""
    return pytest.approx(value, rel=rel, abs=0)


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
    until = np.array([10.0, 4.0])
    assert line_integrals(trajectory, until, SIGMOIDS, power=2) == pytest.approx(np.array([[2.5] * 3, [1.0] * 3]))
    assert line_integrals(trajectory, until, SIGMOIDS, power=1) == pytest.approx(np.array([[5.0] * 3, [2.0] * 3]))


def test_the_supply_delivers_vdd_times_current_and_the_devices_dissipate_g_v_squared():
    line = Siemens(base=np.zeros(1), weight=np.zeros(1), devices=np.array([2e-6]))
    loads = Loads(lines=line, total=line.map(np.sum), n_devices=1)
    phase = Phase(relaxation=relaxation_of(held(np.zeros((1, 1))), Population((Sigmoid(),), (1,)), loads), n_neurons=1)
    settle = phase.relaxation.settle[0]  # every signal is 1/2
    tau, volts, supply = (float(TYPICAL[name]) for name in ("time_constant", "read_voltage", "supply_voltage"))
    charge = 2e-6 * volts / 2 * settle * tau
    assert crossbar_energy(phase, TYPICAL, None) == joules(supply * charge, rel=1e-3)
    assert array_dissipation(phase, TYPICAL, None) == joules(volts / 2 * charge, rel=1e-3)


def value(siemens, g_min, g_max):
    return g_min * siemens.base + (g_max - g_min) * siemens.weight + siemens.devices


@pytest.mark.parametrize("layout", ["full", "half"])
def test_loads_of_weights_and_of_the_devices_that_hold_them_agree(rng, layout):
    weights = rng.normal(size=(6, 6))
    weights = np.triu(weights, 1) + np.triu(weights, 1).T
    mask = ~np.eye(6, dtype=bool)
    g_min, g_max = 1e-6, 1e-4
    scale = (g_max - g_min) / np.abs(weights).max()
    plus, minus = (np.where(mask, g_min + scale * np.maximum(sign * weights, 0), 0) for sign in (1, -1))
    ideal, real = pair_loads(weights, mask, layout), device_loads(plus, minus, mask, layout)
    assert value(ideal.lines, g_min, g_max) == pytest.approx(real.lines.devices)
    devices = (plus + minus).sum() / (2 if layout == "half" else 1)
    assert value(ideal.total, g_min, g_max) == pytest.approx(devices)
    assert value(ideal.total, g_min, g_max) == pytest.approx(real.total.devices)
    assert ideal.n_devices == real.n_devices == (30 if layout == "half" else 60)
    if layout == "half":
        assert value(ideal.between, g_min, g_max) == pytest.approx(plus - minus)
        assert value(ideal.between, g_min, g_max) == pytest.approx(real.between.devices)


def test_loads_against_references_are_those_of_the_devices_that_hold_the_weights(rng):
    weights = rng.normal(size=(6, 6))
    weights = np.triu(weights, 1) + np.triu(weights, 1).T
    mask, references = ~np.eye(6, dtype=bool), np.array([2, 2, 2, 1, 1, 1])
    g_min, g_max = 1e-6, 1e-4
    single = mapping_for("reference", g_min=g_min, g_max=g_max, weight_limit=float(np.abs(weights).max()))
    real = np.where(mask, single.siemens(weights), 0.0).sum(axis=1) + single.origin * references
    found = reference_loads(weights, mask, references, "full")
    assert value(found.lines, g_min, g_max) == pytest.approx(real)
    assert value(found.total, g_min, g_max) == pytest.approx(real.sum())
    assert found.n_devices == 30 + 9


def held(states):
    """A trajectory that stands at `states` (batch, n) for one time constant and is gone in an instant."""
    times = np.array([0.0, 1.0, 1.0 + 1e-12])
    return Trajectory(times=times, states=np.stack([states, states, states + 1.0]))


@pytest.mark.parametrize("idle", ["on", "off"])
@pytest.mark.parametrize("layout", ["full", "half"])
@pytest.mark.parametrize("laws", [{}, {"hidden": Classical(2.0), "latent": Linear()}])
def test_dissipation_is_what_kirchhoff_finds_in_the_exported_cards(layout, idle, laws):
    # The netlist of the half layout: G+ between p_i and p_j, G- between p_i and n_j, p at v rho and n at -v rho; of the
    # full one: from p_j to bit lines at 0 V. Every card's (V_a - V_b)^2 / R, added up, is what the array dissipates.
    chip = chip_of_laws(**laws) if laws else strong_chip()
    array = program(chip, "tied", symmetry={"full": "two-device", "half": "shared"}[layout], g_min=5e-6, g_max=5e-5)
    circuit = build(chip, "encode", chip.examples[0], array)
    if idle == "off":
        circuit = build(chip, "encode", chip.examples[0], array.acting(circuit.clamped))
    states = np.random.default_rng(3).normal(size=chip.networks["tied"].size)
    signals = 1 / (1 + np.exp(-3 * states))
    if laws:
        states[15:] *= 3
        signals[9:15], signals[15:] = 1 / (1 + np.exp(-2 * states[9:15])), states[15:]
        assert signals.min() < -0.5
    volts = float(TYPICAL["read_voltage"]) * signals
    potential = {"0": 0.0}
    for name, volt in zip(circuit.names, volts, strict=True):
        potential |= {f"p_{name}": volt, f"n_{name}": -volt, f"qp_{name}": 0.0, f"qn_{name}": 0.0}
    watts, leaving = 0.0, dict.fromkeys(potential, 0.0)
    for _, one, other, ohm in re.findall(r"^R([pn])_\S+ (\S+) (\S+) (\S+)$", "".join(pieces(circuit)), re.M):
        current = (potential[one] - potential[other]) / float(ohm)
        watts += current * (potential[one] - potential[other])
        leaving[one] += current
        leaving[other] -= current
    architecture = Architecture(layout=layout)
    plan = chip_model(chip).plans[0]
    loads = network_loads(chip.weights["tied"], None, plan, "encode", architecture, idle)
    phase = Phase(relaxation=relaxation_of(held(states[None, :]), neurons_of(chip), loads), n_neurons=0)
    scale = float(TYPICAL["time_constant"])
    assert array_dissipation(phase, TYPICAL, None) == joules(watts * scale)
    if laws and layout == "half":
        return
    currents = [current for rail, current in leaving.items() if rail[0] in "pn"]
    from_supply = sum(abs(current) if laws else max(current, 0.0) for current in currents)
    charged = float(crossbar_energy(phase, TYPICAL, None)) / (scale * float(TYPICAL["supply_voltage"]))
    if layout == "full":
        assert charged == joules(from_supply)
    else:  # an upper bound: what one line takes up from another is not credited
        assert from_supply < charged < 2.5 * from_supply


@pytest.mark.parametrize("layout", ["full", "half"])
def test_lines_with_gains_are_driven_at_them(layout):
    # Ohm's law over every device: full, d_j v rho_j to 0 V; half, G+ from there to d_i v rho_i, G- to its opposite.
    chip, rng = strong_chip(), np.random.default_rng(5)
    size, mask = chip.networks["tied"].size, chip.networks["tied"].mask()
    plus, minus = (np.where(mask, rng.uniform(1e-6, 1e-4, mask.shape), 0) for _ in range(2))
    plus, minus = (plus + plus.T) / 2, (minus + minus.T) / 2
    gains, states = rng.uniform(0.2, 1, size), rng.normal(size=size)
    driven = gains / (1 + np.exp(-3 * states))
    volts = float(TYPICAL["read_voltage"]) * driven
    if layout == "full":
        watts = float(volts**2 @ (plus + minus).sum(axis=1))
    else:
        apart, opposite = volts[:, None] - volts, volts[:, None] + volts
        watts = float((plus * apart**2 + minus * opposite**2).sum()) / 2
    loads = device_loads(plus, minus, mask, layout)
    found = relaxation_of(held(states[None, :]), neurons_of(chip), loads, gains)
    phase = Phase(relaxation=found, n_neurons=0)
    assert array_dissipation(phase, TYPICAL, None) == joules(watts * float(TYPICAL["time_constant"]))


@pytest.mark.usefixtures("needs_ngspice")
def test_dissipation_of_the_half_layout_is_what_ngspice_measures_at_the_drivers(tmp_path):
    # Everything that the drivers of both rails put into the array while it settles, sum v i, integrated on 1 nF.
    chip, point = strong_chip(), netlist_point(TECHNOLOGY)
    array = program(chip, "tied", symmetry="shared", g_min=1e-6, g_max=1e-4)
    circuit = build(chip, "encode", chip.examples[0], array)
    landscape, role = _landscape(chip, "encode", np.asarray(chip.examples[:1], float))
    start = np.zeros((1, role.n_free))
    trajectory = follow(landscape, chip.examples[:1], start, step=0.02, length=8.0)
    loads = network_loads(
        chip.weights["tied"], None, chip_model(chip).plans[0], "encode", Architecture(layout="half"), "on"
    )
    relaxation = relaxation_of(trajectory, neurons_of(chip), loads)
    seconds = float(relaxation.settle[0] * point["time_constant"])
    power = "+".join(f"v({rail}_{name})*i(v.xdriver_{name}.v{rail})" for name in circuit.names for rail in "pn")
    text = re.sub(r"^\.(save|meas|tran|end\b).*\n", "", "".join(pieces(circuit)), flags=re.M)
    text += f"Bpower 0 joule I={power}\nCjoule joule 0 1n ic=0\n.tran 10n {seconds} uic\n"
    (tmp_path / "half.cir").write_text(text + f".meas tran joule find v(joule) at={seconds}\n.end\n")
    done = subprocess.run(
        ["ngspice", "-n", "-b", str(tmp_path / "half.cir")], check=False, capture_output=True, text=True, timeout=60
    )
    measured = 1e-9 * float(re.search(r"^joule\s*=\s*(\S+)", done.stdout, re.M)[1])
    phase = Phase(relaxation=relaxation, n_neurons=0)
    assert array_dissipation(phase, point, None) == joules(measured, rel=5e-3)


@pytest.mark.parametrize("kind", [tied_model, untied_model])
@pytest.mark.parametrize("weights", ["pair", "reference"])
@pytest.mark.parametrize("layout", ["full", "half"])
def test_loads_count_the_devices_of_the_inventory(kind, weights, layout):
    model = kind("t", 12, 4, pixels=16)
    architecture = Architecture(tile=8, weights=weights, layout=layout)
    for role in ("encode", "decode"):
        plan = next(plan for plan in model.plans if role in plan.roles)
        size = plan.network.size
        loads = network_loads(np.zeros((size, size)), None, plan, role, architecture, "on")
        if (weights, layout) != ("reference", "half"):  # there each line keeps the references of the full layout
            assert loads.n_devices == loads.total.base == plan.tiles(architecture).n_memristors
        assert loads.total.weight == architecture.rest_level * loads.total.base


def test_the_half_layout_of_a_tied_chip_draws_what_the_full_one_draws_and_writes_half():
    # All weights zero: G+ = G-, and (v_i - v_j)^2 + (v_i + v_j)^2 = 2 (v_i^2 + v_j^2).
    full, half = (assumed_tasks(paper_model("tdh-vae"), Architecture(layout=layout)) for layout in ("full", "half"))
    energies = [energy_parts(tasks["train"], TYPICAL) for tasks in (full, half)]
    assert energies[0]["crossbars"] == pytest.approx(energies[1]["crossbars"])
    assert dissipation(full["train"], TYPICAL) == pytest.approx(dissipation(half["train"], TYPICAL))
    assert energies[0]["pulses"] == pytest.approx(2 * energies[1]["pulses"])


def test_trajectories_end_where_the_simulators_own_scheme_ends(rng):
    chip = make_chip(tied_model("t", 12, 4, pixels=16), rng)
    phases = simulate(chip, np.asarray(chip.examples, float), SHORT, rng)
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


def test_joules_and_seconds_of_a_tiny_chip_by_hand():
    # 2 pixels, 1 hidden, 1 latent, tied and dense: 4 neurons, 24 devices of 5 uS at 0.2 V from 1.2 V; 20 time constants
    # of 100 ns a phase, six phases. Signals are even: mean 1/2, mean square 1/3.
    tasks = assumed_tasks(tied_model("t", 1, 1, pixels=2), Architecture())
    parts = energy_parts(tasks["train"], TYPICAL)
    assert parts["crossbars"] == joules(6 * 1.2 * 0.2 * (24 * 5e-6 / 2) * 2e-6)
    assert parts["crossbars"] == joules(1.728e-10)
    assert dissipation(tasks["train"], TYPICAL) == joules(6 * 0.2**2 * (24 * 5e-6 / 3) * 2e-6)
    stages = 0.1 * 1.2 * (2 * 24 * 0.2 * 5e-6)  # a tenth of the largest current, at both ends of every device
    assert parts["buffers"] == joules(6 * (4 * 1e-5 + stages) * 2e-6)
    assert parts["buffers"] == joules(5.4912e-10)
    assert parts["neurons"] == joules(6 * 4 * 4e-5 * 2e-6)
    assert parts["neurons"] == joules(1.92e-9)
    assert parts["dacs"] == joules((2 + 1 + 2 + 1) * 2e-12)
    assert parts["dacs"] == joules(1.2e-11)
    # The codes of the free encoder, then every neuron twice in each of both roles: nudged up and down.
    assert parts["adcs"] == joules((1 + 4 * 4) * 1.4e-12)
    assert parts["adcs"] == joules(2.38e-11)
    assert parts["pulses"] == joules(24 * 5e-6 * 2.0**2 * 1e-7)
    assert parts["pulses"] == joules(4.8e-11)
    assert sum(parts.values()) == joules(2.72572e-9)
    assert latency(tasks["train"], TYPICAL) == joules(6 * 2e-6 + (6 + 17) * 1e-7 + 256 * 1e-7)
    assert settling_power(tasks["train"], TYPICAL) == joules((1.728e-10 + 5.4912e-10 + 1.92e-9) / 12e-6)
    one = {name: float(sum(energy_parts(tasks[name], TYPICAL).values())) for name in ("encode", "generate")}
    settling = (1.728e-10 + 5.4912e-10 + 1.92e-9) / 6
    assert one["encode"] == joules(settling + 2 * 2e-12 + 1 * 1.4e-12)
    assert one["generate"] == joules(settling + 1 * 2e-12 + 2 * 1.4e-12)


def test_pulses_are_charged_over_the_conductance_that_they_see(rng):
    # G V^2 t of every device where it is: G+ + G- of a pair is 2 g_min + (g_max - g_min) |w| / max |w|.
    model = tied_model("t", 12, 4, pixels=16)
    weights = None
    for programmed in (False, True):
        chip = make_chip(model, rng, programmed=programmed)
        phases = simulate(chip, np.asarray(chip.examples, float), SHORT, rng)
        pulses = energy_parts(measured_tasks(model, chip, phases, Architecture())["train"], TYPICAL)["pulses"]
        if programmed:
            siemens = (chip.conductances["tied"].plus + chip.conductances["tied"].minus).sum()
        else:
            weights = np.abs(chip.weights["tied"])
            siemens = 2 * 5e-6 * 32 * 31 + 45e-6 * weights.sum() / weights.max()
        assert pulses == joules(siemens * 2.0**2 * 1e-7)


def test_powers_of_the_research_note():
    # At 5 uS and 0.2 V its devices dissipate 379 mW in the TDH-VAE; from 1.2 V the same current takes nine times that
    # (mean rho 1/2 against mean square 1/3: 1.2 / 0.2 x 3 / 2).
    tasks = assumed_tasks(paper_model("tdh-vae"), Architecture())
    settle = 20 * 1e-7
    devices = dissipation(tasks["encode"], TYPICAL) / settle
    assert devices == pytest.approx(0.379, rel=0.01)
    assert energy_parts(tasks["encode"], TYPICAL)["crossbars"] / settle == pytest.approx(9 * devices)
    for name, encode, generate in (("h-vae", 0.217, 0.397), ("dh-vae", 0.589, 0.837)):
        tasks = assumed_tasks(paper_model(name), Architecture())
        for task, watts in (("encode", encode), ("generate", generate)):
            assert dissipation(tasks[task], TYPICAL) / settle == pytest.approx(watts, rel=0.01)


@pytest.mark.parametrize(("idle", "expected"), [("on", 1.36), ("off", 1.05)])
def test_tying_costs_energy_for_a_round_trip_at_equal_hidden_size(idle, expected):
    def round_trip(model):
        tasks = assumed_tasks(model, Architecture(), idle=idle)
        return sum(float(sum(energy_parts(tasks[name], TYPICAL).values())) for name in ("encode", "generate"))

    ratio = round_trip(tied_model("t", 833, 69)) / round_trip(untied_model("u", 833, 25))
    assert ratio == pytest.approx(expected, abs=0.01)


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
        assert 0 < found.dissipated.typical < found.parts["crossbars"].typical
        names = [swing.parameter for swing in energy_drivers(task, TECHNOLOGY)]
        assert "time_constant" in names
    sources = (tasks["encode"].phases[0].relaxation.drawn.devices > 0).all()
    assert sources == programmed  # its own conductances, or those of the technology


def test_training_takes_six_settlings_and_writes_every_device(rng):
    model = untied_model("u", 12, 4, pixels=16)
    tasks = assumed_tasks(model, Architecture())
    assert len(tasks["train"].phases) == 6
    assert tasks["train"].written.base == sum(plan.tiles(Architecture()).n_memristors for plan in model.plans)
    assert energy_parts(tasks["encode"], TYPICAL)["pulses"] == 0 < energy_parts(tasks["train"], TYPICAL)["pulses"]


def test_idle_columns_and_neurons_of_clamped_lines_can_be_off(rng):
    model = tied_model("t", 12, 4, pixels=16)
    chip = make_chip(model, rng)
    phases = simulate(chip, np.asarray(chip.examples, float), SHORT, rng)
    on, off = (measured_tasks(model, chip, phases, Architecture(), idle=idle) for idle in ("on", "off"))
    for task, free in (("encode", 16), ("generate", 28)):
        assert [tasks[task].phases[0].n_neurons for tasks in (on, off)] == [32, free]
    parts = [energy_parts(tasks["encode"], TYPICAL) for tasks in (on, off)]
    assert parts[1]["crossbars"] < parts[0]["crossbars"]
    assert parts[1]["buffers"] < parts[0]["buffers"]
    assert parts[1]["neurons"] == pytest.approx(parts[0]["neurons"] / 2)
    assert energy_parts(off["train"], TYPICAL)["pulses"] == energy_parts(on["train"], TYPICAL)["pulses"]
    with pytest.raises(UnknownName, match="idle"):
        assumed_tasks(model, Architecture(), idle="of")


def test_lines_take_turns_at_their_converters():
    nothing = Siemens(base=np.zeros(1), weight=np.zeros(1), devices=np.zeros(1))
    rest = Relaxation(settle=np.zeros(1), drawn=nothing, dissipated=nothing)
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
    chip = make_chip(tied_model("t", 5, 3, pixels=16), rng)
    images = np.asarray(chip.examples, float)
    landscape, _ = _landscape(chip, "encode", images)
    one = follow(landscape, images, np.zeros((3, 8)), step=0.1, length=0.1).states[1]
    weights = chip.weights["tied"]
    state = np.hstack([images, np.zeros((3, 8))])
    signal = 1 / (1 + np.exp(-3 * state))
    expected = 0.9 * state + 0.1 * 3 * signal * (1 - signal) * (signal @ weights)
    assert one[:, 16:] == pytest.approx(expected[:, 16:], abs=1e-6)


def test_a_drawn_image_is_one_of_those_that_were_simulated():
    values = np.array([3.0, 5.0, 7.0])
    drawn = np.array([0.0, 0.32, 0.34, 0.66, 0.67, 0.999])
    assert _pick(values, drawn).tolist() == [3, 3, 5, 5, 7, 7]
    assert _pick(values, None) == 5


def test_lines_of_neurons_that_are_not_alike_deliver_what_these_drive(rng):
    chip = chip_of_laws(latent=Linear()).with_neurons(Spread(gain=0.2, offset=0.1, leak=0.2), rng)
    network, own = chip.networks["tied"], chip.networks["tied"].mismatch
    states = rng.standard_normal(18)
    held = Trajectory(times=np.array([0.0, 2.0]), states=np.stack([states, states])[:, None, :])
    x = own.gain * (states - own.offset)
    expected = np.concatenate([1 / (1 + np.exp(-3 * x[:15])), np.abs(x[15:])])
    found = line_integrals(held, np.array([2.0]), network.population(network.names), 1)
    np.testing.assert_allclose(found[0], 2 * expected, rtol=1e-12)
    simulated = simulate(chip, np.asarray(chip.examples), SHORT, rng)
    tasks = measured_tasks(chip_model(chip), chip, simulated, Architecture())
    assert all(0 < sum(energy_parts(task, TYPICAL).values()) < 1 for task in tasks.values())
