"""`sluiceway stop` and `stops`: stop jobs in bulk, and watch them."""

import uuid
from functools import partial
from typing import Annotated, Any, Final

from cyclopts import Parameter

from sluiceway.cli import adopted, orders, tables
from sluiceway.cli.answers import Answers, read
from sluiceway.cli.asking import Deed
from sluiceway.cli.choice import OPTIONS, Choice, JobNames, nothing, tell_unjudged
from sluiceway.cli.client import Client
from sluiceway.cli.dry_run import show as dry
from sluiceway.cli.language import t
from sluiceway.cli.options import (
    Common,
    Flag,
    PositiveInt,
    Seconds,
    Words,
    check_wait,
    commands,
    ids_or_names,
    once,
    or_default,
)
from sluiceway.cli.order_answers import Stop, Stops, StopView
from sluiceway.cli.order_columns import STOP_JOBS, STOPS, stop_phase
from sluiceway.cli.outcomes import report, warn
from sluiceway.cli.output import TIME_UP, Failed, complain, one_line, say
from sluiceway.cli.output_options import ColumnNames
from sluiceway.cli.progress import Line
from sluiceway.cli.selection import EMPTY, check_chosen, chosen, confirmed, whole
from sluiceway.cli.stop_options import Look, Manner, Sending

STOPPED: Final = "stopped"
ALREADY_STOPPED: Final = "already_stopped"  # the answer to a job that needs no stop
MOST_STOPPED: Final = 10  # of these that are named
LATEST: Final = 20  # stops, among which one that was just accepted is
SETTLED: Final = frozenset({STOPPED, "failed", "ended", "lost", "withdrawn"})

stop_app = commands("stop")
stops_app = commands("stops", "Look at stops, and steer them.")


@stop_app.default
def stop(
    jobs: JobNames = (),
    /,
    *,
    choice: Choice | None = None,
    all_: Annotated[bool, Parameter(name="--all", negative=(), show_default=False)] = False,
    savepoint: bool = True,
    manner: Manner | None = None,
    look: Look | None = None,
    reason: Words = "",
    sending: Sending | None = None,
    common: Common | None = None,
) -> int:
    """Stop jobs in one call, each with a savepoint of its own.

    Exits with 0 when the stop of every job is accepted; what is accepted is stored, and no crash loses it. With --wait
    it exits with 0 when every job has stopped, with its savepoint. Ctrl-C ends the waiting, not the stop.

    Exits with 3 when no job is meant.

    Example: `sluiceway stop -l 'team=payments,tier!=edge' --wave tag:tier=sink --dry-run`, then without --dry-run.

    Afterwards: `sluiceway resume STOP_ID` brings exactly these jobs back, the last wave first.

    Parameters
    ----------
    all_
        Every job of the project.
    savepoint
        Keep a savepoint of each. Without one a job is canceled, and what it has read is lost.
    reason
        Why, for later readers.
    """
    choice, manner, look, sending = choice or Choice(), manner or Manner(), look or Look(), sending or Sending()
    manner.check(savepoint=savepoint)
    check_wait(sending.timeout, wait=sending.wait)
    look.check()
    common = or_default(common)
    client = common.client()
    asked = (
        chosen(choice, all_=all_)
        | manner.body(partial(ids_or_names, client))
        | ({} if savepoint else {"savepoint": False})
    )
    if look.plan is not None:
        body = look.order(reason, alone=not (jobs or asked))
    else:
        ways = t(
            "Say which jobs to stop, in one way: their ids or names, or what they have in common "
            "({options}, or --all), or --wave, or --plan.",
            options=OPTIONS,
        )
        check_chosen(jobs, choice, waves=bool(manner.wave), all_=all_, ways=ways)
        named: dict[str, object] = {"job_ids": once(client, jobs)} if jobs else {}
        body = asked | named | {"savepoint": savepoint, "reason": reason}
    if look.dry_run:
        reply = client.stop(body | look.body(), uuid.uuid4().hex)
        seen = read(reply.data, Answers)
        code = dry(seen, reply.data, common)
        tell_unjudged(seen.unjudged)
        return code if reply.data["jobs"] else nothing(client, choice, t("can be stopped now"))
    deed = _deed(all_=all_, savepoint=savepoint, yes=look.yes or look.plan is not None)
    sent, rest = confirmed(client.stop, body, deed, keyed=sending.idempotency_key is not None)
    data = whole(client.stop(sent, sending.key()).data if sent else EMPTY, rest)
    answers = read(data, Answers)
    common.names(answers.id)
    if common.words:
        _say_accepted(client, answers, undone=None if look.plan else savepoint and not manner.drain)
    tell_unjudged(answers.unjudged)
    if not answers.jobs:
        if common.json:
            common.document(data)
        nothing(client, choice, t("can be stopped now"))
    return _told(client, data, answers, sending, common)


