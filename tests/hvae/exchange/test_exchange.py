"""Weights from elsewhere to a chip that everything takes, and from a chip to elsewhere and back, to the last bit."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

from circuits.commands.netlist import verify
from crossbar.chip import Chip, load_chip
from crossbar.errors import CorruptFile, ExistingFile, HopbarError, InvalidValue, MissingFile, UnknownName
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.mismatch import Spread
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Linear, Sigmoid
from crossbar.readout import Readout
from hvae.commands.exchange import export_command, import_command
from hvae.commands.train import evaluate
from hvae.exchange import chips, files, fitting
from hvae.exchange.files import Arrays

BLOCKS = (("pixels", 9), ("hidden", 7), ("latent", 3))
NET = Network(BLOCKS)
GIVEN = "pixels=9,hidden=7,latent=3"
RNG = np.random.default_rng(5)
W = random_weights(NET, RNG, np.float64)


def call(command, *arguments):
    done = CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def save(folder, kind, named):
    path = folder / f"w{kind}"
    if kind == ".npz":
        np.savez(path, **named)
    elif kind == ".npy":
        np.save(path, next(iter(named.values())))
    elif kind == ".csv":
        np.savetxt(path, next(iter(named.values())), "%.17g", ";")
    elif kind == ".safetensors":
        save_file({name: np.ascontiguousarray(one) for name, one in named.items()}, path)
    else:
        torch = pytest.importorskip("torch")
        torch.save({name: torch.from_numpy(one) for name, one in named.items()}, path)
    return path


@pytest.mark.parametrize("kind", [".npz", ".npy", ".csv", ".safetensors", ".pt"])
def test_a_matrix_of_any_kind_of_file_becomes_a_chip(kind, tmp_path):
    out = tmp_path / "chip.h5"
    done = call(import_command, save(tmp_path, kind, {"W": W}), "--blocks", GIVEN, "--out", out, "--json")
    chip = load_chip(out)
    np.testing.assert_array_equal(chip.weights["tied"], W)
    assert chip.networks["tied"] == NET
    assert chip.image_shape == (3, 3)
    assert json.loads(done.stdout)["networks"]["tied"]["misfit"]["asymmetry"] == 0


@pytest.mark.needs_jit
def test_an_imported_chip_is_scored_and_verified(tmp_path):
    net = Network((("pixels", 49), ("hidden", 8), ("latent", 2)), neurons=(Sigmoid(), Sigmoid(), Linear()))
    weights = 0.3 * random_weights(net, RNG)
    path, out = save(tmp_path, ".npz", {"a": weights}), tmp_path / "chip.h5"
    words = ("--blocks", "pixels=49,hidden=8,latent=2", "--neurons", "latent=linear", "--dataset", "mnist-5k")
    call(import_command, path, *words, "--out", out)
    scores = json.loads(call(evaluate, out, "--n", 40, "--yardstick", "none", "--json").stdout)
    assert scores["features"].startswith("mnist-cnn128")
    assert scores["sse_half"] > 0
    if shutil.which("ngspice"):
        found = json.loads(call(verify, out, "--engine", "ngspice", "--json").stdout)
        assert found["passed"]
        assert found["max_abs_error"] < 1e-6


def test_what_does_not_fit_is_refused_and_left_out_by_force(tmp_path):
    bad = W.copy()
    bad[0, 1] += 0.5
    bad[4, 4] = 0.25
    path, out = save(tmp_path, ".npz", {"W": bad}), tmp_path / "chip.h5"
    done = CliRunner().invoke(import_command, [str(path), "--blocks", GIVEN, "--out", str(out)])
    assert isinstance(done.exception, InvalidValue)
    assert "not symmetric" in str(done.exception)
    assert "couple with themselves, by up to 0.25" in str(done.exception)
    assert not out.exists()
    told = call(import_command, path, "--blocks", GIVEN, "--out", out, "--force").stdout
    assert "left out: neurons couple with themselves" in told
    wanted = (bad + bad.T) / 2
    np.fill_diagonal(wanted, 0)
    np.testing.assert_allclose(load_chip(out).weights["tied"], wanted, atol=1e-15)


def test_the_misfit_is_what_it_says():
    layered_net = Network(BLOCKS, "layered")
    weights, misfit = fitting.fitted(W, layered_net, limit=0.2, force=True)
    mask = layered_net.mask()
    assert misfit.astray == np.abs(W[~mask]).max()
    assert misfit.beyond == np.count_nonzero(np.abs(np.triu(W * mask)) > 0.2)
    np.testing.assert_array_equal(weights, np.clip(W * mask, -0.2, 0.2))
    skew = np.triu(np.ones((19, 19)), 1)
    assert fitting.fitted(skew - skew.T, NET, force=True)[1].asymmetry == pytest.approx(1)
    nearly = W * (1 + 1e-9 * RNG.standard_normal(W.shape))
    mended, misfit = fitting.fitted(nearly, NET)
    assert misfit.told() == []
    np.testing.assert_array_equal(mended, mended.T)


@pytest.mark.parametrize("turned", [False, True])
def test_layers_of_other_libraries_become_a_layered_chip(turned, tmp_path):
    first, second = RNG.normal(size=(9, 7)), RNG.normal(size=(7, 3))
    named = {"layers.1.weight": second.T if turned else second, "layers.0.weight": first.T if turned else first}
    named["layers.0.bias"] = np.zeros(7)
    order = "layers.0.weight,layers.1.weight"
    words = ("--blocks", GIVEN, "--topology", "layered", "--arrays", order)
    call(import_command, save(tmp_path, ".safetensors", named), *words, "--out", tmp_path / "chip.h5")
    chip = load_chip(tmp_path / "chip.h5")
    assert chip.networks["tied"].topology == "layered"
    np.testing.assert_array_equal(chip.weights["tied"][:9, 9:16], first)
    np.testing.assert_array_equal(chip.weights["tied"][16:, 9:16], second.T)


def test_untied_models_have_an_encoder_and_a_decoder(tmp_path):
    wide = Network((("pixels", 9), ("hidden", 7), ("latent", 6)))
    named = {"decoder": W, "encoder": random_weights(wide, RNG)}
    path = save(tmp_path, ".npz", named)
    call(import_command, path, "--blocks", GIVEN, "--model", "dh-vae", "--out", tmp_path / "chip.h5")
    chip = load_chip(tmp_path / "chip.h5")
    for name, matrix in named.items():
        np.testing.assert_array_equal(chip.weights[name], matrix)
    assert chip.sigma is None


def test_measured_conductances_are_taken_with_their_unit(tmp_path):
    plus, minus = np.maximum(W, 0) * 20 + 1 * NET.mask(), np.maximum(-W, 0) * 20 + 1 * NET.mask()
    path = save(tmp_path, ".npz", {"G_minus": minus, "G_plus": plus})
    words = ("--blocks", GIVEN, "--unit", "uS", "--siemens-per-weight", 2e-5, "--out", tmp_path / "chip.h5")
    call(import_command, path, *words)
    chip = load_chip(tmp_path / "chip.h5")
    np.testing.assert_allclose(chip.conductances["tied"].plus, plus * 1e-6, rtol=1e-15)
    np.testing.assert_allclose(chip.effective_weights("tied"), W, atol=1e-14)


def a_chip(kind):
    rng = np.random.default_rng(1)
    networks = {"tied": Network(BLOCKS, neurons=(Sigmoid(2.0), Sigmoid(2.0), Linear()))}
    weights = {"tied": random_weights(networks["tied"], rng)}
    given = {"examples": rng.uniform(-1, 1, (3, 9)).astype(np.float32), "provenance": {"step": "7"}, "sigma": 0.25}
    chip = Chip(model="tdh-vae", networks=networks, weights=weights, image_shape=(3, 3), **given)
    if kind == "neurons":
        return chip.with_neurons(Spread(gain=0.1, offset=0.05, leak=0.1, pull=0.2), rng)
    if kind == "supplied":
        return chip.with_limit(4.0)
    if kind == "programmed":
        from crossbar.arrays.config import ArrayConfig
        from crossbar.programming.chip import program_chip
        from crossbar.programming.write_verify import WriteVerify

        return program_chip(chip, ArrayConfig(device=None), WriteVerify(), rng)[0]
    if kind == "untied":
        wide = Network((("pixels", 9), ("hidden", 7), ("latent", 6)))
        networks = {"encoder": wide, "decoder": NET}
        weights = {name: random_weights(network, rng) for name, network in networks.items()}
        return Chip(model="dh-vae", networks=networks, weights=weights, image_shape=(3, 3), examples=given["examples"])
    return replace(chip, sigma=rng.uniform(0.1, 1, 3)) if kind == "sigmas" else chip


@pytest.mark.needs_jit
@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".csv"])
@pytest.mark.parametrize("kind", ["plain", "sigmas", "neurons", "supplied", "programmed", "untied"])
def test_out_and_in_again_is_the_same_chip_to_the_last_bit(kind, suffix, tmp_path):
    chip = a_chip(kind)
    chip.save(tmp_path / "chip.h5")
    path = tmp_path / f"out{suffix}"
    if kind == "untied" and suffix == ".csv":
        with pytest.raises(InvalidValue, match="holds one matrix, but there are encoder, decoder"):
            files.write(path, chips.exported(chip))
        return
    call(export_command, tmp_path / "chip.h5", "--out", path)
    call(import_command, path, "--out", tmp_path / "again.h5")
    again = load_chip(tmp_path / "again.h5")
    assert again.networks == chip.networks
    assert (again.model, again.image_shape, again.provenance) == (chip.model, chip.image_shape, chip.provenance)
    pairs = [(again.weights[name], chip.weights[name]) for name in chip.weights] + [(again.examples, chip.examples)]
    pairs.append((np.asarray(again.sigma, float), np.asarray(chip.sigma, float)))
    for name, devices in chip.conductances.items():
        own = again.conductances[name]
        pairs += [(own.plus, devices.plus), (own.minus, devices.minus)]
        assert (own.siemens_per_weight, own.device) == (devices.siemens_per_weight, devices.device)
        assert own.report == devices.report
    for name, network in chip.networks.items():
        if network.mismatch is not None:
            both = (again.networks[name].mismatch, network.mismatch)
            pairs += [tuple(getattr(one, kind) for one in both) for kind in ("gain", "offset", "leak", "pull")]
    for one, other in pairs:
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def bad_bytes(name, content):
    def write(folder):
        (folder / name).write_bytes(content)
        return folder / name

    return write


def bad_matrix(matrix):
    return lambda folder: save(folder, ".npz", {"W": matrix})


def pickled(folder):
    np.save(folder / "w.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return folder / "w.npy"


def packed_anyhow(folder):
    """Write an npz whose member says that it is packed by a method that there is not."""
    path = save(folder, ".npz", {"W": np.zeros((19, 19))})
    content = path.read_bytes()
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = content.index(mark) + place
        content = content[:at] + b"\x63\x00" + content[at + 2 :]
    path.write_bytes(content)
    return path


def code_in_a_state_dict(folder):
    torch = pytest.importorskip("torch")
    torch.save({"W": Harm()}, folder / "w.pt")
    return folder / "w.pt"


class Harm:
    """What would run a command where a file is unpickled."""

    def __reduce__(self):
        import os

        return os.system, ("touch /tmp/hopbar-was-here",)


BAD = {
    "none": (lambda folder: folder / "w.npz", MissingFile, "no file of weights"),
    "suffix": (bad_bytes("w.pkl", b"x"), InvalidValue, "must end in"),
    "empty": (bad_bytes("w.npz", b""), CorruptFile, r"no \.npz file"),
    "text in csv": (bad_bytes("w.csv", b"a,b\n1,2\n"), CorruptFile, "no table of numbers"),
    "ragged csv": (bad_bytes("w.csv", b"1,2\n1\n"), CorruptFile, "different numbers of columns"),
    "others in csv": (bad_bytes("w.csv", b'# hopbar {"others": 3}\n1,2\n'), CorruptFile, "no table of numbers"),
    "kinds in csv": (bad_bytes("w.csv", b'# hopbar {"others": {"a": ["x", 1]}}\n1\n'), CorruptFile, "no table of numb"),
    "packed anyhow": (packed_anyhow, CorruptFile, r"no \.npz file"),
    "safetensors": (bad_bytes("w.safetensors", b"\xff" * 20), CorruptFile, "no safetensors"),
    "pickle": (pickled, CorruptFile, "plain array"),
    "code": (code_in_a_state_dict, CorruptFile, "weights alone"),
    "nan": (bad_matrix(np.full((19, 19), np.nan)), InvalidValue, "must be finite"),
    "shape": (bad_matrix(np.zeros((18, 18))), InvalidValue, r"must be \(19, 19\) for 9 pixels \+ 7 hidden"),
    "complex": (bad_matrix(np.zeros((19, 19), complex)), InvalidValue, "must hold real numbers"),
    "two": (lambda folder: save(folder, ".npz", {"a": W, "b": W}), InvalidValue, "name them in their order"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_told_in_one_line_and_nothing_is_written(case, tmp_path):
    write, error, told = BAD[case]
    out = tmp_path / "chip.h5"
    done = CliRunner().invoke(import_command, [str(write(tmp_path)), "--blocks", GIVEN, "--out", str(out)])
    assert isinstance(done.exception, error)
    with pytest.raises(error, match=told):
        raise done.exception
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        ((), InvalidValue, "does not say what its neurons are"),
        (("--blocks", "pixels=9,hidden=7"), InvalidValue, "must give the neurons of pixels, hidden and latent"),
        (("--blocks", "pixels=9,hidden=x,latent=3"), InvalidValue, "hidden as a whole number"),
        (("--blocks", GIVEN, "--model", "gan"), UnknownName, "gan"),
        (("--blocks", GIVEN, "--neurons", "latent=cubic"), UnknownName, "cubic"),
        (("--blocks", GIVEN, "--image-shape", "3"), InvalidValue, "ROWSxCOLUMNS"),
        (("--blocks", GIVEN, "--image-shape", "2x4"), InvalidValue, "must have 9 pixels"),
        (("--blocks", GIVEN, "--arrays", "V"), UnknownName, "V"),
        (("--blocks", GIVEN, "--dataset", "mnist-5k"), HopbarError, "image_size"),
        (("--blocks", GIVEN, "--dataset", "digits"), InvalidValue, "has 9 pixels, but images of digits have 64"),
    ],
)
def test_words_that_do_not_belong_are_refused(words, error, told, tmp_path):
    path, out = save(tmp_path, ".npz", {"W": W}), tmp_path / "chip.h5"
    done = CliRunner().invoke(import_command, [str(path), *words, "--out", str(out)])
    assert isinstance(done.exception, error), done.exception
    with pytest.raises(error, match=told):
        raise done.exception
    assert not out.exists()


def test_nothing_is_overwritten(tmp_path):
    path, out = save(tmp_path, ".npz", {"W": W}), tmp_path / "chip.h5"
    out.write_bytes(b"mine")
    for command, words in ((import_command, [path, "--blocks", GIVEN]), (export_command, [path])):
        done = CliRunner().invoke(command, [*map(str, words), "--out", str(out)])
        assert isinstance(done.exception, ExistingFile | InvalidValue)
    assert out.read_bytes() == b"mine"


def test_a_changed_file_of_ours_is_told(tmp_path):
    whole = chips.exported(a_chip("plain"))
    for change in ({"networks": 3}, {"networks": {"tied": {}}}, {"sigma": -1}):
        facts = {**whole.facts, **change}
        with pytest.raises(CorruptFile, match="no whole file of `hopbar export`"):
            chips.restored(Arrays(named=whole.named, facts=facts), "a.npz")


@pytest.mark.parametrize(("clock", "after"), [((("time", 2),), 1.0), ((), 6.0)], ids=["time", "no time"])
def test_a_flow_goes_out_and_comes_back_with_its_readout(clock, after):
    rng = np.random.default_rng(0)
    blocks = (("pixels", 4), *clock, ("hidden", 3))
    network = Network(blocks, neurons=(*(Linear() for _ in blocks[:-1]), Sigmoid()))
    weights = rng.normal(size=(network.size,) * 2) * network.mask()
    chip = Chip(
        model="flow", networks={"flow": network}, weights={"flow": weights + weights.T}, image_shape=(2, 2),
        readout=Readout(mean=rng.normal(size=4), scale=rng.uniform(0.1, 1, 4), after=after),
    )  # fmt: skip
    again = chips.restored(chips.exported(chip), "a test")
    assert again.readout.after == after
    assert again.networks == chip.networks
    np.testing.assert_array_equal(again.readout.mean, chip.readout.mean)
    np.testing.assert_array_equal(again.readout.scale, chip.readout.scale)
