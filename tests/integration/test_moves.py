"""Moves: stopped on one cluster, started on another; in waves, with failures and crashes, and back again."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.support.patience import PATIENCE
from tests.support.services.native_api import Api, native_api, served
from tests.support.services.plane import PROJECT, Plane, plane

from sluiceway.cli.main import run
from sluiceway.control.mover import Mover
from sluiceway.domain.adoption import Adopts
from sluiceway.domain.job import JobStatus
from sluiceway.engines.session import vitals
from sluiceway.settings import Settings
from sluiceway.store import landings
from sluiceway.store.schema import runs
from sluiceway.testing.fake_jobs import FakeCheckpoint, FakeJob

pytestmark = pytest.mark.process

Shown = dict[str, Any]
Command = Callable[..., Coroutine[Any, Any, int]]
HERE, THERE = "c0", "c1"
LOOPS = "java.lang.ArithmeticException: / by zero"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROUND_EVERY", "FIRST_PAUSE", "STARTS_WITHIN", "LONGEST_PAUSE"):
        monkeypatch.setattr(vitals, name, 0.05)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with native_api(tmp_path, clusters=2, moves=True) as made:
        for fake in made.plane.fakes.values():
            fake._cache_seconds = 0.0
        yield made


async def until(api: Api, move: int, **wanted: Any) -> Shown:
    """Wait until a move shows that."""
    async with asyncio.timeout(PATIENCE):
        while not wanted.items() <= (shown := await api.get(f"moves/{move}")).items():
            await asyncio.sleep(0.01)
    return shown


def by_job(shown: Shown) -> dict[int, Shown]:
    return {view["job_id"]: view for view in shown["jobs"]}


async def flink(api: Api, job: int, cluster: str) -> FakeJob:
    """The Flink job of a job's latest run, once this cluster has it."""
    await on(api, job, cluster)
    return api.plane.fakes[cluster].jobs[await api.plane.flink_id(job)]


async def loop(api: Api, job: int) -> None:
    """Let a job fail again and again where it goes, before it has completed a checkpoint there."""
    failing = await flink(api, job, THERE)
    failing.recoverable = False
    api.plane.fakes[THERE].loop(failing.jid, LOOPS, comes_up=False)


async def prove(api: Api, job: int) -> None:
    await on(api, job, THERE)
    (await flink(api, job, THERE)).checkpoint = FakeCheckpoint("file:/c/chk-1")


async def on(api: Api, job: int, cluster: str) -> None:
    """Wait until its latest run is on this cluster."""
    async with asyncio.timeout(PATIENCE):
        while await api.plane.flink_id(job) not in api.plane.fakes[cluster].jobs:
            await asyncio.sleep(0.01)


async def alive(api: Api, cluster: str) -> set[str]:
    return {jid for jid, job in api.plane.fakes[cluster].jobs.items() if job.state == "RUNNING"}


# As it goes well. ----------------------------------------------------------------------------------------------------


async def test_each_job_goes_on_there_from_the_savepoint_that_it_was_stopped_with(api: Api) -> None:
    jobs = await api.plane.run(3)
    placed = await api.post("moves", job_ids=jobs, to=THERE, reason="old hardware")
    assert (placed["accepted"], placed["refused"]) == (3, 0)
    shown = await until(api, placed["id"], settled=True)
    assert shown["phases"] == {"moved": 3}
    assert (shown["to"], shown["reason"], shown["state"]) == (THERE, "old hardware", "open")
    assert await alive(api, HERE) == set(), "none runs twice"
    for job, view in by_job(shown).items():
        assert (view["from_queue"], view["queue"], view["job_status"]) == (HERE, THERE, "running")
        assert (await flink(api, job, THERE)).restored == view["savepoint"]
        assert view["verified"]
        assert view["accepted_at"] <= view["stopped_at"] <= view["started_at"] <= view["proven_at"]
        assert (await api.plane.job(job)).draft.queue == THERE, "it is its own from now on"
    stop, resume = await api.show(shown["stop_id"]), await api.get(f"resumes/{shown['resume_id']}")
    assert {view["phase"] for view in stop["jobs"]} == {"stopped"}
    assert (resume["stop_id"], resume["phases"]) == (shown["stop_id"], {"proven": 3})
    assert [each["id"] for each in (await api.get("moves"))["moves"]] == [placed["id"]]
    kinds = [event["kind"] for event in (await api.get("events?limit=1000"))["events"]]
    assert kinds.count("move_accepted") == 1
    assert kinds.count("resume_accepted") == 1
    details = {e["detail"] for e in (await api.get("events?limit=1000"))["events"] if e["kind"] == "start_accepted"}
    assert sum(f"It runs on cluster {THERE} from now on." in detail for detail in details) == 3


