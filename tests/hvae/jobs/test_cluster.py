"""Studies and sweeps on a dask cluster: workers that are killed, join, or are unfit; and the same bytes as on one machine."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from crossbar.errors import EngineError, InvalidValue
from hvae.commands.onchip import study as study_command
from hvae.commands.sweeps import sweep as sweep_command
from hvae.config.run import DataConfig
from hvae.jobs.cluster import Cluster
from hvae.jobs.job import Job, JobsLost, Listener
from hvae.jobs.site import Needs, WorkerUnfit

pytest.importorskip("distributed")  # in the extra `cluster`

from dask_cluster import Killer, cluster, contents

pytestmark = pytest.mark.needs_jit

STUDY = """
title = "small"
models = ["tdh-vae"]
seeds = [0, 1]
images = 20
[base]
"data.image_size" = 7
"data.train_limit" = 32
"training.batch_size" = 16
"training.epochs" = 30
"training.validation_samples" = 0
"training.eigenvalue_samples" = 0
"model.hidden" = 6
"model.latent" = 2
"optimizer.name" = "sgd"
"optimizer.learning_rate" = 0.05
[chip]
"array.device" = "soft-bounds"
[curves]
"array.dw_min" = [0.002, 0.02]
"""

SWEEP = """
[sweep]
model = "tdh-vae"
trials = 8
startup_trials = 3
batch = 3
[base.data]
image_size = 7
train_limit = 64
[base.model]
hidden = 8
[base.training]
epochs = 6
batch_size = 16
validation_samples = 60
eigenvalue_samples = 0
[parameters."training.beta_kl"]
low = 0.1
high = 5.0
log = true
[parameters."model.latent"]
low = 2
high = 6
"""


def run(command, path, out, *options):
    done = CliRunner().invoke(command, [str(path), "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.slow
def test_a_study_on_a_cluster_that_loses_a_worker_and_gets_one_leaves_the_bytes_of_one_machine(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    with cluster(tmp_path / "dask", workers=3) as found:
        killer = Killer(found, tmp_path / "many" / "cells")
        run(study_command, path, tmp_path / "many", "--scheduler", found.address)
        assert killer.killed is not None
    run(study_command, path, tmp_path / "one")
    one, many = contents(tmp_path / "one"), contents(tmp_path / "many")
    assert {name for name in one if one[name] != many.get(name)} == set()
    assert set(one) == set(many)


@pytest.mark.slow
def test_a_sweep_on_a_cluster_that_loses_a_worker_and_gets_one_leaves_the_bytes_of_one_machine(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SWEEP)
    with cluster(tmp_path / "dask", workers=3) as found:
        killer = Killer(found, tmp_path / "many" / "trials")
        run(sweep_command, path, tmp_path / "many", "--scheduler", found.address)
        assert killer.killed is not None
    run(sweep_command, path, tmp_path / "one")
    one, many = contents(tmp_path / "one"), contents(tmp_path / "many")
    assert {name for name in one if one[name] != many.get(name)} == set()
    assert set(one) == set(many)