def _told(client: Client, data: Any, answers: Answers, sending: Sending, common: Common) -> int:
    """Report on a request to stop jobs, after waiting for them where asked."""
    accepted = len({answer.job_id for answer in answers.jobs if answer.accepted and not answer.code})
    if common.words:
        _tell_stopped(answers)
    if not common.json:
        warn(client, answers)
    end = None
    if sending.wait and answers.id is not None:
        end = _watch(client, answers.id, accepted, sending.timeout, common)
    if common.json:
        common.document(data | ({"stop": end[0] if end else None} if sending.wait else {}))
    code = report(client, answers, quiet=common.json)
    return max(code, end[1] if end else 0)


@stops_app.command(name="list")
def list_(*, limit: PositiveInt = 20, columns: ColumnNames = None, common: Common | None = None) -> int:
    """List the latest stops, the newest first. One with retries is one line.

    Example: `sluiceway stops list --limit 5`

    Parameters
    ----------
    limit
        How many to look at; 1000 at most.
    """
    common = or_default(common)
    data = common.client().stops(limit).data
    heads = [head for head in read(data, Stops).stops if head.get("retried_by") is None]
    return common.show(STOPS, heads, data, columns)


@stops_app.command
def show(
    stop_id: PositiveInt,
    /,
    *,
    wait: Flag = False,
    timeout: Seconds = None,
    columns: ColumnNames = None,
    common: Common | None = None,
) -> int:
    """Show the outcome of each job of a stop.

    Exits with 0 when it could be shown; with --wait, when every job has stopped, with its savepoint.

    Example: `sluiceway stops show 7 --wait`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under.
    wait
        Watch until it has settled for every job.
    timeout
        How long to wait at most, such as 90s or 1h30m.
    """
    check_wait(timeout, wait=wait)
    common = or_default(common)
    client = common.client()
    waited = _watch(client, stop_id, 0, timeout, common) if wait else None
    return orders.shown(
        lambda: client.show_stop(stop_id), lambda data: _show(client, data, common, columns), waited, common
    )


