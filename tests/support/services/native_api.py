"""Our own API over the whole control plane and a fake Flink."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

import aiohttp
import httpx
import uvicorn
from litestar import Litestar
from tests.support.patience import PATIENCE
from tests.support.people.openapi import description_of
from tests.support.services.plane import PROJECT, Plane, plane

from sluiceway.api.request_id import RequestIds
from sluiceway.assembly.api import make_api
from sluiceway.assembly.clock import clock
from sluiceway.assembly.door import make_door
from sluiceway.assembly.ground import Ground
from sluiceway.control.queues import Queues
from sluiceway.control.watch import Watch
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.job import JobStatus
from sluiceway.engines.jobmanager.jobmanagers import JobManagers
from sluiceway.engines.planning.submit import JvmProvider
from sluiceway.engines.session.engine import SessionEngine
from sluiceway.settings import Settings
from sluiceway.storage.savepoints import Storage
from sluiceway.store.database import Database

STOPS = f"/api/v1/projects/{PROJECT}/stops"


@dataclass(frozen=True)
class Api:
    """The API, and what is behind it."""

    http: httpx.AsyncClient
    plane: Plane

    async def stop(self, **body: Any) -> dict[str, Any]:
        """Ask for a stop; the answer."""
        answer = await self.http.post(STOPS, json=body)
        assert answer.status_code == 202, answer.text
        return cast("dict[str, Any]", answer.json())

    async def show(self, stop: int) -> dict[str, Any]:
        answer = await self.http.get(f"{STOPS}/{stop}")
        assert answer.status_code == 200, answer.text
        return cast("dict[str, Any]", answer.json())

    async def settled(self, stop: int) -> dict[str, Any]:
        """What became of a stop."""
        async with asyncio.timeout(PATIENCE):
            while not (shown := await self.show(stop))["settled"]:
                await asyncio.sleep(0.01)
        return shown

    async def post(self, path: str, status: int = 202, **body: Any) -> dict[str, Any]:
        """Post to a path below the project's; the answer."""
        answer = await self.http.post(f"/api/v1/projects/{PROJECT}/{path}", json=body or None)
        assert answer.status_code == status, answer.text
        return cast("dict[str, Any]", answer.json())

    async def get(self, path: str) -> dict[str, Any]:
        """Get from a path below the project's."""
        answer = await self.http.get(f"/api/v1/projects/{PROJECT}/{path}")
        assert answer.status_code == 200, answer.text
        return cast("dict[str, Any]", answer.json())

    async def resume(self, stop: int, **how: Any) -> dict[str, Any]:
        answer = await self.http.post(f"{STOPS}/{stop}/resume", json=how or None)
        assert answer.status_code == 202, answer.text
        return cast("dict[str, Any]", answer.json())

    async def stopped(self, *jobs: int) -> dict[str, Any]:
        """Stop these jobs and wait for the end of it."""
        return await self.settled((await self.stop(job_ids=list(jobs)))["id"])

    async def restored(self, job: int) -> str | None:
        """What the job's latest run was started from, as the fake has it."""
        await self.plane.until(job, JobStatus.RUNNING)
        return self.plane.fake.jobs[await self.plane.flink_id(job)].restored


async def no_planner() -> NoReturn:
    """Nothing plans SQL here: whether a state fits is not known."""
    raise Unreachable("nothing is planned here")


def api_of_nothing(directory: Path) -> Litestar:
    """The application as it is described. Nothing is started or called for it."""
    engine = SessionEngine(JobManagers(cast("Any", None)), cast("Any", None))
    ground = Ground(Database(directory / "none.db"), Storage(str(directory / "storage")), engine, clock)
    return make_api(Settings(data=directory), ground, Queues((), lambda _: None, lambda _: None), no_planner)


@asynccontextmanager
async def native_api(directory: Path, planner: JvmProvider = no_planner, **options: Any) -> AsyncIterator[Api]:
    """The API over a control plane of its own, with these options."""
    async with plane(directory, **options) as at:
        watch = Watch(at.db, at.reconciler.shifts)
        application = make_api(Settings(data=directory), at.ground, at.queues, planner, watch=watch, roster=at.roster)
        described = description_of(application)

        async def check(answer: httpx.Response) -> None:
            await answer.aread()
            described.check(answer)

        transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", event_hooks={"response": [check]}
        ) as http:
            yield Api(http, at)


@asynccontextmanager
async def served(at: Plane, settings: Settings, session: aiohttp.ClientSession | None = None) -> AsyncIterator[str]:
    """The address of both APIs over a control plane, for clients that open connections of their own.

    With a session identity providers are asked.
    """
    door = make_door(settings, at.db, session)
    api = make_api(settings, at.ground, at.queues, no_planner, door, roster=at.roster)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(RequestIds(api), log_level="critical", lifespan="off"))
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = server.force_exit = True  # whoever still follows a stream is not waited for
        await serving
