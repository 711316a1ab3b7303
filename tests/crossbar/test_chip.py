"""The chip: what is saved is what is read, and what is foreign is refused."""

import h5py
import numpy as np
import pytest

from crossbar.chip import Chip, Conductances, load_chip
from crossbar.couplings import IdealWeights
from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName
from crossbar.network import Network


def small_chip(rng, **changes) -> Chip:
    network = Network((("pixels", 4), ("hidden", 3), ("latent", 2)))
    weights = rng.normal(size=(9, 9)) * network.mask()
    fields = {"model": "tdh-vae", "networks": {"tied": network}, "weights": {"tied": weights + weights.T}}
    return Chip(**(fields | {"sigma": 0.4, "image_shape": (2, 2)} | changes))


def test_round_trip(rng, tmp_path):
    devices = Conductances(plus=rng.random((9, 9)), minus=rng.random((9, 9)), siemens_per_weight=1e-6, device="EpiRAM")
    chip = small_chip(rng, conductances={"tied": devices}, provenance={"seed": "1"})
    again = load_chip(chip.save(tmp_path / "chip.h5"))
    assert again.networks == chip.networks
    assert again.sigma == 0.4
    assert again.provenance == {"seed": "1"}
    np.testing.assert_array_equal(again.weights["tied"], chip.weights["tied"])
    np.testing.assert_array_equal(again.effective_weights("tied"), devices.weights())


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


@pytest.mark.parametrize(("name", "value"), [("provenance", "{'run"), ("image_shape", [3]), ("gain", "steep")])
def test_damaged_fields_are_refused(rng, tmp_path, name, value):
    path = small_chip(rng).save(tmp_path / "chip.h5")
    with h5py.File(path, "a") as file:
        file.attrs[name] = value
    with pytest.raises(CorruptFile, match="cannot be read as a chip"):
        load_chip(path)


def test_conductances_must_fit_and_be_finite(rng):
    sides = {"plus": rng.random((9, 9)), "minus": rng.random((9, 9)), "siemens_per_weight": 1e-6, "device": "test"}
    for changes, message in (
        ({"siemens_per_weight": 0.0}, "must be positive"),
        ({"siemens_per_weight": np.inf}, "must be positive"),
        ({"minus": np.zeros((3, 3))}, "`minus` must be \\(9, 9\\)"),
        ({"plus": np.full((9, 9), np.nan)}, "must be finite"),
    ):
        with pytest.raises(InvalidValue, match=message):
            Conductances(**(sides | changes))
    with pytest.raises(UnknownName, match="did you mean 'tied'"):
        small_chip(rng, conductances={"tide": Conductances(**sides)})
    few = Conductances(**(sides | {"plus": np.zeros((3, 3)), "minus": np.zeros((3, 3))}))
    with pytest.raises(InvalidValue, match="conductances of `tied` must be \\(9, 9\\)"):
        small_chip(rng, conductances={"tied": few})


def test_rows_drive_and_columns_are_driven(rng):
    devices = Conductances(plus=rng.random((9, 9)), minus=rng.random((9, 9)), siemens_per_weight=1.0, device="test")
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
