"""A JobManager that answers anything at all: what cannot be read is no answer, and never takes the service with it."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from tests.support.services.native_api import native_api

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import JobState
from sluiceway.domain.failure_words import CLIP
from sluiceway.domain.job import JobStatus
from sluiceway.domain.observed import Timeline
from sluiceway.engines.jobmanager import rest
from sluiceway.engines.jobmanager.answers import DEEPEST, LARGE, SMALL, Answer
from sluiceway.engines.jobmanager.rest import MOST_JOBS, FlinkRest
from sluiceway.engines.session.traffic import traffic
from sluiceway.testing.fake_flink import FakeFlink

JID = "0af1" * 8
OTHER = "2b3c" * 8
TRIGGER = "1b2c" * 8


class Canned(FlinkRest):
    """Whatever it is asked, it answers this."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.answer = Answer(status, body)

    async def _ask(self, *_: Any, **__: Any) -> Answer:
        return self.answer


LINE = {
    "jid": JID,
    "name": "a",
    "state": "RUNNING",
    "start-time": 1_700_000_000_000,
    "end-time": -1,
    "tasks": {"running": 1, "total": 1},
    "jobType": "STREAMING",
}
CHECKPOINT = {
    "id": 7,
    "is_savepoint": False,
    "status": "COMPLETED",
    "checkpoint_type": "CHECKPOINT",
    "trigger_timestamp": 1_700_000_000_000,
    "num_subtasks": 1,
    "num_acknowledged_subtasks": 1,
    "end_to_end_duration": 5,
    "state_size": 10,
    "checkpointed_size": 10,
    "external_path": "file:/c/chk-7",
}
Ask = Callable[[FlinkRest], Awaitable[Any]]
METHODS: dict[str, tuple[Ask, int, Any]] = {
    "overview": (lambda r: r.overview(), 200, {"flink-version": "2.3.0", "taskmanagers": 1, "slots-total": 2}),
    "jobs": (lambda r: r.jobs(), 200, {"jobs": [LINE]}),
    "job_state": (lambda r: r.job_state(JID), 200, {"status": "RUNNING"}),
    "stop": (lambda r: r.stop(JID, trigger=TRIGGER, target="file:/x"), 202, {"request-id": TRIGGER}),
    "savepoint": (lambda r: r.savepoint(JID, trigger=TRIGGER, target="file:/x"), 202, {"request-id": TRIGGER}),
    "attempt": (
        lambda r: r.attempt(JID, TRIGGER),
        200,
        {"status": {"id": "COMPLETED"}, "operation": {"location": "file:/x"}},
    ),
    "failed": (
        lambda r: r.attempt(JID, TRIGGER),
        200,
        {"status": {"id": "COMPLETED"}, "operation": {"failure-cause": {"class": "a.B", "stack-trace": "a.B: no"}}},
    ),
    "exceptions": (lambda r: r.exceptions(JID), 200, {"exceptionHistory": {"entries": [{"stacktrace": "a.B: no"}]}}),
    "job": (
        lambda r: r.job(JID),
        200,
        {"jid": JID, "state": "RUNNING", "timestamps": {"RUNNING": 5}, "vertices": [{"id": "v", "parallelism": 1}]},
    ),
    "timeline": (
        lambda r: r.timeline(JID),
        200,
        {"state": "FAILED", "timestamps": {"RUNNING": 5}, "vertices": []},
    ),
    "back_pressure": (lambda r: r.back_pressure(JID, "v"), 200, {"backpressure-level": "ok"}),
    "metric_names": (lambda r: r.metric_names(JID, "v"), 200, [{"id": "Source__s.numRecordsOut"}]),
    "metric_sums": (lambda r: r.metric_sums(JID, "v", ["a"]), 200, [{"id": "a", "sum": 3.5}]),
    "checkpoints": (
        lambda r: r.checkpoints(JID),
        200,
        {"counts": {"completed": 1}, "latest": {"completed": CHECKPOINT, "savepoint": None}, "history": [CHECKPOINT]},
    ),
    "checkpoint_config": (
        lambda r: r.checkpoint_config(JID),
        200,
        {"externalization": {"enabled": True, "delete_on_cancellation": False}},
    ),
    "jars": (lambda r: r.jars(), 200, {"files": [{"id": "u_a.jar", "name": "a.jar"}]}),
    "run_jar": (lambda r: r.run_jar("u_a.jar", {}), 200, {"jobid": JID}),
}
ODD = ["null", "true", "-1", "0.5", "1e400", "1e300", str(2**80), str(-(2**80)), '"x"', '"NaN"', "[]", "{}", "[[]]"]
ODD += ['{"a":null}', json.dumps("y" * 5000), "[" * 1000 + "]" * 1000]
NOT_FLINKS = {
    "nothing": b"",
    "a page": b"<html><body>Welcome to nginx!</body></html>",
    "not JSON's number": b'{"status": NaN, "jobs": NaN}',
    "half": b'{"jobs":[{"jid":"0af1',
    "not text": b'\xff\xfe{"status":"RUNNING"}',
    "half a surrogate": b'{"status":"\\ud800","jobs":"\\ud800"}',
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "deep inside": b'{"status":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "deep aside": b'{"x":' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"}",
    "null": b"null",
    "a number": b"1" * 4000,
    "lists": b"[[],[]]",
}


def mutated(value: Any, odd: str) -> Iterator[str]:
    """JSON of the value with each of its parts replaced by the odd one, or left out."""
    yield odd
    if isinstance(value, dict):
        for key in value:
            rest = [f"{json.dumps(k)}:{json.dumps(v)}" for k, v in value.items() if k != key]
            yield "{" + ",".join(rest) + "}"
            for inner in mutated(value[key], odd):
                yield "{" + ",".join([*rest, f"{json.dumps(key)}:{inner}"]) + "}"
    elif isinstance(value, list) and value:
        for inner in mutated(value[0], odd):
            yield f"[{inner}]"


@pytest.mark.parametrize("name", METHODS)
async def test_right_json_of_wrong_types_is_read_or_is_no_answer(name: str) -> None:
    ask, status, right = METHODS[name]
    assert await ask(Canned(json.dumps(right).encode(), status)) != "", "the right answer is one"
    for body in {body for odd in ODD for body in mutated(right, odd)}:
        try:
            found = await ask(Canned(body.encode(), status))
        except Unreachable as unreachable:
            found = str(unreachable)
            assert 10 < len(found) < CLIP, body
        msgspec.json.encode(found)  # it can be stored and shown


@pytest.mark.parametrize("body", NOT_FLINKS)
@pytest.mark.parametrize("name", METHODS)
async def test_whatever_is_not_json_of_flinks_is_no_answer(name: str, body: str) -> None:
    ask, status, _ = METHODS[name]
    for code in (status, 302, 404, 409, 500, 503):
        with pytest.raises(Unreachable) as raised:
            await ask(Canned(NOT_FLINKS[body], code))
        assert len(str(raised.value)) < CLIP


# What it says of jobs. ------------------------------------------------------------------------------------------------


def overview(*lines: dict[str, Any]) -> Canned:
    return Canned(json.dumps({"jobs": lines}).encode())


async def test_a_job_that_cannot_be_read_is_there_in_a_state_that_is_not_known() -> None:
    for part in ({"state": 5}, {"tasks": None}, {"start-time": 2**80}, {"state": "y" * 1000}, {"name": None}):
        found = {job.jid: job.state for job in await overview(LINE | part, LINE | {"jid": OTHER}).jobs()}
        assert found == {JID: None, OTHER: JobState.RUNNING}


async def test_a_job_that_is_there_twice_is_believed_where_both_say_the_same() -> None:
    [job] = await overview(LINE, LINE).jobs()
    assert job.state is JobState.RUNNING
    for order in (
        (LINE, LINE | {"state": "FINISHED"}),
        (LINE | {"state": "FINISHED"}, LINE),
        (LINE, LINE | {"state": 1}),
    ):
        [job] = await overview(*order).jobs()
        assert job.state is None


async def test_only_the_jobs_that_are_watched_are_kept() -> None:
    assert [job.jid for job in await overview(LINE, LINE | {"jid": OTHER, "state": 1}).jobs({JID, "gone"})] == [JID]


async def test_of_two_hundred_thousand_jobs_the_one_that_is_watched_is_found() -> None:
    lines = ",".join(f'{{"jid":"{number:032x}","name":"n","state":"RUNNING"}}' for number in range(200_000))
    found = await Canned(f'{{"jobs":[{lines},{json.dumps(LINE)}]}}'.encode()).jobs({JID})
    assert [(job.jid, job.state) for job in found] == [(JID, JobState.RUNNING)]


async def test_no_jobs_are_no_jobs_and_more_than_there_can_be_are_no_answer() -> None:
    assert await overview().jobs() == []
    with pytest.raises(Unreachable, match="more than 500000 jobs"):
        await Canned(b'{"jobs":[' + b'{"jid":""},' * MOST_JOBS + b'{"jid":""}]}').jobs()


async def test_a_large_answer_is_read_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    real = rest._listed

    def listed(*what: Any) -> Any:
        threads.append(threading.current_thread())
        return real(*what)

    monkeypatch.setattr(rest, "_listed", listed)
    line = json.dumps(LINE | {"name": "n" * 400})
    for count in (1, LARGE // len(line) + 1):
        await Canned(f'{{"jobs":[{",".join([line] * count)}]}}'.encode()).jobs()
    assert [thread is threading.main_thread() for thread in threads] == [True, False]


async def test_a_stop_goes_on_while_the_jobs_of_others_fill_the_answer(tmp_path: Path) -> None:
    async with native_api(tmp_path) as api:
        for number in range(3000):
            api.plane.fake.add_job(f"{number:032x}")
        [job] = await api.plane.run(1)
        [ended] = (await api.stopped(job))["jobs"]
        assert ended["phase"] == "stopped"


@pytest.mark.parametrize(
    ("stamps", "since"), [({"RUNNING": 5}, 5), ({"RUNNING": 0}, 0), ({}, None), ({"CREATED": 1}, None)]
)
async def test_that_a_job_never_ran_is_said_and_not_left_out(stamps: dict[str, int], since: int | None) -> None:
    """What was left out would otherwise prove that a savepoint is the last state of its job."""
    body = json.dumps({"state": "FAILED", "timestamps": stamps}).encode()
    assert await Canned(body).timeline(JID) == Timeline("FAILED", since)


# What it says of flows. -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["null", "true", '"x"', '"Infinity"', "[]", "1e19", str(2**80), "-1e300"])
async def test_a_rate_that_cannot_be_read_is_no_rate_of_zero(value: str) -> None:
    with pytest.raises(Unreachable):
        await Canned(b'[{"id":"a","sum":%s}]' % value.encode()).metric_sums(JID, "v", ["a"])


async def test_nothing_to_sum_up_is_zero() -> None:
    answer = Canned(b'[{"id":"a","sum":"NaN"},{"id":"b","sum":2}]')
    assert await answer.metric_sums(JID, "v", ["a", "b", "c"]) == {"a": 0.0, "b": 2.0}


class Metrics(FlinkRest):
    """One vertex with these metrics, all of a great sum."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    async def job(self, jid: str) -> dict[str, Any]:
        return {"vertices": [{"id": "v"}]}

    async def metric_names(self, jid: str, vertex: str) -> list[str]:
        return self.names

    async def metric_sums(self, jid: str, vertex: str, names: Any) -> dict[str, float]:
        return dict.fromkeys(names, float(2**60))


async def test_what_flows_can_be_told_however_much_it_is() -> None:
    names = [f"Source__s[{n}].numRecordsOut" for n in range(100)]
    found = await traffic(Metrics(names), JID)
    assert found is not None
    assert [(flow.name, flow.records) for flow in found.sources] == [("s", 100 * 2**60)]
    assert b"s" in msgspec.json.encode(found.sources)


async def test_sources_without_end_are_no_answer() -> None:
    with pytest.raises(Unreachable, match="more than 10000"):
        await traffic(Metrics([f"Source__s{n}.numRecordsOut" for n in range(6000)]), JID)


NAMES: dict[str, Callable[[int], str]] = {
    "dots": lambda n: "Source__" + "a." * (n // 2) + "numRecordsOut",
    "metrics": lambda n: ".numRecordsOut" * (n // 14),
    "brackets": lambda n: "Source__" + "a[1" * (n // 3) + ".numRecordsOut",
    "digits": lambda n: "Source__a[" + "1" * n + ".numRecordsOut",
    "sinks": lambda n: "__Writer" * (n // 8) + ".numRecordsIn",
}


@pytest.mark.parametrize("kind", NAMES)
async def test_the_time_for_the_names_of_metrics_grows_at_most_with_their_length(kind: str) -> None:
    async def cost(megabytes: int) -> float:
        names = [NAMES[kind](2000)[-2000:]] * (megabytes << 9)
        begun = time.process_time()
        await traffic(Metrics(names), JID)
        return time.process_time() - begun

    first = min([await cost(1) for _ in range(2)])
    for megabytes in (2, 4):
        assert min([await cost(megabytes) for _ in range(2)]) < 4 * megabytes * first + 0.05


async def test_a_name_without_end_is_left_out() -> None:
    names = ["a.numRecordsIn", "b" * 100_000 + ".numRecordsIn"]
    found = await Canned(json.dumps([{"id": name} for name in names]).encode()).metric_names(JID, "v")
    assert found == names[:1]


# Bounds in bytes and depth, over HTTP. --------------------------------------------------------------------------------


@pytest.fixture
async def endless() -> AsyncIterator[tuple[FlinkRest, list[int]]]:
    """A JobManager that answers spaces without end, and how many it got rid of."""
    sent = [0]

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse(status=int(request.headers.get("X-Status", "200")))
        await answer.prepare(request)
        try:
            while sent[0] < 200 << 20:
                await answer.write(b" " * 65536)
                sent[0] += 65536
        except (ConnectionError, asyncio.CancelledError):
            pass
        return answer

    server = RawTestServer(handle)
    await server.start_server()
    async with aiohttp.ClientSession() as session:
        yield FlinkRest(session, str(server.make_url("/")), 30.0), sent
    await server.close()


async def test_an_endless_answer_is_read_up_to_its_limit(endless: tuple[FlinkRest, list[int]]) -> None:
    rest, sent = endless
    for ask in ("overview", "job_state", "attempt", "back_pressure", "checkpoint_config"):
        sent[0] = 0
        with pytest.raises(Unreachable, match=f"longer than {SMALL} bytes"):
            await METHODS[ask][0](rest)
        assert sent[0] < 16 * SMALL  # what the system's buffers hold goes on top


async def test_what_is_passed_on_is_not_nested_deeply() -> None:
    def graph(levels: int) -> Canned:
        return Canned(b'{"plan":' + b"[" * levels + b"]" * levels + b"}")

    assert await graph(DEEPEST - 2).job(JID) is not None
    for levels in (DEEPEST, 900):
        with pytest.raises(Unreachable, match="nested too deeply"):
            await graph(levels).job(JID)


@pytest.mark.parametrize("vertex", ["..", "a/b", "a?b", "", "x" * 65, "a\u0000"])
async def test_the_name_of_a_vertex_leads_to_no_other_address(vertex: str) -> None:
    with pytest.raises(Unreachable):
        await Canned(json.dumps({"vertices": [{"id": vertex}]}).encode()).job(JID)


def asked_often(fake: FakeFlink, times: int) -> bool:
    return fake.count("jobs") >= times


async def test_no_answer_of_an_odd_jobmanager_makes_a_job_fail(tmp_path: Path) -> None:
    """Its whole answers change under the service, and what was known stays known."""
    async with native_api(tmp_path) as api:
        [job] = await api.plane.run(1)
        jid = await api.plane.flink_id(job)
        for fault in ("garbage", "reset"):
            api.plane.fake.fault("jobs", fault, times=None)
            enough = api.plane.fake.count("jobs") + 3
            await api.plane.eventually(partial(asked_often, api.plane.fake, enough))
            assert (await api.plane.job(job)).status is JobStatus.RUNNING
            api.plane.fake.clear_faults()
        [ended] = (await api.stopped(job))["jobs"]
        assert ended["phase"] == "stopped"
        assert api.plane.fake.jobs[jid].state is JobState.FINISHED
