"""Which of several JobManagers is asked, and how protected ones are opened."""

import asyncio
import base64
import resource
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from tests.support.doubles.certificates import self_made

from sluiceway.domain.clusters import Credentials
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import Acknowledged
from sluiceway.domain.place import Place
from sluiceway.engines.jobmanager.doors import SPARED, BadCertificate, tls_context
from sluiceway.engines.jobmanager.jobmanagers import JobManagers

JOB, TRIGGER = "0af1" * 8, "1b2c" * 8
HA = {"high-availability.type": "zookeeper", "high-availability.cluster-id": "/prod"}
ELECTION = "Service temporarily unavailable due to an ongoing leader election. Please refresh."


@dataclass
class JobManager:
    """One JobManager: what it is configured with, and how it is now."""

    options: dict[str, str] = field(default_factory=lambda: dict(HA))
    jobs: tuple[str, ...] = (JOB,)
    fails: int | None = None  # answers every question about jobs with this status
    url: str = ""
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    peers: set[object] = field(default_factory=set)  # the other ends of the connections

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        self.peers.add(request.transport and request.transport.get_extra_info("peername"))
        if request.path == "/jobmanager/config":
            return web.json_response([{"key": key, "value": value} for key, value in self.options.items()])
        self.asked.append(f"{request.method} {request.path}")
        if self.fails is not None:
            return web.json_response({"errors": [ELECTION]}, status=self.fails)
        if request.method == "POST":
            return web.json_response({"request-id": TRIGGER}, status=202)
        return web.json_response({"jobs": [{"jid": jid, "name": "x", "state": "RUNNING"} for jid in self.jobs]})


@asynccontextmanager
async def serving(*each: JobManager, tls: ssl.SSLContext | None = None) -> AsyncIterator[list[RawTestServer]]:
    servers = []
    try:
        for one in each:
            server = RawTestServer(one)
            await server.start_server(ssl=tls)
            one.url = str(server.make_url("")).rstrip("/")
            servers.append(server)
        yield servers
    finally:
        for server in servers:
            await server.close()


@asynccontextmanager
async def asking(credentials: Credentials | None = None) -> AsyncIterator[JobManagers]:
    async with aiohttp.ClientSession() as session:
        jobmanagers = JobManagers(session, 5.0, lambda _: credentials)
        yield jobmanagers
        await jobmanagers.close()


def at(*each: JobManager, key: str = "") -> Place:
    first, *others = (one.url for one in each)
    return Place("prod", first, None, tuple(others), None, key)


async def ids(jobmanagers: JobManagers, place: Place) -> list[str]:
    return [job.jid for job in await jobmanagers.at(place).jobs()]


async def test_the_one_that_answers_is_asked_and_kept() -> None:
    first, second = JobManager(), JobManager()
    async with serving(first, second), asking() as jobmanagers:
        place = at(first, second)
        assert await ids(jobmanagers, place) == [JOB]
        assert second.asked == [], "one that is not needed is left alone"
        first.fails = 503  # it has lost its leader
        assert await ids(jobmanagers, place) == [JOB]
        asked = len(first.asked)
        assert await ids(jobmanagers, place) == [JOB]
        assert len(first.asked) == asked, "the one that answered last comes first"


@pytest.mark.parametrize(("names", "connections"), [(["prod", "test"], 1), (["prod", "test", "more"], 3)])
async def test_connections_of_more_clusters_than_a_process_may_have_files_are_not_kept_open(
    monkeypatch: pytest.MonkeyPatch, names: list[str], connections: int
) -> None:
    one = JobManager()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (SPARED + 4, SPARED + 4))
    async with serving(one), asking() as jobmanagers:
        jobmanagers.keep(names)
        for _ in range(3):
            assert await ids(jobmanagers, at(one)) == [JOB]
    assert len(one.peers) == connections


async def test_one_that_is_gone_is_stood_in_for() -> None:
    first, second = JobManager(), JobManager()
    async with serving(first, second) as servers, asking() as jobmanagers:
        place = at(first, second)
        assert await ids(jobmanagers, place) == [JOB]
        await servers[0].close()
        assert await ids(jobmanagers, place) == [JOB]
        assert await jobmanagers.at(place).stop(JOB, trigger=TRIGGER, target="file:///s") == Acknowledged()


@pytest.mark.parametrize(
    "options",
    [
        HA | {"high-availability.cluster-id": "/test"},
        HA | {"high-availability.storageDir": "file:///elsewhere"},
        {"high-availability.type": "NONE", "web.tmpdir": "/tmp/flink-web-2"},
        {},
    ],
)
async def test_the_answer_of_another_cluster_is_no_truth(options: dict[str, str]) -> None:
    """It does not know the jobs, and would make all of them count as gone."""
    first, second = JobManager(), JobManager(options=options, jobs=())
    async with serving(first, second), asking() as jobmanagers:
        place = at(first, second)
        assert await ids(jobmanagers, place) == [JOB]
        first.fails = 503
        with pytest.raises(Unreachable, match="another cluster"):
            await ids(jobmanagers, place)
        assert second.asked == []
        first.fails = None
        assert await ids(jobmanagers, place) == [JOB]


