"""The chip: what is saved is what is read, and what is foreign is refused."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from crossbar.chip import Chip, Conductances, load_chip
from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.mismatch import Spread
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Linear, Sigmoid
from crossbar.readout import Readout


def small_chip(rng, **changes) -> Chip:
    network = Network((("pixels", 4), ("hidden", 3), ("latent", 2)))
    weights = rng.normal(size=(9, 9)) * network.mask()
    fields = {"model": "tdh-vae", "networks": {"tied": network}, "weights": {"tied": weights + weights.T}}
    return Chip(**(fields | {"sigma": 0.4, "image_shape": (2, 2)} | changes))


def sides(rng, **changes):
    """Return what 9 neurons' devices are made of."""
    off = ~np.eye(9, dtype=bool)
    planes = {"plus": rng.random((9, 9)) * off, "minus": rng.random((9, 9)) * off}
    return planes | {"siemens_per_weight": 1e-6, "device": "EpiRAM"} | changes


def test_round_trip(rng, tmp_path):
    devices = Conductances(**sides(rng))
    chip = small_chip(rng, conductances={"tied": devices}, provenance={"seed": "1"})
    again = load_chip(chip.save(tmp_path / "chip.h5"))
    assert again.networks == chip.networks
    assert again.sigma == 0.4
    assert again.provenance == {"seed": "1"}
    np.testing.assert_array_equal(again.weights["tied"], chip.weights["tied"])
    np.testing.assert_array_equal(again.effective_weights("tied"), devices.weights())


def test_neurons_of_its_own_are_kept(rng, tmp_path):
    chip = small_chip(rng).with_neurons(Spread(gain=0.1, offset=0.02, leak=0.05), rng)
    again = load_chip(chip.save(tmp_path / "chip.h5")).networks["tied"].mismatch
    for kind in ("gain", "offset", "leak"):
        np.testing.assert_array_equal(getattr(again, kind), getattr(chip.networks["tied"].mismatch, kind))
    with h5py.File(tmp_path / "chip.h5") as file:
        assert file.attrs["schema"] == "hopbar-chip/3"
    with h5py.File(tmp_path / "chip.h5", "a") as file:
        del file["networks/tied/mismatch/leak"]
    with pytest.raises(CorruptFile):
        load_chip(tmp_path / "chip.h5")


def test_pulls_are_kept_in_chips_that_older_readers_refuse(rng, tmp_path):
    chip = small_chip(rng).with_neurons(Spread(gain=0.1, pull=0.5), rng)
    again = load_chip(chip.save(tmp_path / "chip.h5")).networks["tied"].mismatch
    np.testing.assert_array_equal(again.pull, chip.networks["tied"].mismatch.pull)
    assert again.pull.any()
    with h5py.File(tmp_path / "chip.h5", "a") as file:
        assert file.attrs["schema"] == "hopbar-chip/6"
        file.attrs["schema"] = "hopbar-chip/3"
        del file["networks/tied/mismatch/pull"]  # as chips were written before
    assert not load_chip(tmp_path / "chip.h5").networks["tied"].mismatch.pull.any()


def test_a_run_folder_is_read_too(rng, tmp_path):
    chip = small_chip(rng)
    chip.save(tmp_path / "chip.h5")
    assert load_chip(tmp_path).model == chip.model


def test_roles_of_a_tied_chip(rng):
    name, role = small_chip(rng).role("decode")
    assert (name, role.clamped, role.n_free) == ("tied", ("latent",), 7)
    with pytest.raises(UnknownName, match="did you mean 'decode'"):
        small_chip(rng).role("decoder")


