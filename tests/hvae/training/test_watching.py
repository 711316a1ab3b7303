"""What a person hears of a run in a log file: one line an epoch, with the time to go."""

import itertools
import re

import pytest

from hvae.config.toml_file import resolve
from hvae.runs.records import RunFolder
from hvae.training import watching

SMALL = [
    "data.name=mnist-5k", "data.image_size=7", "data.train_limit=64", "training.batch_size=32", "training.epochs=3",
    "model.hidden=8", "model.latent=2", "training.validation_samples=40", "training.eigenvalue_samples=0",
]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "total", "told"),
    [(3.0, 31, " (60 s to go)"), (60.0, 31, " (20 min to go)"), (3600.0, 13, " (2.0 h to go)"), (3.0, 11, "")],
)
def test_the_time_to_go_is_that_of_the_steps_so_far(monkeypatch, seconds, total, told):
    clock = itertools.count(0.0, seconds)
    monkeypatch.setattr(watching.time, "monotonic", lambda: next(clock))
    pace = watching._Pace()
    pace.hear(10, total)  # resumed there
    pace.hear(11, total)
    assert pace.to_go() == told


def test_without_a_step_made_nothing_is_told():
    pace = watching._Pace()
    assert pace.to_go() == ""
    pace.hear(1, 9)
    assert pace.to_go() == ""


def test_a_log_has_a_line_for_every_epoch(tmp_path, capsys):
    finished, last = watching.watch(RunFolder.create(tmp_path / "run", resolve("f-vae", [], SMALL)))
    assert finished
    assert "validation_kl" in last
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch ")]
    assert [line.split(":")[0].split(" (")[0] for line in lines] == [f"epoch {one} of 3" for one in (1, 2, 3)]
    assert all(re.search(r"validation frechet distance [\d.]+", line) for line in lines)
    assert ["to go" in line for line in lines] == [True, True, False]
