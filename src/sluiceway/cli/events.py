"""`sluiceway events`: the audit; and the events of one stop as they come."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from cyclopts.types import PositiveInt

from sluiceway.cli import tables
from sluiceway.cli.answers import Event, Events, read
from sluiceway.cli.client import Client
from sluiceway.cli.connection import Unreachable
from sluiceway.cli.options import Common, commands, or_default
from sluiceway.cli.output import complain, one_line
from sluiceway.cli.progress import FIRST_PAUSE, LAST_PAUSE, Silence

events_app = commands("events")


@events_app.default
def events(*, after: int = 0, limit: PositiveInt = 100, common: Common | None = None) -> int:
    """Show who did what, why and when, the oldest first.

    Example: `sluiceway events --after 1200`

    Parameters
    ----------
    after
        Only events with a higher number.
    limit
        How many at most; 1000 at most.
    """
    common = or_default(common)
    reply = common.client().events(after, limit)
    return tables.told(reply.data, lambda: _show(read(reply.data, Events).events), json=common.json)


def _show(found: Sequence[Event]) -> None:
    rows = [
        (str(e.id), tables.moment(e.at), e.kind, *map(_number, (e.job_id, e.stop_id, e.resume_id)), e.who, e.detail)
        for e in found
    ]
    tables.table(("event", "at", "kind", "job", "stop", "resume", "who", "detail"), rows)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def followed(client: Client, order: int, of: str) -> Iterator[dict[str, Any]]:
    """The events of a stop, or of one of the `resumes`, until its end, over as many connections as it takes."""
    after, silence = 0, Silence(complain)
    while True:
        try:
            for number, kind, data in client.follow(order, after, of):
                silence.over()
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
    about = f" job {event['job_id']}" if event["job_id"] is not None else ""
    detail = f" ({event['detail']})" if event["detail"] else ""
    return one_line(f"{tables.moment(event['at'])} {event['kind']}{about}{detail}")
