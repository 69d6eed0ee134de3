"""The wire models of events."""

from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

_OF_EVENT: Final[dict[str, Any]] = {
    "contentMediaType": "application/json",
    "contentSchema": {"anyOf": [{"$ref": "#/components/schemas/Event"}, {"type": "object", "maxProperties": 0}]},
}


class Event(Struct, frozen=True):
    """One event: who did what, why and when; or the progress of a stop or a start."""

    id: int
    at: datetime
    kind: str
    job_id: int | None
    stop_id: int | None  # of the batch
    who: str
    detail: str
    resume_id: int | None  # of the way back that it is part of
    job_name: str | None


class StreamEvent(Struct, frozen=True):
    """One server-sent event. The last one is `settled`, with nothing in its data."""

    id: str
    event: str  # its kind
    data: Annotated[str, Meta(extra_json_schema={"extra": _OF_EVENT})]  # an event as JSON; `{}` at the end


class EventList(Struct, frozen=True):
    """Events, the oldest first. `next` is the `after` for those that follow."""

    events: list[Event]
    next: int
