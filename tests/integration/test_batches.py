"""What a request may say of its stops beyond which jobs, over the whole control plane and fake Flinks."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import func, select, text, true
from sqlalchemy.exc import DatabaseError
from tests.support.patience import PATIENCE
from tests.support.services.native_api import STOPS, Api, native_api
from tests.support.services.plane import PROJECT

from sluiceway.domain.clusters import Cluster
from sluiceway.domain.health import Condition
from sluiceway.domain.job import JobStatus
from sluiceway.reconcile.charting import Charting
from sluiceway.store.schema import metadata as tables
from sluiceway.testing.fake_jobs import FakeCheckpoint, FakeJob
from sluiceway.testing.fake_metadata import metadata

pytestmark = pytest.mark.process

Shown = dict[str, Any]
moment = datetime.fromisoformat


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with native_api(tmp_path, clusters=2) as made:
        yield made


async def flink(api: Api, job: int) -> FakeJob:
    """The Flink job of a job's latest run, on whichever cluster."""
    jid = await api.plane.flink_id(job)
    return next(fake.jobs[jid] for fake in api.plane.fakes.values() if jid in fake.jobs)


async def until_state(api: Api, stop: int, state: str) -> Shown:
    async with asyncio.timeout(PATIENCE):
        while (shown := await api.show(stop))["state"] != state:
            await asyncio.sleep(0.01)
    return shown


def by_job(answer: Shown) -> dict[int, Shown]:
    return {each["job_id"]: each for each in answer["jobs"]}


def under_way(shown: Shown) -> int:
    """How many stops were ever under way at once."""
    spans = [(moment(view["sent_at"]), moment(view["settled_at"])) for view in shown["jobs"]]
    return max(len([1 for sent, settled in spans if sent <= at < settled]) for at, _ in spans)


def reasons(shown: Shown) -> str:
    return " ".join(view["reason"] for view in shown["jobs"])


# Waves and places. ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second_on", ["c0", "c1"])
async def test_a_wave_begins_when_the_one_before_it_has_settled(api: Api, second_on: str) -> None:
    first = await api.plane.run(2, "first")
    second = await api.plane.run(2, "second", queue=second_on)
    [rest] = await api.plane.run(1, "rest")
    (await flink(api, first[1])).stop_seconds = 0.2
    answer = await api.stop(job_ids=[rest, *second, *first], waves=[{"job_ids": first}, {"job_ids": second}])
    assert {job: each.get("wave", 0) for job, each in by_job(answer).items()} == {
        **dict.fromkeys(first, 0),
        **dict.fromkeys(second, 1),
        rest: 2,
    }
    shown = await api.settled(answer["id"])
    assert shown["phases"] == {"stopped": 5}
    waves = [[view for view in shown["jobs"] if view["wave"] == wave] for wave in range(3)]
    assert [len(wave) for wave in waves] == [2, 2, 1]
    for before, after in pairwise(waves):
        assert max(moment(view["settled_at"]) for view in before) <= min(moment(view["sent_at"]) for view in after)


async def test_a_wave_whose_job_fails_is_followed_by_the_next(api: Api) -> None:
    bad, good = await api.plane.run(2)
    (await flink(api, bad)).failing = ["storage"]
    answer = await api.stop(waves=[{"job_ids": [bad]}, {"job_ids": [good]}])
    shown = by_job(await api.settled(answer["id"]))
    assert (shown[bad]["phase"], shown[good]["phase"]) == ("failed", "stopped")


async def test_waves_by_queue_and_by_tag_say_which_jobs_they_are(api: Api) -> None:
    [tagged] = await api.plane.run(1, "tagged", tags={"tier": "ingest"})
    [there] = await api.plane.run(1, "there", queue="c1")
    await api.plane.run(1, "bystander")
    answer = await api.stop(waves=[{"tags": {"tier": "ingest"}}, {"queue": "c1"}])
    assert [(each["job_id"], each.get("wave", 0)) for each in answer["jobs"]] == [(tagged, 0), (there, 1)]
    assert (await api.settled(answer["id"]))["phases"] == {"stopped": 2}


async def test_never_more_at_once_than_allowed_over_all_clusters(api: Api) -> None:
    jobs = [*await api.plane.run(3, "here"), *await api.plane.run(3, "there", queue="c1")]
    for job in jobs:
        (await flink(api, job)).stop_seconds = 0.1
    shown = await api.settled((await api.stop(job_ids=jobs, max_parallel=2))["id"])
    assert shown["phases"] == {"stopped": 6}
    assert under_way(shown) == 2
    assert [fake.peak <= 2 for fake in api.plane.fakes.values()] == [True, True]


