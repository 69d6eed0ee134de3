"""The audit, and the progress of one stop, resume or move as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.exceptions import ClientException
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter, Parameter
from litestar.response import ServerSentEventMessage, Stream

from sluiceway.api.caller import address_of, caller_of
from sluiceway.api.native import event_wire
from sluiceway.api.native.dependencies import (
    BatchId,
    FollowingGiven,
    MoveId,
    Project,
    QueriesGiven,
    ResumeId,
    id_bounds,
    refusals,
)
from sluiceway.api.permit import Permit, PermitGiven
from sluiceway.control.following import Following, Piece
from sluiceway.domain.access import Action
from sluiceway.domain.batch import Kind
from sluiceway.store.audit import Event, Sought

PAGE = 1000
LONGEST_WHO: Final = 200  # characters of a caller's name
EVENTS: Final = "text/event-stream"
_STREAMED: Final = refusals(404, 429) | {
    200: ResponseSpec(event_wire.StreamEvent, False, "Events of this form.", EVENTS)
}
UNCHANGED: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}  # no proxy keeps it, or collects it first
CHECK_EVERY = 30.0  # seconds after which it is asked whether the caller may still follow

LastEvent = Annotated[
    str | None,
    HeaderParameter(name="Last-Event-ID", required=False, description="Where to go on after a broken connection."),
]
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
    *,
    job_id: Annotated[
        int | None, Parameter(**id_bounds(), required=False, description="Only events of this job.")
    ] = None,
    who: Annotated[
        str | None,
        Parameter(min_length=1, max_length=LONGEST_WHO, required=False, description="Only what this caller did."),
    ] = None,
    since: Annotated[datetime | None, Parameter(required=False, description="Only events from this moment on.")] = None,
    newest: Annotated[bool, Parameter(description="The last ones that match, still the oldest first.")] = False,
) -> event_wire.EventList:
    """The audit of a project, the oldest first. Events are only ever added. Denied calls are shown to owners alone, and
    what is done to users and their keys to owners of every project."""
    if since is not None and since.tzinfo is None:
        raise ClientException("since has no time zone; write for example 2026-11-28T14:00:00Z.")
    sought = Sought(job_id, who, since, newest)
    denials, users = permit.caller.may(Action.DENIALS, project_id), permit.caller.may_everywhere(Action.DENIALS)
    found = await queries.events(project_id, after, limit, sought, denials=denials, users=users)
    return event_wire.EventList([_view(event) for event in found], found[-1].id if found else after)


@get(
    "/stops/{stop_id:int}/events",
    tags=["events"],
    summary="Follow a stop",
    responses=_STREAMED,
)
async def follow_stop(
    project_id: Project,
    stop_id: BatchId,
    following: FollowingGiven,
    permit: PermitGiven,
    request: Request[Any, Any, Any],
    last: LastEvent = None,
) -> Stream:
    """The events of a stop, past and future, until every job of it has settled.

    Each is a server-sent event with the event's id, its kind as `event`, and the event itself as JSON. The last one is
    `settled`. A stream that ends without it is to be asked for again, with Last-Event-ID.
    """
    return await _followed(following, project_id, stop_id, Kind.STOP, permit, request, last)


@get(
    "/resumes/{resume_id:int}/events",
    tags=["events"],
    summary="Follow a resume",
    responses=_STREAMED,
)
async def follow_resume(
    project_id: Project,
    resume_id: ResumeId,
    following: FollowingGiven,
    permit: PermitGiven,
    request: Request[Any, Any, Any],
    last: LastEvent = None,
) -> Stream:
    """The events of a resume, past and future, until every job of it is back or will not come.

    As those of a stop; the last one is `settled`.
    """
    return await _followed(following, project_id, resume_id, Kind.RESUME, permit, request, last)


@get(
    "/moves/{move_id:int}/events",
    tags=["events"],
    summary="Follow a move",
    responses=_STREAMED,
)
async def follow_move(
    project_id: Project,
    move_id: MoveId,
    following: FollowingGiven,
    permit: PermitGiven,
    request: Request[Any, Any, Any],
    last: LastEvent = None,
) -> Stream:
    """The events of a move's stop and of its resume, past and future, until every job has arrived or will not.

    As those of a stop; the last one is `settled`.
    """
    return await _followed(following, project_id, move_id, Kind.MOVE, permit, request, last)


async def _followed(
    following: Following,
    project: str,
    order: int,
    kind: Kind,
    permit: Permit,
    request: Request[Any, Any, Any],
    last: str | None,
) -> Stream:
    who = caller_of(request.scope) or address_of(request.scope)
    after = int(last) if last and last.isascii() and last.isdecimal() and len(last) < 19 else 0
    pieces = await following.follow(project, order, after, who, kind)
    return Stream(_stream(pieces, after, permit), media_type=EVENTS, headers=UNCHANGED)


async def _stream(pieces: AsyncGenerator[Piece, None], after: int, permit: Permit) -> AsyncIterator[bytes]:
    """The events as they come, a page in one piece, for as long as the caller may see them."""
    now = asyncio.get_running_loop().time
    checked = now()
    async with aclosing(pieces):
        async for data, last in pieces:
            if now() - checked >= CHECK_EVERY:
                checked = now()
                if not await permit.still():
                    return
            after = last
            yield data or _STILL_HERE
            await asyncio.sleep(0)  # those who follow one stop are many, and all hear of a page at once
    yield ServerSentEventMessage("{}", "settled", str(after)).encode()


def message(event: Event) -> bytes:
    """A server-sent event. It is made once for all who follow."""
    return ServerSentEventMessage(msgspec.json.encode(_view(event)).decode(), event.kind, str(event.id)).encode()


_STILL_HERE: Final = ServerSentEventMessage(None, comment="still here").encode()


def _view(event: Event) -> event_wire.Event:
    stop, resume = (None, event.batch_id) if event.resumes else (event.batch_id, None)
    return event_wire.Event(
        event.id, event.at, event.kind, event.job_id, stop, event.who, event.detail, resume, event.job_name
    )
