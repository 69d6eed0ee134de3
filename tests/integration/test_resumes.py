"""Ways back as orders: proven, parked, paced, paused, withdrawn and tried again; and stops that are tried again."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from tests.support.patience import PATIENCE
from tests.support.services.native_api import Api, native_api
from tests.support.services.plane import PROJECT

from sluiceway.assembly.clock import clock
from sluiceway.domain.job import JobStatus
from sluiceway.domain.watched import Change
from sluiceway.engines.session import vitals
from sluiceway.reconcile.memory import Memory
from sluiceway.store import catalogue
from sluiceway.store.catalogue import Need, Which
from sluiceway.store.leases import Lease
from sluiceway.store.schema import batches, runs
from sluiceway.testing.fake_jobs import FakeCheckpoint, FakeJob

pytestmark = pytest.mark.process

LOOPS = "java.lang.ArithmeticException: / by zero"
Shown = dict[str, Any]
moment = datetime.fromisoformat


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROUND_EVERY", "FIRST_PAUSE", "STARTS_WITHIN", "LONGEST_PAUSE"):
        monkeypatch.setattr(vitals, name, 0.05)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with native_api(tmp_path, clusters=2) as made:
        for fake in made.plane.fakes.values():
            fake._cache_seconds = 0.0
        yield made


async def stopped(api: Api, count: int = 2, **fields: Any) -> tuple[int, list[int]]:
    """A stop of so many jobs, and the jobs."""
    jobs = await api.plane.run(count, **fields)
    return int((await api.stopped(*jobs))["id"]), jobs


async def flink(api: Api, job: int) -> FakeJob:
    """The Flink job of a job's latest run, once its cluster has it."""
    jid = await api.plane.flink_id(job)
    await api.plane.eventually(lambda: any(jid in fake.jobs for fake in api.plane.fakes.values()))
    return next(fake.jobs[jid] for fake in api.plane.fakes.values() if jid in fake.jobs)


async def loop(api: Api, job: int) -> None:
    """Let it fail again and again, before it has completed a checkpoint."""
    failing = await flink(api, job)
    failing.recoverable = False
    api.plane.fake.loop(failing.jid, LOOPS, comes_up=False)


async def prove(api: Api, job: int) -> None:
    (await flink(api, job)).checkpoint = FakeCheckpoint("file:/c/chk-1")


async def until(api: Api, resume: int, **wanted: Any) -> Shown:
    """Wait until a resume shows that."""
    async with asyncio.timeout(PATIENCE):
        while not wanted.items() <= (shown := await api.get(f"resumes/{resume}")).items():
            await asyncio.sleep(0.01)
    return shown


def by_job(shown: Shown) -> dict[int, Shown]:
    return {view["job_id"]: view for view in shown["jobs"]}


# Proven and parked. --------------------------------------------------------------------------------------------------


async def test_what_loops_is_parked_with_its_cause_and_the_others_are_proven(api: Api) -> None:
    stop, [bad, good, checkpointed] = await stopped(api, 3, interval=3600.0)
    kept = {view["job_id"]: view["savepoint"] for view in (await api.show(stop))["jobs"]}
    resume = (await api.post(f"stops/{stop}/resume", park_after_seconds=0.4))["id"]
    await loop(api, bad)
    await prove(api, checkpointed)
    shown = await until(api, resume, phases={"parked": 1, "proven": 1, "running": 1})
    assert "first checkpoint" in by_job(shown)[good]["why"]
    assert not shown["settled"], "one has yet to prove itself"
    await prove(api, good)
    shown = await until(api, resume, settled=True)
    parked = by_job(shown)[bad]
    assert (parked["phase"], parked["job_status"], parked["restored_from"]) == ("parked", "stopped", kept[bad])
    assert "/ by zero" in parked["why"]
    assert kept[bad] in parked["why"]
    assert (await flink(api, bad)).state == "CANCELED"
    job = await api.plane.job(bad)
    assert (job.status, job.why) == (JobStatus.STOPPED, parked["why"])
    [savepoint] = await catalogue.listed(api.plane.db, PROJECT, Which(job_id=bad), 10, now=clock())
    assert (savepoint.path, savepoint.need) == (kept[bad], Need.RESTORED_FROM), "its state is protected"
    dli = (await api.http.get(f"/v1.0/{PROJECT}/streaming/jobs/{bad}")).json()["job_detail"]
    assert dli["status_desc"] == parked["why"]
    kinds = [e["kind"] for e in (await api.get("events?limit=1000"))["events"] if e["resume_id"] == resume]
    assert {"resume_accepted", "job_parking", "stop_stopped", "run_canceled"} <= set(kinds)


