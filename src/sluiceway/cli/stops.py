"""`sluiceway stop`, `resume` and `stops`: halt jobs in bulk, watch them come to rest, and bring them back."""

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from cyclopts.types import PositiveInt

from sluiceway.cli import tables
from sluiceway.cli.answers import Aborted, Answers, Proceeded, Stop, StopHead, Stops, StopView, read
from sluiceway.cli.client import Client
from sluiceway.cli.dry_run import show as dry
from sluiceway.cli.events import followed, told
from sluiceway.cli.jobs import JobNames, report
from sluiceway.cli.options import Common, Flag, Names, Seconds, Words, check_wait, commands, ids_or_names, or_default
from sluiceway.cli.output import Failed, complain, say
from sluiceway.cli.progress import Board, Line, looks
from sluiceway.cli.resume_options import Back
from sluiceway.cli.resumes import begun
from sluiceway.cli.stop_options import Choice, Manner

STOPPED: Final = "stopped"
SETTLED: Final = frozenset({STOPPED, "failed", "ended", "lost", "withdrawn"})

stop_app = commands("stop")
resume_app = commands("resume")
stops_app = commands("stops", "Look at stops, and steer them.")


@stop_app.default
def stop(
    jobs: JobNames = (),
    /,
    *,
    choice: Choice | None = None,
    savepoint: bool = True,
    manner: Manner | None = None,
    dry_run: Flag = False,
    wait: Flag = False,
    timeout: Seconds = None,
    reason: Words = "",
    idempotency_key: str | None = None,
    common: Common | None = None,
) -> int:
    """Stop jobs in one call, each with a savepoint of its own.

    Exits with 0 when the stop of every job is accepted; what is accepted is stored, and no crash loses it. With --wait
    it exits with 0 when every job has stopped, with its savepoint. Ctrl-C ends the waiting, not the stop.

    Example: `sluiceway stop --tag team=payments --wave tag:tier=sink --dry-run`, then the same without --dry-run.

    Afterwards: `sluiceway resume STOP_ID` brings exactly these jobs back, the last wave first.

    Parameters
    ----------
    savepoint
        Keep a savepoint of each. Without one a job is canceled, and what it has read is lost.
    dry_run
        Touch nothing; say for each job whether it would stop, and what stands in the way.
    wait
        Watch until every job has stopped, or has failed to.
    timeout
        Seconds to wait at most. The stop goes on all the same.
    reason
        Why, for whoever looks at the stop later.
    idempotency_key
        Names the request: sent again, also by another call, it gets the first answer. Default: one of its own.
    """
    choice, manner, common = choice or Choice(), manner or Manner(), or_default(common)
    chosen = choice.body()
    manner.check(savepoint=savepoint)
    if (bool(jobs), bool(chosen) or (bool(manner.wave) and not jobs)).count(True) != 1:
        raise Failed(
            "Say which jobs to stop, in one way: their ids or names, or what they have in common (--all, --queue, "
            "--name, --tag, --status), or --wave.",
            code=2,
        )
    check_wait(timeout, wait=wait)
    client = common.client()
    resolve = partial(ids_or_names, client)
    body = manner.body(resolve) | chosen | ({"job_ids": resolve(jobs)} if jobs else {})
    body |= {"savepoint": savepoint, "reason": reason} | ({"dry_run": True} if dry_run else {})
    reply = client.stop(body, idempotency_key or uuid.uuid4().hex)
    answers = read(reply.data, Answers)
    if dry_run:
        return dry(answers, reply.data, common)
    if not common.json:
        _say_accepted(answers)
    return _told(client, reply.data, answers, wait=wait, timeout=timeout, common=common)


def _told(client: Client, data: Any, answers: Answers, *, wait: bool, timeout: float | None, common: Common) -> int:
    """Tell what became of a request to stop jobs, after waiting for them where that is asked for."""
    accepted = len({answer.job_id for answer in answers.jobs if answer.accepted and not answer.code})
    end = _watch(client, answers.id, accepted, timeout, common) if wait and answers.id is not None else None
    if common.json:
        tables.document(data | ({"stop": end.data if end else None} if wait else {}))
    code = report(answers, quiet=common.json)
    return max(code, end.code if end else 0)


