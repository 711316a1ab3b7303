"""A law of one's own: from a package to a fit, a device file, an array that learns, and clear errors."""

import json
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.commands.devices import devices
from crossbar.devices import own_laws
from crossbar.devices.law import law, names
from crossbar.devices.presets import load
from crossbar.errors import InvalidValue, UnknownName
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import write_verify
from crossbar.programming.write_verify import WriteVerify

BEND = 0.8
HEADER = (
    "from dataclasses import dataclass\nfrom typing import ClassVar\nfrom crossbar.devices.law import PulsedLaw\n\n"
)
CUBIC = HEADER + textwrap.dedent(re.search(r"\n( +@dataclass.*?\* xi\))\n", own_laws.__doc__, re.DOTALL).group(1))


@pytest.fixture
def register(tmp_path, monkeypatch):
    """Return a function that installs a package with the module `code` and the law `name`."""

    def install(code=CUBIC, name="cubic", target="my_oxide:Cubic", package="my_oxide"):
        monkeypatch.delitem(sys.modules, package, raising=False)
        (tmp_path / f"{package}.py").write_text(code)
        facts = tmp_path / f"{package}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[hopbar.laws]\n{name} = {target}\n")
        own_laws.found.cache_clear()
        own_laws.load.cache_clear()
        return tmp_path

    monkeypatch.syspath_prepend(tmp_path)
    yield install
    monkeypatch.undo()
    own_laws.found.cache_clear()
    own_laws.load.cache_clear()


def curve(path, pulses=75):
    """Write a measured curve of the cubic device from its lowest weight up and down again."""
    device = law("cubic", bend=BEND, dw_min=0.03, dw_min_std=0.0, w_min=-1.0, w_max=1.0)
    state, rng = device.sample((1, 1), np.random.default_rng(0), dtype=float), np.random.default_rng(0)
    state.hidden[...] = -1
    lines = ["pulse,conductance_us,direction", "0,10,"]
    for k in range(2 * pulses):
        device.pulse(state, np.nonzero(np.ones((1, 1))), k < pulses, rng)
        lines.append(f"{k + 1},{20 + 10 * state.hidden[0, 0]},{'up' if k < pulses else 'down'}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_from_a_package_to_a_fitted_file_and_an_array_that_learns(register, tmp_path):
    register()
    assert "cubic" in names()
    mine = tmp_path / "mine.toml"
    arguments = ["fit", str(curve(tmp_path / "c.csv")), "--law", "cubic", "--out", str(mine), "--json"]
    done = CliRunner().invoke(devices, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["parameters"]["bend"]["value"] == pytest.approx(
        BEND, abs=0.01
    )  # the range is measured to 0.2 %
    assert load(str(mine)).law.name == "cubic"

    rng, network = np.random.default_rng(1), Network((("pixels", 5), ("hidden", 4)), "layered")
    weights = np.zeros((9, 9))
    weights[:5, 5:] = rng.uniform(-0.3, 0.3, (5, 4))
    weights += weights.T
    array = CrossbarArray.from_weights(network, weights, ArrayConfig(device=str(mine), dtype="float64"), rng)
    write_verify(array, weights, WriteVerify(tolerance=0.05, max_pulses=500), rng)
    assert np.abs(array.matrix() - weights).max() < 0.1
    before = array.matrix().copy()
    report = array.update(np.ones((20, 9)), np.full((20, 9), 0.5), rate=0.02, rng=rng)
    assert report.engine == "literal"
    assert (array.matrix() - before)[:5, 5:].mean() > 0


def test_a_process_of_its_own_finds_it(register):
    folder = register()
    command = ["-c", "from crossbar.commands.hopbar import main; main()", "devices", "pulse", "--law", "cubic"]
    told = [*command, "--set", "bend=0.9", "--set", "dw_min=0.01", "--up", "30", "--down", "0", "--json"]
    path = ":".join([str(folder), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, *told], check=False, capture_output=True, text=True, env={"PYTHONPATH": path}, timeout=90
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["parameters"]["bend"] == 0.9
    assert 0.1 < facts["mean"][-1] < 0.4


def test_nothing_is_imported_before_it_is_asked_for(register):
    register("raise SystemExit('imported')")
    assert law("constant").name == "constant"
    with pytest.raises(UnknownName, match="did you mean 'cubic'"):
        law("cubik")


@pytest.mark.parametrize(
    ("code", "target", "message"),
    [
        (CUBIC, "my_oxide:Quartic", "cannot be imported"),
        ("import no_such_module_of_anyone", "my_oxide:Cubic", "cannot be imported: No module"),
        ("Cubic = 3", "my_oxide:Cubic", "must be a frozen dataclass of `PulsedLaw`, but is 3"),
        (CUBIC.replace('"cubic"', '"cube"'), "my_oxide:Cubic", "calls itself 'cube'"),
        (CUBIC.replace("increment", "step"), "my_oxide:Cubic", "has no method `increment`"),
        (CUBIC.replace("bend: float = 0.5", "bend: int = 1"), "my_oxide:Cubic", "`bend` of the law 'cubic'"),
    ],
)
def test_what_is_no_law_is_told_so(register, code, target, message):
    register(code, target=target)
    with pytest.raises(InvalidValue, match=message):
        law("cubic")


def test_one_name_in_two_packages_is_refused(register):
    register()
    register(package="other", target="other:Cubic")
    with pytest.raises(InvalidValue, match="registered twice"):
        law("cubic")


def test_a_package_does_not_replace_a_law_of_ours(register):
    register(name="constant")
    assert type(law("constant")).__module__ == "crossbar.devices.laws.linear"
