"""Kernels and threads of BLAS: the fastest is kept for this processor, used, and never before the user's own choice."""

import json
import math
import os
import subprocess
import sys

import pytest

from crossbar import tuning
from crossbar.tuning import Choice
from hvae import health


@pytest.fixture
def environment(tmp_path):
    return {"XDG_CONFIG_HOME": str(tmp_path), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}


FAST = Choice(kernel="Haswell", threads=2, seconds_per_gflop=0.01)


def test_what_is_kept_is_used_where_the_user_says_nothing(environment):
    tuning.use(environment)
    assert "OMP_NUM_THREADS" not in environment
    tuning.keep(FAST, environment)
    assert tuning.kept(environment) == FAST
    environment["OMP_NUM_THREADS"] = "1"
    tuning.use(environment)
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["OPENBLAS_CORETYPE"] == "Haswell"


@pytest.mark.parametrize(
    "change",
    [{"processor": "another"}, {"kernel": "x; rm"}, {"threads": 0}, {"threads": "many"}, {"seconds_per_gflop": None}],
)
def test_a_choice_of_another_machine_or_no_choice_at_all_is_left(environment, change):
    path = tuning.keep(FAST, environment)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert tuning.kept(environment) is None
    path.write_text("{")
    assert tuning.kept(environment) is None


def test_products_are_timed_and_the_fastest_is_kept(environment, monkeypatch):
    monkeypatch.setattr(tuning, "KERNELS", ("", "Haswell"))
    timed = list(tuning.measure(environment, threads=(1,)))
    assert timed[0].kernel == ""
    assert all(0 < choice.seconds_per_gflop < 10 for choice in timed)
    slow = Choice(kernel="Zen", threads=1, seconds_per_gflop=math.inf)
    monkeypatch.setattr(tuning, "measure", lambda _: iter([slow, FAST]))
    found = health.tune(environment)
    assert found["best"]["kernel"] == "Haswell"
    assert found["gflops"][0]["gflops"] == 0
    assert tuning.kept(environment) == FAST


def test_the_command_line_loads_numpy_with_the_choice(environment):
    tuning.keep(Choice(kernel="", threads=1, seconds_per_gflop=0.01), environment)
    ask = "from crossbar.commands.hopbar import main; main(['doctor', '--json'])"
    done = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["tuned"]["threads"] == 1
    assert {pool["num_threads"] for pool in found["blas"]} == {1}


def test_idle_threads_of_openblas_are_sent_to_sleep(environment):
    """Awake, they take a core from the kernels that come after a product."""
    tuning.use(environment)
    assert environment["OPENBLAS_THREAD_TIMEOUT"] == "18"
    environment["OPENBLAS_THREAD_TIMEOUT"] = "26"
    tuning.use(environment)
    assert environment["OPENBLAS_THREAD_TIMEOUT"] == "26"
