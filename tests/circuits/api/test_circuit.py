"""`circuits.Circuit`, `verify` and `area`: weights kept, states agreed by two sides, errors named."""

import numpy as np
import pytest

import circuits
import crossbar as xb
from crossbar.errors import EngineError, InvalidValue, UnknownName

BLOCKS = {"input": 2, "hidden": 3}


def weights(seed=0, symmetric=True):
    W = np.random.default_rng(seed).normal(0, 0.6, (5, 5))
    np.fill_diagonal(W, 0)
    return (W + W.T) / 2 if symmetric else W


def test_devices_hold_the_weights():
    W = weights(symmetric=False)
    c = circuits.Circuit.from_weights(W, BLOCKS, clamped={"input": [1, -1]}, g_min=2e-6, g_max=8e-5)
    plus, minus = c.conductances
    np.testing.assert_allclose(c.weights, W, rtol=0, atol=1e-12)
    off = ~np.eye(5, dtype=bool)
    assert min(plus[off].min(), minus[off].min()) == pytest.approx(2e-6)
    assert max(plus.max(), minus.max()) == pytest.approx(8e-5)
    assert c.n_memristors == 2 * 5 * 4
    assert circuits.Circuit.from_weights(weights(), clamped={0: 1.0}, symmetry="shared").n_memristors == 5 * 4


def test_a_layered_circuit_has_devices_between_its_layers_only():
    W = weights()
    W[:2, :2] = W[2:, 2:] = 0
    c = circuits.Circuit.from_weights(W, BLOCKS, clamped={"input": [1, -1]}, topology="layered")
    assert c.n_memristors == 2 * 2 * (2 * 3)
    np.testing.assert_allclose(c.weights, W, rtol=0, atol=1e-12)


def test_blocks_and_neurons_are_clamped_alike():
    one = circuits.Circuit.from_weights(weights(), clamped={0: 1.0, 1: -1.0}, start={2: 0.3})
    other = circuits.Circuit.from_weights(
        weights(), BLOCKS, clamped={"input": [1.0, -1.0]}, start={"hidden": [0.3, 0, 0]}
    )
    for name in ("clamped", "held", "start"):
        np.testing.assert_array_equal(getattr(one.posed, name), getattr(other.posed, name))
    assert one.posed.names[0] == "neuron_0"
    assert other.posed.names == ("input_0", "input_1", "hidden_0", "hidden_1", "hidden_2")


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("symmetric", [True, False])
def test_ngspice_and_crossbar_settle_alike(symmetric):
    """The other side never sees the circuit: the equilibrium of W itself, by `crossbar.settle`."""
    W = weights(3, symmetric)
    found = circuits.Circuit.from_weights(W, BLOCKS, clamped={"input": [1.0, -0.5]}, gain=2.5).settle("ngspice")
    rest = xb.settle(xb.HopfieldNetwork(W, BLOCKS, gain=2.5), clamp={"input": [1.0, -0.5]}, tolerance=1e-10)
    np.testing.assert_allclose(found.states["hidden"], rest.states["hidden"], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.states["input"], [1.0, -0.5])
    assert found.agrees
    assert found.neurons["hidden_1"] == found.states["hidden"][1]
    assert "agrees with crossbar" in repr(found)


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
def test_an_operating_point_agrees_too():
    c = circuits.Circuit.from_weights(weights(3), BLOCKS, clamped={"input": [1.0, -0.5]})
    tran, point = c.settle(), c.settle(analysis="op")
    assert (tran.analysis, point.analysis) == ("tran", "op")
    np.testing.assert_allclose(tran.states["hidden"], point.states["hidden"], atol=1e-6)
    assert point.agrees
    with pytest.raises(EngineError, match="VACASK"):
        c.settle(analysis="tran-op")


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
def test_a_netlist_is_written_where_it_was_asked(tmp_path):
    c = circuits.Circuit.from_weights(weights(), BLOCKS, clamped={"input": [1, -1]})
    path = c.write(tmp_path / "w.cir", dialect="ngspice")
    assert path == tmp_path / "w.cir"
    assert path.read_text().count("\nRp_") + path.read_text().count("\nXp_") == 20
    assert c.write(tmp_path / "v", dialect="vacask").exists()
    with pytest.raises(UnknownName, match="dialect"):
        c.write(tmp_path / "x", dialect="pspice")


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
def test_a_chip_is_a_circuit_in_each_role(small_chip):
    for role, held, free in (("decode", "latent", "pixels"), ("encode", "pixels", "latent")):
        found = circuits.Circuit.of_chip(small_chip, role=role, sample=1).settle()
        assert found.agrees
        assert found.states[free].size == dict(small_chip.networks["tied"].blocks)[free]
        assert f"held: {held}" in repr(circuits.Circuit.of_chip(small_chip, role))
    given = circuits.Circuit.of_chip(small_chip, values=[0.5, -0.5])
    np.testing.assert_array_equal(given.posed.held[-2:], [0.5, -0.5])


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
def test_a_verdict_is_true_where_both_sides_agree(small_chip, tmp_path):
    verdict = circuits.verify(small_chip, n_samples=1, role="encode")
    assert verdict
    assert verdict.max_abs_error <= verdict.tolerance
    assert "passed" in repr(verdict)
    path = small_chip.save(tmp_path / "chip.h5")
    assert circuits.verify(path, role="encode").blocks.keys() == verdict.blocks.keys()
    with pytest.raises(UnknownName, match="did you mean 'role'"):
        circuits.verify(small_chip, rolle="encode")


