"""The service with sign-in on, over a fake Flink that takes every job, in a thread of its own: Go's clients block."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import uvicorn
from tests.golang.golangsdk import TERRAFORM, Key, ServiceClient
from tests.golang.official import OfficialClient
from tests.golang.wire import Client
from tests.support.services.native_api import no_planner
from tests.support.services.plane import PROJECT, Plane, plane

from sluiceway.api.connections import limited
from sluiceway.api.request_id import RequestIds
from sluiceway.api.security_headers import SecurityHeaders
from sluiceway.assembly.api import make_api
from sluiceway.assembly.clock import clock
from sluiceway.assembly.door import make_door
from sluiceway.control.access import Access
from sluiceway.domain.access import Grant, Role
from sluiceway.domain.job import Job, JobStatus
from sluiceway.settings import Settings
from sluiceway.store.views import JobFilter

T = TypeVar("T")
USER, PASSWORD = "ann", "correct horse"


@dataclass
class _Behind:
    """What is behind the service."""

    at: Plane
    access: Access
    url: str
    key: Key


class Stage:
    """A service with one user, an owner of the project, and clients of each kind. `options` are settings."""

    def __init__(self, directory: Path, clusters: int = 1, **options: Any) -> None:
        self.bucket = directory / "storage" / "bucket"
        self._settings = Settings(auth=True, data=directory, **options)
        self._clusters = clusters
        self._up = threading.Event()
        self._done: asyncio.Event
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self.bucket.mkdir(parents=True)
        self._thread.start()
        assert self._up.wait(120), "the service does not come up"
        self.key, self.at, self.access = self._behind.key, self._behind.at, self._behind.access
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(60)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something where the service runs."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def golangsdk(self, **fields: Any) -> ServiceClient:
        """A client that signs, unless it is given a token."""
        key = None if "token" in fields else self.key
        return ServiceClient(Client(self._behind.url), PROJECT, **{"key": key, "user_agent": TERRAFORM, **fields})

    def official(self, **fields: Any) -> OfficialClient:
        """The vendor's own."""
        return OfficialClient(Client(self._behind.url), PROJECT, **{"key": self.key, **fields})

    def until(self, job: int, *statuses: JobStatus) -> Job:
        """Wait for one of these statuses."""
        return self.run(self.at.until(job, *statuses))

    def flink(self, job: int) -> Any:
        """The Flink job of a job's latest run."""
        return self.at.fake.jobs[self.run(self.at.flink_id(job))]

    def end(self, job: int, how: str) -> None:
        """Let a running job `fail` or `finish`."""

        async def ended() -> None:
            getattr(self.at.fake, how)(await self.at.flink_id(job))
            await self.at.until(job, JobStatus.FAILED, JobStatus.FINISHED)

        self.run(ended())

    def clear(self) -> None:
        """Delete all jobs, so that their names are free."""

        async def cleared() -> None:
            _, jobs = await self.at.queries.jobs(PROJECT, JobFilter(), offset=0, limit=100, descending=True)
            await self.at.edit.delete(PROJECT, [job.id for job in jobs])

        self.run(cleared())

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as stack:
            at = await stack.enter_async_context(plane(self._settings.data, clusters=self._clusters))
            door = make_door(self._settings, at.db)
            api = make_api(self._settings, at.ground, at.queues, no_planner, door)
            access = Access(at.db, door.sign_in.vault, clock)
            await access.add_user(USER, PASSWORD)
            await access.grant(USER, Grant(Role.OWNER, PROJECT))
            made = await access.add_key(USER)
            asgi: Any = RequestIds(SecurityHeaders(api))
            config = uvicorn.Config(asgi, http=limited(500), port=0, log_level="critical", lifespan="off")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            self._behind = _Behind(at, access, f"http://127.0.0.1:{port}", Key(made.access, made.secret))
            self._up.set()
            await self._done.wait()
            server.should_exit = server.force_exit = True
            await serving
