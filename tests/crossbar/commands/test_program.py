"""`hopbar program`: access devices and write pulses from the command line, and what it refuses."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar import Chip, load_chip
from crossbar.commands.program import program
from crossbar.hopfield.network import Network


@pytest.fixture
def chip(tmp_path, rng):
    network = Network((("pixels", 16), ("hidden", 6), ("latent", 2)))
    weights = rng.uniform(-1, 1, (24, 24))
    weights = (weights + weights.T) * network.mask()
    made = Chip(
        model="tdh-vae", networks={"tied": network}, weights={"tied": weights}, sigma=0.3, image_shape=(4, 4),
        examples=np.zeros((1, 16), np.float32),
    )  # fmt: skip
    return made.save(tmp_path / "ideal.h5")


def run(chip, *options):
    out = chip.parent / "chip.h5"
    return CliRunner().invoke(program, [str(chip), "--out", str(out), "--json", *options]), out


def test_a_chip_behind_transistors(chip):
    done, out = run(chip, "--device", "epiram", "--access", "transistor:1e5")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["networks"]["tied"]["failed"] == 0
    made = load_chip(out)
    held = made.conductances["tied"]
    coupled = load_chip(chip).networks["tied"].mask()
    assert 0 < held.plus[coupled].min() < held.plus.max() <= 1.2346e-5 / (1 + 1e5 * 1.2346e-5)
    assert (made.provenance["access"], made.provenance["read_volts"]) == ("transistor:1e5", "0.1")
    error = np.abs(held.weights() - load_chip(chip).weights["tied"]).max()
    assert error <= 2 * 0.01 * (held.plus.max() / held.siemens_per_weight)


def test_write_pulses_through_lines(chip):
    lines = ["--write-volts", "2", "--wire-resistance", "100", "--tile-size", "8"]
    bare = json.loads(run(chip, "--device", "epiram", *lines)[0].stdout)["writing"]["tied"]
    selector = ["--access", "selector:1e-8,0.06", "--read-volts", "0.5", "--force"]
    behind = json.loads(run(chip, "--device", "epiram", *lines, *selector)[0].stdout)["writing"]["tied"]
    assert (bare["rows"], bare["columns"], bare["reached"]) == (8, 8, True)
    assert 2 < behind["far"] < bare["far"]
    third = json.loads(run(chip, "--device", "epiram", *lines, "--write-scheme", "third", "--force")[0].stdout)
    assert third["writing"]["tied"]["disturbed"] < bare["disturbed"]


def test_it_is_told_in_words(chip):
    words = [str(chip), "--out", str(chip.parent / "chip.h5"), "--device", "epiram", "--write-volts", "2"]
    good = CliRunner().invoke(program, [*words, "--wire-resistance", "1"])
    assert "needs drivers of 2 V beside them" in good.output
    bad = CliRunner().invoke(program, [*words, "--wire-resistance", "1e5", "--force"])
    assert bad.exit_code == 0
    assert "cannot be written" in " ".join(bad.output.split())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--device", "ideal", "--access", "transistor:1"], "`--access` stands before devices that take pulses"),
        (["--device", "epiram", "--access", "diode:1"], "an access device is"),
        (["--device", "epiram", "--read-volts", "0.2"], "give --access too"),
        (["--device", "epiram", "--write-volts", "2"], "give --wire-resistance too"),
        (["--device", "epiram", "--wire-resistance", "2"], "give --write-volts too"),
        (["--device", "epiram", "--write-volts", "20", "--wire-resistance", "2"], "cannot bring 20 V"),
        (["--device", "epiram", "--access", "transistor:1", "--mapping", "reference"], "mapping='pair'"),
    ],
)
def test_refused_before_anything_is_written(chip, options, told):
    done, out = run(chip, *options)
    assert done.exit_code != 0
    assert told in str(done.exception)
    assert not out.exists()
