"""How answers and troubles of a JobManager are translated."""

import inspect
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import aiohttp.client_exceptions
import aiohttp.http_exceptions
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import Acknowledged, JobState
from sluiceway.domain.failure_words import CLIP
from sluiceway.domain.observed import AttemptCompleted, AttemptUnknown
from sluiceway.engines.jobmanager.answers import TROUBLES, translated
from sluiceway.engines.jobmanager.rest import FlinkRest
from sluiceway.testing.fake_flink import FakeFlink
from sluiceway.testing.fake_network import Fault

JOB = "0af1" * 8
TRIGGER = "1b2c" * 8

# Troubles. ------------------------------------------------------------------------------------------------------------


def foreign() -> list[type[Exception]]:
    """Every exception that aiohttp's client can raise."""
    modules = (aiohttp.client_exceptions, aiohttp.http_exceptions)
    classes = [cls for module in modules for _, cls in inspect.getmembers(module, inspect.isclass)]
    ours = [cls for cls in classes if issubclass(cls, Exception) and cls.__module__.startswith("aiohttp.")]
    return [cls for cls in ours if cls is not aiohttp.WSMessageTypeError]  # of web sockets, which nobody opens


@pytest.mark.parametrize("cls", [*foreign(), OSError, TimeoutError, ssl.SSLError, msgspec.DecodeError, UnicodeError])
def test_every_foreign_exception_has_its_words(cls: type[Exception]) -> None:
    assert any(issubclass(cls, known) for known, _ in TROUBLES)


def test_no_row_of_the_table_is_hidden_by_an_earlier_one() -> None:
    for number, (cls, _) in enumerate(TROUBLES):
        assert not [earlier for earlier, _ in TROUBLES[:number] if issubclass(cls, earlier)]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (aiohttp.ServerTimeoutError(), "no answer from the cluster in time"),
        (
            aiohttp.ServerDisconnectedError(),
            "the cluster closed the connection before it had answered: Server disconnected",
        ),
        (ConnectionResetError(104, "reset"), "the connection to the cluster broke: [Errno 104] reset"),
        (aiohttp.ClientPayloadError("x" * 1000), "the cluster's answer was cut short: " + "x" * 199 + "…"),
    ],
)
def test_troubles_become_unreachable(error: Exception, words: str) -> None:
    with pytest.raises(Unreachable) as raised, translated():
        raise error
    assert str(raised.value) == words
    assert raised.value.__cause__ is error


def test_bugs_of_ours_are_not_translated() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError


# Answers. -------------------------------------------------------------------------------------------------------------

Ask = Callable[[FlinkRest], Awaitable[Any]]
ASKS: dict[str, Ask] = {
    "cluster": lambda rest: rest.overview(),
    "jobs": lambda rest: rest.jobs(),
    "status": lambda rest: rest.job_state(JOB),
    "stop": lambda rest: rest.stop(JOB, trigger=TRIGGER, target="file:///proc/nope"),
    "cancel": lambda rest: rest.cancel(JOB),
    "poll": lambda rest: rest.attempt(JOB, TRIGGER),
    "job": lambda rest: rest.job(JOB),
    "checkpoints": lambda rest: rest.checkpoints(JOB),
    "exceptions": lambda rest: rest.exceptions(JOB),
    "log": lambda rest: rest.task_managers(),
}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A session without any of our settings."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def fake() -> AsyncIterator[FakeFlink]:
    """A fake with one job."""
    async with FakeFlink() as fake:
        fake.add_job(JOB)
        yield fake


Canned = Callable[[int, bytes], Awaitable[FlinkRest]]


@pytest.fixture
async def canned(session: aiohttp.ClientSession) -> AsyncIterator[Canned]:
    """A client whose server answers everything alike."""
    servers = []

    async def start(status: int, body: bytes) -> FlinkRest:
        async def handle(_: web.BaseRequest) -> web.Response:
            return web.Response(status=status, body=body)

        server = RawTestServer(handle)
        await server.start_server()
        servers.append(server)
        return FlinkRest(session, str(server.make_url("/")), 5.0)

    yield start
    for server in servers:
        await server.close()