# Pausing and withdrawing. ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", [{"failures": 1}, {"share": 0.5}])
async def test_failures_pause_what_has_not_begun_and_proceed_goes_on(api: Api, when: Shown) -> None:
    bad, good = await api.plane.run(2)
    (await flink(api, bad)).failing = ["storage"]
    stop = (await api.stop(waves=[{"job_ids": [bad]}, {"job_ids": [good]}], abort_when=when))["id"]
    shown = await until_state(api, stop, "paused")
    assert "1 of 2 jobs did not stop" in shown["state_reason"]
    assert (by_job(shown)[good]["held"], by_job(shown)[good]["sent_at"], shown["settled"]) == (True, None, False)
    assert await api.post(f"stops/{stop}/proceed") == {"was": "paused"}
    assert (await api.settled(stop))["phases"] == {"failed": 1, "stopped": 1}
    assert await api.post(f"stops/{stop}/proceed") == {"was": "open"}
    kinds = [event["kind"] for event in (await api.get("events?limit=1000"))["events"]]
    assert [kind for kind in kinds if kind.startswith("batch_")] == ["batch_paused", "batch_open"]


async def test_fewer_failures_than_the_limit_do_not_pause(api: Api) -> None:
    jobs = await api.plane.run(3)
    (await flink(api, jobs[0])).failing = ["storage"]
    stop = (await api.stop(waves=[{"job_ids": [job]} for job in jobs], abort_when={"failures": 2}))["id"]
    shown = await api.settled(stop)
    assert (shown["state"], shown["phases"]) == ("settled", {"failed": 1, "stopped": 2})


async def test_an_abort_withdraws_what_was_not_sent_and_the_rest_goes_on(api: Api) -> None:
    first, *others = await api.plane.run(3)
    (await flink(api, first)).stop_seconds = 0.5
    stop = (await api.stop(job_ids=[first, *others], max_parallel=1))["id"]
    await api.plane.eventually(lambda: api.plane.fake.count("stop") == 1)
    assert await api.post(f"stops/{stop}/abort") == {"withdrawn": others}
    assert [(await api.plane.job(job)).status for job in others] == [JobStatus.RUNNING] * 2
    shown = await api.settled(stop)
    assert (shown["state"], shown["phases"]) == ("aborted", {"stopped": 1, "withdrawn": 2})
    assert "local" in by_job(shown)[others[0]]["reason"]
    assert await api.post(f"stops/{stop}/abort") == {"withdrawn": []}
    assert await api.post(f"stops/{stop}/proceed") == {"was": "aborted"}
    assert [(await flink(api, job)).state for job in others] == ["RUNNING"] * 2
    assert api.plane.fake.count("stop") == 1
    told = [
        e for e in (await api.get("events?limit=1000"))["events"] if e["kind"] in {"stop_withdrawn", "batch_aborted"}
    ]
    assert [(event["job_id"], event["who"]) for event in told] == [*((job, "local") for job in others), (None, "local")]
    again = await api.settled((await api.stop(job_ids=others))["id"])
    assert again["phases"] == {"stopped": 2}, "and they can be stopped by another request"


async def test_a_cancel_that_gave_up_a_savepoint_cannot_be_withdrawn(api: Api) -> None:
    """Its savepoint may still be under way in Flink, and a second stop beside it would restart the job."""
    [job] = await api.plane.run()
    fake = await flink(api, job)
    fake.stop_seconds = 60.0
    await api.stop(job_ids=[job], timeout_seconds=0.1)
    await api.plane.until(job, JobStatus.STOP_FAILED)
    api.plane.fake.fault("any", "lose_request", times=None)
    cancel = (await api.stop(job_ids=[job], savepoint=False))["id"]
    assert await api.post(f"stops/{cancel}/abort") == {"withdrawn": []}
    api.plane.fake.clear_faults()
    assert (await api.settled(cancel))["phases"] == {"stopped": 1}
    assert (fake.state, fake.restarts) == ("CANCELED", 0)


@pytest.mark.parametrize("what", ["abort", "proceed", "events"])
async def test_an_unknown_stop_is_told_as_such(api: Api, what: str) -> None:
    [job] = await api.plane.run()
    stop = (await api.stop(job_ids=[job]))["id"]
    for path in (f"{STOPS}/{stop + 1}/{what}", f"/api/v1/projects/other/stops/{stop}/{what}"):
        answer = await (api.http.get(path) if what == "events" else api.http.post(path))
        assert (answer.status_code, answer.json()["error_code"]) == (404, "unknown_stop")


async def test_the_last_wave_comes_back_first(api: Api) -> None:
    [first] = await api.plane.run(1, "first")
    [second] = await api.plane.run(1, "second", queue="c1")
    stop = (await api.stop(waves=[{"job_ids": [first]}, {"job_ids": [second]}]))["id"]
    stopped = by_job(await api.settled(stop))
    begun = (await api.get("events?limit=1000"))["next"]
    at_once = [await api.resume(stop), await api.resume(stop)]
    assert [answer["accepted"] for answer in at_once] == [2, 2]
    for job in (first, second):
        await api.plane.until(job, JobStatus.RUNNING)
        assert (await flink(api, job)).restored == stopped[job]["savepoint"]
    told = [(event["kind"], event["job_id"]) for event in (await api.get(f"events?limit=1000&after={begun}"))["events"]]
    assert told.index(("run_running", second)) < told.index(("run_submitting", first))
    assert told.count(("run_running", first)) == told.count(("run_running", second)) == 1


