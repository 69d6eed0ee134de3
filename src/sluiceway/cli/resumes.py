"""`sluiceway resumes`: show ways back and steer them; also the second half of `sluiceway resume`."""

from typing import Any, Final

from sluiceway.cli import orders, tables
from sluiceway.cli.answers import Answers, read
from sluiceway.cli.client import Client
from sluiceway.cli.dry_run import show_way_back
from sluiceway.cli.job_health import until_started
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, Flag, PositiveInt, Seconds, check_wait, commands, or_default
from sluiceway.cli.order_answers import BackView, Resume, Resumes
from sluiceway.cli.order_columns import RESUME_JOBS, RESUMES
from sluiceway.cli.outcomes import report, tell_losses
from sluiceway.cli.output import TIME_UP, complain, one_line, say
from sluiceway.cli.output_options import ColumnNames
from sluiceway.cli.progress import Line
from sluiceway.cli.resume_options import Terms

BACK: Final = frozenset({"proven", "finished"})
SETTLED: Final = BACK | {"parked", "failed", "stopped", "withdrawn"}
SLOW: Final = frozenset({"restoring", "running"})  # what may last for ever, and holds up nobody once it is unwell

resumes_app = commands("resumes", "Look at resumes, and steer them.")


@resumes_app.command(name="list")
def list_(*, limit: PositiveInt = 20, columns: ColumnNames = None, common: Common | None = None) -> int:
    """List the latest resumes, the newest first. One with retries is one line.

    Example: `sluiceway resumes list --limit 5`

    Parameters
    ----------
    limit
        How many to look at; 1000 at most.
    """
    common = or_default(common)
    data = common.client().resumes(limit).data
    heads = [head for head in read(data, Resumes).resumes if head.get("retried_by") is None]
    return common.show(RESUMES, heads, data, columns)


@resumes_app.command
def show(
    resume_id: PositiveInt,
    /,
    *,
    wait: Flag = False,
    timeout: Seconds = None,
    columns: ColumnNames = None,
    common: Common | None = None,
) -> int:
    """Show the progress of each job of a resume.

    Exits with 0 when it could be shown; with --wait, when every job is back: proven by a first checkpoint.

    Example: `sluiceway resumes show 9 --wait`

    Parameters
    ----------
    resume_id
        The id that the resume was accepted under.
    wait
        Watch until every job is back, or will not come.
    timeout
        How long to wait at most, such as 90s or 1h30m.
    """
    check_wait(timeout, wait=wait)
    common = or_default(common)
    client = common.client()
    waited = watched(client, resume_id, timeout, common) if wait else None
    return orders.shown(
        lambda: client.show_resume(resume_id), lambda data: _show(data, common, columns), waited, common
    )