async def test_what_is_moved_is_stopped_and_comes_back_where_it_is_now(api: Api) -> None:
    [job] = await api.plane.run(1)
    move = (await api.post("moves", queue=HERE, to=THERE))["id"]
    await until(api, move, phases={"moved": 1})
    stop = (await api.stopped(job))["id"]
    await api.resume(stop)
    await api.plane.until(job, JobStatus.RUNNING)
    assert (await api.plane.flink_id(job)) in await alive(api, THERE)
    back = (await api.post("moves", queue=THERE, to=HERE))["id"]
    await until(api, back, phases={"moved": 1})
    assert (await api.plane.flink_id(job)) in await alive(api, HERE)
    assert (await api.get(f"moves/{move}"))["phases"] == {"moved": 1}, "what was, stays told"


async def test_a_wave_begins_when_the_one_before_it_has_arrived(api: Api) -> None:
    first, second = await api.plane.run(2, interval=3600.0)
    waves = [{"job_ids": [first]}, {"job_ids": [second]}]
    move = (await api.post("moves", to=THERE, waves=waves))["id"]
    shown = await until(api, move, phases={"starting": 1, "waiting": 1})
    assert "first checkpoint" in by_job(shown)[first]["why"] or by_job(shown)[first]["phase"] == "starting"
    job = await flink(api, first, THERE)
    assert (await api.plane.job(second)).status is JobStatus.SAVEPOINTING
    assert not (await api.get(f"moves/{move}"))["settled"]
    job.checkpoint = FakeCheckpoint("file:/c/chk-1")
    await until(api, move, phases={"moved": 1, "starting": 1})
    (await flink(api, second, THERE)).checkpoint = FakeCheckpoint("file:/c/chk-1")
    assert [view["wave"] for view in (await until(api, move, settled=True))["jobs"]] == [0, 1]


async def test_no_more_jobs_are_down_at_once_than_asked_for(api: Api) -> None:
    jobs = await api.plane.run(3, interval=3600.0)
    move = (await api.post("moves", job_ids=jobs, to=THERE, max_parallel=1))["id"]
    for count in range(3):
        wanted = {"moved": count, "starting": 1, "waiting": 2 - count}
        shown = await until(api, move, phases={phase: number for phase, number in wanted.items() if number})
        [under_way] = [view["job_id"] for view in shown["jobs"] if view["phase"] == "starting"]
        (await flink(api, under_way, THERE)).checkpoint = FakeCheckpoint("file:/c/chk-1")
    assert (await until(api, move, settled=True))["phases"] == {"moved": 3}


# As it fails. --------------------------------------------------------------------------------------------------------


async def test_a_job_that_does_not_stop_runs_on_where_it_is(api: Api) -> None:
    good, bad = await api.plane.run(2)
    before = await api.plane.flink_id(bad)
    api.plane.fake.jobs[before].failing = ["declined"] * 9
    move = (await api.post("moves", job_ids=[good, bad], to=THERE))["id"]
    shown = await until(api, move, settled=True)
    assert shown["phases"] == {"moved": 1, "stayed": 1}
    view = by_job(shown)[bad]
    assert (view["queue"], view["savepoint"], view["job_status"]) == (HERE, None, "stop_failed")
    assert view["why"]
    assert await api.plane.flink_id(bad) == before
    assert await alive(api, HERE) == {before}


async def test_what_cannot_be_started_there_is_told_and_goes_back_where_it_was(api: Api) -> None:
    good, bad = await api.plane.run(2, interval=3600.0)
    move = (await api.post("moves", job_ids=[good, bad], to=THERE, park_after_seconds=0.4))["id"]
    await loop(api, bad)
    await prove(api, good)
    shown = await until(api, move, settled=True)
    assert shown["phases"] == {"moved": 1, "not_started": 1}
    view = by_job(shown)[bad]
    assert "/ by zero" in view["why"]
    answer = await api.post(f"moves/{move}/back")
    assert [(each["job_id"], each["accepted"]) for each in answer["jobs"]] == [(bad, True)]
    (await flink(api, bad, HERE)).checkpoint = FakeCheckpoint("file:/c/chk-1")
    shown = await until(api, move, phases={"moved": 1, "returned": 1})
    assert (await flink(api, bad, HERE)).restored == view["savepoint"]
    assert (await api.plane.job(bad)).draft.queue == HERE
    assert (await api.post(f"moves/{move}/back"))["jobs"] == [], "there is nothing more to bring back"


