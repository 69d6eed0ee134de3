"""`sluiceway resume`: bring back the jobs of a stop, single jobs, or those of a plan.

The command is a long function because its parameters and their help text, which Cyclopts reads, are 46 lines of it.
"""

from sluiceway.cli.answers import Answers, read
from sluiceway.cli.asking import Deed
from sluiceway.cli.choice import OPTIONS, RESTING, Choice, nothing, picked, tell_unjudged
from sluiceway.cli.client import Client
from sluiceway.cli.connection import Reply
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, Flag, Names, PositiveInt, Seconds, check_wait, commands, once, or_default
from sluiceway.cli.order_answers import Stop
from sluiceway.cli.output import Failed
from sluiceway.cli.resume_options import Back, Terms
from sluiceway.cli.resumes import begun

resume_app = commands("resume")


@resume_app.default
def resume(
    stop_id: PositiveInt | None = None,
    /,
    *,
    job: Names = (),
    choice: Choice | None = None,
    plan: PositiveInt | None = None,
    failed: Flag = False,
    terms: Terms | None = None,
    back: Back | None = None,
    wait: Flag = False,
    timeout: Seconds = None,
    common: Common | None = None,
) -> int:
    """Bring back exactly the jobs that a stop has stopped, each from its own savepoint, the last wave first.

    Exits with 0 when the start of every job is accepted; with --wait, when every job is back: all of its tasks have
    run, and it has completed a checkpoint since, where it takes any. A job that keeps failing instead is
    parked: canceled, with its state intact and the cause shown. The others go on. Ctrl-C ends the waiting, not
    the resume.

    Example: `sluiceway resume 7 --dry-run`, then `sluiceway resume --plan PLAN_ID --wait`

    Many jobs: `sluiceway resume 7 --max-parallel 20 --pace 30 --wait`

    Single jobs: `sluiceway resume --job orders payments`

    Whatever is stopped of some: `sluiceway resume -l 'team=payments' --cluster-label env=prod --dry-run`

    Those that did not come back, once the cause is fixed: `sluiceway resume 7 --failed --wait`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under; `sluiceway stops list` shows the latest. With --failed also that of a
        resume.
    job
        Ids or exact names of jobs, each to start from its newest savepoint or checkpoint.
    plan
        Carry out exactly what a dry run has shown, by its id; nothing is done if anything has changed.
    failed
        Only jobs that are parked or have failed on the last way back, each from its newest state, and otherwise as
        before.
    wait
        Wait until each job is back, or will not come.
    timeout
        How long to wait at most, such as 90s or 1h30m. The resume goes on all the same.
    """
    choice = choice or Choice()
    if (stop_id is not None, bool(job), plan is not None, bool(choice)).count(True) != 1:
        raise Failed(
            t(
                "Say what to resume, in one way: the id of a stop, or --job with ids or names, or what "
                "the jobs have in common ({options}), or --plan.",
                options=OPTIONS,
            ),
            code=2,
        )
    if failed and stop_id is None:
        raise Failed(t("--failed is about a stop or a resume: give its id."), code=2)
    check_wait(timeout, wait=wait)
    common, terms, how = or_default(common), terms or Terms(), (back or Back()).body()
    client = common.client()
    if plan is not None:
        terms.refuse(t("A plan has its own terms, or leave out --dry-run and the options that allow something."))
        if how:
            raise Failed(t("A plan already says how to bring the jobs back; give nothing beside it."), code=2)
        reply = client.resume_jobs({"plan": plan})
    elif stop_id is not None:
        reply = _order(client, stop_id, terms, how, failed=failed)
    elif choice:
        reply = _chosen(client, choice, terms, how)
    else:
        reply = _jobs(client, once(client, job), terms, how)
    return begun(client, reply.data, terms, wait=wait, timeout=timeout, common=common)


def _order(client: Client, order: int, terms: Terms, how: dict[str, object], *, failed: bool) -> Reply:
    """The jobs of a stop, or those that failed on a way back."""
    body = terms.body() | how
    if failed:
        return client.resume_failed(order, body)
    deed = _deed(terms)
    if not deed.yes:
        found = read(client.show_stop(order).data, Stop)
        deed.confirm(sum(view.phase == "stopped" for view in found.jobs))
    return client.resume_stop(order, body)


def _jobs(client: Client, job_ids: list[int], terms: Terms, how: dict[str, object]) -> Reply:
    _deed(terms).confirm(len(job_ids))
    return client.resume_jobs({"job_ids": job_ids} | terms.body() | how)


def _chosen(client: Client, choice: Choice, terms: Terms, how: dict[str, object]) -> Reply:
    """The jobs that are meant. What was counted is what is resumed."""
    if not _deed(terms).yes:
        return _jobs(client, picked(client, choice, RESTING, t("can be resumed")), terms, how)
    reply = client.resume_jobs({"select": choice.body()} | terms.body() | how)
    tell_unjudged(read(reply.data, Answers).unjudged)
    if not reply.data["jobs"]:
        nothing(client, choice, t("can be resumed"))
    return reply


def _deed(terms: Terms) -> Deed:
    return Deed(t("resumed"), terms.yes or terms.dry_run)
