"""`sluiceway jobs diff`: what has changed between the SQL that made a job's state and today's."""

from typing import Final

from sluiceway.cli import tables
from sluiceway.cli.answers import read
from sluiceway.cli.job_answers import JobDiff
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, ids_or_names, or_default
from sluiceway.cli.output import complain, say

UNKNOWN: Final = 2  # as diff says that it could not compare


def diff(job: str, /, *, common: Common | None = None) -> int:
    """Show what has changed in a job since the state of its next resume was made.

    Of a job that runs, since that run was started. Exits with 0 when nothing has changed, with 1 when something has,
    and with 2 when nobody knows what the job was.

    Example: `sluiceway jobs diff orders`

    Parameters
    ----------
    job
        Its id or exact name.
    """
    common = or_default(common)
    client = common.client()
    (job_id,) = ids_or_names(client, [job])
    data = client.job_diff(job_id).data
    found = read(data, JobDiff)
    if common.json:
        common.document(data)
    elif found.same is None:
        complain(_unknown(found))
    else:
        _show(found)
    return UNKNOWN if found.same is None else int(not found.same)


def _unknown(found: JobDiff) -> str:
    if found.path is None and found.run_id is None:
        return t(
            "job {job_id} has no state that it could be resumed from, so there is nothing to compare",
            job_id=found.job_id,
        )
    return t(
        "nobody knows what job {job_id} was when its state was made ({path})", job_id=found.job_id, path=found.path
    )


def _show(found: JobDiff) -> None:
    import difflib  # the other commands of `jobs` need none

    whose = t("run {run_id}", run_id=found.run_id) + (f", {found.path}" if found.path else "")
    if found.same:
        say(t("Nothing has changed since its state was made ({whose}).", whose=whose))
    lines = difflib.unified_diff(
        (found.sql_before or "").splitlines(),
        found.sql_now.splitlines(),
        t("SQL of {whose}", whose=whose),
        t("SQL now"),
        lineterm="",
    )
    for line in lines:
        say(line)
    if found.changes:
        tables.table(("setting", "then", "now"), [(one.name, one.before, one.now) for one in found.changes])