def test_what_is_no_chip_is_refused(rng, tmp_path):
    with pytest.raises(MissingFile, match="no chip at"):
        load_chip(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("not a chip")
    with pytest.raises(CorruptFile, match="cannot be read as a chip"):
        load_chip(tmp_path / "text.h5")
    chip = small_chip(rng).save(tmp_path / "chip.h5")
    chip.write_bytes(chip.read_bytes()[:500])
    with pytest.raises(CorruptFile, match="cannot be read as a chip"):
        load_chip(chip)


@pytest.mark.parametrize(("name", "value"), [("provenance", "{'run"), ("gain", "steep")])
def test_damaged_fields_are_refused(rng, tmp_path, name, value):
    path = small_chip(rng).save(tmp_path / "chip.h5")
    with h5py.File(path, "a") as file:
        file.attrs[name] = value
    with pytest.raises(CorruptFile, match="cannot be read as a chip"):
        load_chip(path)


def test_a_shape_of_another_number_of_pixels_is_refused(rng, tmp_path):
    path = small_chip(rng).save(tmp_path / "chip.h5")
    with h5py.File(path, "a") as file:
        file.attrs["image_shape"] = [3]
    with pytest.raises(InvalidValue, match="`image_shape` must be the rows and columns"):
        load_chip(path)


def test_conductances_must_fit_and_be_finite(rng):
    good = sides(rng)
    for changes, message in (
        ({"siemens_per_weight": 0.0}, "must be positive"),
        ({"siemens_per_weight": np.inf}, "must be positive"),
        ({"minus": np.zeros((3, 3))}, "`minus` must be \\(9, 9\\)"),
        ({"plus": np.full((9, 9), np.nan)}, "`plus` must be finite, but 81"),
        ({"plus": -good["plus"]}, "`plus` must not be negative"),
        ({"minus": np.eye(9)}, "`minus` must be zero on the diagonal, but 9"),
        ({"plus": good["plus"] * 1j}, "`plus` must be an array of real numbers, but got complex128"),
        ({"plus": good["plus"].tolist()}, "`plus` must be an array of real numbers, but got list"),
        ({"device": "x\n.control"}, "`device` must be one line"),
        ({"device": "Ωhm"}, "`device` must be one line"),
        ({"report": {"failed": "none"}}, "`report` must hold numbers"),
        ({"report": [1]}, "`report` must be a mapping"),
    ):
        with pytest.raises(InvalidValue, match=message):
            Conductances(**(good | changes))
    with pytest.raises(UnknownName, match="did you mean 'tied'"):
        small_chip(rng, conductances={"tide": Conductances(**good)})
    few = Conductances(**(good | {"plus": np.zeros((3, 3)), "minus": np.zeros((3, 3))}))
    with pytest.raises(InvalidValue, match="conductances `plus` of `tied` must be \\(9, 9\\)"):
        small_chip(rng, conductances={"tied": few})


def test_rows_drive_and_columns_are_driven(rng):
    devices = Conductances(**sides(rng, siemens_per_weight=1.0))
    chip = small_chip(rng, conductances={"tied": devices})
    signals, out = rng.random((1, 9)), np.empty((1, 9))
    network = chip.networks["tied"]
    couplings = IdealWeights(network, chip.effective_weights("tied"), symmetric=False)
    couplings.multiply(signals, network.patches(network.names, network.names), out)
    np.testing.assert_allclose(out[0], signals[0] @ (devices.plus - devices.minus))


def test_weights_must_fit_and_be_finite(rng):
    with pytest.raises(InvalidValue, match="must be finite"):
        small_chip(rng, weights={"tied": np.full((9, 9), np.nan)})
    with pytest.raises(InvalidValue, match="must be \\(9, 9\\)"):
        small_chip(rng, weights={"tied": np.zeros((3, 3))})


LAYERED = Network((("pixels", 4), ("hidden", 3), ("latent", 2)), "layered")


def astray(where):
    weights = np.zeros((9, 9))
    weights[where] = 1.0
    return {"tied": weights + weights.T}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": astray((3, 3))}, "weights of `tied` must be zero where the network does not couple"),
        ({"weights": astray((0, 8)), "networks": {"tied": LAYERED}}, "must be zero where the network does not couple"),
        ({"weights": {"tied": np.triu(np.ones((9, 9)), 1)}}, "weights of `tied` must be symmetric"),
        ({"weights": {"tied": np.zeros((9, 9), complex)}}, "must be an array of real numbers, but got complex128"),
        ({"weights": {"tied": np.zeros((9, 9), "S1")}}, "must be an array of real numbers"),
        ({"sigma": 0.0}, "`sigma` must be positive and finite"),
        ({"sigma": float("nan")}, "`sigma` must be positive and finite"),
        ({"sigma": np.array([0.1, np.nan])}, "`sigma` must be finite"),
        ({"sigma": np.array([0.1, 0.0])}, "`sigma` must be one positive number or 2"),
        ({"sigma": np.ones(3)}, "`sigma` must be one positive number or 2"),
        ({"image_shape": (28, 28)}, "`image_shape` must be the rows and columns \\(and channels\\) of 4 pixels"),
        ({"image_shape": (0, 0)}, "`image_shape` must be"),
        ({"image_shape": [2, 2]}, "`image_shape` must be"),
        ({"examples": np.zeros((1, 5))}, "`examples` must be \\(k, 4\\)"),
        ({"examples": np.full((1, 4), 1e30)}, "`examples` must lie in"),
        ({"examples": np.array([[b"x"] * 4])}, "`examples` must be an array of real numbers"),
        ({"provenance": ["run"]}, "`provenance` must be a mapping"),
        ({"provenance": {"seed": 1}}, "`provenance` must hold texts"),
        ({"model": "tdh-vae\n.control"}, "`model` must be one line"),
        ({"model": "x" * 101}, "`model` must be one line"),
        ({"model": b"tdh-vae"}, "`model` must be one line"),
        ({"networks": {"foo": LAYERED}, "weights": {"foo": np.zeros((9, 9))}}, "`networks` must be tied, encoder and"),
        ({"networks": {"tied": Network((("pixels", 4), ("hidden", 5)))}}, "must have a block `latent`"),
        ({"networks": {"tied": Network((("pixels", 4), ("a\nb", 3), ("latent", 2)))}}, "a block of `tied` must be one"),
    ],
)
def test_what_cannot_be_built_is_refused_where_it_is_made(rng, changes, message):
    with pytest.raises(InvalidValue, match=message):
        small_chip(rng, **changes)


