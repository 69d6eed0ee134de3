"""The columns of jobs: as they are listed, and as they fare."""

from datetime import UTC, datetime
from typing import Final

from sluiceway.cli import tables, words
from sluiceway.cli.columns import Column, Kind
from sluiceway.cli.job_answers import Fare


def name(job_id: int, called: str) -> str:
    """How other commands take a job: by its name, or by its id where that is no word, or all digits."""
    return called if called and not called.isdecimal() and not called.split()[1:] else str(job_id)


def tags(given: dict[str, str]) -> str:
    """Tags, or labels."""
    return ",".join(f"{key}={value}" for key, value in sorted(given.items()))


def _lasting(fare: Fare) -> str:
    if fare.started_at is None:
        return ""
    seconds = tables.seconds_between(fare.started_at, fare.ended_at or datetime.now(UTC).isoformat())
    return "" if seconds is None else tables.lasting(round(seconds * 1000))


def _tasks(fare: Fare) -> str:
    return f"{fare.health.running_tasks}/{fare.health.tasks}" if fare.health and fare.health.tasks else ""


def _restarts(fare: Fare) -> str:
    return str(fare.health.restarts or "") if fare.health else ""


def _since(fare: Fare) -> str:
    return tables.moment(fare.health.since) if fare.health else ""


def _up_since(fare: Fare) -> str:
    return tables.moment(fare.health.up_at) if fare.health else ""


_ID: Final[Column[Fare]] = Column("id", lambda fare: str(fare.job_id))
_NAME: Final[Column[Fare]] = Column("name", lambda fare: fare.name)
_STATUS: Final[Column[Fare]] = Column("status", words.state_of)
_WHY: Final[Column[Fare]] = Column("why", words.why)

JOBS: Final = Kind(
    Fare,
    (
        _ID,
        _NAME,
        Column("cluster", lambda fare: fare.queue or "", spare=True),
        _STATUS,
        Column("started", lambda fare: tables.moment(fare.started_at), spare=True),
        Column("lasting", _lasting, spare=True),
        Column("savepoint", lambda fare: tables.yes(value=True) if fare.savepoint else "", spare=True),
        Column("tasks", _tasks, wide=True),
        Column("restarts", _restarts, wide=True),
        Column("up since", _up_since, wide=True),
        Column("tags", lambda fare: tags(fare.tags), wide=True),
        Column("flink job", lambda fare: fare.flink_job_id or "", wide=True),
        Column("state", lambda fare: fare.savepoint or "", wide=True, path=True),
        _WHY,
    ),
    lambda fare: name(fare.job_id, fare.name),
)
HEALTH: Final = Kind(
    Fare,
    (
        _ID,
        _NAME,
        _STATUS,
        Column("tasks", _tasks),
        Column("restarts", _restarts),
        Column("since", _since, spare=True),
        Column("up since", _up_since, spare=True),
        Column("cluster", lambda fare: fare.queue or "", wide=True),
        Column("tags", lambda fare: tags(fare.tags), wide=True),
        Column("flink job", lambda fare: fare.flink_job_id or "", wide=True),
        _WHY,
    ),
    lambda fare: name(fare.job_id, fare.name),
)
