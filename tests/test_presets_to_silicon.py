"""Every shipped device, trained on and written as a netlist: no chip that is made is one that silicon refuses."""

import numpy as np
import pytest
from click.testing import CliRunner

from circuits.commands.netlist import netlist
from crossbar.chip import load_chip
from crossbar.commands.program import program
from crossbar.devices import presets
from hvae.config import toml_file
from hvae.onchip.chip import for_array
from hvae.runs.records import RunFolder
from hvae.training import loop

pytestmark = pytest.mark.needs_jit

TINY = [
    "data.image_size=7", "data.train_limit=24", "training.batch_size=12", "training.epochs=1", "model.hidden=30",
    "model.latent=6", "training.validation_samples=0", "training.eigenvalue_samples=0", "optimizer.name=sgd",
    "optimizer.learning_rate=0.2",
]  # fmt: skip


def written(run, out):
    """Return how the netlist of `run` was written to `out`."""
    done = CliRunner().invoke(netlist, [str(run), "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.parametrize("device", presets.names())
def test_a_chip_trained_on_any_preset_is_exported(tmp_path, device):
    config = for_array(toml_file.resolve("tdh-vae", [], [*TINY, f"array.device={device}"]))
    run = RunFolder.create(tmp_path / "run", config)
    loop.train(run)
    for devices in load_chip(run.path).conductances.values():
        assert min(devices.plus.min(), devices.minus.min()) >= 0
    written(run.path, tmp_path / "netlist")


def test_a_chip_programmed_to_a_device_of_wide_spread_is_exported(tmp_path):
    run = RunFolder.create(tmp_path / "run", toml_file.resolve("tdh-vae", [], TINY))
    loop.train(run)
    options = ["--device", "reram-array-hfo2", "--out", str(tmp_path / "chip.h5"), "--tolerance", "0.1"]
    done = CliRunner().invoke(program, [str(run.path), *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (devices,) = load_chip(tmp_path / "chip.h5").conductances.values()
    assert min(devices.plus.min(), devices.minus.min()) >= 0
    assert devices.report["held_at_zero"] > 0.2
    assert np.count_nonzero(devices.plus == 0) > len(devices.plus)  # more than the diagonal
    written(tmp_path / "chip.h5", tmp_path / "netlist")


def test_a_chip_programmed_behind_transistors_is_exported(tmp_path):
    run = RunFolder.create(tmp_path / "run", toml_file.resolve("tdh-vae", [], TINY))
    loop.train(run)
    options = ["--device", "epiram", "--access", "transistor:5e4", "--out", str(tmp_path / "chip.h5")]
    done = CliRunner().invoke(program, [str(run.path), *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    bare = CliRunner().invoke(program, [str(run.path), "--device", "epiram", "--out", str(tmp_path / "bare.h5")])
    assert bare.exit_code == 0
    (behind,), (alone,) = (load_chip(tmp_path / f"{one}.h5").conductances.values() for one in ("chip", "bare"))
    assert behind.plus.max() < 0.7 * alone.plus.max()
    written(tmp_path / "chip.h5", tmp_path / "netlist")
