"""The page of a network: one file, and what relaxes in it is what the simulator says, in Node and in Chromium."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from crossbar.errors import InvalidValue
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from hvae.commands.report import explore
from hvae.config import toml_file
from hvae.explore import facts
from hvae.learning import learners
from hvae.runs import images, loading
from hvae.runs.loading import Trained
from hvae.runs.records import RunFolder
from hvae.training import loop

SMALL = ("data.image_size=7", "data.train_limit=60", "training.batch_size=20", "training.epochs=3", "model.hidden=11",
         "model.latent=3", "training.validation_samples=0", "training.eigenvalue_samples=0")  # fmt: skip
MODELS = {
    "tied": ("tdh-vae", "model.sigma=0.3"), "linear": ("tdh-vae", "model.latent_neuron=linear", "model.sigma=0.3"),
    "layered": ("h-vae", "model.hidden_neuron=classical"),
}  # fmt: skip
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(params=MODELS)
def run(request, tmp_path):
    model, *changes = MODELS[request.param]
    folder = RunFolder.create(tmp_path / "a <b> run", toml_file.resolve(model, [], [*SMALL, *changes]))
    loop.train(folder)
    return folder.path


def simulated(path, count=3):
    """Return mu and pixels of the first test images, settled closely."""
    trained = loading.load(path)
    learner = replace(trained.learner, solver=ConjugateGradient(tolerance=1e-6, max_sweeps=3000))
    shown = images.load(trained.config.data).test_images[:count]
    shown = (np.rint((shown + 1) * 127.5) / 127.5 - 1).astype(np.float32)  # as the page holds them
    mean = learner.encode(trained.parameters, shown)[0]
    return mean, learner.decode(trained.parameters, mean)


def compared(found, path):
    mean, pixels = simulated(path)
    np.testing.assert_allclose([one["mu"] for one in found], mean, atol=1e-3)
    np.testing.assert_allclose([one["pixels"] for one in found], pixels, atol=1e-3)


@pytest.mark.needs_jit
@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_what_relaxes_in_the_page_is_what_the_simulator_says(run, tmp_path):
    held = facts.facts(loading.load(run), "x")
    script = facts.SCRIPT.read_text(encoding="utf-8")
    (tmp_path / "page.js").write_text(script)
    (tmp_path / "facts.json").write_text(json.dumps(held))
    code = "const p = require('./page.js'), f = require('./facts.json');" \
           "process.stdout.write(JSON.stringify(p.check(new p.Machine(f), 3)))"  # fmt: skip
    done = subprocess.run(["node", "-e", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    compared(json.loads(done.stdout), run)


@pytest.mark.needs_jit
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_works_in_a_browser_on_a_phone(run, tmp_path):
    done = CliRunner().invoke(explore, [str(run), "--out", str(tmp_path / "page.html")], catch_exceptions=False)
    assert done.output == f"{tmp_path / 'page.html'}\n"
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000", "--window-size=500,900",
        "--dump-dom", f"{(tmp_path / 'page.html').as_uri()}#check",
    ]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    told = json.loads(html.unescape(re.search(r'<pre id="checked">(.*?)</pre>', found, re.DOTALL)[1]))
    compared(told["found"], run)
    assert told["told"].startswith("decodes: step")
    assert told["width"] <= 500  # nothing sticks out
    mean, pixels = simulated(run)
    np.testing.assert_allclose(told["z"], mean[0], atol=0.02)  # the page stops at a rate of 1e-4
    np.testing.assert_allclose(np.array(told["shown"]) / 127.5 - 1, np.clip(pixels[0], -1, 1), atol=0.03)


@pytest.mark.needs_jit
def test_the_page_asks_for_nothing_from_elsewhere_and_shows_text_as_text(run, tmp_path):
    CliRunner().invoke(explore, [str(run), "--out", str(tmp_path / "page.html")], catch_exceptions=False)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="', text)
    assert "default-src 'none'" in text
    assert "a <b> run" not in text
    assert "a &lt;b&gt; run" in text


def test_what_does_not_relax_is_refused():
    config = toml_file.resolve("f-vae", [], ["data.image_size=7", "model.hidden=5", "model.latent=2"])
    learner = learners.make(config)
    parameters = learner.init(np.random.default_rng(0), np.float32)
    trained = Trained(config=config, learner=learner, parameters=parameters, epochs=0)
    with pytest.raises(InvalidValue, match="an f-vae does not relax"):
        facts.facts(trained, "x")


@pytest.mark.needs_jit
def test_a_network_too_large_for_a_page_is_refused(run, monkeypatch):
    monkeypatch.setattr(facts, "LARGEST", 1000)
    with pytest.raises(InvalidValue, match="and a page holds 0"):
        facts.facts(loading.load(run), "x")
