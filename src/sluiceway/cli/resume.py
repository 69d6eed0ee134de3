"""`sluiceway resume`: bring back what a stop has stopped, or single jobs, or what a plan has shown."""

from cyclopts.types import PositiveInt

from sluiceway.cli.answers import Stop, read
from sluiceway.cli.asking import asks, confirm
from sluiceway.cli.client import Client, Reply
from sluiceway.cli.jobs import resumed
from sluiceway.cli.options import Common, Flag, Names, Seconds, check_wait, commands, ids_or_names, or_default
from sluiceway.cli.output import Failed
from sluiceway.cli.resume_options import Terms

resume_app = commands("resume")


@resume_app.default
def resume(
    stop_id: PositiveInt | None = None,
    /,
    *,
    job: Names = (),
    plan: PositiveInt | None = None,
    terms: Terms | None = None,
    wait: Flag = False,
    timeout: Seconds = None,
    common: Common | None = None,
) -> int:
    """Bring back exactly the jobs that a stop has stopped, each from its own savepoint.

    Exits with 0 when the start of every job is accepted; with --wait, when every job runs: all of its tasks, and with a
    first checkpoint where it takes any. With 1 when one fails, or starts again and again; the cause is told.

    Example: `sluiceway resume 7 --dry-run`, then `sluiceway resume --plan PLAN_ID --wait`

    Single jobs: `sluiceway resume --job orders payments`

    Parameters
    ----------
    stop_id
        The id that the stop was accepted under; `sluiceway stops list` shows the latest.
    job
        Ids or exact names of jobs, each to start from its newest savepoint or checkpoint.
    plan
        Carry out exactly what a dry run has shown, by the id that it told; nothing is done if anything has changed.
    wait
        Wait until each job runs, or has failed to.
    timeout
        Seconds to wait at most. The start goes on all the same.
    """
    if (stop_id is not None, bool(job), plan is not None).count(True) != 1:
        raise Failed("Say what to resume, in one way: the id of a stop, or --job with ids or names, or --plan.", code=2)
    check_wait(timeout, wait=wait)
    common, terms = or_default(common), terms or Terms()
    client = common.client()
    if plan is not None:
        terms.refuse("A plan says itself on which terms")
        reply = client.resume_jobs({"plan": plan})
    elif stop_id is not None:
        reply = _stop(client, stop_id, terms)
    else:
        reply = _jobs(client, ids_or_names(client, job), terms)
    return resumed(client, reply.data, terms, wait=wait, timeout=timeout, common=common)


def _stop(client: Client, stop_id: int, terms: Terms) -> Reply:
    if asks(yes=terms.yes) and not terms.dry_run:
        found = read(client.show_stop(stop_id).data, Stop)
        confirm(sum(view.phase == "stopped" for view in found.jobs), "resumed")
    return client.resume_stop(stop_id, terms.body())


def _jobs(client: Client, job_ids: list[int], terms: Terms) -> Reply:
    if asks(yes=terms.yes) and not terms.dry_run:
        confirm(len(set(job_ids)), "resumed")
    return client.resume_jobs({"job_ids": job_ids} | terms.body())