@pytest.mark.parametrize("name", [fault for fault in Fault if fault is not Fault.DELAY])
@pytest.mark.parametrize("kind", ASKS)
async def test_whatever_is_not_flinks_answer_is_unreachable(
    fake: FakeFlink, session: aiohttp.ClientSession, kind: str, name: Fault
) -> None:
    rest = FlinkRest(session, fake.url, 0.1 if name is Fault.HANG else 10.0)
    fake.fault(kind, name, times=None)
    with pytest.raises(Unreachable) as raised:
        await ASKS[kind](rest)
    assert 10 < len(str(raised.value)) < CLIP
    fake.clear_faults()
    await ASKS[kind](FlinkRest(session, fake.url, 10.0))


async def test_lost_answer_may_have_arrived(fake: FakeFlink, session: aiohttp.ClientSession) -> None:
    rest = FlinkRest(session, fake.url, 10.0)
    fake.fault("cancel", "lose_answer")
    with pytest.raises(Unreachable, match="closed the connection before"):
        await rest.cancel(JOB)
    assert fake.jobs[JOB].state in {JobState.CANCELLING, JobState.CANCELED}
    assert await rest.cancel(JOB) == Acknowledged()


async def test_slow_answer_is_unreachable_after_the_time_given(fake: FakeFlink, session: aiohttp.ClientSession) -> None:
    fake.fault("jobs", "delay", seconds=5.0)
    with pytest.raises(Unreachable, match="no answer from the cluster in time"):
        await FlinkRest(session, fake.url, 0.05).jobs()


async def test_nobody_listening_is_unreachable(fake: FakeFlink, session: aiohttp.ClientSession) -> None:
    await fake.close()
    for url in (fake.url, "http://", "no url", "http://[::1", "ftp://127.0.0.1"):
        with pytest.raises(Unreachable):
            await FlinkRest(session, url, 1.0).jobs()


async def test_redirect_is_not_followed(fake: FakeFlink, session: aiohttp.ClientSession) -> None:
    fake.fault("jobs", "redirect")
    with pytest.raises(Unreachable, match="HTTP 307"):
        await FlinkRest(session, fake.url, 5.0).jobs()
    assert fake.count() == 1


async def test_body_is_read_up_to_a_limit(canned: Canned) -> None:
    rest = await canned(200, b" " * ((1 << 20) + 1))
    with pytest.raises(Unreachable, match="longer than 1048576 bytes"):
        await rest.attempt(JOB, TRIGGER)
    assert len(await (await canned(200, b'{"x": "' + b"y" * (3 << 20) + b'"}')).job(JOB) or {}) == 1


async def test_fifty_thousand_jobs_fit_in_one_answer(session: aiohttp.ClientSession) -> None:
    async with FakeFlink() as fake:
        for number in range(50_000):
            fake.add_job(f"{number:032x}", name="a-job-with-a-rather-long-name-" * 5)
        assert len(await FlinkRest(session, fake.url, 30.0).jobs()) == 50_000


async def test_state_that_a_later_flink_invents_hides_no_other_job(canned: Canned) -> None:
    rest = await canned(
        200, b'{"jobs":[{"jid":"a","name":"x","state":"DREAMING"},{"jid":"b","name":"y","state":"FAILED"}]}'
    )
    assert [job.state for job in await rest.jobs()] == [None, JobState.FAILED]
    with pytest.raises(Unreachable, match="DREAMING"):
        await (await canned(200, b'{"status":"DREAMING"}')).job_state(JOB)


@pytest.mark.parametrize(
    "ask", [ASKS[kind] for kind in ("status", "poll", "job", "cancel", "checkpoints", "exceptions")]
)
@pytest.mark.parametrize(
    "body", [b"", b"default backend - 404", b"<html>", b'{"errors":[]}', b'{"message":"no Route"}']
)
async def test_404_that_is_not_flinks_proves_nothing(canned: Canned, ask: Ask, body: bytes) -> None:
    with pytest.raises(Unreachable, match="HTTP 404"):
        await ask(await canned(404, body))


async def test_500_without_the_reason_is_no_proof_that_a_job_is_unknown(canned: Canned) -> None:
    with pytest.raises(Unreachable, match="HTTP 500: Out of luck"):
        await (await canned(500, b'{"errors":["Internal server error.","Out of luck"]}')).job_state(JOB)


