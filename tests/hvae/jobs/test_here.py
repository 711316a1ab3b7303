"""Jobs in processes of this machine."""

import pytest
from small_jobs import deadly, harmless

from crossbar.errors import FolderInUse
from hvae.jobs import job as jobs
from hvae.jobs.here import InProcess, Processes
from hvae.jobs.job import Job, JobsLost, Listener, silent


def collect(found, into):
    for one in found:
        into.append(one)


@pytest.mark.parametrize("runner", [InProcess(), Processes(2)])
def test_each_job_is_run_once(runner):
    found = runner.run([Job(f"job {n}", harmless, (n,)) for n in range(5)], Listener())
    assert sorted(found) == [(f"job {n}", n) for n in range(5)]


def test_a_job_that_kills_its_processes_again_and_again_is_named_and_the_others_are_done():
    given = [Job("deadly", deadly, ()), *(Job(f"job {n}", harmless, (n,)) for n in range(3))]
    found = []
    with pytest.raises(JobsLost, match=r"again and again at deadly; the 3 others are finished.*goes on") as caught:
        collect(Processes(2).run(given, Listener()), found)
    assert caught.value.names == ("deadly",)
    assert sorted(found) == [(f"job {n}", n) for n in range(3)]


def test_a_job_waits_for_a_worker_that_is_still_going_out(monkeypatch):
    refused = iter([True, False, True, True])

    def work(*, on_step):
        if next(refused):
            raise FolderInUse("in use")
        return 7

    assert Job("a", work, ()).run_elsewhere(silent) == 7
    monkeypatch.setattr(jobs, "LOCK_SECONDS", -1)
    with pytest.raises(FolderInUse):
        Job("a", work, ()).run_elsewhere(silent)
