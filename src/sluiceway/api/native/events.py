"""What happens, as it happens: the audit, and the progress of one stop as server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from litestar import get
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter, Parameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from sluiceway.api.native import wire
from sluiceway.api.native.given import BatchId, Project, QueriesGiven, id_bounds, refusals
from sluiceway.api.permit import PermitGiven
from sluiceway.control.queries import Queries
from sluiceway.domain.access import Action
from sluiceway.store.audit import Event

PAGE = 1000
LOOK_EVERY = 0.25  # seconds
SIGN_OF_LIFE = 15.0  # seconds without an event, after which proxies are told that the stream lives

After = Annotated[
    int,
    Parameter(**id_bounds(0), description="Only events with higher ids."),
]


@get("/events", tags=["events"], summary="Who did what, why and when", responses=refusals())
async def list_events(
    project_id: Project,
    queries: QueriesGiven,
    permit: PermitGiven,
    after: After = 0,
    limit: Annotated[int, Parameter(ge=1, le=PAGE)] = 100,
) -> wire.EventList:
    """The audit of a project, the oldest first. Events are only ever added. Denied calls are shown to owners alone, and
    what is done to users and their keys to owners of every project."""
    denials, users = permit.caller.may(Action.DENIALS, project_id), permit.caller.may_everywhere(Action.DENIALS)
    found = await queries.events(project_id, after, limit, denials=denials, users=users)
    return wire.EventList([_view(event) for event in found], found[-1].id if found else after)


@get(
    "/stops/{stop_id:int}/events",
    tags=["events"],
    summary="Follow a stop",
    responses=refusals(404) | {200: ResponseSpec(wire.StreamEvent, False, "Events of this form.", "text/event-stream")},
)
async def follow_stop(
    project_id: Project,
    stop_id: BatchId,
    queries: QueriesGiven,
    last: Annotated[
        str | None,
        HeaderParameter(name="Last-Event-ID", required=False, description="Where to go on after a broken connection."),
    ] = None,
) -> ServerSentEvent:
    """The events of a stop, those that were and those to come, until every job of it has settled.

    Each is a server-sent event with the event's id, its kind as `event`, and the event itself as JSON. The last one is
    `settled`.
    """
    await queries.batch(project_id, stop_id)
    after = int(last) if last and last.isascii() and last.isdecimal() and len(last) < 19 else 0
    return ServerSentEvent(_stream(queries, project_id, stop_id, after))


async def _stream(queries: Queries, project: str, batch_id: int, after: int) -> AsyncIterator[ServerSentEventMessage]:
    quiet = 0.0
    while True:
        # Asked before the events are read, so that none that led to it is missing.
        settled = await queries.settled(project, batch_id)
        found = await queries.batch_events(batch_id, after, PAGE)
        for event in found:
            after = event.id
            yield ServerSentEventMessage(msgspec.json.encode(_view(event)).decode(), event.kind, str(event.id))
        if settled and len(found) < PAGE:
            yield ServerSentEventMessage("{}", "settled", str(after))
            return
        quiet = 0.0 if found else quiet + LOOK_EVERY
        if quiet >= SIGN_OF_LIFE:
            quiet = 0.0
            yield ServerSentEventMessage(None, comment="still here")
        if not found:
            await asyncio.sleep(LOOK_EVERY)


def _view(event: Event) -> wire.Event:
    return wire.Event(event.id, event.at, event.kind, event.job_id, event.batch_id, event.who, event.detail)
