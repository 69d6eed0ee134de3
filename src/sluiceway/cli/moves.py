"""`sluiceway move` and `moves`: move jobs to another cluster, watch that, and take it back."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final

from cyclopts import Parameter

from sluiceway.cli import orders, tables
from sluiceway.cli.answers import Answers, read
from sluiceway.cli.asking import Deed
from sluiceway.cli.choice import OPTIONS, Choice, JobNames, nothing, tell_unjudged
from sluiceway.cli.client import Client
from sluiceway.cli.dry_run import show_move as dry
from sluiceway.cli.language import t
from sluiceway.cli.move_options import Going, leaving
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
from sluiceway.cli.order_answers import Move, MoveAnswers, MoveProceeded, Moves, MoveView
from sluiceway.cli.order_columns import MOVE_JOBS, MOVES
from sluiceway.cli.outcomes import report, warn
from sluiceway.cli.output import complain, one_line, say
from sluiceway.cli.output_options import ColumnNames
from sluiceway.cli.progress import Line
from sluiceway.cli.resume_options import Terms
from sluiceway.cli.resumes import begun
from sluiceway.cli.selection import EMPTY, check_chosen, chosen, confirmed, whole
from sluiceway.cli.stop_options import Sending

ARRIVED: Final = "moved"
SETTLED: Final = frozenset({ARRIVED, "returned", "stayed", "ended", "not_started", "overtaken"})

move_app = commands("move")
moves_app = commands("moves", "Look at moves, steer them, and take them back.")


@move_app.default
def move(
    jobs: JobNames = (),
    /,
    *,
    to: str,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    choice: Choice | None = None,
    all_: Annotated[bool, Parameter(name="--all", negative=(), show_default=False)] = False,
    going: Going | None = None,
    dry_run: Flag = False,
    yes: Flag = False,
    reason: Words = "",
    sending: Sending | None = None,
    common: Common | None = None,
) -> int:
    """Move jobs to another cluster: stop each with a savepoint, and start it from that there.

    A job is started there once its stop is proven, and is that cluster's from then on. One that does not stop runs on
    where it is. Both clusters have to see the service's storage.

    On a terminal it shows what is at stake, and asks first. Elsewhere it needs --yes.

    Exits with 0 when the move of every job is accepted; what is accepted is stored, and no crash loses it. With --wait
    it exits with 0 when every job has arrived: all of its tasks have run, and it has completed a checkpoint since.
    Ctrl-C ends the waiting, not the move. With 3 when no job is meant.

    Example: `sluiceway move --from old --to new --dry-run`, then
    `sluiceway move --from old --to new --max-parallel 10 --abort-when 3 --wait`

    A few first: `sluiceway move --from old --to new --wave orders,payments --wait`

    What did not arrive: `sluiceway moves back MOVE_ID` starts it where it was, from the same savepoint.

    Parameters
    ----------
    to
        The cluster that they are started on.
    from_
        Jobs on this cluster; the same as --cluster.
    all_
        Every job of the project.
    dry_run
        Touch nothing; say for each job whether it would stop, and whether it could start there.
    yes
        Ask nothing.
    reason
        Why, for later readers.
    """
    going, sending = going or Going(), sending or Sending()
    check_wait(sending.timeout, wait=sending.wait)
    choice = leaving(choice or Choice(), from_)
    ways = t(
        "Say which jobs to move, in one way: their ids or names, or what they have in common ({options}, or --all), "
        "or --wave.",
        options=OPTIONS,
    )
    check_chosen(jobs, choice, waves=bool(going.wave), all_=all_, ways=ways)
    common = or_default(common)
    client = common.client()
    body = chosen(choice, all_=all_) | going.body(partial(ids_or_names, client)) | {"to": to}
    body |= ({"job_ids": once(client, jobs)} if jobs else {}) | ({"reason": reason} if reason else {})
    if dry_run:
        reply = client.move(body | {"dry_run": True}, uuid.uuid4().hex)
        seen = read(reply.data, MoveAnswers)
        code = dry(seen, reply.data, common)
        tell_unjudged(seen.unjudged)
        return code if seen.jobs else nothing(client, choice, t("can be moved now"))
    return carried_out(client, body, choice, sending, common, yes=yes)


def carried_out(
    client: Client,
    body: dict[str, Any],
    choice: Choice | None,
    sending: Sending,
    common: Common,
    *,
    yes: bool,
    first: Callable[[], object] = lambda: None,
) -> int:
    """Place a move, once somebody has agreed, report on it, and wait for its end where asked; the exit code.

    `choice` is what its jobs have in common, of which there have to be some; None where there need not be any. `first`
    is done just before.
    """
    deed = Deed(t("stopped, and started on {cluster}", cluster=body["to"]), yes, t("a move"))
    sent, rest = confirmed(client.move, body, deed, keyed=sending.idempotency_key is not None)
    first()
    data = whole(client.move(sent, sending.key()).data if sent else EMPTY, rest)
    answers = read(data, Answers)
    common.names(answers.id)
    if common.words:
        _say_accepted(answers, body["to"])
    if not common.json:
        warn(client, answers)
    tell_unjudged(answers.unjudged)
    if not answers.jobs:
        if common.json:
            common.document(data)
        elif choice is None and common.words:
            say(t("There is no job to move."))
        return 0 if choice is None else nothing(client, choice, t("can be moved now"))
    end: tuple[Any, int] | None = None
    if sending.wait and answers.id is not None:
        end = _watched(client, answers.id, sending.timeout, common)
    if common.json:
        common.document(data | ({"move": end[0] if end else None} if sending.wait else {}))
    return max(report(client, answers, quiet=common.json), end[1] if end else 0)


@moves_app.command(name="list")
def list_(*, limit: PositiveInt = 20, columns: ColumnNames = None, common: Common | None = None) -> int:
    """List the latest moves, the newest first.

    Example: `sluiceway moves list --limit 5`

    Parameters
    ----------
    limit
        How many to look at; 1000 at most.
    """
    common = or_default(common)
    data = common.client().moves(limit).data
    return common.show(MOVES, read(data, Moves).moves, data, columns)


@moves_app.command
def show(
    move_id: PositiveInt,
    /,
    *,
    wait: Flag = False,
    timeout: Seconds = None,
    columns: ColumnNames = None,
    common: Common | None = None,
) -> int:
    """Show what has become of each job of a move.

    Exits with 0 when it could be shown; with --wait, when every job has arrived.

    Example: `sluiceway moves show 4 --wait`

    Parameters
    ----------
    move_id
        The id that the move was accepted under.
    wait
        Watch until every job has arrived, or will not.
    timeout
        How long to wait at most, such as 90s or 1h30m.
    """
    check_wait(timeout, wait=wait)
    common = or_default(common)
    client = common.client()
    waited = _watched(client, move_id, timeout, common) if wait else None
    return orders.shown(lambda: client.show_move(move_id), lambda data: _show(data, common, columns), waited, common)


@moves_app.command
def watch(move_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Follow a move event by event until every job of it has arrived, or will not.

    Exits with 0 when every job has arrived. A broken connection is taken up again. Ctrl-C ends the watching, not the
    move.

    Example: `sluiceway moves watch 4`

    Parameters
    ----------
    move_id
        The id that the move was accepted under.
    """
    common = or_default(common)
    client = common.client()
    orders.tell_events(client, move_id, "moves", common)
    return _ended(client.show_move(move_id).data, common)