async def test_too_many_failures_pause_what_still_runs_and_somebody_says_how_it_goes_on(api: Api) -> None:
    jobs = await api.plane.run(3, interval=3600.0)
    how: dict[str, Any] = {"max_parallel": 1, "abort_when": {"failures": 1}, "park_after_seconds": 0.4}
    move = (await api.post("moves", job_ids=jobs, to=THERE, **how))["id"]
    await loop(api, jobs[0])
    shown = await until(api, move, state="paused", phases={"not_started": 1, "waiting": 2})
    assert shown["state_reason"] == "1 of 3 jobs did not move; the limit is 1."
    assert await api.post(f"moves/{move}/proceed") == {"was": "paused", "tried_again": 0}
    for job in jobs[1:]:
        await prove(api, job)
    assert (await until(api, move, settled=True))["phases"] == {"not_started": 1, "moved": 2}


async def test_an_abort_leaves_those_that_run_and_starts_nothing_more(api: Api) -> None:
    jobs = await api.plane.run(3, interval=3600.0)
    move = (await api.post("moves", job_ids=jobs, to=THERE, max_parallel=1))["id"]
    await until(api, move, phases={"starting": 1, "waiting": 2})
    withdrawn = (await api.post(f"moves/{move}/abort"))["withdrawn"]
    assert withdrawn == jobs[1:]
    shown = await until(api, move, state="aborted")
    assert shown["phases"] == {"starting": 1, "stayed": 2}
    for job in jobs[1:]:
        assert (await api.plane.until(job, JobStatus.RUNNING)).status is JobStatus.RUNNING


async def test_what_somebody_else_starts_meanwhile_is_left_to_them(tmp_path: Path) -> None:
    async with native_api(tmp_path, clusters=2) as api:  # nothing carries out the second half
        [job] = await api.plane.run(1)
        placed = await api.post("moves", job_ids=[job], to=THERE)
        shown = await until(api, placed["id"], phases={"stopped": 1})
        await api.resume(shown["stop_id"])
        await api.plane.until(job, JobStatus.RUNNING)
        await carry_out(Mover(api.plane.life.start_jobs))
        assert (await flink(api, job, HERE)).state == "RUNNING"
        assert await alive(api, THERE) == set()
        shown = await until(api, placed["id"], settled=True)
        assert shown["phases"] == {"returned": 1}


async def test_what_is_refused_there_waits_with_the_reason_until_somebody_says_how_it_goes_on(tmp_path: Path) -> None:
    async with native_api(tmp_path, clusters=2) as api:
        [job] = await api.plane.run(1)
        move = (await api.post("moves", job_ids=[job], to=THERE))["id"]
        path = by_job(await until(api, move, phases={"stopped": 1}))[job]["savepoint"].removeprefix("file://")
        hidden = Path(path).rename(f"{path}-hidden")  # noqa: ASYNC240 - nothing else goes on
        mover = Mover(api.plane.life.start_jobs)
        await carry_out(mover)
        shown = await until(api, move, phases={"not_started": 1}, settled=True, resume_id=None)
        assert "It could not be started" in by_job(shown)[job]["why"]
        assert "is not whole" in by_job(shown)[job]["why"]
        assert await api.post(f"moves/{move}/proceed") == {"was": "open", "tried_again": 1}
        await carry_out(mover)
        hidden.rename(path)
        assert [each["accepted"] for each in (await api.post(f"moves/{move}/back"))["jobs"]] == [True]
        shown = await until(api, move, phases={"returned": 1})
        assert (await flink(api, job, HERE)).restored == by_job(shown)[job]["savepoint"]
        assert await alive(api, THERE) == set()
        kinds = [event["kind"] for event in (await api.get("events?limit=1000"))["events"]]
        assert kinds.count("move_refused") == 2


