"""The columns of stops, resumes and moves, and of the jobs in each."""

from typing import Final

from sluiceway.cli import tables
from sluiceway.cli.columns import Column, Kind, number
from sluiceway.cli.job_columns import name
from sluiceway.cli.order_answers import BackView, MoveHead, MoveView, ResumeHead, StopHead, StopView


def _state(state: str) -> str:
    return "" if state == "open" else state


def _seconds(first: str, last: str | None) -> str:
    return tables.took(tables.seconds_between(first, last))


# Stops. ---------------------------------------------------------------------------------------------------------------


def _settled(head: StopHead) -> str:
    if head.story and head.settled:
        return str(head.story.jobs_total)
    jobs = head.jobs_total
    return "" if jobs is None else str(jobs) if head.settled else f"{head.jobs_settled} of {jobs}"


STOPS: Final = Kind(
    StopHead,
    (
        Column("stop", lambda head: str(head.id)),
        Column("accepted", lambda head: tables.moment(head.created_at), spare=True),
        Column("state", lambda head: head.state),
        Column("savepoints", lambda head: tables.yes(head.savepoint), spare=True),
        Column("jobs", _settled),
        Column("tries", lambda head: tables.tries(head.story.orders if head.story else [head.id]), spare=True),
        Column("outcome", lambda head: tables.counts(head.story.phases if head.story else head.phases)),
        Column("who", lambda head: head.who),
        Column("reason", lambda head: head.reason),
    ),
    lambda head: str(head.id),
)


def stop_phase(view: StopView) -> str:
    """How far the stop of a job has come."""
    return "held" if view.held else view.phase


def _state_kept(view: StopView) -> str:
    return view.savepoint or view.checkpoint or ""


STOP_JOBS: Final = Kind(
    StopView,
    (
        Column("id", lambda view: str(view.job_id)),
        Column("name", lambda view: view.name),
        Column("queue", lambda view: view.queue, spare=True),
        Column("wave", lambda view: str(view.wave + 1), spare=True),
        Column("phase", stop_phase),
        Column("savepoint", _state_kept, path=True),
        Column("size", lambda view: tables.size(view.size), spare=True),
        Column("verified", lambda view: tables.yes(view.verified) if _state_kept(view) else "", spare=True),
        Column("took", lambda view: _seconds(view.accepted_at, view.settled_at), spare=True),
        Column("accepted", lambda view: tables.moment(view.accepted_at), wide=True),
        Column("settled", lambda view: tables.moment(view.settled_at), wide=True),
        Column("why", lambda view: f"{view.reason} {view.unproven}".strip()),
    ),
    lambda view: name(view.job_id, view.name),
)

# Resumes. -------------------------------------------------------------------------------------------------------------


def _phases(head: ResumeHead) -> dict[str, int]:
    return head.story.phases if head.story else head.phases


RESUMES: Final = Kind(
    ResumeHead,
    (
        Column("resume", lambda head: str(head.id)),
        Column("accepted", lambda head: tables.moment(head.created_at), spare=True),
        Column("of stop", lambda head: number(head.stop_id)),
        Column("jobs", lambda head: str(sum(_phases(head).values()))),
        Column("phases", lambda head: tables.counts(_phases(head))),
        Column("tries", lambda head: tables.tries(head.story.orders if head.story else [head.id]), spare=True),
        Column("state", lambda head: _state(head.state)),
        Column("who", lambda head: head.who, spare=True),
    ),
    lambda head: str(head.id),
)
RESUME_JOBS: Final = Kind(
    BackView,
    (
        Column("id", lambda view: str(view.job_id)),
        Column("name", lambda view: view.name),
        Column("queue", lambda view: view.queue, spare=True),
        Column("wave", lambda view: str(view.wave + 1), spare=True),
        Column("phase", lambda view: view.phase),
        Column("restarts", lambda view: str(view.restarts or ""), spare=True),
        Column("took", lambda view: _seconds(view.released_at or view.accepted_at, view.proven_at), spare=True),
        Column("restored from", lambda view: view.restored_from or "", path=True),
        Column("accepted", lambda view: tables.moment(view.accepted_at), wide=True),
        Column("proven", lambda view: tables.moment(view.proven_at), wide=True),
        Column("why", lambda view: view.why),
    ),
    lambda view: name(view.job_id, view.name),
)

# Moves. ---------------------------------------------------------------------------------------------------------------

MOVES: Final = Kind(
    MoveHead,
    (
        Column("move", lambda head: str(head.id)),
        Column("accepted", lambda head: tables.moment(head.created_at), spare=True),
        Column("to", lambda head: head.to),
        Column("jobs", lambda head: str(head.jobs_total)),
        Column("phases", lambda head: tables.counts(head.phases)),
        Column("stop", lambda head: str(head.stop_id), spare=True),
        Column("resume", lambda head: number(head.resume_id), spare=True),
        Column("state", lambda head: _state(head.state)),
        Column("who", lambda head: head.who, spare=True),
        Column("reason", lambda head: head.reason),
    ),
    lambda head: str(head.id),
)


def _down(view: MoveView) -> str:
    return "" if view.stopped_at is None else _seconds(view.stopped_at, view.proven_at)


MOVE_JOBS: Final = Kind(
    MoveView,
    (
        Column("id", lambda view: str(view.job_id)),
        Column("name", lambda view: view.name),
        Column("from", lambda view: view.from_queue, spare=True),
        Column("now on", lambda view: view.queue or ""),
        Column("wave", lambda view: str(view.wave + 1), spare=True),
        Column("phase", lambda view: view.phase),
        Column("down", _down, spare=True),
        Column("savepoint", lambda view: view.savepoint or "", path=True, spare=True),
        Column("why", lambda view: view.why),
    ),
    lambda view: name(view.job_id, view.name),
)