@moves_app.command
def abort(move_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Let nothing more of a move begin. Jobs whose stops were not sent run on; what was sent goes on.

    A job that has stopped and was not started there stays stopped: `sluiceway moves back` starts it where it was.

    Example: `sluiceway moves abort 4`

    Parameters
    ----------
    move_id
        The id that the move was accepted under.
    """
    return orders.withdraw(move_id, "moves", or_default(common))


@moves_app.command
def proceed(move_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Continue a move that --abort-when has paused, and try again to start what was refused.

    Exits with 0 when something goes on, and with 1 when it was not paused and nothing was refused.

    Example: `sluiceway moves proceed 4`

    Parameters
    ----------
    move_id
        The id that the move was accepted under.
    """
    common = or_default(common)
    data = common.client().proceed(move_id, "moves").data
    found = read(data, MoveProceeded)
    goes_on = found.was == "paused" or found.tried_again > 0
    if goes_on:
        common.names(move_id)
    if common.json:
        common.document(data)
    elif goes_on and common.words:
        told = [t("Move {move_id} goes on.", move_id=move_id)]
        told += (
            [t("The start of {jobs} is tried again.", jobs=tables.jobs(found.tried_again))] if found.tried_again else []
        )
        say(" ".join([*told, t("Watch it with: sluiceway moves show {move_id} --wait", move_id=move_id)]))
    elif not goes_on:
        complain(
            t("Move {move_id} was not paused, and no start was refused; it is {was}.", move_id=move_id, was=found.was)
        )
    return int(not goes_on)


@moves_app.command
def back(move_id: PositiveInt, /, *, wait: Flag = False, timeout: Seconds = None, common: Common | None = None) -> int:
    """Start the jobs that a move has stopped, and that are not on their way, where they were.

    Each starts from the savepoint that it was stopped with. Nothing more of the move begins, and what runs where it was
    to go stays there: `sluiceway move` with the clusters the other way round brings that back.

    Exits with 0 when the start of every one of them is accepted, or there is none; with --wait, when every one is back.

    Example: `sluiceway moves back 4 --wait`

    Parameters
    ----------
    move_id
        The id that the move was accepted under.
    wait
        Wait until each of them is back, or will not come.
    timeout
        How long to wait at most, such as 90s or 1h30m.
    """
    check_wait(timeout, wait=wait)
    common = or_default(common)
    client = common.client()
    reply = client.move_back(move_id)
    return begun(client, reply.data, Terms(), wait=wait, timeout=timeout, common=common)


def _say_accepted(answers: Answers, to: str) -> None:
    if answers.id is not None:
        say(
            t(
                "Move {id} to {to} is accepted for {jobs}. Look at it with: sluiceway moves show {id}",
                id=answers.id,
                to=to,
                jobs=tables.jobs(answers.accepted),
            )
        )


def _watched(client: Client, move_id: int, timeout: float | None, common: Common) -> tuple[Any, int]:
    """Watch a move to its end and show it: the move, and the exit code."""

    def seen(data: Any) -> tuple[list[Line], bool]:
        found = read(data, Move)
        return [_line(view) for view in found.jobs], found.settled or (found.state == "paused" and _rests(found))

    data = orders.watched(lambda: client.show_move(move_id), move_id, "moves", seen, timeout)
    return data, _ended(data, common)


def _rests(found: Move) -> bool:
    """Whether nothing goes on while it is paused."""
    return all(view.phase in SETTLED or view.phase == "waiting" for view in found.jobs)


def _ended(data: Any, common: Common) -> int:
    found = read(data, Move)
    if common.words:
        _show(data, common)
    if found.state == "paused":
        complain(
            one_line(
                t(
                    "The move is paused: {state_reason} Continue it, or give up the rest, with: sluiceway "
                    "moves proceed {id}, or: sluiceway moves abort {id}",
                    state_reason=found.state_reason,
                    id=found.id,
                )
            )
        )
    elif not found.settled:
        again = orders.look_again(found.id, "moves")
        complain(t("The time is up; the move goes on. {again}", again=again))
    if down := [view for view in found.jobs if view.phase == "not_started"]:
        failed = any(view.queue == found.to for view in down)
        again = f"sluiceway resume {found.resume_id} --failed" if failed else f"sluiceway moves proceed {found.id}"
        jobs, to = tables.jobs(len(down)), one_line(found.to)
        complain(
            t(
                "{jobs} stopped and did not start on {to}. Start them where they were with: sluiceway "
                "moves back {id} --wait\nor there, once the cause is fixed, with: {again}",
                jobs=jobs,
                to=to,
                id=found.id,
                again=again,
            )
        )
    return int(any(view.phase != ARRIVED for view in found.jobs))


def _show(data: Any, common: Common, columns: str | None = None) -> None:
    found = read(data, Move)
    if common.head and columns is None:
        orders.tell_head(found, "moves", t(" to {cluster}", cluster=found.to))
    kind = MOVE_JOBS if any(view.wave for view in found.jobs) else MOVE_JOBS.without("wave")
    common.show(kind, data["jobs"], data, columns)
    if common.words and columns is None:
        if found.resume_id is None:
            say(
                one_line(
                    t(
                        "Move {id} to {cluster}: stopped by stop {stop_id}.",
                        id=found.id,
                        cluster=found.to,
                        stop_id=found.stop_id,
                    )
                )
            )
        else:
            say(
                one_line(
                    t(
                        "Move {id} to {cluster}: stopped by stop {stop_id}, and started by resume {resume_id}.",
                        id=found.id,
                        cluster=found.to,
                        stop_id=found.stop_id,
                        resume_id=found.resume_id,
                    )
                )
            )


def _line(view: MoveView) -> Line:
    return Line(view.job_id, view.name, view.phase, view.why, done=view.phase in SETTLED)