def test_two_devices_a_pair_may_differ_but_stay_on_the_mask(rng):
    weights = {"tied": np.triu(np.ones((9, 9)), 1)}
    small_chip(rng, weights=weights, conductances={"tied": Conductances(**sides(rng))})
    with pytest.raises(InvalidValue, match="conductances `plus` of `tied` must be zero where"):
        small_chip(
            rng, networks={"tied": LAYERED}, weights=astray((0, 5)), conductances={"tied": Conductances(**sides(rng))}
        )


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("conductances/tied/plus", -1.0, "must not be negative"), ("conductances/tied/minus", np.nan, "must be finite"),
        ("networks/tied/weights", 1.0, "must be zero where"),
    ],
)  # fmt: skip
def test_a_file_is_checked_as_a_chip_is(rng, tmp_path, place, value, message):
    path = small_chip(rng, conductances={"tied": Conductances(**sides(rng))}).save(tmp_path / "chip.h5")
    with h5py.File(path, "a") as file:
        file[place][2, 2] = value
        if value != 1.0:
            file[place][2, 2], file[place][2, 3] = 0.0, value
    with pytest.raises(InvalidValue, match=message):
        load_chip(path)


@pytest.mark.parametrize("place", ["networks", "conductances"])
def test_a_file_of_another_shape_is_no_chip(rng, tmp_path, place):
    path = small_chip(rng, conductances={"tied": Conductances(**sides(rng))}).save(tmp_path / "chip.h5")
    with h5py.File(path, "a") as file:
        del file[place]
        file[place] = np.zeros(3)
    with pytest.raises(CorruptFile, match="cannot be read as a chip"):
        load_chip(path)