async def test_what_did_not_stop_is_tried_again_as_a_part_of_the_move(api: Api) -> None:
    [job] = await api.plane.run(1)
    api.plane.fake.jobs[await api.plane.flink_id(job)].failing = ["declined"] * 3
    move = (await api.post("moves", job_ids=[job], to=THERE))["id"]
    shown = await until(api, move, phases={"stayed": 1})
    again = await api.post(f"stops/{shown['stop_id']}/retry")
    assert again["accepted"] == 1
    shown = await until(api, move, phases={"moved": 1})
    assert (shown["stop_id"], by_job(shown)[job]["queue"]) != (again["id"], HERE)


async def carry_out(mover: Mover) -> None:
    """Until nothing is left to be started."""
    while await mover.step():
        await asyncio.sleep(0.01)


# Crashes between the halves. -----------------------------------------------------------------------------------------


class Killed(BaseException):
    """Nothing of the service is left to handle it."""


@pytest.mark.parametrize("point", ["before a start is stored", "after it"])
async def test_a_service_that_dies_between_the_halves_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    land = landings.land

    async def dies(*given: Any) -> set[int]:
        if point == "after it":
            await land(*given)
        raise Killed

    async with native_api(tmp_path, clusters=2) as api:
        jobs = await api.plane.run(3)
        move = (await api.post("moves", job_ids=jobs, to=THERE))["id"]
        await until(api, move, phases={"stopped": 3})
        monkeypatch.setattr(landings, "land", dies)
        mover = Mover(api.plane.life.start_jobs)
        with pytest.raises(Killed):
            await mover.step()
        monkeypatch.setattr(landings, "land", land)
        later, other = Mover(api.plane.life.start_jobs), Mover(api.plane.life.start_jobs)
        while (await asyncio.gather(later.step(), other.step()))[0]:
            await asyncio.sleep(0.01)
        await until(api, move, phases={"moved": 3})
        async with api.plane.db.read() as connection:
            started = list((await connection.execute(select(runs.c.job_id).where(runs.c.cluster == THERE))).scalars())
        assert sorted(started) == jobs, "each was started once"


# What is refused, and what a look shows. -----------------------------------------------------------------------------


async def test_a_look_touches_nothing_and_tells_of_both_clusters(api: Api) -> None:
    [job] = await api.plane.run(1)
    draft = await api.plane.create("draft")
    found = await api.post("moves", job_ids=[job, draft, 999], to=THERE, dry_run=True)
    assert (found["id"], found["dry_run"], found["accepted"], found["refused"]) == (None, True, 1, 2)
    good, rests, unknown = found["jobs"]
    assert good["finding"]["tasks"] > 0
    assert rests["code"] == "wrong_state"
    assert f"give it the queue {THERE}" in rests["message"]
    assert unknown["code"] == "unknown"
    assert (await api.plane.job(job)).status is JobStatus.RUNNING
    assert (await api.get("moves"))["moves"] == []


async def test_where_jobs_may_not_start_none_is_stopped(api: Api) -> None:
    here, there = await api.plane.run(1), await api.plane.run(1, prefix="there", queue=THERE)
    answer = await api.post("moves", job_ids=here, to="nowhere", status=404)
    assert "nowhere" in answer["error_msg"]
    found = await api.post("moves", job_ids=[*here, *there], to=THERE)
    assert [each["accepted"] for each in found["jobs"]] == [True, True]
    assert found["jobs"][1]["message"] == f"It is on cluster {THERE} already."
    shown = await until(api, found["id"], settled=True)
    assert [view["job_id"] for view in shown["jobs"]] == here


async def test_a_program_that_nobody_here_knows_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with native_api(tmp_path, clusters=2, moves=True, adopts=Adopts(PROJECT)) as api:
        api.plane.fake.add_job("ab" * 16, name="orders")
        async with asyncio.timeout(PATIENCE):
            while not (found := (await api.post("moves", queue=HERE, to=THERE, dry_run=True))["jobs"]):
                await asyncio.sleep(0.02)
        [answer] = (await api.post("moves", job_ids=[found[0]["job_id"]], to=THERE))["jobs"]
        assert (answer["accepted"], answer["code"], found[0]["accepted"]) == (False, "no_program", False)
        assert "start it there with the command that the stop shows" in answer["message"]
        assert len(await alive(api, HERE)) == 1