@resumes_app.command
def watch(resume_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Follow a resume event by event until every job of it is back, or will not come.

    Exits with 0 when every job is back. A broken connection is taken up again. Ctrl-C ends the watching, not the
    resume.

    Example: `sluiceway resumes watch 9`

    Parameters
    ----------
    resume_id
        The id that the resume was accepted under.
    """
    common = or_default(common)
    client = common.client()
    orders.tell_events(client, resume_id, "resumes", common)
    return _ended(client.show_resume(resume_id).data, common)


@resumes_app.command
def abort(resume_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Withdraw the starts that were not sent yet. Those jobs stay stopped; sent starts go on.

    Example: `sluiceway resumes abort 9`

    Parameters
    ----------
    resume_id
        The id that the resume was accepted under.
    """
    return orders.withdraw(resume_id, "resumes", or_default(common))


@resumes_app.command
def proceed(resume_id: PositiveInt, /, *, common: Common | None = None) -> int:
    """Continue a resume that --abort-when has paused, whatever has failed so far.

    Exits with 0 when it goes on, and with 1 when it was not paused.

    Example: `sluiceway resumes proceed 9`

    Parameters
    ----------
    resume_id
        The id that the resume was accepted under.
    """
    return orders.let_go_on(resume_id, "resumes", or_default(common))


def begun(client: Client, data: Any, terms: Terms, *, wait: bool, timeout: float | None, common: Common) -> int:
    """Report on a request to bring jobs back, after waiting for them where asked.

    Of a dry run, tell what it has shown.
    """
    answers = read(data, Answers)
    if terms.dry_run:
        return show_way_back(answers, data, common)
    common.names(answers.id)
    if common.words:
        _say_accepted(answers)
    end: tuple[Any, int] | None = None
    others: list[dict[str, object]] = []
    code = 0
    if wait:
        end = watched(client, answers.id, timeout, common) if answers.id is not None else None
        mine = {view.job_id for view in read(end[0], Resume).jobs} if end else set()
        # What came back under an earlier order is waited for, too.
        rest = [answer.job_id for answer in answers.jobs if answer.accepted and answer.job_id not in mine]
        found = until_started(client, rest, timeout) if rest else []
        others = [each.shown for each in found]
        code = max(end[1] if end else 0, int(any(not each.up for each in found)))
    if common.json:
        common.document(data | ({"resume": end[0] if end else None, "statuses": others} if wait else {}))
    code = max(code, report(client, answers, quiet=common.json))
    if not common.json:
        tell_losses(client, answers)
    return code


def watched(client: Client, resume_id: int, timeout: float | None, common: Common) -> tuple[Any, int]:
    """Watch a resume to its end and show it: the resume, and the exit code."""

    def seen(data: Any) -> tuple[list[Line], bool]:
        resume = read(data, Resume)
        rests = resume.settled or resume.state == "paused" or all(_rests(view, resume) for view in resume.jobs)
        return [_line(view) for view in resume.jobs], rests

    data = orders.watched(lambda: client.show_resume(resume_id), resume_id, "resumes", seen, timeout)
    return data, _ended(data, common)


def _rests(view: BackView, resume: Resume) -> bool:
    """Whether a job may stay as it is for ever."""
    parks = resume.park_after_seconds is not None or resume.park_restarts is not None
    slow = view.unwell and (view.phase in SLOW or (view.phase == "restarting" and not parks))
    return view.phase in SETTLED or slow


def _say_accepted(answers: Answers) -> None:
    if answers.id is not None:
        say(
            t(
                "Resume {id} is accepted for {jobs}. Look at it with: sluiceway resumes show {id}",
                id=answers.id,
                jobs=tables.jobs(answers.accepted),
            )
        )
    elif not answers.jobs:
        say(t("There is no job to bring back."))


def _ended(data: Any, common: Common) -> int:
    resume = read(data, Resume)
    if common.words:
        _show(data, common)
    if resume.state == "paused":
        complain(
            one_line(
                t(
                    "The resume is paused: {state_reason} Continue it, or give up the rest, with: sluiceway "
                    "resumes proceed {id}, or: sluiceway resumes abort {id}",
                    state_reason=resume.state_reason,
                    id=resume.id,
                )
            )
        )
    elif not resume.settled:
        again = orders.look_again(resume.id, "resumes")
        complain(t("It goes on. {again}", again=again))
    if missed := sum(view.phase in {"parked", "failed"} for view in resume.jobs):
        complain(
            t(
                "{jobs} did not come back. Fix the causes, then: sluiceway resume {id} --failed --wait",
                jobs=tables.jobs(missed),
                id=resume.id,
            )
        )
    if not (resume.settled or resume.state == "paused" or all(_rests(view, resume) for view in resume.jobs)):
        return TIME_UP
    return int(any(view.phase not in BACK for view in resume.jobs))


def _show(data: Any, common: Common, columns: str | None = None) -> None:
    resume = read(data, Resume)
    if common.head and columns is None:
        orders.tell_head(
            resume, "resumes", "" if resume.stop_id is None else t(", of stop {stop_id}", stop_id=resume.stop_id)
        )
    kind = RESUME_JOBS if any(view.wave for view in resume.jobs) else RESUME_JOBS.without("wave")
    common.show(kind, data["jobs"], data, columns)
    if common.words and columns is None:
        orders.tell_plan(resume)


def _line(view: BackView) -> Line:
    return Line(view.job_id, view.name, view.phase, view.why, done=view.phase in SETTLED)