def test_a_full_disk_leaves_the_old_chip_and_one_clear_error(rng, tmp_path):
    path = small_chip(rng).save(tmp_path / "chip.h5")
    old = path.read_bytes()
    script = (
        f"import resource, signal, sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import numpy as np;"
        "from test_chip import small_chip; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        f"small_chip(np.random.default_rng(0)).save({str(path)!r})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("OSError: [Errno 27]")
    assert str(path) in done.stderr.strip().splitlines()[-1]
    assert path.read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == ["chip.h5"]


@pytest.mark.parametrize("name", ["model", "sigma"])
def test_a_refusal_is_one_line_whatever_stands_there(rng, name):
    with pytest.raises(InvalidValue) as refused:
        small_chip(rng, **{name: np.ones((9, 9))})
    assert len(str(refused.value).splitlines()) == 1


def test_a_block_is_refused_in_one_line_whatever_its_name():
    with pytest.raises(InvalidValue) as refused:
        Network((("pixels\nevil", 0),), "dense")
    assert len(str(refused.value).splitlines()) == 1


def small_flow(rng, **changes) -> Chip:
    network = Network((("pixels", 4), ("time", 2), ("hidden", 3)), neurons=(Linear(), Linear(), Sigmoid()))
    weights = rng.normal(size=(9, 9)) * network.mask()
    readout = Readout(mean=rng.normal(size=4), scale=rng.uniform(0.1, 1, 4))
    fields = {"model": "flow", "networks": {"flow": network}, "weights": {"flow": weights + weights.T}}
    return Chip(**(fields | {"readout": readout, "image_shape": (2, 2)} | changes))


def test_a_flow_is_read_as_it_was_written(rng, tmp_path):
    chip = small_flow(rng)
    again = load_chip(chip.save(tmp_path / "chip.h5"))
    assert again.generates
    assert again.roles == ("generate",)
    assert again.networks == chip.networks
    np.testing.assert_array_equal(again.readout.scale, chip.readout.scale)
    network, role = again.role("generate")
    assert (network, role.clamped, role.free) == ("flow", ("time",), ("pixels", "hidden"))
    states = rng.normal(size=(3, 4))
    expected = np.clip(chip.readout.mean + chip.readout.scale * states, -1, 1)
    np.testing.assert_array_equal(chip.readout.image(states), expected)
    with h5py.File(tmp_path / "chip.h5") as file:
        assert file.attrs["schema"] == "hopbar-chip/5"
    with pytest.raises(UnknownName, match="encode"):
        again.role("encode")
    with pytest.raises(UnknownName, match="generate"):
        small_chip(rng).role("generate")


def test_a_flow_without_time_says_when_it_is_read(rng, tmp_path):
    network = Network((("pixels", 4), ("hidden", 3)), neurons=(Linear(), Sigmoid()))
    weights = rng.normal(size=(7, 7)) * network.mask()
    readout = Readout(mean=np.zeros(4), scale=np.ones(4), after=6.5)
    chip = small_flow(rng, networks={"flow": network}, weights={"flow": weights + weights.T}, readout=readout)
    again = load_chip(chip.save(tmp_path / "chip.h5"))
    assert again.readout.after == 6.5
    assert again.role("generate")[1].clamped == ()
    with h5py.File(tmp_path / "chip.h5", "a") as file:
        del file["readout"].attrs["after"]
    assert load_chip(tmp_path / "chip.h5").readout.after == 1  # as chips of before
    with pytest.raises(InvalidValue, match="`after` of a readout must be positive"):
        Readout(mean=np.zeros(4), scale=np.ones(4), after=0.0)
    with pytest.raises(InvalidValue, match="`after` must be 1 where neurons tell a flow the time"):
        small_flow(rng, readout=readout)


def test_a_flow_that_does_not_fit_is_refused(rng):
    with pytest.raises(InvalidValue, match="`readout` belongs to a chip with the network flow"):
        small_flow(rng, readout=None)
    with pytest.raises(InvalidValue, match="`readout` belongs to a chip with the network flow"):
        small_chip(rng, readout=Readout(mean=np.zeros(4), scale=np.ones(4)))
    with pytest.raises(InvalidValue, match="`readout` must be of the 4 pixels"):
        small_flow(rng, readout=Readout(mean=np.zeros(5), scale=np.ones(5)))
    with pytest.raises(InvalidValue, match="`scale` of a readout must be positive"):
        Readout(mean=np.zeros(4), scale=np.zeros(4))
    network = Network((("pixels", 4), ("latent", 2), ("hidden", 3)), neurons=(Linear(), Linear(), Sigmoid()))
    with pytest.raises(InvalidValue, match="a flow must have blocks pixels, time"):
        small_flow(rng, networks={"flow": network})
