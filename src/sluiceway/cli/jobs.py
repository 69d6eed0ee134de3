"""`sluiceway jobs`: create jobs, start, show and delete them. Uses DLI's paths, like any client."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from sluiceway.cli import tables
from sluiceway.cli.answers import Answers, each, read
from sluiceway.cli.asking import Deed
from sluiceway.cli.choice import IDLE, RESTING, Choice, JobNames, picked
from sluiceway.cli.client import Client
from sluiceway.cli.columns import Column, Kind
from sluiceway.cli.dry_run import show_way_back
from sluiceway.cli.job_answers import Fare
from sluiceway.cli.job_check import checked
from sluiceway.cli.job_columns import HEALTH
from sluiceway.cli.job_columns import name as job_name
from sluiceway.cli.job_details import show_job
from sluiceway.cli.job_diff import diff
from sluiceway.cli.job_fields import JobFields
from sluiceway.cli.job_health import Started, ails, until_started
from sluiceway.cli.job_list import list_
from sluiceway.cli.job_logs import logs
from sluiceway.cli.job_program import program
from sluiceway.cli.job_source import Arguments, Source
from sluiceway.cli.job_tags import tag
from sluiceway.cli.job_update import update
from sluiceway.cli.language import t
from sluiceway.cli.options import (
    Common,
    Flag,
    PositiveInt,
    Seconds,
    check_wait,
    commands,
    ids_or_names,
    once,
    or_default,
)
from sluiceway.cli.outcomes import report, tell_losses
from sluiceway.cli.output import TIME_UP, Failed, complain, say
from sluiceway.cli.output_options import ColumnNames
from sluiceway.cli.resume_options import Terms
from sluiceway.cli.stakes import by_deletion

_STARTED: Final = Kind(
    Started,
    (
        Column("id", lambda each: str(each.job.job_id)),
        Column("name", lambda each: each.job.name),
        Column("status", lambda each: each.state),
        Column("why", lambda each: each.why),
    ),
    lambda each: job_name(each.job.job_id, each.job.name),
)

app = commands("jobs", "Make, start, list, show and delete jobs.")


@app.command
def create(
    name: str,
    /,
    *args: Arguments,
    source: Source | None = None,
    fields: JobFields | None = None,
    check: Flag = False,
    run: Flag = False,
    common: Common | None = None,
) -> int:
    """Create a Flink job of SQL, or of a jar.

    The SQL may hold several statements: tables, SET, and INSERTs, which become one job. A jar on this machine is
    uploaded; what a running job was started with stays as it is.

    Example: `sluiceway jobs create orders --sql orders.sql --checkpoint-interval 10 --run`

    Of a jar: `sluiceway jobs create orders --jar orders.jar --class com.shop.Orders -- --topic orders`

    Parameters
    ----------
    name
        Letters, digits, `_` and `-`; no other job of the project has it.
    args
        Arguments of the main method of a jar, behind `--`.
    check
        Only compile the SQL, as its cluster would run it, and look at the options. Nothing is created. Exits with 1
        where something is wrong, or where nobody can tell now.
    run
        Start it at once.
    """
    common, source, fields = or_default(common), source or Source(), fields or JobFields()
    source.check(args)
    if (source.sql is None) == (source.jar is None):
        raise Failed(t("Say what the job is made of: --sql FILE, or --jar FILE."), code=2)
    client = common.client()
    if check:
        return checked(client, source, fields, common)
    body = {"name": name} | fields.body()
    if source.sql is not None:
        job = client.create_sql_job(body | {"sql_body": source.text()})
    else:
        fields.check_jar()
        job = client.create_jar_job(body | source.program(client, args, quiet=common.json))
    return _created(client, job, name, run=run, common=common)


def _created(client: Client, job: Any, name: str, *, run: bool, common: Common) -> int:
    job_id = int(job["job_id"])
    common.names(job_id)
    if common.words and run:
        say(t("Job {job_id} ({name}) is created.", job_id=job_id, name=name))
    elif common.words:
        say(t("Job {job_id} ({name}) is created. Start it with: sluiceway jobs run {job_id}", job_id=job_id, name=name))
    try:
        answers = client.run([job_id], resume=False) if run else None
    except Failed as failed:  # the job is there all the same
        if common.json:
            common.document({"job": job, "run": None})
        raise Failed(
            t(
                "Job {job_id} ({name}) is created, and its start has failed: {failed}. Start it with: "
                "sluiceway jobs run {job_id}",
                job_id=job_id,
                name=name,
                failed=failed,
            )
        ) from failed
    if common.json:
        common.document({"job": job, "run": _as_json(answers) if answers else None})
    elif answers and answers.accepted and common.words:
        say(t("Its start is accepted. Look at it with: sluiceway jobs show {job_id}", job_id=job_id))
    return report(client, answers, quiet=common.json) if answers else 0


@app.command
def run(
    jobs: JobNames = (),
    /,
    *,
    choice: Choice | None = None,
    resume: Flag = False,
    terms: Terms | None = None,
    wait: Flag = False,
    timeout: Seconds = None,
    common: Common | None = None,
) -> int:
    """Start jobs.

    Exits with 0 when every start is accepted; with --wait, when every job runs: all of its tasks, and with a first
    checkpoint where it takes any. With 1, and the cause, when one fails or keeps restarting.

    What it chooses by a common trait are jobs that do not run, and that have not finished; with --resume those that are
    stopped. --status says otherwise.

    Example: `sluiceway jobs run orders payments --resume --wait`

    Parameters
    ----------
    resume
        Start each from its newest savepoint or checkpoint; with --dry-run only say which that is.
    wait
        Wait until each job runs, or has failed to.
    timeout
        How long to wait at most, such as 90s or 1h30m. The start goes on all the same.
    """
    check_wait(timeout, wait=wait)
    common, terms = or_default(common), terms or Terms()
    client = common.client()
    wanted = _meant(client, jobs, choice or Choice(), RESTING if resume else IDLE)
    if not resume:
        terms.refuse(t("Give --resume, or leave out --dry-run and the options that allow something."))
        Deed(t("started from nothing"), terms.yes).confirm(len(wanted))
        return start(client, client.run(wanted, resume=False), wait=wait, timeout=timeout, common=common)
    Deed(t("resumed"), terms.yes or terms.dry_run).confirm(len(wanted))
    reply = client.resume_jobs({"job_ids": wanted} | terms.body())
    return resumed(client, reply.data, terms, wait=wait, timeout=timeout, common=common)


def resumed(client: Client, data: Any, terms: Terms, *, wait: bool, timeout: float | None, common: Common) -> int:
    """Report on a request to resume jobs, or on its dry run."""
    answers = read(data, Answers)
    if terms.dry_run:
        return show_way_back(answers, data, common)
    return start(client, answers, wait=wait, timeout=timeout, common=common)


def start(client: Client, answers: Answers, *, wait: bool, timeout: float | None, common: Common) -> int:
    """Report on a request to start jobs, after waiting for them where asked."""
    accepted = list(dict.fromkeys(answer.job_id for answer in answers.jobs if answer.accepted))
    found = until_started(client, accepted, timeout) if wait else []
    if common.json:
        states = [each.shown for each in found]
        common.document(_as_json(answers) | ({"statuses": states} if wait else {}))
    elif found:
        common.table(_STARTED, found)
    elif not common.words:
        common.names(*accepted)
    elif accepted:
        say(t("The start of {jobs} is accepted.", jobs=tables.jobs(len(accepted))))
    code = report(client, answers, quiet=common.json)
    if not common.json:
        tell_losses(client, answers)
    if any(each.coming for each in found):
        complain(t("The time is up. Starts under way go on; look with: sluiceway jobs health"))
        return code or TIME_UP
    return code or int(any(not each.up for each in found))


app.command(list_, name="list")


@app.command
def show(job: str, /, *, columns: ColumnNames = None, common: Common | None = None) -> int:
    """Show everything about a job.

    Example: `sluiceway jobs show orders`

    Parameters
    ----------
    job
        Its id or exact name.
    """
    common = or_default(common)
    client = common.client()
    (job_id,) = ids_or_names(client, [job])
    return show_job(client, job_id, columns, common)


@app.command
def health(
    jobs: JobNames = (),
    /,
    *,
    ailing: Flag = False,
    leaving: Flag = False,
    limit: PositiveInt = 100,
    columns: ColumnNames = None,
    common: Common | None = None,
) -> int:
    """Show the health of jobs: whether all of their tasks run, and the cause where they do not.

    Exits with 1 when a shown job keeps restarting, or lacks slots.

    Example: `sluiceway jobs health --ailing`

    Parameters
    ----------
    ailing
        Only jobs that restart, or lack slots.
    leaving
        Only jobs that were deleted, and that Flink has yet to end.
    limit
        How many to show.
    """
    common = or_default(common)
    client = common.client()
    if jobs and (ailing or leaving):
        raise Failed(t("Name jobs, or say --ailing or --leaving, not both."), code=2)
    if jobs:
        wanted = _some(client, jobs)
        fares = list(client.fares(wanted).values())
    else:
        fares = client.all_fares(limit, ailing=ailing, leaving=leaving)
    common.show(HEALTH, fares, {"jobs": fares}, columns)
    return int(any(ails(fare) for fare in each(fares, Fare)))


app.command(diff)
app.command(program)
app.command(tag)
app.command(logs)
app.command(update)


@app.command
def delete(jobs: JobNames, /, *, yes: Flag = False, common: Common | None = None) -> int:
    """Delete jobs. One that runs is canceled first, without a savepoint.

    On a terminal it says which may be running, and asks first. Elsewhere it needs --yes.

    Example: `sluiceway jobs delete 12 13 --yes`

    Parameters
    ----------
    yes
        Ask nothing.
    """
    common = or_default(common)
    deed = Deed(t("deleted"), yes, "sluiceway jobs delete")
    client = common.client()
    if jobs:
        deed.check()
    wanted = _some(client, jobs)
    if not yes:
        deed.confirm(len(wanted), by_deletion(list(each(list(client.fares(wanted).values()), Fare))))
    answers = client.delete(wanted)
    if common.json:
        common.document(_as_json(answers))
    elif not common.words:
        common.names(*(answer.job_id for answer in answers.jobs if answer.accepted))
    elif answers.accepted:
        say(t("Deleted: {jobs}.", jobs=tables.jobs(answers.accepted)))
    return report(client, answers, quiet=common.json)


def _some(client: Client, given: Sequence[str]) -> list[int]:
    if not given:
        raise Failed(t("Say which jobs: their ids or names."), code=2)
    return once(client, given)


def _meant(client: Client, jobs: Sequence[str], choice: Choice, statuses: Sequence[str]) -> list[int]:
    """The jobs that are named, or that have something in common. Raises `Failed`."""
    choice.check(jobs)
    return once(client, jobs) if jobs else picked(client, choice, statuses, t("can be started"))


def _as_json(answers: Answers) -> dict[str, Any]:
    jobs: list[Mapping[str, object]] = [
        {"job_id": a.job_id, "accepted": a.accepted, "code": a.code, "message": a.message}
        | ({"way_back": msgspec.to_builtins(a.way_back)} if a.way_back else {})
        for a in answers.jobs
    ]
    return {"accepted": answers.accepted, "refused": answers.refused, "jobs": jobs}