# Asking twice. --------------------------------------------------------------------------------------------------------


async def with_key(api: Api, key: str, project: str = PROJECT, **body: Any) -> httpx.Response:
    return await api.http.post(f"/api/v1/projects/{project}/stops", json=body, headers={"Idempotency-Key": key})


async def test_the_same_key_gets_the_first_answer_and_one_stop(api: Api) -> None:
    [job] = await api.plane.run()
    answers = await asyncio.gather(*(with_key(api, "night", job_ids=[job, 99]) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    stop = answers[0].json()["id"]
    await api.settled(stop)
    assert (await with_key(api, "night", job_ids=[job, 99])).text == answers[0].text, "after it has settled, too"
    assert [head["id"] for head in (await api.get("stops"))["stops"]] == [stop]
    assert api.plane.fake.count("stop") == 1


async def test_a_key_of_an_earlier_release_gets_its_answer_to_the_letter(api: Api) -> None:
    """Earlier ones kept the text that they answered, and not what became of each job."""
    body: dict[str, Any] = {"job_ids": [8, 99], "reason": "tonight"}
    answer = (
        '{"id":41,"accepted":1,"refused":1,"jobs":[{"job_id":8,"accepted":true},{"job_id":99,"accepted":false,'
        '"code":"unknown","message":"There is no such job, as was said then."}]}'
    )
    sent = await with_key(api, "old", **body)
    async with api.plane.db.write() as connection:
        await connection.execute(text("UPDATE answers SET answer = :answer"), {"answer": answer})
    assert sent.json()["id"] is None
    assert (await with_key(api, "old", **body)).text == answer


async def test_a_key_is_for_one_request_of_one_project(api: Api) -> None:
    jobs = await api.plane.run(2)
    assert (await with_key(api, "k", job_ids=jobs[:1])).status_code == 202
    other = await with_key(api, "k", job_ids=jobs[1:])
    assert (other.status_code, other.json()["error_code"]) == (422, "idempotency_key_reused")
    assert "k" in other.json()["error_msg"]
    assert (await api.plane.job(jobs[1])).status is JobStatus.RUNNING
    assert (await with_key(api, "k", "other", job_ids=[5])).json()["id"] is None


async def test_a_key_is_free_again_after_a_week(api: Api) -> None:
    jobs = await api.plane.run(2)
    assert (await with_key(api, "k", job_ids=jobs[:1])).status_code == 202
    async with api.plane.db.write() as connection:
        await connection.execute(text(f"UPDATE answers SET created_at = created_at - {7 * 86_400_000 + 1}"))
    again = await with_key(api, "k", job_ids=jobs[1:])
    assert (again.status_code, again.json()["accepted"]) == (202, 1)


# Which jobs. ----------------------------------------------------------------------------------------------------------


async def test_what_is_given_must_all_be_true_of_a_job(api: Api) -> None:
    async def run(name: str, **fields: Any) -> int:
        job = await api.plane.create(name, **fields)
        await api.plane.start(PROJECT, [job], resume=False)
        await api.plane.until(job, JobStatus.RUNNING)
        return job

    async def chosen(**body: Any) -> list[int]:
        return [each["job_id"] for each in (await api.stop(**body, dry_run=True))["jobs"]]

    bracket = await run("orders[1]", tags={"team": "a"})
    plain = await run("orders1", tags={"team": "a", "tier": "x"})
    far = await run("orders-far", queue="c1", tags={"team": "b"})
    await run("other")
    assert await chosen(name="orders[1]") == [bracket], "[ stands for itself"
    assert await chosen(name="orders?") == [plain]
    assert await chosen(name="orders*") == [bracket, plain, far]
    assert await chosen(name="rders*") == [], "the pattern is of the whole name"
    assert await chosen(tags={"team": "a"}) == [bracket, plain]
    assert await chosen(tags={"team": "a", "tier": "x"}) == [plain]
    assert await chosen(name="orders*", queue="c1") == [far]
    assert await chosen(queue="c0", tags={"team": "b"}) == []
    await api.settled((await api.stop(job_ids=[plain]))["id"])
    assert await chosen(name="orders*") == [bracket, far], "what could be stopped now, unless statuses are named"
    assert await chosen(status=["stopped"]) == [plain]
    assert await chosen(status=["stopped", "running"], tags={"team": "a"}) == [bracket, plain]
    [stopped] = (await api.stop(status=["stopped"]))["jobs"]
    assert (stopped["accepted"], stopped["code"]) == (True, "already_stopped")
    assert "savepoint-" in stopped["message"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "Say which jobs"),
        ({"job_ids": [1], "all": True}, "not both"),
        ({"job_ids": [1], "name": "x"}, "not both"),
        ({"all": True, "tags": {"a": "b"}}, "leave out tags"),
        ({"job_ids": [1], "waves": [{}]}, "A wave is given"),
        ({"job_ids": [1], "waves": [{"job_ids": [1], "queue": "c0"}]}, "A wave is given"),
        ({"job_ids": [1], "abort_when": {}}, "abort_when takes"),
        ({"job_ids": [1], "abort_when": {"failures": 1, "share": 0.1}}, "abort_when takes"),
        ({"job_ids": [1], "target": "tonight"}, "absolute path or a URI"),
        ({"job_ids": [1], "savepoint": False, "drain": True}, "Without a savepoint"),
        ({"job_ids": [1], "on_savepoint_failure": {"action": "cancel_keeping_checkpoint"}}, "max_checkpoint_age"),
        ({"job_ids": [1], "on_savepoint_failure": {"max_checkpoint_age_seconds": 5}}, "max_checkpoint_age"),
        ({"job_ids": [1], "max_parallel": 0}, "max_parallel"),
        ({"status": ["asleep"]}, "no status to choose by; there are submitting, running, stopped, stop_failed"),
        ({"select": {"status": ["draft"]}}, "no status to choose by"),
        ({"select": {"health": ["poorly"]}}, "there are unknown, starting, running, restarting, no_slots"),
        ({"select": {"selector": "tier in source"}}, "selector: 'tier in source' is no selector: at character 9"),
        ({"select": {"cluster_selector": "env!"}}, "cluster_selector: "),
        ({"select": {}}, "would mean every job"),
        ({"select": {"name": "a"}, "tags": {"a": "b"}}, "put tags into it"),
        ({"select": {"name": "a"}, "job_ids": [1]}, "not both"),
        ({"job_ids": [1], "surprise": 1}, "surprise"),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_request_that_contradicts_itself_is_refused(api: Api, body: Shown, why: str, dry_run: bool) -> None:
    answer = await api.http.post(STOPS, json={**body, "dry_run": dry_run})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "bad_request")
    assert why in answer.json()["error_msg"]


async def test_one_selection_means_the_same_jobs_to_a_list_and_to_a_stop(api: Api) -> None:
    labels = {"c0": {"env": "prod"}, "c1": {"env": "test", "spare": ""}}
    queues = api.plane.queues
    queues.known = {name: Cluster(name=name, addresses=("",), labels=labels[name]) for name in queues.names}

    async def run(name: str, queue: str, **tags: str) -> int:
        job = await api.plane.create(name, queue=queue, tags=tags)
        await api.plane.start(PROJECT, [job], resume=False)
        await api.plane.until(job, JobStatus.RUNNING)
        return job

    async def chosen(**selection: Any) -> list[int]:
        """What a stop would take, and a list shows."""
        stopped = [each["job_id"] for each in (await api.stop(select=selection, dry_run=True))["jobs"]]
        query = {{"clusters": "cluster"}.get(name, name): value for name, value in selection.items()}
        listed = await api.get(f"jobs?{urlencode({'status': 'running'} | query, doseq=True)}")
        assert stopped == sorted(each["job_id"] for each in listed["jobs"]), selection
        assert listed["total"] == len(stopped)
        return stopped

    source = await run("in-orders", "c0", tier="source", team="a")
    sink = await run("out-orders", "c0", tier="sink", team="b")
    bare = await run("bare", "c1")
    draft = await api.plane.create("draft", queue="c1", tags={"tier": "source"})
    assert await chosen(selector="tier in (source,sink)") == [source, sink]
    assert await chosen(selector="tier in (source,sink),team!=b") == [source]
    assert await chosen(selector="team!=b") == [source, bare], (
        "as with kubectl, without such a tag is another value too"
    )
    assert await chosen(selector="tier notin (source),tier") == [sink]
    assert await chosen(selector="!tier") == [bare]
    assert await chosen(name="*-orders", selector="tier=sink") == [sink]
    assert await chosen(cluster_selector="env=prod") == [source, sink]
    assert await chosen(cluster_selector="env in (prod,test),spare") == [bare]
    assert await chosen(cluster_selector="env=prod", clusters=["c1"]) == []
    assert await chosen(clusters=["c1", "c0"], selector="tier") == [source, sink]
    fake = api.plane.fakes["c0"]
    fake.free_slots = 0
    fake.set_running_tasks(await api.plane.flink_id(sink), 0)
    await api.plane.until_it_fares(source, lambda health: health.condition is Condition.RUNNING)
    await api.plane.until_it_fares(sink, lambda health: health.condition is Condition.NO_SLOTS)
    assert await chosen(health=["no_slots"]) == [sink]
    assert await chosen(health=["no_slots", "restarting"]) == [sink]
    assert await chosen(health=["running", "no_slots"], clusters=["c0"]) == [source, sink]
    assert await chosen(status=["no_slots"]) == [sink], "as a list shows its state"
    shown = await api.get("jobs?status=no_slots&status=draft")
    assert [(each["job_id"], each["tags"]) for each in shown["jobs"]] == [
        (draft, {"tier": "source"}),
        (sink, {"tier": "sink", "team": "b"}),
    ], "in one state or another"
    everything = await api.get("jobs?selector=tier")
    assert [each["job_id"] for each in everything["jobs"]] == [draft, sink, source], "a list has those at rest, too"
    assert [each["job_id"] for each in (await api.get("jobs?cluster=c1"))["jobs"]] == [draft, bare]
    for path in ("jobs?cluster=c7", "jobs?cluster=c0&cluster=c7"):
        answer = await api.http.get(f"/api/v1/projects/{PROJECT}/{path}")
        assert (answer.status_code, answer.json()["error_code"]) == (404, "unknown_queue")
    answer = await api.http.get(f"/api/v1/projects/{PROJECT}/jobs?status=asleep")
    assert "no status to choose by; there are draft, submitting" in answer.json()["error_msg"]


async def test_everything_that_writes_to_a_table_is_one_dry_run(api: Api) -> None:
    plane = api.plane
    jobs = await plane.run(5)
    chains = (
        "Source: orders[1] -> shop.totals[2]: Writer",
        "Source: KafkaSource-raw -> (Map -> Sink: orders, Filter -> Sink: orders_archive)",
        "Source: raw[1] -> orders_archive[2]: Writer",
        "Source: raw[1] -> Sink: orders[eu]",
        "",  # it does not tell yet
    )
    for job, chain in zip(jobs, chains, strict=True):
        (await flink(api, job)).chain = chain
    into, both, archive, odd, _ = jobs
    charting = Charting(plane.db, plane.engine, plane.queues.locate)
    assert await charting.ask() == 4
    (await flink(api, into)).chain = "Source: x -> Sink: y"
    assert await charting.ask() == 0, "each is asked once in its life"

    async def chosen(**selection: str) -> list[int]:
        """What a stop would take, and a list shows; both say that one job cannot be judged."""
        looked = await api.stop(select=selection, dry_run=True)
        listed = await api.get(f"jobs?{urlencode(selection)}")
        found = [each["job_id"] for each in looked["jobs"]]
        assert found == sorted(each["job_id"] for each in listed["jobs"])
        assert (looked["unjudged"], listed["unjudged"]) == (1, 1)
        return found

    assert await chosen(writes="orders") == [both, odd], "whole words: not its archive"
    assert await chosen(reads="orders") == [into]
    assert await chosen(match="orders") == [into, both, odd]
    assert await chosen(writes="orders*") == [both, archive, odd]
    assert await chosen(writes="orders[eu]") == [odd]
    assert await chosen(writes="totals") == await chosen(writes="*.totals") == [into]
    assert await chosen(writes="tot*") == [], "a pattern is of the whole name"
    assert await chosen(reads="KafkaSource-raw", writes="orders") == [both]
    assert await chosen(match="Orders") == [], "letters count as they are written"
    assert (await api.stop(select={"writes": "orders", "name": "job-0"}, dry_run=True))["jobs"] == []
    stopped = await api.stop(select={"writes": "orders"})
    assert ([each["job_id"] for each in stopped["jobs"]], stopped["unjudged"]) == ([both, odd], 1)
    await api.settled(stopped["id"])
    again = await api.post("resumes", select={"writes": "orders"}, dry_run=True)
    assert [each["job_id"] for each in again["jobs"]] == [both, odd], "what is stopped is still known by what it wrote"


async def test_resumes_and_savepoints_take_the_same_selections(api: Api) -> None:
    async def run(name: str, **tags: str) -> int:
        job = await api.plane.create(name, tags=tags)
        await api.plane.start(PROJECT, [job], resume=False)
        await api.plane.until(job, JobStatus.RUNNING)
        return job

    one, two = await run("in-a", team="x"), await run("in-b", team="x")
    other = await run("out", team="y")
    saved = await api.post("savepoints", select={"selector": "team=x"})
    assert [(each["job_id"], each["accepted"]) for each in saved["jobs"]] == [(one, True), (two, True)]
    await api.stopped(one, two, other)
    saved = await api.post("savepoints", select={"selector": "team=x"})
    assert saved["jobs"] == [], "unless statuses are named: those that run"
    back = await api.post("resumes", select={"name": "in-*"})
    assert [(each["job_id"], each["accepted"]) for each in back["jobs"]] == [(one, True), (two, True)]
    for job in (one, two):
        await api.plane.until(job, JobStatus.RUNNING)
    again = await api.post("resumes", select={"selector": "team"}, dry_run=True)
    assert [each["job_id"] for each in again["jobs"]] == [other], "unless statuses are named: those that are stopped"
    both: Shown = {"job_ids": [one], "select": {"name": "a"}}
    for path, nothing in (("resumes", {"park": True}), ("savepoints", {"format": "auto"})):
        for body in (nothing, both):
            refused = await api.post(path, 400, **body)
            assert "Say which jobs in one way" in refused["error_msg"]


async def test_a_job_made_through_dli_is_found_by_its_tag(api: Api) -> None:
    body = {"name": "tagged", "sql_body": "-", "tags": [{"key": "team", "value": "payments"}]}
    made = await api.http.post(f"/v1.0/{PROJECT}/streaming/sql-jobs", json=body)
    job = made.json()["job"]["job_id"]
    await api.plane.start(PROJECT, [job], resume=False)
    await api.plane.until(job, JobStatus.RUNNING)
    answer = await api.stop(tags={"team": "payments"})
    assert [each["job_id"] for each in answer["jobs"]] == [job]


# Looking first. -------------------------------------------------------------------------------------------------------


async def rows(api: Api) -> dict[str, int]:
    """How many rows each table has, without what is told of jobs that fare better or worse by themselves."""
    by_itself = tables.tables["events"].c.kind.in_(("job_unwell", "job_well"))
    async with api.plane.db.read() as connection:
        return {
            name: (
                await connection.execute(
                    select(func.count()).select_from(table).where(~by_itself if name == "events" else true())
                )
            ).scalar_one()
            for name, table in tables.tables.items()
        }


async def test_a_dry_run_tells_of_each_job_and_touches_nothing(api: Api, tmp_path: Path) -> None:
    good, starting, batch, busy, stopped = await api.plane.run(5)
    [far] = await api.plane.run(1, "far", queue="c1")
    draft = await api.plane.create("draft")
    await api.settled((await api.stop(job_ids=[stopped]))["id"])
    fake = api.plane.fake
    (await flink(api, good)).checkpoint = FakeCheckpoint("file:///chk-1", seconds=2.0, size=1000, written=500)
    fake.set_running_tasks(await api.plane.flink_id(starting), 1)
    (await flink(api, batch)).batch = True
    fake.show()
    (await flink(api, busy)).stop_seconds = 60.0
    target = {"target-directory": f"file://{tmp_path}/theirs"}
    async with httpx.AsyncClient(timeout=PATIENCE) as somebody:
        await somebody.post(f"{fake.url}/jobs/{await api.plane.flink_id(busy)}/savepoints", json=target)
    await api.plane.fakes["c1"].close()
    await api.plane.until_it_fares(starting, lambda h: h.condition is Condition.RESTARTING)
    before, stops = await rows(api), fake.count("stop")

    answer = await api.stop(
        job_ids=[good, starting, batch, busy, stopped, far, draft, 99],
        dry_run=True,
        waves=[{"job_ids": [starting]}, {"job_ids": [good]}],
        max_parallel=1,
    )
    assert (answer["id"], answer["dry_run"], answer["accepted"], answer["refused"]) == (None, True, 6, 2)
    told = by_job(answer)
    problems = {job: " ".join(each["finding"].get("problems", [])) for job, each in told.items()}
    found = told[good]["finding"]
    assert (told[good]["wave"], found["state"], found["running_tasks"]) == (1, "RUNNING", 2)
    assert found["last_checkpoint"].items() >= {"duration_seconds": 2.0, "size": 1000}.items()
    assert (found["estimate_seconds"], problems[good]) == (4.0, "")
    assert (found["format"], found["timeout_seconds"]) == ("canonical", 600.0)
    assert found["if_savepoint_fails"] == "restarts_from_checkpoint"
    assert "file:///chk-1" in found["if_savepoint_fails_reason"]
    assert "1 of its 2 tasks run" in problems[starting]
    assert told[batch]["finding"]["batch"] is True
    assert "batch job" in problems[batch]
    assert (told[busy]["finding"]["operation"], "under way" in problems[busy]) == ("savepoint", True)
    assert (told[stopped]["code"], problems[stopped]) == ("already_stopped", "")
    assert "c1 does not answer" in problems[far]
    assert [told[job]["code"] for job in (draft, 99)] == ["wrong_state", "unknown"]
    assert answer["plan"], "it can be carried out as it was shown, and nothing else is stored"
    assert (await rows(api) | {"plans": 0}, fake.count("stop")) == (before, stops)
    assert (await api.plane.job(good)).status is JobStatus.RUNNING


async def test_a_dry_run_without_savepoints_tells_what_would_be_lost(api: Api) -> None:
    kept, gone, none = await api.plane.run(3)
    for job in (kept, gone):
        (await flink(api, job)).checkpoint = FakeCheckpoint("file:///chk-1")
    (await flink(api, kept)).retains_checkpoints = True
    answer = await api.stop(job_ids=[kept, gone, none], savepoint=False, dry_run=True, window_seconds=7200)
    found = {job: each["finding"] for job, each in by_job(answer).items()}
    assert [each.get("problems") for each in found.values()] == [None] * 3
    lost = {job: [c["text"] for c in each["way_back"] if c["about"] == "no_savepoint"] for job, each in found.items()}
    assert [len(texts) for texts in lost.values()] == [1, 1, 1]
    assert "since its checkpoint of 20" in lost[kept][0]
    assert "everything that this run has done: its checkpoints do not outlive a cancel" in lost[gone][0]
    assert "no checkpoint of it is known" in lost[none][0]
    assert {job for job, each in found.items() if "retention" in [c["about"] for c in each["way_back"]]} == {kept}
    assert (await api.stop(plan=answer["plan"]))["accepted"] == 3, "what would be lost was shown"


async def test_a_format_that_might_kill_is_told_before_and_with_the_answer(api: Api) -> None:
    [job] = await api.plane.run(1)
    await api.plane.keeps_state_in(job, "SomethingNew")
    [dry] = (await api.stop(job_ids=[job], format="canonical", dry_run=True))["jobs"]
    assert dry["finding"]["format"] == "canonical"
    assert "Whether the job survives" in " ".join(dry["finding"]["problems"])
    [auto] = (await api.stop(job_ids=[job], dry_run=True))["jobs"]
    assert "problems" not in auto["finding"]
    [taken] = (await api.post("savepoints", job_ids=[job], format="canonical"))["jobs"]
    assert taken["accepted"]
    assert "Whether the job survives" in taken["message"]
    await api.plane.until(job, JobStatus.RUNNING)
    answer = await api.stop(job_ids=[job], format="canonical")
    assert "Whether the job survives" in answer["jobs"][0]["message"]
    assert (await api.settled(answer["id"]))["phases"] == {"stopped": 1}


async def test_a_dry_run_tells_of_a_directory_that_cannot_be_written(api: Api) -> None:
    [job] = await api.plane.run()
    await asyncio.to_thread(Path(api.plane.storage.uri.removeprefix("file://"), "blocked").touch)
    [told] = (await api.stop(job_ids=[job], target=f"{api.plane.storage.uri}/blocked/tonight", dry_run=True))["jobs"]
    assert "is not a directory" in " ".join(told["finding"]["problems"])
    path = api.plane.storage.uri.removeprefix("file://")
    [told] = (await api.stop(job_ids=[job], target=f"{path}/blocked", dry_run=True))["jobs"]
    assert "is not a directory" in " ".join(told["finding"]["problems"]), "a plain path means the same"


# How. -----------------------------------------------------------------------------------------------------------------


async def test_drain_format_and_target_reach_flink(api: Api) -> None:
    [job] = await api.plane.run()
    target = f"{api.plane.storage.uri}/tonight"
    shown = await api.settled((await api.stop(job_ids=[job], drain=True, format="native", target=f"{target}/"))["id"])
    [body] = [body for method, path, body in api.plane.fake.requests if method == "POST" and path.endswith("/stop")]
    assert (body["drain"], body["formatType"]) == (True, "NATIVE")
    assert body["targetDirectory"].startswith(f"{target}/{job}/")
    assert shown["jobs"][0]["savepoint"].startswith(target)


async def failing(api: Api, times: int = 3) -> tuple[int, FakeJob]:
    """A job whose savepoints cannot be written so many times."""
    [job] = await api.plane.run()
    fake = await flink(api, job)
    fake.failing = ["storage"] * times
    return job, fake


async def test_a_savepoint_that_fails_is_tried_again_as_often_as_asked(api: Api) -> None:
    job, fake = await failing(api, 2)
    policy = {"attempts": 3, "backoff_seconds": 0.05}
    [view] = (await api.settled((await api.stop(job_ids=[job], on_savepoint_failure=policy))["id"]))["jobs"]
    assert (view["phase"], view["attempt"], fake.restarts) == ("stopped", 3, 0)
    assert view["savepoint"]


async def test_a_job_whose_savepoint_fails_is_canceled_where_that_was_asked_for(api: Api) -> None:
    job, fake = await failing(api)
    stop = (await api.stop(job_ids=[job], on_savepoint_failure={"action": "cancel"}))["id"]
    [view] = (await api.settled(stop))["jobs"]
    assert (view["phase"], view["savepoint"], view["checkpoint"], fake.state) == ("stopped", None, None, "CANCELED")
    assert view["reason"].startswith("Savepoint failed: ")
    assert (await api.resume(stop))["jobs"][0]["code"] == "not_stopped"


KEEPING = {"action": "cancel_keeping_checkpoint", "max_checkpoint_age_seconds": 60}


def a_checkpoint(api: Api, **fields: Any) -> FakeCheckpoint:
    """One that really lies there."""
    folder = Path(api.plane.storage.uri.removeprefix("file://"), "jobs/checkpoint/1/f/chk-7")
    folder.mkdir(parents=True)
    (folder / "_metadata").write_bytes(metadata())
    return FakeCheckpoint(f"file:{folder}", **fields)


async def test_a_job_whose_savepoint_fails_is_canceled_for_its_young_checkpoint(api: Api) -> None:
    job, fake = await failing(api)
    fake.checkpoint, fake.retains_checkpoints = a_checkpoint(api), True
    stop = (await api.stop(job_ids=[job], on_savepoint_failure=KEEPING))["id"]
    [view] = (await api.settled(stop))["jobs"]
    assert (view["phase"], view["savepoint"], view["verified"], fake.state) == ("stopped", None, True, "CANCELED")
    assert view["checkpoint"].endswith("/chk-7")
    assert (await api.resume(stop))["accepted"] == 1
    assert await api.restored(job) == view["checkpoint"]


@pytest.mark.parametrize(
    ("checkpoint", "retained", "why"),
    [
        ({"at": 0.0}, True, "s old"),
        (None, True, "no complete checkpoint"),
        ({}, False, "do not outlive a cancel"),
    ],
    ids=["old", "absent", "not retained"],
)
async def test_a_job_without_a_checkpoint_worth_keeping_runs_on(
    api: Api, checkpoint: Shown | None, retained: bool, why: str
) -> None:
    job, fake = await failing(api)
    fake.checkpoint = None if checkpoint is None else a_checkpoint(api, **checkpoint)
    fake.retains_checkpoints = retained
    shown = await api.settled((await api.stop(job_ids=[job], on_savepoint_failure=KEEPING))["id"])
    assert (shown["phases"], fake.state) == ({"failed": 1}, "RUNNING")
    assert why in reasons(shown)
    assert (await api.plane.job(job)).status is JobStatus.STOP_FAILED


# What happened. -------------------------------------------------------------------------------------------------------


async def follow(api: Api, stop: int, last: int | None = None) -> list[tuple[str, str]]:
    """The id and the kind of each event, to the end of the stream."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    answer = await api.http.get(f"{STOPS}/{stop}/events", headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.splitlines() for block in answer.text.replace("\r\n", "\n").strip().split("\n\n")]
    fields = [dict(line.split(": ", 1) for line in block) for block in blocks]
    return [(each["id"], each["event"]) for each in fields]


async def test_a_stop_is_followed_to_its_end_and_from_where_the_connection_broke(api: Api) -> None:
    [job] = await api.plane.run()
    (await flink(api, job)).stop_seconds = 0.2
    stop = (await api.stop(job_ids=[job]))["id"]
    live = await asyncio.wait_for(follow(api, stop), PATIENCE)
    kinds = [kind for _, kind in live]
    assert (kinds[0], kinds[-2:]) == ("stop_accepted", ["stop_stopped", "settled"])
    assert "stop_sent" in kinds
    ids = [int(id_) for id_, _ in live]
    assert ids == sorted(ids)
    assert (await api.show(stop))["settled"], "it ends with the stop"
    assert await follow(api, stop) == live, "later it is told in the same way"
    assert await follow(api, stop, ids[0]) == live[1:]
    assert [kind for _, kind in await follow(api, stop, ids[-1])] == ["settled"]


async def test_the_audit_says_who_and_is_read_page_by_page(api: Api) -> None:
    [job] = await api.plane.run()
    await api.settled((await api.stop(job_ids=[job], reason="kernel update"))["id"])
    whole = (await api.get("events?limit=1000"))["events"]
    [accepted] = [event for event in whole if event["kind"] == "stop_accepted"]
    assert (accepted["who"], accepted["detail"]) == ("local", "kernel update")
    read, after = list[Shown](), 0
    while (page := await api.get(f"events?limit=2&after={after}"))["events"]:
        read, after = read + page["events"], page["next"]
    assert read == whole
    assert (await api.http.get("/api/v1/projects/other/events")).json() == {"events": [], "next": 0}


@pytest.mark.parametrize("change", ["UPDATE events SET who = 'nobody'", "DELETE FROM events"])
async def test_the_database_itself_refuses_to_change_the_audit(api: Api, change: str) -> None:
    await api.plane.create()
    with pytest.raises(DatabaseError, match="only ever added"):
        async with api.plane.db.write() as connection:
            await connection.execute(text(change))


async def test_what_is_asked_through_dli_is_in_the_audit_with_who_asked(api: Api) -> None:
    dli = f"/v1.0/{PROJECT}/streaming"
    made = await api.http.post(f"{dli}/sql-jobs", json={"name": "j", "sql_body": "-"})
    job = made.json()["job"]["job_id"]
    await api.http.put(f"{dli}/sql-jobs/{job}", json={"desc": "better"})
    await api.http.post(f"{dli}/jobs/run", json={"job_ids": [job], "resume_savepoint": False})
    await api.plane.until(job, JobStatus.RUNNING)
    await api.http.post(f"{dli}/jobs/stop", json={"job_ids": [job], "trigger_savepoint": True})
    await api.plane.until(job, JobStatus.STOPPED)
    await api.http.delete(f"{dli}/jobs/{job}")
    who = {event["kind"]: event["who"] for event in (await api.get("events?limit=1000"))["events"] if event["who"]}
    assert who == dict.fromkeys(
        ["job_created", "job_updated", "start_accepted", "stop_accepted", "job_deleted"], "local"
    )
