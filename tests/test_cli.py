"""The command line: help at once, one JSON object, exit code 2 and one message for what a user can mend."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

import cli
from crossbar.commands import hopbar as commands

COMMANDS = tuple(commands._COMMANDS)
SMALL = [
    "--set", "data.image_size=7", "--set", "data.train_limit=64", "--set", "training.batch_size=32",
    "--set", "model.hidden=8", "--set", "model.latent=2", "--set", "training.validation_samples=0",
    "--set", "training.eigenvalue_samples=0", "--epochs", "1",
]  # fmt: skip


def hopbar(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "crossbar.commands.hopbar", *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, check=False,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "run"
    done = hopbar("train", "tdh-vae", "--out", folder, *SMALL, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["finished"] is True
    return folder


def test_help_is_quick_and_lists_every_command():
    hopbar("--help")
    times = []
    for _ in range(3):
        start = time.process_time(), os.times().children_user + os.times().children_system
        shown = hopbar("--help")
        times.append(os.times().children_user + os.times().children_system - start[1])
    assert shown.returncode == 0
    for command in COMMANDS:
        assert command in shown.stdout
    assert min(times) < 0.6  # CPU seconds, with room for a slow machine; 0.3 s of wall time is the target


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command):
    shown = hopbar(command, "--help")
    assert shown.returncode == 0
    assert "Example" in shown.stdout


def test_evaluate_prints_one_json_object(run):
    done = hopbar("evaluate", run, "--json", "--split", "validation")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    wanted = {
        "model",
        "dataset",
        "epochs",
        "sse_half",
        "kl",
        "frechet_distance",
        "features",
        "n_real",
        "n_fake",
        "floor",
    }
    assert wanted <= set(found)
    assert found["epochs"] == 1
    assert (run / "evaluation_validation.json").exists()


def test_figures_and_samples_are_written(run, tmp_path):
    assert hopbar("figures", run).returncode == 0
    names = {path.name for path in (run / "figures").iterdir()}
    assert {"originals.png", "reconstructions.svg", "samples.png", "learning_curves.png"} <= names
    assert hopbar("sample", run, "--n", 5, "--out", tmp_path / "five.npy").returncode == 0
    assert (tmp_path / "five.npy").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "tdh-vea", "--out", "x"], "did you mean 'tdh-vae'"),
        (["train", "tdh-vae", "--out", "x", "--set", "nudging.beta=0"], "`nudging.beta` must be positive"),
        (["train", "tdh-vae", "--out", "x", "--resume"], "no run at x"),
        (["evaluate", "nowhere"], "no run at nowhere"),
        (["show-config", "tdh-vae", "--set", "model.latnet=1"], "did you mean 'model.latent'"),
        (["train", "tdh-vae"], "Missing option"),
        (["trian"], "No such command"),
    ],
)
def test_mistakes_exit_with_2_and_one_message(arguments, message, tmp_path):
    done = hopbar(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert not done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["show-config", "tdh-vae", "--config", "{folder}"], "{folder}"),
        (["sweep", "{folder}"], "{folder}"),
        (["study", "{folder}", "--out", "{folder}/x"], "{folder}"),
        (["reproduce", "--variants", "{folder}", "--out", "{folder}/x"], "{folder}"),
        (["train", "tdh-vae", "--out", "{file}/x"], "{file}/x"),
        (["train", "tdh-vae", "--out", "{folder}/x", "--from-sweep", "{file}"], "{file}"),
    ],
)
def test_what_the_system_refuses_is_one_message_with_the_path(arguments, place, tmp_path, capsys):
    (tmp_path / "file").write_text("no\njournal\n")
    names = {"folder": tmp_path, "file": tmp_path / "file"}
    with pytest.raises(SystemExit) as ended:
        cli.main([argument.format(**names) for argument in arguments])
    shown = capsys.readouterr()
    assert ended.value.code == 2
    assert shown.err.startswith(f"hopbar: {place.format(**names)}")
    assert len(shown.err.splitlines()) == 1
    assert not shown.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "nowhere", "--out", "x.jpg"], "must end in .png, .svg or .npy"),
        (["sample", "nowhere", "--out", "none/x.png"], "no folder none"),
        (["evaluate", "nowhere", "--n", "3"], "x>=4"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_the_work(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_figures_of_a_chip_lie_beside_it(run, tmp_path):
    chip = tmp_path / "program.h5"
    shutil.copyfile(run / "chip.h5", chip)
    with pytest.raises(SystemExit) as ended:
        cli.main(["figures", str(chip)])
    assert ended.value.code == 0
    names = {path.name for path in (tmp_path / "program.figures").iterdir()}
    assert {name.partition(".")[0] for name in names} == {"originals", "reconstructions", "samples"}
    assert len(names) == 6


def test_a_run_is_not_overwritten_and_resume_takes_no_changes(run):
    before = (run / "checkpoint.h5").read_bytes()
    again = hopbar("train", "tdh-vae", "--out", run, *SMALL)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    changed = hopbar("train", "tdh-vae", "--out", run, "--resume", "--seed", 3)
    assert (changed.returncode, "keeps its configuration, but training.seed is 0, not 3" in changed.stderr) == (2, True)
    same = hopbar("train", "tdh-vae", "--out", run, "--resume", *SMALL)  # the command that began it, and --resume
    assert same.returncode == 0, same.stderr
    assert (run / "checkpoint.h5").read_bytes() == before
    (run / "checkpoint.h5").write_bytes(before[:1000])
    broken = hopbar("evaluate", run)
    assert (broken.returncode, "cannot be read" in broken.stderr) == (2, True)
    (run / "checkpoint.h5").write_bytes(before)


def test_doctor_tells_engines_and_data():
    found = json.loads(hopbar("doctor", "--json").stdout)
    assert "ngspice" in found["engines"]
    assert found["data"]["mnist-5k"] == "embedded"