async def test_leader_election_is_unreachable(canned: Canned) -> None:
    body = b'{"errors":["Service temporarily unavailable due to an ongoing leader election. Please refresh."]}'
    for ask in ASKS.values():
        with pytest.raises(Unreachable, match="HTTP 503: Service temporarily unavailable"):
            await ask(await canned(503, body))


async def test_cancel_that_times_out_is_no_answer(canned: Canned) -> None:
    with pytest.raises(Unreachable, match="HTTP 408: Job cancellation timed out"):
        await (await canned(408, b'{"errors":["Job cancellation timed out."]}')).cancel(JOB)


@pytest.mark.parametrize("operation", ["null", "{}", '{"location":null}', '{"location":""}'])
async def test_completed_attempt_says_where_or_why(canned: Canned, operation: str) -> None:
    body = f'{{"status":{{"id":"COMPLETED"}},"operation":{operation}}}'.encode()
    with pytest.raises(Unreachable, match="neither where nor why"):
        await (await canned(200, body)).attempt(JOB, TRIGGER)


async def test_attempts(canned: Canned) -> None:
    done = await canned(200, b'{"status":{"id":"COMPLETED"},"operation":{"location":"file:/x"}}')
    assert await done.attempt(JOB, TRIGGER) == AttemptCompleted("file:/x")
    unknown = await canned(404, b'{"errors":["There is no savepoint operation with triggerId=1 for job 2."]}')
    assert await unknown.attempt(JOB, TRIGGER) == AttemptUnknown()


# Jobs that are handed over. -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (202, '{"jobUrl": "/jobs/0af1"}', None),
        (500, '{"errors": ["org.apache.flink.A: It is there."]}', "org.apache.flink.A: It is there."),
        (502, "<html>", "HTTP 502"),
        (404, '{"errors": ["Not found: /jobs"]}', "HTTP 404"),
    ],
)
async def test_a_packed_job_is_one_file_beside_its_request(status: int, body: str, said: str | None) -> None:
    """As Flink's own client sends it: more files than are named in the request are refused."""
    parts: dict[str, tuple[str | None, bytes]] = {}

    async def answer(request: web.BaseRequest) -> web.Response:
        async for part in await request.multipart():
            assert isinstance(part, aiohttp.BodyPartReader)
            parts[str(part.name)] = (part.filename, bytes(await part.read()))
        return web.Response(status=status, body=body, content_type="application/json")

    async with RawTestServer(answer) as server, aiohttp.ClientSession() as session:
        rest = FlinkRest(session, str(server.make_url("")).rstrip("/"), 5.0)
        if status in {202, 500}:
            assert await rest.submit(b"\xac\xed") == said
        else:
            with pytest.raises(Unreachable, match=said):
                await rest.submit(b"\xac\xed")
    named = {"jobGraphFileName": "job", "jobJarFileNames": [], "jobArtifactFileNames": []}
    assert parts.pop("file_0") == ("job", b"\xac\xed")
    assert parts.keys() == {"request"}
    assert (parts["request"][0], msgspec.json.decode(parts["request"][1])) == (None, named)


async def test_of_a_log_only_the_end_is_kept_and_one_without_an_end_is_given_up(
    canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = await canned(200, b"x" * 1_000_000 + b"the end")
    assert await rest.log("tm-1", 10) == b"xxxthe end"
    assert await rest.log(None, 2_000_000) == b"x" * 1_000_000 + b"the end"
    monkeypatch.setattr("sluiceway.engines.jobmanager.rest.LONGEST_LOG", 1_000_000)
    with pytest.raises(Unreachable, match="longer than 1000000 bytes"):
        await rest.log(None, 10)


async def test_a_process_without_a_log_has_none(canned: Canned) -> None:
    for status in (404, 500):
        rest = await canned(status, b'{"errors":["The file LOG does not exist on the TaskExecutor."]}')
        assert await rest.log("tm-1", 10) is None
    with pytest.raises(Unreachable):
        await (await canned(404, b"<html>")).log("tm-1", 10)
