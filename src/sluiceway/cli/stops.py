"""`sluiceway stop`, `resume` and `stops`: halt jobs in bulk, watch them come to rest, and bring them back."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from sluiceway.cli import tables
from sluiceway.cli.client import Answers, Client, Stop, Stops, StopView, read
from sluiceway.cli.jobs import JobNames, report, start
from sluiceway.cli.options import Common, Flag, Names, Seconds, Words, check_wait, commands, ids_or_names, or_default
from sluiceway.cli.output import Failed, complain, say
from sluiceway.cli.progress import Board, Line, looks

STOPPED: Final = "stopped"
SETTLED: Final = frozenset({STOPPED, "failed", "ended", "lost"})

stop_app = commands("stop")
resume_app = commands("resume")
stops_app = commands("stops", "Look at stops.")


@stop_app.default
def stop(
    jobs: JobNames = (),
    /,
    *,
    all_: Annotated[bool, Parameter(name="--all", negative=(), show_default=False)] = False,
    queue: str | None = None,
    savepoint: bool = True,
    wait: Flag = False,
    timeout: Seconds = None,
    reason: Words = "",
    common: Common | None = None,
) -> int:
    """Stop jobs in one call, each with a savepoint of its own.

    Exits with 0 when the stop of every job is accepted; what is accepted is stored, and no crash loses it. With --wait
    it exits with 0 when every job has stopped, with its savepoint. Ctrl-C ends the waiting, not the stop.

    Example: `sluiceway stop --all --savepoint --wait --reason "kernel update"`

    Afterwards: `sluiceway resume STOP_ID` brings exactly these jobs back.

    Parameters
    ----------
    all_
        Stop every job of the project.
    queue
        Stop every job on this cluster.
    savepoint
        Keep a savepoint of each. Without one a job is canceled, and what it has read is lost.
    wait
        Watch until every job has stopped, or has failed to.
    timeout
        Seconds to wait at most. The stop goes on all the same.
    reason
        Why, for whoever looks at the stop later.
    """
    if (bool(jobs), all_, queue is not None).count(True) != 1:
        raise Failed("Say which jobs to stop, in one way: their ids or names, or --all, or --queue.", code=2)
    check_wait(timeout, wait=wait)
    common = or_default(common)
    client = common.client()
    reply = client.stop(_selection(client, jobs, queue), savepoint=savepoint, reason=reason)
    answers = read(reply.data, Answers)
    if not common.json:
        _say_accepted(answers)
    accepted = len({answer.job_id for answer in answers.jobs if answer.accepted})
    end = _watch(client, answers.id, accepted, timeout, common) if wait and answers.id is not None else None
    if common.json:
        tables.document(reply.data | ({"stop": end.data if end else None} if wait else {}))
    code = report(answers, quiet=common.json)
    return max(code, end.code if end else 0)


@resume_app.default
def resume(
    stop_id: PositiveInt | None = None,
    /,
    *,
    job: Names = (),
    wait: Flag = False,
    timeout: Seconds = None,
    common: Common | None = None,
) -> int:
    """Bring back exactly the jobs that a stop has stopped, each from its own savepoint.

    Exits with 0 when the start of every job is accepted; with --wait, when every job runs.

    Example: `sluiceway resume 7 --wait`

    Single jobs: `sluiceway resume --job orders payments`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under; `sluiceway stops list` shows the latest.
    job
        Ids or exact names of jobs, each to start from its newest savepoint or checkpoint.
    wait
        Wait until each job runs, or has failed to.
    timeout
        Seconds to wait at most. The start goes on all the same.
    """
    if (stop_id is None) == (not job):
        raise Failed("Say what to resume, in one way: the id of a stop, or --job with ids or names.", code=2)
    check_wait(timeout, wait=wait)
    common = or_default(common)
    client = common.client()
    if stop_id is None:
        answers = client.run(ids_or_names(client, job), resume=True)
    else:
        answers = read(client.resume_stop(stop_id).data, Answers)
    return start(client, answers, wait=wait, timeout=timeout, common=common)


@stops_app.command(name="list")
def list_(*, limit: PositiveInt = 20, common: Common | None = None) -> int:
    """List the latest stops, the newest first.

    Example: `sluiceway stops list --limit 5`

    Parameters
    ----------
    limit
        How many to list; 1000 at most.
    """
    common = or_default(common)
    reply = common.client().stops(limit)
    if common.json:
        tables.document(reply.data)
        return 0
    heads = read(reply.data, Stops).stops
    rows = [(str(h.id), tables.moment(h.created_at), tables.yes(h.savepoint), h.reason) for h in heads]
    tables.table(("stop", "accepted", "savepoints", "reason"), rows)
    return 0


@stops_app.command
def show(stop_id: PositiveInt, /, *, wait: Flag = False, timeout: Seconds = None, common: Common | None = None) -> int:
    """Show what became of each job of a stop.

    Exits with 0 when it could be shown; with --wait, when every job has stopped, with its savepoint.

    Example: `sluiceway stops show 7 --wait`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under.
    wait
        Watch until every job has stopped, or has failed to.
    timeout
        Seconds to wait at most.
    """
    check_wait(timeout, wait=wait)
    common = or_default(common)
    client = common.client()
    if wait:
        end = _watch(client, stop_id, 0, timeout, common)
        data, code = end.data, end.code
    else:
        data, code = client.show_stop(stop_id).data, 0
        if not common.json:
            _show(read(data, Stop))
    if common.json:
        tables.document(data)
    return code


class _End:
    """What a stop had come to when it was last looked at, and what a command exits with for it."""

    def __init__(self, data: Any, code: int) -> None:
        self.data = data
        self.code = code


def _selection(client: Client, jobs: Sequence[str], queue: str | None) -> dict[str, object]:
    if jobs:
        return {"job_ids": ids_or_names(client, jobs)}
    return {"all": True} if queue is None else {"queue": queue}


def _say_accepted(answers: Answers) -> None:
    if answers.id is not None:
        ways = f"Look at it with: sluiceway stops show {answers.id}; undo it with: sluiceway resume {answers.id}"
        say(f"Stop {answers.id} is accepted for {_jobs(answers.accepted)}. {ways}")
    elif not answers.jobs:
        say("There is no job to stop.")


def _watch(client: Client, stop_id: int, expected: int, timeout: float | None, common: Common) -> _End:
    """Watch a stop of at least `expected` jobs to its end, and show what it came to."""
    data: Any = None
    again = f"Look again with: sluiceway stops show {stop_id} --wait"
    most = expected
    try:
        with Board(f"Stop {stop_id}") as board:
            for reply in looks(lambda: client.show_stop(stop_id), timeout):
                data = reply.data
                stop = read(data, Stop)
                most = max(most, len(stop.jobs))
                board.show([_line(view) for view in stop.jobs])
                if stop.settled:
                    break
    except KeyboardInterrupt:
        complain(f"The stop goes on. {again}")
        raise
    if data is None:
        raise Failed(f"The service has not answered in time; the stop goes on. {again}")
    return _ended(read(data, Stop), data, most, again, quiet=common.json)


def _ended(stop: Stop, data: Any, most: int, again: str, *, quiet: bool) -> _End:
    if not quiet:
        _show(stop)
    if not stop.settled:
        complain(f"The time is up; the stop goes on. {again}")
    if len(stop.jobs) < most:
        complain(f"{_jobs(most - len(stop.jobs))} went over to a later stop; see `sluiceway stops list`")
    unverified = sum(view.phase == STOPPED and stop.savepoint and not view.verified for view in stop.jobs)
    if unverified:
        complain(f"{_jobs(unverified)} stopped with a savepoint that the service could not read and verify")
    good = all(_good(view, stop) for view in stop.jobs) and len(stop.jobs) == most
    return _End(data, 0 if good else 1)


def _good(view: StopView, stop: Stop) -> bool:
    return view.phase == STOPPED and (view.savepoint is not None or not stop.savepoint)


def _show(stop: Stop) -> None:
    rows = [_row(view) for view in stop.jobs]
    tables.table(
        ("id", "name", "queue", "phase", "savepoint", "size", "verified", "seconds", "why"), rows, path="savepoint"
    )


def _row(view: StopView) -> Sequence[str]:
    seconds = tables.seconds_between(view.accepted_at, view.settled_at)
    return (
        str(view.job_id),
        view.name,
        view.queue,
        view.phase,
        view.savepoint or "",
        tables.size(view.size),
        tables.yes(view.verified) if view.savepoint else "",
        "" if seconds is None else f"{seconds:.2f}",
        view.reason,
    )


def _line(view: StopView) -> Line:
    return Line(view.job_id, view.name, view.phase, view.reason, done=view.phase in SETTLED)


def _jobs(count: int) -> str:
    return f"{count} job{'' if count == 1 else 's'}"
