"""A Hopfield network as a layer of torch: its gradients, by both ways, and its way to a chip and back."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from crossbar.errors import InvalidValue, UnknownName  # noqa: E402 - after the extra
from crossbar.hopfield.mismatch import Spread  # noqa: E402
from crossbar.hopfield.neurons import Linear, Sigmoid  # noqa: E402
from hvae.torch import HopfieldLayer  # noqa: E402

pytestmark = pytest.mark.needs_jit

LAWS = [
    ("sigmoid",) * 3, ("sigmoid", "sigmoid", "linear"), ("linear", "sigmoid", "sigmoid"),
    ("sigmoid", "classical", "linear"),
]  # fmt: skip


def layer(**given):
    return HopfieldLayer(3, 5, 2, **{"dtype": torch.float64, **given})


def inputs(count=4, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 0.7, (count, 3))).requires_grad_()


@pytest.mark.parametrize("topology", ["dense", "layered"])
@pytest.mark.parametrize("laws", LAWS)
def test_the_states_rest_at_equation_3(laws, topology):
    one = layer(neurons=laws, topology=topology)
    x = inputs()
    states = one.states(x).detach().numpy()
    w = one.symmetric().detach().numpy()
    role = one.role
    rates = role.join(role.free_neurons.signals(states), role.held_neurons.signals(x.detach().numpy()))
    pull = (rates @ w)[:, 3:]
    force = role.free_neurons.forces(states, role.free_neurons.signals(states), pull)
    assert np.abs(force).max() < 1e-9
    assert one.settled.settled.all()


@pytest.mark.parametrize("topology", ["dense", "layered"])
@pytest.mark.parametrize("laws", LAWS)
def test_the_implicit_gradient_passes_gradcheck(laws, topology):
    one = layer(neurons=laws, topology=topology)

    def whole(weight, x):
        return torch.func.functional_call(one, {"weight": weight}, (x,))

    weight = one.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(whole, (weight, inputs()), eps=1e-6, atol=1e-6, rtol=1e-6)
    assert one.failed == 0


def gradients(one, x):
    x = x.detach().clone().requires_grad_()
    loss = (one(x) ** 2).sum() + one(x).sum()
    return torch.autograd.grad(loss, (one.weight, x))


@pytest.mark.parametrize("laws", LAWS[:2])
def test_equilibrium_propagation_follows_it_with_an_error_of_beta_squared(laws):
    exact = gradients(layer(neurons=laws), inputs())
    errors = []
    for beta in (0.2, 0.1, 0.05):
        found = gradients(layer(neurons=laws, backward="ep", beta=beta), inputs())
        errors.append([float((a - b).norm() / b.norm()) for a, b in zip(found, exact, strict=True)])
    assert max(errors[-1]) < 1e-2
    for first, second in pairwise(errors):
        assert all(3 < a / b < 5.5 for a, b in zip(first, second, strict=True))


def test_between_two_ordinary_layers_it_learns_by_either_way():
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(size=(64, 6)).astype(np.float32))
    y = (x[:, :1] + x[:, 1:2] > 0).float()
    for backward in ("implicit", "ep"):
        torch.manual_seed(0)
        middle = HopfieldLayer(4, 12, 4, backward=backward)
        model = torch.nn.Sequential(torch.nn.Linear(6, 4), middle, torch.nn.Linear(4, 1))
        optimizer = torch.optim.Adam(model.parameters(), 0.05)
        losses = []
        for _ in range(30):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
        assert losses[-1] < 0.5 * losses[0]


def test_a_layer_becomes_a_chip_and_the_chip_the_same_layer(tmp_path):
    one = layer(neurons=("sigmoid", "sigmoid", "linear"), gain=2.0)
    with torch.no_grad():
        one.weight += 0.05 * torch.randn(10, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    one.chip().save(tmp_path / "chip.h5")
    again = HopfieldLayer.from_chip(tmp_path / "chip.h5")
    assert again.network == one.network
    assert again.network.laws[2] == Linear()
    assert torch.equal(again.symmetric(), one.symmetric())
    assert torch.equal(again(inputs()), one(inputs()))


def test_neurons_that_a_layer_has_not_are_refused():
    chip = layer(neurons=("sigmoid", "sigmoid", "linear"), gain=2.0).chip()
    unlike = chip.with_neurons(Spread(gain=0.1), np.random.default_rng(0))
    network = replace(chip.networks["tied"], neurons=(Sigmoid(2.0), Sigmoid(3.0), Linear()))
    mixed = replace(chip, networks={"tied": network})
    for other in (unlike, chip.with_limit(4.0), mixed):
        with pytest.raises(InvalidValue, match="perfect and of one gain"):
            HopfieldLayer.from_chip(other)


def test_a_state_dict_holds_the_weights_alone(tmp_path):
    one, other = layer(), layer(seed=1)
    torch.save(one.state_dict(), tmp_path / "w.pt")
    other.load_state_dict(torch.load(tmp_path / "w.pt", weights_only=True))
    assert list(one.state_dict()) == ["weight"]
    assert torch.equal(other(inputs()), one(inputs()))


def test_any_leading_shape_is_taken_and_wrong_ones_are_told():
    one = layer()
    assert one(torch.zeros(2, 5, 3, dtype=torch.float64)).shape == (2, 5, 2)
    with pytest.raises(InvalidValue, match=r"must be \(\.\.\., 3\), but got \(4, 2\)"):
        one(torch.zeros(4, 2, dtype=torch.float64))
    with pytest.raises(InvalidValue, match=r"must be torch\.float64"):
        one(torch.zeros(4, 3))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"backward": "backprop"}, UnknownName), ({"dtype": torch.float16}, InvalidValue),
        ({"neurons": ("sigmoid",)}, InvalidValue), ({"neurons": ("cubic",) * 3}, UnknownName),
        ({"beta": 0.0}, InvalidValue), ({"topology": "ring"}, InvalidValue),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(given, error):
    with pytest.raises(error):
        layer(**given)


def test_what_does_not_settle_is_told():
    one = layer(max_sweeps=2)
    one(inputs())
    assert not one.settled.settled.all()