@resume_app.default
def resume(
    stop_id: PositiveInt | None = None,
    /,
    *,
    job: Names = (),
    failed: Flag = False,
    back: Back | None = None,
    wait: Flag = False,
    timeout: Seconds = None,
    common: Common | None = None,
) -> int:
    """Bring back exactly the jobs that a stop has stopped, each from its own savepoint, the last wave first.

    Exits with 0 when the start of every job is accepted; with --wait, when every job is back: all of its tasks have
    run, and it has completed a checkpoint since, where it takes any. A job that fails again and again instead is
    parked: canceled, with its state as it was, and the cause is told. The others go on. Ctrl-C ends the waiting, not
    the resume.

    Example: `sluiceway resume 7 --max-parallel 20 --pace 30 --wait`

    Single jobs: `sluiceway resume --job orders payments`

    What did not come back, once it is mended: `sluiceway resume 7 --failed --wait`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under; `sluiceway stops list` shows the latest. With --failed also that of a
        resume.
    job
        Ids or exact names of jobs, each to start from its newest savepoint or checkpoint.
    failed
        Only what is parked or has failed on the last way back, each from its newest state, and otherwise as that way
        back was asked for.
    wait
        Wait until each job is back, or will not come.
    timeout
        Seconds to wait at most. The resume goes on all the same.
    """
    if (stop_id is None) == (not job):
        raise Failed("Say what to resume, in one way: the id of a stop, or --job with ids or names.", code=2)
    if failed and stop_id is None:
        raise Failed("--failed is about a stop or a resume: give its id.", code=2)
    check_wait(timeout, wait=wait)
    common, body = or_default(common), (back or Back()).body()
    client = common.client()
    if stop_id is None:
        reply = client.resume_jobs(body | {"job_ids": ids_or_names(client, job)})
    else:
        reply = client.resume_failed(stop_id, body) if failed else client.resume_stop(stop_id, body)
    return begun(client, reply.data, wait=wait, timeout=timeout, common=common)


@stops_app.command(name="list")
def list_(*, limit: PositiveInt = 20, common: Common | None = None) -> int:
    """List the latest stops, the newest first. One that was tried again is told with its last try, as one.

    Example: `sluiceway stops list --limit 5`

    Parameters
    ----------
    limit
        How many to look at; 1000 at most.
    """
    common = or_default(common)
    reply = common.client().stops(limit)
    if common.json:
        tables.document(reply.data)
        return 0
    heads = [head for head in read(reply.data, Stops).stops if head.retried_by is None]
    tables.table(("stop", "accepted", "savepoints", "jobs", "tries", "came to", "reason"), [_head(h) for h in heads])
    return 0


def _head(head: StopHead) -> Sequence[str]:
    story = head.story
    jobs = "" if head.jobs_total is None else str(head.jobs_total)
    told = ("", "") if story is None else (tables.tries(story.orders), tables.counts(story.phases))
    number = str(story.jobs_total) if story else jobs
    return str(head.id), tables.moment(head.created_at), tables.yes(head.savepoint), number, *told, head.reason


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