async def test_a_request_that_is_sent_again_gets_its_first_answer(api: Api) -> None:
    jobs = await api.plane.run(2)
    url, body = f"/api/v1/projects/{PROJECT}/moves", {"job_ids": jobs, "to": THERE}
    first = await api.http.post(url, json=body, headers={"Idempotency-Key": "tonight"})
    again = await api.http.post(url, json=body, headers={"Idempotency-Key": "tonight"})
    assert first.json() == again.json()
    other = await api.http.post(url, json=body | {"to": HERE}, headers={"Idempotency-Key": "tonight"})
    assert (other.status_code, other.json()["error_code"]) == (422, "idempotency_key_reused")
    assert len((await api.get("moves"))["moves"]) == 1
    await until(api, first.json()["id"], phases={"moved": 2})


async def test_an_unknown_move_is_said_to_be_so(api: Api) -> None:
    assert (await api.http.get(f"/api/v1/projects/{PROJECT}/moves/9")).json()["error_code"] == "unknown_move"
    for verb in ("abort", "proceed", "back"):
        assert (await api.post(f"moves/9/{verb}", status=404))["error_code"] == "unknown_move"
    answer = await api.post("moves", to=THERE, status=400)
    assert "Say which jobs to move" in answer["error_msg"]


# The commands. -------------------------------------------------------------------------------------------------------


@pytest.fixture
async def command(tmp_path: Path) -> AsyncIterator[tuple[Plane, Command]]:
    """A control plane, and what runs a command line against it; its exit code."""
    async with (
        plane(tmp_path, clusters=2, moves=True) as at,
        served(at, Settings(data=tmp_path)) as address,
    ):

        async def line(*words: str) -> int:
            return await asyncio.to_thread(run, [*words, "--server", address, "--project", PROJECT])

        yield at, line


async def test_a_cluster_is_moved_from_the_command_line(
    command: tuple[Plane, Command], capsys: pytest.CaptureFixture[str]
) -> None:
    at, line = command
    jobs = await at.run(2)
    assert await line("move", "--to", THERE) == 2
    assert "Say which jobs to move" in capsys.readouterr().err
    assert await line("move", "--from", HERE, "--to", THERE, "--dry-run") == 0
    assert "WOULD_MOVE" in capsys.readouterr().out
    assert {(await at.job(job)).status for job in jobs} == {JobStatus.RUNNING}
    assert await line("move", "--from", HERE, "--to", THERE, "--wait") == 2, "nobody can be asked"
    assert "--yes" in capsys.readouterr().err
    assert await line("move", "--from", HERE, "--name", "*", "--to", THERE, "--wait", "--yes") == 0
    told = capsys.readouterr()
    assert "Move 1 to c1 is accepted for 2 jobs." in told.out
    assert told.out.count(" moved ") == 2
    assert await line("moves", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["moves"][0]["phases"] == {"moved": 2}
    assert await line("moves", "show", "1", "--wait", "--json") == 0
    assert [view["queue"] for view in json.loads(capsys.readouterr().out)["jobs"]] == [THERE, THERE]
    assert await line("moves", "watch", "1", "--json") == 0
    kinds = [json.loads(event)["kind"] for event in capsys.readouterr().out.splitlines()]
    assert {"move_accepted", "stop_accepted", "stop_stopped", "resume_accepted", "start_accepted"} <= set(kinds)
    assert await line("moves", "back", "1") == 0
    assert "There is no job to bring back." in capsys.readouterr().out
    assert await line("moves", "proceed", "1") == 1
    assert "no start was refused" in capsys.readouterr().err


async def test_a_cluster_is_drained_to_another_one(
    command: tuple[Plane, Command], capsys: pytest.CaptureFixture[str]
) -> None:
    at, line = command
    at.fakes["old"] = at.fakes[HERE]
    assert await line("clusters", "add", "old", at.clusters[HERE].url) == 0
    [job] = await at.run(1, queue="old")
    assert await line("clusters", "drain", "old", "--wait") == 2
    assert "Without --to nothing is moved" in capsys.readouterr().err
    assert await line("clusters", "drain", "old") == 0
    assert "sluiceway move --from old --to ANOTHER --wait" in capsys.readouterr().out
    assert await line("clusters", "drain", "old", "--to", THERE, "--wait", "--yes") == 0
    assert (await at.job(job)).draft.queue == THERE
    assert (await at.job(job)).status is JobStatus.RUNNING
    assert await line("move", str(job), "--to", "old", "--yes") == 1
    assert "being drained" in capsys.readouterr().err
    assert (await at.job(job)).status is JobStatus.RUNNING, "what could not start there is not stopped"