@stops_app.command
def watch(stop_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Follow a stop event by event until every job of it has settled.

    Exits with 0 when every job has stopped, with its savepoint. After a broken connection it goes on where that broke.
    Ctrl-C ends the watching, not the stop.

    Example: `sluiceway stops watch 7`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under.
    """
    common = or_default(common)
    client = common.client()
    orders.tell_events(client, stop_id, "stops", common)
    data = client.show_stop(stop_id).data
    stop = read(data, Stop)
    return _ended(client, stop, data, len(stop.jobs), "", common)[1]


@stops_app.command
def abort(stop_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Withdraw the stops that were not sent yet. Those jobs run on; sent stops go on.

    Example: `sluiceway stops abort 7`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under.
    """
    return orders.withdraw(stop_id, "stops", or_default(common))


@stops_app.command
def proceed(stop_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Continue a stop that --abort-when has paused, whatever has failed so far.

    Exits with 0 when it goes on, and with 1 when it was not paused.

    Example: `sluiceway stops proceed 7`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under.
    """
    return orders.let_go_on(stop_id, "stops", or_default(common))


@stops_app.command
def retry(
    stop_id: PositiveInt,
    /,
    *,
    sending: Sending | None = None,
    common: Common | None = None,
) -> int:
    """Stop exactly those jobs again that a stop, or its last retry, did not stop: in the same waves and manner.

    Exits with 0 when every one of them is accepted, or there is none; with --wait, when every one has stopped.

    Example: `sluiceway stops retry 7 --wait`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under.
    """
    sending, common = sending or Sending(), or_default(common)
    check_wait(sending.timeout, wait=sending.wait)
    client = common.client()
    reply = client.retry_stop(stop_id, sending.key())
    answers = read(reply.data, Answers)
    common.names(answers.id)
    if common.words:
        _say_accepted(client, answers, of=stop_id)
    return _told(client, reply.data, answers, sending, common)


def _tell_stopped(answers: Answers) -> None:
    """Name the jobs that need no stop: first one by one, of many the rest by their number."""
    stopped = {answer.job_id: answer.message for answer in answers.jobs if answer.code == ALREADY_STOPPED}
    for job_id, message in list(stopped.items())[:MOST_STOPPED]:
        say(one_line(t("Job {job}: {what}", job=job_id, what=message)))
    if len(stopped) > MOST_STOPPED:
        say(t("So are {more} more.", more=len(stopped) - MOST_STOPPED))


def _deed(*, all_: bool, savepoint: bool, yes: bool) -> Deed:
    options = [*(["--all"] if all_ else []), *([] if savepoint else ["--no-savepoint"])]
    done = t("stopped") if savepoint else t("canceled without a savepoint")
    return Deed(done, yes, f"sluiceway stop {' '.join(options)}" if options else "")


def _can_be_undone(client: Client, stop_id: int) -> bool:
    """Whether a stop that was asked for by its plan, or by another stop, keeps savepoints that a resume may take."""
    try:
        heads = [STOPS.read(row) for row in read(client.stops(LATEST).data, Stops).stops]
    except Failed:
        return False  # it is accepted all the same
    # A drained savepoint is an end: what is resumed from it writes the windows twice that the drain has cut.
    return any(head.id == stop_id and head.savepoint and not head.drain for head in heads)


def _say_accepted(client: Client, answers: Answers, of: int | None = None, *, undone: bool | None = None) -> None:
    if answers.id is not None:
        jobs = tables.jobs(answers.accepted)
        if _can_be_undone(client, answers.id) if undone is None else undone:
            say(
                t(
                    "Stop {id} is accepted for {jobs}. Look at it with: sluiceway stops show {id}; undo it "
                    "with: sluiceway resume {id}",
                    id=answers.id,
                    jobs=jobs,
                )
            )
        else:
            say(
                t(
                    "Stop {id} is accepted for {jobs}. Look at it with: sluiceway stops show {id}",
                    id=answers.id,
                    jobs=jobs,
                )
            )
    elif not answers.jobs and of is not None:
        say(t("Of stop {of}, no job has failed.", of=of))


def _watch(client: Client, stop_id: int, expected: int, timeout: float | None, common: Common) -> tuple[Any, int]:
    """Watch a stop of at least `expected` jobs to its end, and show it."""
    most = expected

    def seen(data: Any) -> tuple[list[Line], bool]:
        nonlocal most
        stop = read(data, Stop)
        most = max(most, len(stop.jobs))
        return [_line(view) for view in stop.jobs], stop.settled or stop.state == "paused"

    data = orders.watched(lambda: client.show_stop(stop_id), stop_id, "stops", seen, timeout)
    again = orders.look_again(stop_id, "stops")
    return _ended(client, read(data, Stop), data, most, again, common)


def _ended(client: Client, stop: Stop, data: Any, most: int, again: str, common: Common) -> tuple[Any, int]:
    if common.words:
        _show(client, data, common)
    if stop.state == "paused":
        complain(
            one_line(
                t(
                    "The stop is paused: {state_reason} Continue it, or give up the rest, with: sluiceway "
                    "stops proceed {id}, or: sluiceway stops abort {id}",
                    state_reason=stop.state_reason,
                    id=stop.id,
                )
            )
        )
    elif not stop.settled:
        complain(t("The time is up; the stop goes on. {again}", again=again))
    if len(stop.jobs) < most:
        complain(
            t("{jobs} went over to a later stop; see `sluiceway stops list`", jobs=tables.jobs(most - len(stop.jobs)))
        )
    unverified = sum(view.phase == STOPPED and stop.savepoint and not view.verified for view in stop.jobs)
    if unverified:
        complain(
            t(
                "{jobs} stopped with a savepoint that the service could not read and verify",
                jobs=tables.jobs(unverified),
            )
        )
    if not stop.settled and stop.state != "paused":
        return data, TIME_UP
    good = all(_good(view, stop) for view in stop.jobs) and len(stop.jobs) == most
    return data, 0 if good else 1


def _good(view: StopView, stop: Stop) -> bool:
    return view.phase == STOPPED and (view.savepoint is not None or not stop.savepoint)


def _show(client: Client, data: Any, common: Common, columns: str | None = None) -> None:
    stop = read(data, Stop)
    if common.head and columns is None:
        orders.tell_head(stop, "stops", "" if stop.savepoint else t(", without savepoints"))
    kind = STOP_JOBS if any(view.wave for view in stop.jobs) else STOP_JOBS.without("wave")
    common.show(kind, data["jobs"], data, columns)
    if common.words and columns is None:
        orders.tell_plan(stop)
        adopted.tell(client, stop)


def _line(view: StopView) -> Line:
    return Line(view.job_id, view.name, stop_phase(view), view.reason, done=view.phase in SETTLED)
