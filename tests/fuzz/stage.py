"""The service as clients reach it, over a fake Flink, with jobs in every status and something behind every path."""

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import uvicorn
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from tests.support.doubles import scripts
from tests.support.flink import jar_job
from tests.support.services.plane import PROJECT, RULES, Plane, plane

from sluiceway.api.origin import OwnOrigin
from sluiceway.api.request_id import RequestIds
from sluiceway.api.security_headers import SecurityHeaders
from sluiceway.assembly.api import make_api
from sluiceway.assembly.clock import clock
from sluiceway.assembly.door import make_door
from sluiceway.control.access import Access
from sluiceway.control.resources import Resources
from sluiceway.control.savepoints import Savepoints
from sluiceway.control.templates import TemplateDraft, Templates
from sluiceway.domain.access import Grant, Role
from sluiceway.domain.job import JAR_JOB, JarProgram, JobDraft, JobSpec, JobStatus
from sluiceway.engines.planning.planner import Plans
from sluiceway.engines.planning.sql import Script, SqlRefused
from sluiceway.settings import Settings
from sluiceway.store.catalogue import Which

JAR = "obs://bucket/app.jar"
USER, PASSWORD = "somebody", "correct horse"
FOR_EVER = 86_400.0  # seconds
MOMENT = 0.2


@dataclass
class Known:
    """What there is, for requests to be about."""

    jobs: list[int] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    savepoints: list[int] = field(default_factory=list)
    templates: list[int] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)


class Stage:
    """The service in a thread of its own. With `sign_in` callers have to; `tokens` are those of two of them."""

    def __init__(self, directory: Path, *, sign_in: bool) -> None:
        self.known = Known()
        self.tokens: dict[Role, str] = {}
        self.url = ""
        self._settings = Settings(data=directory, auth=sign_in)
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(120)
        assert self.url, "the service does not come up"
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join(60)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._up.set()

    async def _serve(self) -> None:
        directory = self._settings.data
        rules = replace(RULES, timeout=timedelta(seconds=FOR_EVER))
        async with plane(directory, clusters=2, rules=rules) as at:
            door = make_door(self._settings, at.db)
            api = make_api(self._settings, at.ground, at.queues, planner, door, roster=at.roster)
            await Scenery(at, self.known).put_up()
            if self._settings.auth:
                await self._let_in(Access(at.db, door.sign_in.vault, clock), door.sign_in)
            guarded = api if self._settings.auth else OwnOrigin(api)
            config = uvicorn.Config(
                Brief(RequestIds(SecurityHeaders(guarded))), port=0, log_level="critical", lifespan="off"
            )
            self._server = uvicorn.Server(config)
            serving = asyncio.create_task(self._server.serve())
            while not self._server.started:
                await asyncio.sleep(0.01)
            self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
            self._up.set()
            await serving

    async def _let_in(self, access: Access, sign_in: Any) -> None:
        for role in (Role.ADMIN, Role.VIEWER):
            await access.add_user(role.value, PASSWORD)
            await access.grant(role.value, Grant(role, "*" if role is Role.ADMIN else PROJECT))
            self.tokens[role] = (await sign_in.issue(role.value, PASSWORD, PROJECT)).token


class Brief:
    """Ends streams of events after a moment, as a client may. Those of stops that wait for a dead cluster would not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].endswith("/events") or "/stops/" not in scope["path"]:
            await self._app(scope, receive, send)
            return
        done = False

        async def send_on(message: Message) -> None:
            nonlocal done
            done = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)
            if message["type"] == "http.response.start":  # which takes its time on a busy machine
                limit.reschedule(asyncio.get_running_loop().time() + MOMENT)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None) as limit:
                await self._app(scope, receive, send_on)
        if not done:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Planner:
    """Plans whatever is SQL enough to be read."""

    flink_version = "2.3.0"

    async def read_sql(self, body: str, *, caller: str, runs: bool) -> Script:
        return scripts.script(body)

    async def plan_sql(self, script: Script, _options: object, *, chained: bool, caller: str) -> str:
        if len(script.inserts) > 1:
            raise SqlRefused("More than one sink.")
        return '{"nodes":[]}'


async def planner() -> Plans:
    """Java would take seconds, and what it says is tested elsewhere."""
    return cast("Plans", _Planner())


@dataclass
class Scenery:
    """Jobs in every status and what comes of them."""

    at: Plane
    known: Known

    async def put_up(self) -> None:
        """All of it."""
        at = self.at
        bucket = Path(at.storage.uri.removeprefix("file://")) / "bucket"
        bucket.mkdir(parents=True)
        (bucket / "app.jar").write_bytes(jar_job.STUB)
        jar = {"kind": JAR_JOB, "spec": JobSpec("", program=JarProgram(JAR))}
        await self._jobs("draft", 3)
        await self._jobs("jar-draft", 2, **jar)
        await self._running("running", 10)
        await self._running("jar-running", 4, **jar)
        stopped = await self._running("stopped", 4)
        await self._stop(stopped)
        await self._stop(await self._running("canceled", 2), savepoint=False)
        for name, end in (("failed", at.fake.fail), ("finished", at.fake.finish)):
            for job in await self._running(name, 2):
                end(await at.flink_id(job))
                await at.until(job, JobStatus(name))
        unlucky = await self._running("stop-failed", 2)
        for job in unlucky:
            at.fake.jobs[await at.flink_id(job)].failing = ["declined"] * 3
        await self._stop(unlucky)
        held = [*(await self._running("savepointing", 2)), *(await self._running("canceling", 2))]
        for job in held:
            fake = at.fake.jobs[await at.flink_id(job)]
            fake.stop_seconds = fake.cancel_seconds = FOR_EVER
        await at.stop(PROJECT, held[:2], savepoint=True)
        await at.stop(PROJECT, held[2:], savepoint=False)
        (silent,) = await self._jobs("submitting", 1, queue="c1")
        await at.fakes["c1"].close()
        await at.start(PROJECT, [silent], resume=False)
        await self._beside()
        self.known.stops = [batch.id for batch in await at.queries.batches(PROJECT, 100, None)]
        kept = await Savepoints(at.db, at.storage, clock).list(PROJECT, Which(), 100, None)
        self.known.savepoints = [savepoint.id for savepoint in kept]

    async def _jobs(self, name: str, count: int, **fields: Any) -> list[int]:
        made = []
        for number in range(count):
            draft = JobDraft(f"{name}-{number}", **{"spec": JobSpec("-"), "tags": {"team": name}, **fields})
            made.append((await self.at.edit.create(PROJECT, draft, USER)).id)
        self.known.jobs += made
        return made

    async def _running(self, name: str, count: int, **fields: Any) -> list[int]:
        jobs = await self._jobs(name, count, **fields)
        await self.at.start(PROJECT, jobs, resume=False)
        for job in jobs:
            await self.at.until(job, JobStatus.RUNNING)
        return jobs

    async def _stop(self, jobs: Sequence[int], *, savepoint: bool = True) -> None:
        await self.at.stop_and_wait(list(jobs), savepoint=savepoint)

    async def _beside(self) -> None:
        at = self.at
        templates = Templates(at.db, clock)
        for number in range(3):
            made = await templates.create(PROJECT, TemplateDraft(f"t{number}", "", "flink_sql_job", "-", {}), USER)
            self.known.templates.append(made.id)
        resources = Resources(at.db, at.storage.files, clock, Path("/nonexistent"))
        await resources.register(PROJECT, "", "jar", [JAR], USER)
        await resources.register(PROJECT, "group", "jar", [JAR], USER)
        self.known.resources = ["app.jar"]