@stops_app.command
def watch(stop_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Follow a stop event by event until every job of it has settled.

    Exits with 0 when every job has stopped, with its savepoint. A broken connection is taken up again. Ctrl-C ends the
    watching, not the stop.

    Example: `sluiceway stops watch 7`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under.
    """
    common = or_default(common)
    client = common.client()
    try:
        for event in followed(client, stop_id):
            tables.line(event) if common.json else say(told(event))
            if event["kind"] == "batch_paused":
                break  # it would wait for somebody to say how it goes on
    except KeyboardInterrupt:
        complain(f"The stop goes on. Look again with: sluiceway stops watch {stop_id}")
        raise
    data = client.show_stop(stop_id).data
    stop = read(data, Stop)
    return _ended(stop, data, len(stop.jobs), "", quiet=common.json).code


@stops_app.command
def abort(stop_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Withdraw whatever of a stop was not sent yet. Those jobs run on; what was sent goes on.

    Example: `sluiceway stops abort 7`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under.
    """
    common = or_default(common)
    reply = common.client().abort(stop_id)
    if common.json:
        tables.document(reply.data)
    else:
        say(f"Withdrawn: {tables.jobs(len(read(reply.data, Aborted).withdrawn))}. See: sluiceway stops show {stop_id}")
    return 0


@stops_app.command
def proceed(stop_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Let a stop go on that --abort-when has paused, whatever has failed so far.

    Exits with 0 when it goes on, and with 1 when it was not paused.

    Example: `sluiceway stops proceed 7`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under.
    """
    common = or_default(common)
    reply = common.client().proceed(stop_id)
    was = read(reply.data, Proceeded).was
    if common.json:
        tables.document(reply.data)
    elif was == "paused":
        say(f"Stop {stop_id} goes on. Watch it with: sluiceway stops watch {stop_id}")
    else:
        complain(f"Stop {stop_id} was not paused; it is {was}.")
    return int(was != "paused")


@stops_app.command
def retry(
    stop_id: PositiveInt,
    /,
    *,
    wait: Flag = False,
    timeout: Seconds = None,
    idempotency_key: str | None = None,
    common: Common | None = None,
) -> int:
    """Stop exactly those jobs again that a stop, or its last retry, did not stop: in the same waves, and as was asked.

    Exits with 0 when every one of them is accepted, or there is none; with --wait, when every one has stopped.

    Example: `sluiceway stops retry 7 --wait`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under.
    wait
        Watch until every one has stopped, or has failed to.
    timeout
        Seconds to wait at most. The stop goes on all the same.
    idempotency_key
        Names the request: sent again, also by another call, it gets the first answer. Default: one of its own.
    """
    check_wait(timeout, wait=wait)
    common = or_default(common)
    client = common.client()
    reply = client.retry_stop(stop_id, idempotency_key or uuid.uuid4().hex)
    answers = read(reply.data, Answers)
    if not common.json:
        _say_accepted(answers, of=stop_id)
    return _told(client, reply.data, answers, wait=wait, timeout=timeout, common=common)


class _End:
    """What a stop had come to when it was last looked at, and what a command exits with for it."""

    def __init__(self, data: Any, code: int) -> None:
        self.data = data
        self.code = code


def _say_accepted(answers: Answers, of: int | None = None) -> None:
    if answers.id is not None:
        ways = f"Look at it with: sluiceway stops show {answers.id}; undo it with: sluiceway resume {answers.id}"
        say(f"Stop {answers.id} is accepted for {tables.jobs(answers.accepted)}. {ways}")
    elif not answers.jobs:
        say("There is no job to stop." if of is None else f"Of stop {of}, no job has failed.")


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
                if stop.settled or stop.state == "paused":
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
    if stop.state == "paused":
        ways = f"sluiceway stops proceed {stop.id}, or: sluiceway stops abort {stop.id}"
        complain(f"The stop is paused: {stop.state_reason} Let it go on, or give up the rest, with: {ways}")
    elif not stop.settled:
        complain(f"The time is up; the stop goes on. {again}")
    if len(stop.jobs) < most:
        complain(f"{tables.jobs(most - len(stop.jobs))} went over to a later stop; see `sluiceway stops list`")
    unverified = sum(view.phase == STOPPED and stop.savepoint and not view.verified for view in stop.jobs)
    if unverified:
        complain(f"{tables.jobs(unverified)} stopped with a savepoint that the service could not read and verify")
    good = all(_good(view, stop) for view in stop.jobs) and len(stop.jobs) == most
    return _End(data, 0 if good else 1)


def _good(view: StopView, stop: Stop) -> bool:
    return view.phase == STOPPED and (view.savepoint is not None or not stop.savepoint)


def _show(stop: Stop) -> None:
    waves = any(view.wave for view in stop.jobs)
    headers = ("id", "name", "queue", *(("wave",) if waves else ()), "phase", "savepoint", "size", "verified")
    rows = [_row(view, waves=waves) for view in stop.jobs]
    tables.table((*headers, "seconds", "why"), rows, path="savepoint")


def _row(view: StopView, *, waves: bool) -> Sequence[str]:
    seconds = tables.seconds_between(view.accepted_at, view.settled_at)
    return (
        str(view.job_id),
        view.name,
        view.queue,
        *((str(view.wave + 1),) if waves else ()),
        "held" if view.held else view.phase,
        view.savepoint or view.checkpoint or "",
        tables.size(view.size),
        tables.yes(view.verified) if view.savepoint or view.checkpoint else "",
        "" if seconds is None else f"{seconds:.2f}",
        f"{view.reason} {view.unproven}".strip(),
    )


def _line(view: StopView) -> Line:
    return Line(view.job_id, view.name, "held" if view.held else view.phase, view.reason, done=view.phase in SETTLED)
