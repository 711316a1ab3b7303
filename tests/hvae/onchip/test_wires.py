"""Training on arrays whose lines have resistance: repeatable, resumable, and told in the metrics."""

import json

import pytest

from crossbar.errors import InvalidValue
from crossbar.wires.resistance import line_resistance
from hvae.config import toml_file
from hvae.onchip.arrays import array_config
from hvae.onchip.chip import for_array
from hvae.runs.records import RunFolder
from hvae.training import loop
from hvae.training.loop import Ending, Observer

pytestmark = pytest.mark.needs_jit

SMALL = [
    "data.image_size=7", "data.train_limit=64", "training.batch_size=16", "training.epochs=2", "model.hidden=8",
    "model.latent=3", "training.validation_samples=0", "training.eigenvalue_samples=0",
]  # fmt: skip
WIRED = ["array.device=epiram", "array.tile_size=16", "array.wire_resistance=500", "array.wire_gains=columns"]
KEPT = [*WIRED, "array.wire_error=0.001", "array.wire_order=sensitivity", "array.wire_ends=both"]


def new_run(path, *changes):
    return RunFolder.create(path, for_array(toml_file.resolve("tdh-vae", [], [*SMALL, *changes])))


def steps(folder):
    return [record for record in folder.metrics() if "step" in record]


def test_a_wired_chip_stopped_and_resumed_has_the_bytes_of_one_that_was_not(tmp_path):
    whole, parts = (new_run(tmp_path / name, *KEPT) for name in ("whole", "parts"))
    loop.train(whole)
    calls = 0
    while True:
        left = iter(range(3))
        observer = Observer(stop_requested=lambda left=left: next(left, None) is None)
        calls += 1
        if loop.train(RunFolder.open(parts.path), observer=observer) is Ending.FINISHED:
            break
    assert calls > 1
    for name in ("metrics.jsonl", "checkpoint.h5"):
        assert (whole.path / name).read_bytes() == (parts.path / name).read_bytes(), name


def test_the_metrics_tell_what_wires_do(tmp_path):
    kept, exact = new_run(tmp_path / "kept", *KEPT), new_run(tmp_path / "exact", *WIRED)
    for folder in (kept, exact):
        loop.train(folder)
    last = steps(kept)[-1]
    assert last["asymmetry"] == 0
    assert 0 <= last["wire_error"] <= 0.001
    assert last["wire_renewals"] >= 2
    assert (steps(exact)[-1]["wire_error"], steps(exact)[-1]["wire_renewals"]) == (0.0, 0.0)
    assert json.loads((kept.path / "onchip.json").read_text())["wire_resistance"] == 500
    assert steps(kept)[-1]["sse_half"] == pytest.approx(steps(exact)[-1]["sse_half"], rel=0.05)


def test_two_devices_a_pair_lose_their_symmetry_through_wires(tmp_path):
    ideal = ["array.device=ideal", "array.symmetry=two-device", "settling.max_sweeps=30", "training.epochs=1"]
    folder = new_run(tmp_path / "run", *ideal, "array.tile_size=16", "array.wire_resistance=300")
    loop.train(folder)
    assert steps(folder)[-1]["asymmetry"] > 1e-3


def test_the_resistance_may_come_from_a_technology():
    config = for_array(toml_file.resolve("tdh-vae", [], [*SMALL, "array.device=epiram", "array.wire_node=65"]))
    assert array_config(config.array).wire_resistance == line_resistance(65).ohm


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["array.wire_node=65", "array.wire_resistance=1"], "not both"),
        (["array.wire_node=66"], "130, 65, 32, 22"),
        (["array.wire_gains=rows"], "wire_gains"),
        (["array.wire_error=-1"], "wire_error`"),
    ],
)
def test_wires_that_cannot_be_are_refused_at_the_door(changes, message):
    with pytest.raises(InvalidValue, match=message):
        for_array(toml_file.resolve("tdh-vae", [], [*SMALL, "array.device=epiram", *changes]))