def test_area_of_models_chips_and_files(small_chip, tmp_path):
    model = circuits.area("tdh-vae", node=65, draws=100)
    assert model.total.low < model.total.typical < model.total.high
    assert sum(part.typical for part in model.components.values()) == pytest.approx(model.total.typical)
    assert model.n_memristors == 2 * 1686 * 1685
    chip = circuits.area(small_chip, draws=100)
    assert chip.n_neurons == 17
    assert circuits.area(small_chip.save(tmp_path / "chip.h5"), draws=100).total == chip.total
    assert circuits.area(small_chip, draws=100, tile=64).architecture.tile == 64
    assert "mm2" in repr(chip)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"W": np.ones((2, 3))}, "`W` must be a square"),
        ({"W": np.eye(3)}, "diagonal"),
        ({"W": np.full((2, 2), np.nan)}, "finite"),
        ({"W": [[0, 1j], [1j, 0]]}, "real"),
        ({"blocks": {"input": 2, "hidden": 2}}, "4 neurons in all, but W has 5"),
        ({"clamped": {"inputs": [1, 1]}}, "did you mean 'input'"),
        ({"clamped": {"input": [1.0]}}, "2 finite states"),
        ({"clamped": {7: 1.0}}, "from 0 to 4"),
        ({"clamped": {"input": [1, 1], "hidden": [1, 1, 1]}}, "at least one neuron must be free"),
        ({"topology": "layered"}, "couples nothing"),
        ({"topology": "ring"}, "`topology`"),
        ({"gain": 0}, "`gain`"),
        ({"device": "vteem"}, "did you mean 'vteam'"),
        ({"g_min": 1.0}, "`g_max` must exceed"),
        ({"W": weights(symmetric=False), "symmetry": "shared"}, "not symmetric"),
    ],
)
def test_wrong_circuits_are_named(words, said):
    given = {"W": weights(), "blocks": BLOCKS, **words}
    with pytest.raises((InvalidValue, UnknownName)) as raised:
        circuits.Circuit.from_weights(given.pop("W"), given.pop("blocks"), **given)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: circuits.area("tdh-vea"), "did you mean 'tdh-vae'"),
        (lambda: circuits.area("tdh-vae", node=45), "`node`"),
        (lambda: circuits.area("tdh-vae", sharing="all"), "sharing"),
        (lambda: circuits.area("tdh-vae", tiles=64), "did you mean 'tile'"),
        (lambda: circuits.area("tdh-vae", draws=0), "`draws`"),
    ],
)
def test_wrong_areas_are_named(call, said):
    with pytest.raises((InvalidValue, UnknownName)) as raised:
        call()
    assert said in str(raised.value)
