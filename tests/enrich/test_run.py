"""Many notes side by side: all are reported, faults of one stop none, faults of all stop it."""

from __future__ import annotations

from threading import Event, Lock

import pytest

from companion.enrich.run import Result, new_run, run_jobs
from companion.enrich.task import Job
from companion.errors import EndpointError, JournalError
from companion.llm.endpoint_errors import Cancelled

JOBS = [Job(f"{number}.md") for number in range(20)]


def fill(job: Job) -> Result:
    return Result(job.path, "enriched")


def test_every_note_is_reported_once() -> None:
    results = list(run_jobs(JOBS, fill, 4, Event()))
    assert sorted(result.path for result in results) == sorted(job.path for job in JOBS)


@pytest.mark.parametrize("fault", [EndpointError("down"), JournalError("full")], ids=repr)
def test_a_fault_for_all_ends_the_run(fault: Exception) -> None:
    def fail(job: Job) -> Result:
        if job.path == "3.md":
            raise fault
        return fill(job)

    results = []
    with pytest.raises(type(fault)) as caught:
        for result in run_jobs(JOBS, fail, 1, Event()):
            results.append(result)
    assert caught.value is fault
    assert [(r.status, r.ends_run) for r in results][:4] == [("enriched", False)] * 3 + [
        ("failed", True)
    ]
    assert len(results) < len(JOBS)


def test_a_fault_of_ours_costs_one_note() -> None:
    def fail(job: Job) -> Result:
        if job.path == "3.md":
            raise ValueError("boom")
        return fill(job)

    results = {result.path: result for result in run_jobs(JOBS, fail, 4, Event())}
    assert len(results) == len(JOBS)
    assert results["3.md"].status == "failed" and "unexpected ValueError" in results["3.md"].reason


def test_no_note_is_begun_after_a_stop() -> None:
    cancelled, begun, lock = Event(), [], Lock()

    def stop_at_the_third(job: Job) -> Result:
        with lock:
            begun.append(job.path)
            if len(begun) == 3:
                cancelled.set()
        return fill(job)

    results = list(run_jobs(JOBS, stop_at_the_third, 1, cancelled))
    assert {result.path for result in results} == set(begun) and 3 <= len(begun) <= 4


def test_what_is_broken_off_is_no_result() -> None:
    def break_off(job: Job) -> Result:
        raise Cancelled("stopped")

    cancelled = Event()
    assert list(run_jobs(JOBS, break_off, 4, cancelled)) == [] and cancelled.is_set()


def test_runs_sort_by_time() -> None:
    names = [new_run() for _ in range(3)]
    assert len(set(names)) == 3 and all(len(name) == 20 for name in names)
