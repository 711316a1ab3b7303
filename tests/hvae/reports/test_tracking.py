"""Runs in TensorBoard and MLflow: every number of metrics.jsonl where it belongs, and nothing of the run changed."""

import json
import struct
import sys

import pytest
from click.testing import CliRunner

from crossbar.errors import EngineError, ExistingFile, InvalidValue, MissingFile
from hvae.commands.report import track
from hvae.config import toml_file
from hvae.reports import tracking
from hvae.runs.records import RunFolder


@pytest.fixture
def run(tmp_path):
    config = toml_file.resolve("f-vae", [], ["model.hidden=7", "data.image_size=7"])
    folder = RunFolder.create(tmp_path / "run", config)
    for step in (1, 10, 20):
        folder.log("metrics", {"step": step, "epoch": step / 20, "sse_half": 100.0 / step, "kl": 1.0})
    folder.log("metrics", {"epoch": 1, "validation_sse_half": 4.5, "broken": float("nan")})
    (folder.path / "evaluation.json").write_text(json.dumps({"frechet_distance": 80.0, "prior": "standard"}))
    return folder.path


POINTS = [
    ("train/sse_half", 100.0, 1), ("train/kl", 1.0, 1), ("train/sse_half", 10.0, 10), ("train/kl", 1.0, 10),
    ("train/sse_half", 5.0, 20), ("train/kl", 1.0, 20), ("epoch/validation_sse_half", 4.5, 20),
]  # fmt: skip


def test_points_are_the_numbers_of_the_metrics_at_their_steps(run):
    assert list(tracking.points(RunFolder.open(run))) == POINTS
    assert tracking.scores_of(RunFolder.open(run)) == {"evaluation/frechet_distance": 80.0}


def read_events(folder):
    """Return the scalars of the event files, read by protocol buffers alone."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in folder.glob("events.out.tfevents.*"):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (length,) = struct.unpack("<Q", content[at : at + 8])
            event = Event.FromString(content[at + 12 : at + 12 + length])
            scalars = [one for one in event.summary.value if one.HasField("simple_value")]
            found += [(one.tag, one.simple_value, event.step) for one in scalars]
            at += 16 + length
    return found


def test_tensorboard_shows_them(run, tmp_path):
    pytest.importorskip("tensorboardX")
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    for _ in range(2):  # again: the same, not twice
        done = CliRunner().invoke(track, [str(run), "--tensorboard", str(tmp_path / "logs")], catch_exceptions=False)
        assert done.output == f"look with: tensorboard --logdir {tmp_path / 'logs'}\n"
        assert read_events(tmp_path / "logs" / "run") == [*POINTS, ("evaluation/frechet_distance", 80.0, 20)]
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_mlflow_shows_them(run, tmp_path):
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    for _ in range(2):
        CliRunner().invoke(track, [str(run), "--mlflow", uri], catch_exceptions=False)
        client = MlflowClient(tracking_uri=uri)
        (one,) = client.search_runs([client.get_experiment_by_name("hopbar").experiment_id])
        assert one.info.run_name == "run"
        assert one.data.params["model.hidden"] == "7"
        assert one.data.metrics["evaluation/frechet_distance"] == 80.0
        history = client.get_metric_history(one.info.run_id, "train/sse_half")
        assert [(metric.step, metric.value) for metric in history] == [(1, 100.0), (10, 10.0), (20, 5.0)]


def test_what_is_missing_is_told_with_its_remedy(run, tmp_path, monkeypatch):
    for module, words in (("tensorboardX", ["--tensorboard", str(tmp_path / "x")]), ("mlflow", ["--mlflow", "sqlite:///x"])):
        monkeypatch.setitem(sys.modules, module, None)
        done = CliRunner().invoke(track, [str(run), *words])
        assert isinstance(done.exception, EngineError)
        assert "pip install 'hopbar[" in str(done.exception)


def test_what_cannot_be_is_refused(run, tmp_path):
    assert isinstance(CliRunner().invoke(track, [str(run)]).exception, InvalidValue)
    pytest.importorskip("tensorboardX")
    words = ["--tensorboard", str(tmp_path / "logs")]
    assert isinstance(CliRunner().invoke(track, [str(tmp_path / "none"), *words]).exception, MissingFile)
    mine = tmp_path / "logs" / "run" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert isinstance(CliRunner().invoke(track, [str(run), *words]).exception, ExistingFile)
    assert mine.read_text() == "mine"
