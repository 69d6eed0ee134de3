"""The API with sign-in on, over the whole control plane and a fake Flink; and callers that sign what they send."""

from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx
from tests.support.people.openapi import description_of
from tests.support.people.signer import Call, signed
from tests.support.services.native_api import no_planner
from tests.support.services.plane import Plane, plane

from sluiceway.api.request_id import RequestIds
from sluiceway.assembly.api import make_api
from sluiceway.assembly.clock import clock
from sluiceway.assembly.door import Door, make_door
from sluiceway.control.access import Access
from sluiceway.domain.access import Grant, Role
from sluiceway.settings import Settings


@dataclass(frozen=True)
class Signs(httpx.Auth):
    """Signs requests with an access key, by a signer that shares nothing with the service's own."""

    access: str
    secret: str
    security_token: str | None = None
    at: datetime | None = None
    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        raw = request.url.raw_path.decode().partition("?")[0]
        query = parse_qsl(request.url.query.decode(), keep_blank_values=True)
        extra = {"X-Security-Token": self.security_token} if self.security_token else {}
        segments = [unquote(part) for part in raw.split("/")[1:]]
        call = Call(request.method, segments, query, extra, request.content, request.headers["host"])
        for name, value in signed(call, self.access, self.secret, self.at or datetime.now(UTC)):
            request.headers[name] = value
        yield request


@dataclass(frozen=True)
class Guarded:
    """The API, what is behind it, and who is let in."""

    http: httpx.AsyncClient
    plane: Plane
    access: Access
    door: Door

    async def user(self, name: str, *grants: Grant) -> Signs:
        """A new user with these grants, as one who signs."""
        await self.access.add_user(name, None)
        for grant in grants:
            await self.access.grant(name, grant)
        key = await self.access.add_key(name)
        return Signs(key.access, key.secret)

    async def admin(self) -> Signs:
        """A new user who may do everything."""
        return await self.user("root", Grant(Role.ADMIN, "*"))

    async def denied(self, project: str) -> list[tuple[str, str]]:
        """Who was refused what, as the audit of a project has it."""
        events = await self.plane.queries.events(project, 0, 1000)
        return [(event.who, event.detail) for event in events if event.kind == "access_denied"]


@asynccontextmanager
async def guarded(directory: Path, **options: Any) -> AsyncIterator[Guarded]:
    """The API with sign-in on, over a control plane of its own."""
    async with plane(directory, **options) as at:
        settings = Settings(auth=True, data=directory)
        door = make_door(settings, at.db)
        application = make_api(settings, at.ground, at.queues, no_planner, door, roster=at.roster)
        described = description_of(application)

        async def check(answer: httpx.Response) -> None:
            await answer.aread()
            if answer.status_code in {401, 403}:
                described.check(answer)

        transport = httpx.ASGITransport(app=RequestIds(application))  # type: ignore[arg-type]
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", event_hooks={"response": [check]}
        ) as http:
            yield Guarded(http, at, Access(at.db, door.sign_in.vault, clock), door)
