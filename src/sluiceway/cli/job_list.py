"""`sluiceway jobs list`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from sluiceway.cli import tables
from sluiceway.cli.answers import Fare, each
from sluiceway.cli.choice import Choice, tell_unjudged
from sluiceway.cli.cluster_answers import complain_of_silence
from sluiceway.cli.job_health import silence
from sluiceway.cli.options import Common, or_default
from sluiceway.cli.output import NOTHING, complain

_HEADERS = ("id", "name", "cluster", "status", "health", "started", "lasting", "savepoint", "why")


def list_(
    *,
    choice: Choice | None = None,
    limit: PositiveInt = 20,
    offset: Annotated[int, Parameter(validator=lambda _, value: _not_negative(value))] = 0,
    all_: Annotated[bool, Parameter(name="--all", negative=(), show_default=False)] = False,
    common: Common | None = None,
) -> int:
    """List jobs, the newest first.

    Exits with 3 when none matches.

    Example: `sluiceway jobs list --status running -l 'tier in (source,sink)' --all`

    Parameters
    ----------
    limit
        How many to list.
    offset
        How many to skip first.
    all_
        List them all.
    """
    choice, common = choice or Choice(), or_default(common)
    client = common.client()
    found, total, unjudged = client.listed(choice.query(), None if all_ else offset + limit)
    page = found[offset:]
    if common.json:
        tables.document({"total_count": total, "jobs": page})
    else:
        tables.table(_HEADERS, [_row(fare) for fare in each(page, Fare)])
    tell_unjudged(unjudged)
    if choice and not total:
        complain(f"No job in project {common.project} matches {choice.told}.")
        return NOTHING
    if len(page) < total - offset and not common.json:
        complain(f"{len(page)} of {total} jobs; --all lists them all")
    complain_of_silence(client)
    return 0


def _not_negative(value: int) -> None:
    if value < 0:
        raise ValueError("It is 0 or more.")


def _row(fare: Fare) -> Sequence[str]:
    health = "" if fare.health is None else fare.health.condition
    savepoint = tables.yes(value=True) if fare.savepoint else ""
    started = tables.moment(fare.started_at)
    where, why = fare.queue or "", f"{silence(fare)} {fare.why}".strip()
    return str(fare.job_id), fare.name, where, fare.status, health, started, _lasting(fare), savepoint, why


def _lasting(fare: Fare) -> str:
    if fare.started_at is None:
        return ""
    seconds = tables.seconds_between(fare.started_at, fare.ended_at or datetime.now(UTC).isoformat())
    return "" if seconds is None else tables.lasting(round(seconds * 1000))