async def test_restarts_park_it_as_well_and_nothing_does_where_that_was_said(api: Api) -> None:
    stop, [one, other] = await stopped(api, 2, interval=3600.0)
    resume = (await api.post(f"stops/{stop}/resume", park_restarts=3))["id"]
    for job in (one, other):
        await loop(api, job)
    shown = await until(api, resume, phases={"parked": 2})
    assert all("at least" in view["why"] for view in shown["jobs"])
    again = (await api.post(f"resumes/{resume}/retry", park=False))["id"]
    for job in (one, other):
        await loop(api, job)
        await api.plane.until(job, JobStatus.UNWELL)
    assert (await until(api, again, phases={"restarting": 2}))["park_after_seconds"] is None


async def test_nobody_is_parked_while_the_jobmanager_does_not_answer(api: Api) -> None:
    stop, [job] = await stopped(api, 1, interval=3600.0)
    resume = (await api.post(f"stops/{stop}/resume", park_after_seconds=0.5))["id"]
    await loop(api, job)
    await until(api, resume, phases={"restarting": 1})
    api.plane.fake.fault("any", "lose_request", times=None)
    await asyncio.sleep(1.0)
    assert (await api.get(f"resumes/{resume}"))["phases"] == {"restarting": 1}
    api.plane.fake.loop((await flink(api, job)).jid, "")
    api.plane.fake.clear_faults()
    await prove(api, job)
    shown = await until(api, resume, settled=True)
    assert shown["phases"] == {"proven": 1}, "what went on while nobody saw it counts for nothing"


