"""Studies and sweeps on a dask cluster: workers are killed, join or are unfit; the bytes are those of one machine."""

import itertools
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from crossbar.errors import EngineError, InvalidValue
from hvae.commands.onchip import study as study_command
from hvae.commands.sweeps import sweep as sweep_command
from hvae.config.run import DataConfig
from hvae.jobs import cluster as jobs_on_cluster
from hvae.jobs.cluster import Cluster
from hvae.jobs.job import Job, JobsLost, Listener
from hvae.jobs.site import Needs, WorkerUnfit

pytest.importorskip("distributed")  # in the extra `cluster`

from dask_cluster import Killer, cluster, holder
from runs_compared import contents
from small_jobs import deadly, endless, harmless

ROOT = Path(__file__).parents[3]
TESTS = {"PYTHONPATH": str(ROOT / "tests")}  # so that workers find `small_jobs`

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


@pytest.mark.needs_jit
@pytest.mark.slow
def test_a_study_on_a_cluster_that_loses_a_worker_and_gets_one_leaves_the_bytes_of_one_machine(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    with cluster(tmp_path / "dask", workers=3) as found:
        killer = Killer(found, tmp_path / "many" / "cells", steps=60)
        run(study_command, path, tmp_path / "many", "--scheduler", found.address)
        assert 0 < killer.killed_at < 60
        assert killer.joined in map(holder, (tmp_path / "many" / "cells").iterdir())
    run(study_command, path, tmp_path / "one")
    one, many = contents(tmp_path / "one"), contents(tmp_path / "many")
    assert {name for name in one if one[name] != many.get(name)} == set()
    assert set(one) == set(many)


@pytest.mark.needs_jit
@pytest.mark.slow
def test_a_sweep_on_a_cluster_that_loses_a_worker_and_gets_one_leaves_the_bytes_of_one_machine(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SWEEP)
    with cluster(tmp_path / "dask", workers=3) as found:
        killer = Killer(found, tmp_path / "many" / "trials", steps=24)
        run(sweep_command, path, tmp_path / "many", "--scheduler", found.address)
        assert 0 < killer.killed_at < 24
        assert killer.joined in map(holder, (tmp_path / "many" / "trials").iterdir())
    run(sweep_command, path, tmp_path / "one")
    one, many = contents(tmp_path / "one"), contents(tmp_path / "many")
    assert {name for name in one if one[name] != many.get(name)} == set()
    assert set(one) == set(many)


def results(address, out, *jobs, data=(), **heard):
    return Cluster(address, Needs(out=out, data=data)).run(jobs, Listener(**heard))


def collect(found, into):
    for one in found:
        into.append(one)


@pytest.mark.slow
def test_a_job_that_kills_its_workers_again_and_again_is_named_and_the_others_are_done(tmp_path):
    jobs = [Job("deadly", deadly, ()), *(Job(f"harmless {n}", harmless, (n,)) for n in range(3))]
    found = []
    with cluster(tmp_path / "dask", DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1") as dask:
        for _ in range(3):
            dask.add_worker(**TESTS)
        with pytest.raises(JobsLost, match=r"again and again at deadly; the 3 others are finished.*goes on") as caught:
            collect(results(dask.address, tmp_path / "out", *jobs), found)
        assert [process.poll() for process in dask.processes].count(-9) == 2
    assert caught.value.names == ("deadly",)
    assert sorted(found) == [(f"harmless {n}", n) for n in range(3)]
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
def test_a_job_is_left_when_its_command_is_stopped_and_a_scheduler_that_is_gone_is_told(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"

    class Stopped(Exception):
        pass

    def stop(_):
        if one.exists():
            raise Stopped

    def kill(_):
        if other.exists():
            dask.processes[0].kill()

    with cluster(tmp_path / "dask") as dask:
        dask.add_worker(**TESTS)
        with pytest.raises(Stopped):
            list(results(dask.address, tmp_path / "out", Job("endless", endless, (one,)), on_wait=stop))
        (number,) = results(dask.address, tmp_path / "out", Job("next", harmless, (7,)))  # its worker is free
        assert number == ("next", 7)
        assert one.stat().st_size < 100
        with pytest.raises(EngineError, match=r"dask scheduler at tcp://.* is gone .*goes on where it stands"):
            list(results(dask.address, tmp_path / "out", Job("endless", endless, (other,)), on_wait=kill))


@pytest.mark.slow
def test_workers_that_are_unfit_are_refused_at_once_with_the_remedy(tmp_path):
    """One that joins later is refused at its first job."""
    code = tmp_path / "code"
    for name in ("crossbar", "hvae"):
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    (code / "hvae" / "streams.py").open("a").write("\n# another version\n")
    mnist = (DataConfig(name="mnist"),)
    cases = [
        ([], {"PYTHONPATH": str(code)}, (), r"hopbar \S+ \(code \w+\) instead of .*start the worker again"),
        (["--nthreads", "2"], TESTS, (), r"has 2 threads.*--nthreads 1"),
        ([], TESTS | {"HOPBAR_DATA": "/nowhere"}, mnist, r"HOPBAR_DATA is '/nowhere', which does not exist"),
    ]
    job = Job("a", harmless, (1,))
    with cluster(tmp_path / "dask") as dask:
        for (options, environment, data, message), late in itertools.product(cases, (False, True)):
            worker = dask.add_worker(*options, **environment)
            if not late:
                dask.await_workers(1)
            waited = []
            with pytest.raises(WorkerUnfit, match=message):
                list(results(dask.address, tmp_path / "out", job, data=data, on_wait=waited.append))
            assert bool(waited) == late  # else before the first job
            worker.kill()
            worker.wait()
        gone = itertools.count()

        def hide(_):
            """Make the folder another one than that of the command, before the first worker comes."""
            if next(gone) == 0:
                (token,) = (tmp_path / "out").glob(".cluster-*")
                token.rename(tmp_path / token.name)
                dask.add_worker(**TESTS)

        with pytest.raises(WorkerUnfit, match=r"does not see the folder .*/out of --out: name one on a disk that all"):
            list(results(dask.address, tmp_path / "out", job, on_wait=hide))


def test_where_no_scheduler_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs_on_cluster, "CONNECT_SECONDS", 1.0)
    (tmp_path / "study.toml").write_text(STUDY)
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        done = CliRunner().invoke(
            study_command, [str(tmp_path / "study.toml"), "--out", str(tmp_path / "out"), "--scheduler", address]
        )
        assert isinstance(done.exception, EngineError)
        assert f"no dask scheduler answers at {address}" in str(done.exception)
        assert "start one with `dask scheduler`" in str(done.exception)


def test_where_nothing_is_left_to_do_no_scheduler_is_asked(tmp_path):
    assert list(results("tcp://127.0.0.1:1", tmp_path / "out")) == []
    assert not (tmp_path / "out").exists()


def test_a_relative_folder_of_data_is_refused(tmp_path):
    data = (DataConfig(name="mnist", folder="here"),)
    with pytest.raises(InvalidValue, match=r"`data.folder` must be an absolute path"):
        list(results("tcp://127.0.0.1:1", tmp_path, Job("a", harmless, (1,)), data=data))