async def test_without_high_availability_none_takes_over_that_was_never_seen() -> None:
    first, second = JobManager(fails=503), JobManager(options={"web.tmpdir": "/tmp/flink-web-2"}, jobs=())
    async with serving(first, second), asking() as jobmanagers:
        with pytest.raises(Unreachable, match="no high availability"):
            await ids(jobmanagers, at(first, second))


async def test_two_ways_to_one_jobmanager_are_one() -> None:
    alone = {"web.tmpdir": "/tmp/flink-web-1"}
    first, second = JobManager(options=alone), JobManager(options=alone)
    async with serving(first, second), asking() as jobmanagers:
        place = at(first, second)
        assert await ids(jobmanagers, place) == [JOB]
        first.fails = 502  # the proxy before it
        assert await ids(jobmanagers, place) == [JOB]


async def test_a_stop_goes_to_another_one_only_where_the_first_has_not_heard_it() -> None:
    first, second = JobManager(fails=504), JobManager()
    async with serving(first, second), asking() as jobmanagers:
        rest = jobmanagers.at(at(first, second))
        with pytest.raises(Unreachable, match="HTTP 504"):
            await rest.stop(JOB, trigger=TRIGGER, target="file:///s")
        assert second.asked == [], "a proxy that gave up waiting may have passed it on"
        first.fails = 503
        assert await rest.stop(JOB, trigger=TRIGGER, target="file:///s") == Acknowledged()
        assert second.asked == [f"POST /jobs/{JOB}/stop"]


async def test_where_none_has_a_leader_each_is_told() -> None:
    first, second = JobManager(fails=503), JobManager(fails=503)
    async with serving(first, second), asking() as jobmanagers:
        with pytest.raises(Unreachable) as silent:
            await ids(jobmanagers, at(first, second))
        assert first.url in str(silent.value)
        assert second.url in str(silent.value)
        assert "leader election" in str(silent.value)


# Protected places. ----------------------------------------------------------------------------------------------------


async def test_headers_and_passwords_go_to_their_place_and_to_no_other() -> None:
    protected, open_ = JobManager(), JobManager()
    async with serving(protected, open_), asking(Credentials({"X-Token": "t"}, "ann", "secret")) as jobmanagers:
        await ids(jobmanagers, at(protected, key="1.1"))
        await ids(jobmanagers, Place("other", open_.url))
    assert protected.headers[0]["X-Token"] == "t"
    assert base64.b64decode(protected.headers[0]["Authorization"].removeprefix("Basic ")) == b"ann:secret"
    assert "X-Token" not in open_.headers[0]
    assert "Authorization" not in open_.headers[0]


async def test_a_change_of_what_opens_a_place_closes_what_was_opened() -> None:
    one = JobManager()
    async with serving(one), asking(Credentials({"X-Token": "t"})) as jobmanagers:
        await ids(jobmanagers, at(one, key="1.1"))
        first = jobmanagers._doors["prod"].session
        late = jobmanagers.at(at(one, key="1.1"))
        await ids(jobmanagers, at(one, key="1.2"))
        await asyncio.gather(*jobmanagers._closing)
        with pytest.raises(Unreachable, match="changed or removed"):
            await late.jobs()
        second = jobmanagers._doors["prod"].session
        jobmanagers.keep(())
        await jobmanagers.close()
        assert first is not None
        assert second is not None
        assert (first.closed, second.closed, jobmanagers._doors) == (True, True, {})


async def test_a_place_whose_credentials_are_gone_is_not_asked_without_them() -> None:
    one = JobManager()
    async with serving(one), asking() as jobmanagers:
        with pytest.raises(Unreachable, match="just been changed"):
            await ids(jobmanagers, at(one, key="1.1"))
    assert one.headers == []


async def test_an_authority_of_ones_own_and_a_certificate_of_ours(tmp_path: Path) -> None:
    (server, server_key), (ours, our_key) = self_made(tmp_path / "server"), self_made(tmp_path / "ours")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(server, server_key)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(ours)
    one = JobManager()
    full = Credentials(ca=server.read_text(), certificate=ours.read_text(), key=our_key.read_text())
    async with serving(one, tls=tls):
        async with asking(full) as jobmanagers:
            assert await ids(jobmanagers, at(one, key="1.1")) == [JOB]
        for lacking in (Credentials(ca=server.read_text()), Credentials({"X": "y"})):
            async with asking(lacking) as jobmanagers:
                with pytest.raises(Unreachable):
                    await ids(jobmanagers, at(one, key="1.1"))


@pytest.mark.parametrize("field", ["ca", "certificate"])
def test_what_is_no_certificate_is_told_and_not_shown(field: str) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nsecret\n-----END CERTIFICATE-----\n"
    given = Credentials(ca=pem) if field == "ca" else Credentials(certificate=pem, key=pem)
    with pytest.raises(BadCertificate, match=field) as refused:
        tls_context(given)
    assert "secret" not in str(refused.value)