async def test_nobody_is_parked_for_the_time_that_a_look_waits_for_the_database(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, [job] = await stopped(api, 1, interval=3600.0)
    resume = (await api.post(f"stops/{stop}/resume", park_after_seconds=0.5))["id"]
    record = Memory.record

    async def late(memory: Memory, lease: Lease, changes: Sequence[Change], now: datetime) -> Any:
        recorded = await record(memory, lease, changes, now)
        if any(change.after.run.falters_since for change in changes):
            monkeypatch.setattr(Memory, "record", record)
            await asyncio.sleep(1.0)
            api.plane.fake.loop((await flink(api, job)).jid, "")
            await prove(api, job)
        return recorded

    monkeypatch.setattr(Memory, "record", late)
    await loop(api, job)
    assert (await until(api, resume, settled=True))["phases"] == {"proven": 1}


async def test_a_job_that_fails_at_once_is_told_and_the_next_wave_comes(api: Api) -> None:
    jobs = await api.plane.run(2)
    stop = (await api.stop(waves=[{"job_ids": [job]} for job in jobs]))["id"]
    await api.settled(stop)
    resume = (await api.post(f"stops/{stop}/resume"))["id"]
    api.plane.fake.fail_to_start((await flink(api, jobs[1])).jid)
    shown = by_job(await until(api, resume, settled=True))
    assert (shown[jobs[1]]["phase"], shown[jobs[0]]["phase"]) == ("failed", "proven")
    assert "Cannot find the savepoint" in shown[jobs[1]]["why"]
    assert moment(shown[jobs[0]]["released_at"]) > moment(shown[jobs[1]]["released_at"])


# Places, pace, pause. ------------------------------------------------------------------------------------------------


async def test_never_more_are_on_their_way_than_was_asked(api: Api) -> None:
    here, there = await api.plane.run(3, "here"), await api.plane.run(3, "there", queue="c1")
    stop = (await api.stopped(*here, *there))["id"]
    resume = (await api.post(f"stops/{stop}/resume", max_parallel=2))["id"]
    views = (await until(api, resume, settled=True))["jobs"]
    assert {view["phase"] for view in views} == {"proven"}
    spans = [(moment(view["released_at"]), moment(view["proven_at"])) for view in views]
    assert max(len([1 for begun, up in spans if begun <= at < up]) for at, _ in spans) <= 2


async def test_a_pace_spreads_the_starts(api: Api) -> None:
    stop, _ = await stopped(api, 4)
    resume = (await api.post(f"stops/{stop}/resume", pace=600))["id"]
    shown = await until(api, resume, settled=True)
    begun = sorted(moment(view["released_at"]) for view in shown["jobs"])
    assert all((at - begun[0]).total_seconds() >= 0.099 * number for number, at in enumerate(begun))


async def test_what_has_not_begun_can_be_withdrawn_and_resumed_again(api: Api) -> None:
    stop, jobs = await stopped(api, 3)
    resume = (await api.post(f"stops/{stop}/resume", pace=1))["id"]
    shown = await until(api, resume, phases={"proven": 1, "held": 2})
    [first] = [view["job_id"] for view in shown["jobs"] if view["proven_at"]]
    others = sorted({*jobs} - {first})
    assert await api.post(f"resumes/{resume}/abort") == {"withdrawn": others}
    shown = await until(api, resume, settled=True)
    assert (shown["state"], shown["phases"]) == ("aborted", {"proven": 1, "withdrawn": 2})
    assert [(await api.plane.job(job)).status for job in others] == [JobStatus.STOPPED] * 2
    assert await api.post(f"resumes/{resume}/proceed") == {"was": "aborted"}
    answer = await api.resume(stop)
    assert (answer["accepted"], answer["id"] > resume) == (3, True)
    shown = await until(api, answer["id"], settled=True)
    assert (sorted(by_job(shown)), shown["retry_of"]) == (others, resume)
    saved = {view["job_id"]: view["savepoint"] for view in (await api.show(stop))["jobs"]}
    assert {job: await api.restored(job) for job in jobs} == saved


async def test_too_many_that_do_not_come_pause_the_rest(api: Api) -> None:
    jobs = await api.plane.run(2)
    stop = (await api.stop(waves=[{"job_ids": [job]} for job in jobs]))["id"]
    await api.settled(stop)
    resume = (await api.post(f"stops/{stop}/resume", abort_when={"failures": 1}))["id"]
    api.plane.fake.fail_to_start((await flink(api, jobs[1])).jid)
    shown = await until(api, resume, state="paused")
    assert shown["phases"] == {"failed": 1, "held": 1}
    assert "1 of 2 jobs did not come back" in shown["state_reason"]
    assert await api.post(f"resumes/{resume}/proceed") == {"was": "paused"}
    assert (await until(api, resume, settled=True))["phases"] == {"failed": 1, "proven": 1}


# Trying again. -------------------------------------------------------------------------------------------------------


async def test_a_retry_takes_exactly_what_did_not_come_back_and_is_one_story_with_the_first(api: Api) -> None:
    stop, [bad, good] = await stopped(api, 2, interval=3600.0)
    first = (await api.post(f"stops/{stop}/resume", park_after_seconds=0.2, max_parallel=7))["id"]
    await loop(api, bad)
    await prove(api, good)
    await until(api, first, phases={"parked": 1, "proven": 1})
    answer = await api.post(f"stops/{stop}/resume", failed=True)
    assert [each["job_id"] for each in answer["jobs"]] == [bad]
    await prove(api, bad)
    second = await until(api, answer["id"], settled=True)
    assert (second["retry_of"], second["stop_id"]) == (first, stop)
    assert (second["max_parallel"], second["park_after_seconds"]) == (7, 0.2), "it is as the first was asked for"
    story = {"orders": [first, answer["id"]], "jobs_total": 2, "phases": {"proven": 2}}
    heads = (await api.get("resumes"))["resumes"]
    assert [(head["id"], head["retried_by"], head["story"]) for head in heads] == [
        (answer["id"], None, story),
        (first, answer["id"], story),
    ]
    assert by_job(second)[bad]["restored_from"] == by_job(await api.get(f"resumes/{first}"))[bad]["restored_from"]
    assert (await api.post(f"resumes/{first}/retry"))["jobs"] == [], "nothing of the story has failed"
    assert (await flink(api, good)).restarts == 0


async def test_a_retry_leaves_what_was_started_otherwise_since(api: Api) -> None:
    stop, [job] = await stopped(api, 1, interval=3600.0)
    resume = (await api.post(f"stops/{stop}/resume", park_after_seconds=0.2))["id"]
    await loop(api, job)
    await until(api, resume, settled=True)
    await api.plane.start(PROJECT, [job], resume=False)
    [answer] = (await api.post(f"resumes/{resume}/retry"))["jobs"]
    assert (answer["accepted"], answer["code"]) == (False, "superseded")


async def test_a_stop_is_tried_again_for_exactly_what_failed(api: Api) -> None:
    bad, good, late = await api.plane.run(3)
    (await flink(api, bad)).failing = ["storage"]
    asked = {"waves": [{"job_ids": [good]}, {"job_ids": [bad, late]}], "drain": True, "reason": "tonight"}
    stop = (await api.stop(**asked))["id"]
    assert (await api.settled(stop))["phases"] == {"failed": 1, "stopped": 2}
    key = {"Idempotency-Key": "again"}
    path = f"/api/v1/projects/{PROJECT}/stops/{stop}/retry"
    answer = (await api.http.post(path, headers=key)).json()
    assert [(each["job_id"], each["accepted"], each["wave"]) for each in answer["jobs"]] == [(bad, True, 1)]
    assert (await api.http.post(path, headers=key)).json() == answer, "and once, however often it is sent"
    again = await api.settled(answer["id"])
    assert (again["retry_of"], again["reason"], again["phases"]) == (stop, "tonight", {"stopped": 1})
    async with api.plane.db.read() as connection:
        policy = await connection.execute(select(batches.c.policy).where(batches.c.id == again["id"]))
        assert json.loads(policy.scalar_one())["drain"] is True
    first = await api.show(stop)
    assert first["retried_by"] == again["id"]
    assert first["story"] == {"orders": [stop, again["id"]], "jobs_total": 3, "phases": {"stopped": 3}}
    assert (await api.post(f"stops/{stop}/retry"))["id"] is None, "nothing of the story has failed"
    told = [e for e in (await api.get("events?limit=1000"))["events"] if e["kind"] == "batch_retried"]
    assert [(event["stop_id"], str(again["id"]) in event["detail"]) for event in told] == [(stop, True)]
    assert (await api.resume(stop))["refused"] == 3, "what was drained comes back only where that is asked for"
    back = await api.resume(stop, allow=["drained"])
    assert (back["accepted"], back["refused"]) == (3, 0), "the way back is that of the story"


# What is refused. ----------------------------------------------------------------------------------------------------


async def test_ids_of_one_kind_are_none_of_the_other(api: Api) -> None:
    stop, [job] = await stopped(api, 1)
    for path in (f"resumes/{stop}", f"resumes/{stop}/events"):
        answer = await api.http.get(f"/api/v1/projects/{PROJECT}/{path}")
        assert (answer.status_code, answer.json()["error_code"]) == (404, "unknown_resume")
    assert (await api.post(f"stops/{stop}/resume", 409, failed=True))["error_code"] == "not_resumed"
    resume = (await api.resume(stop))["id"]
    for path, code in (("abort", "unknown_stop"), ("proceed", "unknown_stop"), ("retry", "unknown_stop")):
        assert (await api.post(f"stops/{resume}/{path}", 404))["error_code"] == code
    for path in ("abort", "proceed", "retry"):
        assert (await api.post(f"resumes/{stop}/{path}", 404))["error_code"] == "unknown_resume"
    assert (await api.post(f"stops/{resume}/resume", 404))["error_code"] == "unknown_stop"
    assert [head["id"] for head in (await api.get("stops"))["stops"]] == [stop]
    await api.plane.until(job, JobStatus.RUNNING)


@pytest.mark.parametrize(
    "body",
    [{"pace": 0}, {"park": False, "park_restarts": 3}, {"abort_when": {}}, {"park_after_seconds": 0}, {"wave": 1}],
)
async def test_a_request_that_makes_no_sense_starts_nothing(api: Api, body: Shown) -> None:
    stop, [job] = await stopped(api, 1)
    assert (await api.post(f"stops/{stop}/resume", 400, **body))["error_code"] == "bad_request"
    assert (await api.plane.job(job)).status is JobStatus.STOPPED
    assert (await api.get("resumes"))["resumes"] == []


async def test_single_jobs_come_back_as_an_order_too(api: Api) -> None:
    _, [one, other] = await stopped(api, 2)
    answer = await api.post("resumes", job_ids=[one, other, 999])
    assert (answer["accepted"], answer["refused"]) == (2, 1)
    assert (await until(api, answer["id"], settled=True))["stop_id"] is None
    assert (await api.post("resumes", 400, job_ids=[one], failed=True))["error_code"] == "bad_request"


async def test_a_way_back_of_an_older_version_goes_on_as_it_was(api: Api) -> None:
    """Its starts belong to the stop itself, whose limits are for stopping."""
    jobs = await api.plane.run(2)
    stop = (await api.stop(waves=[{"job_ids": [job]} for job in jobs], max_parallel=1))["id"]
    await api.settled(stop)
    resume = (await api.post(f"stops/{stop}/resume", pace=1))["id"]
    async with api.plane.db.write() as connection:
        await connection.execute(update(runs).where(runs.c.batch_id == resume).values(batch_id=stop))
    for job in jobs:
        await api.plane.until(job, JobStatus.RUNNING)
