"""`sluiceway events`: the audit; and the events of one order as they come."""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter

from sluiceway.cli import tables
from sluiceway.cli.answers import read
from sluiceway.cli.client import Client
from sluiceway.cli.columns import Column, Kind, number
from sluiceway.cli.connection import Unreachable
from sluiceway.cli.job_answers import Event, Events
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, Flag, PositiveInt, commands, ids_or_names, or_default
from sluiceway.cli.output import Failed, complain, one_line
from sluiceway.cli.output_options import ColumnNames
from sluiceway.cli.progress import FIRST_PAUSE, LAST_PAUSE, Silence
from sluiceway.settings import length

PAGE: Final = 1000  # events in one answer, while they are followed
FOLLOW_EVERY: Final = 1.0  # seconds between two looks

EVENTS: Final = Kind(
    Event,
    (
        Column("event", lambda e: str(e.id), spare=True),
        Column("at", lambda e: tables.moment(e.at)),
        Column("kind", lambda e: e.kind),
        Column("job", lambda e: number(e.job_id), spare=True),
        Column("name", lambda e: e.job_name or ""),
        Column("stop", lambda e: number(e.stop_id), spare=True),
        Column("resume", lambda e: number(e.resume_id), spare=True),
        Column("who", lambda e: e.who),
        Column("detail", lambda e: e.detail),
    ),
    lambda e: str(e.id),
)
events_app = commands("events")


def _check_after(_: Any, value: int | None) -> None:
    if value is not None and value < 0:
        raise ValueError(t("It is the number of an event, or 0."))


@events_app.default
def events(
    *,
    after: Annotated[int | None, Parameter(validator=_check_after)] = None,
    since: str | None = None,
    job: str | None = None,
    who: str | None = None,
    limit: PositiveInt = 100,
    follow: Flag = False,
    columns: ColumnNames = None,
    common: Common | None = None,
) -> int:
    """Show who did what, why and when: the newest events, the last one last.

    Example: `sluiceway events --since 1h --job orders`

    As they come: `sluiceway events --follow --who ann`

    Parameters
    ----------
    after
        Go on after the event with this number: the first ones that follow, and not the newest.
    since
        Only events of this last length of time, such as 45s, 30m or 1h30m; or from this moment on, such as
        2026-11-28T14:00:00Z.
    job
        Only events of this job: its id or exact name.
    who
        Only what this caller has done: exactly this name.
    limit
        How many at most; 1000 at most.
    follow
        Go on with further ones as they come, one a line, until Ctrl-C.
    """
    common = or_default(common)
    client = common.client()
    given = {"since": _moment(since), "job_id": job and ids_or_names(client, [job])[0], "who": who}
    where = {name: value for name, value in given.items() if value}
    asked = where | ({"newest": "true"} if after is None else {})
    data = client.events(after or 0, limit, asked).data
    found = read(data, Events)
    if not follow:
        common.show(EVENTS, found.events, data, columns)
    if common.words and after is None and len(found.events) == limit:
        _tell_more(limit)
    if follow:
        for event in chain(found.events, _further(client, found.next, where)):
            common.line(event, told(msgspec.to_builtins(read(event, Event))))
    return 0


def _tell_more(limit: int) -> None:
    complain(
        t(
            "These are the newest {limit} events; --limit shows more, up to 1000, --after NUMBER goes on after one.",
            limit=limit,
        )
    )


def _further(client: Client, after: int, where: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """Further events as they come, for ever. A service that goes away is waited for, and this is said."""
    silence = Silence(complain)
    while True:
        time.sleep(FOLLOW_EVERY)
        try:
            page = read(client.events(after, PAGE, where).data, Events)
        except Unreachable as error:
            silence.goes_on(error)
        else:
            silence.over()
            after = page.next
            yield from page.events


def _moment(since: str | None) -> str | None:
    """A moment as the service takes it, of one, or of a length of time before now. Raises `Failed`."""
    if since is None:
        return None
    try:
        return (datetime.now(UTC) - timedelta(seconds=length(since))).isoformat()
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(since).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        told = t(
            "--since {since} is neither a length of time nor a moment; write for example 30m or "
            "1h30m, or 2026-11-28T14:00:00Z.",
            since=since,
        )
        raise Failed(told, code=2) from None


def followed(client: Client, order: int, of: str) -> Iterator[dict[str, Any]]:
    """The events of a stop, or of one of the `resumes`, until its end, over as many connections as it takes."""
    after, silence = 0, Silence(complain)
    while True:
        try:
            for number, kind, data in client.follow(order, after, of, silence.over):
                after = _after(number, after)
                if kind == "settled":
                    return
                yield msgspec.to_builtins(read(_decoded(data), Event))
        except Unreachable as error:
            silence.goes_on(error)
        time.sleep(LAST_PAUSE if silence.lasts else FIRST_PAUSE)


def _after(number: str, before: int) -> int:
    return int(number) if number.isdecimal() and len(number) < 20 else before


def _decoded(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None  # which is no event


def told(event: dict[str, Any]) -> str:
    """An event in one line."""
    about = f" job {event['job_id']} {event.get('job_name') or ''}".rstrip() if event["job_id"] is not None else ""
    detail = f" ({event['detail']})" if event["detail"] else ""
    by = f" by {event['who']}" if event["who"] else ""
    return one_line(f"{tables.moment(event['at'])} {event['kind']}{about}{detail}{by}")
